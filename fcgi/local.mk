include fcgi/core/local.mk
include fcgi/registry/local.mk
include fcgi/garant/local.mk
include fcgi/api/local.mk

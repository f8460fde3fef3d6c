noinst_LIBRARIES += common/libcommon.a
common_libcommon_a_SOURCES =
include common/base/local.mk
include common/conf/local.mk
include common/json/local.mk
include common/crypt/local.mk
include common/db/local.mk
include common/oci/local.mk
include common/blob/local.mk
include common/model/local.mk

# Unit tests mirror common/ and fcgi/core; each folder lists its own programs.
# `make check` needs no server.
include tests/unit/base/local.mk
include tests/unit/json/local.mk
include tests/unit/oci/local.mk
include tests/unit/crypt/local.mk
include tests/unit/conf/local.mk
include tests/unit/db/local.mk
include tests/unit/blob/local.mk
include tests/unit/model/local.mk
include tests/unit/core/local.mk
include tests/unit/garant/local.mk
include tests/unit/cli/local.mk
include tests/db/local.mk
include tests/fcgi/local.mk
include tests/fuzz/local.mk
include tests/fault/local.mk

# headers of tests, and what is no program
EXTRA_DIST += tests/unit/pool_fixture.h tests/unit/unit.h tests/unit/crypt/keys.h tests/case tests/lib \
	tests/live tests/protocol

common_libcommon_a_SOURCES += \
	common/db/admin.c \
	common/db/conn.c \
	common/db/db.c \
	common/db/db.h \
	common/db/db_private.h \
	common/db/host.c \
	common/db/lookup.c \
	common/db/number.c \
	common/db/stmt.c \
	common/db/txn.c

common_libcommon_a_SOURCES += \
	common/db/db.h

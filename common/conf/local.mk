common_libcommon_a_SOURCES += \
	common/conf/conf.c \
	common/conf/conf.h \
	common/conf/conf_check.c \
	common/conf/conf_keys.def \
	common/conf/conf_private.h \
	common/conf/load.c \
	common/conf/load.h

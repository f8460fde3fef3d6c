common_libcommon_a_SOURCES += \
	common/json/jscheck.c \
	common/json/jscheck.h \
	common/json/jsr.c \
	common/json/jsr.h \
	common/json/jsw.c \
	common/json/jsw.h

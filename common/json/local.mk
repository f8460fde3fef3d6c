common_libcommon_a_SOURCES += \
	common/json/jscheck.h \
	common/json/jsr.h \
	common/json/jsw.h

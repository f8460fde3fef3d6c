common_libcommon_a_SOURCES += \
	common/blob/blob.h \
	common/blob/blob_driver.h

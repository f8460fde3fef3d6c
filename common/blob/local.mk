common_libcommon_a_SOURCES += \
	common/blob/blob.c \
	common/blob/blob.h \
	common/blob/blob_driver.h \
	common/blob/blob_fs.c

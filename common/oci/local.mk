common_libcommon_a_SOURCES += \
	common/oci/image_config.h \
	common/oci/manifest.h \
	common/oci/name.h \
	common/oci/oci_digest.h

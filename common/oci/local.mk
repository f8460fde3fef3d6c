common_libcommon_a_SOURCES += \
	common/oci/image_config.c \
	common/oci/image_config.h \
	common/oci/manifest.c \
	common/oci/manifest.h \
	common/oci/name.c \
	common/oci/name.h \
	common/oci/oci_digest.c \
	common/oci/oci_digest.h \
	common/oci/referrer_index.c \
	common/oci/referrer_index.h

/* Image configurations: the platform that an image is made for. Pure. */
#ifndef COMMON_OCI_IMAGE_CONFIG_H
#define COMMON_OCI_IMAGE_CONFIG_H

struct err;
struct pool;

struct oci_image_config {
	const char *os;		  /* "" if not said */
	const char *architecture; /* "" if not said */
	const char *created;	  /* as given, "" if not said */
};

/* E_INVALID if it is not strict JSON or a member has the wrong type. */
int oci_image_config_parse(struct oci_image_config *out, struct pool *pool,
    const char *text, size_t n, struct err *err);

#endif

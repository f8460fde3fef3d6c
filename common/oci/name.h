/*
 * Repository names and tags (OCI distribution spec 1.1, "Pulling manifests";
 * reference grammar of the Docker clients). Pure.
 */
#ifndef COMMON_OCI_NAME_H
#define COMMON_OCI_NAME_H

/* One NAME_MAX for "namespace/name/more"; host names count beside it. */
#define OCI_NAME_MAX 200
#define OCI_TAG_MAX 128
/* of a digest, in the name of a tag that belongs to it */
#define OCI_ATTACHED_DIGITS 64

/*
 * [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* components joined by "/", 1 to
 * OCI_NAME_MAX bytes.
 */
bool oci_name_is_valid(const char *name);

/* One such component alone (a namespace, an account's name). */
bool oci_component_is_valid(const char *name);

/* [A-Za-z0-9_][A-Za-z0-9._-]{0,127} */
bool oci_tag_is_valid(const char *tag);

/*
 * Is it a tag of something that belongs to a digest: a list of referrers
 * ("sha256-<64 digits>", also of a longer digest; OCI distribution spec 1.1,
 * "Referrers Tag Schema") or a signature ("sha256-<64 digits>.sig", cosign)?
 * Tools move them whenever they add to them.
 */
bool oci_tag_is_attached(const char *tag);

#endif

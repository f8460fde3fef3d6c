/*
 * The headers Range (RFC 9110 section 14.2) and Content-Range in the form of
 * the OCI distribution spec ("0-99", without unit and total).
 */
#ifndef FCGI_CORE_RANGE_H
#define FCGI_CORE_RANGE_H

struct range {
	uint64_t first;
	uint64_t last; /* inclusive */
};

enum range_result {
	RANGE_NONE,	      /* send the whole: no, several or odd ranges */
	RANGE_ONE,	      /* send this part with 206 */
	RANGE_UNSATISFIABLE,  /* 416 */
};

/*
 * Range header of a resource of size bytes; header may be NULL. "bytes=5-3"
 * is unsatisfiable here: conformance tests ask for it.
 */
enum range_result range_parse(
    struct range *out, const char *header, uint64_t size);

/*
 * "first-last", also with "bytes " before and the total or a star behind a
 * slash; false if odd, last < first or last >= total.
 */
bool range_parse_content(struct range *out, const char *header);

#endif

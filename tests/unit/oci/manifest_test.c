/* Manifests and indexes: what is read of them, and what is refused. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/oci/manifest.h"

#define DIGEST(c)                              \
 "sha256:" c "0000000000000000000000000000000" \
 "00000000000000000000000000000000"
#define SHA512                                                         \
 "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36c" \
 "e9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
#define DESCRIPTOR(type, c, size)                            \
 "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST(c) "\"," \
						       "\"size\":" size "}"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE  "application/vnd.oci.image.layer.v1.tar+gzip"
#define CONFIG      "\"config\":" DESCRIPTOR(CONFIG_TYPE, "a", "7023")
#define V2          "\"schemaVersion\":2"
#define TYPE(type)  "\"mediaType\":\"" type "\""
/* the least that is a manifest, and more members */
#define MANIFEST(more) "{" V2 "," CONFIG more "}"
#define INDEX(more)    "{" V2 "," TYPE(OCI_TYPE_INDEX) more "}"

static struct oci_manifest m;

static int
parse_as(const char *type, const char *text)
{
	/* what was there before does not matter */
	memset(&m, 0x55, sizeof(m));
	return oci_manifest_parse(&m, pool, type, text, strlen(text), &err);
}

static void
assert_accepted(const char *type, const char *text)
{
	if (parse_as(type, text) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void
assert_refused(const char *type, const char *text, const char *expected)
{
	if (parse_as(type, text) != E_INVALID)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, E_INVALID);
	assert_string_equal(err.reason, "MANIFEST_INVALID");
	assert_string_equal(err.text, expected);
}

static void
assert_digest(const struct oci_digest *digest, const char *expected)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(text, digest);
	assert_string_equal(text, expected);
}

static void
test_docker_manifest(void **state UNUSED)
{
	assert_accepted(OCI_TYPE_DOCKER_MANIFEST,
	    "{\n   \"schemaVersion\": 2,\n"
	    "   \"mediaType\": \"" OCI_TYPE_DOCKER_MANIFEST "\",\n"
	    "   \"config\": {\n"
	    "      \"mediaType\": "
	    "\"application/vnd.docker.container.image.v1+json\",\n"
	    "      \"size\": 7023,\n"
	    "      \"digest\": \"" DIGEST(
		"a") "\"\n   },\n"
		     "   \"layers\": [\n"
		     "      {\"mediaType\": "
		     "\"application/vnd.docker.image.rootfs.diff.tar.gzip\","
		     " \"size\": 32654, \"digest\": \"" DIGEST(
			 "b") "\"},\n"
			      "      {\"mediaType\": "
			      "\"application/vnd.docker.image.rootfs.diff.tar.gzip\","
			      " \"size\": 0, \"digest\": \"" SHA512
			      "\"}\n   ]\n}\n");
	assert_int_equal(m.kind, OCI_KIND_MANIFEST);
	assert_string_equal(m.media_type, OCI_TYPE_DOCKER_MANIFEST);
	assert_true(m.has_config);
	assert_digest(&m.config.digest, DIGEST("a"));
	assert_true(m.config.size == 7023);
	assert_int_equal(m.item_count, 2);
	assert_digest(&m.items[0].digest, DIGEST("b"));
	assert_digest(&m.items[1].digest, SHA512);
	assert_true(m.items[0].size == 32654);
	assert_true(m.items[1].size == 0);
	assert_string_equal(m.items[0].media_type,
	    "application/vnd.docker.image.rootfs.diff.tar.gzip");
	assert_false(m.items[0].is_foreign);
	assert_false(m.has_subject);
	assert_null(m.annotations);
	assert_string_equal(
	    m.artifact_type, "application/vnd.docker.container.image.v1+json");
}

static void
test_index(void **state UNUSED)
{
	assert_accepted(OCI_TYPE_INDEX,
	    INDEX(",\"manifests\":[{" TYPE(
		OCI_TYPE_MANIFEST) ","
				   "\"digest\":\"" DIGEST(
				       "1") "\",\"size\":500,"
					    "\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\","
					    "\"variant\":\"v8\",\"os.features\":[\"x\"]}},"
					    "{\"digest\":\"" DIGEST(
						"2") "\",\"size\":501,"
						     "\"platform\":{}},"
						     "{\"digest\":\"" DIGEST(
							 "3") "\",\"size\":502}],"
							      "\"annotations\":{\"b\":\"2\",\"a\":\"1\"}"));
	assert_int_equal(m.kind, OCI_KIND_INDEX);
	assert_false(m.has_config);
	assert_int_equal(m.item_count, 3);
	assert_string_equal(m.items[0].os, "linux");
	assert_string_equal(m.items[0].architecture, "arm64");
	assert_null(m.items[1].os);
	assert_null(m.items[2].architecture);
	assert_string_equal(m.items[1].media_type, "");
	assert_null(m.artifact_type);
	/* in the document's order */
	assert_string_equal(m.annotations, "{\"b\":\"2\",\"a\":\"1\"}");
	/* an index of an index, as buildx makes them */
	assert_accepted(OCI_TYPE_INDEX,
	    INDEX(",\"manifests\":[" DESCRIPTOR(OCI_TYPE_INDEX, "4", "1") "]"));
}

static void
test_artifact(void **state UNUSED)
{
	assert_accepted(NULL,
	    MANIFEST(",\"artifactType\":\"application/x.sig\",\"layers\":[],"
		     "\"subject\":" DESCRIPTOR(OCI_TYPE_MANIFEST, "5", "9")));
	assert_string_equal(m.artifact_type, "application/x.sig");
	assert_true(m.has_subject);
	assert_digest(&m.subject.digest, DIGEST("5"));
	/* the configuration's type stands in for it */
	assert_accepted(NULL, MANIFEST(""));
	assert_string_equal(m.artifact_type, CONFIG_TYPE);
	/* and for an empty one, which is none */
	assert_accepted(NULL, MANIFEST(",\"artifactType\":\"\""));
	assert_string_equal(m.artifact_type, CONFIG_TYPE);
	assert_accepted(NULL, INDEX(",\"artifactType\":\"\""));
	assert_null(m.artifact_type);
	assert_accepted(NULL,
	    "{" V2 ",\"config\":{\"digest\":\"" DIGEST("a") "\","
							    "\"size\":1}}");
	assert_null(m.artifact_type);
}

/* layers may be absent, empty or null; unknown members may be anything */
static void
test_lenient(void **state UNUSED)
{
	static const char *const texts[] = {
		MANIFEST(""),
		MANIFEST(",\"layers\":[]"),
		MANIFEST(",\"layers\":null,\"manifests\":null,"
			 "\"subject\":null,\"annotations\":null,"
			 "\"artifactType\":null,\"mediaType\":null"),
		MANIFEST(",\"unknown\":{\"a\":[1,2.5,null,true]}"),
		MANIFEST(",\"annotations\":{}"),
		MANIFEST("") "  \n\t ",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_accepted(OCI_TYPE_MANIFEST, texts[i]);
		assert_int_equal(m.item_count, 0);
		assert_false(m.has_subject);
	}
	assert_accepted(OCI_TYPE_INDEX, INDEX(""));
	assert_accepted(OCI_TYPE_INDEX, INDEX(",\"manifests\":[]"));
}

static void
test_types(void **state UNUSED)
{
	static const struct {
		const char *type;
		const char *text;
		const char *result; /* NULL: refused */
	} cases[] = {
		{ NULL, MANIFEST(""), OCI_TYPE_MANIFEST },
		{ NULL, "{" V2 ",\"manifests\":[]}", OCI_TYPE_INDEX },
		{ NULL, MANIFEST("," TYPE(OCI_TYPE_DOCKER_MANIFEST)),
		    OCI_TYPE_DOCKER_MANIFEST },
		{ NULL, "{" V2 "," TYPE(OCI_TYPE_DOCKER_LIST) "}",
		    OCI_TYPE_DOCKER_LIST },
		{ OCI_TYPE_DOCKER_MANIFEST, MANIFEST(""),
		    OCI_TYPE_DOCKER_MANIFEST },
		{ OCI_TYPE_DOCKER_LIST, "{" V2 "}", OCI_TYPE_DOCKER_LIST },
		{ OCI_TYPE_MANIFEST "; charset=utf-8", MANIFEST(""),
		    OCI_TYPE_MANIFEST },
		{ " \t" OCI_TYPE_MANIFEST " ;x", MANIFEST(""),
		    OCI_TYPE_MANIFEST },
		{ "", MANIFEST(""), NULL },
		{ "text/plain", MANIFEST(""), NULL },
		{ OCI_TYPE_MANIFEST "x", MANIFEST(""), NULL },
		{ OCI_TYPE_MANIFEST, MANIFEST("," TYPE(OCI_TYPE_INDEX)), NULL },
		{ OCI_TYPE_DOCKER_MANIFEST,
		    MANIFEST("," TYPE(OCI_TYPE_MANIFEST)), NULL },
		{ NULL, MANIFEST("," TYPE("application/json")), NULL },
		{ NULL, MANIFEST(",\"mediaType\":\"\""), NULL },
		{ NULL, MANIFEST(",\"mediaType\":7"), NULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int rc = parse_as(cases[i].type, cases[i].text);

		if (cases[i].result == NULL) {
			assert_int_equal(rc, E_INVALID);
			assert_string_equal(err.reason, "MANIFEST_INVALID");
		} else {
			assert_int_equal(rc, 0);
			assert_string_equal(m.media_type, cases[i].result);
		}
	}
}

static void
test_type_errors(void **state UNUSED)
{
	assert_refused("text/plain; charset=x", MANIFEST(""),
	    "media type \"text/plain\" is not that of an image manifest or "
	    "index");
	assert_refused(OCI_TYPE_MANIFEST, MANIFEST("," TYPE("x/y")),
	    "Content-Type \"" OCI_TYPE_MANIFEST "\" differs from the "
	    "document's mediaType \"x/y\"");
}

/* CVE-2021-41190: one document, read as two images */
static void
test_two_kinds(void **state UNUSED)
{
	static const char no_manifests[] =
	    "a document of media type \"" OCI_TYPE_MANIFEST "\" has no member "
	    "\"manifests\"";
	static const char no_layers[] =
	    "a document of media type \"" OCI_TYPE_INDEX "\" has no member "
	    "\"layers\"";
	static const char no_config[] =
	    "a document of media type \"" OCI_TYPE_INDEX "\" has no member "
	    "\"config\"";

	assert_refused(OCI_TYPE_MANIFEST,
	    MANIFEST(",\"layers\":[],\"manifests\":[]"), no_manifests);
	assert_refused(
	    OCI_TYPE_MANIFEST, MANIFEST(",\"manifests\":{}"), no_manifests);
	assert_refused(
	    NULL, MANIFEST(",\"layers\":[],\"manifests\":[]"), no_layers);
	assert_refused(OCI_TYPE_INDEX, INDEX(",\"layers\":[],\"manifests\":[]"),
	    no_layers);
	assert_refused(OCI_TYPE_INDEX, INDEX(",\"layers\":0"), no_layers);
	assert_refused(OCI_TYPE_INDEX, INDEX("," CONFIG), no_config);
	assert_refused(NULL, MANIFEST(",\"manifests\":[]"), no_config);
}

/* the same by names that Go's readers take for others */
static void
test_case_of_names(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *place;
		const char *name;
	} cases[] = {
		{ MANIFEST(",\"Layers\":[]"), "/Layers", "layers" },
		{ MANIFEST(",\"layers\":[],\"LAYERS\":[]"), "/LAYERS",
		    "layers" },
		{ MANIFEST(",\"Manifests\":[]"), "/Manifests", "manifests" },
		{ MANIFEST(",\"manife\xc5\xbfts\":[]"), "/manife\xc5\xbfts",
		    "manifests" },
		{ MANIFEST(",\"manife\\u017Ft\xc5\xbf\":[]"),
		    "/manife\xc5\xbft\xc5\xbf", "manifests" },
		{ MANIFEST(",\"MediaType\":7"), "/MediaType", "mediaType" },
		{ MANIFEST(",\"mediatype\":7"), "/mediatype", "mediaType" },
		{ MANIFEST(",\"Subject\":null"), "/Subject", "subject" },
		{ MANIFEST(",\"ArtifactType\":\"x\""), "/ArtifactType",
		    "artifactType" },
		{ MANIFEST(",\"Annotations\":{}"), "/Annotations",
		    "annotations" },
		{ INDEX(",\"Config\":{}"), "/Config", "config" },
		{ "{\"SchemaVersion\":2}", "/SchemaVersion", "schemaVersion" },
		{ "{" V2 ",\"config\":{\"Digest\":1}}", "/config/Digest",
		    "digest" },
		{ MANIFEST(",\"layers\":[" DESCRIPTOR(
		      "x", "1", "1") ",{\"SIZE\":1}]"),
		    "/layers/1/SIZE", "size" },
		{ INDEX(",\"manifests\":[{\"url\xc5\xbf\":[]}]"),
		    "/manifests/0/url\xc5\xbf", "urls" },
		{ INDEX(",\"manifests\":[{\"Platform\":{}}]"),
		    "/manifests/0/Platform", "platform" },
		{ MANIFEST(",\"subject\":{\"MediaType\":\"x\"}"),
		    "/subject/MediaType", "mediaType" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_refused(NULL, cases[i].text,
		    pool_printf(pool,
			"%s differs from \"%s\" only in case; some readers "
			"would take it for that",
			cases[i].place, cases[i].name));
	/* other names, and those of others */
	assert_accepted(NULL,
	    MANIFEST(",\"Layer\":[],\"Layers2\":[],\"\":0,\"l\\u00e4yers\":0,"
		     "\"Digest\":0,\"annotations\":{\"Layers\":\"x\"},"
		     "\"x\":{\"Layers\":[]}"));
}

static void
test_schema(void **state UNUSED)
{
	assert_refused(OCI_TYPE_DOCKER_MANIFEST,
	    "{\"schemaVersion\":1,\"name\":\"a\",\"tag\":\"b\","
	    "\"fsLayers\":[],\"history\":[]}",
	    "image manifests of schema 1 are not supported; push with a newer "
	    "client");
	assert_refused(NULL, "{}", "/schemaVersion is missing");
	assert_refused(NULL, "{\"schemaVersion\":\"2\"}",
	    "/schemaVersion must be an integer");
	assert_refused(NULL, "{\"schemaVersion\":2.0}",
	    "/schemaVersion must be an integer");
	assert_refused(
	    NULL, "{\"schemaVersion\":3}", "/schemaVersion must be 2");
	assert_refused(
	    NULL, "{\"schemaVersion\":0}", "/schemaVersion must be 2");
}

static void
test_malformed(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{ "", "JSON: value expected at byte 0" },
		{ "[]", "the document must be an object" },
		{ "null", "the document must be an object" },
		{ "{" V2 "," V2 "," CONFIG "}",
		    "JSON: key \"schemaVersion\" twice in the object that "
		    "ends at byte 197" },
		{ "{" V2 "}", "/config is missing" },
		{ "{" V2 ",\"config\":null}", "/config is missing" },
		{ "{" V2 ",\"config\":[]}", "/config must be an object" },
		{ "{" V2 ",\"config\":{}}", "/config/digest is missing" },
		{ "{" V2 ",\"config\":{\"digest\":\"" DIGEST("a") "\"}}",
		    "/config/size is missing" },
		{ MANIFEST(",\"layers\":{}"), "/layers must be a list" },
		{ MANIFEST(",\"layers\":[1]"), "/layers/0 must be an object" },
		{ MANIFEST(",\"layers\":[null]"),
		    "/layers/0 must be an object" },
		{ MANIFEST(",\"layers\":[" DESCRIPTOR("x", "1", "1") ",{}]"),
		    "/layers/1/digest is missing" },
		{ MANIFEST(",\"layers\":[" DESCRIPTOR("x", "1", "-1") "]"),
		    "/layers/0/size must be from 0 to 1125899906842624" },
		{ MANIFEST(",\"layers\":[" DESCRIPTOR(
		      "x", "1", "1125899906842625") "]"),
		    "/layers/0/size must be from 0 to 1125899906842624" },
		{ MANIFEST(",\"layers\":[" DESCRIPTOR("x", "1", "1.0") "]"),
		    "/layers/0/size must be an integer" },
		{ MANIFEST(",\"layers\":[{\"mediaType\":1,\"digest\":"
			   "\"" DIGEST("a") "\",\"size\":1}]"),
		    "/layers/0/mediaType must be a string" },
		{ MANIFEST(",\"layers\":[{\"urls\":{},\"digest\":"
			   "\"" DIGEST("a") "\",\"size\":1}]"),
		    "/layers/0/urls must be a list" },
		{ MANIFEST(",\"layers\":[{\"urls\":[\"a\",1],\"digest\":"
			   "\"" DIGEST("a") "\",\"size\":1}]"),
		    "/layers/0/urls/1 must be a string" },
		{ INDEX(",\"manifests\":[{\"platform\":7,\"digest\":"
			"\"" DIGEST("a") "\",\"size\":1}]"),
		    "/manifests/0/platform must be an object" },
		{ INDEX(",\"manifests\":[{\"platform\":{\"os\":7},\"digest\":"
			"\"" DIGEST("a") "\",\"size\":1}]"),
		    "/manifests/0/platform/os must be a string" },
		{ MANIFEST(",\"subject\":\"" DIGEST("a") "\""),
		    "/subject must be an object" },
		{ MANIFEST(",\"subject\":{\"size\":1}"),
		    "/subject/digest is missing" },
		{ MANIFEST(",\"annotations\":[]"),
		    "/annotations must be an object" },
		{ MANIFEST(",\"annotations\":{\"a\":\"x\",\"b/c\":7}"),
		    "/annotations/b~1c must be a string" },
		{ MANIFEST(",\"annotations\":{\"a\":null}"),
		    "/annotations/a must be a string" },
		{ MANIFEST(",\"artifactType\":{}"),
		    "/artifactType must be a string" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_refused(NULL, cases[i].text, cases[i].error);
}

static void
test_digests(void **state UNUSED)
{
	static const struct {
		const char *text;
		const char *place;
	} cases[] = {
		{ "{" V2 ",\"config\":{\"digest\":\"sha256:zz\",\"size\":2}}",
		    "/config/digest: digest \"sha256:zz\" is not valid" },
		{ MANIFEST(",\"layers\":[" DESCRIPTOR(
		      "x", "1", "1") "," DESCRIPTOR("x", "A", "1") "]"),
		    "/layers/1/digest: digest \"sha256:A000" },
		{ MANIFEST(",\"subject\":{\"digest\":\"\",\"size\":2}"),
		    "/subject/digest: digest \"\" is not valid" },
		{ INDEX(",\"manifests\":[{\"digest\":\"md5:x\",\"size\":2}]"),
		    "/manifests/0/digest: digest \"md5:x\" is not valid" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(parse_as(NULL, cases[i].text), E_INVALID);
		assert_string_equal(err.reason, "DIGEST_INVALID");
		assert_ptr_equal(strstr(err.text, cases[i].place), err.text);
	}
}

#define FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
#define NONDIST "application/vnd.oci.image.layer.nondistributable.v1.tar"

static char *
layer_text(const char *list, const char *type, const char *urls)
{
	return pool_printf(pool,
	    "{" V2 "%s,\"%s\":[{\"mediaType\":\"%s\",\"digest\":\"" DIGEST(
		"b") "\",\"size\":9%s}]}",
	    strcmp(list, "layers") == 0 ? "," CONFIG : "", list, type, urls);
}

static void
test_foreign(void **state UNUSED)
{
	static const char urls[] = ",\"urls\":[\"https://example.com/x\"]";
	static const struct {
		const char *list;
		const char *type;
		const char *urls;
		bool is_foreign;
	} cases[] = {
		{ "layers", FOREIGN, urls, true },
		{ "layers", NONDIST, urls, true },
		{ "layers", NONDIST "+gzip", urls, true },
		{ "layers", NONDIST "+zstd", urls, true },
		{ "layers", FOREIGN, "", false },
		{ "layers", FOREIGN, ",\"urls\":[]", false },
		{ "layers", FOREIGN, ",\"urls\":null", false },
		{ "layers", LAYER_TYPE, urls, false },
		{ "layers", "", urls, false },
		/* a child is always here */
		{ "manifests", FOREIGN, urls, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_accepted(NULL,
		    layer_text(cases[i].list, cases[i].type, cases[i].urls));
		assert_int_equal(m.items[0].is_foreign, cases[i].is_foreign);
	}
}

/* count members or items between a head and a tail */
static const char *
repeated(const char *head, size_t count, const char *format, const char *tail)
{
	struct str s;

	str_init(&s, pool, (size_t)15 << 20);
	str_puts(&s, head);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_putc(&s, ',');
		for (const char *p = format; *p != '\0'; p++) {
			if (*p == '#')
				str_printf(&s, "%zu", i);
			else
				str_putc(&s, *p);
		}
	}
	str_puts(&s, tail);
	assert_false(str_is_full(&s));
	return s.p;
}

static void
test_many_layers(void **state UNUSED)
{
	static const char head[] = "{" V2 "," CONFIG ",\"layers\":[";

	assert_accepted(NULL,
	    repeated(head, OCI_DESCRIPTORS_MAX,
		DESCRIPTOR(LAYER_TYPE, "c", "1125899906842624"), "]}"));
	assert_int_equal(m.item_count, OCI_DESCRIPTORS_MAX);
	assert_refused(NULL,
	    repeated(head, OCI_DESCRIPTORS_MAX + 1,
		DESCRIPTOR(LAYER_TYPE, "c", "1"), "]}"),
	    "/layers has more than 4096 items");
}

/* a table each in memory: what descriptors need is taken, and not much more */
static void
test_many_objects(void **state UNUSED)
{
	static const char child[] = "{\"digest\":\"" DIGEST(
	    "c") "\",\"size\":1,"
		 "\"platform\":{\"os\":\"a\"},\"annotations\":{\"k\":\"v\"}}";
	static const char head[] = "{" V2 "," CONFIG ",\"x\":[";

	assert_accepted(NULL,
	    repeated("{" V2 ",\"annotations\":{},\"subject\":" DESCRIPTOR(
			 OCI_TYPE_INDEX, "5", "9") ",\"manifests\":[",
		OCI_DESCRIPTORS_MAX, child, "]}"));
	assert_int_equal(m.item_count, OCI_DESCRIPTORS_MAX);
	/* with the document and its configuration */
	assert_accepted(NULL, repeated(head, 16384 - 2, "{}", "]}"));
	assert_int_equal(
	    parse_as(NULL, repeated(head, 16384 - 1, "{}", "]}")), E_INVALID);
	assert_string_equal(err.reason, "MANIFEST_INVALID");
	assert_non_null(strstr(err.text, "too many objects"));
	assert_int_equal(
	    oci_manifest_parse_other(&m, pool, "application/x+json",
		repeated("{\"x\":[", 16384, "{}", "]}"),
		strlen("{\"x\":[]}") + 3 * 16384 - 1, &err),
	    E_INVALID);
	assert_non_null(strstr(err.text, "too many objects"));
}

/* so many that a walk of more than linear time would not end */
static void
test_many_annotations(void **state UNUSED)
{
	static const char head[] = "{" V2 "," CONFIG ",\"annotations\":{";
	static const char format[] = "\"k#\":\"#\"";

	assert_accepted(NULL, repeated(head, 150000, format, "}}"));
	assert_non_null(strstr(m.annotations, ",\"k149999\":\"149999\"}"));
	assert_int_equal(
	    parse_as(NULL, repeated(head, 400000, format, "}}")), E_INVALID);
	assert_non_null(strstr(err.text, "too many values"));
}

static void
test_type_lengths(void **state UNUSED)
{
	char type[OCI_MEDIA_TYPE_MAX + 2];
	char *text;

	memset(type, 'x', sizeof(type));
	type[sizeof(type) - 1] = '\0';
	assert_refused(NULL,
	    pool_printf(pool, MANIFEST(",\"artifactType\":\"%s\""), type),
	    "/artifactType is longer than 255 bytes");
	text = pool_printf(pool,
	    "{" V2 ",\"config\":{\"mediaType\":\"%s\",\"size\":1,"
	    "\"digest\":\"" DIGEST("a") "\"}}",
	    type);
	assert_refused(
	    NULL, text, "/config/mediaType is longer than 255 bytes");
	type[sizeof(type) - 2] = '\0';
	assert_accepted(NULL,
	    pool_printf(pool, MANIFEST(",\"artifactType\":\"%s\""), type));
	assert_string_equal(m.artifact_type, type);
}

static void
test_too_large(void **state UNUSED)
{
	size_t n = ((size_t)16 << 20) + 1;
	char *text = pool_alloc(pool, n);

	memset(text, ' ', n);
	assert_int_equal(
	    oci_manifest_parse(&m, pool, NULL, text, n, &err), E_TOOBIG);
	assert_string_equal(err.reason, "MANIFEST_INVALID");
	assert_string_equal(err.text, "JSON: more than 16777216 bytes");
}

static void
test_other_types(void **state UNUSED)
{
	static const char good[] = "application/vnd.x.y.v1+json; charset=utf-8";
	static const char text[] = "{\"a\":1,\"artifactType\":\"t\"}";

	assert_true(oci_manifest_is_other(good));
	assert_false(oci_manifest_is_other(OCI_TYPE_INDEX));
	assert_false(oci_manifest_is_other(OCI_TYPE_DOCKER_MANIFEST ";q=1"));
	assert_false(oci_manifest_is_other(
	    "application/vnd.docker.distribution.manifest.v1+json"));
	assert_false(oci_manifest_is_other("application/+json"));
	assert_false(oci_manifest_is_other("application/a/b+json"));
	assert_false(oci_manifest_is_other("application/json"));
	assert_false(oci_manifest_is_other("text/a+json"));
	assert_false(oci_manifest_is_other(NULL));
	assert_int_equal(oci_manifest_parse_other(
			     &m, pool, good, text, sizeof(text) - 1, &err),
	    0);
	assert_string_equal(m.media_type, "application/vnd.x.y.v1+json");
	assert_string_equal(m.artifact_type, "t");
	assert_int_equal(m.item_count, 0);
	assert_int_equal(oci_manifest_parse_other(&m, pool, OCI_TYPE_INDEX,
			     text, sizeof(text) - 1, &err),
	    E_INVALID);
	assert_string_equal(err.reason, "MANIFEST_INVALID");
}

static void
assert_other_refused(const char *text, const char *expected)
{
	assert_int_equal(oci_manifest_parse_other(&m, pool,
			     "application/x+json", text, strlen(text), &err),
	    E_INVALID);
	assert_string_equal(err.reason, "MANIFEST_INVALID");
	assert_string_equal(err.text, expected);
}

static void
test_members_of_other_types(void **state UNUSED)
{
	static const char text[] =
	    "{\"mediaType\":\"application/x+json\",\"annotations\":{\"k\":\"v\"},"
	    "\"subject\":" DESCRIPTOR(OCI_TYPE_MANIFEST, "5", "9") "}";

	assert_int_equal(
	    oci_manifest_parse_other(
		&m, pool, "application/x+json", text, sizeof(text) - 1, &err),
	    0);
	assert_string_equal(m.annotations, "{\"k\":\"v\"}");
	assert_true(m.has_subject);
	assert_digest(&m.subject.digest, DIGEST("5"));
	assert_other_refused("{" TYPE("application/y+json") "}",
	    "Content-Type \"application/x+json\" differs from the document's "
	    "mediaType \"application/y+json\"");
	assert_other_refused(
	    "{\"annotations\":{\"k\":1}}", "/annotations/k must be a string");
	assert_other_refused(
	    "{\"subject\":{\"size\":1}}", "/subject/digest is missing");
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_docker_manifest),
	POOL_TEST(test_index),
	POOL_TEST(test_artifact),
	POOL_TEST(test_lenient),
	POOL_TEST(test_types),
	POOL_TEST(test_type_errors),
	POOL_TEST(test_two_kinds),
	POOL_TEST(test_case_of_names),
	POOL_TEST(test_schema),
	POOL_TEST(test_malformed),
	POOL_TEST(test_digests),
	POOL_TEST(test_foreign),
	POOL_TEST(test_many_layers),
	POOL_TEST(test_many_objects),
	POOL_TEST(test_many_annotations),
	POOL_TEST(test_type_lengths),
	POOL_TEST(test_other_types),
	POOL_TEST(test_members_of_other_types),
	POOL_TEST(test_too_large),
};

UNIT_MAIN(tests)

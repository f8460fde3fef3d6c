"""Digests by sha256 and sha512; answers use the one that was asked for."""
from .. import images
from ..case import CHOICE, MISSING_512, RULE, add, choice, coded, digest_of, rule, same, true, with_query

DATA = b"content with two digests"
BY_256, BY_512 = digest_of(DATA), digest_of(DATA, "sha512")
ACCEPT = ("Accept", ", ".join((images.MANIFEST, images.INDEX)))


@rule("sha512: a blob by one PUT")
def _(t):
    t.finish(t.upload(), BY_512, DATA).must(201).has("Docker-Content-Digest", BY_512)
    t.blob(BY_512).must(200).is_bytes(DATA)


@rule("sha512: a blob by PATCH and PUT")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    t.finish(location, BY_512).must(201).has("Docker-Content-Digest", BY_512)
    t.blob(BY_512).must(200).is_bytes(DATA)


@rule("sha512: a blob by chunks")
def _(t):
    location = t.chunk(t.upload(), 0, DATA[:7]).must(202).header("Location")
    location = t.chunk(location, 7, DATA[7:]).must(202).header("Location")
    t.finish(location, BY_512).must(201)
    t.blob(BY_512).must(200).is_bytes(DATA)


@rule("sha512: the location of the push is by sha512 and can be read")
def _(t):
    answer = t.finish(t.upload(), BY_512, DATA).must(201)
    true(BY_512 in answer.header("Location").replace("%3A", ":"), "the location is " + answer.header("Location"))
    t.request("GET", answer.header("Location")).must(200).is_bytes(DATA)


@rule("sha512: GET of a blob tells that digest")
def _(t):
    t.push(DATA, algorithm="sha512")
    t.blob(BY_512).must(200).has("Docker-Content-Digest", BY_512)


@rule("sha512: HEAD of a blob tells that digest and the length")
def _(t):
    t.push(DATA, algorithm="sha512")
    answer = t.blob(BY_512, method="HEAD").must(200)
    answer.has("Docker-Content-Digest", BY_512).has("Content-Length", len(DATA))


@choice("sha512: the entity tag of a blob is that digest")
def _(t):
    t.push(DATA, algorithm="sha512")
    t.blob(BY_512).must(200).has("ETag", '"%s"' % BY_512)


@rule("sha512: a part of a blob")
def _(t):
    t.push(DATA, algorithm="sha512")
    t.blob(BY_512, ("Range", "bytes=3-6")).must(206).has("Docker-Content-Digest", BY_512).is_bytes(DATA[3:7])


@rule("sha512: a blob that is known is not sent again")
def _(t):
    t.push(DATA, algorithm="sha512")
    tag = t.blob(BY_512).must(200).header("ETag")
    t.blob(BY_512, ("If-None-Match", tag)).must(304)


@rule("sha512: the digest may be percent-encoded")
def _(t):
    t.finish(t.upload(), coded(BY_512), DATA).must(201)
    t.blob(coded(BY_512)).must(200).has("Docker-Content-Digest", BY_512)


@rule("sha512: the empty blob")
def _(t):
    digest = t.push(b"", algorithm="sha512")
    t.blob(digest).must(200).has("Content-Length", "0").has("Docker-Content-Digest", digest)


@rule("sha512: the blob of an empty object")
def _(t):
    digest = t.push(b"{}", algorithm="sha512")
    t.blob(digest).must(200).is_bytes(b"{}")


@rule("sha512: a blob of a megabyte")
def _(t):
    data = b"5" * (1 << 20)
    digest = t.push(data, algorithm="sha512")
    t.blob(digest).must(200).has("Docker-Content-Digest", digest).is_bytes(data)


@rule("sha512: another digest than the content's is 400 and not stored")
def _(t):
    t.finish(t.upload(), MISSING_512, DATA).must(400, "DIGEST_INVALID")
    t.blob(MISSING_512, method="HEAD").must(404)


@rule("sha512: a blob can be deleted by it")
def _(t):
    t.push(DATA, algorithm="sha512")
    t.delete("%s/blobs/%s" % (t.repo, BY_512)).must(202)
    t.blob(BY_512, method="HEAD").must(404)


@rule("sha512: a blob pushed by both can be had by both")
def _(t):
    t.push(DATA)
    t.push(DATA, algorithm="sha512")
    t.blob(BY_256).must(200).has("Docker-Content-Digest", BY_256).is_bytes(DATA)
    t.blob(BY_512).must(200).has("Docker-Content-Digest", BY_512).is_bytes(DATA)


@rule("sha512: the other order does as well")
def _(t):
    data = DATA + b" in the other order"
    t.push(data, algorithm="sha512")
    t.push(data)
    t.blob(digest_of(data)).must(200).is_bytes(data)
    t.blob(digest_of(data, "sha512")).must(200).is_bytes(data)


@rule("sha512: a blob of another repository is not here")
def _(t):
    t.push(DATA, algorithm="sha512", repo=t.other)
    t.push(b"something")
    t.blob(BY_512, method="HEAD").must(404)


# --- manifests

def strong(t, **annotations):
    """A document whose config and layer are named by sha512."""
    config = t.descriptor(b"{}", images.CONFIG, algorithm="sha512")
    layer = t.descriptor(b"strong layer", algorithm="sha512")
    return images.dumps(images.manifest(config, [layer], annotations=annotations or None))


@rule("sha512: a manifest by its digest")
def _(t):
    data = images.dumps(t.small())
    digest = digest_of(data, "sha512")
    answer = t.put(digest, data).must(201).has("Docker-Content-Digest", digest)
    t.request("GET", answer.header("Location"), [ACCEPT]).must(200).is_bytes(data)


@rule("sha512: GET of a manifest tells that digest")
def _(t):
    data = images.dumps(t.small())
    digest = digest_of(data, "sha512")
    t.put(digest, data).must(201)
    t.manifest(digest, ACCEPT).must(200).has("Docker-Content-Digest", digest).is_bytes(data)


@rule("sha512: HEAD of a manifest tells that digest")
def _(t):
    data = images.dumps(t.small())
    digest = digest_of(data, "sha512")
    t.put(digest, data).must(201)
    t.manifest(digest, ACCEPT, method="HEAD").must(200).has("Docker-Content-Digest", digest)


@rule("sha512: a manifest that names its blobs by it")
def _(t):
    data = strong(t)
    digest = digest_of(data, "sha512")
    t.put(digest, data).must(201)
    t.manifest(digest, ACCEPT).must(200).is_bytes(data)


@rule("sha512: a manifest by tag that names its blobs by it")
def _(t):
    data = strong(t)
    t.put("strong", data).must(201).has("Docker-Content-Digest", digest_of(data))
    t.manifest("strong", ACCEPT).must(200).is_bytes(data)


@rule("sha512: a manifest that names its blobs by both")
def _(t):
    config = t.descriptor(b"{}", images.CONFIG)
    layer = t.descriptor(b"strong layer", algorithm="sha512")
    data = images.dumps(images.manifest(config, [layer]))
    t.put("mixed", data).must(201)
    t.manifest("mixed", ACCEPT).must(200).is_bytes(data)


@rule("sha512: an index by its digest")
def _(t):
    t.push(b"something")
    data = images.dumps(images.index([]))
    digest = digest_of(data, "sha512")
    t.put(digest, data, media_type=images.INDEX).must(201).has("Docker-Content-Digest", digest)
    t.manifest(digest, ACCEPT).must(200).is_bytes(data)


@rule("sha512: a manifest pushed by both can be had by both")
def _(t):
    data = images.dumps(t.small())
    for algorithm in ("sha256", "sha512"):
        t.put(digest_of(data, algorithm), data).must(201)
    for algorithm in ("sha256", "sha512"):
        digest = digest_of(data, algorithm)
        t.manifest(digest, ACCEPT).must(200).has("Docker-Content-Digest", digest).is_bytes(data)


@rule("sha512: a manifest can be deleted by it")
def _(t):
    data = images.dumps(t.small())
    digest = digest_of(data, "sha512")
    t.put(digest, data).must(201)
    t.delete("%s/manifests/%s" % (t.repo, digest)).must(202)
    t.manifest(digest, ACCEPT).must(404)


@choice("sha512: a blob that such a manifest needs cannot be deleted by either digest")
def _(t):
    t.put("strong", strong(t)).must(201)
    t.push(b"strong layer")
    for algorithm in ("sha256", "sha512"):
        t.delete("%s/blobs/%s" % (t.repo, digest_of(b"strong layer", algorithm))).must(405)


def unknown(t, algorithm, digits):
    digest = "%s:%s" % (algorithm, "a" * digits)
    location = t.upload()
    t.finish(location, digest, DATA).must(400)
    t.blob(digest).must((400, 404))
    same(t.request("PUT", with_query(t.upload(), digest=digest), [], DATA).status, 400, "the status once more")


for name, count, kind in (("md5", 32, RULE), ("sha1", 40, RULE), ("sha384", 96, CHOICE), ("blake3", 64, RULE),
                          ("sha256+b64", 44, RULE)):
    add(kind, "digest: a push by %s is refused with 400" % name,
        lambda t, a=name, n=count: unknown(t, a, n))

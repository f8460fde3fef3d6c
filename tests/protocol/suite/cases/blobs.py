"""GET and HEAD of blobs."""
from ..case import MISSING, MISSING_512, RULE, add, choice, coded, digest_of, rule, same, true

BINARY = b"\r\n\r\n\0HTTP/1.1 200 OK\r\n" + bytes(range(256))
EMPTY = digest_of(b"")

MALFORMED = (
    ("with too few digits", "sha256:abcd"),
    ("with too many digits", "sha256:" + "a" * 65),
    ("in upper case", "sha256:" + "A" * 64),
    ("with a letter that is no digit", "sha256:" + "g" * 64),
    ("without digits", "sha256:"),
    ("of an unknown algorithm", "md5:d41d8cd98f00b204e9800998ecf8427e"),
    ("of sha512 with the digits of sha256", "sha512:" + "a" * 64),
)


def shared(t):
    """A blob that all cases may read: repository, digest, content."""
    image = t.image
    return image.repo, digest_of(image.layer), image.layer


@rule("blob-get: the bytes come back as they were pushed")
def _(t):
    digest = t.push(BINARY)
    t.blob(digest).must(200).is_bytes(BINARY)


@rule("blob-get: a blob of a megabyte comes back as it was pushed")
def _(t):
    data = bytes(range(256)) * 4096
    digest = t.push(data)
    t.blob(digest).must(200).has("Content-Length", len(data)).is_bytes(data)


@rule("blob-get: the answer has the blob's length")
def _(t):
    repo, digest, data = shared(t)
    t.blob(digest, repo=repo).must(200).has("Content-Length", len(data))


@rule("blob-get: the type is application/octet-stream")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(digest, repo=repo).must(200).has("Content-Type", "application/octet-stream")


@rule("blob-get: the digest is in its header")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(digest, repo=repo).must(200).has("Docker-Content-Digest", digest)


@choice("blob-get: the entity tag is the quoted digest")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(digest, repo=repo).must(200).has("ETag", '"%s"' % digest)


@rule("blob-get: the answer says that ranges are served")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(digest, repo=repo).must(200).has("Accept-Ranges", "bytes")


@choice("blob-get: the answer may be kept for long")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(digest, repo=repo).must(200).contains("Cache-Control", "max-age=")


@choice("blob-get: what needs a token is kept by private caches alone", needs="bearer")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(digest, repo=repo).must(200).contains("Cache-Control", "private")


@rule("blob-get: no compression on the way")
def _(t):
    repo, digest, data = shared(t)
    answer = t.blob(digest, ("Accept-Encoding", "gzip, deflate, br"), repo=repo).must(200)
    answer.lacks("Content-Encoding").is_bytes(data)


@rule("blob-get: any Accept gets it")
def _(t):
    repo, digest, data = shared(t)
    t.blob(digest, ("Accept", "text/html"), repo=repo).must(200).is_bytes(data)


@rule("blob-get: an empty blob has no bytes")
def _(t):
    t.push(b"")
    t.blob(EMPTY).must(200).has("Content-Length", "0").is_bytes(b"")


@rule("blob-get: the digest may be percent-encoded")
def _(t):
    repo, digest, data = shared(t)
    t.blob(coded(digest), repo=repo).must(200).has("Docker-Content-Digest", digest).is_bytes(data)


@rule("blob-get: an unknown digest is 404 BLOB_UNKNOWN")
def _(t):
    t.blob(MISSING, repo=t.image.repo).must(404, "BLOB_UNKNOWN")


@rule("blob-get: an unknown digest of sha512 is 404 BLOB_UNKNOWN")
def _(t):
    t.blob(MISSING_512, repo=t.image.repo).must(404, "BLOB_UNKNOWN")


@rule("blob-get: of an unknown repository it is 404")
def _(t):
    t.blob(digest_of(b"whatever")).must(404, "BLOB_UNKNOWN", "NAME_UNKNOWN")


@rule("blob-get: a blob of another repository is 404")
def _(t):
    digest = t.push(b"only here")
    t.push(b"something", repo=t.other)
    t.blob(digest, repo=t.other).must(404, "BLOB_UNKNOWN")


@rule("blob-get: a query is ignored")
def _(t):
    repo, digest, data = shared(t)
    t.blob(digest + "?what=ever", repo=repo).must(200).is_bytes(data)


@rule("blob-get: a tag is no digest")
def _(t):
    t.blob("latest", repo=t.image.repo).must((400, 404))


@rule("blob-head: it tells what GET tells")
def _(t):
    repo, digest, _data = shared(t)
    get = t.blob(digest, repo=repo).must(200)
    head = t.blob(digest, repo=repo, method="HEAD").must(200)
    for name in ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag"):
        same(head.header(name), get.header(name), name)


@rule("blob-head: the length is the true one and there is no body")
def _(t):
    repo, digest, data = shared(t)
    for _n in range(3):  # a body would be taken for the next answer
        t.blob(digest, repo=repo, method="HEAD").must(200).has("Content-Length", len(data))


@rule("blob-head: an empty blob has length 0")
def _(t):
    t.push(b"")
    t.blob(EMPTY, method="HEAD").must(200).has("Content-Length", "0")


@rule("blob-head: a megabyte has its length and digest")
def _(t):
    data = b"m" * (1 << 20)
    digest = t.push(data)
    t.blob(digest, method="HEAD").must(200).has("Content-Length", len(data)).has("Docker-Content-Digest", digest)


@rule("blob-head: an unknown digest is 404")
def _(t):
    t.blob(MISSING, repo=t.image.repo, method="HEAD").must(404)


@rule("blob-head: of an unknown repository it is 404")
def _(t):
    t.blob(digest_of(b"whatever"), method="HEAD").must(404)


@rule("blob-head: the digest may be percent-encoded")
def _(t):
    repo, digest, _data = shared(t)
    t.blob(coded(digest), repo=repo, method="HEAD").must(200)


@rule("blob: it is there at once after the push")
def _(t):
    for n in range(5):
        digest = t.push(b"number %d" % n)
        t.blob(digest, method="HEAD").must(200)


@rule("blob: one content in two repositories is in both")
def _(t):
    digest = t.push(b"in both")
    t.push(b"in both", repo=t.other)
    t.blob(digest).must(200).is_bytes(b"in both")
    t.blob(digest, repo=t.other).must(200).is_bytes(b"in both")


@rule("blob: POST to it is refused")
def _(t):
    repo, digest, _data = shared(t)
    answer = t.blob(digest, repo=repo, method="POST", body=b"x").must((404, 405))
    true(answer.status == 404 or answer.header("Allow") is not None, "405 must name what is allowed")


def malformed(kind, method, digest):
    if method == "GET":
        return lambda t: t.blob(digest, repo=t.image.repo).must(400, "DIGEST_INVALID") and None
    return lambda t: t.blob(digest, repo=t.image.repo, method=method).must(400) and None


for why, value in MALFORMED:
    add(RULE, "blob-get: a digest %s is 400 DIGEST_INVALID" % why, malformed(RULE, "GET", value))
add(RULE, "blob-head: a malformed digest is 400", malformed(RULE, "HEAD", "sha256:abcd"))

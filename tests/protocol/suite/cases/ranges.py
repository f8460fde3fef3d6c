"""Parts of blobs (RFC 9110, section 14)."""
from ..case import CHOICE, RULE, add, choice, digest_of, rule, same, true

BIG = bytes(range(251)) * 4200  # more than a megabyte: web servers may send it on their own


def pushed(t, big):
    """A blob: repository, digest, content."""
    if big:
        if not hasattr(t.suite, "big_blob"):
            repo = t.suite.names.shared[1]
            t.suite.big_blob = repo, t.push(BIG, repo), BIG
        return t.suite.big_blob
    return t.image.repo, digest_of(t.image.layer), t.image.layer


def part(t, spec, first, last, big):
    """The range is answered by the bytes from first to last."""
    repo, digest, data = pushed(t, big)
    first = len(data) + first if first < 0 else first
    last = len(data) + last if last < 0 else last
    answer = t.blob(digest, ("Range", spec(len(data))), repo=repo).must(206)
    answer.has("Content-Range", "bytes %d-%d/%d" % (first, last, len(data)))
    answer.has("Content-Length", last - first + 1).is_bytes(data[first:last + 1])


def whole(t, spec, big):
    repo, digest, data = pushed(t, big)
    answer = t.blob(digest, ("Range", spec(len(data))), repo=repo).must(200)
    answer.has("Content-Length", len(data)).lacks("Content-Range").is_bytes(data)


def beyond(t, spec, big):
    repo, digest, data = pushed(t, big)
    answer = t.blob(digest, ("Range", spec(len(data))), repo=repo).must(416)
    answer.has("Content-Range", "bytes */%d" % len(data))


PARTS = (
    ("a part in the middle is 206 and names itself", lambda n: "bytes=2-5", 2, 5),
    ("the first byte is one byte", lambda n: "bytes=0-0", 0, 0),
    ("the last byte is one byte", lambda n: "bytes=%d-%d" % (n - 1, n - 1), -1, -1),
    ("from a byte on is to the end", lambda n: "bytes=%d-" % (n - 100), -100, -1),
    ("from 0 on is all, with 206", lambda n: "bytes=0-", 0, -1),
    ("the last so many bytes", lambda n: "bytes=-3", -3, -1),
    ("more last bytes than there are is all of it", lambda n: "bytes=-%d" % (n + 50), 0, -1),
    ("an end past the end is cut", lambda n: "bytes=%d-%d" % (n - 10, n + 500), -10, -1),
    ("an end of more than 64 bits is cut", lambda n: "bytes=7-99999999999999999999999", 7, -1),
)

BEYOND = (
    ("range past the end is 416 and names the size", lambda n: "bytes=%d-%d" % (n + 10, n + 20), RULE),
    ("range that begins at the end is 416 and names the size", lambda n: "bytes=%d-" % n, RULE),
    ("range that begins at more than 64 bits is 416", lambda n: "bytes=99999999999999999999999-", RULE),
    ("the last 0 bytes is 416", lambda n: "bytes=-0", RULE),
    ("range that ends before it begins is 416", lambda n: "bytes=500-0", CHOICE),
)

WHOLE = (
    ("another unit is ignored", lambda n: "lines=1-2"),
    ("a range of letters is ignored", lambda n: "bytes=a-b"),
    ("a range without numbers is ignored", lambda n: "bytes=-"),
    ("a range with a sign is ignored", lambda n: "bytes=+1-5"),
)


def keep(kind, name, check, *arguments):
    add(kind, name, lambda t: check(t, *arguments))


for area, is_big in (("blob-get: ", False), ("blob-get, large: ", True)):
    for name, spec, first, last in PARTS:
        if not (is_big and "64 bits" in name):  # web servers may have their own idea of it
            keep(RULE, area + name, part, spec, first, last, is_big)
    for name, spec, kind in BEYOND:
        keep(kind, area + name, beyond, spec, is_big)
for name, spec in WHOLE:
    keep(CHOICE, "blob-get: " + name, whole, spec, False)


@rule("blob-get: several ranges are several parts, or the whole")
def _(t):
    repo, digest, data = pushed(t, False)
    answer = t.blob(digest, ("Range", "bytes=0-1,10-12"), repo=repo).must((200, 206))
    if answer.status == 200:
        answer.is_bytes(data)
    elif answer.header("Content-Range"):  # parts that are near may become one (RFC 9110, 15.3.7.2)
        answer.is_bytes(data[0:13])
    else:
        answer.contains("Content-Type", "multipart/byteranges")
        true(data[10:13] in answer.body, "the second part is missing")


@rule("blob-get: a thousand ranges do no harm")
def _(t):
    repo, digest, data = pushed(t, False)
    value = "bytes=" + ",".join("0-%d" % n for n in range(1000))
    answer = t.blob(digest, ("Range", value), repo=repo).must((200, 206, 400, 416, 431))
    true(len(answer.body) < 100 * len(data), "a small request gets %d bytes" % len(answer.body))


@rule("blob-get: a part has the digest and the tag of the whole")
def _(t):
    repo, digest, _data = pushed(t, False)
    whole_answer = t.blob(digest, repo=repo).must(200)
    answer = t.blob(digest, ("Range", "bytes=1-2"), repo=repo).must(206)
    answer.has("Docker-Content-Digest", digest).has("ETag", whole_answer.header("ETag"))


@rule("blob-get, large: a part has the digest and the tag of the whole")
def _(t):
    repo, digest, _data = pushed(t, True)
    whole_answer = t.blob(digest, repo=repo).must(200)
    answer = t.blob(digest, ("Range", "bytes=1-2"), repo=repo).must(206)
    answer.has("Docker-Content-Digest", digest).has("ETag", whole_answer.header("ETag"))


@rule("blob-get, large: the whole has length, type, digest and tag")
def _(t):
    repo, digest, data = pushed(t, True)
    answer = t.blob(digest, repo=repo).must(200).has("Content-Length", len(data)).is_bytes(data)
    answer.has("Content-Type", "application/octet-stream").has("Docker-Content-Digest", digest)
    answer.has("Docker-Distribution-Api-Version", "registry/2.0").has("Accept-Ranges", "bytes")
    true(answer.values("ETag"), "there is no ETag")


@choice("blob-get, large: the answer may be kept for long")
def _(t):
    repo, digest, _data = pushed(t, True)
    t.blob(digest, repo=repo).must(200).contains("Cache-Control", "max-age=")


@rule("blob-get: If-Range with the blob's tag gets the part")
def _(t):
    repo, digest, data = pushed(t, False)
    tag = t.blob(digest, repo=repo).must(200).header("ETag")
    t.blob(digest, ("Range", "bytes=1-2"), ("If-Range", tag), repo=repo).must(206).is_bytes(data[1:3])


@rule("blob-get: If-Range with another tag gets the whole")
def _(t):
    repo, digest, data = pushed(t, False)
    t.blob(digest, ("Range", "bytes=1-2"), ("If-Range", '"other"'), repo=repo).must(200).is_bytes(data)


@rule("blob-get, large: If-Range with the blob's tag gets the part")
def _(t):
    repo, digest, data = pushed(t, True)
    tag = t.blob(digest, repo=repo).must(200).header("ETag")
    t.blob(digest, ("Range", "bytes=1-2"), ("If-Range", tag), repo=repo).must(206).is_bytes(data[1:3])


@rule("blob-get, large: If-Range with another tag gets the whole")
def _(t):
    repo, digest, data = pushed(t, True)
    t.blob(digest, ("Range", "bytes=1-2"), ("If-Range", '"other"'), repo=repo).must(200).is_bytes(data)


@rule("blob-get: any part of an empty blob is 416, or it comes whole")
def _(t):
    digest = t.push(b"")
    answer = t.blob(digest, ("Range", "bytes=0-0")).must((200, 416))
    if answer.status == 416:
        answer.has("Content-Range", "bytes */0")
    else:
        answer.is_bytes(b"")


@rule("blob-get: parts put together are the whole")
def _(t):
    repo, digest, data = pushed(t, True)
    size, found = 300000, b""
    for first in range(0, len(data), size):
        answer = t.blob(digest, ("Range", "bytes=%d-%d" % (first, first + size - 1)), repo=repo).must(206)
        found += answer.body
    same(digest_of(found), digest, "the digest of the parts")


@choice("blob-head: a range is not for HEAD")
def _(t):
    repo, digest, data = pushed(t, False)
    t.blob(digest, ("Range", "bytes=1-2"), repo=repo, method="HEAD").must(200).has("Content-Length", len(data))


@choice("blob-head, large: a range is not for HEAD")
def _(t):
    repo, digest, data = pushed(t, True)
    t.blob(digest, ("Range", "bytes=1-2"), repo=repo, method="HEAD").must(200).has("Content-Length", len(data))

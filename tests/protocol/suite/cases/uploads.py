"""Uploads of blobs: begin, send, ask, finish, drop."""
from ..case import MISSING, RULE, add, choice, coded, digest_of, rule, same, true, with_query

DATA = b"the bytes of a layer"
DIGEST = digest_of(DATA)
UNKNOWN = "018f0000-0000-7000-8000-000000000000"


def status(t, location):
    return t.request("GET", location).must(204)


# --- begin

@rule("upload-post: it begins with 202 and a location")
def _(t):
    answer = t.start().must(202)
    true(answer.header("Location"), "there is no location")


@choice("upload-post: the location is a path, for any proxy in front")
def _(t):
    location = t.start().must(202).header("Location")
    true(location.startswith("/v2/%s/blobs/uploads/" % t.repo), "the location is " + location)


for mark in "&?":
    @choice("upload-post: the location may be gone on with by %sdigest=, as many clients do unseen" % mark)
    def _(t, mark=mark):
        location = t.patch(t.start().must(202).header("Location"), DATA).must(202).header("Location")
        t.request("PUT", location + mark + "digest=" + DIGEST, [], b"").must(201)
        t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("upload-post: the answer has no body")
def _(t):
    t.start().must(202).has("Content-Length", "0")


@choice("upload-post: the range of an empty upload is 0-0")
def _(t):
    t.start().must(202).has("Range", "0-0")


@choice("upload-post: the upload's id is in its header")
def _(t):
    answer = t.start().must(202)
    true(answer.header("Docker-Upload-UUID") in answer.header("Location"), "the id is not that of the location")


@rule("upload-post: two uploads have two locations")
def _(t):
    same(t.upload() == t.upload(), False, "that both locations are one")


@choice("upload-post: without the slash at the end it is the same")
def _(t):
    t.request("POST", "/v2/%s/blobs/uploads" % t.repo, body=b"").must(202)


@rule("upload-post: a query that is none of its own is ignored")
def _(t):
    t.start("?what=ever").must(202)


@rule("upload-post: a least size of chunks, if there is one, is a number")
def _(t):
    value = t.start().must(202).header("OCI-Chunk-Min-Length")
    true(value is None or value.isdigit(), "OCI-Chunk-Min-Length is %s" % value)


@rule("upload-post: GET of the place where uploads begin is refused")
def _(t):
    t.push(DATA)
    t.get("%s/blobs/uploads/" % t.repo).must((404, 405))


# --- in one request

@choice("upload-post: with digest and body it is one request, 201")
def _(t):
    answer = t.start("?digest=" + DIGEST, body=DATA).must(201)
    answer.has("Docker-Content-Digest", DIGEST).has("Content-Length", "0")
    t.request("GET", answer.header("Location")).must(200).is_bytes(DATA)


@rule("upload-post: with digest and body it is stored, or an upload to send it to")
def _(t):
    answer = t.start("?digest=" + DIGEST, body=DATA).must((201, 202))
    if answer.status == 202:
        t.finish(answer.header("Location"), DIGEST, DATA).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("upload-post: one request may be chunked")
def _(t):
    t.start("?digest=" + DIGEST, body=DATA, chunked=True).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("upload-post: one request by sha512")
def _(t):
    digest = digest_of(DATA, "sha512")
    t.start("?digest=" + digest, body=DATA).must(201).has("Docker-Content-Digest", digest)
    t.blob(digest).must(200).is_bytes(DATA)


@choice("upload-post: one request with another digest is 400 and stores nothing")
def _(t):
    t.start("?digest=" + MISSING, body=DATA).must(400, "DIGEST_INVALID")
    t.blob(MISSING, method="HEAD").must(404)
    t.blob(DIGEST, method="HEAD").must(404)


@choice("upload-post: a malformed digest is 400")
def _(t):
    t.start("?digest=sha256:12", body=DATA).must(400, "DIGEST_INVALID")


@choice("upload-post: a digest of an unknown algorithm is 400")
def _(t):
    t.start("?digest=md5:d41d8cd98f00b204e9800998ecf8427e", body=DATA).must(400)


@rule("upload-post: a digest without a body is an upload, and no empty blob")
def _(t):
    location = t.start("?digest=" + DIGEST).must(202).header("Location")
    t.blob(DIGEST, method="HEAD").must(404)
    t.finish(location, DIGEST, DATA).must(201)


@rule("upload-post: a digest without a body or its length is an upload, and no blob")
def _(t):
    location = t.start("?digest=" + DIGEST, body=None).must(202).header("Location")
    t.finish(location, DIGEST, DATA).must(201)
    t.start("?digest=" + digest_of(b""), body=None).must(202)
    t.blob(digest_of(b""), method="HEAD").must(404)


@rule("upload-post: a digest and a body that ends at once are an upload, and no blob")
def _(t):
    t.start("?digest=" + digest_of(b""), body=b"", chunked=True).must(202)
    t.blob(digest_of(b""), method="HEAD").must(404)


# --- the hash that the client will name (digest-algorithm)

@choice("upload-post: digest-algorithm=sha512 is taken and the digest is of that")
def _(t):
    location = t.start("?digest-algorithm=sha512").must(202).header("Location")
    digest = digest_of(DATA, "sha512")
    location = t.patch(location, DATA).must(202).header("Location")
    t.finish(location, digest).must(201).has("Docker-Content-Digest", digest)


@choice("upload-post: digest-algorithm=sha256 is taken")
def _(t):
    location = t.start("?digest-algorithm=sha256").must(202).header("Location")
    t.finish(location, DIGEST, DATA).must(201)


@choice("upload-post: an unknown digest-algorithm is 400")
def _(t):
    t.start("?digest-algorithm=md5").must(400)


@choice("upload-post: a digest-algorithm is an announcement, the digest decides")
def _(t):
    location = t.start("?digest-algorithm=sha512").must(202).header("Location")
    t.finish(location, DIGEST, DATA).must(201).has("Docker-Content-Digest", DIGEST)


# --- ask

@rule("upload-get: it is 204 with location and range")
def _(t):
    answer = status(t, t.upload())
    true(answer.header("Location"), "there is no location")
    true(answer.header("Range"), "there is no range")


@choice("upload-get: the range of an empty upload is 0-0")
def _(t):
    status(t, t.upload()).has("Range", "0-0")


@rule("upload-get: the range is what has arrived")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    status(t, location).has("Range", "0-%d" % (len(DATA) - 1))


@choice("upload-get: the upload's id is in its header")
def _(t):
    first = t.start().must(202)
    status(t, first.header("Location")).has("Docker-Upload-UUID", first.header("Docker-Upload-UUID"))


@choice("upload-head: it tells what GET tells")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    get, head = status(t, location), t.request("HEAD", location).must((200, 204))
    same(head.header("Range"), get.header("Range"), "the range")


@rule("upload-get: an upload that never began is 404 BLOB_UPLOAD_UNKNOWN")
def _(t):
    t.push(DATA)
    t.get("%s/blobs/uploads/%s" % (t.repo, UNKNOWN)).must(404, "BLOB_UPLOAD_UNKNOWN")


@rule("upload-get: an id that is none is 404")
def _(t):
    t.push(DATA)
    t.get("%s/blobs/uploads/not-an-id" % t.repo).must(404)


@rule("upload-get: an upload of another repository is 404")
def _(t):
    location = t.upload()
    t.push(DATA, repo=t.other)
    t.request("GET", location.replace(t.repo, t.other, 1)).must(404)


@rule("upload-get: a finished upload is 404")
def _(t):
    location = t.upload()
    t.finish(location, DIGEST, DATA).must(201)
    t.request("GET", location).must(404)


# --- send

@rule("upload-patch: a body is taken and its range told")
def _(t):
    answer = t.patch(t.upload(), DATA).must(202)
    answer.has("Range", "0-%d" % (len(DATA) - 1)).has("Content-Length", "0")
    true(answer.header("Location"), "there is no location")


@rule("upload-patch: a chunked body is taken")
def _(t):
    answer = t.patch(t.upload(), DATA, chunked=True).must(202).has("Range", "0-%d" % (len(DATA) - 1))
    t.finish(answer.header("Location"), DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("upload-patch: a second body without a range goes behind the first")
def _(t):
    location = t.patch(t.upload(), DATA[:5]).must(202).header("Location")
    answer = t.patch(location, DATA[5:]).must(202).has("Range", "0-%d" % (len(DATA) - 1))
    t.finish(answer.header("Location"), DIGEST).must(201)


@choice("upload-patch: an empty body changes nothing")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    t.patch(location, b"").must(202).has("Range", "0-%d" % (len(DATA) - 1))


@choice("upload-patch: the type of the body does not matter")
def _(t):
    location = t.upload()
    t.request("PATCH", location, [("Content-Type", "text/plain")], DATA).must(202)


@choice("upload-patch: a body needs no type")
def _(t):
    t.request("PATCH", t.upload(), [], DATA).must(202)


@rule("upload-patch: an unknown upload is 404")
def _(t):
    t.push(DATA)
    t.patch("/v2/%s/blobs/uploads/%s" % (t.repo, UNKNOWN), DATA).must(404, "BLOB_UPLOAD_UNKNOWN")


@rule("upload-patch: a finished upload is 404")
def _(t):
    location = t.upload()
    t.finish(location, DIGEST, DATA).must(201)
    t.patch(location, DATA).must(404)


@rule("upload-patch: a megabyte by pieces is the same blob")
def _(t):
    data = bytes(range(256)) * 4096
    location = t.patch(t.upload(), data, chunked=True).must(202).header("Location")
    t.finish(location, digest_of(data)).must(201)
    t.blob(digest_of(data)).must(200).is_bytes(data)


# --- finish

@rule("upload-put: with the whole body it is 201 and the blob is there")
def _(t):
    t.finish(t.upload(), DIGEST, DATA).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("upload-put: the location of the answer can be read at once")
def _(t):
    answer = t.finish(t.upload(), DIGEST, DATA).must(201)
    t.request("GET", answer.header("Location")).must(200).is_bytes(DATA)


@choice("upload-put: the location is the blob's path")
def _(t):
    answer = t.finish(t.upload(), DIGEST, DATA).must(201)
    answer.has("Location", "/v2/%s/blobs/%s" % (t.repo, DIGEST))


@rule("upload-put: the digest that was asked for is in its header")
def _(t):
    t.finish(t.upload(), DIGEST, DATA).must(201).has("Docker-Content-Digest", DIGEST)


@rule("upload-put: the answer has no body")
def _(t):
    t.finish(t.upload(), DIGEST, DATA).must(201).has("Content-Length", "0")


@rule("upload-put: without a body it finishes what was sent")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    t.finish(location, DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("upload-put: its body is the last part")
def _(t):
    location = t.patch(t.upload(), DATA[:9]).must(202).header("Location")
    t.finish(location, DIGEST, DATA[9:]).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("upload-put: its body may be chunked")
def _(t):
    t.finish(t.upload(), DIGEST, DATA, chunked=True).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("upload-put: an upload without bytes is the empty blob")
def _(t):
    t.finish(t.upload(), digest_of(b"")).must(201)
    t.blob(digest_of(b"")).must(200).is_bytes(b"")


@rule("upload-put: the digest may be percent-encoded")
def _(t):
    t.finish(t.upload(), coded(DIGEST), DATA).must(201).has("Docker-Content-Digest", DIGEST)


@choice("upload-put: the type of the body does not matter")
def _(t):
    location = with_query(t.upload(), digest=DIGEST)
    t.request("PUT", location, [("Content-Type", "text/plain; charset=utf-8")], DATA).must(201)


@rule("upload-put: without a digest it is 400 and the upload stays")
def _(t):
    location = t.upload()
    t.request("PUT", location, [("Content-Type", "application/octet-stream")], b"").must(400, "DIGEST_INVALID")
    t.finish(location, DIGEST, DATA).must(201)


@rule("upload-put: a malformed digest is 400 DIGEST_INVALID")
def _(t):
    t.finish(t.upload(), "sha256:12", DATA).must(400, "DIGEST_INVALID")


@choice("upload-put: after a malformed digest the upload can be finished")
def _(t):
    location = t.upload()
    t.finish(location, "sha256:12").must(400)
    t.finish(location, DIGEST, DATA).must(201)


@rule("upload-put: an unknown algorithm is 400")
def _(t):
    t.finish(t.upload(), "md5:d41d8cd98f00b204e9800998ecf8427e", DATA).must(400)


@rule("upload-put: another digest than the content's is 400 DIGEST_INVALID")
def _(t):
    t.finish(t.upload(), MISSING, DATA).must(400, "DIGEST_INVALID")


@rule("upload-put: content with another digest is not stored")
def _(t):
    t.finish(t.upload(), MISSING, DATA).must(400)
    t.blob(MISSING, method="HEAD").must(404)
    t.blob(DIGEST, method="HEAD").must(404)


@choice("upload-put: another digest drops the upload")
def _(t):
    location = t.upload()
    t.finish(location, MISSING, DATA).must(400)
    t.request("GET", location).must(404)


@rule("upload-put: a blob that is there already is 201")
def _(t):
    t.push(DATA)
    t.finish(t.upload(), DIGEST, DATA).must(201)


@rule("upload-put: one content by two uploads at a time is 201 for both")
def _(t):
    first, second = t.upload(), t.upload()
    first = t.patch(first, DATA).must(202).header("Location")
    second = t.patch(second, DATA).must(202).header("Location")
    t.finish(first, DIGEST).must(201)
    t.finish(second, DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("upload-put: repeated, because the answer was lost, it is 201 again")
def _(t):
    location = t.upload()
    t.finish(location, DIGEST, DATA).must(201)
    t.finish(location, DIGEST, DATA).must(201).has("Docker-Content-Digest", DIGEST)


@rule("upload-put: an unknown upload is 404")
def _(t):
    t.push(b"something")
    location = "/v2/%s/blobs/uploads/%s" % (t.repo, UNKNOWN)
    t.finish(location, DIGEST, DATA).must(404, "BLOB_UPLOAD_UNKNOWN")


@rule("upload-put: an upload of another repository is 404")
def _(t):
    location = t.upload()
    t.push(b"something", repo=t.other)
    t.finish(location.replace(t.repo, t.other, 1), DIGEST, DATA).must(404)
    t.blob(DIGEST, repo=t.other, method="HEAD").must(404)


# --- drop

@rule("upload-delete: it is 204")
def _(t):
    t.request("DELETE", t.upload()).must(204)


@rule("upload-delete: a dropped upload is gone")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    t.request("DELETE", location).must(204)
    t.request("GET", location).must(404)


@rule("upload-delete: nothing can be sent to a dropped upload")
def _(t):
    location = t.upload()
    t.request("DELETE", location).must(204)
    t.patch(location, DATA).must(404)


@rule("upload-delete: a dropped upload cannot be finished")
def _(t):
    location = t.patch(t.upload(), DATA).must(202).header("Location")
    t.request("DELETE", location).must(204)
    t.finish(location, DIGEST).must(404)
    t.blob(DIGEST, method="HEAD").must(404)


@rule("upload-delete: repeated it is 404")
def _(t):
    location = t.upload()
    t.request("DELETE", location).must(204)
    t.request("DELETE", location).must(404)


@rule("upload-delete: an unknown upload is 404")
def _(t):
    t.push(DATA)
    t.delete("%s/blobs/uploads/%s" % (t.repo, UNKNOWN)).must(404, "BLOB_UPLOAD_UNKNOWN")


@rule("upload-delete: others of the repository stay")
def _(t):
    first, second = t.upload(), t.upload()
    t.request("DELETE", first).must(204)
    t.finish(second, DIGEST, DATA).must(201)


def odd_content(t, data):
    digest = t.push(data)
    t.blob(digest).must(200).is_bytes(data)


for what, content in (("one byte", b"\0"), ("nothing but line ends", b"\r\n" * 50), ("a JSON object", b"{}"),
                      ("65536 bytes", b"a" * 65536), ("65537 bytes", b"b" * 65537),
                      ("the end of a chunked body", b"5\r\nhello\r\n0\r\n\r\n")):
    add(RULE, "upload: %s is stored as it is" % what, lambda t, content=content: odd_content(t, content))

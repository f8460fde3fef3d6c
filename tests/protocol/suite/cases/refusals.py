"""Manifests that are refused."""
import json

from .. import images
from ..case import CHOICE, MISSING, MISSING_512, RULE, add, choice, digest_of, rule, same, true


def refused(t, document, *codes, media_type=images.MANIFEST, status=400, reference="latest"):
    """It is refused so, and nothing of it is there afterwards."""
    answer = t.put(reference, document, media_type=media_type).must(status, *codes)
    t.manifest(reference).must((400, 404))
    return answer


def changed(t, **members):
    """A good document with some members put, or taken out (None)."""
    document = t.small()
    for name, value in members.items():
        if value is None:
            del document[name]
        else:
            document[name] = value
    return images.dumps(document)


def config(t, **members):
    """A good document whose config is changed so."""
    return changed(t, config={k: v for k, v in dict(t.small()["config"], **members).items() if v is not None})


def layer(t, **members):
    """A good document whose only layer is changed so."""
    good = t.descriptor(b"a layer")
    return changed(t, layers=[{k: v for k, v in dict(good, **members).items() if v is not None}])


# name, kind, how the document is made
DOCUMENTS = (
    ("that is no JSON", RULE, lambda t: b"hello"),
    ("that is empty", RULE, lambda t: b""),
    ("that breaks off", RULE, lambda t: images.dumps(t.small())[:-1]),
    ("with more behind its end", CHOICE, lambda t: images.dumps(t.small()) + b"{}"),
    ("that is a list", RULE, lambda t: b"[]"),
    ("that is a number", RULE, lambda t: b"1"),
    ("that is null", RULE, lambda t: b"null"),
    ("that is an empty object", RULE, lambda t: b"{}"),
    ("with a member twice", CHOICE,
     lambda t: images.dumps(t.small()).replace(b'"layers":[]', b'"layers":[],"layers":[]')),
    ("in single quotes", RULE, lambda t: images.dumps(t.small()).replace(b'"', b"'")),
    ("with a comma at its end", RULE, lambda t: images.dumps(t.small()).replace(b'"layers":[]', b'"layers":[],')),
    ("with a comment", RULE, lambda t: images.dumps(t.small()) + b"// the end"),
    ("with NaN", CHOICE, lambda t: images.dumps(t.small()).replace(b'"layers":[]', b'"layers":[],"x":NaN')),
    ("that is no UTF-8", CHOICE, lambda t: images.dumps(t.small(title="X")).replace(b'"X"', b'"\xff"')),
    ("with a byte order mark", RULE, lambda t: b"\xef\xbb\xbf" + images.dumps(t.small())),
    ("in UTF-16", RULE, lambda t: images.dumps(t.small()).decode().encode("utf-16")),
    ("nested without end", RULE, lambda t: b"[" * 100000),
    ("nested without end within", CHOICE,
     lambda t: images.dumps(t.small()).replace(b'"layers":[]', b'"layers":[],"x":' + b"[" * 50000 + b"]" * 50000)),
    ("without schemaVersion", RULE, lambda t: changed(t, schemaVersion=None)),
    ("of schemaVersion 3", RULE, lambda t: changed(t, schemaVersion=3)),
    ("whose schemaVersion is text", RULE, lambda t: changed(t, schemaVersion="2")),
    ("without config", CHOICE, lambda t: changed(t, config=None)),
    ("whose config is a list", RULE, lambda t: changed(t, config=[])),
    ("whose layers are an object", RULE, lambda t: changed(t, layers={"a": 1})),
    ("whose layers are text", RULE, lambda t: changed(t, layers="none")),
    ("whose layer is text", RULE, lambda t: changed(t, layers=["one"])),
    ("whose config has no digest", RULE, lambda t: config(t, digest=None)),
    ("whose layer has no digest", RULE, lambda t: layer(t, digest=None)),
    ("whose layer's digest is a number", RULE, lambda t: layer(t, digest=7)),
    ("whose layer's size is below 0", CHOICE, lambda t: layer(t, size=-1)),
    ("whose layer's size is text", RULE, lambda t: layer(t, size="7")),
    ("whose layer's size is a fraction", CHOICE, lambda t: layer(t, size=7.5)),
    ("whose layer's size has more than 64 bits", CHOICE, lambda t: layer(t, size=1 << 70)),
    ("whose layer has no size", CHOICE, lambda t: layer(t, size=None)),
    ("whose layer's type is a number", RULE, lambda t: layer(t, mediaType=7)),
    ("whose annotations are a list", RULE, lambda t: changed(t, annotations=["a"])),
    ("whose annotation is a number", RULE, lambda t: changed(t, annotations={"a": 1})),
    ("whose subject is text", CHOICE, lambda t: changed(t, subject=MISSING)),
    ("that has children of an index, too", CHOICE, lambda t: changed(t, manifests=[])),
    ("that has children to readers that ignore case", CHOICE, lambda t: changed(t, Manifests=[])),
    ("that has two digests of its config to such readers", CHOICE, lambda t: config(t, Digest=MISSING)),
    ("whose mediaType is a number", RULE, lambda t: changed(t, mediaType=2)),
)

DIGESTS = (
    ("config's", lambda t: config(t, digest="sha256:zz")),
    ("layer's", lambda t: layer(t, digest="sha256:zz")),
    ("layer's, of an unknown algorithm,", lambda t: layer(t, digest="md5:d41d8cd98f00b204e9800998ecf8427e")),
    ("layer's, in upper case,", lambda t: layer(t, digest="sha256:" + "A" * 64)),
    ("subject's", lambda t: changed(t, subject=images.descriptor("sha256:12", 3, images.MANIFEST))),
)


def add_document(kind, name, make):
    add(kind, "manifest-put: a document %s is 400" % name, lambda t: refused(t, make(t)) and None)


for name, kind, make in DOCUMENTS:
    add_document(kind, name, make)


def add_digest(name, make):
    add(CHOICE, "manifest-put: a malformed digest, the %s is 400" % name,
        lambda t: refused(t, make(t), "DIGEST_INVALID", "MANIFEST_INVALID") and None)


for name, make in DIGESTS:
    add_digest(name, make)


@rule("manifest-put: what is no manifest is MANIFEST_INVALID")
def _(t):
    refused(t, b"hello", "MANIFEST_INVALID")


@choice("manifest-put: one of the first schema is MANIFEST_INVALID and says why")
def _(t):
    document = json.dumps({"schemaVersion": 1, "name": t.repo, "tag": "latest", "fsLayers": [], "history": []})
    answer = refused(t, document.encode(), "MANIFEST_INVALID",
                     media_type="application/vnd.docker.distribution.manifest.v1+prettyjws")
    true("schema" in answer.body.decode().lower(), "the text says nothing of the schema")


@choice("manifest-put: one of so many objects that they fill the memory is MANIFEST_INVALID and says why")
def _(t):
    many = images.dumps(t.small()).replace(b'"layers":[]', b'"layers":[],"x":[' + b"{}," * 399000 + b"{}]")
    answer = refused(t, many, "MANIFEST_INVALID")
    true("too many objects" in answer.body.decode(), "the text says nothing of objects")


@rule("manifest-put: a type that is no manifest's is 400")
def _(t):
    refused(t, changed(t, mediaType=None), media_type="text/plain")


@choice("manifest-put: a type that differs from the document's is 400")
def _(t):
    refused(t, t.small(), "MANIFEST_INVALID", media_type=images.DOCKER_MANIFEST)


@choice("manifest-put: an index called a manifest is 400")
def _(t):
    document = images.index([])
    del document["mediaType"]
    refused(t, images.dumps(document), "MANIFEST_INVALID")


@rule("manifest-put: another digest than the document's is 400")
def _(t):
    refused(t, t.small(), "DIGEST_INVALID", "MANIFEST_INVALID", reference=MISSING)


@rule("manifest-put: another digest of sha512 than the document's is 400")
def _(t):
    refused(t, t.small(), "DIGEST_INVALID", "MANIFEST_INVALID", reference=MISSING_512)


@rule("manifest-put: two more blanks make another digest")
def _(t):
    data = images.dumps(t.small())
    refused(t, data + b"  ", reference=digest_of(data))


@choice("manifest-put: a malformed digest in the address is 400 DIGEST_INVALID")
def _(t):
    t.put("sha256:12", t.small()).must(400, "DIGEST_INVALID")


@choice("manifest-put: a digest of an unknown algorithm in the address is 400 DIGEST_INVALID")
def _(t):
    t.put("md5:d41d8cd98f00b204e9800998ecf8427e", t.small()).must(400, "DIGEST_INVALID")


@rule("manifest-put: a layer that is not here is refused with MANIFEST_BLOB_UNKNOWN")
def _(t):
    document = t.small()
    document["layers"] = [images.descriptor(MISSING, 9, images.LAYER)]
    refused(t, document, "MANIFEST_BLOB_UNKNOWN", status=(400, 404))


@rule("manifest-put: a config that is not here is refused with MANIFEST_BLOB_UNKNOWN")
def _(t):
    t.push(b"something")
    document = images.manifest(images.descriptor(MISSING, 2, images.CONFIG), [])
    refused(t, document, "MANIFEST_BLOB_UNKNOWN", status=(400, 404))


@rule("manifest-put: a layer of sha512 that is not here is refused")
def _(t):
    document = t.small()
    document["layers"] = [images.descriptor(MISSING_512, 9, images.LAYER)]
    refused(t, document, "MANIFEST_BLOB_UNKNOWN", status=(400, 404))


@rule("manifest-put: a layer that another repository has is not here")
def _(t):
    document = t.small()
    document["layers"] = [t.descriptor(b"elsewhere", repo=t.other)]
    refused(t, document, "MANIFEST_BLOB_UNKNOWN", status=(400, 404))


@choice("manifest-put: each missing blob is named by an error of its own")
def _(t):
    document = t.small()
    missing = ["sha256:" + c * 64 for c in "abc"]
    document["layers"] = [images.descriptor(d, 9, images.LAYER) for d in missing]
    answer = refused(t, document, "MANIFEST_BLOB_UNKNOWN")
    same(answer.codes(), ["MANIFEST_BLOB_UNKNOWN"] * 3, "the codes")
    for digest, error in zip(missing, answer.json()["errors"]):
        true(digest in json.dumps(error), "error does not name %s: %s" % (digest, error))


@choice("manifest-put: a layer that stays elsewhere must say where")
def _(t):
    document = t.small()
    document["layers"] = [images.descriptor(MISSING, 9, images.FOREIGN)]
    refused(t, document, "MANIFEST_BLOB_UNKNOWN")


@choice("manifest-put: a layer of another type must be here, whatever its URLs")
def _(t):
    document = t.small()
    document["layers"] = [images.descriptor(MISSING, 9, images.LAYER, urls=["https://example.com/layer"])]
    refused(t, document, "MANIFEST_BLOB_UNKNOWN")


@choice("manifest-put: one of 5 MB is 413")
def _(t):
    refused(t, t.small(filler="f" * 5000000), status=413)


@choice("manifest-put: one of 5 MB without a length is 413")
def _(t):
    data = images.dumps(t.small(filler="f" * 5000000))
    t.put("latest", data, media_type=images.MANIFEST, chunked=True).must(413)
    t.manifest("latest").must(404)


@rule("manifest-put: one of 20 MB is refused")
def _(t):
    t.put("latest", b" " * 20000000, media_type=images.MANIFEST).must((400, 413))


@rule("manifest-put: what is refused leaves the tag where it was")
def _(t):
    digest = t.tagged("latest")
    document = t.small(number="2")
    document["layers"] = [images.descriptor(MISSING, 9, images.LAYER)]
    t.put("latest", document).must((400, 404))
    t.manifest("latest", ("Accept", images.MANIFEST), method="HEAD").must(200).has("Docker-Content-Digest", digest)


@rule("manifest-put: what is refused makes no repository")
def _(t):
    t.put("latest", b"hello", media_type=images.MANIFEST).must(400)
    t.manifest("latest").must(404)
    same(t.tags().status in (200, 404), True, "that the list is empty or unknown")

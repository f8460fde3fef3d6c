"""What can be deleted, and what cannot."""
from .. import images
from ..case import MISSING, choice, digest_of, rule, same
from .indexes import child

ACCEPT = ("Accept", ", ".join((images.MANIFEST, images.INDEX)))


def drop(t, what, repo=None):
    return t.delete("%s/%s" % (repo or t.repo, what))


# --- tags

@choice("tag-delete: it is 202 and the tag is gone at once")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/latest").must(202)
    t.manifest("latest", ACCEPT).must(404)


@choice("tag-delete: the manifest stays")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/latest").must(202)
    t.manifest(digest, ACCEPT).must(200)


@choice("tag-delete: other tags stay")
def _(t):
    digest = t.tagged("one", "two")
    drop(t, "manifests/one").must(202)
    t.manifest("two", ACCEPT).must(200).has("Docker-Content-Digest", digest)
    t.tags().must(200).says("tags", ["two"])


@choice("tag-delete: the list does not have it")
def _(t):
    t.tagged("one", n="1")
    t.tagged("two", n="2")
    drop(t, "manifests/one").must(202)
    t.tags().must(200).says("tags", ["two"])


@choice("tag-delete: repeated it is 404")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/latest").must(202)
    drop(t, "manifests/latest").must(404)


@choice("tag-delete: an unknown tag is 404")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/nothing").must(404)


@choice("tag-delete: of an unknown repository it is 404")
def _(t):
    drop(t, "manifests/latest").must(404)


@choice("tag-delete: the answer has no body")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/latest").must(202).has("Content-Length", "0")


@choice("tag-delete: it can be pushed again")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/latest").must(202)
    same(t.tagged("latest"), digest, "the digest")
    t.manifest("latest", ACCEPT).must(200).has("Docker-Content-Digest", digest)


@choice("tag-delete: what is no tag is 400 TAG_INVALID")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/.bad").must(400, "TAG_INVALID")


# --- manifests

@rule("manifest-delete: it is 202 and the manifest is gone at once")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202)
    t.manifest(digest, ACCEPT).must(404)
    t.manifest(digest, ACCEPT, method="HEAD").must(404)


@rule("manifest-delete: its tags are gone")
def _(t):
    digest = t.tagged("one", "two")
    other = t.tagged("three", other="yes")
    drop(t, "manifests/" + digest).must(202)
    t.manifest("one", ACCEPT).must(404)
    t.manifest("two", ACCEPT).must(404)
    t.manifest("three", ACCEPT).must(200).has("Docker-Content-Digest", other)
    t.tags().must(200).says("tags", ["three"])


@rule("manifest-delete: repeated it is 404")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202)
    drop(t, "manifests/" + digest).must(404)


@rule("manifest-delete: an unknown digest is 404 MANIFEST_UNKNOWN")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/" + MISSING).must(404, "MANIFEST_UNKNOWN")


@rule("manifest-delete: of an unknown repository it is 404")
def _(t):
    drop(t, "manifests/" + MISSING).must(404)


@choice("manifest-delete: a malformed digest is 400 DIGEST_INVALID")
def _(t):
    t.tagged("latest")
    drop(t, "manifests/sha256:12").must(400, "DIGEST_INVALID")


@rule("manifest-delete: the answer has no body")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202).has("Content-Length", "0")


@rule("manifest-delete: pushed again it is whole")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202)
    same(t.tagged("latest"), digest, "the digest")
    t.manifest(digest, ACCEPT).must(200)
    t.blob(digest_of(b"{}")).must(200).is_bytes(b"{}")


@rule("manifest-delete: another repository keeps it")
def _(t):
    digest = t.tagged("latest")
    t.tagged("latest", repo=t.other)
    drop(t, "manifests/" + digest).must(202)
    t.manifest(digest, ACCEPT, repo=t.other).must(200)


@rule("manifest-delete: the blobs stay")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202)
    t.blob(digest_of(b"{}"), method="HEAD").must(200)


@rule("manifest-delete: what was deleted is no child of an index")
def _(t):
    one = child(t)
    drop(t, "manifests/" + one["digest"]).must(202)
    t.put("list", images.index([one])).must((201, 400, 404))
    t.manifest(one["digest"], ACCEPT).must(404)


@rule("manifest-delete: an index goes, its children stay")
def _(t):
    one = child(t)
    data = images.dumps(images.index([one]))
    t.put("list", data, media_type=images.INDEX).must(201)
    drop(t, "manifests/" + digest_of(data)).must(202)
    t.manifest(one["digest"], ACCEPT).must(200)


@choice("manifest-delete: what an index needs is 405 and names the index")
def _(t):
    one = child(t)
    data = images.dumps(images.index([one]))
    t.put("list", data, media_type=images.INDEX).must(201)
    drop(t, "manifests/" + one["digest"]).must(405, "UNSUPPORTED").holds(digest_of(data))
    t.manifest(one["digest"], ACCEPT).must(200)


@choice("manifest-delete: what an index needed can go after it")
def _(t):
    one = child(t)
    data = images.dumps(images.index([one]))
    t.put("list", data, media_type=images.INDEX).must(201)
    drop(t, "manifests/" + one["digest"]).must(405)
    drop(t, "manifests/" + digest_of(data)).must(202)
    drop(t, "manifests/" + one["digest"]).must(202)


# --- blobs

@rule("blob-delete: it is 202 and the blob is gone at once")
def _(t):
    digest = t.push(b"unused")
    drop(t, "blobs/" + digest).must(202)
    t.blob(digest, method="HEAD").must(404)
    t.blob(digest).must(404)


@rule("blob-delete: the answer has no body")
def _(t):
    drop(t, "blobs/" + t.push(b"unused")).must(202).has("Content-Length", "0")


@rule("blob-delete: repeated it is 404")
def _(t):
    digest = t.push(b"unused")
    drop(t, "blobs/" + digest).must(202)
    drop(t, "blobs/" + digest).must(404)


@rule("blob-delete: an unknown digest is 404 BLOB_UNKNOWN")
def _(t):
    t.push(b"something")
    drop(t, "blobs/" + MISSING).must(404, "BLOB_UNKNOWN")


@rule("blob-delete: of an unknown repository it is 404")
def _(t):
    drop(t, "blobs/" + MISSING).must(404)


@rule("blob-delete: a malformed digest is 400 DIGEST_INVALID")
def _(t):
    t.push(b"something")
    drop(t, "blobs/sha256:12").must(400, "DIGEST_INVALID")


@rule("blob-delete: another repository keeps it")
def _(t):
    digest = t.push(b"unused")
    t.push(b"unused", repo=t.other)
    drop(t, "blobs/" + digest).must(202)
    t.blob(digest, repo=t.other).must(200).is_bytes(b"unused")


@rule("blob-delete: pushed again it is there")
def _(t):
    digest = t.push(b"again")
    drop(t, "blobs/" + digest).must(202)
    t.push(b"again")
    t.blob(digest).must(200).is_bytes(b"again")


@rule("blob-delete: what was deleted cannot be named by a manifest")
def _(t):
    document = t.small()
    layer = t.descriptor(b"deleted")
    drop(t, "blobs/" + layer["digest"]).must(202)
    document["layers"] = [layer]
    t.put("latest", document).must((400, 404), "MANIFEST_BLOB_UNKNOWN")


@choice("blob-delete: what a manifest needs is 405 and names the manifest")
def _(t):
    document = t.small()
    document["layers"] = [t.descriptor(b"needed")]
    data = images.dumps(document)
    t.put("latest", data).must(201)
    drop(t, "blobs/" + digest_of(b"needed")).must(405, "UNSUPPORTED").holds(digest_of(data))
    t.blob(digest_of(b"needed")).must(200)


@choice("blob-delete: a config that a manifest needs is 405")
def _(t):
    t.tagged("latest")
    drop(t, "blobs/" + digest_of(b"{}")).must(405, "UNSUPPORTED")


@choice("blob-delete: what an untagged manifest needs is 405")
def _(t):
    t.tagged()
    drop(t, "blobs/" + digest_of(b"{}")).must(405, "UNSUPPORTED")


def foreign(data):
    return images.descriptor(digest_of(data), len(data), images.FOREIGN, urls=["https://example.com/layer"])


@choice("blob-delete: a layer that need not be here is 405 while a manifest names it")
def _(t):
    document = t.small()
    document["layers"] = [foreign(b"from afar"), foreign(b"not here"), t.descriptor(b"needed"), foreign(b"needed")]
    t.push(b"from afar")
    data = images.dumps(document)
    t.put("latest", data).must(201)
    drop(t, "blobs/" + digest_of(b"from afar")).must(405, "UNSUPPORTED").holds(digest_of(data))
    drop(t, "manifests/" + digest_of(data)).must(202)
    drop(t, "blobs/" + digest_of(b"from afar")).must(202)


@choice("blob-delete: a layer that came after a manifest that names it is 405 once that is pushed again")
def _(t):
    document = t.small()
    document["layers"] = [foreign(b"late")]
    t.put("latest", document).must(201)
    digest = t.push(b"late")
    t.put("latest", document).must(201)
    drop(t, "blobs/" + digest).must(405, "UNSUPPORTED")
    t.blob(digest).must(200).is_bytes(b"late")


@choice("delete: what is refused with 405 names the methods that are left")
def _(t):
    document = t.small()
    data = images.dumps(document)
    t.put("latest", data).must(201)
    t.put("many", images.index([images.descriptor(digest_of(data), len(data), images.MANIFEST)])).must(201)
    for what, left in (("blobs/" + document["config"]["digest"], {"GET", "HEAD"}),
                       ("manifests/" + digest_of(data), {"GET", "HEAD", "PUT"})):
        answer = drop(t, what).must(405)
        same(set((answer.header("Allow") or "").split(", ")), left, "Allow of " + what)


@rule("blob-delete: after its manifest it can go")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202)
    drop(t, "blobs/" + digest_of(b"{}")).must(202)
    t.blob(digest_of(b"{}"), method="HEAD").must(404)


@rule("blob-delete: an image deleted piece by piece can be pushed again")
def _(t):
    digest = t.tagged("latest")
    drop(t, "manifests/" + digest).must(202)
    drop(t, "blobs/" + digest_of(b"{}")).must(202)
    same(t.tagged("latest"), digest, "the digest")
    t.blob(digest_of(b"{}")).must(200).is_bytes(b"{}")


@rule("blob-delete: the empty blob")
def _(t):
    digest = t.push(b"")
    drop(t, "blobs/" + digest).must(202)
    t.blob(digest, method="HEAD").must(404)

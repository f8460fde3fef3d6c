"""Indexes: manifests of manifests."""
from .. import images
from ..case import MISSING, choice, digest_of, rule, same

ACCEPT = ("Accept", ", ".join((images.INDEX, images.DOCKER_LIST, images.MANIFEST, images.DOCKER_MANIFEST)))


def child(t, media_type=images.MANIFEST, repo=None, algorithm="sha256", **more):
    """Pushes a small manifest by digest, gives its descriptor."""
    annotations = {k: v for k, v in more.items() if k != "platform"}
    config_type = images.CONFIG if media_type == images.MANIFEST else images.DOCKER_CONFIG
    config = t.descriptor(b"{}", config_type, repo)
    document = images.manifest(config, [], media_type, annotations=annotations or None)
    data = images.dumps(document)
    digest = digest_of(data, algorithm)
    t.put(digest, document, repo=repo).must(201)
    platform = {"platform": more["platform"]} if "platform" in more else {}
    return images.descriptor(digest, len(data), media_type, **platform)


def comes_back(t, document, reference="latest"):
    data = images.dumps(document)
    t.put(reference, document).must(201).has("Docker-Content-Digest", digest_of(data))
    answer = t.manifest(reference, ACCEPT).must(200).is_bytes(data)
    answer.has("Content-Type", document["mediaType"]).has("Content-Length", len(data))
    return images.descriptor(digest_of(data), len(data), document["mediaType"])


@rule("index: it comes back as it was sent")
def _(t):
    linux = child(t, platform={"os": "linux", "architecture": "amd64"}, n="1")
    arm = child(t, platform={"os": "linux", "architecture": "arm64", "variant": "v8"}, n="2")
    comes_back(t, images.index([linux, arm]))


@rule("index: by digest")
def _(t):
    document = images.index([child(t)])
    comes_back(t, document, digest_of(images.dumps(document)))


@rule("index: HEAD tells type, digest and length")
def _(t):
    document = images.index([child(t)])
    found = comes_back(t, document)
    answer = t.manifest("latest", ACCEPT, method="HEAD").must(200).has("Content-Type", images.INDEX)
    answer.has("Docker-Content-Digest", found["digest"]).has("Content-Length", found["size"])


@rule("index: Docker's list keeps its type")
def _(t):
    platform = {"os": "linux", "architecture": "amd64"}
    comes_back(t, images.index([child(t, images.DOCKER_MANIFEST, platform=platform)], images.DOCKER_LIST))


@choice("index: Docker's list is not turned into one of its images")
def _(t):
    platform = {"os": "linux", "architecture": "amd64"}
    document = images.index([child(t, images.DOCKER_MANIFEST, platform=platform)], images.DOCKER_LIST)
    t.put("latest", document).must(201)
    t.manifest("latest", ("Accept", images.DOCKER_MANIFEST)).must(200).has("Content-Type", images.DOCKER_LIST)


@rule("index: it may be empty")
def _(t):
    t.push(b"something")
    comes_back(t, images.index([]))


@choice("index: an empty one may be the first thing in a repository")
def _(t):
    comes_back(t, images.index([]))


@rule("index: it may hold an index")
def _(t):
    inner = comes_back(t, images.index([child(t)]), "inner")
    comes_back(t, images.index([inner]), "outer")


@rule("index: it may hold a manifest and an index")
def _(t):
    one = child(t, n="1")
    inner = comes_back(t, images.index([child(t, n="2")]), "inner")
    comes_back(t, images.index([one, inner]), "outer")


@rule("index: it may hold one manifest for many platforms")
def _(t):
    one = child(t)
    many = [dict(one, platform={"os": "linux", "architecture": "a%d" % n}) for n in range(50)]
    comes_back(t, images.index(many))


@rule("index: it may have a type of artifact and annotations")
def _(t):
    comes_back(t, images.index([child(t)], artifactType="application/x.protocol-suite", annotations={"a": "b"}))


@rule("index: members that nobody knows are kept")
def _(t):
    comes_back(t, images.index([dict(child(t), **{"x-unknown": {"a": [1]}})], **{"x-other": "y"}))


@rule("index: the children can be had by digest")
def _(t):
    one = child(t)
    comes_back(t, images.index([one]))
    t.manifest(one["digest"], ACCEPT).must(200).has("Content-Type", images.MANIFEST)


@rule("index: children are no tags")
def _(t):
    comes_back(t, images.index([child(t)]))
    same(t.tags().must(200).json()["tags"], ["latest"], "the tags")


@rule("index: a child may be of sha512")
def _(t):
    comes_back(t, images.index([child(t, algorithm="sha512")]))


@choice("index: a child that is not here is 400 and named")
def _(t):
    missing = images.descriptor(MISSING, 9, images.MANIFEST)
    t.put("latest", images.index([child(t), missing])).must(400, "MANIFEST_BLOB_UNKNOWN").holds(MISSING)
    t.manifest("latest", ACCEPT).must(404)


@choice("index: a child of another repository is not here")
def _(t):
    elsewhere = child(t, repo=t.other)
    t.push(b"something")
    t.put("latest", images.index([elsewhere])).must(400, "MANIFEST_BLOB_UNKNOWN")


@choice("index: a blob that is called a manifest is no child")
def _(t):
    blob = t.descriptor(b"a blob", images.MANIFEST)
    t.put("latest", images.index([blob])).must(400, "MANIFEST_BLOB_UNKNOWN")


def cache(t, algorithm="sha256"):
    """What BuildKit before 0.21 exports: layers and a description of them."""
    return [t.descriptor(b"a layer", images.LAYER, algorithm=algorithm),
            t.descriptor(b"{}", "application/vnd.buildkit.cacheconfig.v0", algorithm=algorithm)]


for algorithm in ("sha256", "sha512"):
    @choice("index: it may hold layers by %s, as a cache of BuildKit does" % algorithm)
    def _(t, algorithm=algorithm):
        index = images.index(cache(t, algorithm) + cache(t))
        t.put("cache", index).must(201)
        t.manifest("cache", ACCEPT).must(200).is_bytes(images.dumps(index))
        t.put("cache", index).must(201)


@choice("index: it may hold a blob of JSON, such as an image's configuration")
def _(t):
    config = t.descriptor(b'{"os":"linux"}', images.CONFIG)
    t.put("latest", images.index([config])).must(201)
    t.delete("%s/blobs/%s" % (t.repo, config["digest"])).must(405)


@choice("index: a layer that it holds cannot be deleted, and can after it")
def _(t):
    layer, config = cache(t)
    t.put("cache", images.index([layer, config, layer])).must(201)
    t.delete("%s/blobs/%s" % (t.repo, layer["digest"])).must(405)
    t.delete("%s/manifests/%s" % (t.repo, digest_of(images.dumps(images.index([layer, config, layer]))))).must(202)
    t.delete("%s/blobs/%s" % (t.repo, layer["digest"])).must(202)


@choice("index: one digest that is called a manifest and a layer is the manifest")
def _(t):
    data = images.dumps(t.small())
    t.put("latest", data).must(201)
    children = [images.descriptor(digest_of(data), len(data), kind) for kind in (images.LAYER, images.MANIFEST)]
    t.put("all", images.index(children)).must(201)


@choice("index: one digest that is called a manifest and a layer is no blob alone")
def _(t):
    layer = t.descriptor(b"a blob", images.LAYER)
    t.put("all", images.index([layer, dict(layer, mediaType=images.MANIFEST)])).must(400, "MANIFEST_BLOB_UNKNOWN")


@choice("index: what is both a manifest and a blob of another type cannot be deleted as either")
def _(t):
    data = images.dumps(t.small())
    blob = t.descriptor(data, images.LAYER)
    t.put("latest", data).must(201)
    t.put("all", images.index([blob])).must(201)
    for path in "blobs", "manifests":
        t.delete("%s/%s/%s" % (t.repo, path, blob["digest"])).must(405)


@rule("index: a malformed digest of a child is 400")
def _(t):
    t.push(b"something")
    broken = images.descriptor("sha256:12", 9, images.MANIFEST)
    t.put("latest", images.index([broken])).must(400)


@rule("index: children that are no list are 400")
def _(t):
    t.push(b"something")
    t.put("latest", images.index({"a": 1})).must(400)


@choice("index: layers do not belong to it")
def _(t):
    t.put("latest", images.index([child(t)], layers=[])).must(400, "MANIFEST_INVALID")


@choice("index: a config does not belong to it")
def _(t):
    one = child(t)
    t.put("latest", images.index([one], config=t.descriptor(b"{}", images.CONFIG))).must(400, "MANIFEST_INVALID")


@rule("index: a tag may move from a manifest to an index")
def _(t):
    t.tagged("latest")
    comes_back(t, images.index([child(t)]))


@rule("index: without a mediaType of its own the Content-Type counts")
def _(t):
    document = images.index([child(t)])
    del document["mediaType"]
    t.put("latest", images.dumps(document), media_type=images.INDEX).must(201)
    t.manifest("latest", ACCEPT).must(200).has("Content-Type", images.INDEX)

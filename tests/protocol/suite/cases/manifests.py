"""Manifests: put, get, head. What is refused is in refusals.py."""
from .. import images
from ..case import MISSING, RULE, add, choice, coded, digest_of, rule, same, true

EVERY_TYPE = ", ".join((images.MANIFEST, images.INDEX, images.DOCKER_MANIFEST, images.DOCKER_LIST))


def shared(t):
    image = t.image
    return image.repo, image.digest, image.manifest


def docker(t):
    return images.manifest(t.descriptor(b"{}", images.DOCKER_CONFIG), [], images.DOCKER_MANIFEST)


def comes_back(t, data, media_type=images.MANIFEST, **more):
    """A document is the same in all its bytes."""
    t.put("latest", data, media_type=media_type, **more).must(201)
    t.manifest("latest", ("Accept", EVERY_TYPE)).must(200).has("Content-Type", media_type).is_bytes(data)


# --- put

@rule("manifest-put: by tag it is 201 and a location")
def _(t):
    answer = t.put("latest", t.small()).must(201).has("Content-Length", "0")
    true(answer.header("Location"), "there is no location")


@rule("manifest-put: the location can be read at once")
def _(t):
    data = images.dumps(t.small())
    answer = t.put("latest", data).must(201)
    accept = [("Accept", images.MANIFEST)]
    t.request("GET", answer.header("Location"), accept).must(200).is_bytes(data)


@choice("manifest-put: the location is the path by digest")
def _(t):
    data = images.dumps(t.small())
    answer = t.put("latest", data).must(201)
    answer.has("Location", "/v2/%s/manifests/%s" % (t.repo, digest_of(data)))


@rule("manifest-put: by tag the digest is the sha256 of the bytes")
def _(t):
    data = images.dumps(t.small())
    t.put("latest", data).must(201).has("Docker-Content-Digest", digest_of(data))


@rule("manifest-put: by digest it is 201 and that digest")
def _(t):
    data = images.dumps(t.small())
    t.put(digest_of(data), data).must(201).has("Docker-Content-Digest", digest_of(data))
    t.manifest(digest_of(data), ("Accept", EVERY_TYPE)).must(200).is_bytes(data)


@rule("manifest-put: by digest it makes no tag")
def _(t):
    t.tagged("first")
    t.tagged(number="2")
    same(t.tags().must(200).json()["tags"], ["first"], "the tags")


@rule("manifest-put: the digest may be percent-encoded")
def _(t):
    data = images.dumps(t.small())
    t.put(coded(digest_of(data)), data).must(201).has("Docker-Content-Digest", digest_of(data))


@rule("manifest-put: the same again is 201 again")
def _(t):
    data = images.dumps(t.small())
    t.put("latest", data).must(201)
    t.put("latest", data).must(201)
    same(t.tags().must(200).json()["tags"], ["latest"], "the tags")


@rule("manifest-put: a tag moves to the new manifest")
def _(t):
    old, new = t.tagged("latest"), t.tagged("latest", number="2")
    t.manifest("latest", ("Accept", EVERY_TYPE)).must(200).has("Docker-Content-Digest", new)
    t.manifest(old, ("Accept", EVERY_TYPE)).must(200)


@rule("manifest-put: one manifest may have many tags")
def _(t):
    digest = t.tagged("one", "two", "three")
    for tag in ("one", "two", "three"):
        t.manifest(tag, ("Accept", EVERY_TYPE), method="HEAD").must(200).has("Docker-Content-Digest", digest)


@rule("manifest-put: the body may be chunked")
def _(t):
    data = images.dumps(t.small())
    t.put("latest", data, chunked=True).must(201).has("Docker-Content-Digest", digest_of(data))


@rule("manifest-put: one manifest in two repositories is in both")
def _(t):
    digest = t.tagged("latest")
    same(t.tagged("latest", repo=t.other), digest, "the digest")
    t.manifest(digest, ("Accept", EVERY_TYPE), repo=t.other).must(200)


# --- documents that come back as they were sent

@rule("manifest: blanks and the order of members are kept")
def _(t):
    d = t.descriptor(b"{}", images.CONFIG)
    text = ' {\n\t"layers" : [ ],"config":{"size":2, "digest":"%s","mediaType":"%s"},\r\n "mediaType":"%s",' \
        '"schemaVersion":   2 }\n\n' % (d["digest"], images.CONFIG, images.MANIFEST)
    comes_back(t, text.encode())


@rule("manifest: members that nobody knows are kept")
def _(t):
    document = t.small()
    document["x-unknown"] = {"deep": [1, {"er": None}], "number": 1.5e3, "true": True}
    comes_back(t, images.dumps(document))


@rule("manifest: members of a descriptor that nobody knows are kept")
def _(t):
    document = t.small()
    document["layers"] = [t.descriptor(b"layer", **{"x-unknown": ["a"]})]
    comes_back(t, images.dumps(document))


@rule("manifest: data within a descriptor is kept")
def _(t):
    document = t.small()
    document["config"]["data"] = "e30="
    comes_back(t, images.dumps(document))


@rule("manifest: annotations of any letters are kept")
def _(t):
    document = t.small(**{"über": "日本語 🙂 \" \\ / \u0001"})
    comes_back(t, images.dumps(document))


@rule("manifest: letters beyond ASCII need no escape")
def _(t):
    text = images.dumps(t.small(title="X")).decode().replace('"X"', '"日本語 🙂"')
    comes_back(t, text.encode())


@rule("manifest: it may name the same layer twice")
def _(t):
    layer = t.descriptor(b"twice")
    comes_back(t, images.dumps(images.manifest(t.small()["config"], [layer, dict(layer)])))


@rule("manifest: it may have a hundred layers")
def _(t):
    layer = t.descriptor(b"often")
    layers = [dict(layer, annotations={"n": str(n)}) for n in range(100)]
    comes_back(t, images.dumps(images.manifest(t.small()["config"], layers)))


@rule("manifest: it may have no layers")
def _(t):
    comes_back(t, images.dumps(t.small()))


@choice("manifest: the list of layers may be absent")
def _(t):
    document = t.small()
    del document["layers"]
    comes_back(t, images.dumps(document))


@rule("manifest: an artifact has its type and an empty config")
def _(t):
    empty = t.descriptor(b"{}", images.EMPTY)
    comes_back(t, images.dumps(images.manifest(empty, [dict(empty)], artifactType="application/x.protocol-suite")))


@rule("manifest: a config of any type is taken")
def _(t):
    config = t.descriptor(b"{}", "application/x.protocol-suite.config+json")
    comes_back(t, images.dumps(images.manifest(config, [])))


@rule("manifest: layers of any type are taken")
def _(t):
    layer = t.descriptor(b"x: y\n", "text/x-protocol-suite")
    comes_back(t, images.dumps(images.manifest(t.small()["config"], [layer])))


@rule("manifest: layers may have URLs and be here, too")
def _(t):
    layer = t.descriptor(b"here and there", urls=["https://example.com/layer"])
    comes_back(t, images.dumps(images.manifest(t.small()["config"], [layer])))


@rule("manifest: one of Docker keeps its type")
def _(t):
    comes_back(t, images.dumps(docker(t)), images.DOCKER_MANIFEST)


@rule("manifest: a layer of Docker that stays elsewhere need not be here")
def _(t):
    document = docker(t)
    document["layers"] = [images.descriptor(MISSING, 9, images.DOCKER_FOREIGN, urls=["https://example.com/layer"])]
    comes_back(t, images.dumps(document), images.DOCKER_MANIFEST)


@rule("manifest: a layer that may not be distributed need not be here")
def _(t):
    layer = images.descriptor(MISSING, 9, images.FOREIGN, urls=["https://example.com/layer"])
    comes_back(t, images.dumps(images.manifest(t.small()["config"], [layer])))


@choice("manifest: a compressed layer that may not be distributed need not be here")
def _(t):
    layer = images.descriptor(MISSING, 9, images.FOREIGN + "+zstd", urls=["https://example.com/layer"])
    comes_back(t, images.dumps(images.manifest(t.small()["config"], [layer])))


@rule("manifest: one of 3.9 MB is taken")
def _(t):
    comes_back(t, images.dumps(t.small(filler="f" * 3900000)))


@rule("manifest: one of 4 MiB to the byte is taken")
def _(t):
    size = len(images.dumps(t.small(filler="")))
    comes_back(t, images.dumps(t.small(filler="f" * ((4 << 20) - size))))


@choice("manifest: parameters of its type are cut")
def _(t):
    data = images.dumps(t.small())
    t.put("latest", data, media_type=images.MANIFEST + "; charset=utf-8").must(201)
    t.manifest("latest", ("Accept", EVERY_TYPE)).must(200).has("Content-Type", images.MANIFEST)


@choice("manifest: without a Content-Type its own mediaType counts")
def _(t):
    data = images.dumps(docker(t))
    t.request("PUT", "/v2/%s/manifests/latest" % t.repo, [], data).must(201)
    t.manifest("latest", ("Accept", EVERY_TYPE)).must(200).has("Content-Type", images.DOCKER_MANIFEST)


@rule("manifest: without a mediaType of its own the Content-Type counts")
def _(t):
    document = t.small()
    del document["mediaType"]
    comes_back(t, images.dumps(document))


# --- get

@rule("manifest-get: by tag: bytes, type, digest, length")
def _(t):
    repo, digest, data = shared(t)
    answer = t.manifest(t.image.tag, ("Accept", EVERY_TYPE), repo=repo).must(200).is_bytes(data)
    answer.has("Content-Type", images.MANIFEST).has("Docker-Content-Digest", digest)
    answer.has("Content-Length", len(data))


@rule("manifest-get: by digest: bytes, type, digest, length")
def _(t):
    repo, digest, data = shared(t)
    answer = t.manifest(digest, ("Accept", EVERY_TYPE), repo=repo).must(200).is_bytes(data)
    answer.has("Content-Type", images.MANIFEST).has("Docker-Content-Digest", digest)
    answer.has("Content-Length", len(data))


@choice("manifest-get: the entity tag is the quoted digest")
def _(t):
    repo, digest, _data = shared(t)
    t.manifest(t.image.tag, ("Accept", EVERY_TYPE), repo=repo).must(200).has("ETag", '"%s"' % digest)


@choice("manifest-get: by tag it must be asked for again each time")
def _(t):
    repo, _digest, _data = shared(t)
    t.manifest(t.image.tag, ("Accept", EVERY_TYPE), repo=repo).must(200).contains("Cache-Control", "no-cache")


@choice("manifest-get: by digest it may be kept for long")
def _(t):
    repo, digest, _data = shared(t)
    t.manifest(digest, ("Accept", EVERY_TYPE), repo=repo).must(200).contains("Cache-Control", "max-age=")


@rule("manifest-get: the digest may be percent-encoded")
def _(t):
    repo, digest, data = shared(t)
    t.manifest(coded(digest), ("Accept", EVERY_TYPE), repo=repo).must(200).is_bytes(data)


@rule("manifest-get: an unknown tag is 404 MANIFEST_UNKNOWN")
def _(t):
    t.manifest("nothing", repo=t.image.repo).must(404, "MANIFEST_UNKNOWN")


@rule("manifest-get: an unknown digest is 404 MANIFEST_UNKNOWN")
def _(t):
    t.manifest(MISSING, repo=t.image.repo).must(404, "MANIFEST_UNKNOWN")


@rule("manifest-get: of an unknown repository it is 404")
def _(t):
    t.manifest("latest").must(404, "NAME_UNKNOWN", "MANIFEST_UNKNOWN")


@rule("manifest-get: one of another repository is 404")
def _(t):
    digest = t.tagged("latest")
    t.push(b"{}", repo=t.other)
    t.manifest(digest, repo=t.other).must(404)


@rule("manifest-get: a tag of another repository is 404")
def _(t):
    t.tagged("here")
    t.tagged("there", repo=t.other)
    t.manifest("here", repo=t.other).must(404, "MANIFEST_UNKNOWN")


@rule("manifest-get: a blob is no manifest")
def _(t):
    t.manifest(digest_of(t.image.layer), repo=t.image.repo).must(404)


@rule("manifest-get: tags differ by the case of their letters")
def _(t):
    t.tagged("Latest")
    t.manifest("latest", ("Accept", EVERY_TYPE)).must(404)


@rule("manifest-get: a range gets the part or the whole")
def _(t):
    repo, digest, data = shared(t)
    answer = t.manifest(digest, ("Accept", EVERY_TYPE), ("Range", "bytes=0-9"), repo=repo).must((200, 206))
    answer.is_bytes(data if answer.status == 200 else data[:10])


@rule("manifest-get: no compression on the way")
def _(t):
    repo, digest, data = shared(t)
    answer = t.manifest(digest, ("Accept", EVERY_TYPE), ("Accept-Encoding", "gzip"), repo=repo).must(200)
    answer.lacks("Content-Encoding").is_bytes(data)


def accepted(t, reference, headers):
    repo, digest, data = shared(t)
    reference = t.image.tag if reference == "tag" else digest
    t.manifest(reference, *headers, repo=repo).must(200).has("Content-Type", images.MANIFEST).is_bytes(data)


for what, headers in (("no Accept", ()), ("Accept of anything", [("Accept", "*/*")]),
                      ("Accept of other types alone", [("Accept", images.DOCKER_MANIFEST)]),
                      ("Accept of text", [("Accept", "text/html")]),
                      ("an Accept that is none", [("Accept", ";;;,q=/")])):
    for reference in ("tag", "digest"):
        add("choice", "manifest-get: by %s, with %s, it comes as it is stored" % (reference, what),
            lambda t, r=reference, h=headers: accepted(t, r, h))
for what, headers in (("a list of types", [("Accept", EVERY_TYPE)]),
                      ("a type for each line", [("Accept", images.INDEX), ("Accept", images.MANIFEST)]),
                      ("weights", [("Accept", images.INDEX + ";q=0.2, " + images.MANIFEST + ";q=0.9")])):
    add(RULE, "manifest-get: Accept may be %s" % what, lambda t, h=headers: accepted(t, "tag", h))


# --- head

@rule("manifest-head: it tells what GET tells")
def _(t):
    repo, _digest, _data = shared(t)
    get = t.manifest(t.image.tag, ("Accept", EVERY_TYPE), repo=repo).must(200)
    head = t.manifest(t.image.tag, ("Accept", EVERY_TYPE), repo=repo, method="HEAD").must(200)
    for name in ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag"):
        same(head.header(name), get.header(name), name)


@rule("manifest-head: the length is the true one and there is no body")
def _(t):
    repo, digest, data = shared(t)
    for reference in (t.image.tag, digest, t.image.tag):
        answer = t.manifest(reference, ("Accept", EVERY_TYPE), repo=repo, method="HEAD").must(200)
        answer.has("Content-Length", len(data))


@choice("manifest-head: without an Accept it is found")
def _(t):
    repo, digest, _data = shared(t)
    t.manifest(t.image.tag, repo=repo, method="HEAD").must(200).has("Docker-Content-Digest", digest)


@rule("manifest-head: an unknown tag is 404")
def _(t):
    t.manifest("nothing", repo=t.image.repo, method="HEAD").must(404)


@rule("manifest-head: an unknown digest is 404")
def _(t):
    t.manifest(MISSING, repo=t.image.repo, method="HEAD").must(404)


@rule("manifest-head: of an unknown repository it is 404")
def _(t):
    t.manifest("latest", method="HEAD").must(404)

"""Tags that come with a push by digest: PUT manifests/<digest>?tag=a&tag=b (distribution spec after 1.1)."""
from .. import images
from ..case import choice, digest_of, same, true

ACCEPT = ("Accept", images.MANIFEST)


def push(t, query, algorithm="sha256", **more):
    """The digest and the answer."""
    data = images.dumps(t.small(**more))
    digest = digest_of(data, algorithm)
    return digest, t.put(digest, data, query=query)


@choice("many-tags: each tag that was made is named by OCI-Tag")
def _(t):
    _digest, answer = push(t, "?tag=one&tag=two")
    found = (answer.must(201).header("OCI-Tag") or "").replace(" ", "").split(",")
    same(sorted(found), ["one", "two"], "OCI-Tag")


@choice("many-tags: each tag points to the manifest")
def _(t):
    digest, answer = push(t, "?tag=one&tag=two")
    answer.must(201)
    for tag in ("one", "two", digest):
        t.manifest(tag, ACCEPT, method="HEAD").must(200).has("Docker-Content-Digest", digest)
    t.tags().must(200).says("tags", ["one", "two"])


@choice("many-tags: the answer has location and digest as without")
def _(t):
    digest, answer = push(t, "?tag=one")
    answer.must(201).has("Docker-Content-Digest", digest).contains("Location", "/manifests/" + digest)


@choice("many-tags: ten at once")
def _(t):
    names = ["t%d" % n for n in range(10)]
    push(t, "?" + "&".join("tag=" + n for n in names))[1].must(201).has("OCI-Tag", ", ".join(names))
    t.tags().must(200).says("tags", names)


@choice("many-tags: too many are all made or refused with 414")
def _(t):
    names = ["t%03d" % n for n in range(300)]
    answer = push(t, "?" + "&".join("tag=" + n for n in names))[1].must((201, 414))
    if answer.status == 201:
        t.tags().must(200).says("tags", names)
    else:
        t.tags().must((200, 404))


@choice("many-tags: without a tag there is no OCI-Tag")
def _(t):
    push(t, "")[1].must(201).lacks("OCI-Tag")


@choice("many-tags: a tag that is there moves")
def _(t):
    t.tagged("one", number="1")
    digest, answer = push(t, "?tag=one", number="2")
    answer.must(201).has("OCI-Tag", "one")
    t.manifest("one", ACCEPT, method="HEAD").must(200).has("Docker-Content-Digest", digest)


@choice("many-tags: a manifest that is there gets another tag")
def _(t):
    digest = t.tagged("one")
    same(push(t, "?tag=two")[0], digest, "the digest")
    t.tags().must(200).says("tags", ["one", "two"])


@choice("many-tags: a tag may be percent-encoded")
def _(t):
    push(t, "?tag=%76%31%2E0")[1].must(201).has("OCI-Tag", "v1.0")
    t.tags().must(200).says("tags", ["v1.0"])


@choice("many-tags: one that is named twice is made once")
def _(t):
    answer = push(t, "?tag=one&tag=one")[1].must(201)
    true("one" in (answer.header("OCI-Tag") or ""), "OCI-Tag does not name it")
    t.tags().must(200).says("tags", ["one"])


@choice("many-tags: one that is no tag is 400 TAG_INVALID and nothing is stored")
def _(t):
    digest, answer = push(t, "?tag=good&tag=.bad")
    answer.must(400, "TAG_INVALID")
    t.manifest(digest, ACCEPT).must(404)
    t.manifest("good", ACCEPT).must(404)


@choice("many-tags: an empty one is 400 TAG_INVALID")
def _(t):
    push(t, "?tag=")[1].must(400, "TAG_INVALID")


@choice("many-tags: by sha512 the tag gives that digest")
def _(t):
    digest, answer = push(t, "?tag=strong", "sha512")
    answer.must(201).has("OCI-Tag", "strong")
    t.manifest("strong", ACCEPT).must(200).has("Docker-Content-Digest", digest)


@choice("many-tags: an index may have them")
def _(t):
    t.push(b"something")
    data = images.dumps(images.index([]))
    answer = t.put(digest_of(data), data, media_type=images.INDEX, query="?tag=list")
    answer.must(201).has("OCI-Tag", "list")


@choice("many-tags: with a digest that is wrong none is made")
def _(t):
    t.put("sha256:" + "d" * 64, t.small(), query="?tag=one").must(400)
    t.manifest("one", ACCEPT).must(404)

"""Blobs taken over from another repository."""
from ..case import MISSING, choice, coded, digest_of, rule, same, true

DATA = b"a layer that others have"
DIGEST = digest_of(DATA)


def mount(t, digest, source=None, repo=None):
    query = "?mount=" + digest + ("&from=" + source if source is not None else "")
    return t.start(query, repo=repo)


def usable(t, answer):
    """What could not be mounted is an upload as any other."""
    location = answer.must(202).header("Location")
    t.finish(location, digest_of(b"sent instead"), b"sent instead").must(201)


@rule("mount: a blob of another repository is 201 and here at once")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, t.other).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("mount: the location can be read")
def _(t):
    t.push(DATA, repo=t.other)
    answer = mount(t, DIGEST, t.other).must(201)
    true("/%s/" % t.repo in answer.header("Location"), "the location is not in the repository")
    t.request("GET", answer.header("Location")).must(200).is_bytes(DATA)


@rule("mount: the digest is in its header and there is no body")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, t.other).must(201).has("Docker-Content-Digest", DIGEST).has("Content-Length", "0")


@rule("mount: a manifest can name what was mounted")
def _(t):
    t.push(b"{}", repo=t.other)
    mount(t, digest_of(b"{}"), t.other).must(201)
    t.tagged("latest")


@rule("mount: by sha512")
def _(t):
    digest = t.push(DATA, repo=t.other, algorithm="sha512")
    mount(t, digest, t.other).must(201).has("Docker-Content-Digest", digest)
    t.blob(digest).must(200).is_bytes(DATA)


@rule("mount: the digest may be percent-encoded")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, coded(DIGEST), t.other).must(201).has("Docker-Content-Digest", DIGEST)


@rule("mount: the slash of the source may be percent-encoded")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, coded(t.other)).must(201)


@rule("mount: from itself")
def _(t):
    t.push(DATA)
    mount(t, DIGEST, t.repo).must(201)


@rule("mount: twice is 201 twice")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, t.other).must(201)
    mount(t, DIGEST, t.other).must(201)


@rule("mount: the empty blob")
def _(t):
    t.push(b"", repo=t.other)
    mount(t, digest_of(b""), t.other).must(201)
    t.blob(digest_of(b"")).must(200).is_bytes(b"")


@rule("mount: of what was mounted")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, t.other).must(201)
    mount(t, DIGEST, t.repo, repo=t.third).must(201)
    t.blob(DIGEST, repo=t.third).must(200).is_bytes(DATA)


@rule("mount: the source keeps its blob")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, t.other).must(201)
    t.delete("%s/blobs/%s" % (t.repo, DIGEST)).must(202)
    t.blob(DIGEST, repo=t.other).must(200).is_bytes(DATA)


@rule("mount: the blob stays when its source deletes it")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST, t.other).must(201)
    t.delete("%s/blobs/%s" % (t.other, DIGEST)).must(202)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("mount: what the source does not have becomes an upload")
def _(t):
    t.push(DATA, repo=t.other)
    answer = mount(t, MISSING, t.other)
    usable(t, answer)
    t.blob(MISSING, method="HEAD").must(404)


@rule("mount: what another repository has, but not the source, becomes an upload")
def _(t):
    t.push(DATA, repo=t.third)
    t.push(b"something", repo=t.other)
    mount(t, DIGEST, t.other).must(202)
    t.blob(DIGEST, method="HEAD").must(404)


@rule("mount: an unknown source becomes an upload")
def _(t):
    usable(t, mount(t, DIGEST, t.other))


@choice("mount: a source that is no name becomes an upload")
def _(t):
    usable(t, mount(t, DIGEST, "Not/A/Name"))


@choice("mount: a malformed digest is 400")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, "sha256:zz", t.other).must(400, "DIGEST_INVALID")


@choice("mount: a malformed digest without a source is 400")
def _(t):
    mount(t, "sha256:zz").must(400, "DIGEST_INVALID")


@rule("mount: without a source it is mounted or an upload")
def _(t):
    t.push(DATA, repo=t.other)
    answer = mount(t, DIGEST).must((201, 202))
    if answer.status == 202:
        t.finish(answer.header("Location"), DIGEST, DATA).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("mount: without a source, what the caller has elsewhere is mounted")
def _(t):
    t.push(DATA, repo=t.other)
    mount(t, DIGEST).must(201).has("Docker-Content-Digest", DIGEST)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("mount: without a source, what nobody has becomes an upload")
def _(t):
    usable(t, mount(t, MISSING))


@rule("mount: without a source, what the repository has is mounted or an upload")
def _(t):
    t.push(DATA)
    mount(t, DIGEST).must((201, 202))
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("mount: the challenge asks to pull from the source, too", needs="bearer")
def _(t):
    answer = t.start("?mount=%s&from=%s" % (DIGEST, t.other), auth=None).must(401)
    answer.contains("WWW-Authenticate", "repository:%s:pull,push" % t.repo)
    answer.contains("WWW-Authenticate", "repository:%s:pull" % t.other)


@rule("mount: from what the caller's token does not open becomes an upload", needs="bearer")
def _(t):
    t.push(DATA, repo=t.other)
    token = t.registry.token(["repository:%s:pull,push" % t.repo])
    answer = t.start("?mount=%s&from=%s" % (DIGEST, t.other), auth="Bearer " + token).must((202, 401))
    same(answer.header("Docker-Content-Digest"), None, "the digest's header")
    t.blob(DIGEST, method="HEAD").must(404)

"""Names of repositories."""
from .. import images
from ..case import RULE, add, choice, coded, digest_of, rule, same

ACCEPT = ("Accept", images.MANIFEST)

GOOD = (
    ("one letter", "x"),
    ("digits alone", "123"),
    ("a dot", "a.b"),
    ("a dash", "a-b"),
    ("many dashes", "a----b"),
    ("an underscore", "a_b"),
    ("two underscores", "a__b"),
    ("dots, dashes and underscores in turn", "a.b-c_d__e--f.g"),
    ("nine parts", "b/c/d/e/f/g/h/i"),
    ("100 letters in a part", "n" * 100),
    ("the word manifests", "manifests"),
    ("the words blobs and uploads", "blobs/uploads"),
    ("the words tags and list", "tags/list"),
    ("the word referrers", "referrers"),
    ("the words of a manifest's address", "manifests/latest"),
    ("a part like a tag", "v1.2.3"),
    ("the word v2", "v2/v2"),
)

BAD = (
    ("a capital", "Abc"),
    ("a dash at its begin", "-abc"),
    ("a dash at its end", "abc-"),
    ("a dot at its begin", ".abc"),
    ("a dot at its end", "abc."),
    ("an underscore at its begin", "_abc"),
    ("an underscore at its end", "abc_"),
    ("two dots", "a..b"),
    ("three underscores", "a___b"),
    ("a dot and an underscore", "a._b"),
    ("a dash and a dot", "a-.b"),
    ("a blank", "a%20b"),
    ("a plus sign", "a+b"),
    ("an at sign", "a@b"),
    ("a colon", "a:b"),
    ("a tilde", "a~b"),
    ("a star", "a*b"),
    ("a percent sign", "a%25b"),
    ("a backslash", "a%5Cb"),
    ("a quote", "a%22b"),
    ("a question mark", "a%3Fb"),
    ("letters beyond ASCII", "%C3%BCber"),
    ("bytes that are no UTF-8", "a%FFb"),
    ("more than 255 bytes", "/".join(["n" * 50] * 6)),
)


# more than a registry sends by itself, if its web server may do that
LARGE = bytes(300000)


def good(t, name):
    """Push, pull, list and delete work there."""
    repo = t.repo + "/" + name
    t.push(b"{}", repo=repo)
    t.push(LARGE, repo=repo)
    digest = t.tagged("latest", repo=repo)
    t.manifest("latest", ACCEPT, repo=repo).must(200).has("Docker-Content-Digest", digest)
    t.blob(digest_of(b"{}"), repo=repo).must(200).is_bytes(b"{}")
    t.blob(digest_of(LARGE), repo=repo).must(200).is_bytes(LARGE)
    t.tags(repo=repo).must(200).says("name", repo).says("tags", ["latest"])
    t.delete("%s/manifests/%s" % (repo, digest)).must(202)


def bad(t, name):
    repo = t.repo + "/" + name
    t.start(repo=repo).must((400, 404))
    t.tags(repo=repo).must((400, 404))
    t.put("latest", t.small(), repo=repo).must((400, 404))


def add_all():
    for what, name in GOOD:
        add(RULE, "name: %s may be in it" % what, lambda t, n=name: good(t, n))
    for what, name in BAD:
        add(RULE, "name: %s may not be in it" % what, lambda t, n=name: bad(t, n))
        add("choice", "name: %s in it is 400 NAME_INVALID" % what,
            lambda t, n=name: t.start(repo=t.repo + "/" + n).must(400, "NAME_INVALID") and None)


add_all()


@rule("name: names that begin alike are different ones")
def _(t):
    t.tagged("here", repo=t.repo)
    t.tagged("deeper", repo=t.repo + "/more")
    t.tags(repo=t.repo).must(200).says("tags", ["here"])
    t.tags(repo=t.repo + "/more").must(200).says("tags", ["deeper"])


@rule("name: a repository within the words of another is not mixed up")
def _(t):
    inner = t.repo + "/manifests"
    digest = t.tagged("latest", repo=t.repo)
    t.tagged("other", repo=inner, n="2")
    t.manifest("latest", ACCEPT, repo=t.repo).must(200).has("Docker-Content-Digest", digest)
    t.manifest("latest", ACCEPT, repo=inner).must(404)


@rule("name: letters may be percent-encoded")
def _(t):
    digest = t.tagged("latest")
    encoded = "/".join("%%%02X%s" % (ord(p[0]), p[1:]) for p in t.repo.split("/"))
    t.manifest("latest", ACCEPT, repo=encoded).must(200).has("Docker-Content-Digest", digest)


@choice("name: an encoded slash is no slash")
def _(t):
    t.tagged("latest")
    t.manifest("latest", ACCEPT, repo=coded(t.repo)).must((400, 404))


@rule("name: what was refused is not in the list of tags of its parent")
def _(t):
    t.tagged("latest")
    t.put("other", t.small(), repo=t.repo + "/.bad").must((400, 404))
    same(t.tags().must(200).json()["tags"], ["latest"], "the tags")

"""The list of a repository's tags, and what a tag may be called."""
import re

from .. import images
from ..case import choice, coded, rule, same, true

NAMES = ["1.0", "1.10", "1.2", "A", "Z", "_x", "a", "a-b", "a.b", "latest", "z"]  # in the order of ASCII


def filled(t):
    """A repository with all of NAMES: its name. All cases share it."""
    if not hasattr(t.suite, "tagged_repo"):
        repo = t.suite.names.shared[1]
        t.tagged(*reversed(NAMES), repo=repo)
        t.suite.tagged_repo = repo
    return t.suite.tagged_repo


def listed(t, query, repo=None, status=200):
    answer = t.tags(query, repo=repo or filled(t)).must(status)
    return answer.json()["tags"], answer


def next_of(answer):
    """The path of the next page, None on the last."""
    link = answer.header("Link")
    if link is None:
        return None
    found = re.fullmatch(r'<([^>]+)>\s*;\s*rel="?next"?', link)
    true(found, "the link is odd: " + link)
    return found.group(1)


@rule("tags: the list has the repository's name and its tags")
def _(t):
    repo = filled(t)
    answer = t.tags(repo=repo).must(200).says("name", repo)
    answer.contains("Content-Type", "application/json")
    same(sorted(answer.json()["tags"]), NAMES, "the tags")


@rule("tags: they are in the order of ASCII")
def _(t):
    same(listed(t, "")[0], NAMES, "the tags")


@rule("tags: a page has as many as were asked for")
def _(t):
    same(listed(t, "?n=3")[0], NAMES[:3], "the page")


@rule("tags: a page that is not the last has a link to the next")
def _(t):
    true(next_of(listed(t, "?n=3")[1]), "there is no link")


@choice("tags: the link is a path and keeps the size")
def _(t):
    link = next_of(listed(t, "?n=3")[1])
    true(link and link.startswith("/v2/%s/tags/list?" % filled(t)), "the link is %s" % link)
    true("n=3" in link and "last=1.2" in link, "the link is " + link)


@rule("tags: page by page it is all of them once")
def _(t):
    found, answer = listed(t, "?n=2")
    for _n in range(len(NAMES)):
        link = next_of(answer)
        if link is None:
            break
        answer = t.request("GET", link).must(200)
        page = answer.json()["tags"]
        true(len(page) <= 2, "a page has %d tags" % len(page))
        found += page
    same(found, NAMES, "the tags")


@rule("tags: the last page has no link")
def _(t):
    listed(t, "?n=%d&last=%s" % (len(NAMES), NAMES[-3]))[1].lacks("Link")


@choice("tags: a page that ends with the last tag has no link")
def _(t):
    page, answer = listed(t, "?n=%d" % len(NAMES))
    same(page, NAMES, "the page")
    answer.lacks("Link")


@rule("tags: more than there are is all")
def _(t):
    same(listed(t, "?n=%d" % (len(NAMES) + 5))[0], NAMES, "the page")


@choice("tags: a size beyond all bounds is cut")
def _(t):
    same(listed(t, "?n=1000000000")[0], NAMES, "the page")


@rule("tags: a page of 0 is empty and has no link")
def _(t):
    page, answer = listed(t, "?n=0")
    same(page, [], "the page")
    answer.lacks("Link")


@choice("tags: a size below 0 is 400 PAGINATION_NUMBER_INVALID")
def _(t):
    t.tags("?n=-1", repo=filled(t)).must(400, "PAGINATION_NUMBER_INVALID")


@choice("tags: a size of letters is 400 PAGINATION_NUMBER_INVALID")
def _(t):
    t.tags("?n=many", repo=filled(t)).must(400, "PAGINATION_NUMBER_INVALID")


@choice("tags: a size of nothing is 400 PAGINATION_NUMBER_INVALID")
def _(t):
    t.tags("?n=", repo=filled(t)).must(400, "PAGINATION_NUMBER_INVALID")


@choice("tags: a size with a fraction is 400 PAGINATION_NUMBER_INVALID")
def _(t):
    t.tags("?n=1.5", repo=filled(t)).must(400, "PAGINATION_NUMBER_INVALID")


@rule("tags: last begins behind that tag")
def _(t):
    same(listed(t, "?n=3&last=A")[0], ["Z", "_x", "a"], "the page")


@rule("tags: last works without a size")
def _(t):
    same(listed(t, "?last=a-b")[0], ["a.b", "latest", "z"], "the page")


@rule("tags: last need not be there")
def _(t):
    same(listed(t, "?n=2&last=M")[0], ["Z", "_x"], "the page")


@rule("tags: behind the last is nothing")
def _(t):
    page, answer = listed(t, "?n=2&last=z")
    same(page, [], "the page")
    answer.lacks("Link")


@rule("tags: last may be percent-encoded")
def _(t):
    same(listed(t, "?n=1&last=%61%2Eb")[0], ["latest"], "the page")


@rule("tags: half of the list is the half")
def _(t):
    half = len(NAMES) // 2
    same(listed(t, "?n=%d&last=%s" % (half, coded(NAMES[half - 1])))[0], NAMES[half:2 * half], "the page")


@rule("tags: a parameter that nobody knows is ignored")
def _(t):
    same(listed(t, "?what=ever")[0], NAMES, "the tags")


@choice("tags: HEAD is GET without the body")
def _(t):
    get = t.tags(repo=filled(t)).must(200)
    head = t.head("%s/tags/list" % filled(t)).must(200)
    for name in ("Content-Type", "Content-Length"):
        same(head.header(name), get.header(name), name)


@rule("tags: of an unknown repository the list is 404 or empty")
def _(t):
    answer = t.tags().must((200, 404))
    if answer.status == 200:
        same(answer.json()["tags"], [], "the tags")


@choice("tags: of an unknown repository the list is 404 NAME_UNKNOWN")
def _(t):
    t.tags().must(404, "NAME_UNKNOWN")


@choice("tags: of a repository with blobs alone the list is empty")
def _(t):
    t.push(b"something")
    t.tags().must(200).says("tags", [])


@choice("tags: of a repository with untagged manifests alone the list is empty, not null")
def _(t):
    t.tagged()
    t.tags().must(200).says("tags", [])


@rule("tags: a tag is listed at once")
def _(t):
    for n in range(4):
        t.tagged("t%d" % n, number=str(n))
        same(len(t.tags().must(200).json()["tags"]), n + 1, "the number of tags")


@rule("tags: a tag that moved is listed once")
def _(t):
    t.tagged("latest")
    t.tagged("latest", number="2")
    t.tags().must(200).says("tags", ["latest"])


@rule("tags: those of another repository are not listed")
def _(t):
    t.tagged("here")
    t.tagged("there", repo=t.other)
    t.tags().must(200).says("tags", ["here"])


@rule("tags: POST to the list is refused")
def _(t):
    t.request("POST", "/v2/%s/tags/list" % filled(t), body=b"").must((404, 405))


# --- names of tags

def taken(t, tag):
    digest = t.tagged(tag)
    t.manifest(tag, ("Accept", images.MANIFEST), method="HEAD").must(200).has("Docker-Content-Digest", digest)
    t.tags().must(200).says("tags", [tag])


@rule("tag: one letter is a tag")
def _(t):
    taken(t, "x")


@rule("tag: 128 letters are a tag")
def _(t):
    taken(t, "t" * 128)


@rule("tag: digits alone are a tag")
def _(t):
    taken(t, "20261125")


@rule("tag: it may begin with an underscore")
def _(t):
    taken(t, "_under")


@rule("tag: dots, dashes, underscores and capitals may be in it")
def _(t):
    taken(t, "V1.2-rc_3..x--Y__z.-_")


@rule("tag: it may be called list")
def _(t):
    taken(t, "list")


@rule("tag: two that differ in case are two")
def _(t):
    first, second = t.tagged("abc", n="1"), t.tagged("ABC", n="2")
    t.manifest("abc", ("Accept", images.MANIFEST)).must(200).has("Docker-Content-Digest", first)
    t.manifest("ABC", ("Accept", images.MANIFEST)).must(200).has("Docker-Content-Digest", second)
    t.tags().must(200).says("tags", ["ABC", "abc"])

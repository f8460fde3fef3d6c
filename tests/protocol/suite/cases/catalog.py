"""The list of repositories (Docker's protocol)."""
from ..case import choice, coded, rule, same, true
from .tags import next_of


def filled(t):
    """Three repositories with tags, next to each other in the list: their names in order."""
    if not hasattr(t.suite, "catalog_names"):
        names = sorted("%s-c/%s" % (t.suite.names.shared[0], c) for c in "abc")
        for name in names:
            t.tagged("latest", repo=name)
        t.suite.catalog_names = names
    return t.suite.catalog_names


def listed(t, query):
    answer = t.get("_catalog" + query).must(200)
    return answer.json()["repositories"], answer


def before(t):
    """A name right before those."""
    return coded(filled(t)[0][:-1])


@rule("catalog: a repository with a tag is in it")
def _(t):
    names = filled(t)
    same(listed(t, "?n=3&last=" + before(t))[0], names, "the page")


@rule("catalog: it is JSON and a list of names")
def _(t):
    filled(t)
    found, answer = listed(t, "")
    answer.contains("Content-Type", "application/json")
    true(isinstance(found, list) and all(isinstance(n, str) for n in found), "it is no list of names")


@rule("catalog: the names are in the order of ASCII")
def _(t):
    filled(t)
    found, _answer = listed(t, "?n=100")
    same(found, sorted(found), "the page")


@rule("catalog: a page has as many as were asked for and a link to the next")
def _(t):
    found, answer = listed(t, "?n=2&last=" + before(t))
    same(found, filled(t)[:2], "the page")
    true(next_of(answer), "there is no link")


@rule("catalog: the link leads to the next page")
def _(t):
    _found, answer = listed(t, "?n=2&last=" + before(t))
    page = t.request("GET", next_of(answer)).must(200).json()["repositories"]
    same(page[:1], filled(t)[2:], "the begin of the next page")


@choice("catalog: the link is a path and keeps the size")
def _(t):
    link = next_of(listed(t, "?n=2&last=" + before(t))[1])
    true(link.startswith("/v2/_catalog?") and "n=2" in link, "the link is " + link)


@rule("catalog: last begins behind that name")
def _(t):
    names = filled(t)
    same(listed(t, "?n=1&last=" + coded(names[1]))[0], names[2:], "the page")


@rule("catalog: last need not be there")
def _(t):
    names = filled(t)
    same(listed(t, "?n=1&last=" + coded(names[0] + "0"))[0], names[1:2], "the page")


@rule("catalog: behind all names is nothing")
def _(t):
    filled(t)
    found, answer = listed(t, "?n=5&last=zzzzzzzzzzzzzzzz")
    same(found, [], "the page")
    answer.lacks("Link")


@choice("catalog: a page of 0 is empty and has no link")
def _(t):
    filled(t)
    found, answer = listed(t, "?n=0")
    same(found, [], "the page")
    answer.lacks("Link")


@choice("catalog: a size beyond all bounds is cut")
def _(t):
    names = filled(t)
    same(listed(t, "?n=1000000000&last=" + before(t))[0][:3], names, "the begin of the page")


@choice("catalog: a size below 0 is 400 PAGINATION_NUMBER_INVALID")
def _(t):
    t.get("_catalog?n=-1").must(400, "PAGINATION_NUMBER_INVALID")


@choice("catalog: a size of letters is 400 PAGINATION_NUMBER_INVALID")
def _(t):
    t.get("_catalog?n=many").must(400, "PAGINATION_NUMBER_INVALID")


@choice("catalog: HEAD is GET without the body")
def _(t):
    query = "?n=2&last=" + before(t)
    get = t.get("_catalog" + query).must(200)
    head = t.head("_catalog" + query).must(200)
    for name in ("Content-Type", "Content-Length", "Link"):
        same(head.header(name), get.header(name), name)


@choice("catalog: a repository that got no manifest is not in it")
def _(t):
    name = filled(t)[2] + "-untagged"
    t.push(b"{}", repo=name)
    true(name not in listed(t, "?n=1&last=" + coded(filled(t)[2]))[0], "it is in the list")


@rule("catalog: a repository with a manifest without a tag is in it")
def _(t):
    name = filled(t)[2] + "-by-digest"
    t.tagged(repo=name)  # by its digest
    true(name in listed(t, "?n=1&last=" + coded(filled(t)[2]))[0], "it is not in the list")


@rule("catalog: POST is refused")
def _(t):
    t.request("POST", "/v2/_catalog", body=b"").must((404, 405))


@rule("catalog: it needs a scope of its own", needs="bearer")
def _(t):
    t.get("_catalog", auth=None).must(401).contains("WWW-Authenticate", 'scope="registry:catalog:*"')


@rule("catalog: a token of a repository does not open it", needs="bearer")
def _(t):
    token = t.registry.token(["repository:%s:pull" % t.repo])
    t.get("_catalog", auth="Bearer " + token).must((401, 403))

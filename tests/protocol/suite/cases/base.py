"""GET /v2/, and addresses that are none."""
from ..case import choice, rule, same, true


@rule("base: GET answers 200")
def _(t):
    t.get("").must(200)


@choice("base: the answer is an empty JSON object")
def _(t):
    answer = t.get("").must(200)
    same(answer.json(), {}, "the body")
    answer.contains("Content-Type", "application/json")


@rule("base: the API version is registry/2.0")
def _(t):
    t.get("").must(200).has("Docker-Distribution-Api-Version", "registry/2.0")


@rule("base: HEAD answers as GET does")
def _(t):
    get = t.get("").must(200)
    head = t.head("").must(200)
    same(head.header("Content-Type"), get.header("Content-Type"), "the type for HEAD")
    same(head.header("Content-Length"), str(len(get.body)), "the length for HEAD")


@rule("base: without its slash it is the same, or leads there")
def _(t):
    answer = t.request("GET", "/v2").must((200, 301, 307, 308))
    if answer.status != 200:
        same(t.request("GET", answer.header("Location")).status, 200, "the status of where it leads")


@choice("base: without its slash it answers at once")
def _(t):
    t.request("GET", "/v2").must(200)


@rule("base: a query is ignored")
def _(t):
    t.get("?what=ever&n=-1").must(200)


@choice("base: POST is no method of it, and the refusal names those that are")
def _(t):
    answer = t.request("POST", "/v2/", body=b"{}").must(405)
    answer.contains("Allow", "GET").contains("Allow", "HEAD")


@choice("base: DELETE is no method of it")
def _(t):
    t.delete("").must(405)


@choice("base: PUT is no method of it")
def _(t):
    t.request("PUT", "/v2/", body=b"{}").must(405)


@rule("base: an unknown method is refused")
def _(t):
    t.request("BREW", "/v2/").must((400, 405, 501))


@rule("base: an address outside of /v2/ is not found")
def _(t):
    t.request("GET", "/v3/").must(404)


@rule("base: images are not served by the first protocol")
def _(t):
    t.request("GET", "/v1/repositories/%s/images" % t.image.repo).must(404)


@rule("base: an address below /v2/ that is none is not found")
def _(t):
    t.get(t.image.repo + "/nothing/of/that").must(404)


@rule("base: a name beginning with an underscore is no repository")
def _(t):
    t.get("_nothing").must((400, 404))


@rule("base: many in a row answer the same")
def _(t):
    first = t.get("").must(200)
    for _n in range(10):
        true(t.get("").body == first.body, "the answers differ")

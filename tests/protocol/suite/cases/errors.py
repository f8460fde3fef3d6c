"""Errors: their form, their codes, and that odd requests are never the server's fault."""
import re

from .. import images
from ..case import CHOICE, MISSING, RULE, add, choice, rule, same, true


def form(answer, status, *codes):
    """The status, and a body {"errors":[{"code","message"}]} of JSON."""
    answer.must(status, *codes).contains("Content-Type", "application/json")
    body = answer.json()
    same(list(body), ["errors"], "the members of the body")
    true(body["errors"], "there is no error in the list")
    for error in body["errors"]:
        true(re.fullmatch("[A-Z][A-Z_]*", error.get("code", "")), "the code is %r" % error.get("code"))
        true(isinstance(error.get("message"), str) and error["message"], "the message is %r" % error.get("message"))
        true(set(error) <= {"code", "message", "detail"}, "there is more in it: %r" % error)


REPO = "?"  # stands for the shared repository

SITUATIONS = (
    # what, kind, status, codes, request
    ("an unknown blob", RULE, 404, ["BLOB_UNKNOWN"], lambda t, r: t.blob(MISSING, repo=r)),
    ("an unknown manifest", RULE, 404, ["MANIFEST_UNKNOWN"], lambda t, r: t.manifest("nothing", repo=r)),
    ("an unknown repository", CHOICE, 404, ["NAME_UNKNOWN"], lambda t, r: t.tags()),
    ("an unknown upload", CHOICE, 404, ["BLOB_UPLOAD_UNKNOWN"],
     lambda t, r: t.get(r + "/blobs/uploads/018f0000-0000-7000-8000-000000000000")),
    ("a malformed digest", RULE, 400, ["DIGEST_INVALID"], lambda t, r: t.blob("sha256:12", repo=r)),
    ("another digest than the content's", RULE, 400, ["DIGEST_INVALID"],
     lambda t, r: t.finish(t.upload(), MISSING, b"abc")),
    ("a missing digest", RULE, 400, ["DIGEST_INVALID"], lambda t, r: t.request("PUT", t.upload(), [], b"")),
    ("what is no manifest", RULE, 400, ["MANIFEST_INVALID"],
     lambda t, r: t.put("latest", b"no", media_type=images.MANIFEST)),
    ("a manifest without its blobs", RULE, (400, 404), ["MANIFEST_BLOB_UNKNOWN"],
     lambda t, r: t.put("latest", dict(t.small(), layers=[images.descriptor(MISSING, 1, images.LAYER)]))),
    ("a bad name", CHOICE, 400, ["NAME_INVALID"], lambda t, r: t.start(repo=r + "/_bad")),
    ("a bad tag", CHOICE, 400, ["TAG_INVALID"], lambda t, r: t.manifest(".bad", repo=r)),
    ("a bad size of a page", CHOICE, 400, ["PAGINATION_NUMBER_INVALID"], lambda t, r: t.tags("?n=x", repo=r)),
    ("a chunk out of order", RULE, 416, [], lambda t, r: t.chunk(t.upload(), 5, b"abc")),
    ("a chunk of another size", CHOICE, 400, ["SIZE_INVALID"],
     lambda t, r: t.patch(t.upload(), b"abc", ("Content-Range", "0-9"))),
    ("a range of a blob past its end", CHOICE, 416, [],
     lambda t, r: t.blob(t.push(b"abc"), ("Range", "bytes=10-"))),
    ("a method that an address does not have", CHOICE, 405, ["UNSUPPORTED"],
     lambda t, r: t.request("POST", "/v2/%s/tags/list" % r, body=b"")),
    ("an address that is none", CHOICE, 404, [], lambda t, r: t.get(r + "/nothing")),
    ("a manifest above the limit", CHOICE, 413, [], lambda t, r: t.put("latest", b"{}" + b" " * 5000000)),
)


def add_situations():
    for what, kind, status, codes, request in SITUATIONS:
        name = "errors: %s is %s%s, in the form of errors" % (
            what, status if isinstance(status, int) else "4xx", " " + codes[0] if codes else "")
        add(kind, name, lambda t, s=status, c=codes, r=request: form(r(t, t.image.repo), s, *c))


add_situations()

METHODS = (
    # address, methods that it has, one that it has not
    ("the base", "", "GET", "DELETE"),
    ("a list of tags", "?/tags/list", "GET", "PUT"),
    ("the catalog", "_catalog", "GET", "PUT"),
    ("a blob", "?/blobs/" + MISSING, "GET", "PUT"),
    ("a manifest", "?/manifests/latest", "PUT", "POST"),
    ("the begin of uploads", "?/blobs/uploads/", "POST", "PUT"),
    ("an upload", "?/blobs/uploads/018f0000-0000-7000-8000-000000000000", "PATCH", "POST"),
)


def allow(t, path, has, has_not):
    answer = t.request(has_not, "/v2/" + path.replace(REPO, t.image.repo), body=b"").must(405)
    answer.contains("Allow", has)
    true(has_not not in answer.header("Allow").replace(" ", "").split(","), "it allows " + has_not)


for what, path, has, has_not in METHODS:
    add(CHOICE, "errors: 405 of %s names its methods" % what,
        lambda t, p=path, y=has, n=has_not: allow(t, p, y, n))


ODD = (
    ("a percent sign alone", "?/manifests/%"),
    ("half a percent form", "?/manifests/%4"),
    ("a percent form of letters", "?/manifests/%zz"),
    ("a NUL", "?/manifests/a%00b"),
    ("a line end", "?/manifests/a%0Ab"),
    ("bytes that are no UTF-8", "?/manifests/%FF%FE"),
    ("an overlong UTF-8 form of a slash", "?/manifests/%C0%AF"),
    ("a reference of 5000 bytes", "?/manifests/" + "a" * 5000),
    ("a digest of 5000 bytes", "?/blobs/sha256:" + "a" * 5000),
    ("a thousand parts", "a/" * 1000 + "tags/list"),
    ("an empty reference", "?/manifests/"),
    ("an empty digest", "?/blobs/"),
    ("nothing behind the name", "?"),
    ("a name alone with a slash", "?/"),
    ("blobs without a name", "blobs/" + MISSING),
    ("manifests without a name", "manifests/latest"),
    ("a list of tags without a name", "tags/list"),
    ("more behind the list of tags", "?/tags/list/more"),
    ("a slash behind a manifest", "?/manifests/latest/"),
    ("SQL in a tag", "?/manifests/%27%20OR%201%3D1%20--"),
    ("a format string in a tag", "?/manifests/%25s%25n%25s"),
    ("a path in a digest", "?/blobs/sha256:..%2F..%2Fetc%2Fpasswd"),
    ("a semicolon", "?/manifests/lat;est"),
    ("a shell's words", "?/manifests/$(id)"),
)


NOT_FOUND = (301, 307, 308, 400, 404, 405, 414)


def add_odd():
    for what, path in ODD:
        add(RULE, "errors: %s in an address is the client's fault" % what,
            lambda t, p=path: t.get(p.replace(REPO, t.image.repo)).must(NOT_FOUND) and None)


add_odd()

ODD_QUERIES = (
    ("a bad percent form", "?n=%zz", (200, 400)),
    ("a name alone", "?n", (200, 400)),
    ("nothing but signs", "?&&==&", (200,)),
    ("the same twice", "?n=1&n=2", (200, 400)),
    ("a NUL", "?last=%00", (200, 400)),
    ("bytes that are no UTF-8", "?last=%FF", (200, 400)),
    ("a thousand parameters", "?" + "&".join("a%d=b" % n for n in range(1000)), (200, 400, 414)),
    ("5000 bytes", "?last=" + "a" * 5000, (200, 400, 414)),
    ("SQL", "?last=%27%20OR%201%3D1%20--", (200,)),
)


def add_queries():
    for what, query, statuses in ODD_QUERIES:
        add(RULE, "errors: %s in a query does no harm" % what,
            lambda t, q=query, s=statuses: t.tags(q, repo=t.image.repo).must(s) and None)


add_queries()


@rule("errors: one for HEAD has no body")
def _(t):
    for _n in range(3):  # a body would be taken for the next answer
        t.blob(MISSING, repo=t.image.repo, method="HEAD").must(404)
        t.manifest("nothing", repo=t.image.repo, method="HEAD").must(404)


@rule("errors: what the client sent comes back in no other form than JSON text")
def _(t):
    answer = t.manifest("%3Cscript%3E%22", repo=t.image.repo).refused()
    true("html" not in (answer.header("Content-Type") or ""), "the type is %s" % answer.header("Content-Type"))
    if "json" in (answer.header("Content-Type") or ""):
        answer.json()


@choice("errors: that of a missing blob names it")
def _(t):
    t.put("latest", dict(t.small(), layers=[images.descriptor(MISSING, 1, images.LAYER)])).holds(MISSING)


@rule("errors: after one the connection and the session go on")
def _(t):
    t.tags("?n=x", repo=t.image.repo)
    t.blob("sha256:12", repo=t.image.repo).must(400)
    t.get("").must(200)

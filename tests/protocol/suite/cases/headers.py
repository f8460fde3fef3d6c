"""Headers of all answers, and headers of requests that are odd."""
import email.utils

from . import ranges
from .. import images
from ..case import MISSING, RULE, add, choice, coded, digest_of, rule, same, true

ACCEPT = ("Accept", images.MANIFEST)


def answers(t):
    """Some of each kind, by what they are."""
    image = t.image
    blob = digest_of(image.layer)
    location = t.upload()
    return {
        "the base": t.get(""),
        "a blob": t.blob(blob, repo=image.repo),
        "a part of a blob": t.blob(blob, ("Range", "bytes=0-1"), repo=image.repo),
        "a blob that is not there": t.blob(MISSING, repo=image.repo),
        "a manifest": t.manifest(image.tag, ACCEPT, repo=image.repo),
        "a manifest that is not there": t.manifest("nothing", repo=image.repo),
        "a list of tags": t.tags(repo=image.repo),
        "a new upload": t.start(),
        "an upload": t.request("GET", location),
        "a finished upload": t.finish(location, digest_of(b"abc"), b"abc"),
        "a malformed digest": t.blob("sha256:12", repo=image.repo),
    }


KINDS = ("the base", "a blob", "a part of a blob", "a blob that is not there", "a manifest",
         "a manifest that is not there", "a list of tags", "a new upload", "an upload", "a finished upload",
         "a malformed digest")


def one(t, kind):
    if not hasattr(t.suite, "header_answers"):
        t.suite.header_answers = answers(t)
    return t.suite.header_answers[kind]


def once(answer):
    """No header that can be there once only is there twice."""
    for name in ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Location", "Date",
                 "Docker-Distribution-Api-Version", "Content-Range", "Cache-Control", "Range", "Server",
                 "Accept-Ranges"):
        true(len(answer.values(name)) <= 1, "%s is there %d times: %s" % (
            name, len(answer.values(name)), answer.headers))


def dated(answer):
    value = answer.header("Date")
    true(value is not None and email.utils.parsedate_to_datetime(value) is not None, "the date is %s" % value)


def add_all():
    for kind in KINDS:
        add(RULE, "headers: %s has the API version" % kind,
            lambda t, k=kind: one(t, k).has("Docker-Distribution-Api-Version", "registry/2.0") and None)
        add(RULE, "headers: %s has none twice" % kind, lambda t, k=kind: once(one(t, k)))
    for kind in ("the base", "a blob", "a manifest that is not there", "a new upload"):
        add(RULE, "headers: %s has a date" % kind, lambda t, k=kind: dated(one(t, k)))


add_all()


# --- a mirror's question: for whom is it (distribution spec after 1.1, "Registry Proxying")

def echoed(t, answer):
    answer.must(200).has("OCI-Namespace", "registry.example.com")


NS = "?ns=registry.example.com"


@choice("ns: of a manifest it is echoed")
def _(t):
    echoed(t, t.manifest(t.image.tag + NS, ACCEPT, repo=t.image.repo))


@choice("ns: of a manifest's HEAD it is echoed")
def _(t):
    echoed(t, t.manifest(t.image.digest + NS, ACCEPT, repo=t.image.repo, method="HEAD"))


@choice("ns: of a blob it is echoed")
def _(t):
    echoed(t, t.blob(digest_of(t.image.layer) + NS, repo=t.image.repo))


@choice("ns: of a blob's HEAD it is echoed")
def _(t):
    echoed(t, t.blob(digest_of(t.image.layer) + NS, repo=t.image.repo, method="HEAD"))


@choice("ns: of a large blob it is echoed")
def _(t):
    repo, digest, _ = ranges.pushed(t, True)
    echoed(t, t.blob(digest + NS, repo=repo))


@choice("ns: of a list of tags it is echoed")
def _(t):
    echoed(t, t.tags(NS, repo=t.image.repo))


@choice("ns: of a list of referrers it is echoed")
def _(t):
    echoed(t, t.referrers(MISSING, NS))


@choice("ns: of a host with a port it is echoed")
def _(t):
    answer = t.manifest(t.image.tag + "?ns=" + coded("localhost:5000"), ACCEPT, repo=t.image.repo)
    answer.must(200).has("OCI-Namespace", "localhost:5000")


@choice("ns: without it nothing is echoed")
def _(t):
    t.manifest(t.image.tag, ACCEPT, repo=t.image.repo).must(200).lacks("OCI-Namespace")


@rule("ns: a line end in it makes no header")
def _(t):
    answer = t.manifest(t.image.tag + "?ns=a%0d%0aX-Made:%20up", ACCEPT, repo=t.image.repo).must((200, 400))
    answer.lacks("X-Made")


@rule("ns: it does not change what is found")
def _(t):
    answer = t.manifest(t.image.tag + "?ns=docker.io", ACCEPT, repo=t.image.repo).must(200)
    answer.is_bytes(t.image.manifest)


# --- what a client or a proxy may send

@rule("request: names of headers in lower case are the same")
def _(t):
    data = images.dumps(t.small())
    t.request("PUT", "/v2/%s/manifests/latest" % t.repo, [("content-type", images.MANIFEST)], data).must(201)
    t.manifest("latest", ("accept", images.MANIFEST)).must(200).has("Content-Type", images.MANIFEST)


@rule("request: no User-Agent and an odd one are fine")
def _(t):
    t.get("", ("User-Agent", "")).must(200)
    t.get("", ("User-Agent", "a/1 (\"quoted\"; b) \x7e" * 20)).must(200)


@rule("request: headers that nobody knows are ignored")
def _(t):
    t.get("", *[("X-Unknown-%d" % n, "v" * 50) for n in range(50)]).must(200)


@choice("request: X-Forwarded-Host of a stranger is in no location")
def _(t):
    answer = t.start(headers=[("X-Forwarded-Host", "evil.example.com"), ("X-Forwarded-Proto", "gopher")]).must(202)
    true("evil" not in answer.header("Location"), "the location is " + answer.header("Location"))


@choice("request: Forwarded of a stranger is in no location")
def _(t):
    answer = t.start(headers=[("Forwarded", "for=1.2.3.4;host=evil.example.com;proto=gopher")]).must(202)
    true("evil" not in answer.header("Location"), "the location is " + answer.header("Location"))


@rule("request: a header of other methods does no harm")
def _(t):
    t.get("", ("Content-Range", "0-4"), ("If-Match", '"x"'), ("Range", "bytes=0-0")).must((200, 206, 412))


@rule("request: a cookie does no harm")
def _(t):
    t.get("", ("Cookie", "a=b; c=d")).must(200).lacks("Set-Cookie")


@rule("request: Accept-Charset, TE, Via, and Upgrade-Insecure-Requests do no harm")
def _(t):
    t.get("", ("Accept-Charset", "utf-8"), ("Via", "1.1 proxy"), ("Upgrade-Insecure-Requests", "1")).must(200)


@rule("answer: 201 and 202 have no type, or a body of that type")
def _(t):
    answer = t.start().must(202)
    same(answer.body, b"", "the body")


@rule("answer: the server does not say its version")
def _(t):
    value = t.get("").must(200).header("Server") or ""
    true(not any(c.isdigit() for c in value), "it says " + value)

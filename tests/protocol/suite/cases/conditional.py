"""If-None-Match, If-Match and dates (RFC 9110, section 13)."""
import threading

from .. import images
from ..case import CHOICE, RULE, add, choice, digest_of, rule, same, true
from .ranges import pushed

ACCEPT = ("Accept", ", ".join((images.MANIFEST, images.INDEX)))
OTHER = "sha256:" + "e" * 64


def ask(t, what, headers, method="GET"):
    """The shared blob or manifest, with these headers; `TAG` is its entity tag."""
    is_blob = what in ("blob", "large blob")
    repo, digest = pushed(t, what == "large blob")[:2] if is_blob else (t.image.repo, t.image.digest)
    reference = t.image.tag if what == "manifest by tag" else digest
    path = "/v2/%s/%s/%s" % (repo, "blobs" if is_blob else "manifests", reference)
    tag = t.request("HEAD", path, [ACCEPT]).must(200).header("ETag")
    true(tag is not None and tag.startswith('"'), "the entity tag is %s" % tag)
    values = [(n, v.replace("TAG", tag).replace("DIGEST", digest)) for n, v in headers]
    return t.request(method, path, [ACCEPT] + values), tag, digest


def unchanged(t, what, value, method):
    answer, tag, digest = ask(t, what, [("If-None-Match", value)], method)
    answer.must(304).has("ETag", tag).is_bytes(b"")
    # the next answer on the connection shows that there was no body
    ask(t, what, [], "HEAD")[0].must(200).has("Docker-Content-Digest", digest)


def whole(t, what, headers, method):
    answer, _tag, digest = ask(t, what, headers, method)
    answer.must(200).has("Docker-Content-Digest", digest)
    if method == "GET":
        same(digest_of(answer.body), digest, "the digest of the body")


VALUES = (
    ("its tag", "TAG", RULE),
    ("its tag in a list", '"%s", TAG, "x"' % OTHER, RULE),
    ("any tag", "*", RULE),
    ("its tag, called weak,", "W/TAG", RULE),
    ("its bare digest", "DIGEST", CHOICE),
)
OTHERS = (
    ("another tag", [("If-None-Match", '"%s"' % OTHER)]),
    ("an empty tag", [("If-None-Match", '""')]),
    ("nonsense", [("If-None-Match", "nonsense")]),
)


MATCHES = (
    ("its tag", "TAG"),
    ("its tag in a list", '"%s", TAG' % OTHER),
    ("any tag", "*"),
)
MISMATCHES = (
    ("another tag", '"%s"' % OTHER),
    ("its tag, called weak,", "W/TAG"),
)


def refused(t, what, value, method):
    answer, _tag, _digest = ask(t, what, [("If-Match", value)], method)
    answer.must(412)


def as_cacheable(t, what):
    """304 may say what 200 says, so that a cache can go on (RFC 9110, 15.4.5)."""
    wanted = ask(t, what, [], "HEAD")[0].must(200).header("Cache-Control")
    ask(t, what, [("If-None-Match", "TAG")])[0].must(304).has("Cache-Control", wanted)


def add_all():
    for what in ("blob", "large blob", "manifest by tag", "manifest by digest"):
        for name, value in MATCHES:
            add(RULE, "if-match: GET of a %s with %s gets it" % (what, name),
                lambda t, w=what, v=value: whole(t, w, [("If-Match", v)], "GET"))
        for name, value in MISMATCHES:
            add(RULE, "if-match: GET of a %s with %s is 412" % (what, name),
                lambda t, w=what, v=value: refused(t, w, v, "GET"))
        add(RULE, "if-match: HEAD of a %s with another tag is 412" % what,
            lambda t, w=what: refused(t, w, '"%s"' % OTHER, "HEAD"))
        add(RULE, "if-none-match: 304 of a %s has the caching of 200" % what, lambda t, w=what: as_cacheable(t, w))
        for name, year in ("Unmodified", 2009), ("Modified", 2037):
            add(CHOICE, "if-%s-since: GET of a %s, which has no date, gets it" % (name.lower(), what),
                lambda t, w=what, n=name, y=year: whole(
                    t, w, [("If-%s-Since" % n, "Thu, 01 Jan %d 00:00:00 GMT" % y)], "GET"))
    for what in ("blob", "manifest by tag", "manifest by digest"):
        for name, value, kind in VALUES:
            add(kind, "if-none-match: GET of a %s with %s is 304 without a body" % (what, name),
                lambda t, w=what, v=value: unchanged(t, w, v, "GET"))
        add(RULE, "if-none-match: HEAD of a %s with its tag is 304" % what,
            lambda t, w=what: unchanged(t, w, "TAG", "HEAD"))
        for name, headers in OTHERS:
            add(RULE, "if-none-match: GET of a %s with %s gets it" % (what, name),
                lambda t, w=what, h=headers: whole(t, w, h, "GET"))


add_all()


@rule("if-none-match: part of the tag is another tag")
def _(t):
    digest = t.image.digest
    whole(t, "manifest by tag", [("If-None-Match", '"%s"' % digest[:-1])], "GET")


@rule("if-none-match: the tag as a part of another is another tag")
def _(t):
    whole(t, "manifest by tag", [("If-None-Match", '"x%sx"' % t.image.digest)], "GET")


@choice("if-none-match: 304 has the digest")
def _(t):
    answer, _tag, digest = ask(t, "blob", [("If-None-Match", "TAG")])
    answer.must(304).has("Docker-Content-Digest", digest)


@rule("if-none-match: of what is not there it is 404 all the same")
def _(t):
    t.blob(OTHER, ("If-None-Match", "*"), repo=t.image.repo).must(404)
    t.manifest("nothing", ("If-None-Match", "*"), repo=t.image.repo).must(404)


@rule("if-none-match: a range of what is known is 304")
def _(t):
    answer, _tag, _digest = ask(t, "blob", [("If-None-Match", "TAG"), ("Range", "bytes=0-1")])
    answer.must(304)


@rule("if-none-match: once the tag has moved the new one comes")
def _(t):
    old = t.tagged("latest")
    tag = t.manifest("latest", ACCEPT).must(200).header("ETag")
    new = t.tagged("latest", n="2")
    t.manifest("latest", ACCEPT, ("If-None-Match", tag)).must(200).has("Docker-Content-Digest", new)
    same(tag, '"%s"' % old, "the old entity tag")


# --- PUT under a condition

def put(t, reference, *headers, **annotations):
    """The digest and the answer."""
    data = images.dumps(t.small(**annotations))
    return digest_of(data), t.put(reference, data, *headers)


def points(t, tag, digest):
    t.manifest(tag, ACCEPT, method="HEAD").must(200).has("Docker-Content-Digest", digest)


@choice("if-none-match: PUT of a new tag with * is 201")
def _(t):
    digest, answer = put(t, "latest", ("If-None-Match", "*"))
    answer.must(201)
    points(t, "latest", digest)


@choice("if-none-match: PUT of a tag that is there with * is 412 and moves nothing")
def _(t):
    old, _answer = put(t, "latest")
    put(t, "latest", ("If-None-Match", "*"), n="2")[1].must(412)
    points(t, "latest", old)


@choice("if-none-match: PUT of the same under a tag that is there with * is 412")
def _(t):
    put(t, "latest")
    put(t, "latest", ("If-None-Match", "*"))[1].must(412)


@choice("if-none-match: PUT over that very manifest is 412")
def _(t):
    old, _answer = put(t, "latest")
    put(t, "latest", ("If-None-Match", '"%s"' % old), n="2")[1].must(412)
    points(t, "latest", old)


@choice("if-none-match: PUT over another manifest is 201")
def _(t):
    put(t, "latest")
    new, answer = put(t, "latest", ("If-None-Match", '"%s"' % OTHER), n="2")
    answer.must(201)
    points(t, "latest", new)


@choice("if-none-match: PUT of a new digest with * is 201")
def _(t):
    data = images.dumps(t.small())
    t.put(digest_of(data), data, ("If-None-Match", "*")).must(201)


@choice("if-none-match: PUT of a digest that is there with * is 412")
def _(t):
    data = images.dumps(t.small())
    t.put(digest_of(data), data).must(201)
    t.put(digest_of(data), data, ("If-None-Match", "*")).must(412)


@choice("if-none-match: PUT of several tags with * is 412 when one is there, and sets none")
def _(t):
    old, _answer = put(t, "old")
    new = images.dumps(t.small(n="2"))
    for tags in ("tag=new&tag=old", "tag=old&tag=new"):
        t.put("%s?%s" % (digest_of(new), tags), new, ("If-None-Match", "*")).must(412)
    points(t, "old", old)
    t.manifest("new", ACCEPT).must(404)


@choice("if-match: PUT of several tags is 412 when one is not there, and sets none")
def _(t):
    old, _answer = put(t, "old")
    new = images.dumps(t.small(n="2"))
    t.put(digest_of(new) + "?tag=old&tag=new", new, ("If-Match", '"%s"' % old)).must(412)
    points(t, "old", old)
    t.manifest("new", ACCEPT).must(404)


@choice("if-match: PUT over that manifest is 201")
def _(t):
    old, _answer = put(t, "latest")
    new, answer = put(t, "latest", ("If-Match", '"%s"' % old), n="2")
    answer.must(201)
    points(t, "latest", new)


@choice("if-match: PUT over another manifest is 412 and moves nothing")
def _(t):
    put(t, "latest")
    now, _answer = put(t, "latest", n="2")
    put(t, "latest", ("If-Match", '"%s"' % OTHER), n="3")[1].must(412)
    points(t, "latest", now)


@choice("if-match: PUT over one of several manifests is 201")
def _(t):
    old, _answer = put(t, "latest")
    new, answer = put(t, "latest", ("If-Match", '"%s", "%s"' % (OTHER, old)), n="2")
    answer.must(201)
    points(t, "latest", new)


@choice("if-match: PUT over any manifest is 201")
def _(t):
    put(t, "latest")
    new, answer = put(t, "latest", ("If-Match", "*"), n="2")
    answer.must(201)
    points(t, "latest", new)


@choice("if-match: PUT over another manifest with * among others is 412 and moves nothing")
def _(t):
    old, _answer = put(t, "latest")
    put(t, "latest", ("If-Match", '"%s", *' % OTHER), n="2")[1].must(412)
    points(t, "latest", old)


@choice("if-match: PUT of a new tag with * is 412")
def _(t):
    put(t, "latest", ("If-Match", "*"))[1].must(412)
    t.manifest("latest", ACCEPT).must(404)


@choice("if-match: PUT of a new tag over some manifest is 412")
def _(t):
    put(t, "latest", ("If-Match", '"%s"' % OTHER))[1].must(412)
    t.manifest("latest", ACCEPT).must(404)


@choice("if-match: the digest needs no quotes")
def _(t):
    old, _answer = put(t, "latest")
    put(t, "latest", ("If-Match", old), n="2")[1].must(201)


@choice("if-match: a tag that is called weak does not match")
def _(t):
    old, _answer = put(t, "latest")
    put(t, "latest", ("If-Match", 'W/"%s"' % old), n="2")[1].must(412)
    points(t, "latest", old)


@choice("if-match: the digest as a part of another tag does not match")
def _(t):
    old, _answer = put(t, "latest")
    put(t, "latest", ("If-Match", '"x%sx"' % old), n="2")[1].must(412)
    points(t, "latest", old)


@choice("if-match: DELETE of a tag that points elsewhere is 412 and deletes nothing")
def _(t):
    digest, _answer = put(t, "latest")
    t.delete("%s/manifests/latest" % t.repo, ("If-Match", '"%s"' % OTHER)).must(412)
    points(t, "latest", digest)


@choice("if-match: DELETE of a tag that points there is 202")
def _(t):
    digest, _answer = put(t, "latest")
    t.delete("%s/manifests/latest" % t.repo, ("If-Match", '"%s"' % digest)).must(202)
    t.manifest("latest", ACCEPT).must(404)


@choice("if-match: DELETE by digest holds to it")
def _(t):
    digest, _answer = put(t, "latest")
    blob = t.push(b"deleted on a condition")
    for path, tag in (("manifests/" + digest, digest), ("blobs/" + blob, blob)):
        path = "%s/%s" % (t.repo, path)
        t.delete(path, ("If-Match", '"%s"' % OTHER)).must(412, "PRECONDITION_FAILED")
        t.request("HEAD", "/v2/" + path, [ACCEPT]).must(200)
        t.delete(path, ("If-Match", '"%s", "%s"' % (OTHER, tag))).must(202)
        t.request("HEAD", "/v2/" + path, [ACCEPT]).must(404)


@choice("if-match: 412 has an error of the usual form")
def _(t):
    answer = put(t, "latest", ("If-Match", "*"))[1].must(412)
    true(answer.codes(), "there is no code: %r" % answer.body)


@choice("if-match: what was refused is not in the list of tags")
def _(t):
    put(t, "first")
    put(t, "second", ("If-Match", "*"))[1].must(412)
    t.tags().must(200).says("tags", ["first"])


@choice("if-match: other tags do not matter")
def _(t):
    one, _answer = put(t, "one")
    put(t, "two", ("If-Match", '"%s"' % one))[1].must(412)


def race(t, headers):
    """Four clients at once: the statuses of their pushes, sorted, and their digests."""
    documents = [images.dumps(t.small(n="%d of the race" % n)) for n in range(4)]
    answers = []

    def push(data):
        connection = t.registry.connect()
        fields = [("Content-Type", images.MANIFEST)] + headers
        value = t.suite.names.authorization()
        if value is not None:
            fields.append(("Authorization", value))
        answer = connection.request("PUT", "/v2/%s/manifests/latest" % t.repo, fields, data)
        connection.close()
        answers.append((answer.status, digest_of(data)))

    threads = [threading.Thread(target=push, args=(d,)) for d in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(len(answers), 4, "the number of answers")
    won = [d for s, d in answers if s == 201]
    same(sorted(s for s, _d in answers), [201, 412, 412, 412], "the statuses")
    points(t, "latest", won[0])


@choice("if-none-match: of four who make a tag at once one does")
def _(t):
    race(t, [("If-None-Match", "*")])


@choice("if-match: of four who move a tag at once one does")
def _(t):
    old, _answer = put(t, "latest")
    race(t, [("If-Match", '"%s"' % old)])

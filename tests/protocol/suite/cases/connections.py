"""Connections that are kept, requests sent ahead, sizes, odd targets, and two at a time."""
import threading

from .. import images
from ..case import RULE, add, choice, digest_of, rule, same, true, with_query
from .wire import ACCEPT, DATA, DIGEST, Line, headers_of, raw, refused, start_of, upload_path


# --- connections

@rule("connection: it is kept for many requests")
def _(t):
    t.image
    with Line(t) as line:
        for _n in range(20):
            line.request("GET", "/v2/", headers_of(t)).must(200)


@rule("connection: GET, HEAD, POST, PATCH, PUT and DELETE share one")
def _(t):
    with Line(t) as line:
        def ask(method, target, status, body=None):
            return line.request(method, target, headers_of(t), body).must(status)

        location = t.path_of(ask("POST", "/v2/%s/blobs/uploads/" % t.repo, 202, b"").header("Location"))
        location = t.path_of(ask("PATCH", location, 202, DATA).header("Location"))
        ask("PUT", with_query(location, digest=DIGEST), 201, b"")
        path = "/v2/%s/blobs/%s" % (t.repo, DIGEST)
        ask("HEAD", path, 200)
        ask("GET", path, 200).is_bytes(DATA)
        ask("DELETE", path, 202)
        ask("GET", path, 404)


@rule("connection: close is done")
def _(t):
    with Line(t) as line:
        line.request("GET", "/v2/", headers_of(t, ("Connection", "close"))).must(200)
        true(line.is_closed(), "more comes after the answer")


@rule("connection: HEAD with close ends behind its headers")
def _(t):
    path = "/v2/%s/blobs/%s" % (t.image.repo, digest_of(t.image.layer))
    with Line(t) as line:
        line.begin("HEAD", path, headers_of(t, ("Connection", "close")))
        line.answer("HEAD", path).must(200).has("Content-Length", len(t.image.layer))
        same(line.rest(), b"", "what comes behind the headers")


@rule("connection: an error to HEAD with close ends behind its headers")
def _(t):
    path = "/v2/%s/manifests/nothing" % t.image.repo
    with Line(t) as line:
        line.begin("HEAD", path, headers_of(t, ("Connection", "close")))
        line.answer("HEAD", path).must(404)
        same(line.rest(), b"", "what comes behind the headers")


@rule("connection: HTTP/1.0 is answered and closed")
def _(t):
    with Line(t) as line:
        line.begin("GET", "/v2/", headers_of(t), version="HTTP/1.0")
        line.answer("GET", "/v2/").must(200)
        true(line.is_closed(), "more comes after the answer")


@rule("connection: HTTP/1.0 without a host is answered")
def _(t):
    with Line(t) as line:
        line.begin("GET", "/v2/", headers_of(t), version="HTTP/1.0", host=False)
        line.answer("GET", "/v2/").must((200, 400))


@rule("connection: HTTP/1.0 gets a blob with its length")
def _(t):
    with Line(t) as line:
        path = "/v2/%s/blobs/%s" % (t.image.repo, digest_of(t.image.layer))
        line.begin("GET", path, headers_of(t), version="HTTP/1.0")
        line.answer("GET", path).must(200).has("Content-Length", len(t.image.layer)).is_bytes(t.image.layer)


@rule("connection: requests sent ahead are answered in their order")
def _(t):
    image = t.image
    paths = ["/v2/", "/v2/%s/tags/list" % image.repo, "/v2/%s/blobs/%s" % (image.repo, digest_of(image.layer)),
             "/v2/%s/manifests/%s" % (image.repo, image.digest)]
    with Line(t) as line:
        line.send(b"".join(line.head("GET", p, headers_of(t, ACCEPT)) for p in paths))
        found = [line.answer("GET", p).must(200) for p in paths]
    true(b'"tags"' in found[1].body, "the second answer is not that of the second request")
    found[2].is_bytes(image.layer)
    found[3].is_bytes(image.manifest)


@rule("connection: HEAD and errors sent ahead are answered in their order")
def _(t):
    image = t.image
    asked = [("HEAD", "/v2/%s/manifests/%s" % (image.repo, image.digest), 200),
             ("GET", "/v2/%s/manifests/nothing" % image.repo, 404),
             ("HEAD", "/v2/%s/manifests/nothing" % image.repo, 404),
             ("GET", "/v2/%s/blobs/%s" % (image.repo, digest_of(image.layer)), 200)]
    with Line(t) as line:
        line.send(b"".join(line.head(m, p, headers_of(t, ACCEPT)) for m, p, _s in asked))
        for method, path, status in asked:
            answer = line.answer(method, path).must(status)
    answer.is_bytes(image.layer)


@rule("connection: bodies sent ahead are answered in their order")
def _(t):
    paths = [with_query(upload_path(t), digest=digest_of(b"body %d" % n)) for n in range(3)]
    with Line(t) as line:
        line.send(b"".join(line.head("PUT", p, headers_of(t, ("Content-Length", 6))) + b"body %d" % n
                           for n, p in enumerate(paths)))
        for n, path in enumerate(paths):
            line.answer("PUT", path).must(201).has("Docker-Content-Digest", digest_of(b"body %d" % n))


@rule("connection: a request in pieces of a byte is understood")
def _(t):
    with Line(t) as line:
        for byte in line.head("GET", "/v2/", headers_of(t)):
            line.send(bytes([byte]))
        line.answer("GET", "/v2/").must(200)


@rule("connection: empty lines before a request are skipped")
def _(t):
    with Line(t) as line:
        line.send(b"\r\n" + line.head("GET", "/v2/", headers_of(t)))
        line.answer("GET", "/v2/").must(200)


@rule("connection: GET with a body is answered, and the next request, too")
def _(t):
    with Line(t) as line:
        line.request("GET", "/v2/", headers_of(t), b"unasked").must((200, 400))
        if line.usable:
            line.request("GET", "/v2/", headers_of(t)).must(200)


@rule("connection: DELETE with a body is answered, and the next request, too")
def _(t):
    digest = t.push(DATA)
    with Line(t) as line:
        line.request("DELETE", "/v2/%s/blobs/%s" % (t.repo, digest), headers_of(t), b"unasked").must(202)
        if line.usable:
            line.request("GET", "/v2/", headers_of(t)).must(200)


@rule("connection: one that is refused early is told why")
def _(t):
    with Line(t) as line:
        target = "/v2/%s/manifests/latest" % t.repo
        line.begin("PUT", target, headers_of(t, ("Content-Length", 30 << 20), ("Content-Type", images.MANIFEST)))
        for _n in range(30):
            if not line.usable:
                break
            line.send(b" " * (1 << 20))
        line.answer("PUT", target).must((400, 413))


@rule("connection: ten at once are all served")
def _(t):
    image, found = t.image, []
    headers = headers_of(t)

    def pull():
        with Line(t) as line:
            path = "/v2/%s/blobs/%s" % (image.repo, digest_of(image.layer))
            found.append(all(line.request("GET", path, headers).body == image.layer for _n in range(5)))

    threads = [threading.Thread(target=pull) for _n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(found, [True] * 10, "which of them were served")


# --- sizes

@rule("size: a header of 7 kB is taken")
def _(t):
    t.get("", ("X-Padding", "p" * 7000)).must(200)


@choice("size: a token of 8 kB has room")
def _(t):
    t.get("", ("X-Padding", "p" * 8100)).must(200)


@choice("size: a header of 200 kB is refused")
def _(t):
    status = raw(t, start_of(t, ("X-Padding", "p" * 200000), method="GET", target="/v2/"))
    true(status in (0, 400, 414, 431), "the answer is %d" % status)


@rule("size: a thousand headers are served or refused")
def _(t):
    with Line(t) as line:
        line.begin("GET", "/v2/", headers_of(t, *[("X-%d" % n, "v") for n in range(1000)]))
        answer = line.answer("GET", "/v2/")
    true(answer.status in (200, 400, 431), "the answer is %d" % answer.status)


@rule("size: a target of 4 kB is taken")
def _(t):
    t.get("?q=" + "a" * 4000).must(200)


@choice("size: a target of 200 kB is refused")
def _(t):
    status = raw(t, start_of(t, method="GET", target="/v2/?q=" + "a" * 200000))
    true(status in (0, 400, 414, 431), "the answer is %d" % status)


# --- targets

@rule("target: a whole URL is the same as its path")
def _(t):
    with Line(t) as line:
        line.begin("GET", "%s/v2/%s/tags/list" % (t.registry.url, t.image.repo), headers_of(t))
        line.answer("GET").must(200).says("name", t.image.repo)


@rule("target: without a slash at its begin it is refused")
def _(t):
    refused(t, start_of(t, method="GET", target="v2/"))


@rule("target: a star is not for GET")
def _(t):
    refused(t, start_of(t, method="GET", target="*"))


@rule("target: CONNECT is refused")
def _(t):
    refused(t, start_of(t, method="CONNECT", target="example.com:443"))


def odd_target(t, target, statuses):
    target = target.replace("?R", t.image.repo)
    answer = t.request("GET", target)
    answer.must(statuses)
    true(b"root:" not in answer.body, "a file of the machine is in the answer")


def add_targets():
    for what, target in (
            ("dot dot", "/v2/?R/../../../etc/passwd"),
            ("dot dot within a name", "/v2/?R/../other/tags/list"),
            ("encoded dot dot", "/v2/%2e%2e/%2e%2e/etc/passwd"),
            ("doubly encoded dot dot", "/v2/%252e%252e/%252e%252e/etc/passwd"),
            ("dot dot with an encoded slash", "/v2/?R/manifests/..%2f..%2f..%2fetc%2fpasswd"),
            ("a backslash", "/v2/?R/manifests/..%5c..%5cetc"),
            ("a dot alone", "/v2/./?R/manifests/nothing"),
            ("two slashes", "/v2//?R/manifests/nothing"),
            ("a slash before all", "//v2/?R/manifests/nothing"),
            ("a NUL", "/v2/?R/manifests/a%00"),
            ("an encoded line end and a header", "/v2/?R/manifests/a%0d%0aX-Made:%20up"),
            ("the folder of blobs", "/_blobs/"),
            ("the folder of blobs by dots", "/v2/../_blobs/")):
        add(RULE, "target: %s leads nowhere" % what,
            lambda t, p=target: odd_target(t, p, (301, 307, 308, 400, 403, 404)))


add_targets()


@choice("target: dot dot is not resolved")
def _(t):
    t.get("%s/x/../tags/list" % t.image.repo).must((400, 404))


@choice("target: two slashes are not one")
def _(t):
    t.get("%s//tags/list" % t.image.repo).must((400, 404))


@rule("target: what a client made of a line end is in no header")
def _(t):
    t.get("%s/manifests/a%%0d%%0aX-Made:%%20up" % t.image.repo).refused().lacks("X-Made")


# --- two at a time

def both(t, one, other):
    """Two requests at once: their answers."""
    found = [None, None]

    def ask(n, request):
        method, target, headers, body = request
        with Line(t) as line:
            found[n] = line.request(method, target, headers, body)

    threads = [threading.Thread(target=ask, args=(n, r)) for n, r in enumerate((one, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    true(None not in found, "one of them had no answer")
    return found


@rule("at once: two uploads of one blob are both 201")
def _(t):
    requests = [("PUT", with_query(upload_path(t), digest=DIGEST), headers_of(t), DATA) for _n in range(2)]
    for answer in both(t, *requests):
        answer.must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("at once: two pushes of one manifest are both 201")
def _(t):
    data = images.dumps(t.small())
    headers = headers_of(t, ("Content-Type", images.MANIFEST))
    for answer in both(t, *[("PUT", "/v2/%s/manifests/t%d" % (t.repo, n), headers, data) for n in range(2)]):
        answer.must(201)
    t.tags().must(200).says("tags", ["t0", "t1"])


@rule("at once: two pushes of one tag are both 201 and one counts")
def _(t):
    documents = [images.dumps(t.small(n=str(n))) for n in range(2)]
    headers = headers_of(t, ("Content-Type", images.MANIFEST))
    for answer in both(t, *[("PUT", "/v2/%s/manifests/latest" % t.repo, headers, d) for d in documents]):
        answer.must(201)
    found = t.manifest("latest", ACCEPT).must(200).body
    true(found in documents, "the tag is neither of both")


@choice("at once: of two that send the same chunk one counts")
def _(t):
    location = upload_path(t)
    headers = headers_of(t, ("Content-Range", "0-%d" % (len(DATA) - 1)))
    statuses = sorted(a.status for a in both(t, *[("PATCH", location, headers, DATA) for _n in range(2)]))
    true(statuses[0] == 202 and statuses[1] >= 400 and statuses[1] != 500, "the statuses are %s" % statuses)
    t.request("GET", location).must(204).has("Range", "0-%d" % (len(DATA) - 1))
    t.finish(location, DIGEST).must(201)


@rule("at once: the first push into a repository and another are both 201")
def _(t):
    requests = [("POST", "/v2/%s/blobs/uploads/" % t.repo, headers_of(t), b"") for _n in range(2)]
    for answer in both(t, *requests):
        answer.must(202)

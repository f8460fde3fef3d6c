"""What goes over the wire: bodies without length, connections that are kept, odd targets, odd framing."""
import threading

from .. import images
from ..case import RULE, add, choice, digest_of, rule, same, true, with_query
from ..wire import WireError

DATA = b"bytes over the wire"
DIGEST = digest_of(DATA)
ACCEPT = ("Accept", images.MANIFEST)


def headers_of(t, *more):
    """What a request to the case's repositories needs, with a connection of its own."""
    value = t.suite.names.authorization()
    return ([("Authorization", value)] if value is not None else []) + list(more)


class Line:
    """A connection of its own to try odd things with."""

    def __init__(self, t):
        self.t, self.connection = t, t.registry.connect()

    def __enter__(self):
        return self.connection

    def __exit__(self, *_error):
        self.connection.close()


def upload_path(t):
    return t.path_of(t.upload())


# --- bodies in chunks

def send_chunked(t, pieces, end=b"0\r\n\r\n"):
    """PATCHes an upload by these bytes on the wire: the upload and the answer."""
    location = upload_path(t)
    with Line(t) as line:
        line.begin("PATCH", location, headers_of(
            t, ("Transfer-Encoding", "chunked"), ("Content-Type", "application/octet-stream")))
        for piece in pieces:
            line.send(piece)
        line.send(end)
        return location, line.answer("PATCH", location)


def is_stored(t, answer):
    t.finish(answer.must(202).has("Range", "0-%d" % (len(DATA) - 1)).header("Location"), DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("chunked: pieces of one byte")
def _(t):
    is_stored(t, send_chunked(t, [b"1\r\n%c\r\n" % c for c in DATA])[1])


@rule("chunked: sizes in upper case and with zeros before")
def _(t):
    is_stored(t, send_chunked(t, [b"000A\r\n" + DATA[:10] + b"\r\n", b"9\r\n" + DATA[10:] + b"\r\n"])[1])


@rule("chunked: extensions are ignored")
def _(t):
    is_stored(t, send_chunked(t, [b"13;name=value;x\r\n" + DATA + b"\r\n"])[1])


@rule("chunked: trailers are ignored")
def _(t):
    is_stored(t, send_chunked(t, [b"13\r\n" + DATA + b"\r\n"], b"0\r\nX-Trailer: yes\r\n\r\n")[1])


@rule("chunked: an empty body is none")
def _(t):
    location, answer = send_chunked(t, [])
    answer.must(202)
    t.finish(location if answer.header("Location") is None else answer.header("Location"), digest_of(b"")).must(201)


@rule("chunked: many pieces in one packet")
def _(t):
    is_stored(t, send_chunked(t, [b"".join(b"1\r\n%c\r\n" % c for c in DATA)])[1])


@rule("chunked: a size that is none is refused")
def _(t):
    location, answer = send_chunked(t, [b"xyz\r\n" + DATA + b"\r\n"])
    answer.refused()
    t.request("GET", location).must((204, 404))


@rule("chunked: a size below 0 is refused")
def _(t):
    send_chunked(t, [b"-5\r\n" + DATA + b"\r\n"])[1].refused()


@rule("chunked: a size of more than 64 bits is refused")
def _(t):
    send_chunked(t, [b"fffffffffffffffff\r\n" + DATA + b"\r\n"])[1].must((400, 413))


@rule("chunked: a manifest without length comes whole")
def _(t):
    data = images.dumps(t.small())
    with Line(t) as line:
        line.begin("PUT", "/v2/%s/manifests/latest" % t.repo, headers_of(
            t, ("Transfer-Encoding", "chunked"), ("Content-Type", images.MANIFEST)))
        line.chunks(data, 7)
        line.answer("PUT").must(201).has("Docker-Content-Digest", digest_of(data))
    t.manifest("latest", ACCEPT).must(200).is_bytes(data)


@rule("chunked: one that breaks off finishes nothing")
def _(t):
    location = with_query(upload_path(t), digest=DIGEST)
    with Line(t) as line:
        line.begin("PUT", location, headers_of(t, ("Transfer-Encoding", "chunked")))
        line.send(b"13\r\n" + DATA + b"\r\n")  # and no end
    t.blob(DIGEST, method="HEAD").must(404)


@rule("chunked: a manifest that breaks off is not stored")
def _(t):
    data = images.dumps(t.small())
    with Line(t) as line:
        line.begin("PUT", "/v2/%s/manifests/latest" % t.repo, headers_of(
            t, ("Transfer-Encoding", "chunked"), ("Content-Type", images.MANIFEST)))
        line.send(b"%x\r\n" % len(data) + data + b"\r\n")
    t.manifest("latest", ACCEPT).must(404)


# --- bodies that are cut off

@rule("cut: a PUT with less than its length finishes nothing")
def _(t):
    location = with_query(upload_path(t), digest=DIGEST)
    with Line(t) as line:
        line.begin("PUT", location, headers_of(t, ("Content-Length", len(DATA) + 5)))
        line.send(DATA)
    t.blob(DIGEST, method="HEAD").must(404)


@rule("cut: a manifest with less than its length is not stored")
def _(t):
    data = images.dumps(t.small())
    with Line(t) as line:
        line.begin("PUT", "/v2/%s/manifests/latest" % t.repo, headers_of(
            t, ("Content-Length", len(data) + 5), ("Content-Type", images.MANIFEST)))
        line.send(data)
    t.manifest("latest", ACCEPT).must(404)


def resume(t, location, data):
    """Asks until the upload tells how far it is, and sends the rest."""
    for _n in range(600):
        answer = t.request("GET", location).must(204)
        last = int(answer.header("Range").split("-")[1])
        count = last + 1 if last > 0 else 0
        true(count <= len(data), "more has arrived than was sent")
        sent = t.chunk(answer.header("Location"), count, data[count:]) if count < len(data) else answer
        if sent.status in (202, 204):
            t.finish(sent.header("Location"), digest_of(data)).must(201)
            return
        sent.must((409, 416, 429, 503))  # the last writer is still at work
        threading.Event().wait(0.05)
    t.request("GET", location).fail("the upload cannot go on")


@choice("cut: a PATCH with less than its length can go on where it was cut")
def _(t):
    data = bytes(range(256)) * 800
    location = upload_path(t)
    with Line(t) as line:
        line.begin("PATCH", location, headers_of(t, ("Content-Length", len(data))))
        line.send(data[:150000])
    resume(t, location, data)
    t.blob(digest_of(data)).must(200).is_bytes(data)


@choice("cut: a chunked PATCH can go on where it was cut")
def _(t):
    data = bytes(range(256)) * 800
    location = upload_path(t)
    with Line(t) as line:
        line.begin("PATCH", location, headers_of(t, ("Transfer-Encoding", "chunked")))
        line.send(b"%x\r\n" % len(data) + data[:150000])
    resume(t, location, data)
    t.blob(digest_of(data)).must(200).is_bytes(data)


@rule("cut: a client that leaves before the answer harms nobody")
def _(t):
    for _n in range(5):
        with Line(t) as line:
            line.begin("GET", "/v2/%s/blobs/%s" % (t.image.repo, digest_of(t.image.layer)), headers_of(t))
    t.get("").must(200)


# --- framing that two readers could take for two things

def raw(t, data):
    """Sends bytes; the status of the answer, or 0 if the connection was closed instead."""
    with Line(t) as line:
        line.send(data)
        try:
            return line.answer().status
        except WireError:
            return 0


def refused(t, data):
    status = raw(t, data)
    true(status == 0 or 400 <= status < 500 or status in (501, 505), "the answer is %d" % status)


def start_of(t, *headers, method="POST", target=None, version="HTTP/1.1"):
    fields = headers_of(t, *headers)
    lines = ["%s %s %s" % (method, target or "/v2/%s/blobs/uploads/" % t.repo, version), "Host: " + t.registry.host]
    return ("\r\n".join(lines + ["%s: %s" % f for f in fields]) + "\r\n\r\n").encode("latin-1")


def add_framing():
    for what, headers in (
            ("two different lengths", [("Content-Length", "0"), ("Content-Length", "5")]),
            ("a length below 0", [("Content-Length", "-1")]),
            ("a length of letters", [("Content-Length", "five")]),
            ("a length with a sign", [("Content-Length", "+0")]),
            ("a length with letters behind", [("Content-Length", "0x")]),
            ("a length of more than 64 bits", [("Content-Length", "99999999999999999999999")]),
            ("an unknown transfer coding", [("Transfer-Encoding", "magic")]),
            ("chunked before another coding", [("Transfer-Encoding", "chunked, magic")])):
        add(RULE, "framing: %s is refused" % what, lambda t, h=headers: refused(t, start_of(t, *h)))


add_framing()


@rule("framing: with length and chunks, what follows is no second request")
def _(t):
    inner = b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
    with Line(t) as line:
        line.send(start_of(t, ("Content-Length", len(inner) + 5), ("Transfer-Encoding", "chunked")))
        line.send(b"0\r\n\r\n" + inner)
        if line.answer().must((202, 400, 501)).status >= 400:
            return
        try:
            second = line.answer()
        except WireError:
            return  # closed: the safe way
        true(400 <= second.status < 500, "the body was taken for a request that was answered %d" % second.status)


@rule("framing: a header with a blank before its colon is refused or ignored")
def _(t):
    status = raw(t, start_of(t, ("Content-Length ", "5"), ("Content-Length", "0")))
    true(status in (0, 202, 400), "the answer is %d" % status)


@rule("framing: a request without a host is 400")
def _(t):
    same(raw(t, b"GET /v2/ HTTP/1.1\r\n\r\n"), 400, "the status")


@rule("framing: two hosts are 400")
def _(t):
    same(raw(t, b"GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400, "the status")


@rule("framing: bytes that are no HTTP are refused")
def _(t):
    refused(t, b"\x00\x01\x02\x03 hello\r\n\r\n")


@rule("framing: a method in lower case is another method")
def _(t):
    status = raw(t, start_of(t, method="get", target="/v2/"))
    true(status in (0, 400, 405, 501), "the answer is %d" % status)


@rule("framing: a version of HTTP that is none is refused")
def _(t):
    refused(t, start_of(t, method="GET", target="/v2/", version="HTTP/9.9"))


@rule("framing: more than the length is not part of the body")
def _(t):
    location = upload_path(t)
    with Line(t) as line:
        line.begin("PATCH", location, headers_of(t, ("Content-Length", len(DATA))))
        line.send(DATA + b"EXTRA BYTES\r\n\r\n")
        answer = line.answer("PATCH", location).must(202).has("Range", "0-%d" % (len(DATA) - 1))
    t.finish(answer.header("Location"), DIGEST).must(201)


# --- Expect

@rule("expect: 100-continue gets 100, then the answer")
def _(t):
    location = with_query(upload_path(t), digest=DIGEST)
    with Line(t) as line:
        line.begin("PUT", location, headers_of(t, ("Content-Length", len(DATA)), ("Expect", "100-continue")))
        same(line.answer("PUT", location, interim_only=True).status, 100, "the first status")
        line.send(DATA)
        line.answer("PUT", location).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("expect: a body that comes unasked is taken, too")
def _(t):
    location = with_query(upload_path(t), digest=DIGEST)
    with Line(t) as line:
        line.begin("PUT", location, headers_of(t, ("Content-Length", len(DATA)), ("Expect", "100-continue")))
        line.send(DATA)
        line.answer("PUT", location).must(201)


@rule("expect: what is refused is refused, with or without the body")
def _(t):
    target = "/v2/%s/blobs/uploads/018f0000-0000-7000-8000-000000000000" % t.image.repo
    with Line(t) as line:
        line.begin("PATCH", target, headers_of(t, ("Content-Length", len(DATA)), ("Expect", "100-continue")))
        first = line.answer("PATCH", target, interim_only=True)
        if first.status == 100:
            line.send(DATA)
            first = line.answer("PATCH", target)
        first.must(404)

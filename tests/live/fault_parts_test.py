"""Parts that are away: a full disk, a database that stops, clients that vanish."""
import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

import pytest

import fastcgi
import invariants
import programs
from pusher import OCI, Pusher, digest_of, image
from stack import WEBSERVER, Stack, is_root, wait_for
from threads import Guarded

MIB = 1 << 20


@contextlib.contextmanager
def started(stack):
    try:
        yield stack.start()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def parts():
    with started(Stack()) as running:
        # who cannot give a lease back for want of a database makes others wait
        running.sql("REPLACE INTO setting VALUES ('upload.lease', '2', 1, UTC_TIMESTAMP(6))")
        restart(running, "dtr-registry")
        yield running


# --- a full disk

DISK = 64 * MIB


@pytest.fixture(scope="module")
def disk():
    """A store on a small file system of its own."""
    assert is_root(), "mounting a small disk needs root"
    folder = tempfile.mkdtemp(prefix="dtr-disk-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % DISK, "dtr-test", folder], check=True)
    try:
        with started(Stack(storage=folder, settings=[("storage.reserve", "8M")])) as running:
            yield running
    finally:
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


@contextlib.contextmanager
def only_free(disk, left):
    """Somebody else fills the disk for a while."""
    path = os.path.join(disk.storage, "filler")
    space = os.statvfs(disk.storage)
    with open(path, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, space.f_bavail * space.f_frsize - left)
    try:
        yield
    finally:
        os.unlink(path)


def set_reserve(disk, value):
    with open(disk.conf) as f:
        text, n = re.subn(r"(?m)^storage\.reserve = .*$", "storage.reserve = " + value, f.read())
    assert n == 1, text
    with open(disk.conf, "w") as f:
        f.write(text)
    restart(disk, "dtr-registry")


def restart(stack, program):
    stack.stop_responder(program)
    stack.start_responder(program)
    wait_for("it serves", lambda: stack.answers("/_health/registry/livez"))


def check_full(answer):
    assert (answer.status, answer.code()) == (507, "UNAVAILABLE"), (answer.status, answer.body)
    assert b"no space left in the blob store" in answer.body
    assert answer.header("content-type") == "application/json"


def test_a_full_disk_refuses_bytes_and_serves_the_rest(disk):
    set_reserve(disk, "0")
    pusher = Pusher(disk, "admin/full")
    config, layer = os.urandom(1000), os.urandom(200000)
    document = pusher.push_image("first", config, [layer])
    data = os.urandom(6 * MIB)
    location = pusher.start()
    assert pusher.append(location, data[:MIB]).status == 202
    with only_free(disk, 2 * MIB):
        check_full(pusher.append(location, data[MIB:]))
        # what fitted in may count, what was acknowledged does
        offset = pusher.offset(location)
        assert MIB <= offset <= 3 * MIB + 65536
        check_full(pusher.finish(location, digest_of(data), data[offset:]))
        assert offset <= pusher.offset(location) <= 3 * MIB + 65536
        check_full(pusher.request("POST", "blobs/uploads/?digest=" + digest_of(data), data))
        check_full(pusher.append(pusher.start(), data))
        assert pusher.request("HEAD", "blobs/" + digest_of(data)).status == 404
        # everything else goes on
        pusher.check_image("first", document)
        assert pusher.put("second", document).status == 201
        assert pusher.request("GET", "tags/list").status == 200
        invariants.check(disk)
    offset = pusher.offset(location)
    assert pusher.append(location, data[offset:], headers=[
        ("Content-Range", "%d-%d" % (offset, len(data) - 1))]).status == 202
    assert pusher.finish(location, digest_of(data)).status == 201
    pusher.check_blob(data)
    invariants.check(disk)


def test_a_disk_without_a_byte_left_is_told_and_heals(disk):
    set_reserve(disk, "0")
    pusher = Pusher(disk, "admin/nothing")
    data = os.urandom(MIB)
    with only_free(disk, 0):
        check_full(pusher.request("POST", "blobs/uploads/?digest=" + digest_of(data), data))
        # pulls go on, here and on all nodes that share the store
        assert disk.ask_node("GET", "/_health/registry/readyz").status == 200
        assert disk.ask_node("GET", "/_health/registry/livez").status == 200
    assert disk.ask_node("GET", "/_health/registry/readyz").status == 200
    pusher.blob(data)
    pusher.check_blob(data)
    invariants.check(disk)


def test_the_reserve_is_kept_free(disk):
    set_reserve(disk, "8M")
    pusher = Pusher(disk, "admin/reserve")
    data = os.urandom(MIB)
    location = pusher.start()
    assert pusher.append(location, data[:500]).status == 202
    with only_free(disk, 7 * MIB):
        check_full(pusher.append(location, data[500:]))
        assert pusher.offset(location) == 500
        check_full(pusher.request("POST", "blobs/uploads/?digest=" + digest_of(data), data))
        space = os.statvfs(disk.storage)
        assert space.f_bavail * space.f_frsize > 6 * MIB
        # pulls go on, here and on all nodes that share the store
        assert disk.ask_node("GET", "/_health/registry/readyz").status == 200
        # all its bytes are there: to make it a blob takes none
        small = pusher.offset(location)
        assert pusher.finish(location, digest_of(data[:small])).status == 201
    pusher.check_blob(data[:500])
    pusher.blob(data)
    invariants.check(disk)


def test_many_at_once_leave_the_reserve(disk):
    set_reserve(disk, "16M")
    pusher = Pusher(disk, "admin/many")
    document = pusher.push_image("first", os.urandom(1000), [os.urandom(200000)])
    data = os.urandom(8 * MIB)
    uploads = [pusher.start() for _ in range(6)]
    with only_free(disk, 24 * MIB):
        writers = [Guarded(pusher.append, where, data) for where in uploads]
        answers = [writer.finish() for writer in writers]
        assert {a.status for a in answers} != {202}
        for answer in answers:
            if answer.status != 202:
                check_full(answer)
        # a MiB or so of each is not noticed in time
        space = os.statvfs(disk.storage)
        assert space.f_bavail * space.f_frsize > 8 * MIB
        # the database may be on this disk
        check_full(pusher.put("second", document))
        pusher.check_image("first", document)
        for where in uploads:
            assert pusher.request("DELETE", where).status == 204
    assert pusher.put("second", document).status == 201
    invariants.check(disk)


# --- a database that is away

def check_unavailable(answer):
    assert (answer.status, answer.code()) == (503, "UNAVAILABLE"), (answer.status, answer.body)
    assert int(answer.header("retry-after")) > 0
    assert answer.header("content-type") == "application/json"
    assert b"mysql.sock" not in answer.body


def wait_ready(stack):
    for program in ("registry", "garant"):
        wait_for(program + " is ready", lambda: stack.answers("/_health/%s/readyz" % program))
    # each worker finds out for itself, within a fifth of a second
    auth = stack.bearer("repository:admin/ready:pull,push")
    path = "/v2/admin/ready/blobs/uploads/00000000-0000-0000-0000-000000000000"
    wait_for("workers are ready", lambda: all(
        stack.request("GET", p, auth).status == 404 for p in [path, "/v2/admin/ready/manifests/x"] * 8))


def test_without_its_database_all_says_503_and_comes_back(parts):
    pusher = Pusher(parts, "admin/away")
    config, layer = os.urandom(1000), os.urandom(200000)
    document = pusher.push_image("first", config, [layer])
    data = os.urandom(MIB)
    location = pusher.start()
    assert pusher.append(location, data[:300000]).status == 202
    parts.mariadb("stop")
    for method, path, body in (
            ("GET", "manifests/first", None), ("HEAD", "blobs/" + digest_of(layer), None),
            ("GET", "blobs/" + digest_of(layer), None), ("GET", "tags/list", None),
            ("POST", "blobs/uploads/", None), ("GET", location, None), ("PATCH", location, data[300000:]),
            ("PUT", location + "&digest=" + digest_of(data), data[300000:]), ("DELETE", location, None),
            ("DELETE", "manifests/first", None), ("PUT", "manifests/second", document)):
        answer = pusher.request(method, path, body, [("Content-Type", OCI)])
        if method == "HEAD":
            assert (answer.status, int(answer.header("retry-after")) > 0) == (503, True)
        else:
            check_unavailable(answer)
    check_unavailable(login(parts))
    for program in ("registry", "garant"):
        assert parts.ask_node("GET", "/_health/%s/livez" % program).status == 200
        answer = parts.ask_node("GET", "/_health/%s/readyz" % program)
        assert answer.status == 503 and answer.body.startswith(b"database: "), answer.body
    parts.mariadb("start")
    wait_ready(parts)
    assert login(parts).status == 200
    pusher.check_image("first", document)
    assert pusher.request("GET", "manifests/second").status == 404
    assert pusher.offset(location) == 300000
    assert pusher.finish(location, digest_of(data), data[300000:]).status == 201
    pusher.check_blob(data)
    invariants.check(parts)


def login(stack):
    return stack.request("GET", "/auth/token?service=" + stack.host, [
        ("Authorization", "Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")])


class SlowBody:
    """A request over FastCGI whose body the test sends piece by piece."""

    def __init__(self, pusher, method, location, length=None):
        self.connection = fastcgi.Connection(pusher.stack.path("run/upload.sock"))
        self.connection.begin(fastcgi.request_params(method, location, pusher.headers, length))

    def send(self, data):
        self.connection.body(data)

    def end(self):
        self.connection.end_body()
        return self.connection.answer()


PUT_RUNS = 'registry_http_in_flight_requests{handler="manifest_put"}'
PUT_FAILED = 'registry_http_requests_total{handler="manifest_put",method="PUT",code="499"}'


def metric(stack, name):
    """0 as long as it was not counted."""
    text = stack.ask_node("GET", "/_health/registry/metrics").body.decode()
    found = re.search("(?m)^" + re.escape(name) + r" (\S+)", text)
    return int(float(found.group(1))) if found else 0


def bytes_in(stack):
    return metric(stack, "registry_upload_bytes_total")


def wait_bytes(stack, before, n):
    wait_for("%d bytes arrive" % n, lambda: bytes_in(stack) - before >= n)


def begin_slowly(pusher, data):
    """Where the upload is, and its body, of which the first 400000 bytes are there."""
    location = pusher.start()
    before = bytes_in(pusher.stack)
    slow = SlowBody(pusher, "PATCH", location)
    slow.send(data[:400000])
    wait_bytes(pusher.stack, before, 3 << 17)
    return location, slow


def test_a_body_outlives_a_restart_of_the_database(parts):
    """Also when the lease should have been renewed meanwhile."""
    pusher = Pusher(parts, "admin/outlives")
    data = os.urandom(MIB)
    location, slow = begin_slowly(pusher, data)
    lease = parts.sql("SELECT lease_until FROM upload ORDER BY started DESC LIMIT 1")[0][0]
    parts.mariadb("stop")
    time.sleep(1)  # a third of the lease, after which it is renewed
    slow.send(data[400000:700000])
    wait_bytes_file(parts, 5 << 17)
    parts.mariadb("start")
    wait_ready(parts)
    assert parts.sql("SELECT lease_until FROM upload ORDER BY started DESC LIMIT 1")[0][0] == lease
    slow.send(data[700000:])
    status, _, body = slow.end()
    assert status == 202, body
    assert pusher.offset(location) == len(data)
    assert pusher.finish(location, digest_of(data)).status == 201
    pusher.check_blob(data)
    invariants.check(parts)


def wait_bytes_file(stack, n):
    """Without a database: by the newest file of the store."""
    def newest():
        return max(invariants.files_of(stack.storage).values(), key=os.path.getmtime)
    wait_for("%d bytes in the store" % n, lambda: os.path.getsize(newest()) >= n)


def test_a_body_that_ends_while_the_database_is_away_can_be_sent_again(parts):
    pusher = Pusher(parts, "admin/again")
    data = os.urandom(MIB)
    location = pusher.start()
    assert pusher.append(location, data[:1000]).status == 202
    before = bytes_in(parts)
    slow = SlowBody(pusher, "PATCH", location)
    slow.send(data[1000:])
    wait_bytes(parts, before, 7 << 17)
    parts.mariadb("stop")
    status, headers, body = slow.end()
    assert status == 503 and int(headers["retry-after"]) > 0 and b"UNAVAILABLE" in body
    parts.mariadb("start")
    wait_ready(parts)
    # on a slow machine the lease was renewed with some whole reads of the body
    assert (pusher.offset(location) - 1000) % (1 << 17) == 0
    # once its lease has run out
    assert pusher.until("finish", lambda: pusher.go_on(location, data))
    pusher.check_blob(data)
    invariants.check(parts)


def test_a_body_can_be_watched_and_outlives_its_worker(parts):
    """With each renewal of its lease counts what has arrived."""
    pusher = Pusher(parts, "admin/watched")
    data = os.urandom(MIB)
    location, slow = begin_slowly(pusher, data)
    time.sleep(1)  # a third of the lease
    slow.send(data[400000:700000])
    wait_for("others see how far it is", lambda: pusher.offset(location) >= 3 << 17)
    for pid in programs.workers(parts):
        os.kill(int(pid), signal.SIGKILL)
    wait_ready(parts)
    assert 3 << 17 <= pusher.offset(location) <= 700000
    # once its lease has run out
    assert pusher.until("finish", lambda: pusher.go_on(location, data))
    pusher.check_blob(data)
    invariants.check(parts)


def test_a_database_that_is_killed_loses_nothing_acknowledged(parts):
    """Clients push while it dies and comes back, twice."""
    done = []
    stop = threading.Event()

    def push(number):
        pusher = Pusher(parts, "admin/killed%d" % number)
        while not stop.is_set():
            layers = [os.urandom(50000), shared]
            document = pusher.push_image("latest", os.urandom(100), layers)
            done.append((pusher, document))

    shared = os.urandom(100000)
    threads = [Guarded(push, i) for i in range(4)]
    for i in range(2):
        count = len(done)
        wait_for("some images are pushed", lambda: len(done) >= count + 8)
        parts.mariadb("kill")
        parts.mariadb("start")
    wait_ready(parts)
    stop.set()
    for thread in threads:
        thread.finish()
    for pusher, document in done:
        pusher.check_image(digest_of(document), document)
    parts.sql("UPDATE upload SET lease_until = UTC_TIMESTAMP(6)")
    invariants.check(parts)


# --- clients that do not read

def test_clients_that_read_slowly_keep_nobody_waiting(parts):
    pusher = Pusher(parts, "admin/long")
    config = os.urandom(100)
    pusher.blob(config)
    document = image(config, [], annotations={"long": "x" * 4000000})
    assert pusher.put("latest", document).status == 201
    before = programs.logged(parts, level="error")
    # less than there are threads where the web server has to wait for them, too
    readers = [SlowReader(pusher, "manifests/latest") for _ in range(24 if WEBSERVER.spools_answers else 4)]
    time.sleep(1)
    for _ in range(8):
        assert parts.request("GET", "/v2/", pusher.headers, timeout=20).status == 200
    assert readers[0].read().endswith(document)
    for reader in readers:
        reader.socket.close()
    # who goes away is no fault of ours
    time.sleep(1)
    assert programs.logged(parts, level="error") == before


def test_slow_readers_of_blobs_that_are_not_handed_over_keep_nobody_waiting(parts):
    """A web server could not answer what depends on a date; the program sends the blob itself."""
    pusher = Pusher(parts, "admin/large")
    data = os.urandom(40 << 20)
    pusher.blob(data)
    date = ("If-Modified-Since", "Thu, 01 Jan 2037 00:00:00 GMT")
    readers = [SlowReader(pusher, "blobs/" + digest_of(data), date) for _ in range(24)]
    time.sleep(1)
    for _ in range(8):
        assert parts.request("GET", "/v2/", pusher.headers, timeout=20).status == 200
    refused = [reader for reader in readers if reader.begins(b"HTTP/1.1 429")]
    assert 0 < len(refused) < len(readers)
    answer = refused[0].read()
    assert b"If-Match or a date" in answer and b"\r\nretry-after: 5\r\n" in answer.lower()
    [served, *_] = [reader for reader in readers if reader not in refused]
    for reader in readers:
        if reader is not served:
            reader.socket.close()
    assert served.read().endswith(data)
    wait_for("there is a place again", lambda: parts.request(
        "GET", "/v2/admin/large/blobs/" + digest_of(data), pusher.headers + [date]).body == data)


class SlowReader:
    """Asks for something long over TLS and leaves it there."""

    def __init__(self, pusher, what, *headers):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(60)
        raw.connect(("127.0.0.1", pusher.stack.port))
        self.socket = pusher.stack.tls().wrap_socket(raw, server_hostname="localhost")
        lines = ["GET /v2/%s/%s HTTP/1.1" % (pusher.repo, what), "Host: " + pusher.stack.host,
                 "Connection: close"] + ["%s: %s" % header for header in pusher.headers + list(headers)]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.seen = b""

    def begins(self, text):
        while len(self.seen) < len(text):
            self.seen += self.socket.recv(len(text) - len(self.seen))
        return self.seen == text

    def read(self):
        parts = [self.seen]
        while len(parts) == 1 or parts[-1]:
            parts.append(self.socket.recv(65536))
        return b"".join(parts)


# --- clients that vanish

class Cut:
    """A request over TLS that breaks off in the middle of its body."""

    def __init__(self, pusher, method, path, length, data):
        raw = socket.create_connection(("127.0.0.1", pusher.stack.port), timeout=60)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = pusher.stack.tls().wrap_socket(raw, server_hostname="localhost")
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + pusher.stack.host, "Content-Type: " + OCI]
        lines += ["%s: %s" % header for header in pusher.headers]
        if length is None:
            lines.append("Transfer-Encoding: chunked")
            data = b"%x\r\n" % len(data) + data + b"\r\n" + b"%x\r\n" % 100000
        else:
            lines.append("Content-Length: %d" % length)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + data)

    def go(self, reset):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(ssl.SSLError, OSError):
            if not reset:
                self.socket.unwrap()
        self.socket.close()


# behind some web servers nothing arrives of a body without a length that breaks off
FRAMES = ("length",) if WEBSERVER.keeps_bodies else ("length", "chunked")


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_a_body_that_breaks_off_is_kept_and_commits_nothing(parts, method, frame, reset):
    pusher = Pusher(parts, "admin/cut")
    data = os.urandom(500000)
    location = pusher.start()
    path = {"PATCH": location, "PUT": location + "&digest=" + digest_of(data[:300000]),
            "POST": location.rpartition("/")[0] + "/?digest=" + digest_of(data[:300000])}[method]
    before = bytes_in(parts)
    cut = Cut(pusher, method, path, 500000 if frame == "length" else None, data[:300000])
    wait_bytes(parts, before, 2 << 17)  # it reads in steps of so much
    cut.go(reset)
    if method == "POST":
        # the client never heard of its upload; it is known all the same
        wait_for("its bytes are recorded", lambda: parts.sql(
            "SELECT received FROM upload ORDER BY started DESC LIMIT 1") == [["300000"]])
    else:
        wait_for("the bytes that arrived are kept", lambda: pusher.offset(location) == 300000)
        assert pusher.finish(location, digest_of(data), data[300000:]).status == 201
        pusher.check_blob(data)
    # those bytes had the right digest, and were not all
    assert pusher.request("HEAD", "blobs/" + digest_of(data[:300000])).status == 404
    invariants.check(parts)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_manifest_that_breaks_off_is_none(parts, frame):
    pusher = Pusher(parts, "admin/cut-manifest-" + frame)
    config = os.urandom(100)
    pusher.blob(config)
    document = image(config, [], annotations={"run": frame})
    before = parts.counts()
    failed = metric(parts, PUT_FAILED)
    # cut at the end of a complete document: only the length tells
    path, length = "/v2/%s/manifests/cut" % pusher.repo, len(document) + 100 if frame == "length" else None
    # by a web server that passes bodies on as they come
    connection = fastcgi.Connection(parts.path("run/registry.sock"))
    connection.begin(fastcgi.request_params("PUT", path, pusher.headers, length))
    connection.body(document)
    wait_for("it is being read", lambda: metric(parts, PUT_RUNS) == 1)
    connection.close()
    wait_for("it is given up", lambda: metric(parts, PUT_FAILED) == failed + 1)
    Cut(pusher, "PUT", path, length, document).go(False)
    assert parts.counts() == before
    assert pusher.request("GET", "manifests/cut").status == 404
    assert pusher.put("cut", document).status == 201
    pusher.check_image("cut", document)

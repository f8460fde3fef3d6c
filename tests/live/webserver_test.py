"""The registry behind each web server that conf/ has a configuration for: the same tests behind all of them."""
import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

import case_test
import clients
import stack as stack_module
import webserver
from client_kinds import Skopeo
from programs import configured, events, reload, wait_logged, wait_pushes
from repository import Repository, Sending, digest_of
from stack import wait_for

MB = 1 << 20
LONG = 300000  # a blob that is handed over
SHORT = 1000  # one that is not
numbers = itertools.count()
lost = set()  # blobs whose bytes a test took away


@pytest.fixture(scope="module", params=webserver.ALL, ids=lambda server: server.name)
def stack(request):
    """A registry behind each of them in turn; few threads, so that they can be used up."""
    server = request.param
    running = stack_module.Stack(webserver=server, settings=[("registry.threads", "4"), ("garant.threads", "4")])
    try:
        running.start()
        done = running.dtr("user", "create", "alice", "--password-file", running.path("password"))
        assert done.returncode == 0, done.stderr
        yield running
    finally:
        running.stop()


@pytest.fixture
def repo(stack):
    """A repository of each test's own."""
    return Repository(stack, "alice/web%d" % next(numbers))


def assert_no_path(stack, headers, body=b""):
    """Nothing in an answer tells where blobs are kept."""
    text = "\n".join("%s: %s" % header for header in headers).lower()
    assert "x-accel" not in text and "sendfile" not in text, text
    for secret in (stack.storage, "objects/", "_blobs"):
        assert secret not in text and secret.encode() not in body, (text, body[:500])


# --- the cases

class Through(case_test.ThroughWebServer):
    def send(self, method, target, *rest):
        answer = super().send(method, target, *rest)
        self.stack.webserver.forgive(method, target, answer)
        return answer


def cases():
    """All in the long form; else without those bad ones that look alike for a web server."""
    for case in case_test.all_cases():
        if os.environ.get("DTR_LONG") or not re.match("bad-(?!addresses|queries)", case.id):
            yield case


# case_test.py runs them behind nginx
@pytest.mark.parametrize("stack", [s for s in webserver.ALL if s is not webserver.NginxServer], indirect=True,
                         ids=lambda server: server.name, scope="module")
@pytest.mark.parametrize("case", cases())
def test_case(case, stack):
    case_test.run(case, Through(stack), stack)


# --- pushing

@pytest.fixture(scope="module")
def skopeo(stack):
    place = clients.Place(stack)
    try:
        place.start()
        os.makedirs(place.path("skopeo"))
        yield Skopeo(place).start()
    finally:
        place.stop()


def test_skopeo_pushes_and_pulls(stack, skopeo):
    name = stack.host + "/alice/skopeo:1"
    assert skopeo.login("alice", stack_module.PASSWORD).code == 0
    skopeo.make(name, {"first": os.urandom(40000)}, {"second": os.urandom(3 * MB)})
    image = skopeo.image(name)
    done = skopeo.push(name)
    assert done.code == 0, done
    skopeo.forget()
    done = skopeo.pull(name)
    assert done.code == 0, done
    assert skopeo.image(name) == image
    assert skopeo.digest(name) == clients.remote_digest(stack, "alice/skopeo", "1")


def test_long_chunked_body(repo):
    data = os.urandom(MB) * 64
    location = repo.start()
    answer = repo.request("PATCH", location, data, chunked=True)
    assert answer.status == 202, answer.body
    assert answer.header("range") == "0-%d" % (64 * MB - 1)
    repo.finish(answer.header("location"), data)


def test_bodies_with_their_length(repo):
    data = os.urandom(5 * MB)
    location = repo.start()
    for first, end in ((0, 10), (10, 3 * MB), (3 * MB, 5 * MB)):
        answer = repo.request("PATCH", location, data[first:end], [("Content-Range", "%d-%d" % (first, end - 1))])
        assert answer.status == 202, answer.body
        assert answer.header("range") == "0-%d" % (end - 1)
    repo.finish(location, data)


def test_last_body_without_length(repo):
    data = os.urandom(MB)
    answer = repo.request("PUT", repo.start() + "&digest=" + digest_of(data), data, chunked=True)
    assert answer.status == 201, answer.body
    assert repo.pull(data).status == 200


def test_body_that_is_refused(stack, repo):
    """A client learns why, though it still sends."""
    location = repo.start()
    data = bytes(8 * MB)
    for chunked in (False, True):
        assert stack.request("PATCH", location, (), data, chunked).status == 401
        answer = repo.request("PATCH", location, data, [("Content-Range", "5-%d" % (len(data) + 4))], chunked=chunked)
        assert answer.status == 416
    assert repo.offset(location) == 0


def curl(stack, *words, **more):
    """Version of HTTP and status of a request."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "60", "--output", "/dev/null",
                           "--cacert", stack.path("tls/ca.crt"), "--write-out", "%{http_version} %{http_code}",
                           *words], capture_output=True, check=True, **more)
    return done.stdout.decode()


@pytest.mark.parametrize("version, source", (("1.1", "file"), ("2", "file"), ("2", "pipe")))
def test_versions_of_http(stack, repo, tmp_path, version, source):
    """From a file with its length, from a pipe without; the first one asks whether it may send."""
    data = os.urandom(3 * MB)
    (tmp_path / "data").write_bytes(data)
    location = repo.start()
    words = ["--http" + version, "--header", "%s: %s" % repo.auth[0], "--request", "PATCH", "--upload-file"]
    words += ["-"] if source == "pipe" else [str(tmp_path / "data")]
    said = curl(stack, *words, "https://" + stack.host + location, **({"input": data} if source == "pipe" else {}))
    assert said == version + " 202"
    repo.finish(location, data)
    assert curl(stack, *words[:3], "https://" + stack.host + repo.path("blobs/" + digest_of(data))) == version + " 200"


@pytest.mark.parametrize("chunked", (False, True))
def test_client_that_aborts_a_push(stack, repo, chunked):
    data = os.urandom(4 * MB)
    location = repo.start()
    sending = Sending(repo, "PATCH", location, None if chunked else len(data))
    sending.send(data[:3 * MB])
    if chunked and stack.webserver.keeps_bodies:
        sending.abort()
        assert repo.offset(location) == 0
    else:
        wait_pushes(stack, 1)
        sending.abort()
        line = wait_logged(stack, method="PATCH", path=location.partition("?")[0], status=499)
        assert line["bytes_in"] <= 3 * MB
    # the upload is not lost: the client goes on behind what has come
    offset = repo.offset(location)
    answer = repo.request("PATCH", location, data[offset:])
    assert answer.status == 202 and answer.header("range") == "0-%d" % (len(data) - 1)
    repo.finish(location, data)


def test_slow_pushes_starve_nobody(stack, repo):
    """More of them than the registry has threads for short requests."""
    with contextlib.ExitStack() as pushes:
        for _ in range(12):
            sending = Sending(repo, "PATCH", repo.start(), 100)
            pushes.callback(sending.abort)
            sending.send(b"slow")
        wait_pushes(stack, 12)
        assert repo.request("GET", repo.path("tags/list"), timeout=10).status == 200
    wait_pushes(stack, 0)


@contextlib.contextmanager
def dripping(stack, method, path, length, count=20):
    """Strangers whose bodies come byte by byte and never end."""
    head = "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n" % (method, path, stack.host)
    head += "Transfer-Encoding: chunked\r\n\r\n" if length is None else "Content-Length: %d\r\n\r\n" % length
    piece = b"1\r\nx\r\n" if length is None else b"x"
    sockets, stop = [stack.connect() for _ in range(count)], threading.Event()

    def drip():
        for s in sockets:
            s.sendall(head.encode())
        while not stop.wait(0.3):
            for s in sockets:
                with contextlib.suppress(OSError):  # it was answered
                    s.sendall(piece)
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for s in sockets:
            s.close()


@pytest.mark.parametrize("method, path, length", [
    ("GET", "/v2/", None), ("GET", "/v2/", 1000), ("PUT", "/v2/alice/x/manifests/latest", 1000),
    ("PATCH", "/v2/alice/x/blobs/uploads/x", None), ("POST", "/auth/token", 1000), ("POST", "/auth/token", None),
    ("GET", "/auth/token", None)])
def test_bodies_that_never_end_starve_nobody(stack, method, path, length):
    def ask_for_token():
        assert stack.request("GET", "/auth/token?service=" + stack.host, timeout=10).status == 200

    with dripping(stack, method, path, length):
        for _ in range(6):
            assert stack.request("GET", "/v2/", timeout=10).status == 401
            assert stack.request("POST", "/v2/alice/x/blobs/uploads/", body=b"", timeout=10).status == 401
            if not (stack.webserver.streams_forms and path.startswith("/auth/")):
                ask_for_token()
    ask_for_token()


# --- pulling

@pytest.fixture(params=("short", "handed over", "streamed"))
def blob(request, stack, repo):
    """A blob, and how much of it the program sends itself."""
    data = os.urandom(SHORT if request.param == "short" else LONG)
    repo.push(data)
    with contextlib.ExitStack() as way:
        if request.param == "streamed":
            way.enter_context(configured(stack, "storage.sendfile", "none"))
        yield data, 0 if request.param == "handed over" else len(data)


def get(repo, digest, method="GET", **headers):
    """Status, headers as a list, and body."""
    stack = repo.stack
    connection = http.client.HTTPSConnection("localhost", stack.port, timeout=30, context=stack.tls())
    names = dict(repo.auth, **{name.replace("_", "-"): value for name, value in headers.items()})
    connection.request(method, repo.path("blobs/" + digest), headers=names)
    answer = connection.getresponse()
    found = answer.status, answer.getheaders(), answer.read()
    connection.close()
    assert_no_path(stack, found[1], found[2] if found[0] >= 400 else b"")
    return found


def values(headers, name):
    return [value for key, value in headers if key.lower() == name.lower()]


def assert_describes(headers, digest):
    assert values(headers, "Docker-Content-Digest") == [digest]
    assert values(headers, "ETag") == ['"%s"' % digest]
    assert values(headers, "Docker-Distribution-Api-Version") == ["registry/2.0"]
    assert values(headers, "Content-Type") == ["application/octet-stream"]
    assert len(values(headers, "X-Request-Id")) == 1
    # the same content may have come before, by somebody else
    assert values(headers, "Last-Modified") in ([], ["Thu, 01 Jan 1970 00:00:00 GMT"])


def test_blobs(stack, repo, blob):
    data, sent = blob
    digest = digest_of(data)
    status, headers, body = get(repo, digest)
    assert (status, body) == (200, data)
    assert values(headers, "Content-Length") == [str(len(data))]
    assert values(headers, "Accept-Ranges") == ["bytes"]
    assert_describes(headers, digest)
    assert wait_logged(stack, request_id=values(headers, "X-Request-Id")[0])["bytes_out"] == sent

    status, headers, body = get(repo, digest, "HEAD")
    assert (status, body) == (200, b"")
    assert values(headers, "Content-Length") == [str(len(data))]
    assert_describes(headers, digest)

    for tag in ('"%s"' % digest, 'W/"%s"' % digest, '"other", "%s"' % digest):
        status, headers, body = get(repo, digest, If_None_Match=tag)
        assert (status, body) == (304, b"")
        assert values(headers, "ETag") == ['"%s"' % digest]
    assert get(repo, digest, If_None_Match='"other"')[0] == 200


def test_parts_of_blobs(repo, blob):
    data = blob[0]
    for wanted, first, end in (("0-0", 0, 1), ("100-199", 100, 200), ("500-", 500, None), ("-50", -50, None),
                               ("0-99999999", 0, None)):
        status, headers, body = get(repo, digest_of(data), Range="bytes=" + wanted)
        assert (status, body) == (206, data[first:end])
        begin = first % len(data)
        assert values(headers, "Content-Range") == ["bytes %d-%d/%d" % (begin, begin + len(body) - 1, len(data))]
        assert values(headers, "Content-Length") == [str(len(body))]
        assert_describes(headers, digest_of(data))


def test_parts_that_are_not_there(repo, blob):
    data = blob[0]
    for wanted in ("%d-" % len(data), "99999999-", "-0", "99999999999999999999999-"):
        status, headers, _ = get(repo, digest_of(data), Range="bytes=" + wanted)
        assert status == 416
        assert values(headers, "Content-Range") == ["bytes */%d" % len(data)]


def test_client_that_aborts_a_pull(stack, repo):
    data = os.urandom(MB) * 32
    repo.push(data)
    with configured(stack, "storage.sendfile", "none"):
        sending = Sending(repo, "GET", repo.path("blobs/" + digest_of(data)), 0)
        assert sending.socket.recv(1000).startswith(b"HTTP/1.1 200 ")
        sending.abort()
        line = wait_logged(stack, method="GET", path=repo.path("blobs/" + digest_of(data)), status=499)
        assert line["bytes_out"] < len(data)


@pytest.mark.parametrize("size", (100, LONG))
@pytest.mark.parametrize("lose", (os.remove, lambda path: os.truncate(path, 99)), ids=("lost", "cut"))
def test_lost_object_is_a_fault(stack, repo, size, lose):
    """Neither "there is none" nor something else in its place, to be kept for a year."""
    data = os.urandom(size)
    digest = repo.push(data)
    lost.add(digest)
    for folder, _, names in os.walk(stack.storage):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                if f.read() == data:
                    lose(f.name)
    status, headers, body = get(repo, digest)
    assert (status, json.loads(body)["errors"][0]["code"]) == (500, "UNKNOWN")
    assert not values(headers, "Cache-Control") and not values(headers, "ETag")


@pytest.mark.parametrize("wrong", ("accel", "xsendfile"))
def test_wrong_hand_over_is_none(stack, repo, wrong):
    """A header that the web server does not know would give away a path instead of the blob."""
    if wrong == stack.webserver.sendfile:
        wrong = "none"
    data = os.urandom(LONG)
    digest = repo.push(data)
    with configured(stack, "storage.sendfile", wrong):
        status, headers, body = get(repo, digest)
        assert (status, body) == (200, data)
        line = wait_logged(stack, request_id=values(headers, "X-Request-Id")[0])
        assert line["bytes_out"] == len(data)
    warned = [(w["wanted"], w["known"]) for w in events(stack, "sendfile_mismatch")
              if w["request_id"] == line["request_id"]]
    assert warned == ([] if wrong == "none" else [(wrong, stack.webserver.sendfile)])


# --- addresses and headers

@pytest.mark.parametrize("path", (
    "/v2/../livez", "/v2/%2e%2e/metrics", "/v2/..%2fmetrics", "/v2/..%2f_health/registry/metrics",
    "/v2/alice/../../_health/registry/metrics", "/v2/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/livez", "/readyz", "/metrics",
    "/v2/metrics", "/_blobs/objects/", "/_blobs/..%2f", "//metrics", "/v2/../auth/../metrics", "/auth/../metrics",
    "/auth/..%2flivez", "/_health/../metrics", "/_health/registry/", "/_health/registry/v2/", "/%2fmetrics",
    "/v2/\\..\\metrics", "/v2/alice%2fx/tags/list", "/v2/alice%252fx/tags/list", "/v2//alice/x/tags/list",
    "/v2/alice/./x/tags/list", "/v2/alice/x/tags/list/", "/v2/alice/x/blobs/uploads/../../tags/list", "*"))
def test_odd_addresses(stack, repo, path):
    answer = stack.request("GET", path, repo.auth, source="127.0.0.5")
    assert answer.status in (400, 401, 403, 404, 405), answer.body[:500]
    assert b"registry_http" not in answer.body and b"ok\n" not in answer.body
    assert_no_path(stack, answer.headers.items(), answer.body)


def test_encoded_addresses(repo):
    data = os.urandom(SHORT)
    digest = repo.push(data)
    for path in (repo.path("blobs/" + digest.replace(":", "%3A")), repo.path("%62lobs/" + digest),
                 repo.path("blobs/" + digest).replace("alice", "%61lice")):
        answer = repo.request("GET", path)
        assert (answer.status, answer.body) == (200, data), path


def test_long_headers(stack, repo):
    filler = [("X-Filler-%d" % i, "x" * 8000) for i in range(3)] + [("X-Filler", "x" * 6500)]
    assert repo.request("GET", "/v2/", headers=filler).status == 200
    answer = stack.request("GET", "/v2/", [("Authorization", "Bearer " + "x" * stack.webserver.token_max)])
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.header("www-authenticate")
    answer = stack.request("GET", "/v2/", [("Authorization", "Bearer " + "x" * 100000)])
    assert answer.status in (400, 431)


def test_external_url_is_what_clients_are_told(stack, repo):
    """Whatever they say themselves of where they are."""
    lies = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"), ("Forwarded", "host=evil.example"),
            ("X-Forwarded-Port", "1")]
    with stack.connect() as s:
        answer = stack_module.exchange(s, "GET", "/v2/", "evil.example", lies)
    assert answer.status == 401
    assert answer.header("www-authenticate") == 'Bearer realm="https://%s/auth/token",service="%s"' \
        % (stack.host, stack.host)
    answer = stack.ask_node("GET", "/v2/", lies)
    assert 'realm="https://%s/auth/token"' % stack.host in answer.header("www-authenticate")
    answer = repo.request("POST", repo.path("blobs/uploads/"), b"", lies)
    assert answer.status == 202
    assert answer.header("location").startswith(repo.path("blobs/uploads/"))


def test_nginx_that_root_starts_may_reach_the_programs(stack):
    assert stack_module.is_root(), "to start it as root"
    server = webserver.RootNginx(stack)
    sockets = [stack.path("run", name) for name in os.listdir(stack.path("run")) if name.endswith(".sock")]
    assert len(sockets) == 4
    try:
        server.start()
        for path in sockets:
            shutil.chown(path, group="www-data")
        own, stack.port = stack.port, server.port
        try:
            wait_for("nginx answers", lambda: server.check() or stack.answers("/_ping"))
        finally:
            stack.port = own
    finally:
        server.stop()
        for path in sockets:
            shutil.chown(path, group=os.stat(stack.path("run")).st_gid)


def remote_of(stack, headers=(), ask=None, **more):
    """Where a request came from, as the programs see it."""
    name = "remote-%d" % next(numbers)
    answer = (ask or stack.request)("GET", "/v2/", [("X-Request-Id", name), *headers], **more)
    assert answer.status == 401
    return wait_logged(stack, request_id=name)["remote"]


def test_ipv6(stack):
    assert remote_of(stack, address="::1") == "::1"


def test_nobody_says_for_himself_where_he_is(stack):
    assert remote_of(stack, source="127.0.0.5") == "127.0.0.5"
    for lie in ([("X-Forwarded-For", "203.0.113.9")], [("X-Forwarded-For", "203.0.113.9, 127.0.0.1")],
                [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.7")],
                [("Forwarded", "for=203.0.113.9")], [("X-Real-Ip", "203.0.113.9")],
                [("X-Forwarded_For", "203.0.113.9")]):
        assert remote_of(stack, lie, source="127.0.0.5") == "127.0.0.5", lie


def test_trusted_proxies_alone_say_where_others_are(stack):
    two = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.7")]
    ask = stack.ask_node
    with configured(stack, "node.trusted_proxies", "127.0.0.1, 198.51.100.0/24"):
        assert remote_of(stack, ask=ask) == "127.0.0.1"
        assert remote_of(stack, two[:1], ask) == "203.0.113.9"
        assert remote_of(stack, two[::-1], ask) == "203.0.113.9"
        assert remote_of(stack, two + [("X-Forwarded-For", "192.0.2.1")], ask) == "192.0.2.1"
        assert remote_of(stack, two, ask, source="127.0.0.7") == "127.0.0.7"
    with configured(stack, "node.trusted_proxies", ""):
        assert remote_of(stack, two, ask) == "127.0.0.1"


class LighttpdBehindBalancer(webserver.LighttpdServer):
    """With the lines that the manual tells to add; the balancer is who asks."""

    def listen(self):
        with open(os.path.join(stack_module.TOP, "doc/howto/load-balancer.md")) as f:
            lines = re.findall(r"^    (.*extforward.*)$", f.read(), re.M)
        return super().listen() + "\n" + "\n".join(lines).replace("10.0.0.5", "127.0.0.1")


@pytest.mark.parametrize("stack", [LighttpdBehindBalancer], indirect=True, ids=lambda server: server.name,
                         scope="module")
def test_lighttpd_finds_the_client_behind_a_balancer(stack):
    assert remote_of(stack) == "127.0.0.1"
    said = ("X-Forwarded-For", "203.0.113.9")
    assert remote_of(stack, [said]) == "203.0.113.9"
    assert remote_of(stack, [("X-Forwarded-For", "198.51.100.7, 203.0.113.9")]) == "203.0.113.9"
    for name in ("X_Forwarded_For", "X.Forwarded.For", "Forwarded", "Forwarded-For"):
        lie = (name, "198.51.100.7")
        assert remote_of(stack, [lie]) == "127.0.0.1", name
        assert remote_of(stack, [said, lie]) == remote_of(stack, [lie, said]) == "203.0.113.9", name
    assert remote_of(stack, [said], source="127.0.0.5") == "127.0.0.5"


@pytest.mark.parametrize("program", ("registry", "garant", "api"))
def test_health_is_for_this_machine(stack, program):
    """A balancer that runs on a node is taken for an operator, so it must not ask for others."""
    is_node = not hasattr(stack.webserver, "node")
    for name in ("livez", "readyz", "metrics"):
        path = "/_health/%s/%s" % (program, name)
        assert stack.ask_node("GET", path).status == 200
        for ask, source in ((stack.ask_node, "127.0.0.5"), (stack.request, "127.0.0.5" if is_node else "127.0.0.1")):
            answer = ask("GET", path, source=source)
            assert answer.status in (403, 404) and b"registry_http" not in answer.body
    assert stack.request("GET", "/_health/%s/livez" % program, address="::1").status == (200 if is_node else 404)


# --- the programs come and go

class Load:
    """Clients that pull a manifest again and again over kept connections."""

    def __init__(self, stack, path, headers):
        self.stack, self.path, self.headers = stack, path, dict(headers)
        self.stopping = False
        self.counts, self.bad = [0] * 4, []

    def run(self, number):
        connection = http.client.HTTPSConnection("localhost", self.stack.port, timeout=30, context=self.stack.tls())
        while not self.stopping:
            try:
                connection.request("GET", self.path, headers=self.headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.bad.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                self.bad.append(repr(error))
                connection.close()
            self.counts[number] += 1
        connection.close()

    @contextlib.contextmanager
    def running(self):
        threads = [threading.Thread(target=self.run, args=(n,)) for n in range(len(self.counts))]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.stopping = True
            for thread in threads:
                thread.join(60)

    def wait_more(self, count=10):
        wanted = [n + count for n in self.counts]
        wait_for("requests are answered", lambda: all(n >= w for n, w in zip(self.counts, wanted)))


@pytest.fixture
def load(stack):
    made = case_test.prepare(stack)
    return Load(stack, "/v2/%s/manifests/first" % made["repo"],
                stack.bearer("repository:%s:pull" % made["repo"], user="alice"))


def test_reload_and_upgrade_lose_nothing(stack, repo, load):
    program = stack.responders["dtr-registry"]
    data = os.urandom(MB)
    location = repo.start()
    sending = Sending(repo, "PATCH", location, len(data))
    sending.send(data[:1000])
    wait_pushes(stack, 1)
    with load.running():
        load.wait_more()
        for _ in range(2):
            reload(stack)
            load.wait_more()
        before = len(events(stack, "started"))
        program.send_signal(signal.SIGUSR2)
        wait_for("the new program runs", lambda: len(events(stack, "started")) > before)
        load.wait_more()
    assert load.bad == []
    sending.send(data[1000:])
    assert sending.answer().status == 202
    repo.finish(location, data)


def test_stop_and_start(stack, repo, load):
    """What runs is finished, then the web server says that nobody is there, then it goes on."""
    program = stack.responders.pop("dtr-registry")
    data = os.urandom(MB)
    location = repo.start()
    sending = Sending(repo, "PATCH", location, len(data))
    sending.send(data[:1000])
    wait_pushes(stack, 1)
    with load.running():
        load.wait_more()
        program.send_signal(signal.SIGTERM)
        wait_for("it says that nobody is there", lambda: load.bad)
        sending.send(data[1000:])
        assert sending.answer().status == 202
        assert program.wait(30) == 0
        load.wait_more()
        stack.start_responder("dtr-registry")
        wait_for("it goes on", lambda: stack.answers("/v2/", 401))
        load.wait_more()
        load.bad, seen = [], load.bad
        load.wait_more()
    # lighttpd says 500 to what was on its way
    assert set(seen) <= {500, 502, 503}
    assert load.bad == []
    repo.finish(location, data)


# --- last of the file

def test_no_request_failed_by_our_fault(stack):
    for program in ("dtr-registry", "dtr-garant"):
        statuses = [line["status"] for line in events(stack, "request", program)
                    if line["path"].rpartition("/")[2] not in lost]
        assert statuses and {s for s in statuses if s >= 500} == set(), program

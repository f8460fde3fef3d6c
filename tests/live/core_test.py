"""fcgi/core through the real wire, with the responder tests/fcgi/echo.c."""
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import pytest

import fastcgi
import findings
from stack import BUILD, free_port, wait_for

PROGRAM = os.path.join(BUILD, "tests/fcgi/echo")


class Echo:
    """The responder in a folder of its own."""

    def __init__(self, **settings):
        self.dir = tempfile.mkdtemp(prefix="dtr-core-")
        os.chmod(self.dir, 0o755)
        self.socket = self.path("echo.sock")
        self.settings = {"node.run_dir": self.path("run"), "node.drain_seconds": "10",
                         "garant.socket": self.socket, "garant.workers": "2", "garant.threads": "4"}
        self.process = None
        self.configure(**settings)

    def path(self, name):
        return os.path.join(self.dir, name)

    def configure(self, **settings):
        for name, value in settings.items():
            section, _, key = name.partition("_")
            self.settings["%s.%s" % (section, key)] = value
        with open(self.path("dtr.conf"), "w") as f:
            for item in self.settings.items():
                f.write("%s = %s\n" % item)

    def command(self, *more):
        return [PROGRAM, "-c", self.path("dtr.conf"), *more]

    def start(self, wait=True, **more):
        with open(self.path("log"), "a") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.dir, stdout=log, stderr=log,
                **({"stdin": subprocess.DEVNULL} | more))
        if wait:
            wait_for("echo is ready", lambda: self.events("started"))
        return self

    def check(self, *more):
        return subprocess.run(self.command(*more), capture_output=True, text=True, cwd=self.dir)

    def stop(self, number=signal.SIGTERM, seconds=60):
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self.process = None
        return code

    def signal(self, number):
        self.process.send_signal(number)

    def ask(self, method, target, *args, **more):
        return fastcgi.ask(self.socket, method, target, *args, **more)

    def connect(self):
        return fastcgi.Connection(self.socket)

    def events(self, name):
        """Log lines of an event; whatever is no JSON is a finding of a sanitizer."""
        found = []
        with open(self.path("log")) as f:
            for line in f.read().split("\n")[:-1]:
                event = json.loads(line)
                if event["event"] == name:
                    found.append(event)
        return found

    def wait_event(self, name, count=1):
        wait_for("event " + name, lambda: len(self.events(name)) >= count)
        return self.events(name)

    def request_logged(self, request_id):
        wait_for("access log", lambda: any(e.get("request_id") == request_id for e in self.events("request")))
        return [e for e in self.events("request") if e["request_id"] == request_id][0]

    def metric(self, name):
        text = self.ask("GET", "/metrics")[2].decode()
        found = re.findall("^" + re.escape(name) + r" (\S+)$", text, re.M)
        return float(found[0]) if found else None

    def in_flight(self):
        text = self.ask("GET", "/metrics")[2].decode()
        return sum(int(n) for n in re.findall(r"^registry_http_in_flight_requests\{.*\} (\d+)$", text, re.M))

    def slow(self):
        """A connection whose request is answered when finish() is called."""
        connection = self.connect()
        connection.begin(fastcgi.request_params("GET", "/slow?file=finish"), keep=True)
        connection.end_body()
        self.wait_in_flight(1)
        return connection

    def finish(self):
        open(self.path("finish"), "w").close()

    def wait_in_flight(self, count):
        # and the one that asks for it
        wait_for("requests are served",
                 lambda: self.in_flight() == count + 1)

    def workers(self):
        done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return sorted(int(pid) for pid in done.stdout.split())

    def descriptors(self):
        return {pid: len(os.listdir("/proc/%d/fd" % pid)) for pid in self.workers() + [self.process.pid]}


@pytest.fixture
def make_echo():
    made = []

    def make(**settings):
        made.append(Echo(**settings))
        return made[-1]
    yield make
    for echo in made:
        if echo.process is not None:
            assert echo.stop() == 0, open(echo.path("log")).read()[-4000:]
        if os.path.exists(echo.path("log")):
            findings.assert_none(echo.path("log"))
        subprocess.run(["rm", "-rf", echo.dir])


@pytest.fixture
def echo(make_echo):
    return make_echo().start()


def is_closed(connection, seconds=5):
    connection.socket.settimeout(seconds)
    try:
        return connection.socket.recv(1) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def refuses(call):
    try:
        call()
    except OSError:
        return True
    return False


# --- requests and answers

@pytest.mark.parametrize("size", [1, 7, 8184, 8192, 65528])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_arrives_whole_in_records_of_any_size(echo, size, chunked):
    body = os.urandom(max(3 * size + 1, 1000))
    status, _, text = echo.ask("PUT", "/body", body=body, chunked=chunked, size=size)
    assert status == 200
    assert text.decode() == "%d %s" % (len(body), hashlib.sha256(body).hexdigest())


def test_an_empty_body_is_one(echo):
    for chunked in (False, True):
        status, _, text = echo.ask("PUT", "/body", body=b"", chunked=chunked)
        assert (status, text.split()[0]) == (200, b"0")


@pytest.mark.parametrize("length", [None, 100000])
def test_a_client_that_goes_away_in_a_body_is_no_end_of_it(echo, length):
    connection = echo.connect()
    headers = [("X-Request-Id", "gone")]
    connection.begin(fastcgi.request_params("PUT", "/body", headers, length))
    connection.body(b"x" * 50000)
    connection.close()
    event = echo.request_logged("gone")
    assert (event["status"], event["code"], event["bytes_in"]) == (499, "aborted", 50000)
    assert echo.metric('echo_bodies_total{result="whole"}') == 0
    assert echo.metric('registry_http_requests_total{handler="body",method="PUT",code="499"}') == 1


@pytest.mark.parametrize("announced", [10, 30])
def test_a_body_of_another_length_than_announced_is_refused(echo, announced):
    connection = echo.connect()
    connection.begin(fastcgi.request_params("PUT", "/body", (), announced))
    connection.body(b"x" * 20)
    connection.end_body()
    assert connection.answer()[0] == 400
    assert echo.metric('echo_bodies_total{result="whole"}') == 0


def test_a_large_answer_arrives_whole(echo):
    connection = echo.connect()
    for n in (1, 8000, 8192, 20000, 65528, 65536, 20 << 20):
        status, headers, body = connection.request("GET", "/stream?n=%d" % n, keep=True)
        assert (status, headers["content-length"], body) == (200, str(n), b"x" * n)


def test_head_has_the_length_and_no_body(echo):
    connection = echo.connect()
    status, headers, body = connection.request("HEAD", "/hello/", keep=True)
    assert (status, headers["content-length"], body) == (200, "6", b"")
    status, headers, body = connection.request("HEAD", "/stream?n=100000", keep=True)
    assert (status, headers["content-length"], body) == (200, "100000", b"")
    status, headers, body = connection.request("HEAD", "/nothing-there", keep=True)
    assert (status, body) == (404, b"") and int(headers["content-length"]) > 0


def test_not_modified_has_neither_body_nor_length(echo):
    status, headers, body = echo.ask("GET", "/not-modified")
    assert (status, body) == (304, b"") and "content-length" not in headers


@pytest.mark.parametrize("target", ["/fail-late", "/stream?n=100&short=1", "/stream?n=1000000&short=500000"])
def test_an_answer_that_breaks_is_a_broken_transfer(echo, target):
    connection = echo.connect()
    with pytest.raises(OSError):
        connection.request("GET", target, keep=True)
    assert echo.wait_event("request")[0]["code"] == "internal"


def test_a_handler_without_an_answer_is_our_fault(echo):
    assert echo.ask("GET", "/nothing")[0] == 500


def test_errors_have_their_status_and_the_programs_form(echo):
    for method, target, status, code in (
            ("GET", "/none", 404, "not_found"), ("GET", "/", 404, "not_found"),
            ("GET", "/hello/more", 404, "not_found"), ("GET", "/slow/", 404, "not_found"),
            ("POST", "/hello/", 405, "conflict"), ("BREW", "/hello/", 405, "conflict"),
            ("BREW", "/none", 501, "not_found"), ("DELETE", "/livez", 405, "conflict"),
            ("GET", "//hello", 400, "invalid"), ("GET", "/a%2Fb", 400, "invalid"),
            ("GET", "/../hello", 400, "invalid"), ("GET", "hello", 400, "invalid"),
            ("GET", "/hello/%zz", 400, "invalid"), ("GET", "/stream?n=x", 400, "invalid"),
            ("GET", "/" + "a" * 40000, 400, "invalid"), ("GET", "/secret", 401, "unauthenticated"),
            ("GET", "/fail", 503, "busy")):
        got, headers, body = echo.ask(method, target)
        assert (got, len(json.loads(body)["errors"])) == (status, 1), (method, target)
        assert headers["content-type"] == "application/json"
        assert int(headers["content-length"]) == len(body)
        assert ("allow" in headers) == (status == 405)
        assert ("retry-after" in headers) == (status == 503)
        assert b"secret detail" not in body
        assert json.loads(body)["errors"][0]["code"] == code, target
    assert echo.ask("PUT", "/hello")[1]["allow"] == "GET, HEAD"
    assert [e["cause"] for e in echo.events("request") if "cause" in e] == ["secret detail"]


def test_a_header_that_would_split_the_answer_is_dropped(echo):
    status, headers, _ = echo.ask("GET", "/facts/a?header=x%20y")
    assert (status, headers["x-given"]) == (200, "x y")
    # the parser of targets refuses control characters in paths, not all in queries
    for bad in ("a%0d%0aSet-Cookie:%20b", "a%0ab", "a%7f"):
        status, headers, _ = echo.ask("GET", "/facts/a?header=" + bad)
        assert "x-given" not in headers and "set-cookie" not in headers, bad
        assert status in (200, 400)


def test_the_request_id_is_kept_when_it_is_harmless(echo):
    for good in ("a", "A-b_c.9", "x" * 64):
        assert echo.ask("GET", "/hello/", [("X-Request-Id", good)])[1]["x-request-id"] == good
    for bad in ("x" * 65, "a b", 'a"b', "ä", "a/b"):
        got = echo.ask("GET", "/hello/", [("X-Request-Id", bad)])[1]["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", got), bad


def test_the_access_log_has_one_line_a_request_without_the_query(echo):
    headers = [("X-Request-Id", "logged"), ("User-Agent", "test/1"), ("Authorization", "Bearer hush")]
    echo.ask("GET", "/facts/some/name?token=hush", headers)
    event = echo.request_logged("logged")
    assert {k: event[k] for k in ("method", "path", "status", "bytes_in", "bytes_out", "remote", "route",
                                  "user_agent", "level", "program")} == {
        "method": "GET", "path": "/facts/some/name", "status": 200, "bytes_in": 0,
        "bytes_out": event["bytes_out"], "remote": "127.0.0.1", "route": "facts", "user_agent": "test/1",
        "level": "info", "program": "echo"}
    assert 0 <= event["duration_us"] < 5000000 and "code" not in event and "actor" not in event
    assert len(echo.events("request")) == 1
    assert "hush" not in open(echo.path("log")).read()


def test_the_client_is_seen_through_trusted_proxies_only(make_echo):
    echo = make_echo(node_trusted_proxies="10.0.0.0/8, 2001:db8::/32").start()

    def seen(remote, forwarded):
        connection = echo.connect()
        connection.begin(fastcgi.request_params("GET", "/facts/a", [("X-Forwarded-For", forwarded)], remote=remote))
        connection.end_body()
        return connection.answer()[2].split()[1].decode()
    assert seen("10.1.2.3", "1.1.1.1, 192.0.2.7") == "192.0.2.7"
    assert seen("10.1.2.3", "1.1.1.1, 192.0.2.7, 10.9.9.9,2001:db8::7") == "192.0.2.7"
    assert seen("192.0.2.1", "1.1.1.1") == "192.0.2.1"
    assert seen("10.1.2.3", "1.1.1.1, nonsense") == "10.1.2.3"


def test_live_ready_and_metrics_are_in_front(echo):
    connection = echo.connect()
    assert connection.request("GET", "/livez", keep=True)[0::2] == (200, b"ok\n")
    assert connection.request("GET", "/readyz", keep=True)[0] == 200
    open(echo.path("not-ready"), "w").close()
    status, headers, body = connection.request("GET", "/readyz", keep=True)
    assert (status, headers["retry-after"]) == (503, "2") and b"database" in body
    assert echo.metric("dtr_ready") == 0
    assert connection.request("GET", "/livez", keep=True)[0] == 200
    status, headers, body = connection.request("GET", "/metrics", keep=True)
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4")
    for line in body.decode().splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? \S+', line), line


def test_a_node_that_drains_is_not_ready_and_serves_on(echo):
    assert echo.metric("dtr_draining") == 0
    drain = os.path.join(echo.path("run"), "drain")
    open(drain, "w").close()
    status, headers, body = echo.ask("GET", "/readyz")
    assert (status, body, headers["retry-after"]) == (503, b"draining", "2")
    assert echo.ask("GET", "/hello/")[0] == 200
    assert echo.metric("dtr_draining") == 1
    # it could, if it were asked to
    assert echo.metric("dtr_ready") == 1
    os.unlink(drain)
    assert echo.ask("GET", "/readyz")[0] == 200
    assert echo.metric("dtr_draining") == 0


def test_metrics_are_the_sum_of_all_workers_and_stay_over_a_reload(echo):
    for _ in range(40):
        echo.ask("GET", "/hello/")
    count = 'registry_http_requests_total{handler="hello",method="GET",code="200"}'
    assert echo.metric(count) == 40
    hello = 'handler="hello",method="GET"'
    assert echo.metric("registry_http_request_duration_seconds_count{%s}" % hello) == 40
    assert echo.metric('registry_http_request_duration_seconds_bucket{%s,le="60"}' % hello) == 40
    assert echo.metric("registry_http_response_size_bytes_sum{%s}" % hello) == 240
    assert echo.metric('registry_http_response_size_bytes_bucket{%s,le="1024"}' % hello) == 40
    echo.ask("PUT", "/body", body=b"x" * 1000)
    assert echo.metric('registry_http_request_size_bytes_sum{handler="body",method="PUT"}') == 1000
    assert echo.in_flight() == 1
    assert echo.metric('dtr_build_info{program="echo",version="1.0"}') == 1
    assert abs(echo.metric("process_start_time_seconds") - time.time()) < 60
    echo.signal(signal.SIGHUP)
    echo.wait_event("reloaded")
    assert echo.metric(count) == 40


def test_it_ticks(echo):
    wait_for("ticks", lambda: echo.metric("echo_ticks_total") >= 3)


# --- connections

def test_idle_kept_connections_cost_no_thread(echo):
    """Fails when libfcgi does not let its descriptor be set and taken."""
    connections = [echo.connect() for _ in range(200)]
    for turn in range(3):
        for connection in connections:
            assert connection.request("GET", "/hello/", keep=True)[0::2] == (200, b"hello\n")
    assert echo.ask("GET", "/hello/")[0] == 200
    for connection in connections:
        connection.close()
    wait_for("they are forgotten", lambda: sum(echo.descriptors().values()) < 100)


def test_connections_that_say_nothing_cost_no_thread(echo):
    silent = [echo.connect() for _ in range(50)]
    assert echo.ask("GET", "/hello/")[0] == 200
    # nor does a peer that does not close when it is told that we do
    for connection in silent:
        assert connection.request("GET", "/hello/")[0] == 200
        assert is_closed(connection)


def test_beyond_the_maximum_the_longest_idle_connection_is_closed(make_echo):
    echo = make_echo(garant_workers="1").start()
    connections = []
    for _ in range(1100):
        connections.append(echo.connect())
        assert connections[-1].request("GET", "/hello/", keep=True)[0] == 200
    assert len(os.listdir("/proc/%d/fd" % echo.workers()[0])) < 1060
    assert is_closed(connections[0]) and is_closed(connections[50])
    for connection in connections[200:]:
        assert connection.request("GET", "/hello/", keep=True)[0] == 200


def test_a_kept_connection_is_not_confused_by_what_came_before(echo):
    connection = echo.connect()
    # more than libfcgi reads at once: the end of the body is still in the socket
    for n in range(8000, 8300, 7):
        assert connection.request("GET", "/hello/", [("X-Long", "x" * n)], keep=True)[0] == 200
    # a body that is read to its end
    for n in (0, 1, 8192, 100000):
        assert connection.request("PUT", "/body", body=b"x" * n, keep=True)[0] == 200


def test_the_end_of_no_body_may_come_late(echo):
    connection = echo.connect()
    for method in ("GET", "HEAD"):
        connection.begin(fastcgi.request_params(method, "/hello/"), keep=True)
        time.sleep(0.3)
        connection.end_body()
        assert connection.answer()[0] == 200
    assert connection.request("GET", "/hello/", keep=True)[0] == 200


@pytest.mark.parametrize("target,status", [("/secret", 401), ("/fail", 503), ("/none", 404)])
def test_an_answer_before_the_body_closes_the_connection(echo, target, status):
    connection = echo.connect()
    connection.begin(fastcgi.request_params("PUT", target, (), 10 << 20), keep=True)
    connection.body(b"x" * 65536)
    assert connection.answer()[0] == (405 if target == "/fail" else status)
    assert is_closed(connection)
    # also when the peer writes on while it is answered
    got = echo.ask("PUT", target, body=b"x" * (1 << 20))[0]
    assert got == (405 if target == "/fail" else status)
    assert echo.ask("GET", "/hello/")[0] == 200


def test_a_body_that_never_comes_holds_no_thread(echo):
    stuck = []
    for _ in range(12):
        connection = echo.connect()
        connection.begin(fastcgi.request_params("PUT", "/secret", (), 10), keep=True)
        stuck.append(connection)
    for connection in stuck:
        assert connection.answer()[0] == 401
        connection.close()
    assert echo.ask("GET", "/hello/")[0] == 200


def test_nonsense_on_the_wire_ends_one_connection_only(echo):
    good = echo.connect()
    assert good.request("GET", "/hello/", keep=True)[0] == 200
    begin = fastcgi.record(fastcgi.BEGIN, struct.pack(">HB5x", 1, 1))
    cut = fastcgi.params(fastcgi.request_params("GET", "/hello/"))[:-8]
    for bad in (b"GET / HTTP/1.0\r\n\r\n", b"\x01", begin[:5], begin, begin + b"\x02" * 64, os.urandom(100),
                begin + fastcgi.record(fastcgi.PARAMS, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
                begin + fastcgi.record(fastcgi.PARAMS, fastcgi.pair(b"A", b"b"))[:12],
                # whole parameters, but not their end: Authorization could follow
                begin + cut, begin + cut + fastcgi.record(fastcgi.ABORT, b""),
                fastcgi.record(fastcgi.STDIN, b"x"), fastcgi.record(fastcgi.BEGIN, struct.pack(">HB5x", 3, 1))):
        connection = echo.connect()
        connection.socket.sendall(bad)
        connection.socket.shutdown(socket.SHUT_WR)
        assert is_closed(connection), bad
    assert good.request("GET", "/hello/", keep=True)[0] == 200
    assert len(echo.events("request")) == 2 and not echo.events("worker_died")


def test_thousands_of_requests_leave_no_descriptor_behind(echo):
    kept = echo.connect()

    def some(n):
        for i in range(n):
            connection = kept if i % 10 else echo.connect()
            target = ("/hello/", "/none", "/stream?n=30000", "/hello/", "/fail")[i % 5]
            connection.request("GET", target, keep=i % 20 != 0)
            if i % 50 == 0:
                connection.socket.close()
                connection = echo.connect()
                connection.begin(fastcgi.request_params("PUT", "/body"))
                connection.socket.close()
    def total():
        return sum(echo.descriptors().values())
    some(2000)
    echo.wait_in_flight(0)
    before = min(total() for _ in range(20))
    some(10000)
    echo.wait_in_flight(0)
    wait_for("all are closed", lambda: total() <= before, 5)


# --- processes

def test_a_crash_ends_one_worker_which_comes_back(echo):
    before = echo.workers()
    with pytest.raises(OSError):
        echo.ask("GET", "/crash")
    assert echo.ask("GET", "/hello/")[0] == 200
    event = echo.wait_event("worker_died")[0]
    assert event["pid"] in before and event["signal"] == signal.SIGABRT
    wait_for("a new worker", lambda: len(echo.workers()) == 2 and echo.workers() != before)
    assert echo.metric("dtr_worker_restarts_total") == 1
    assert echo.in_flight() == 1


def test_workers_that_die_at_once_come_back_with_pauses(make_echo):
    echo = make_echo(garant_workers="1").start()
    begun = time.time()
    for count in range(1, 5):
        wait_for("it serves", lambda: not refuses(lambda: echo.ask("GET", "/hello/")))
        assert refuses(lambda: echo.ask("GET", "/crash"))
        echo.wait_event("worker_died", count)
    wait_for("it serves", lambda: not refuses(lambda: echo.ask("GET", "/hello/")))
    assert time.time() - begun >= 0.7  # 0 + 0.1 + 0.2 + 0.4


def test_term_answers_what_runs_and_closes_what_is_idle(echo):
    idle = echo.connect()
    assert idle.request("GET", "/hello/", keep=True)[0] == 200
    slow = echo.slow()
    echo.signal(signal.SIGTERM)
    assert is_closed(idle)
    wait_for("new connections are refused", lambda: refuses(echo.connect))
    wait_for("the socket is gone", lambda: not os.path.exists(echo.socket))
    echo.finish()
    assert slow.answer()[0] == 200
    assert is_closed(slow)
    assert echo.process.wait(10) == 0
    assert os.listdir(echo.path("run")) == []
    echo.process = None


def test_term_does_not_wait_for_ever(make_echo):
    echo = make_echo(node_drain_seconds="1").start()
    slow = echo.slow()
    begun = time.time()
    assert echo.stop() == 0
    assert time.time() - begun > 0.8
    assert is_closed(slow)
    assert echo.events("drain_deadline_passed")


class Load:
    """Clients that keep their connections and ask until told to stop."""

    def __init__(self, echo, clients=8):
        self.echo = echo
        self.errors = []
        self.count = 0
        self.reconnects = 0
        self.stopping = False
        self.pids = set()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]

    def run(self, number):
        connection = self.echo.connect()
        while not self.stopping:
            try:
                if number % 4 == 3:  # a web server that keeps nothing
                    connection = self.echo.connect()
                if number % 4 == 2:
                    body = os.urandom(20000)
                    status, _, text = connection.request("PUT", "/body", body=body, keep=True)
                    good = text.decode().endswith(hashlib.sha256(body).hexdigest())
                else:
                    status, _, text = connection.request("GET", "/facts/a", keep=number % 4 != 3)
                    good = text.endswith(b" a")
                    self.pids.add(int(text.split()[0]))
                if status != 200 or not good:
                    self.errors.append((status, text))
                self.count += 1
            except (OSError, ValueError) as error:
                self.errors.append(repr(error))
                connection = self.echo.connect()

    def wait_more(self, count=100):
        goal = self.count + count
        wait_for("more requests", lambda: self.count >= goal or self.errors)

    @contextlib.contextmanager
    def running(self):
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.stopping = True
            for thread in self.threads:
                thread.join(30)


def test_reloads_under_load_lose_no_request(echo):
    load = Load(echo)
    seen = set(echo.workers())
    with load.running():
        for turn in range(6):
            load.wait_more()
            echo.configure(garant_workers=str(1 + turn % 3))
            echo.signal(signal.SIGHUP)
            echo.wait_event("reloaded", turn + 1)
            wait_for("old workers end", lambda: not seen & set(echo.workers()))
            assert len(echo.workers()) == 1 + turn % 3
            seen |= set(echo.workers())
        load.wait_more()
    assert load.errors == []
    assert len(load.pids) >= 7
    assert not echo.events("connections_not_handed_over")


def test_upgrades_under_load_lose_no_request(echo):
    load = Load(echo)
    before = echo.workers()
    with load.running():
        for turn in range(4):
            load.wait_more()
            echo.signal(signal.SIGUSR2)
            echo.wait_event("started", turn + 2)
        load.wait_more()
    assert load.errors == []
    assert {e["pid"] for e in echo.events("started")} == {echo.process.pid}
    wait_for("old workers end", lambda: len(echo.workers()) == 2 and not set(before) & set(echo.workers()))
    assert open(echo.path("run/echo.pid")).read() == "%d\n" % echo.process.pid
    # the socket is still known as its own
    assert echo.stop() == 0
    assert not os.path.exists(echo.socket)


def test_a_request_that_runs_survives_reload_and_upgrade(echo):
    for number, event in ((signal.SIGHUP, "reloaded"), (signal.SIGUSR2, "upgrading")):
        slow = echo.slow()
        echo.signal(number)
        echo.wait_event(event)
        echo.finish()
        assert slow.answer()[0] == 200
        os.remove(echo.path("finish"))
        # its connection was given to a new worker meanwhile
        assert slow.request("GET", "/hello/", keep=True)[0] == 200


def test_a_bad_configuration_changes_nothing(echo):
    kept = echo.connect()
    assert kept.request("GET", "/hello/", keep=True)[0] == 200
    workers = echo.workers()
    good = dict(echo.settings)
    for count, (key, value) in enumerate((
            ("garant_threads", "many"), ("node_trusted_proxies", "10.0.0.0/99"),
            ("garant_socket", echo.path("other.sock")), ("node_run_dir", echo.path("other")),
            ("database_name", "unstartable"))):
        echo.settings = dict(good)
        echo.configure(**{key: value})
        echo.signal(signal.SIGHUP)
        refused = echo.wait_event("reload_refused", count + 1)
        assert refused[-1]["error"] and kept.request("GET", "/hello/", keep=True)[0] == 200
        wait_for("nothing has changed", lambda: echo.workers() == workers)
    echo.settings = dict(good)
    echo.configure(garant_threads="many")
    echo.signal(signal.SIGUSR2)
    assert '"many"' in echo.wait_event("upgrade_refused")[0]["error"]
    assert echo.workers() == workers and kept.request("GET", "/hello/", keep=True)[0] == 200


def test_an_upgrade_that_cannot_start_leaves_the_old_workers(echo):
    workers = echo.workers()
    echo.configure(database_name="unstartable")
    echo.signal(signal.SIGUSR2)
    echo.wait_event("upgrade_failed")
    wait_for("only the old ones are left", lambda: echo.workers() == workers)
    assert echo.ask("GET", "/hello/")[0] == 200
    echo.configure(database_name="dtr")
    echo.signal(signal.SIGHUP)
    echo.wait_event("reloaded")
    wait_for("they are replaced", lambda: len(echo.workers()) == 2 and not set(workers) & set(echo.workers()))
    assert echo.ask("GET", "/hello/")[0] == 200


def test_workers_end_with_a_master_that_is_killed(make_echo):
    echo = make_echo().start()
    workers = echo.workers()
    echo.process.kill()
    echo.process.wait()
    wait_for("they end", lambda: not any(os.path.exists("/proc/%d" % pid) for pid in workers))
    # what it left behind is in nobody's way
    os.truncate(echo.path("log"), 0)
    echo.start()
    assert echo.ask("GET", "/hello/")[0] == 200


def test_a_second_instance_is_refused(echo):
    done = echo.check()
    assert done.returncode == 1 and "is it running already?" in done.stderr
    assert echo.ask("GET", "/hello/")[0] == 200
    assert open(echo.path("run/echo.pid")).read() == "%d\n" % echo.process.pid


def test_what_is_no_socket_is_not_removed(make_echo):
    echo = make_echo()
    with open(echo.socket, "w") as f:
        f.write("precious")
    done = echo.check()
    assert done.returncode == 1 and "no socket" in done.stderr
    assert open(echo.socket).read() == "precious"


def test_options(make_echo):
    echo = make_echo()
    assert echo.check("-n").returncode == 0
    assert not os.path.exists(echo.socket)
    version = subprocess.run([PROGRAM, "-V"], capture_output=True, text=True)
    assert (version.returncode, version.stdout) == (0, "echo 1.0\n")
    for wrong in (["-x"], ["surplus"], ["-c"]):
        done = subprocess.run([PROGRAM, *wrong], capture_output=True, text=True)
        assert done.returncode == 2 and "usage: echo" in done.stderr
    assert subprocess.run([PROGRAM, "-c", "/nonexistent", "-n"], capture_output=True).returncode == 1
    for key, value, word in (("node_trusted_proxies", "10.0.0.0/33", "10.0.0.0/33"),
                             ("node_trusted_proxies", "proxy.example", "proxy.example"),
                             ("garant_threads", "0", "threads")):
        good = dict(echo.settings)
        echo.configure(**{key: value})
        done = echo.check("-n")
        assert done.returncode == 1 and word in done.stderr and done.stderr.count("\n") == 1
        echo.settings = good
    echo.configure()
    done = subprocess.run("ulimit -n 600; exec %s -n -c %s" % (PROGRAM, echo.path("dtr.conf")),
                          shell=True, capture_output=True, text=True)
    assert done.returncode == 1 and "open files" in done.stderr


def test_a_program_that_cannot_start_says_so_and_leaves_nothing(make_echo):
    echo = make_echo(database_name="unstartable")
    done = echo.check()
    assert done.returncode == 1 and "no worker could start" in done.stderr
    assert "worker_cannot_start" in done.stderr
    assert not os.path.exists(echo.socket) and os.listdir(echo.path("run")) == []


def test_sockets_from_outside_are_used_and_left_alone(make_echo):
    echo = make_echo()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(echo.socket)
        listening.listen(10)
        echo.start(stdin=listening)
        assert echo.ask("GET", "/hello/")[0] == 200
        echo.signal(signal.SIGUSR2)
        echo.wait_event("started", 2)
        assert echo.ask("GET", "/hello/")[0] == 200
        assert echo.stop() == 0
        assert os.path.exists(echo.socket)
        # as systemd does it: descriptor 3, and a process id that must fit
        os.truncate(echo.path("log"), 0)
        echo.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&0 <&- 2>>log', "sh", *echo.command()],
            stdin=listening, cwd=echo.dir)
        echo.wait_event("started")
        assert echo.ask("GET", "/hello/")[0] == 200
        assert echo.stop() == 0
        assert os.path.exists(echo.socket)


def test_the_supervisor_above_is_told(make_echo):
    echo = make_echo()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
        notes.bind(echo.path("notify"))
        notes.settimeout(10)
        echo.start(env=dict(os.environ, NOTIFY_SOCKET=echo.path("notify")))
        assert notes.recv(200).startswith(b"READY=1\n")
        echo.signal(signal.SIGHUP)
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", notes.recv(200))
        assert notes.recv(200).startswith(b"READY=1\n")
        assert echo.stop() == 0
        assert notes.recv(200).startswith(b"STOPPING=1\n")


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_rights_are_given_up(make_echo):
    echo = make_echo(node_user="nobody").start()
    is_root = os.geteuid() == 0
    for pid in echo.workers() + [echo.process.pid]:
        status = status_of(pid)
        assert status["NoNewPrivs"] == "1"
        assert not is_root or set(status["Uid"].split()) != {"0"}
        assert not is_root or status["CapEff"].strip("0") == ""
        with open("/proc/%d/limits" % pid) as f:
            assert re.search(r"Max core file size +0 +0 ", f.read())
    assert os.stat(echo.socket).st_mode & 0o777 == 0o660
    assert not is_root or os.stat(echo.socket).st_uid != 0
    echo.signal(signal.SIGHUP)
    echo.wait_event("reloaded")
    assert echo.ask("GET", "/hello/")[0] == 200


# --- behind a web server

NGINX = """
%(user)s
worker_processes 2; pid nginx.pid; error_log error.log; daemon off;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000; client_body_temp_path t1; fastcgi_temp_path t2; proxy_temp_path t3;
  uwsgi_temp_path t4; scgi_temp_path t5;
  upstream echo { server unix:%(socket)s max_fails=0; keepalive 64; }
  server {
    listen 127.0.0.1:%(port)d; client_max_body_size 0;
    location / {
      fastcgi_pass echo; fastcgi_keep_conn on; fastcgi_request_buffering off;
      fastcgi_max_temp_file_size 0; fastcgi_buffer_size 16k; fastcgi_buffers 16 32k;
      fastcgi_next_upstream off;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
      fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param REMOTE_ADDR $remote_addr;
    }
  }
}
"""


@pytest.fixture
def nginx(echo):
    port = free_port()
    with open(echo.path("nginx.conf"), "w") as f:
        f.write(NGINX % {"socket": echo.socket, "port": port, "user": "user root;" if os.geteuid() == 0 else ""})
    process = subprocess.Popen(["/usr/sbin/nginx", "-e", "error.log", "-p", echo.dir, "-c", "nginx.conf"],
                               cwd=echo.dir, stderr=subprocess.DEVNULL)
    wait_for("nginx listens", lambda: not refuses(lambda: socket.create_connection(("127.0.0.1", port)).close()))
    yield port
    process.terminate()
    process.wait(10)


def http_get(connection, file, target, headers=b""):
    """Status and body of a request over a kept connection."""
    connection.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (target, headers))
    line = file.readline()
    if not line:
        raise OSError("connection closed before the answer")
    length = 0
    while (header := file.readline()) not in (b"\r\n", b""):
        if header.lower().startswith(b"content-length:"):
            length = int(header.split()[1])
    return int(line.split()[1]), file.read(length)


def fetch(port, target):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        return http_get(s, s.makefile("rb"), target)


class WebLoad(Load):
    def __init__(self, echo, port, clients=8):
        super().__init__(echo, clients)
        self.port = port

    def run(self, number):
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
            file = s.makefile("rb")
            try:
                while not self.stopping:
                    answer = http_get(s, file, b"/hello/")
                    if answer != (200, b"hello\n"):
                        self.errors.append(answer)
                    self.count += 1
            except (OSError, ValueError, IndexError) as error:
                self.errors.append((self.count, repr(error)))


def test_nginx_notices_no_reload_and_no_upgrade(echo, nginx):
    load = WebLoad(echo, nginx)
    with load.running():
        for turn in range(5):
            load.wait_more()
            echo.signal(signal.SIGHUP)
            echo.wait_event("reloaded", turn + 1)
        for turn in range(3):
            load.wait_more()
            echo.signal(signal.SIGUSR2)
            echo.wait_event("started", turn + 2)
        load.wait_more()
    assert load.errors == []


def read_out(connection):
    """Head and body, up to the end of the connection: one that is fine is kept."""
    parts = []
    while part := connection.recv(1 << 20):
        parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return head, body


def test_nginx_shows_a_broken_answer_as_broken(echo, nginx):
    with socket.create_connection(("127.0.0.1", nginx), timeout=30) as s:
        s.sendall(b"GET /stream?n=1000000&short=500000 HTTP/1.1\r\nHost: a\r\n\r\n")
        head, body = read_out(s)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Length: 1000000" in head
        assert len(body) < 1000000
    # here nothing has left yet, so the web server can still say what happened
    assert fetch(nginx, b"/fail-late")[0] == 502
    assert fetch(nginx, b"/hello/") == (200, b"hello\n")


def test_nginx_shows_the_death_of_a_worker_as_a_broken_answer(echo, nginx):
    with socket.create_connection(("127.0.0.1", nginx), timeout=30) as s:
        s.sendall(b"GET /stream?n=100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200"
        for pid in echo.workers():
            os.kill(pid, signal.SIGKILL)
        head, body = read_out(s)
        assert b"Content-Length: 100000000" in head and 0 < len(body) < 100000000
    wait_for("new workers", lambda: len(echo.workers()) == 2)
    assert fetch(nginx, b"/hello/") == (200, b"hello\n")


def test_a_proxy_that_adds_a_line_of_its_own_is_believed_alone(echo, nginx):
    """What the client writes in a line before must not win."""
    echo.configure(node_trusted_proxies="127.0.0.0/8")
    echo.signal(signal.SIGHUP)
    echo.wait_event("reloaded")
    with socket.create_connection(("127.0.0.1", nginx), timeout=30) as s:
        lines = b"X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-For: 192.0.2.7\r\nx-forwarded-for: 127.0.0.2"
        status, body = http_get(s, s.makefile("rb"), b"/facts/a", lines + b"\r\n")
    assert (status, body.split()[1]) == (200, b"192.0.2.7")


def test_nginx_client_that_aborts_is_seen(echo, nginx):
    with socket.create_connection(("127.0.0.1", nginx)) as s:
        s.sendall(b"PUT /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        echo.wait_in_flight(1)
    wait_for("the abort", lambda: any(e["status"] == 499 for e in echo.events("request")))
    assert echo.metric('echo_bodies_total{result="whole"}') == 0

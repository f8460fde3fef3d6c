"""fcgi/core through the real wire: requests, answers and connections, with the responder tests/fcgi/echo.c."""
import hashlib
import json
import os
import re
import signal
import socket
import struct
import time

import pytest

import fastcgi
from echo_fixtures import is_closed, refuses, echo, make_echo  # noqa: F401
from stack import wait_for


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


def test_no_address_is_long_enough_to_hide_who_asked(echo):
    echo.ask("GET", "/" + "\xff" * 1024, [("X-Request-Id", "long"), ("User-Agent", "\xff" * 1024)])
    event = echo.request_logged("long")
    assert (event["status"], event["remote"], event["code"]) == (400, "127.0.0.1", "invalid")
    assert event["error"] == "the path is not UTF-8" and event["method"] == "GET"


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
    assert (status, headers["retry-after"], headers["dtr-lacks"]) == (503, "2", "database")
    assert body == b"database: not there"
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
    assert (status, body, headers["retry-after"], headers["dtr-lacks"]) == (503, b"draining", "2", "draining")
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


def test_a_kept_connection_waits_for_no_worker_that_is_busy(make_echo):
    """One worker may have them all, and have no thread left."""
    echo = make_echo(garant_workers="2", garant_threads="3").start()
    kept = [echo.connect() for _ in range(12)]
    for connection in kept:
        assert connection.request("GET", "/hello/", keep=True)[0] == 200
    for connection in kept[:3]:
        connection.begin(fastcgi.request_params("GET", "/slow?file=finish"), keep=True)
        connection.end_body()
    echo.wait_in_flight(3)
    for connection in kept[3:]:
        connection.socket.settimeout(20)
        assert connection.request("GET", "/hello/", keep=True)[0] == 200
    echo.finish()
    for connection in kept[:3]:
        assert connection.answer()[0] == 200


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


def test_a_body_that_was_refused_is_out_of_the_way(echo):
    """As long as it fits into a socket: a web server that is rid of it sends the next request behind it."""
    connection = echo.connect()
    for n in (1, 65536, 65537, 100000, 212992, 500000):
        assert connection.request("PUT", "/secret", body=b"x" * n, keep=True)[0] == 401
        assert connection.request("GET", "/hello/", keep=True)[0] == 200, n


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

"""fcgi/core's processes: deaths, reloads, upgrades and ends, alone and behind nginx."""
import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from echo_fixtures import PROGRAM, is_closed, refuses, echo, make_echo  # noqa: F401
from stack import free_port, wait_for


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
            ("node_external_url", "https://registry.example.com/"), ("garant_password_cost", "12"),
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
    echo.settings = dict(good)
    echo.configure(node_external_url="https://registry.example.com/")
    echo.signal(signal.SIGUSR2)
    assert "node.external_url" in echo.wait_event("upgrade_refused", 2)[1]["error"]
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


def test_an_upgrade_follows_a_link_to_the_new_program(make_echo):
    echo = make_echo()
    for version in ("old", "new"):
        os.mkdir(echo.path(version))
    shutil.copy(PROGRAM, echo.path("old/echo"))
    with open(echo.path("new/echo"), "w") as f:
        f.write('#!/bin/sh\ntouch new/ran\nexec "%s" "$@"\n' % PROGRAM)
    os.chmod(echo.path("new/echo"), 0o755)
    os.symlink("old", echo.path("current"))
    echo.command = lambda: [echo.path("current/echo"), "-c", echo.path("dtr.conf")]
    echo.start()
    os.remove(echo.path("current"))
    os.symlink("new", echo.path("current"))
    echo.signal(signal.SIGUSR2)
    echo.wait_event("started", 2)
    assert os.path.exists(echo.path("new/ran"))
    assert echo.ask("GET", "/hello/")[0] == 200


def test_an_upgrade_does_not_change_what_cannot_change(echo):
    workers, good = echo.workers(), dict(echo.settings)
    other = echo.path("other.sock")
    with open(other, "w") as f:
        f.write("precious")
    for count, (key, value) in enumerate((("garant_socket", other), ("node_run_dir", echo.path("other")))):
        echo.settings = dict(good)
        echo.configure(**{key: value})
        echo.signal(signal.SIGUSR2)
        assert "cannot change" in echo.wait_event("upgrade_refused", count + 1)[-1]["error"]
        assert echo.workers() == workers and echo.ask("GET", "/hello/")[0] == 200
    echo.settings = dict(good)
    echo.configure()
    echo.signal(signal.SIGUSR2)
    echo.wait_event("started", 2)
    assert echo.ask("GET", "/hello/")[0] == 200
    assert echo.stop() == 0
    assert not os.path.exists(echo.socket) and open(other).read() == "precious"


def test_an_upgrade_writes_no_file(echo):
    """A full disk would end what runs well."""
    pid_file = echo.path("run/echo.pid")
    os.remove(pid_file)
    os.mkdir(pid_file)
    echo.signal(signal.SIGUSR2)
    echo.wait_event("started", 2)
    assert echo.ask("GET", "/hello/")[0] == 200


def test_term_waits_for_the_workers_of_all_programs_before(echo):
    slow = echo.slow()
    for count in (2, 3):
        echo.signal(signal.SIGUSR2)
        echo.wait_event("started", count)
    echo.signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        echo.process.wait(1)
    assert not echo.events("stopped")
    echo.finish()
    assert slow.answer()[0] == 200
    assert echo.process.wait(60) == 0
    echo.process = None


def test_workers_that_waited_for_their_start_are_not_forgotten(make_echo):
    echo = make_echo(garant_workers="1").start()
    blocker = echo.path("not-startable")
    open(blocker, "w").close()
    assert refuses(lambda: echo.ask("GET", "/crash"))
    echo.wait_event("worker_ended", 3)
    echo.signal(signal.SIGUSR2)
    echo.wait_event("upgrade_failed")
    os.remove(blocker)
    wait_for("it serves", lambda: not refuses(lambda: echo.ask("GET", "/hello/")))


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


def test_a_program_that_accepts_nobody_is_in_the_way(make_echo):
    echo = make_echo()
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(echo.socket)
        listener.listen(0)
        with pytest.raises(BlockingIOError):
            for _ in range(100):
                client = sockets.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(echo.socket)
        done = echo.check()
    assert done.returncode == 1 and "is it running already?" in done.stderr


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
                             ("node_external_url", "https://registry.example.com/", "nothing behind it"),
                             ("storage_accel_prefix", "/_blobs", "begin and end"),
                             ("garant_password_cost", "12", "1 to 11 for yescrypt"),
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


def files_of(pid):
    folder = "/proc/%d/fd" % pid
    return {int(fd): os.readlink(os.path.join(folder, fd)) for fd in os.listdir(folder)}


def test_without_standard_files_a_log_goes_nowhere(make_echo):
    echo = make_echo().start(wait=False, preexec_fn=lambda: os.closerange(0, 3))
    wait_for("it serves", lambda: not refuses(lambda: echo.ask("GET", "/hello/")))
    for pid in echo.workers() + [echo.process.pid]:
        assert [files_of(pid)[fd] for fd in range(3)] == ["/dev/null"] * 3
    echo.signal(signal.SIGUSR2)
    wait_for("an upgrade has its workers", lambda: len(echo.workers()) == 2)
    assert echo.ask("GET", "/hello/")[0] == 200


def test_workers_keep_nothing_of_their_start(make_echo):
    echo = make_echo(garant_workers="4").start()

    def pipes():
        return [name for pid in echo.workers() for name in files_of(pid).values() if name.startswith("pipe:")]
    wait_for("all pipes are closed", lambda: not pipes(), 10)


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

"""The responder tests/fcgi/echo.c for the tests of fcgi/core, which import these fixtures."""
import json
import os
import re
import signal
import socket
import subprocess
import tempfile

import pytest

import fastcgi
import findings
from stack import BUILD, wait_for

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

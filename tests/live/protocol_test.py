"""Runs the suite of tests/protocol against dtr, and makes sure that its cases can fail."""
import collections
import json
import os
import socket
import subprocess
import sys
import threading

import pytest

import stack as stack_module

FOLDER = os.path.join(stack_module.TOP, "tests", "protocol")
sys.path.insert(0, FOLDER)

import suite  # noqa: E402
from suite import runner  # noqa: E402

USER = "protocol"  # cases give wrong passwords, for which others need not wait


@pytest.fixture(scope="module")
def user(stack):
    done = stack.dtr("user", "create", USER, "--password-file", stack.path("password"))
    assert done.returncode == 0, done.stderr
    return USER


@pytest.fixture(scope="module")
def registry(stack, user):
    return suite.Suite(suite.Registry(
        "https://" + stack.host, user, stack_module.PASSWORD, stack.path("tls/ca.crt")))


@pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in suite.CASES
                                  if c.name not in stack_module.WEBSERVER.own_words])
def test_protocol(case, registry):
    assert case.fits(registry.registry)
    registry.run(case)


# --- the suite itself

class SameAnswer:
    """A server that answers every request by the same bytes."""

    def __init__(self, status, headers, body):
        self.answer = ("HTTP/1.1 %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
            status, "".join("%s: %s\r\n" % h for h in headers), len(body), body)).encode()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self.socket.close()

    def serve(self):
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.reply, args=(connection,), daemon=True).start()

    def reply(self, connection):
        """Answers at once; reads on, so that nobody is reset while sending."""
        with connection:
            try:
                if connection.recv(1 << 16):
                    connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except OSError:
                pass


JSON = [("Content-Type", "application/json"), ("Docker-Distribution-Api-Version", "registry/2.0")]
SERVERS = (
    ("200 OK", JSON, "{}"),
    ("404 Not Found", JSON, '{"errors":[{"code":"NAME_UNKNOWN","message":"no"}]}'),
    ("400 Bad Request", JSON, '{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}'),
    ("500 Internal Server Error", [], ""),
)


def test_no_case_is_passed_by_a_server_that_always_says_the_same():
    passed = collections.Counter()
    cases = [c for c in suite.CASES if c.needs is None]
    for status, headers, body in SERVERS:
        with SameAnswer(status, headers, body) as server:
            for result in runner.run_all(suite.Registry(server.url), cases):
                passed[result.case.name] += result.reason is None
    assert sum(passed.values()) > 0  # some say no more than "it is not found"
    assert [name for name, n in passed.items() if n > 2] == []


def test_there_are_many_cases_and_each_has_a_name_of_its_own():
    names = collections.Counter(c.name for c in suite.CASES)
    assert len(names) >= 300
    assert [n for n, count in names.items() if count > 1] == []


def command(program, *arguments):
    return subprocess.run([os.path.join(FOLDER, program), *arguments], capture_output=True, text=True, timeout=300)


def test_run_says_its_cases():
    done = command("run", "--list")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [c.name for c in suite.CASES]
    only = command("run", "--list", "--only", "chunks").stdout.splitlines()
    assert only == [c.name for c in suite.CASES if c.module == "chunks"]


def test_run_ends_with_the_sum(stack, user):
    done = command("run", "https://" + stack.host, "--ca", stack.path("tls/ca.crt"), "--user", user,
                   "--password", stack_module.PASSWORD, "--only", "base")
    number = len([c for c in suite.CASES if c.module == "base"])
    assert done.stdout == "%d passed, 0 failed\n" % number, done.stdout
    assert done.returncode == 0


def test_run_says_what_failed():
    with SameAnswer(*SERVERS[3]) as server:
        done = command("run", server.url, "--only", "^base: (GET answers 200|an unknown method is refused)$")
    assert done.returncode == 1
    assert done.stdout.startswith("FAILED base: GET answers 200\n  GET /v2/: the status must be 200")
    assert done.stdout.endswith("\n0 passed, 2 failed\n")


def test_run_of_a_registry_that_is_not_there_fails():
    done = command("run", "http://127.0.0.1:1", "--only", "base")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("0 passed, ")


def test_run_says_results_as_json():
    with SameAnswer(*SERVERS[0]) as server:
        done = command("run", server.url, "--json", "--only", "^base: ")
    lines = done.stdout.splitlines()
    found = [json.loads(line) for line in lines[:-1]]
    assert {r["case"] for r in found} == {c.name for c in suite.CASES if c.module == "base"}
    passed = sum(r["passed"] for r in found)
    assert 0 < passed < len(found)
    assert all(bool(r["reason"]) != r["passed"] for r in found)
    assert lines[-1] == "%d passed, %d failed" % (passed, len(found) - passed)


def test_compare_says_where_two_registries_differ(stack, user):
    """Debian's registry, which compare starts by itself, is known to fail some."""
    done = command("compare", "https://" + stack.host, "--ca", stack.path("tls/ca.crt"), "--user", user,
                   "--password", stack_module.PASSWORD, "--only", "^(base|chunk): ")
    assert done.returncode == 0, done.stderr
    assert "ok      FAILED  rule   chunk: a gap is 416\n" in done.stdout
    assert "chunk: the first is taken" not in done.stdout
    assert "\nother: " in done.stdout

"""Thousands of requests leave nothing behind: no descriptor, no memory.

Memory can be judged only without sanitizers, which keep what is freed: the
programs come from $DTR_PLAIN_BUILD, or from $DTR_BUILD if that is not set.
"""
import base64
import collections
import contextlib
import hashlib
import json
import os
import re
import socket
import time
import urllib.parse

import pytest

import stack as stack_module

BUILD = os.environ.get("DTR_PLAIN_BUILD", stack_module.BUILD)
PROGRAMS = ("dtr-registry", "dtr-garant")
WARM_UP, COUNT = 2000, 10000
GROWTH_MAX = 1 << 20
KEPT_MAX = 16  # connections of a web server with two workers, one request at a time
OCI = "application/vnd.oci.image.manifest.v1+json"
REPO = "alice/growth"


def sanitizer_of(build):
    """Its name, or None: what it keeps would be taken for growth."""
    with open(os.path.join(build, PROGRAMS[0]), "rb") as f:
        code = f.read()
    return next((name for name in ("asan", "tsan", "msan") if b"__%s_init" % name.encode() in code), None)


@pytest.fixture
def plain_stack(monkeypatch):
    name = sanitizer_of(BUILD)
    assert name is None, "%s is built with %s, which hides what memory grows: set DTR_PLAIN_BUILD" % (BUILD, name)
    # few workers and threads, so that all of them are warm at the first look
    small = {"registry.workers": "1", "registry.threads": "4", "registry.upload_workers": "1",
             "registry.upload_threads": "4", "garant.workers": "1", "garant.threads": "4", "api.workers": "1",
             "database.connections": "1", "registry.manifest_cache": "65536"}
    monkeypatch.setattr(stack_module, "BUILD", BUILD)
    running = stack_module.Stack(settings=small.items()).start()
    done = running.dtr("user", "create", "alice", "--password-file", running.path("password"))
    assert done.returncode == 0, done.stderr
    yield running
    running.stop()


class Client:
    """Requests one after the other over a connection that is kept while the server likes it."""

    def __init__(self, stack):
        self.stack = stack
        self.connect()
        basic = base64.b64encode(("alice:" + stack_module.PASSWORD).encode()).decode()
        self.basic = "Authorization: Basic " + basic
        self.bearer = self.token()

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.stack.port), timeout=60)
        self.socket = self.stack.tls().wrap_socket(raw, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def ask(self, method, path, *headers, body=b""):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + self.stack.host,
                 "Content-Length: %d" % len(body), *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode() + body)
        line = self.file.readline()
        assert line, "connection closed before the answer"
        status, found = int(line.split()[1]), {}
        while (line := self.file.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            found[name.lower()] = value.strip()
        has_body = method != "HEAD" and status not in (204, 304)
        answer = self.file.read(int(found["content-length"])) if has_body else b""
        if found.get("connection") == "close":
            self.close()
            self.connect()
        return status, found, answer

    def expect(self, status, method, path, *headers, body=b""):
        answer = self.ask(method, path, self.bearer, *headers, body=body)
        assert answer[0] == status, (method, path, answer)
        return answer

    def token(self):
        query = urllib.parse.urlencode({"service": self.stack.host, "scope": "repository:%s:pull,push" % REPO})
        status, _, body = self.ask("GET", "/auth/token?" + query, self.basic)
        assert status == 200, body
        return "Authorization: Bearer " + json.loads(body)["token"]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push_blob(client, data):
    """In one request."""
    client.expect(201, "POST", "/v2/%s/blobs/uploads/?digest=%s" % (REPO, digest_of(data)), body=data)
    return digest_of(data)


def push_blob_in_parts(client, data):
    where = client.expect(202, "POST", "/v2/%s/blobs/uploads/" % REPO)[1]["location"]
    where = client.expect(202, "PATCH", path_of(where), body=data)[1]["location"]
    join = "&" if "?" in where else "?"
    client.expect(201, "PUT", path_of(where) + join + "digest=" + digest_of(data))
    return digest_of(data)


def path_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.path + ("?" + parts.query if parts.query else "")


def push_manifest(client, config, layer, size, number):
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": size}],
        "annotations": {"number": str(number)}}).encode()
    client.expect(201, "PUT", "/v2/%s/manifests/t%d" % (REPO, number % 10), "Content-Type: " + OCI, body=manifest)
    return digest_of(manifest)


class Work:
    """What clients do, well and badly, in rounds of 50 requests."""

    def __init__(self, client):
        self.client = client
        self.rounds = 0
        self.config = push_blob(client, b"{}")
        self.large = push_blob(client, b"x" * 100000)
        self.pushed = None
        self.push()

    def push(self):
        """Five requests."""
        data = b"layer %d" % self.rounds
        layer = (push_blob_in_parts if self.rounds % 2 else push_blob)(self.client, data)
        self.pushed = layer, push_manifest(self.client, self.config, layer, len(data), self.rounds)

    def round(self):
        client, repo = self.client, "/v2/%s/" % REPO
        token = client.token()
        if self.rounds % 10 == 0:  # each one that is used stays in a cache for a while
            client.bearer = token
        self.push()
        layer, manifest = self.pushed
        tag = "t%d" % (self.rounds % 10)
        for _ in range(5):
            client.expect(200, "GET", repo + "manifests/" + tag)
            client.expect(200, "GET", repo + "manifests/" + manifest)
            client.expect(200, "HEAD", repo + "manifests/" + tag)
            client.expect(200, "GET", repo + "blobs/" + layer)
            client.expect(200, "HEAD", repo + "blobs/" + self.large)
            client.expect(404, "GET", repo + "manifests/none")
            client.expect(404, "GET", repo + "blobs/sha256:" + "0" * 64)
        client.expect(200, "GET", repo + "blobs/" + self.large)
        client.expect(206, "GET", repo + "blobs/" + self.large, "Range: bytes=5-9")
        client.expect(304, "GET", repo + "manifests/" + tag, 'If-None-Match: "%s"' % manifest)
        client.expect(200, "GET", repo + "tags/list")
        client.expect(400, "PUT", repo + "manifests/bad", "Content-Type: " + OCI, body=b"{")
        client.expect(404, "GET", "/v2/nothing")
        for header in ("X-None: 1", "Authorization: Bearer a.b.c", "Authorization: Basic eDp5"):
            assert client.ask("GET", repo + "tags/list", header)[0] == 401
        # too many of them are refused without a look at the password
        wrong = client.ask("GET", "/auth/token?service=" + client.stack.host, "Authorization: Basic eDp5")
        assert wrong[0] in (401, 429)
        self.rounds += 1

    def run(self, requests):
        for _ in range(requests // 50):
            self.round()


def processes(stack):
    """Process ids of all masters and workers with what they are."""
    found = {}
    for program, master in stack.responders.items():
        with open("/proc/%d/task/%d/children" % (master.pid, master.pid)) as f:
            children = [int(pid) for pid in f.read().split()]
        found[master.pid] = program
        found.update({pid: "%s worker" % program for pid in children})
    return found


def pss_of(pid):
    """Proportional set size in bytes: what of memory belongs to the process."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    raise AssertionError("no Pss in smaps_rollup of process %d" % pid)


def descriptors(pids, folder):
    """What each process has open, and how many connections the web server keeps to it."""
    with open("/proc/net/unix") as f:
        rows = [line.split() for line in f]
    server = {"socket:[%s]" % row[6] for row in rows if len(row) == 8 and row[7].startswith(folder)}
    opened, kept = {}, {}
    for pid in pids:
        targets = targets_of(pid)
        kept[pid] = sum(t in server for t in targets)
        opened[pid] = collections.Counter(re.sub(r"\d+", "N", t) for t in targets if t not in server)
    return opened, kept


def targets_of(pid):
    folder, targets = "/proc/%d/fd" % pid, []
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            targets.append(os.readlink(os.path.join(folder, name)))
    return targets


def test_thousands_of_requests_leave_nothing_behind(plain_stack):
    client = Client(plain_stack)
    work = Work(client)
    work.run(WARM_UP)
    names = processes(plain_stack)
    assert len(names) == 7  # three masters, four workers
    opened, memory = descriptors(names, plain_stack.path("run"))[0], {pid: pss_of(pid) for pid in names}
    begun = time.time()
    work.run(COUNT)
    print("%d requests/s" % (COUNT / (time.time() - begun)))
    assert processes(plain_stack) == names
    grown = {"%s %d" % (name, pid): pss_of(pid) - memory[pid] for pid, name in names.items()}
    print("growth of PSS in bytes:", grown)
    assert all(n <= GROWTH_MAX for n in grown.values()), grown
    client.close()
    now, kept = descriptors(names, plain_stack.path("run"))
    assert now == opened
    assert max(kept.values()) <= KEPT_MAX, kept

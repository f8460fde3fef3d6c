"""A whole registry for tests: MariaDB, dtr init, the responders, a web server.

Everything lives in one folder under /tmp, listens on loopback or on unix
sockets, runs as an unprivileged user and is gone at the end. Programs come
from $DTR_BUILD (default: build-check in the source tree).
"""
import base64
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import findings
import webserver as webservers
from webserver import free_port

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("DTR_BUILD", os.path.join(TOP, "build-check"))
ADMIN = "admin"
PASSWORD = "correct horse battery"
USER = os.environ.get("DTR_TEST_USER", "nobody")
PROGRAMS = ("dtr-registry", "dtr-garant", "dtr-api")
# what stands in front unless a test says so: all tests can run behind each
WEBSERVER = webservers.BY_NAME[os.environ.get("DTR_WEBSERVER", "nginx")]


def wait_for(what, check, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        if check():
            return
        time.sleep(0.05)
    raise AssertionError("timed out: " + what)


def is_root():
    return os.geteuid() == 0


class Stack:
    """start() it, use it, stop() it."""

    def __init__(self, sendfile=None, storage=None, settings=(), webserver=WEBSERVER):
        self.dir = tempfile.mkdtemp(prefix="dtr-test-")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        self.host = "localhost:%d" % self.port
        self.webserver = webserver(self)
        self.sendfile = sendfile or webserver.sendfile
        self.storage = storage or os.path.join(self.dir, "blobs")
        self.settings = [*webserver.settings, *settings]
        self.responders = {}
        self.conf = os.path.join(self.dir, "dtr.conf")
        self.environment = dict(os.environ)
        self.build = BUILD

    # --- starting and stopping

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def own(self):
        """Gives the folder to the unprivileged user that runs it all."""
        if is_root():
            subprocess.run(["chown", "-R", USER, self.dir], check=True)

    def as_user(self):
        if not is_root():
            return {}
        entry = pwd.getpwnam(USER)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def mariadb(self, verb):
        subprocess.run([os.path.join(TOP, "tests/lib/mariadb.sh"), verb, self.path("db")],
                       check=True, stdout=subprocess.DEVNULL)

    def dtr(self, *args, **more):
        return subprocess.run([os.path.join(self.build, "dtr"), *args, "--conf", self.conf],
                              capture_output=True, text=True, **more, **self.as_user())

    def start(self):
        os.makedirs(self.storage, exist_ok=True)
        os.makedirs(self.path("run"))
        self.mariadb("start")
        with open(self.path("password"), "w") as f:
            f.write(PASSWORD + "\n")
        os.chmod(self.path("password"), 0o600)
        self.own()
        if is_root():
            subprocess.run(["chown", "-R", USER, self.storage], check=True)
        self.init()
        for program in PROGRAMS:
            self.start_responder(program)
        self.start_webserver()
        return self

    def init(self):
        keys = {
            "node.external_url": "https://" + self.host,
            "node.run_dir": self.path("run"),
            "node.drain_seconds": "10",
            "database.hosts": "unix:" + self.path("db/mysql.sock"),
            "storage.root": self.storage,
            "storage.reserve": "0",
            "storage.sendfile": self.sendfile,
            "registry.socket": self.path("run/registry.sock"),
            "registry.upload_socket": self.path("run/upload.sock"),
            "registry.workers": "2",
            "registry.upload_workers": "2",
            "garant.socket": self.path("run/garant.sock"),
            "garant.workers": "2",
            "api.socket": self.path("run/api.sock"),
            "api.workers": "2",
        }
        keys.update(dict(self.settings))
        words = ["init", "--db-admin", USER if is_root() else pwd.getpwuid(os.geteuid()).pw_name,
                 "--admin-user", ADMIN, "--admin-password-file", self.path("password")]
        for key, value in keys.items():
            words += ["--set", "%s=%s" % (key, value)]
        done = self.dtr(*words)
        assert done.returncode == 0, done.stdout + done.stderr

    def start_responder(self, program, ready=True):
        log = open(self.path(program + ".log"), "a")
        self.responders[program] = subprocess.Popen(
            [os.path.join(self.build, program), "-c", self.conf],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=self.environment, **self.as_user())
        log.close()
        name = {"dtr-registry": "upload.sock", "dtr-garant": "garant.sock", "dtr-api": "api.sock"}[program]
        if ready:
            wait_for(program + " listens", lambda: self.listens(name))

    def listens(self, name):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(self.path("run", name))
                return True
            except OSError:
                return False

    def stop_responder(self, program, number=signal.SIGTERM):
        process = self.responders.pop(program)
        process.send_signal(number)
        process.wait(30)
        return process.returncode

    def start_webserver(self):
        self.webserver.start()
        wait_for(self.webserver.name + " answers", lambda: self.webserver.check() or self.answers("/v2/", 401))

    def answers(self, path, status=200):
        ask = self.ask_node if path.startswith("/_health/") else self.request
        try:
            return ask("GET", path).status == status
        except OSError:
            return False

    def stop(self):
        """All of it; what the programs' ends were, and what sanitizers found, is tested here."""
        codes = {program: self.stop_responder(program) for program in list(self.responders)}
        self.webserver.stop()
        self.mariadb("stop")
        try:
            for program in PROGRAMS:
                findings.assert_none(self.path(program + ".log"))
            assert set(codes.values()) <= {0}, codes
        finally:
            if os.environ.get("DTR_TEST_KEEP") is None:
                shutil.rmtree(self.dir, ignore_errors=True)

    # --- talking to it

    def tls(self):
        context = ssl.create_default_context(cafile=self.path("tls/ca.crt"))
        return context

    def connect(self, timeout=60, address="127.0.0.1", source=None):
        """A TLS connection to the web server; source: the client's address."""
        raw = socket.create_connection((address, self.port), timeout, source and (source, 0))
        # head and body leave in two writes; without this the second one waits
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls().wrap_socket(raw, server_hostname="localhost")

    def request(self, method, path, headers=(), body=None, chunked=False, **more):
        """One HTTPS request over a connection of its own."""
        if method == "POST" and body is None:
            body = b""  # with its length, as clients say it
        with self.connect(**more) as s:
            return exchange(s, method, path, self.host, headers, body, chunked)

    def ask_node(self, method, path, headers=(), source=None):
        """As an operator on the node does: round a balancer, if there is one."""
        node = getattr(self.webserver, "node", None)
        if node is None:
            return self.request(method, path, headers, source=source)
        with socket.create_connection(("127.0.0.1", node.port), 60, source and (source, 0)) as s:
            return exchange(s, method, path, self.host, headers)

    def token(self, *scopes, user=ADMIN, password=PASSWORD):
        query = [("service", self.host)] + [("scope", s) for s in scopes]
        headers = []
        if user is not None:
            secret = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
            headers = [("Authorization", "Basic " + secret)]
        answer = self.request("GET", "/auth/token?" + urllib.parse.urlencode(query), headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["token"]

    def bearer(self, *scopes, **who):
        return [("Authorization", "Bearer " + self.token(*scopes, **who))]

    def sql(self, text):
        """Rows of a query as lists of text, asked as the database's owner."""
        done = subprocess.run(["mariadb", "--no-defaults", "-N", "-B", "-S", self.path("db/mysql.sock"),
                               "-u", USER if is_root() else pwd.getpwuid(os.geteuid()).pw_name,
                               "dtr", "-e", text],
                              capture_output=True, text=True, **self.as_user())
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def counts(self):
        """Rows of every table that a request could change by mistake."""
        tables = ("account", "access_token", "repository", "object", "upload", "blob_content",
                  "repo_blob", "manifest", "manifest_blob", "manifest_child", "tag", "tag_history")
        return dict(self.sql(" UNION ALL ".join("SELECT '%s', COUNT(*) FROM %s" % (t, t) for t in tables)))


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        return self.headers.get(name.lower())

    def code(self):
        try:
            return json.loads(self.body)["errors"][0]["code"]
        except (ValueError, KeyError, IndexError):
            return None


def exchange(s, method, path, host, headers=(), body=None, chunked=False):
    """Sends one request and reads its answer, byte by byte as HTTP/1.1 says."""
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + host, "Connection: close"]
    lines += ["%s: %s" % h for h in headers]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif body is not None:
        lines.append("Content-Length: %d" % len(body))
    try:
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        if chunked:
            for i in range(0, len(body), 65536):
                part = body[i:i + 65536]
                s.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
            s.sendall(b"0\r\n\r\n")
        elif body:
            s.sendall(body)
    except OSError:
        pass  # answered before all was sent
    return read_answer(s, method)


def read_answer(s, method):
    data = b""
    while b"\r\n\r\n" not in data:
        part = s.recv(65536)
        if not part:
            raise OSError("connection closed before the answer")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1])
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if status == 100:
        return read_answer(s, method)
    parts = [body]
    while True:
        try:
            part = s.recv(1 << 20)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    body = b"".join(parts)
    if headers.get("transfer-encoding") == "chunked":
        body = unchunk(body)
    return Answer(status, headers, body)


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            break
        out += data[:n]
        data = data[n + 2:]
    return out

"""A registry that measurements start, ask and stop: see README.md."""
import base64
import collections
import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TICKS = os.sysconf("SC_CLK_TCK")


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def family(pids):
    """The processes and all their descendants."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as f:
                    parents[int(entry)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                pass
    found = set(pids)
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def cpu_seconds(pids):
    total = 0
    for pid in family(pids):
        try:
            with open("/proc/%d/stat" % pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / TICKS


def memory_mib(pids):
    total = 0
    for pid in family(pids):
        with open("/proc/%d/smaps_rollup" % pid) as f:
            total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
    return total / 1024


Answer = collections.namedtuple("Answer", "status headers body")


class Connection:
    """A kept connection: little of a client, since its time counts in all that is measured."""

    def __init__(self, host, port):
        self.address, self.socket = (host, port), None

    def request(self, method, path, headers, body=None):
        if self.socket is None:
            self.socket = socket.create_connection(self.address, 60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % self.address]
        head += ["%s: %s" % pair for pair in headers.items()]
        if body is not None or method not in ("GET", "HEAD"):
            head.append("Content-Length: %d" % len(body or b""))
        self.socket.sendall("\r\n".join(head + ["", ""]).encode() + (body or b""))
        self.data = b""
        return self.answer(method == "HEAD")

    def answer(self, is_head):
        first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status, pairs = int(first.split(" ")[1]), (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = b"" if is_head or status in (204, 304) else self.body(headers)
        if headers.get("connection") == "close":
            self.socket.close()
            self.socket = None
        return Answer(status, headers, body)

    def body(self, headers):
        if headers.get("transfer-encoding") != "chunked":
            return self.take(int(headers["content-length"]))
        parts = []
        while not parts or parts[-1]:
            parts.append(self.take(int(self.until(b"\r\n"), 16)))
            self.until(b"\r\n")
        return b"".join(parts)

    def until(self, mark):
        while mark not in self.data:
            self.receive()
        found, _, self.data = self.data.partition(mark)
        return found

    def take(self, size):
        while len(self.data) < size:
            self.receive()
        found, self.data = self.data[:size], self.data[size:]
        return found

    def receive(self):
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed a connection")
        self.data += part


class Peer:
    def __init__(self, program, work, port):
        self.name, self.program, self.port = os.path.basename(program), program, port
        self.dir = os.path.join(work, "%s.%d" % (self.name, port))
        os.makedirs(self.dir, exist_ok=True)
        self.serial = 0

    def call(self, verb):
        return subprocess.run([self.program, verb, self.dir, str(self.port)], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def start(self):
        self.info = json.loads(self.call("start"))
        self.address = urllib.parse.urlparse(self.info["base"])
        self.auth = {}
        for _ in range(200):
            try:
                self.connect()
                self.ask("GET", "/v2/", None)
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("%s does not answer" % self.name)

    def connect(self):
        """Anew after a while without requests: web servers close what is idle."""
        self.connection = Connection(self.address.hostname, self.address.port)

    def pids(self):
        return [int(open(f).read().split()[0]) for f in self.info["pidfiles"]]

    def ask(self, method, path, expect, body=None, headers=()):
        answer = self.connection.request(method, path, {**self.auth, **dict(headers)}, body)
        if expect is not None and answer.status != expect:
            raise SystemExit("%s: %s %s answered %d: %s" % (self.name, method, path, answer.status, answer.body[:300]))
        return answer

    def log_in(self, repositories, scopes=()):
        auth = self.info.get("auth")
        if auth is None:
            return
        if auth["mode"] != "token":
            raise SystemExit("%s: only peers that name a realm, or ask for nothing" % self.name)
        query = [("service", auth["service"])]
        query += [("scope", "repository:%s:pull,push,delete" % r) for r in repositories]
        query += [("scope", s) for s in scopes]
        secret = base64.b64encode(("%s:%s" % (auth["user"], auth["password"])).encode()).decode()
        realm = urllib.parse.urlparse(auth["realm"])
        answer = self.ask("GET", realm.path + "?" + urllib.parse.urlencode(query), 200,
                          headers={"Authorization": "Basic " + secret})
        self.auth = {"Authorization": "Bearer " + json.loads(answer.body)["token"]}

    def blob(self, name, data):
        answer = self.ask("POST", "/v2/%s/blobs/uploads/" % name, 202)
        where = urllib.parse.urlparse(answer.headers["location"])
        query = (where.query + "&" if where.query else "") + "digest=" + urllib.parse.quote(digest_of(data), safe="")
        self.ask("PUT", where.path + "?" + query, 201, data, {"Content-Type": "application/octet-stream"})
        return {"digest": digest_of(data), "size": len(data), "mediaType": "application/octet-stream"}

    def manifest(self, config, layers):
        self.serial += 1
        return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
                           "annotations": {"n": "%d.%d" % (os.getpid(), self.serial)}}).encode()

    def prepare(self):
        self.log_in(["bench/one", "bench/two"])
        self.config = self.blob("bench/one", b'{"a":1}')
        self.layers = [self.blob("bench/one", b"layer %d" % i) for i in range(10)]
        self.small = self.blob("bench/one", os.urandom(4096))
        self.put_new("bench/one")

    def put_new(self, name):
        self.ask("PUT", "/v2/%s/manifests/t%d" % (name, self.serial), 201, self.manifest(self.config, self.layers),
                 {"Content-Type": MANIFEST})

    def get(self):
        self.ask("GET", "/v2/bench/one/manifests/t0", 200, headers={"Accept": MANIFEST})

    def get_blob(self):
        self.ask("GET", "/v2/bench/one/blobs/" + self.small["digest"], 200)

    def head_blob(self):
        self.ask("HEAD", "/v2/bench/one/blobs/" + self.small["digest"], 200)

    def put(self):
        self.put_new("bench/one")

    def mount(self):
        layer = self.layers[self.serial % 10]
        self.serial += 1
        self.ask("POST", "/v2/bench/two/blobs/uploads/?mount=%s&from=bench/one" % layer["digest"], 201)

    def push(self):
        self.serial += 1
        self.blob("bench/one", b"%d %d" % (os.getpid(), self.serial))

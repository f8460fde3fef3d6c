"""A registry that measurements start, ask and stop: see README.md."""
import base64
import hashlib
import http.client
import json
import os
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
                self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=60)
                self.ask("GET", "/v2/", None)
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("%s does not answer" % self.name)

    def pids(self):
        return [int(open(f).read().split()[0]) for f in self.info["pidfiles"]]

    def ask(self, method, path, expect, body=None, headers=()):
        self.connection.request(method, path, body, {**self.auth, **dict(headers)})
        answer = self.connection.getresponse()
        data = answer.read()
        if expect is not None and answer.status != expect:
            raise SystemExit("%s: %s %s answered %d: %s" % (self.name, method, path, answer.status, data[:300]))
        return answer, data

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
        _, data = self.ask("GET", realm.path + "?" + urllib.parse.urlencode(query), 200,
                           headers={"Authorization": "Basic " + secret})
        self.auth = {"Authorization": "Bearer " + json.loads(data)["token"]}

    def blob(self, name, data):
        answer, _ = self.ask("POST", "/v2/%s/blobs/uploads/" % name, 202)
        location = answer.getheader("Location")
        where = urllib.parse.urlparse(location)
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

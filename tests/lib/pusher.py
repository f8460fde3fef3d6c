"""A client that pushes and pulls, one request at a time or with retries.

Pusher.blob() and Pusher.manifest() behave like a patient client: they go on
after broken connections and 5xx answers until the registry acknowledged.
"""
import base64
import hashlib
import json
import re
import time
import urllib.parse

from stack import ADMIN, PASSWORD

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(data, algorithm="sha256"):
    return algorithm + ":" + hashlib.new(algorithm, data).hexdigest()


def image(config, layers, **more):
    """The bytes of a manifest of these blobs."""
    def descriptor(kind, data):
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": descriptor(CONFIG, config),
                       "layers": [descriptor(LAYER, data) for data in layers], **more}).encode()


def index(manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": OCI, "digest": digest_of(data), "size": len(data)} for data in manifests]}).encode()


class Lost:
    """In place of an answer: the connection broke, nothing is known."""
    status = 0
    body = b""

    def header(self, _):
        return None

    def code(self):
        return None


class Pusher:
    def __init__(self, stack, repo, others=(), user=ADMIN, patience=60, is_calm=lambda: True):
        self.stack, self.repo, self.patience, self.is_calm = stack, repo, patience, is_calm
        self.source = None
        self.last = None  # request, and how it was answered
        self.user = user
        self.scopes = ["repository:%s:pull,push,delete" % repo]
        self.scopes += ["repository:%s:pull" % other for other in others]
        self.headers = []
        self.login()

    def login(self):
        """A new token, however often it takes to ask."""
        login = base64.b64encode(("%s:%s" % (self.user, PASSWORD)).encode()).decode()
        query = urllib.parse.urlencode([("service", self.stack.host)] + [("scope", s) for s in self.scopes])

        def ask():
            try:
                return self.stack.request("GET", "/auth/token?" + query, [("Authorization", "Basic " + login)])
            except OSError:
                return Lost()
        answer = self.persist("log in", (200,), ask)
        self.headers = [("Authorization", "Bearer " + json.loads(answer.body)["token"])]

    @property
    def auth(self):
        return self.headers

    def request(self, method, path, body=None, headers=(), **more):
        if not path.startswith("/v2/"):
            path = "/v2/%s/%s" % (self.repo, path)
        if body is None and method in ("POST", "PUT", "PATCH"):
            body = b""
        begin = time.monotonic()
        try:
            answer = self.stack.request(method, path, list(headers) + self.headers, body, **more)
        except OSError:
            answer = Lost()
        self.last = "%s %s: %d, %.3f s, %r" % (method, path, answer.status, time.monotonic() - begin, answer.body[:300])
        return answer

    # --- single requests

    def start(self):
        answer = self.request("POST", "blobs/uploads/")
        assert answer.status == 202, answer.body
        return answer.header("location")

    def append(self, location, data, **more):
        return self.request("PATCH", location, data, **more)

    def finish(self, location, digest, data=b"", **more):
        return self.request("PUT", location + "&digest=" + digest, data, **more)

    def offset(self, location):
        """What the registry has of an upload; None: no such upload."""
        answer = self.request("GET", location)
        if answer.status == 404 and answer.code() == "BLOB_UPLOAD_UNKNOWN":
            return None
        assert answer.status == 204, (answer.status, answer.body)
        last = int(re.fullmatch(r"0-(\d+)", answer.header("range")).group(1))
        return last + 1 if last > 0 else 0

    def put(self, reference, document, kind=OCI, **more):
        return self.request("PUT", "manifests/" + reference, document, [("Content-Type", kind)], **more)

    def pull(self, digest):
        answer = self.request("GET", "blobs/" + digest)
        assert answer.status == 200, (digest, answer.status, answer.body[:300])
        return answer.body

    def check_blob(self, data, algorithm="sha256"):
        assert self.pull(digest_of(data, algorithm)) == data

    def check_image(self, reference, document):
        """The manifest is there byte by byte, and so is all that it names."""
        answer = self.request("GET", "manifests/" + reference)
        assert (answer.status, answer.body) == (200, document), (reference, answer.status, answer.body[:300])
        assert answer.header("docker-content-digest") == digest_of(document)
        parsed = json.loads(document)
        for item in [parsed["config"]] + parsed["layers"]:
            assert digest_of(self.pull(item["digest"])) == item["digest"]

    # --- with patience

    def until(self, what, attempt):
        """Repeats an attempt until it gives something, as clients retry. Patience ends in calm times alone."""
        end = time.monotonic() + self.patience
        while True:
            found = attempt()
            if found is not None:
                return found
            if not self.is_calm():
                end = time.monotonic() + self.patience
            assert time.monotonic() < end, "in vain: %s: %s" % (what, self.last)
            time.sleep(0.02)

    def persist(self, what, wanted, request, *args, **more):
        """Repeats a request over lost connections, 5xx and "try again later"; its answer."""
        def attempt():
            answer = request(*args, **more)
            if answer.status in (0, 429) or answer.status >= 500:
                return None
            assert answer.status in wanted, (what, answer.status, answer.body[:300])
            return answer
        return self.until(what, attempt)

    def go_on(self, location, data, digest=None):
        """Finishes an upload in whatever state it is; None: try again."""
        digest = digest or digest_of(data)
        answer = self.request("GET", location)
        if answer.status == 404:
            # finished by a request whose answer was lost, or gone
            answer = self.finish(location, digest)
            return True if answer.status == 201 else None if answer.status != 404 else False
        if answer.status != 204:
            return None
        last = int(answer.header("range").split("-")[1])
        at = last + 1 if last > 0 else 0
        # what was on its way may still arrive: then the offset is another one
        place = [("Content-Range", "%d-%d" % (at, len(data) - 1))] if at < len(data) else []
        answer = self.finish(location, digest, data[at:], headers=place)
        # a lost answer may have been a success: look again
        assert answer.status in (0, 201, 404, 409, 416) or answer.status >= 500, (answer.status, answer.body[:300])
        return True if answer.status == 201 else None

    def blob(self, data, parts=1):
        """Pushes a blob, in so many PATCHes; its digest once acknowledged."""
        digest = digest_of(data)

        def attempt():
            answer = self.request("POST", "blobs/uploads/")
            if answer.status != 202:
                return None
            location = answer.header("location")
            size = max(1, len(data) // parts + 1)
            for i in range(0, len(data), size) if parts > 1 else ():
                if self.append(location, data[i:i + size]).status != 202:
                    break
            return True if self.until("go on", lambda: self.go_on(location, data)) else None
        self.until("push a blob", attempt)
        return digest

    def manifest(self, reference, document, kind=OCI):
        return self.persist("put " + reference, (201,), self.put, reference, document, kind)

    def push_image(self, reference, config, layers, **more):
        for data in [config] + layers:
            self.blob(data)
        document = image(config, layers, **more)
        self.manifest(reference, document)
        return document

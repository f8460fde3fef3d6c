"""The list of cases and what a case has at hand."""
import hashlib
import urllib.parse

from . import images
from .registry import Client
from .wire import Failed

CASES = []

RULE = "rule"  # OCI distribution spec 1.1, Docker's protocol, or the RFCs of HTTP
CHOICE = "choice"  # where registries differ, or more than they ask for


class Case:
    """One rule and the function that tries it."""

    def __init__(self, name, kind, function, needs):
        self.name, self.kind, self.function, self.needs = name, kind, function, needs
        self.module = function.__module__.rpartition(".")[2]

    def fits(self, registry):
        return self.needs is None or registry.scheme_name == self.needs


def add(kind, name, function, needs=None):
    CASES.append(Case(name, kind, function, needs))


def rule(name, needs=None):
    def keep(function):
        add(RULE, name, function, needs)
        return function
    return keep


def choice(name, needs=None):
    def keep(function):
        add(CHOICE, name, function, needs)
        return function
    return keep


def same(found, wanted, what):
    if found != wanted:
        raise Failed("%s is %r, it must be %r" % (what, found, wanted))


def true(value, what):
    if not value:
        raise Failed(what)


def digest_of(data, algorithm="sha256"):
    return algorithm + ":" + hashlib.new(algorithm, data).hexdigest()


def coded(text):
    return urllib.parse.quote(text, safe="")


def with_query(location, **parameters):
    """A location may have a query of its own already."""
    text = "&".join("%s=%s" % (k.replace("_", "-"), v) for k, v in parameters.items())
    return location + ("&" if "?" in location else "?") + text


MISSING = "sha256:" + "d" * 64
MISSING_512 = "sha512:" + "d" * 128


class Context:
    """
    What a case is called with: fresh repositories (repo, other, third), and
    the requests of the protocol. Paths of get() and the like begin behind
    /v2/. `image` is one that all cases may read and none may change.
    """

    def __init__(self, suite):
        self.suite, self.registry = suite, suite.registry
        self.repo, self.other, self.third = suite.names.take()
        self.client = Client(suite.registry, suite.names)

    # --- requests

    def request(self, method, target, headers=(), body=None, **more):
        return self.client.request(method, self.path_of(target), headers, body, **more)

    def path_of(self, location):
        """A Location may be a whole URL, but of this registry."""
        if location.startswith("/"):
            return location
        prefix = self.registry.url + "/"
        true(location.startswith(prefix), "the location %r leads elsewhere" % location)
        return location[len(prefix) - 1:]

    def get(self, path, *headers, **more):
        return self.request("GET", "/v2/" + path, headers, **more)

    def head(self, path, *headers, **more):
        return self.request("HEAD", "/v2/" + path, headers, **more)

    def delete(self, path, *headers, **more):
        return self.request("DELETE", "/v2/" + path, headers, **more)

    # --- blobs and uploads; `repo` is the case's own where it is not said

    def blob(self, digest, *headers, repo=None, method="GET", **more):
        return self.request(method, "/v2/%s/blobs/%s" % (repo or self.repo, digest), headers, **more)

    def start(self, query="", repo=None, body=b"", headers=(), **more):
        return self.request("POST", "/v2/%s/blobs/uploads/%s" % (repo or self.repo, query), headers, body, **more)

    def upload(self, repo=None):
        """The location of an upload that was just begun."""
        return self.start(repo=repo).must(202).header("Location")

    def patch(self, location, body, *headers, **more):
        headers = [("Content-Type", "application/octet-stream")] + list(headers)
        return self.request("PATCH", location, headers, body, **more)

    def chunk(self, location, first, body, **more):
        """One chunk with its Content-Range."""
        return self.patch(location, body, ("Content-Range", "%d-%d" % (first, first + len(body) - 1)), **more)

    def finish(self, location, digest, body=b"", *headers, **more):
        headers = [("Content-Type", "application/octet-stream")] + list(headers)
        return self.request("PUT", with_query(location, digest=digest), headers, body, **more)

    def push(self, data, repo=None, algorithm="sha256"):
        """Pushes a blob, gives its digest."""
        digest = digest_of(data, algorithm)
        self.finish(self.upload(repo), digest, data).must(201)
        return digest

    def descriptor(self, data, media_type=images.LAYER, repo=None, algorithm="sha256", **more):
        """Pushes a blob, gives what a manifest says of it."""
        return images.descriptor(self.push(data, repo, algorithm), len(data), media_type, **more)

    # --- manifests

    def manifest(self, reference, *headers, repo=None, method="GET", **more):
        return self.request(method, "/v2/%s/manifests/%s" % (repo or self.repo, reference), headers, **more)

    def put(self, reference, document, *headers, media_type=None, repo=None, query="", **more):
        """Puts a document (a dictionary or bytes) under a tag or digest."""
        data = document if isinstance(document, bytes) else images.dumps(document)
        if media_type is None:
            media_type = document["mediaType"] if isinstance(document, dict) else images.MANIFEST
        target = "/v2/%s/manifests/%s%s" % (repo or self.repo, reference, query)
        return self.request("PUT", target, [("Content-Type", media_type)] + list(headers), data, **more)

    def small(self, repo=None, **annotations):
        """The document of a small image whose blobs are pushed; annotations make it differ."""
        config = self.descriptor(b"{}", images.CONFIG, repo)
        return images.manifest(config, [], annotations=annotations or None)

    def tagged(self, *tags, repo=None, **annotations):
        """Pushes a small image under these tags: its digest."""
        data = images.dumps(self.small(repo, **annotations))
        for tag in tags or (digest_of(data),):
            self.put(tag, data, repo=repo).must(201)
        return digest_of(data)

    def tags(self, query="", *headers, repo=None, **more):
        return self.get("%s/tags/list%s" % (repo or self.repo, query), *headers, **more)

    def referrers(self, digest, query="", repo=None, **more):
        return self.get("%s/referrers/%s%s" % (repo or self.repo, digest, query), **more)

    @property
    def image(self):
        """An image that all cases read."""
        return self.suite.shared_image(self)

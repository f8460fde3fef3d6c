"""A registry: where it is, how it wants to be asked, who asks."""
import base64
import random
import re
import ssl
import time
import urllib.parse

from . import wire
from .wire import Answer, Connection, WireError

# one token serves so many cases; each has so many repositories
CASES_A_TOKEN = 8
NAMES_A_CASE = 3


class Registry:
    def __init__(self, url, user=None, password=None, ca=None, namespace=None):
        self.scheme, self.address, self.port = wire.parts_of(url)
        default = {"http": 80, "https": 443}[self.scheme]
        self.host = self.address if self.port == default else "%s:%d" % (self.address, self.port)
        self.url = "%s://%s" % (self.scheme, self.host)
        self.tls = ssl.create_default_context(cafile=ca) if self.scheme == "https" else None
        self.ca, self.user, self.password = ca, user, password
        self.namespace = namespace or user or "protocol"
        self.kept = {}
        self.probe()

    def probe(self):
        """Asks /v2/ how callers have to show who they are."""
        answer = self.exchange(self, "GET", "/v2/")
        self.realm, self.service, self.scheme_name = None, None, None
        if answer.status != 401:
            return
        challenge = parse_challenge(answer.header("WWW-Authenticate") or "")
        if challenge is None:
            raise WireError("401 without a challenge that I know")
        self.scheme_name = challenge["scheme"]
        self.realm, self.service = challenge.get("realm"), challenge.get("service")

    def connect(self):
        return Connection(self)

    def exchange(self, where, method, target, headers=(), body=None, chunked=False):
        """One request over a kept connection to that host."""
        kept = self.kept.pop(where.host, None)
        is_new = kept is None or kept.is_stale()
        if is_new:
            if kept is not None:
                kept.close()
            kept = Connection(where)
        try:
            answer = kept.request(method, target, headers, body, chunked)
        except WireError as e:
            kept.close()
            if not is_new and not kept.data and method in ("GET", "HEAD", "PUT", "DELETE"):
                # an idle connection may be closed at any time (RFC 9112, 9.3.1)
                return self.exchange(where, method, target, headers, body, chunked)
            return Answer("%s %s" % (method, target), 0, [], b"").fail(str(e))
        except BaseException:
            kept.close()
            raise
        if answer.status >= 400 and len(body or b"") > 65536:
            kept.usable = False  # the rest of a refused body is not read by all
        if kept.usable:
            self.kept[where.host] = kept
        else:
            kept.close()
        return answer

    def close(self):
        for connection in self.kept.values():
            connection.close()
        self.kept = {}

    # --- tokens

    def basic(self, user=None, password=None):
        text = "%s:%s" % (user or self.user, password or self.password)
        return "Basic " + base64.b64encode(text.encode()).decode()

    def realm_place(self):
        """The realm may be another host; the same connection serves if it is this one."""
        found = urllib.parse.urlsplit(self.realm)
        if found.netloc == self.host and found.scheme == self.scheme:
            return self, found.path
        return Place(self, found), found.path

    def ask_token(self, scopes, anonymous=False, user=None, password=None, service=None, more=()):
        """The token server's whole answer."""
        where, path = self.realm_place()
        query = [("service", self.service if service is None else service)]
        query += [("scope", s) for s in scopes] + list(more)
        headers = []
        if not anonymous and self.user is not None:
            headers.append(("Authorization", self.basic(user, password)))
        return self.patiently(where, "GET", path + "?" + urllib.parse.urlencode(query), headers)

    def post_token(self, **form):
        where, path = self.realm_place()
        return self.patiently(where, "POST", path, [("Content-Type", "application/x-www-form-urlencoded")],
                              urllib.parse.urlencode(form, doseq=True).encode())

    def patiently(self, *request):
        """After wrong passwords (some cases are about them) a server may make callers wait."""
        for _n in range(5):
            answer = self.exchange(*request)
            if answer.status != 429:
                break
            time.sleep(min(int(answer.has("Retry-After").header("Retry-After")), 30))
        return answer

    def token(self, scopes, **who):
        body = self.ask_token(scopes, **who).must(200).json()
        return body.get("token") or body.get("access_token")


class Place:
    """A token server on a host of its own."""

    def __init__(self, registry, url):
        self.address = url.hostname
        self.port = url.port or {"http": 80, "https": 443}[url.scheme]
        self.host = url.netloc
        self.tls = registry.tls or ssl.create_default_context() if url.scheme == "https" else None


def parse_challenge(text):
    """Scheme in lower case and parameters of a WWW-Authenticate header."""
    found = re.match(r"(?i)\s*(bearer|basic)\s+(.*)", text)
    if not found:
        return None
    values = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2)))
    values["scheme"] = found.group(1).lower()
    return values


class Names:
    """
    Fresh repositories, in batches: one token serves the cases of a batch, and
    names that all cases share.
    """

    def __init__(self, registry):
        self.registry = registry
        self.run = "%06x" % random.randrange(1 << 24)
        self.count = 0
        self.left = []
        self.shared = [self.make(), self.make()]
        self.bearer, self.good_until = None, 0
        self.batch = []

    def make(self):
        self.count += 1
        return "%s/p%s-%d" % (self.registry.namespace, self.run, self.count)

    def take(self):
        """The repositories of one case."""
        if not self.left:
            self.batch = [self.make() for _ in range(CASES_A_TOKEN * NAMES_A_CASE)]
            self.left = list(self.batch)
            self.good_until = 0
        names, self.left = self.left[:NAMES_A_CASE], self.left[NAMES_A_CASE:]
        return names

    def authorization(self):
        """For the names of this batch and the shared ones; None where nobody asks for it."""
        registry = self.registry
        if registry.scheme_name is None:
            return None
        if registry.scheme_name == "basic":
            return registry.basic()
        if time.monotonic() > self.good_until:
            scopes = ["repository:%s:pull,push,delete" % n for n in self.shared + self.batch]
            body = registry.ask_token(scopes).must(200).json()
            self.bearer = body.get("token") or body.get("access_token")
            self.good_until = time.monotonic() + body.get("expires_in", 60) / 2
        return "Bearer " + self.bearer


class Client:
    """Asks as a case wants, and answers challenges as a client does."""

    def __init__(self, registry, names):
        self.registry, self.names = registry, names
        self.others = {}

    def request(self, method, target, headers=(), body=None, chunked=False, auth=True):
        """auth: True as needed, None without, or the value of the header."""
        if auth is not True:
            extra = [] if auth is None else [("Authorization", auth)]
            return self.registry.exchange(self.registry, method, target, list(headers) + extra, body, chunked)
        value = self.others.get(target) or self.names.authorization()
        answer = self.request(method, target, headers, body, chunked, value)
        challenge = parse_challenge(answer.header("WWW-Authenticate") or "")
        if answer.status != 401 or challenge is None or "scope" not in challenge:
            return answer
        # a repository or a right that is not in the batch: what a client does
        scopes = challenge["scope"].split(" ")
        scopes += ["repository:%s:pull,push,delete" % n for n in self.names.shared]
        self.others[target] = "Bearer " + self.registry.token(scopes)
        return self.request(method, target, headers, body, chunked, self.others[target])

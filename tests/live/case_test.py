"""Runs tests/case/*.case over FastCGI and through the web server."""
import base64
import glob
import hashlib
import itertools
import json
import os
import re
import subprocess
import time
import urllib.parse

import pytest

import fastcgi
import stack as stack_module

FOLDER = os.path.join(stack_module.TOP, "tests", "case")
MISSING = "sha256:" + "d" * 64
LAYER = b"a layer of some bytes, long enough for ranges"
CONFIG = b"{}"
OCI = "application/vnd.oci.image.manifest.v1+json"
numbers = itertools.count()


class Request:
    def __init__(self, method, target):
        self.method, self.target = method, target
        self.headers, self.auth, self.body = [], None, None
        self.chunked = False
        self.checks, self.saves = [], []


def parse_file(path):
    cases, case = [], None
    with open(path) as f:
        for line in f.read().split("\n"):
            if line.startswith("["):
                case = {"name": line[1:line.rindex("]")], "unchanged": False, "requests": []}
                cases.append(case)
            elif line == "unchanged":
                case["unchanged"] = True
            elif line.startswith("> ") and re.match(r"> [A-Z]+ /|> [A-Z]+ \$", line):
                case["requests"].append(Request(*line[2:].split(" ", 1)))
            elif line.startswith("> "):
                add_line(case["requests"][-1], line[2:])
            elif line.startswith("< "):
                case["requests"][-1].checks.append(line[2:])
            elif line.startswith("save "):
                case["requests"][-1].saves.append(line.split()[1:])
            elif line.strip() and not line.startswith("#"):
                raise ValueError("%s: odd line: %s" % (path, line))
    return cases


def add_line(request, line):
    name, _, value = line.partition(": ")
    if name == "auth":
        request.auth = value
    elif name == "body":
        request.body = value
    elif name == "body-size":
        request.body = "x" * int(value)
    elif name == "body-json-depth":
        request.body = "[" * int(value)
    elif name == "chunked":
        request.chunked = True
    else:
        request.headers.append((name, value))


def all_cases():
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.case"))):
        for case in parse_file(path):
            yield pytest.param(case, id=os.path.basename(path)[:-5] + ": " + case["name"])


# --- how a request is sent

class OverFastCGI:
    def __init__(self, stack):
        self.stack = stack

    def send(self, method, target, headers, body, chunked):
        path = target.split("?")[0]
        name = "registry.sock"
        if path.startswith("/auth/"):
            name = "garant.sock"
        elif re.match(r"/v1/|/_ping$|/health$", path):
            name = "api.sock"
        elif re.match(r"/v2/.+/blobs/uploads(/|$)", path):
            name = "upload.sock"
        status, headers, body = fastcgi.ask(
            self.stack.path("run", name), method, target, headers, body, chunked)
        return stack_module.Answer(status, headers, body)


class ThroughWebServer:
    def __init__(self, stack):
        self.stack = stack

    def send(self, method, target, headers, body, chunked):
        return self.stack.request(method, target, headers, body, chunked)


# --- tokens, real and made up

def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part):
    """The header or the claims of a token."""
    return json.loads(base64.urlsafe_b64decode(part + "==="))


def forge(stack, repo, algorithm="ES256", **changes):
    """A token like garant's, with other claims, signed by a key that is not its."""
    real = stack.token("repository:%s:pull" % repo, user="alice")
    head, claims, signature = real.split(".")
    header, body = decoded(head), decoded(claims)
    header["alg"] = algorithm
    body.update(changes)
    text = url64(json.dumps(header).encode()) + "." + url64(json.dumps(body).encode())
    if algorithm == "none":
        return text + "."
    return text + "." + signature


def real_signature(stack, text):
    """Signs with the registry's own key: only the claims are wrong."""
    key = signing_key(stack)
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(),
                         capture_output=True, check=True).stdout
    parsed = subprocess.run(["openssl", "asn1parse", "-inform", "DER"], input=der,
                            capture_output=True, check=True).stdout
    r, s = re.findall(r"INTEGER\s+:([0-9A-F]+)", parsed.decode())
    return url64(int(r, 16).to_bytes(32, "big") + int(s, 16).to_bytes(32, "big"))


def signing_key(stack):
    """Another token key of the registry, made here and put beside its own."""
    path = stack.path("test-key.pem")
    if not os.path.exists(path):
        cert = stack.path("test-cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", path, "-out", cert, "-days", "2", "-subj", "/CN=test"],
                       check=True, capture_output=True)
        with open(cert) as f:
            text = f.read()
        stack.sql("INSERT INTO token_certificate (kid, certificate, created) VALUES "
                  "('test-key', '%s', UTC_TIMESTAMP(6))" % text)
        time.sleep(1.1)
    return path


def generation(stack):
    """What a token says now that must not be taken for revoked."""
    return decoded(stack.token(user="alice").split(".")[1])["gen"]


def own_token(stack, repo, **changes):
    now = int(time.time())
    claims = {"iss": "https://" + stack.host, "sub": "alice", "aud": stack.host, "exp": now + 300,
              "nbf": now - 1, "iat": now - 1, "jti": "x", "gen": generation(stack),
              "access": [{"type": "repository", "name": repo, "actions": ["pull"]}]}
    claims.update(changes)
    header = {"typ": "JWT", "alg": "ES256", "kid": "test-key"}
    signing_key(stack)
    text = url64(json.dumps(header).encode()) + "." + url64(json.dumps(claims).encode())
    return text + "." + real_signature(stack, text)


def authorization(stack, auth, repo):
    now = int(time.time())
    if auth == "none":
        return []
    made = {
        "garbage": lambda: "this is no token",
        "expired": lambda: own_token(stack, repo, exp=now - 3600, nbf=now - 7200),
        "future": lambda: own_token(stack, repo, nbf=now + 3600),
        "forged": lambda: forge(stack, repo, sub="admin"),
        "alg-none": lambda: forge(stack, repo, algorithm="none"),
        "wrong-audience": lambda: own_token(stack, repo, aud="elsewhere"),
        "wrong-issuer": lambda: own_token(stack, repo, iss="https://elsewhere"),
        "good": lambda: own_token(stack, repo),
    }
    if auth in made:
        return [("Authorization", "Bearer " + made[auth]())]
    if auth == "catalog":
        return bearer(stack, "registry:catalog:*", user="alice")
    words = auth.split()
    user = "alice"
    if words[0] == "admin":
        user = words.pop(0)
    scopes = ["repository:%s:%s" % (words[i + 1], words[i]) for i in range(0, len(words), 2)]
    return bearer(stack, *scopes, user=user)


def bearer(stack, *scopes, user):
    """A real token; one serves for a minute."""
    kept = stack.__dict__.setdefault("case_tokens", {})
    made, headers = kept.get((user, scopes), (0, None))
    if time.monotonic() > made + 60:
        made, headers = time.monotonic(), stack.bearer(*scopes, user=user)
        kept[user, scopes] = made, headers
    return list(headers)


# --- what stands in a repository before a case

def push_blob(stack, repo, data, headers):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    answer = stack.request("POST", "/v2/%s/blobs/uploads/?digest=%s" % (repo, digest), headers, data)
    assert answer.status == 201, answer.body
    return digest


def prepare(stack):
    repo = "alice/case%d" % next(numbers)
    headers = stack.bearer("repository:%s:pull,push" % repo, user="alice")
    config, layer = push_blob(stack, repo, CONFIG, headers), push_blob(stack, repo, LAYER, headers)
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": len(CONFIG)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": len(LAYER)}],
        "annotations": {"repository": repo}})
    answer = stack.request("PUT", "/v2/%s/manifests/first" % repo, headers + [("Content-Type", OCI)], manifest.encode())
    assert answer.status == 201, answer.body
    return {"repo": repo, "config": config, "layer": layer, "layer-encoded": urllib.parse.quote(layer, safe=""),
            "missing": MISSING, "manifest": manifest, "digest": answer.header("docker-content-digest"),
            "size": str(len(manifest)), "service": stack.host, "space": " "}


def fill(text, values):
    def replace(found):
        name = found.group(1)
        return "a" * int(name[5:]) if name.startswith("long:") else values[name]
    return re.sub(r"\$\(([a-z:0-9-]+)\)", replace, text)


def check(line, answer, values):
    text = fill(line, values)
    if re.match(r"\d{3}( |$)", text):
        status, _, code = text.partition(" ")
        assert answer.status == int(status), (text, answer.status, answer.body[:500])
        # some odd addresses are refused by the web server in its own words
        if code and answer.header("x-request-id") is not None:
            assert answer.code() == code, (text, answer.body[:500])
    elif text.startswith("body: "):
        assert text[6:].encode() in answer.body, (text, answer.body[:500])
    else:
        name, _, value = text.partition(": ")
        assert answer.header(name) is not None, (text, answer.headers)
        assert value in answer.header(name), (text, answer.header(name))


# tables that stay as they are, row by row, and those of which the number of rows stays:
# what an upload leaves is known by rows of object, which expire
EQUAL = ("account", "account_password", "repository", "repo_grant", "namespace_grant", "setting", "blob_content",
         "manifest_payload", "manifest_blob", "manifest_child", "tag", "tag_history")
AS_MANY = ("access_token", "upload", "repo_blob", "manifest")


def state(stack):
    return dict(stack.sql("CHECKSUM TABLE %s; %s" % (
        ", ".join(EQUAL), " UNION ALL ".join("SELECT '%s', COUNT(*) FROM %s" % (t, t) for t in AS_MANY))))


def prepared(case, stack):
    """A repository for the case; those that change nothing share one."""
    if not case["unchanged"]:
        return prepare(stack)
    if "case_values" not in stack.__dict__:
        stack.case_values = prepare(stack)
    return dict(stack.case_values)


def run(case, transport, stack):
    values = prepared(case, stack)
    before = state(stack) if case["unchanged"] else None
    for request in case["requests"]:
        headers = [(n, fill(v, values)) for n, v in request.headers]
        if request.auth:
            headers += authorization(stack, fill(request.auth, values), values["repo"])
        body = None if request.body is None else fill(request.body, values).encode()
        if body is None and request.method in ("POST", "PUT", "PATCH"):
            body = b""
        answer = transport.send(request.method, fill(request.target, values), headers, body, request.chunked)
        for line in request.checks:
            check(line, answer, values)
        for name, header in request.saves:
            values[name] = answer.header(header)
    if before is not None:
        assert state(stack) == before


@pytest.mark.parametrize("case", all_cases())
def test_over_fastcgi(case, stack):
    run(case, OverFastCGI(stack), stack)


@pytest.mark.parametrize("case", all_cases())
def test_through_web_server(case, stack):
    run(case, ThroughWebServer(stack), stack)


# --- headers of 60 kB: more than the web server takes

def long_requests(stack):
    """What is asked, and the answer without such headers."""
    path = "/v2/" + prepare(stack)["repo"]
    right = bearer(stack, "repository:%s:pull,push,delete" % path[4:], user="alice")
    blob = path + "/blobs/uploads/"
    return [("GET", "/v2/", right, 200), ("GET", "/v2/", [], 401), ("GET", path + "/manifests/first", right, 200),
            ("GET", path + "/manifests/none", right, 404), ("PUT", path + "/manifests/none", right, 400),
            ("DELETE", path + "/manifests/none", right, 404), ("POST", blob, [], 401),
            ("PUT", blob + "none?digest=" + MISSING, right, 404), ("GET", "/auth/token?service=x", [], 400),
            ("GET", "/v1/search?q=case", [], 200), ("GET", "/_ping", [], 200)]


LONG_LINE = [("X-Long", "x" * 60000)]
LONG_LINES = [("X-Long-%d" % i, "x" * 6000) for i in range(10)]


@pytest.mark.parametrize("transport, refused", [(OverFastCGI, None), (ThroughWebServer, 400)])
@pytest.mark.parametrize("headers", [LONG_LINE, LONG_LINES], ids=["a line", "lines"])
def test_60_kilobytes_of_headers(stack, transport, headers, refused):
    """The programs answer as without them, as nobody reads them; the web server refuses them."""
    requests = long_requests(stack)
    before = stack.counts(), state(stack)
    for method, target, auth, status in requests:
        body = None if method == "GET" else b""
        answer = transport(stack).send(method, target, auth + headers, body, False)
        assert answer.status == (refused or status), (method, target, answer.status, answer.body[:500])
    assert (stack.counts(), state(stack)) == before


def test_headers_of_any_size_are_no_fault_of_ours(stack):
    """Up to what fits into a record of FastCGI, and beyond."""
    right = bearer(stack, "repository:alice/none:pull", user="alice")
    statuses = [stack.request("GET", "/v2/", right + [("X-%d" % i, "x" * size) for i in range(count)]).status
                for size, count in ((27000, 1), (27000, 2), (27000, 3), (800, 60), (800, 66), (800, 75), (50, 500),
                                    (46, 970), (1, 5000), (5000, 100))]
    assert set(statuses) == {200, 400}, statuses
    assert statuses[:1] + statuses[6:7] == [200, 200], statuses


@pytest.mark.parametrize("transport, status", [(OverFastCGI, 401), (ThroughWebServer, 400)])
def test_60_kilobytes_of_secret(stack, transport, status):
    before = stack.counts()
    for target, scheme in (("/v2/", "Bearer "), ("/auth/token?service=" + stack.host, "Basic ")):
        answer = transport(stack).send("GET", target, [("Authorization", scheme + "A" * 60000)], None, False)
        assert answer.status == status, (scheme, answer.status, answer.body[:500])
    assert stack.counts() == before


def is_bad_input(case):
    """Each request is refused with a status and a code, and nothing has changed."""
    return case["unchanged"] and all(
        r.checks and re.fullmatch(r"4\d\d [A-Z_]+", r.checks[0]) for r in case["requests"])


def test_bad_input_is_refused_in_many_ways():
    """The files say how many such cases they have."""
    total = 0
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.case"))):
        with open(path) as f:
            said = re.match(r"# bad input: (\d+) cases?\n", f.readline())
        count = len([c for c in parse_file(path) if is_bad_input(c)])
        assert count == (int(said.group(1)) if said else 0), \
            "%s: its first line must be: # bad input: %d cases" % (path, count)
        total += count
    assert total >= 150


def test_made_up_tokens_are_refused_for_their_claims_alone(stack):
    """The same token with right claims is taken: the refusals above say something."""
    values = prepare(stack)
    answer = stack.request("GET", "/v2/%s/manifests/first" % values["repo"],
                           authorization(stack, "good", values["repo"]))
    assert answer.status == 200, answer.body

"""Tokens: challenges, the token server, what a token opens (Docker's token specification)."""
import base64
import json

from .. import images
from ..case import CHOICE, MISSING, RULE, add, choice, digest_of, same, true
from ..case import rule as any_rule
from ..registry import parse_challenge

BEARER = "bearer"
ACCEPT = ("Accept", images.MANIFEST)
UPLOAD = "blobs/uploads/018f0000-0000-7000-8000-000000000000"


def rule(name):
    return any_rule(name, BEARER)


def pick(name):
    return choice(name, BEARER)


def challenge_of(answer):
    found = parse_challenge(answer.must(401).has("WWW-Authenticate").header("WWW-Authenticate"))
    true(found is not None and found["scheme"] == "bearer", "this is no challenge for a token")
    return found


def token(t, *scopes, **who):
    return "Bearer " + t.registry.token(list(scopes), **who)


def scope(t, actions, repo=None):
    return "repository:%s:%s" % (repo or t.repo, actions)


# --- challenges

@rule("challenge: the base without a token is 401 and names realm and service")
def _(t):
    found = challenge_of(t.get("", auth=None))
    true(found.get("realm", "").startswith("http"), "the realm is %s" % found.get("realm"))
    true(found.get("service"), "the service is not named")


@rule("challenge: that of the base has no scope")
def _(t):
    same(challenge_of(t.get("", auth=None)).get("scope"), None, "the scope")


@rule("challenge: 401 is UNAUTHORIZED in the form of errors")
def _(t):
    t.get("", auth=None).must(401, "UNAUTHORIZED").contains("Content-Type", "application/json")


@rule("challenge: 401 has the API version")
def _(t):
    t.get("", auth=None).must(401).has("Docker-Distribution-Api-Version", "registry/2.0")


@rule("challenge: HEAD gets it, too, without a body")
def _(t):
    for _n in range(2):
        challenge_of(t.head("", auth=None))


@rule("challenge: without a token there is no error in it")
def _(t):
    same(challenge_of(t.tags(auth=None)).get("error"), None, "the error")


def add_challenges():
    for method, path, actions in (
            ("GET", "tags/list", "pull"), ("GET", "manifests/latest", "pull"), ("HEAD", "manifests/latest", "pull"),
            ("GET", "blobs/" + MISSING, "pull"), ("HEAD", "blobs/" + MISSING, "pull"),
            ("GET", "referrers/" + MISSING, "pull"),
            ("PUT", "manifests/latest", "pull,push"), ("POST", "blobs/uploads/", "pull,push"),
            ("PATCH", UPLOAD, "pull,push"), ("PUT", UPLOAD, "pull,push"),
            ("DELETE", "manifests/latest", "delete"), ("DELETE", "blobs/" + MISSING, "delete")):
        def check(t, method=method, path=path, actions=actions):
            answer = t.request(method, "/v2/%s/%s" % (t.repo, path), body=b"" if method[0] == "P" else None, auth=None)
            same(challenge_of(answer).get("scope"), scope(t, actions), "the scope")
        add(RULE, "challenge: %s of %s asks for %s" % (method, path.split("/")[0] + (
            " that are begun" if path == UPLOAD else ""), actions), check, BEARER)


add_challenges()


@rule("challenge: the scope has the whole name of a deep repository")
def _(t):
    repo = t.repo + "/a/b/c"
    same(challenge_of(t.tags(repo=repo, auth=None)).get("scope"), scope(t, "pull", repo), "the scope")


@rule("challenge: an unknown repository has the same as a known one")
def _(t):
    known = t.tags(repo=t.image.repo, auth=None)
    unknown = t.tags(auth=None)
    same(known.status, unknown.status, "the status")
    same(known.body, unknown.body, "the body")


# --- the token server

@rule("token: the answer has it under both names")
def _(t):
    body = t.registry.ask_token([scope(t, "pull")]).must(200).json()
    true(body.get("token"), "there is no token")
    same(body.get("access_token"), body["token"], "the access_token")


@rule("token: it lives a minute at least and says when it was made")
def _(t):
    body = t.registry.ask_token([scope(t, "pull")]).must(200).json()
    true(body.get("expires_in", 60) >= 60, "it lives %s seconds" % body.get("expires_in"))
    true("T" in body.get("issued_at", "T"), "issued_at is %s" % body.get("issued_at"))


@rule("token: nobody keeps the answer")
def _(t):
    t.registry.ask_token([]).must(200).contains("Cache-Control", "no-store")


@rule("token: without a scope it opens the base")
def _(t):
    t.get("", auth=token(t)).must(200)


@rule("token: without credentials it opens the base")
def _(t):
    t.get("", auth=token(t, anonymous=True)).must(200)


def nobody(t):
    """A user that there is not, a new one each time for the same reason."""
    return t.repo.replace("/", "-").replace(".", "-")


@rule("token: a wrong password is 401")
def _(t):
    t.registry.ask_token([], password="wrong").must(401)


@rule("token: an unknown user is 401")
def _(t):
    t.registry.ask_token([], user=nobody(t), password="wrong").must(401)


@pick("token: a wrong password and an unknown user look the same")
def _(t):
    wrong = t.registry.ask_token([], password="wrong").must(401)
    unknown = t.registry.ask_token([], user=nobody(t)).must(401)
    same(unknown.body, wrong.body, "the answer to an unknown user")


@rule("token: an Authorization that is none is refused")
def _(t):
    where, path = t.registry.realm_place()
    t.registry.exchange(where, "GET", path, [("Authorization", "Basic !!!")]).must((400, 401))
    t.registry.exchange(where, "GET", path, [("Authorization", "Basic " + "QQ" * 3000)]).must((400, 401, 431))


@rule("token: more than the caller may is not an error but left out")
def _(t):
    value = token(t, "repository:someone-elses-space/app:pull,push,delete", scope(t, "pull"))
    t.get("someone-elses-space/app/tags/list", auth=value).must((401, 403))
    t.tags(auth=value).must((200, 404))


@rule("token: anonymous it does not open what is private")
def _(t):
    t.tagged("latest")
    t.manifest("latest", ACCEPT, auth=token(t, scope(t, "pull"), anonymous=True)).must((401, 403))


@rule("token: one may open several repositories, by several parameters")
def _(t):
    t.tagged("latest")
    t.tagged("latest", repo=t.other)
    value = token(t, scope(t, "pull"), scope(t, "pull", t.other))
    t.tags(auth=value).must(200)
    t.tags(repo=t.other, auth=value).must(200)


@pick("token: one may open several repositories, by one parameter with blanks")
def _(t):
    t.tagged("latest")
    t.tagged("latest", repo=t.other)
    value = token(t, scope(t, "pull") + " " + scope(t, "pull", t.other))
    t.tags(auth=value).must(200)
    t.tags(repo=t.other, auth=value).must(200)


@pick("token: a scope with the old word of a class is that of the repository")
def _(t):
    t.tagged("latest")
    t.tags(auth=token(t, "repository(plugin):%s:pull" % t.repo)).must(200)


@pick("token: an action that nobody knows is left out")
def _(t):
    t.tagged("latest")
    t.tags(auth=token(t, scope(t, "pull,fly"))).must(200)


@pick("token: a type that nobody knows is left out")
def _(t):
    token(t, "spaceship:enterprise:fly")


@pick("token: a malformed scope is 400")
def _(t):
    t.registry.ask_token(["repository"]).must(400)


@pick("token: another service is 400")
def _(t):
    t.registry.ask_token([], service="elsewhere.example.com").must(400)


@pick("token: it is a JWT with the claims of the specification")
def _(t):
    text = t.registry.token([scope(t, "pull")])
    head, claims, _signature = text.split(".")
    head, claims = (json.loads(base64.urlsafe_b64decode(p + "===")) for p in (head, claims))
    same(head.get("typ"), "JWT", "typ")
    true(head.get("alg") not in (None, "none", "HS256"), "the algorithm is %s" % head.get("alg"))
    true({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "access"} <= set(claims), "the claims are %s" % list(claims))
    same(claims["access"], [{"type": "repository", "name": t.repo, "actions": ["pull"]}], "the access")


@pick("token: an offline one comes with a refresh token")
def _(t):
    body = t.registry.ask_token([], more=[("offline_token", "true"), ("client_id", "suite")]).must(200).json()
    true(body.get("refresh_token"), "there is no refresh token")


@pick("token: anonymous there is no refresh token")
def _(t):
    answer = t.registry.ask_token([], anonymous=True, more=[("offline_token", "true"), ("client_id", "suite")])
    same(answer.must(200).json().get("refresh_token"), None, "the refresh token")


def by_form(t, **more):
    form = {"grant_type": "password", "service": t.registry.service, "client_id": "suite",
            "username": t.registry.user, "password": t.registry.password, "scope": scope(t, "pull")}
    form.update(more)
    return t.registry.post_token(**{k: v for k, v in form.items() if v is not None})


@pick("token-post: a password gets a token and what was granted")
def _(t):
    t.tagged("latest")
    body = by_form(t).must(200).json()
    true(t.repo in body.get("scope", ""), "the scope is %s" % body.get("scope"))
    t.tags(auth="Bearer " + body["access_token"]).must(200)


@rule("token-post: one may open several repositories, by several parameters")
def _(t):
    t.tagged("latest")
    t.tagged("latest", repo=t.other)
    body = by_form(t, scope=[scope(t, "pull"), scope(t, "pull", t.other)]).must(200).json()
    t.tags(auth="Bearer " + body["access_token"]).must(200)
    t.tags(repo=t.other, auth="Bearer " + body["access_token"]).must(200)


@pick("token-post: of more repositories than one token can open, the last is among those that it opens")
def _(t):
    """As regclient asks, which names all that it has met in one run of a mirror."""
    t.tagged("latest")
    others = ["repository:%s/gathered-over-a-long-run/%d:pull,push" % (t.repo, n) for n in range(300)]
    body = by_form(t, scope=" ".join(others + [scope(t, "pull")])).must(200).json()
    t.tags(auth="Bearer " + body["access_token"]).must(200)


@pick("token-post: a refresh token gets a token")
def _(t):
    t.tagged("latest")
    refresh = by_form(t, access_type="offline").must(200).json()["refresh_token"]
    body = by_form(t, grant_type="refresh_token", refresh_token=refresh, username=None, password=None)
    t.tags(auth="Bearer " + body.must(200).json()["access_token"]).must(200)


@pick("token-post: a refresh token may be used again")
def _(t):
    refresh = by_form(t, access_type="offline").must(200).json()["refresh_token"]
    for _n in range(2):
        by_form(t, grant_type="refresh_token", refresh_token=refresh, username=None, password=None).must(200)


def add_posts():
    for what, more, status in (
            ("a wrong password", {"password": "wrong"}, 401),
            ("a wrong refresh token", {"grant_type": "refresh_token", "refresh_token": "nothing"}, 401),
            ("an unknown kind of grant", {"grant_type": "magic"}, 400),
            ("no kind of grant", {"grant_type": None}, 400),
            ("no service", {"service": None}, 400),
            ("another service", {"service": "elsewhere.example.com"}, 400),
            ("no client", {"client_id": None}, 400),
            ("no user", {"username": None}, 400),
            ("no password", {"password": None}, 400),
            ("a malformed scope", {"scope": "repository"}, 400)):
        add(CHOICE, "token-post: %s is %d" % (what, status),
            lambda t, m=more, s=status: by_form(t, **m).must(s) and None, BEARER)


add_posts()


# --- what a token opens

@rule("access: to pull is to read")
def _(t):
    t.tagged("latest")
    value = token(t, scope(t, "pull"))
    t.tags(auth=value).must(200)
    t.manifest("latest", ACCEPT, auth=value).must(200)
    t.blob(digest_of(b"{}"), auth=value).must(200)


def denied(t, answer, actions):
    """401 with a challenge for what is missing; some say 403."""
    answer.must((401, 403), "DENIED", "UNAUTHORIZED")
    if answer.status == 401:
        found = challenge_of(answer)
        same(found.get("error"), "insufficient_scope", "the error")
        same(found.get("scope"), scope(t, actions), "the scope")


@rule("access: to pull is not to push")
def _(t):
    t.tagged("latest")
    value = token(t, scope(t, "pull"))
    denied(t, t.start(auth=value), "pull,push")
    denied(t, t.put("other", b"{}", media_type=images.MANIFEST, auth=value), "pull,push")
    t.manifest("other", ACCEPT).must(404)


@rule("access: to push is not to delete")
def _(t):
    digest = t.tagged("latest")
    value = token(t, scope(t, "pull,push"))
    denied(t, t.delete("%s/manifests/%s" % (t.repo, digest), auth=value), "delete")
    denied(t, t.delete("%s/blobs/%s" % (t.repo, digest_of(b"{}")), auth=value), "delete")
    t.manifest("latest", ACCEPT).must(200)


@pick("access: a right that is missing is 401 DENIED, so that the client asks anew")
def _(t):
    t.start(auth=token(t, scope(t, "pull"))).must(401, "DENIED")


@rule("access: to one repository is not to another")
def _(t):
    t.tagged("latest", repo=t.other)
    t.tags(repo=t.other, auth=token(t, scope(t, "pull"))).must((401, 403))


@rule("access: to a repository is not to those within")
def _(t):
    t.tagged("latest", repo=t.repo + "/inner")
    t.tags(repo=t.repo + "/inner", auth=token(t, scope(t, "pull,push,delete"))).must((401, 403))


@rule("access: to those within is not to the repository")
def _(t):
    t.tagged("latest")
    t.tags(auth=token(t, scope(t, "pull,push,delete", t.repo + "/inner"))).must((401, 403))


@rule("access: a token may be used again")
def _(t):
    t.tagged("latest")
    value = token(t, scope(t, "pull"))
    for _n in range(3):
        t.tags(auth=value).must(200)


@rule("access: an upload begun by one token goes on by another")
def _(t):
    location = t.start(auth=token(t, scope(t, "pull,push"))).must(202).header("Location")
    t.finish(location, digest_of(b"abc"), b"abc", auth=token(t, scope(t, "pull,push"))).must(201)


@pick("access: the word Bearer may be in any case")
def _(t):
    value = token(t)
    t.get("", auth="bearer" + value[6:]).must(200)
    t.get("", auth="BEARER" + value[6:]).must(200)


# --- tokens that are none

def invalid(t, value):
    answer = t.tags(repo=t.image.repo, auth=value)
    same(challenge_of(answer).get("error"), "invalid_token", "the error")


def changed(t, change):
    """A good token, changed; the change gets and gives its three parts."""
    parts = t.registry.token([scope(t, "pull", t.image.repo)]).split(".")
    return "Bearer " + ".".join(change(*parts))


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "==="))


def other_letter(text, at):
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


FALSE = (
    ("whose signature is changed", lambda h, c, s: (h, c, other_letter(s, 10))),
    ("whose claims are changed", lambda h, c, s: (h, encoded(dict(decoded(c), sub="admin")), s)),
    ("that lives longer than was signed", lambda h, c, s: (h, encoded(dict(decoded(c), exp=9999999999)), s)),
    ("without a signature", lambda h, c, s: (h, c, "")),
    ("of the algorithm none", lambda h, c, s: (encoded(dict(decoded(h), alg="none")), c, "")),
    ("of the algorithm none, signed", lambda h, c, s: (encoded(dict(decoded(h), alg="None")), c, s)),
    ("of a symmetric algorithm", lambda h, c, s: (encoded(dict(decoded(h), alg="HS256")), c, s)),
    ("with a key of its own", lambda h, c, s: (encoded(dict(decoded(h), jwk={
        "kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43})), c, s)),
    ("of an unknown key", lambda h, c, s: (encoded(dict(decoded(h), kid="nobody")), c, s)),
    ("of two parts", lambda h, c, s: (h, c)),
    ("of four parts", lambda h, c, s: (h, c, s, s)),
    ("with blanks in it", lambda h, c, s: (h[:5] + " " + h[5:], c, s)),
)


def add_false():
    for what, change in FALSE:
        add(RULE, "access: a token %s is 401 invalid_token" % what,
            lambda t, c=change: invalid(t, changed(t, c)), BEARER)
    for what, value in (("of any text", "Bearer abc"), ("of dots", "Bearer .."), ("of nothing", "Bearer "),
                        ("of zeros and ones", "Bearer " + "01" * 500)):
        add(RULE, "access: a token %s is 401" % what,
            lambda t, v=value: t.tags(repo=t.image.repo, auth=v).must(401) and None, BEARER)


add_false()


@rule("access: a token of 20000 bytes is refused")
def _(t):
    t.tags(repo=t.image.repo, auth="Bearer " + "a" * 20000).must((400, 401, 431))


@pick("access: a password is for the token server alone")
def _(t):
    challenge_of(t.get("", auth=t.registry.basic()))


@rule("access: a scheme that nobody knows is 401")
def _(t):
    challenge_of(t.get("", auth="Magic abc"))


@rule("access: what is refused by HEAD has no body")
def _(t):
    for _n in range(2):
        t.manifest("latest", repo=t.image.repo, method="HEAD", auth="Bearer abc").must(401)


@rule("access: two Authorization headers are refused or the first counts")
def _(t):
    value = token(t, scope(t, "pull", t.image.repo))
    t.tags("", ("Authorization", "Bearer abc"), repo=t.image.repo, auth=value).must((400, 401))

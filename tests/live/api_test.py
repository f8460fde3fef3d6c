"""dtr-api: health of a node, and search, also by Docker's command line."""
import base64
import json
import os
import signal
import time
import urllib.parse
import uuid

import pytest

import case_test
import clients
import fastcgi
import programs
import webserver
from client_fixtures import *  # noqa: F403
from stack import ADMIN, PASSWORD, Stack, wait_for

HEALTHY = {"Error": "", "Healthy": True}


def basic(user, password=PASSWORD):
    return [("Authorization", "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode())]


def bearer(token):
    return [("Authorization", "Bearer " + token)]


# --- health

def ping(stack, path="/_ping"):
    answer = stack.request("GET", path)
    body = json.loads(answer.body)
    assert set(body) == {"Error", "Healthy"} and body["Healthy"] == (answer.status == 200), answer.body
    assert answer.header("content-type") == "application/json"
    if answer.status != 200:
        assert (answer.status, answer.header("retry-after")) == (503, "2")
    return body


def wait_ping(stack, error):
    """An answer is kept for a moment: so it takes one until a change is seen."""
    seen = []
    wait_for("/_ping says \"%s\"" % error, lambda: seen.append(ping(stack)["Error"]) or seen[-1] == error)


def test_ping_of_a_good_node(stack):
    assert ping(stack) == ping(stack, "/health") == HEALTHY
    answer = stack.request("HEAD", "/_ping")
    assert (answer.status, answer.body) == (200, b"")
    assert stack.request("POST", "/_ping", body=b"").status == 405


def test_ping_names_the_broken_part(own_stack):
    stack = own_stack
    assert ping(stack) == HEALTHY
    stack.stop_responder("dtr-garant")
    wait_ping(stack, "garant")
    stack.start_responder("dtr-garant")
    wait_ping(stack, "")
    objects = os.path.join(stack.storage, "objects")
    os.chmod(objects, 0o500)
    wait_ping(stack, "registry storage")
    assert b"storage" in stack.ask_node("GET", "/_health/registry/readyz").body
    os.chmod(objects, 0o700)
    wait_ping(stack, "")
    stack.stop_responder("dtr-registry")
    wait_ping(stack, "registry, registry uploads")
    stack.start_responder("dtr-registry")
    wait_ping(stack, "")
    # one that hangs speaks for itself alone
    hung = [int(pid) for pid in programs.workers(stack)]
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    wait_ping(stack, "registry, registry uploads")
    for pid in hung:
        os.kill(pid, signal.SIGCONT)
    wait_ping(stack, "")
    stack.mariadb("stop")
    wait_ping(stack, "database")
    answer = stack.ask_node("GET", "/_health/api/readyz")
    assert answer.status == 503 and answer.body.startswith(b"database")
    stack.mariadb("start")
    wait_ping(stack, "")
    assert stack.ask_node("GET", "/_health/api/readyz").body == b"ready\n"


def test_ping_of_a_node_that_drains(own_stack):
    stack = own_stack
    assert stack.dtr("drain", "on").returncode == 0
    assert ping(stack)["Error"] == "draining"
    for part in ("registry", "garant", "api"):
        answer = stack.ask_node("GET", "/_health/%s/readyz" % part)
        assert (answer.status, answer.body) == (503, b"draining")
    # what comes is served
    assert stack.request("GET", "/v2/", stack.bearer()).status == 200
    assert search(stack, "x", user=ADMIN) == []
    assert stack.dtr("drain", "off").returncode == 0
    wait_ping(stack, "")


def test_many_pings_make_little_work(stack):
    wait_ping(stack, "")

    def probes():
        with open(stack.path("dtr-registry.log")) as f:
            return sum('"path":"/readyz"' in line for line in f)
    before = probes()
    for _ in range(100):
        fastcgi.ask(stack.path("run/api.sock"), "GET", "/_ping")
    # two pools of dtr-registry, two workers of dtr-api, and what one second more brings
    assert probes() - before <= 40


# --- search

class Found(list):
    """Names that a search found, in order; body is the whole answer."""


def search(stack, text, user=None, headers=None, n=None, page=None):
    query = [("q", text)] + [("n", n)] * (n is not None) + [("page", page)] * (page is not None)
    headers = headers if headers is not None else basic(user) if user else []
    answer = stack.request("GET", "/v1/search?" + urllib.parse.urlencode(query), headers)
    assert answer.status == 200, (answer.status, answer.body)
    found = Found()
    found.body = json.loads(answer.body)
    assert found.body["query"] == text
    for item in found.body["results"]:
        assert set(item) == {"name", "description", "is_official", "is_automated", "is_trusted", "star_count"}
        found.append(item["name"])
    return found


def refused(stack, headers, path="/v1/search?q=x"):
    answer = stack.request("GET", path, headers)
    return answer.status, answer.code()


def make(stack, path, public=False, user=ADMIN):
    """A repository, as a push makes it."""
    answer = stack.request("POST", "/v2/%s/blobs/uploads/" % path,
                           stack.bearer("repository:%s:pull,push" % path, user=user), b"")
    assert answer.status == 202, answer.body
    if public:
        clients.make_public(stack, path)


def account(stack, name, *options):
    if not options:
        return clients.ensure_user(stack, name)
    if stack.sql("SELECT 1 FROM account WHERE name = '%s'" % name) == []:
        done = stack.dtr("user", "create", name, *options)
        assert done.returncode == 0, done.stderr
    return name


def team(stack, org, member):
    """A team of the organisation with this member; its id as SQL."""
    name = "t" + os.urandom(6).hex()
    stack.sql("INSERT INTO team (id, org_id, name, created) SELECT UNHEX(REPLACE(UUID(), '-', '')), id, '%s', "
              "UTC_TIMESTAMP(6) FROM account WHERE name = '%s'" % (name, org))
    found = "(SELECT id FROM team WHERE name = '%s')" % name
    stack.sql("INSERT INTO team_member (team_id, member_id) SELECT %s, id FROM account WHERE name = '%s'"
              % (found, member))
    return found


@pytest.fixture(scope="module")
def names(stack):
    """Repositories of alice, of bob and of two organisations."""
    for user in ("alice", "bob", "carol", "dora"):
        account(stack, user)
    for org in ("web", "ops"):
        account(stack, org, "--org")
    for path in ("alice/engine", "alice/my-engine", "alice/tools/engine.v2", "bob/engineer", "bob/secret-engine",
                 "web/engine", "web/front_end", "ops/search-engine", "ops/engine-room"):
        make(stack, path)
    make(stack, "alice/open-engine", public=True)
    make(stack, "engine/other", public=True) if account(stack, "engine") else None
    stack.sql("UPDATE repository SET short_description = 'Ein \"Motor\" für alle' WHERE path = 'alice/open-engine'")
    # dora: administrator of web; carol: a team with a grant on one repository, another on a whole namespace
    stack.sql("INSERT INTO org_member SELECT o.id, m.id, 1 FROM account o, account m "
              "WHERE o.name = 'web' AND m.name = 'dora'")
    stack.sql("INSERT INTO repo_grant SELECT %s, id, 1 FROM repository WHERE path = 'web/engine'"
              % team(stack, "web", "carol"))
    stack.sql("INSERT INTO namespace_grant SELECT %s, id, 1 FROM account WHERE name = 'ops'"
              % team(stack, "ops", "carol"))
    return stack


PUBLIC = {"alice/open-engine", "engine/other"}


def test_search_shows_what_the_caller_may_read(names):
    assert set(search(names, "engine")) == PUBLIC
    assert set(search(names, "engine", user="alice")) == PUBLIC | {
        "alice/engine", "alice/my-engine", "alice/tools/engine.v2"}
    assert set(search(names, "engine", user="bob")) == PUBLIC | {"bob/engineer", "bob/secret-engine"}
    assert set(search(names, "engine", user="carol")) == PUBLIC | {
        "web/engine", "ops/search-engine", "ops/engine-room"}
    assert set(search(names, "engine", user="dora")) == PUBLIC | {"web/engine"}
    assert set(search(names, "engine", user=ADMIN)) == set(
        r[0] for r in names.sql("SELECT path FROM repository WHERE path LIKE '%engine%'"))


def test_search_is_by_beginnings_of_words(names):
    def found(text):
        return set(search(names, text, user="alice")) - PUBLIC
    assert found("eng") == {"alice/engine", "alice/my-engine", "alice/tools/engine.v2"}
    assert found("ENGINE") == found("engine")
    assert found("engine.v") == found("v2") == found("tools/en") == {"alice/tools/engine.v2"}
    assert found("alice/my") == found("my-engine") == {"alice/my-engine"}
    assert found("ngine") == found("engine_") == set()
    # all words, the longest one as a beginning
    assert found("engine my") == found("  my   engine ") == found("engine lice/m") == {"alice/my-engine"}
    assert found("engine nothing") == set()


def test_search_knows_the_first_words_of_a_name(stack):
    make(stack, "admin/" + "-".join("long%02d" % i for i in range(2, 22)))
    assert len(search(stack, "long16", user=ADMIN)) == 1
    assert search(stack, "long17", user=ADMIN) == []
    assert len(search(stack, "long02 long21", user=ADMIN)) == 1


def test_search_puts_the_best_first(names):
    assert search(names, "engine", user=ADMIN) == [
        "alice/engine", "web/engine",
        "bob/engineer", "ops/engine-room",
        "alice/my-engine", "alice/open-engine", "alice/tools/engine.v2", "bob/secret-engine", "engine/other",
        "ops/search-engine"]


def test_search_pages(names):
    everything = search(names, "engine", user=ADMIN)
    pages = [search(names, "engine", user=ADMIN, n=4, page=page) for page in (1, 2, 3, 4)]
    assert [name for page in pages for name in page] == everything
    assert [len(page) for page in pages] == [4, 4, 2, 0]
    for i, page in enumerate(pages):
        assert {k: v for k, v in page.body.items() if k not in ("results", "query")} == {
            "num_results": 10, "page": i + 1, "page_size": 4, "num_pages": 3}
    assert everything.body["page_size"] == 25


def test_search_without_words_shows_everything(names):
    assert set(search(names, "", n=100)) >= PUBLIC
    answer = names.request("GET", "/v1/search")
    assert answer.status == 200 and json.loads(answer.body)["num_results"] >= 2


def test_search_describes(names):
    [item] = search(names, "open-engine").body["results"]
    assert item == {"name": "alice/open-engine", "description": 'Ein "Motor" für alle', "is_official": False,
                    "is_automated": False, "is_trusted": False, "star_count": 0}


@pytest.mark.parametrize("text", ["%", "_ngine", "engine%", "'", '"', "\\", "ëngine", "\U0001f600", "engine*",
                                  "a" * 201, "-", "/", "." * 100, "e" * 256])
def test_search_for_what_no_name_has(names, text):
    assert search(names, text, user=ADMIN) == []


@pytest.mark.parametrize("query", ["q=x&n=0", "q=x&n=101", "q=x&n=x", "q=x&n=-1", "q=x&page=0", "q=x&page=1001",
                                   "q=" + "e" * 257, "q=a+b+c+d+e+f+g+h+i", "q=%ff", "q=%00"])
def test_search_refuses_bad_parameters(stack, query):
    answer = stack.request("GET", "/v1/search?" + query)
    is_odd = query in ("q=%ff", "q=%00") and stack.webserver.refuses_odd_bytes
    assert (answer.status, answer.code()) == (400, None if is_odd else "INVALID_PARAMETERS")


def test_search_never_shows_what_is_being_deleted(names):
    make(names, "alice/going-away", public=True)
    assert search(names, "going") == ["alice/going-away"]
    names.sql("UPDATE repository SET path = NULL, state = 2 WHERE path = 'alice/going-away'")
    assert search(names, "going") == search(names, "going", user=ADMIN) == []


def test_words_go_with_their_repository(own_stack):
    account(own_stack, "alice")
    make(own_stack, "alice/one-two", public=True)
    assert len(own_stack.sql("SELECT word FROM repository_word")) == 3
    own_stack.sql("DELETE FROM upload; DELETE FROM repository")
    assert own_stack.sql("SELECT word FROM repository_word") == []


def test_migration_makes_findable_what_was_there(own_stack):
    stack = own_stack
    account(stack, "alice")
    for path in ("alice/a-b_c.d/e", "alice/x--y__z", "alice/" + "-".join("n" * 15)):
        make(stack, path)
    stack.sql("INSERT INTO repository (id, namespace_id, path, state, created) SELECT UNHEX(REPLACE(UUID(), '-', '')), "
              "id, NULL, 2, UTC_TIMESTAMP(6) FROM account WHERE name = 'alice'")
    written = stack.sql("SELECT word, HEX(repository_id) FROM repository_word ORDER BY 1, 2")
    assert len(written) == 6 + 4 + 16
    stack.sql("DROP TABLE repository_word; UPDATE schema_version SET version = 2, step = 0")
    assert stack.dtr("migrate").returncode == 0
    assert stack.sql("SELECT word, HEX(repository_id) FROM repository_word ORDER BY 1, 2") == written


# --- a maximum

def fill(stack, count):
    """So many private repositories of an organisation, with words as a push writes them."""
    account(stack, "crowd", "--org")
    stack.sql("INSERT INTO repository (id, namespace_id, path, state, created) SELECT "
              "UNHEX(LPAD(HEX(seq), 32, '0')), id, CONCAT('crowd/app-', LPAD(seq, 6, '0')), 1, UTC_TIMESTAMP(6) "
              "FROM account, seq_1_to_%d WHERE name = 'crowd'" % count)
    for cut in (1, 7, 11):
        stack.sql("INSERT INTO repository_word (word, repository_id) SELECT SUBSTRING(path, %d), id "
                  "FROM repository WHERE path LIKE 'crowd/%%'" % cut)


def rows_read(stack):
    return sum(int(n) for name, n in stack.sql("SHOW GLOBAL STATUS LIKE 'Handler_read%'") if name != "Handler_read_rnd_deleted")


def test_search_is_bounded(own_stack):
    stack = own_stack
    count = 100000 if os.environ.get("DTR_LONG") == "1" else 25000
    account(stack, "alice")
    fill(stack, count)
    make(stack, "alice/app", public=True)
    make(stack, "alice/zapp", public=True)
    make(stack, "alice/app-zoo", public=True)
    before = rows_read(stack)
    found = search(stack, "app")
    # each word, its repository and its rights: a few rows for each of the 20 000 that are looked at
    assert rows_read(stack) - before < 20000 * 6
    # those that are called so come first; who is more exact finds the others
    assert found == ["alice/app"]
    assert search(stack, "app-zoo") == ["alice/app-zoo"]
    # a search that finds enough stops early
    before = rows_read(stack)
    found = search(stack, "app", user=ADMIN, n=100)
    assert rows_read(stack) - before < 5000
    assert found.body["num_results"] == 1000 and found[0] == "alice/app" and len(found) == 100
    # one with little to look at reads little
    before = rows_read(stack)
    assert search(stack, "zapp") == ["alice/zapp"]
    assert rows_read(stack) - before < 200
    text = stack.ask_node("GET", "/_health/api/metrics").body.decode()
    assert "\napi_searches_cut_total 2\n" in text
    assert '\napi_searches_total{by="anonymous"} 3\n' in text
    assert '\napi_searches_total{by="user"} 1\n' in text


# --- who it is

def test_wrong_credentials_are_refused(stack):
    answer = stack.request("GET", "/v1/search?q=x", basic("alice", "wrong"))
    assert (answer.status, answer.code()) == (401, "NOT_AUTHENTICATED")
    assert answer.header("www-authenticate") == 'Basic realm="dtr"'
    assert b"incorrect user name or password" in answer.body
    assert refused(stack, [("Authorization", "Basic !!!")])[0] == 401
    assert refused(stack, [("Authorization", "Digest x")])[0] == 401


def test_empty_credentials_are_none(names):
    assert set(search(names, "engine", headers=basic("", ""))) == PUBLIC
    assert refused(names, basic("", "x"))[0] == refused(names, basic("alice", ""))[0] == 401


def test_access_tokens_are_taken_for_passwords(stack):
    token = clients.access_token(stack, "alice")
    assert search(stack, "nosuch", headers=basic("alice", token)) == []
    assert refused(stack, basic("bob", token))[0] == 401


def test_registry_tokens_say_who_it_is(names):
    """The Docker engine sends one after a login that left it a refresh token."""
    own = names.token("registry:catalog:search", user="alice")
    assert "alice/engine" in search(names, "engine", headers=bearer(own))
    # one for something else does not show all that its account may read
    for scopes in ([], ["repository:alice/engine:pull,push"], ["registry:catalog:pull"]):
        other = names.token(*scopes, user="alice")
        assert set(search(names, "engine", headers=bearer(other))) == PUBLIC
    nobodys = names.token(user=None)
    assert set(search(names, "engine", headers=bearer(nobodys))) == PUBLIC


def test_bad_registry_tokens_are_refused(own_stack):
    stack = own_stack
    account(stack, "alice")
    token = stack.token("registry:catalog:search", user="alice")
    assert search(stack, "x", headers=bearer(token)) == []
    head, claims, signature = token.split(".")
    pad = "==="
    forged = json.loads(base64.urlsafe_b64decode(claims + pad))
    forged["sub"] = ADMIN
    forged = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    for bad in ("x", "a.b.c", ".".join((head, forged, signature)), ".".join((head, claims, signature[:-8] + "AAAAAAAA")),
                token[:-1], "a" * 9000):
        assert refused(stack, bearer(bad)) == (401, "NOT_AUTHENTICATED"), bad
    # one of a key that is known no longer
    stack.sql("UPDATE token_certificate SET verify_until = UTC_TIMESTAMP() - INTERVAL 1 SECOND")
    assert refused(stack, bearer(token)) == (401, "NOT_AUTHENTICATED")
    stack.sql("UPDATE token_certificate SET verify_until = NULL")
    # of an account that may not log in any more, or whose name is another's now
    stack.sql("UPDATE account SET is_active = 0 WHERE name = 'alice'")
    assert refused(stack, bearer(token)) == (401, "NOT_AUTHENTICATED")
    stack.sql("UPDATE account SET is_active = 1, name = 'bob' WHERE name = 'alice'")
    account(stack, "alice")
    assert refused(stack, bearer(token)) == (401, "NOT_AUTHENTICATED")
    # and one that was revoked
    token = stack.token(user="alice")
    assert stack.dtr("revoke-tokens").returncode == 0
    wait_for("the token is refused", lambda: refused(stack, bearer(token)) == (401, "NOT_AUTHENTICATED"))


@pytest.mark.parametrize("claims, good", [
    ({}, True),
    ({"exp": -60, "nbf": -120}, False),
    ({"nbf": 60}, False),
    ({"aud": "elsewhere"}, False),
    ({"iss": "https://elsewhere"}, False),
    ({"uid": "00000000-0000-7000-8000-000000000000"}, False),
    ({"uid": ""}, False),
    ({"sub": "bob"}, False),
    ({"sub": "nobody-of-that-name"}, False),
    ({"access": [{"type": "registry", "name": "catalog", "actions": ["pull", "*"]}]}, True),
    ({"access": "all"}, False),
    ({"access": [{"type": "registry", "name": "catalog", "actions": [1]}]}, False),
])
def test_claims_of_registry_tokens(names, claims, good):
    """Signed by a key of the registry: what is wrong is the claim alone."""
    now = int(time.time())
    [[uid]] = names.sql("SELECT LOWER(HEX(id)) FROM account WHERE name = 'alice'")
    generation = names.sql("SELECT value FROM setting WHERE name = 'token.generation'") or [[0]]
    all_claims = {"uid": str(uuid.UUID(uid)), "gen": int(generation[0][0]),
                  "access": [{"type": "registry", "name": "catalog", "actions": ["search"]}]}
    all_claims.update({k: now + v if k in ("exp", "nbf") else v for k, v in claims.items()})
    token = case_test.own_token(names, "alice/engine", **all_claims)
    if good:
        assert "alice/engine" in search(names, "engine", headers=bearer(token))
    else:
        assert refused(names, bearer(token)) == (401, "NOT_AUTHENTICATED")


def test_guessing_slows_the_one_who_guesses(stack):
    """By the client's own address, as dtr-garant would count it, and no header can change that."""
    account(stack, "mallory")
    right, wrong = basic("mallory"), basic("mallory", "guess")
    path = stack.path("run/api.sock")

    def ask(headers, remote):
        connection = fastcgi.Connection(path)
        connection.begin(fastcgi.request_params("GET", "/v1/search?q=x", headers, remote=remote))
        connection.end_body()
        status, found, _ = connection.answer()
        connection.close()
        return status, found
    # a login that is remembered tells no more than others
    assert ask(right, "192.0.2.2")[0] == 200
    statuses = [ask(wrong + [("X-Forwarded-For", "198.51.100.%d" % i)], "192.0.2.1")[0] for i in range(5)]
    assert statuses[:3] == [401] * 3 and statuses[-1] == 429
    status, headers = ask(right, "192.0.2.1")
    assert status == 429 and 1 <= int(headers["retry-after"]) <= 30
    assert ask(right, "192.0.2.2")[0] == 200
    assert ask(right, "198.51.100.1")[0] == 200
    # of IPv6 one customer has many
    statuses = [ask(wrong, "2001:db8:0:1::%d" % i)[0] for i in range(1, 6)]
    assert statuses[:3] == [401] * 3 and statuses[-1] == 429
    assert ask(right, "2001:db8:0:1:2:3:4:5")[0] == 429
    assert ask(right, "2001:db8:0:2::1")[0] == 200


def test_the_address_behind_a_trusted_proxy_counts():
    stack = Stack(settings=[("node.trusted_proxies", "127.0.0.1, 192.0.2.0/24")]).start()
    try:
        account(stack, "mallory")

        def ask(password, client):
            # a client of a proxy of a proxy; the first name is one that it made up
            return stack.request("GET", "/v1/search?q=x", basic("mallory", password) + [
                ("X-Forwarded-For", "203.0.113.9, %s, 192.0.2.7" % client)]).status
        assert [ask("guess", "198.51.100.1") for _ in range(5)][-1] == 429
        assert ask(PASSWORD, "198.51.100.1") == 429
        assert ask(PASSWORD, "198.51.100.2") == 200
        # dtr-garant saw that address and no other
        with open(stack.path("dtr-garant.log")) as f:
            seen = {json.loads(line)["remote"] for line in f if '"route":"identity"' in line}
        assert seen == {"198.51.100.1", "198.51.100.2"}
    finally:
        stack.stop()


def test_no_client_reaches_the_question_itself(stack):
    """/identity is for programs of the node: the web server passes only /auth/ on to dtr-garant."""
    for path in ("/identity", "/auth/identity", "/auth/../identity", "/auth/%2e%2e/identity"):
        answer = stack.request("GET", path, basic("alice"))
        assert answer.status in (400, 404), (path, answer.status)
    status, _, body = fastcgi.ask(stack.path("run/garant.sock"), "GET", "/identity", basic("alice"))
    assert status == 200 and json.loads(body)["name"] == "alice"


def test_without_garant_only_strangers_are_served(own_stack):
    stack = own_stack
    account(stack, "alice")
    make(stack, "alice/open", public=True)
    stack.stop_responder("dtr-garant")
    assert search(stack, "open") == ["alice/open"]
    answer = stack.request("GET", "/v1/search?q=open", basic("alice"))
    assert (answer.status, answer.code(), answer.header("retry-after")) == (503, "UNAVAILABLE", "2")
    stack.start_responder("dtr-garant")
    assert search(stack, "open", user="alice") == ["alice/open"]
    stack.mariadb("stop")
    answer = stack.request("GET", "/v1/search?q=open")
    assert (answer.status, answer.code()) == (503, "UNAVAILABLE")
    # garant cannot find out, which is neither yes nor no
    answer = stack.request("GET", "/v1/search?q=open", basic("alice"))
    assert (answer.status, answer.code()) == (503, "UNAVAILABLE")
    stack.mariadb("start")
    wait_for("it goes on", lambda: stack.request("GET", "/v1/search?q=open", basic("alice")).status == 200)


def test_no_secret_is_logged(stack):
    token = stack.token(user="alice")
    search(stack, "x", user="alice")
    search(stack, "x", headers=bearer(token))
    refused(stack, basic("alice", "a wrong pass phrase"))
    for program in ("dtr-api", "dtr-garant"):
        with open(stack.path(program + ".log")) as f:
            text = f.read()
        for secret in (PASSWORD, "a wrong pass phrase", token, basic("alice")[0][1].split()[1]):
            assert secret not in text
    with open(stack.path("dtr-api.log")) as f:
        lines = [json.loads(line) for line in f]
    assert any(line.get("route") == "search" and line.get("actor") == "alice" for line in lines)


@pytest.mark.parametrize("server", webserver.ALL, ids=lambda server: server.name)
def test_behind_each_web_server(server):
    stack = Stack(webserver=server)
    try:
        stack.start()
        account(stack, "alice")
        make(stack, "alice/open-door", public=True)
        make(stack, "alice/closed-door", user="alice")
        assert ping(stack) == ping(stack, "/health") == HEALTHY
        assert stack.request("GET", "/v1/_ping").status == 200
        assert search(stack, "door") == ["alice/open-door"]
        assert set(search(stack, "door", user="alice")) == {"alice/open-door", "alice/closed-door"}
        assert search(stack, "closed door", headers=bearer(stack.token("registry:catalog:search", user="alice"))) == [
            "alice/closed-door"]
        assert search(stack, "alice/open") == ["alice/open-door"]
        for text in ("a%b", "a+b", "a&b=c", "\u00eb"):
            assert search(stack, text) == []
        assert refused(stack, basic("alice", "wrong")) == (401, "NOT_AUTHENTICATED")
        for path in ("/identity", "/v1/identity", "/v1/../identity", "/_ping/../identity", "/v1/metrics", "/v1/../metrics"):
            assert stack.request("GET", path, basic("alice")).status in (400, 403, 404), path
        seen = {json.loads(line)["remote"] for line in open(stack.path("dtr-garant.log")) if '"route":"identity"' in line}
        assert seen == {"127.0.0.1"}
    finally:
        stack.stop()


# --- Docker

def test_docker_is_told_what_it_needs(stack):
    answer = stack.request("GET", "/v1/_ping")
    assert answer.status == 200 and answer.header("x-docker-registry-standalone") == "false"
    assert json.loads(answer.body) == {"standalone": False}


def lines_of(docker, term, *options):
    out = docker.good("search", *options, "%s/%s" % (docker.host, term))
    return [line.split()[0] for line in out.splitlines()[1:]]


def test_docker_search(names, started):
    docker = started("docker")
    assert set(lines_of(docker, "engine")) == PUBLIC
    log_in(docker, "alice")
    own = lines_of(docker, "engine")
    assert set(own) == PUBLIC | {"alice/engine", "alice/my-engine", "alice/tools/engine.v2"}
    assert own[0] == "alice/engine"
    assert lines_of(docker, "engine", "--limit", "2") == own[:2]
    assert lines_of(docker, "alice/my") == ["alice/my-engine"]
    assert lines_of(docker, "nosuchthing") == []
    out = docker.good("search", "--no-trunc", docker.host + "/open-engine")
    assert 'Ein "Motor" für alle' in out
    good(docker.logout())
    assert set(lines_of(docker, "engine")) == PUBLIC


def test_docker_search_by_password(names, started):
    """Docker keeps a password where a registry gives no token for it, or where people wrote it down."""
    docker = started("docker")
    log_in(docker, "alice")
    with open(docker.path("config%d" % docker.logins, "config.json"), "w") as f:
        json.dump({"auths": {docker.host: {"auth": basic("bob")[0][1].split()[1]}}}, f)
    assert set(lines_of(docker, "engine")) == PUBLIC | {"bob/engineer", "bob/secret-engine"}
    with open(docker.path("config%d" % docker.logins, "config.json"), "w") as f:
        json.dump({"auths": {docker.host: {"auth": basic("bob", "no")[0][1].split()[1]}}}, f)
    assert "401" in docker.place.bad(*docker.words(), "search", docker.host + "/engine")

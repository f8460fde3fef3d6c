"""Limits, read-only mode, immutable tags, tag limits, forced deletions: what an administrator decides."""
import base64
import hashlib
import json
import os
import random
import re
import shutil
import signal
import threading
import time
import urllib.parse

import pytest

import case_test
import fastcgi
from programs import reload
from stack import PASSWORD, USER, Stack, is_root, wait_for
from threads import Guarded

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Repository:
    """Raw requests to one repository."""

    def __init__(self, stack, name, user="admin"):
        self.stack, self.name, self.user = stack, name, user
        self.auth = stack.bearer("repository:%s:pull,push,delete" % name, user=user)

    def ask(self, method, path, headers=(), body=None, **more):
        return self.stack.request(method, "/v2/%s/%s" % (self.name, path), self.auth + list(headers), body, **more)

    def blob(self, data):
        answer = self.ask("POST", "blobs/uploads/?digest=" + digest_of(data), body=data)
        assert answer.status == 201, answer.body
        return digest_of(data)

    def image(self, text):
        """A manifest's bytes, its config and layer pushed."""
        config, layer = b'{"x":"%s"}' % text.encode(), b"layer " + text.encode()
        return json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": self.blob(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
                        "digest": self.blob(layer), "size": len(layer)}]}).encode()

    def put(self, reference, manifest, headers=(), kind=MANIFEST):
        return self.ask("PUT", "manifests/" + reference, [("Content-Type", kind)] + list(headers), manifest)

    def tags(self):
        return json.loads(self.ask("GET", "tags/list").body)["tags"]


@pytest.fixture
def setting(stack):
    """Changes settings, and waits until every worker has seen them; all go back at the end."""
    changed = {}

    def change(name, value):
        changed.setdefault(name, stack.dtr("setting", "get", name).stdout.strip())
        done = stack.dtr("setting", "set", name, str(value))
        assert done.returncode == 0, done.stderr
        time.sleep(1.6)  # workers look once a second
    yield change
    for name, value in changed.items():
        assert stack.dtr("setting", "set", name, value).returncode == 0
    if changed:
        time.sleep(1.6)


def dtr(stack, *words):
    done = stack.dtr(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- repositories

def test_an_immutable_tag_stays_where_it_is(stack):
    dtr(stack, "repository", "create", "admin/frozen", "--immutable-tags", "yes")
    repository = Repository(stack, "admin/frozen")
    first, second = repository.image("one"), repository.image("two")
    assert repository.put("v1", first).status == 201
    assert repository.put("v1", first).status == 201  # the same again is no move
    refused = repository.put("v1", second)
    assert refused.status == 403 and refused.code() == "DENIED"
    assert b"immutable" in refused.body and b"v1" in refused.body
    assert repository.ask("GET", "manifests/v1").body == first
    assert repository.put("v2", second).status == 201
    # several tags at once: all or none
    third = repository.image("three")
    assert repository.put(digest_of(third) + "?tag=v3&tag=v1", third).status == 403
    assert repository.tags() == ["v1", "v2"]
    dtr(stack, "repository", "set", "admin/frozen", "--immutable-tags", "no")
    assert repository.put("v1", second).status == 201
    assert repository.ask("GET", "manifests/v1").body == second


def test_the_oldest_tags_go_beyond_the_limit(stack):
    dtr(stack, "repository", "create", "admin/few", "--tag-limit", "3")
    repository = Repository(stack, "admin/few")
    image = repository.image("few")
    for i in (5, 4, 3):
        answer = repository.put("t%d" % i, image)
        assert answer.status == 201 and answer.header("Warning") is None
    answer = repository.put("t2", image)
    assert answer.status == 201 and "keeps 3" in answer.header("Warning")
    assert repository.tags() == ["t2", "t3", "t4"]  # t5 was pushed first
    assert repository.put("t4", image).status == 201  # pushed anew: the newest now
    assert repository.put("t1", image).status == 201
    assert repository.tags() == ["t1", "t2", "t4"]
    rows = stack.sql("SELECT name, action FROM tag_history WHERE repository_id ="
                     " (SELECT id FROM repository WHERE path = 'admin/few') ORDER BY happened")
    assert rows == [["t5", "2"], ["t3", "2"]]
    rows = stack.sql("SELECT tag, account, HEX(digest) FROM event WHERE repository = 'admin/few' AND kind = 3"
                     " ORDER BY happened")
    assert rows == [[tag, "admin", digest_of(image)[7:].upper()] for tag in ("t5", "t3")]


def test_a_limit_that_was_lowered_is_reached_in_some_pushes(stack):
    repository = Repository(stack, "admin/lowered")
    image = repository.image("lowered")
    names = ["t%03d" % i for i in range(60)]
    for i in range(0, 60, 30):
        query = "&".join("tag=" + name for name in names[i:i + 30])
        assert repository.put(digest_of(image) + "?" + query, image).status == 201
    dtr(stack, "repository", "set", "admin/lowered", "--tag-limit", "3")
    answer = repository.put("t000", image)
    assert "50 of the oldest" in answer.header("Warning") and "with the next push" in answer.header("Warning")
    assert len(repository.tags()) == 10
    answer = repository.put("t000", image)
    assert "7 of the oldest" in answer.header("Warning") and "next" not in answer.header("Warning")
    assert len(repository.tags()) == 3 and "t000" in repository.tags()


def test_a_tag_that_was_just_pushed_stays_whatever_the_clocks_say(stack):
    """The others came by a node whose clock is ahead, or this one's was set back."""
    dtr(stack, "repository", "create", "admin/clocks", "--tag-limit", "2")
    repository = Repository(stack, "admin/clocks")
    image = repository.image("clocks")
    for tag in ("t1", "t2"):
        assert repository.put(tag, image).status == 201
    stack.sql("UPDATE tag SET updated = updated + INTERVAL 1 HOUR WHERE repository_id ="
              " (SELECT id FROM repository WHERE path = 'admin/clocks')")
    answer = repository.put("t3", image)
    assert answer.status == 201 and "1 of the oldest" in answer.header("Warning")
    assert repository.tags() == ["t2", "t3"]
    answer = repository.put(digest_of(image) + "?tag=t4&tag=t5&tag=" + ATTACHED[0], image)
    assert answer.status == 201 and "2 of the oldest" in answer.header("Warning")
    assert repository.tags() == [ATTACHED[0], "t4", "t5"]


ATTACHED = ["sha256-" + "a" * 64, "sha256-" + "a" * 64 + ".sig", "sha512-" + "b" * 64 + ".att"]


def test_what_belongs_to_an_image_is_bound_by_no_rule_for_tags(stack):
    """Signatures and lists of referrers: tools move their tags."""
    dtr(stack, "repository", "create", "admin/signed", "--immutable-tags", "yes")
    repository = Repository(stack, "admin/signed")
    one, two = repository.image("s1"), repository.image("s2")
    for tag in ATTACHED:
        assert (repository.put(tag, one).status, repository.put(tag, two).status) == (201, 201)
    for tag in ("sha256-" + "a" * 63, "sha256-" + "a" * 65, "sha256-" + "A" * 64, "sha256-" + "a" * 64 + "x"):
        assert (repository.put(tag, one).status, repository.put(tag, two).status) == (201, 403)
    dtr(stack, "repository", "create", "admin/kept", "--tag-limit", "2")
    repository = Repository(stack, "admin/kept")
    one = repository.image("s1")
    for tag in ATTACHED + ["v1", "v2", "v3"]:
        assert repository.put(tag, one).status == 201
    assert repository.tags() == ATTACHED + ["v2", "v3"]


def test_a_limit_of_tags_takes_no_immutable_one(stack):
    """It could come back as another image."""
    both = ["--immutable-tags", "yes", "--tag-limit", "2"]
    for words in (["create", "admin/both"] + both, ["create", "admin/both", *both[2:]], ["set", "admin/both", *both[:2]]):
        done = stack.dtr("repository", *words)
        if "--immutable-tags" in words:
            assert done.returncode == 1 and "exclude each other" in done.stderr, (words, done.stderr)
    # as an earlier version let it be
    stack.sql("UPDATE repository SET immutable_tags = 1 WHERE path = 'admin/both'")
    repository = Repository(stack, "admin/both")
    one, two = repository.image("b1"), repository.image("b2")
    for tag in ("v1", "v2", "v3"):
        assert repository.put(tag, one).status == 201
    assert repository.put("v1", two).status == 403
    assert repository.tags() == ["v1", "v2", "v3"]
    dtr(stack, "repository", "set", "admin/both", "--visibility", "private")
    assert stack.dtr("repository", "set", "admin/both", "--tag-limit", "3").returncode == 1
    dtr(stack, "repository", "set", "admin/both", "--tag-limit", "3", "--immutable-tags", "no")


def test_more_tags_at_once_than_are_kept_are_refused(stack):
    dtr(stack, "repository", "create", "admin/two", "--tag-limit", "2")
    repository = Repository(stack, "admin/two")
    image = repository.image("many at once")
    refused = repository.put(digest_of(image) + "?tag=a&tag=b&tag=c", image)
    assert (refused.status, refused.code()) == (400, "TAG_INVALID") and b"keeps 2" in refused.body
    answer = repository.put(digest_of(image) + "?tag=a&tag=b&tag=" + ATTACHED[0], image)
    assert (answer.status, answer.header("OCI-Tag")) == (201, "a, b, " + ATTACHED[0])
    assert repository.put("c", image).status == 201
    assert repository.tags() == ["b", "c", ATTACHED[0]]


def test_two_who_change_a_repository_at_once_both_do(stack):
    dtr(stack, "repository", "create", "admin/shared", "--visibility", "public")
    for number in range(1, 21):
        jobs = [Guarded(stack.dtr, "repository", "set", "admin/shared", *words) for words in (
            ["--visibility", "private" if number % 2 else "public"], ["--tag-limit", str(number)])]
        assert [job.finish().returncode for job in jobs] == [0, 0]
        assert stack.sql("SELECT visibility, tag_limit FROM repository WHERE path = 'admin/shared'") == [
            [str((number + 1) % 2), str(number)]]


def test_who_asks_for_all_actions_gets_those_he_may_do(stack):
    dtr(stack, "repository", "create", "admin/open", "--visibility", "public")
    repository = Repository(stack, "admin/open")
    assert repository.put("a", repository.image("open")).status == 201
    for user in ("alice", None):
        auth = stack.bearer("repository:admin/open:*", user=user)
        assert stack.request("GET", "/v2/admin/open/manifests/a", auth).status == 200
        assert stack.request("DELETE", "/v2/admin/open/manifests/a", auth).status == 401


def test_who_may_read_no_more_may_not_with_an_older_token(stack):
    dtr(stack, "repository", "create", "admin/closing", "--visibility", "public")
    repository = Repository(stack, "admin/closing")
    assert repository.put("a", repository.image("closing")).status == 201
    auth = stack.bearer("repository:admin/closing:pull", user=None)
    assert stack.request("GET", "/v2/admin/closing/manifests/a", auth).status == 200
    dtr(stack, "repository", "set", "admin/closing", "--visibility", "private")
    wait_for("it is refused", lambda: stack.request("GET", "/v2/admin/closing/manifests/a", auth).status == 401)
    # the owner logs in again
    assert Repository(stack, "admin/closing").ask("GET", "manifests/a").status == 200


def test_a_new_worker_says_why_it_refuses_its_first_request(stack):
    reload(stack)
    for _ in range(8):
        answer = stack.request("GET", "/v2/", [("Authorization", "Bearer none")])
        assert answer.status == 401 and b"the token is malformed" in answer.body


def test_a_setting_that_cannot_be_read_keeps_no_token_from_being_revoked(stack):
    dtr(stack, "user", "create", "leaver", "--password-file", stack.path("password"))
    token = stack.bearer("registry:catalog:*", user="leaver")

    def statuses():
        return {stack.request("GET", "/v2/_catalog", token).status for _ in range(8)}
    assert statuses() == {200}
    stack.sql("REPLACE INTO setting VALUES ('gc.delay', 'soon', 1, UTC_TIMESTAMP(6))")
    try:
        dtr(stack, "user", "set", "leaver", "--active", "no")
        # a worker that is so young that it has not looked before refuses all
        wait_for("no worker takes the token", lambda: 200 not in statuses())
    finally:
        stack.sql("DELETE FROM setting WHERE name = 'gc.delay'")


def test_repositories_by_command(stack):
    assert "public" in dtr(stack, "repository", "create", "admin/seen", "--visibility", "public")
    again = stack.dtr("repository", "create", "admin/seen")
    assert again.returncode == 1 and "exists already" in again.stderr
    for words, text in (
            (["create", "Admin/Bad"], "not valid"), (["create", "alone"], "not valid"),
            (["create", "nobody-there/x"], "no user or organisation"), (["set", "admin/missing"], "no repository"),
            (["set", "admin/seen", "--tag-limit", "-1"], "number from 0"),
            (["set", "admin/seen", "--tag-limit", "1001"], "to 1000"),
            (["set", "admin/seen", "--visibility", "secret"], "public or private"),
            (["set", "admin/seen", "--immutable-tags", "maybe"], "yes or no")):
        done = stack.dtr("repository", *words)
        assert done.returncode in (1, 2) and text in done.stderr, (words, done.stderr)
    repository = Repository(stack, "admin/seen")
    assert repository.put("a", repository.image("seen")).status == 201
    for user in ("alice", None):
        auth = stack.bearer("repository:admin/seen:pull", user=user)
        assert stack.request("GET", "/v2/admin/seen/manifests/a", auth).status == 200
        assert stack.request("PUT", "/v2/admin/seen/manifests/a", auth).status == 401
    rows = json.loads(dtr(stack, "repository", "list", "--json"))["repositories"]
    assert [r for r in rows if r["name"] == "admin/seen"][0]["visibility"] == "public"


# --- settings

def test_a_push_makes_no_repository_when_it_may_not(stack, setting):
    there = Repository(stack, "alice/made-before", user="alice")
    image = there.image("there")
    assert there.put("v1", image).status == 201
    dtr(stack, "repository", "create", "admin/closed")
    early = Repository(stack, "alice/early", "alice")  # its token is older than the setting
    setting("createRepositoryOnPush", "false")
    before = stack.counts()
    # administrators are no exception; who may not push learns no more of what is there
    for name, user in (("alice/new", "alice"), ("alice/new", "admin"), ("admin/new", "admin"), ("admin/new", "alice"),
                       ("admin/closed", "alice"), ("nobody-there/new", "admin")):
        repository = Repository(stack, name, user)
        for method, path, body in (("POST", "blobs/uploads/", None), ("PUT", "manifests/v1", image),
                                   ("POST", "blobs/uploads/?digest=" + digest_of(b"x"), b"x"),
                                   ("POST", "blobs/uploads/?mount=%s&from=alice/made-before" % digest_of(b"layer there"),
                                    None)):
            answer = repository.ask(method, path, [("Content-Type", MANIFEST)], body)
            assert (answer.status, answer.code()) == (401, "DENIED"), (name, user, method, answer.body)
            assert b"a push makes none" in answer.body, answer.body
            assert b"administrator can make it: dtr repository create " + name.encode() in answer.body
    for method, path, body in (("POST", "blobs/uploads/", None), ("PUT", "manifests/v1", image)):
        answer = early.ask(method, path, [("Content-Type", MANIFEST)], body)
        assert (answer.status, answer.code()) == (404, "NAME_UNKNOWN"), answer.body
    assert stack.counts() == before
    missing = Repository(stack, "alice/new", "alice").ask("GET", "manifests/v1")
    assert (missing.status, missing.code()) == (404, "NAME_UNKNOWN")
    # what is there is pushed to
    there = Repository(stack, "alice/made-before", user="alice")
    again = there.image("there again")
    assert there.put("v2", again).status == 201 and there.tags() == ["v1", "v2"]
    # as it was told
    dtr(stack, "repository", "create", "alice/new")
    made = Repository(stack, "alice/new", user="alice")
    assert made.put("v1", made.image("new")).status == 201
    setting("createRepositoryOnPush", "true")
    newer = Repository(stack, "alice/newer", user="alice")
    assert newer.put("v1", newer.image("newer")).status == 201


def test_read_only_mode_refuses_pushes_and_says_who_can_change_it(stack, setting):
    repository = Repository(stack, "admin/readonly")
    image = repository.image("ro")
    assert repository.put("a", image).status == 201
    started = repository.ask("POST", "blobs/uploads/")
    setting("readOnly", "true")
    before = stack.counts()
    for method, path, body in (
            ("POST", "blobs/uploads/", None), ("POST", "blobs/uploads/?digest=" + digest_of(b"x"), b"x"),
            ("POST", "blobs/uploads/?mount=%s&from=admin/readonly" % digest_of(b"layer ro"), None),
            ("PATCH", started.header("Location").split("readonly/")[1], b"x"),
            ("PUT", "manifests/b", image), ("DELETE", "manifests/a", None),
            ("DELETE", "blobs/" + digest_of(b"layer ro"), None)):
        answer = repository.ask(method, path, body=body)
        assert (answer.status, answer.code()) == (403, "DENIED"), (method, path, answer.body)
        assert b"read-only" in answer.body and b"administrator" in answer.body
    assert stack.counts() == before
    assert repository.ask("GET", "manifests/a").body == image
    assert repository.ask("GET", "blobs/" + digest_of(b"layer ro")).body == b"layer ro"
    assert repository.ask("GET", started.header("Location").split("readonly/")[1]).status == 204
    setting("readOnly", "false")
    assert repository.put("b", image).status == 201


def test_a_blob_over_the_maximum_is_refused(stack, setting):
    repository = Repository(stack, "admin/large")
    setting("upload.maxSize", 100000)
    for data in (b"y" * 100001, b"z" * 3000000):
        for chunked in (False, True):
            before = stack.counts()["blob_content"]
            answer = repository.ask("POST", "blobs/uploads/?digest=" + digest_of(data), body=data, chunked=chunked)
            assert (answer.status, answer.code()) == (413, "SIZE_INVALID"), answer.body
            assert b"100000 bytes" in answer.body
            assert stack.counts()["blob_content"] == before
    # and in pieces
    location = repository.ask("POST", "blobs/uploads/").header("Location").split("large/")[1]
    assert repository.ask("PATCH", location, body=b"a" * 60000).status == 202
    assert repository.ask("PATCH", location, body=b"a" * 60000).status == 413
    assert repository.ask("GET", location).header("Range") == "0-59999"
    assert repository.blob(b"b" * 100000)


def test_uploads_of_one_account_have_a_limit(stack, setting):
    repository = Repository(stack, "admin/many")
    other = Repository(stack, "alice/many", user="alice")
    stack.sql("UPDATE upload SET touched = touched - INTERVAL 2 HOUR")
    setting("upload.perUser", 3)
    uploads = [repository.ask("POST", "blobs/uploads/") for _ in range(3)]
    assert [u.status for u in uploads] == [202] * 3
    refused = repository.ask("POST", "blobs/uploads/")
    assert (refused.status, refused.code()) == (429, "TOOMANYREQUESTS")
    assert int(refused.header("Retry-After")) > 0
    # and no repository comes of it
    assert Repository(stack, "admin/many-more").ask("POST", "blobs/uploads/").status == 429
    assert stack.sql("SELECT 1 FROM repository WHERE path = 'admin/many-more'") == []
    assert other.ask("POST", "blobs/uploads/").status == 202  # it is not his limit
    assert repository.ask("DELETE", uploads[0].header("Location").split("many/")[1]).status == 204
    assert repository.ask("POST", "blobs/uploads/").status == 202


def test_the_rate_of_requests_has_a_limit(stack, setting):
    alice, bob = Repository(stack, "alice/rate", user="alice"), Repository(stack, "admin/rate")
    assert bob.put("a", bob.image("rate")).status == 201
    setting("rate.burst", 5)
    setting("rate.limit", 1)
    answers = [alice.ask("GET", "manifests/none") for _ in range(12)]
    limited = [a for a in answers if a.status == 429]
    assert answers[0].status == 404 and len(limited) >= 4
    assert limited[-1].code() == "TOOMANYREQUESTS" and int(limited[-1].header("Retry-After")) >= 1
    assert bob.ask("GET", "manifests/a").status == 200  # others are not slowed down
    setting("rate.limit", 0)
    assert alice.ask("GET", "manifests/none").status == 404
    text = stack.ask_node("GET", "/_health/registry/metrics").body.decode()
    assert float([l for l in text.splitlines() if l.startswith("registry_requests_limited_total ")][0].split()[1]) >= 4


def test_no_token_is_longer_than_programs_take(stack):
    def ask(count):
        scopes = " ".join("repository:admin/%03d%s:pull,push" % (i, "x" * 120) for i in range(count))
        form = urllib.parse.urlencode({"grant_type": "password", "username": "admin", "password": PASSWORD,
                                       "service": stack.host, "client_id": "test", "scope": scopes})
        return stack.request("POST", "/auth/token", [("Content-Type", "application/x-www-form-urlencoded")],
                             form.encode())
    cut = set()
    for count in range(1, 200, 11):
        answer = ask(count)
        assert answer.status == 200, answer.body
        body = json.loads(answer.body)
        assert len(body["token"]) <= 8192
        assert stack.request("GET", "/v2/", [("Authorization", "Bearer " + body["token"])]).status == 200
        # those that were named last, as many as it has room for
        granted = [int(s.split("/")[1][:3]) for s in body["scope"].split()]
        assert granted == list(range(count))[-len(granted):] and len(granted) >= min(count, 16)
        cut.add(len(granted) < count)
    assert cut == {True, False}


def test_referrers_that_fill_a_page_have_no_second_one(stack):
    repository = Repository(stack, "admin/hundred")
    image = repository.image("hundred")
    assert repository.put("a", image).status == 201

    def refer(number):
        document = json.dumps({**json.loads(image), "annotations": {"n": str(number)}, "subject": {
            "mediaType": MANIFEST, "digest": digest_of(image), "size": len(image)}}).encode()
        assert repository.put(digest_of(document), document).status == 201
    for number in range(100):
        refer(number)
    answer = repository.ask("GET", "referrers/" + digest_of(image))
    assert len(json.loads(answer.body)["manifests"]) == 100 and answer.header("Link") is None
    refer(100)
    answer = repository.ask("GET", "referrers/" + digest_of(image))
    assert len(json.loads(answer.body)["manifests"]) == 100 and answer.header("Link") is not None


def ask_from(stack, remote, socket, target, headers=(), method="GET", body=None):
    """Status, headers and body of an answer to this address, as a web server gets it from the program."""
    connection = fastcgi.Connection(stack.path("run", socket))
    try:
        connection.begin(fastcgi.request_params(method, target, headers, body and len(body), remote))
        if body:
            connection.body(body)
        connection.end_body()
        return connection.answer()
    finally:
        connection.close()


def ask_until_limited(ask, status):
    """The 429: its headers and the code of its error."""
    for _ in range(200):
        got, headers, body = ask()
        if got == 429:
            return headers, json.loads(body)["errors"][0]["code"]
        assert got == status, body
    raise AssertionError("there is no limit")


def test_who_has_no_account_is_limited_by_his_address(stack, setting):
    setting("rate.burst", 2)
    setting("rate.limit", 1)
    token = "/auth/token?service=" + stack.host
    bad = [("Authorization", "Bearer a.b.c")]
    form = ("grant_type=refresh_token&client_id=x&refresh_token=none&service=" + stack.host).encode()
    places = iter(range(1, 100))
    for socket, target, status, headers, body, code in (
            ("registry.sock", "/v2/", 401, [], None, "TOOMANYREQUESTS"),
            ("registry.sock", "/v2/", 401, bad, None, "TOOMANYREQUESTS"),
            ("garant.sock", token, 200, [], None, "TOOMANYREQUESTS"),
            ("garant.sock", "/auth/token", 401, [], form, "TOOMANYREQUESTS"),
            ("garant.sock", "/auth/jwks", 200, [], None, "TOOMANYREQUESTS"),
            ("api.sock", "/v1/search?q=x", 200, [], None, "TOO_MANY_REQUESTS"),
            ("garant.sock", "/auth/token?service=wrong", 400, [], None, "TOOMANYREQUESTS"),
            ("garant.sock", "/auth/token", 400, [], b"grant_type=none", "TOOMANYREQUESTS"),
            ("api.sock", "/v1/search?q=x", 401, bad, None, "TOO_MANY_REQUESTS")):
        place, ends = next(places), iter(range(1, 1000))

        def ask(remote=None):
            # each time another address of the same customer
            remote = remote or "2001:db8:%x::%x" % (place, next(ends))
            return ask_from(stack, remote, socket, target, headers, "POST" if body else "GET", body)
        said, told = ask_until_limited(ask, status)
        assert told == code and said["content-type"] == "application/json"
        assert ask("2001:db8:%x:1::1" % place)[0] == ask("192.0.2.%d" % place)[0] == status
        ask_until_limited(ask, status)
        time.sleep(int(said["retry-after"]))
        assert ask()[0] == status


def test_who_logged_in_is_limited_by_his_account(stack, setting):
    setting("rate.burst", 2)
    setting("rate.limit", 1)

    def asker(user, socket, target):
        basic = base64.b64encode(("%s:%s" % (user, PASSWORD)).encode()).decode()
        return lambda: ask_from(stack, "192.0.2.200", socket, target, [("Authorization", "Basic " + basic)])
    for socket, target in (("garant.sock", "/auth/token?service=" + stack.host), ("api.sock", "/v1/search?q=x")):
        ask_until_limited(asker("alice", socket, target), 200)
        assert asker("admin", socket, target)()[0] == 200


def test_probes_have_no_limit(stack, setting):
    setting("rate.burst", 1)
    setting("rate.limit", 1)
    for socket in ("registry.sock", "garant.sock", "api.sock"):
        for path in ("/livez", "/readyz", "/metrics") + ("/_ping", "/health", "/v1/_ping") * (
                socket == "api.sock"):
            assert [ask_from(stack, "192.0.2.201", socket, path)[0] for _ in range(20)] == [200] * 20, path


def test_a_usual_client_meets_no_limit(stack, setting):
    """One token for each pull or push: a limit of one a second, with the usual burst, lets many begin at once."""
    setting("rate.limit", 1)
    for _ in range(50):
        assert stack.bearer("repository:alice/usual:pull", user="alice")


def test_the_catalog_goes_by_the_account_not_by_its_name(stack):
    users = ("renamed-one", "renamed-two")
    for user in users:
        dtr(stack, "user", "create", user, "--password-file", stack.path("password"))
        own = Repository(stack, user + "/own", user=user)
        assert own.put("v1", own.image(user)).status == 201
    token = stack.bearer("registry:catalog:*", user=users[0])
    assert json.loads(stack.request("GET", "/v2/_catalog?n=1&last=renamed", token).body) == {
        "repositories": ["renamed-one/own"]}
    for old, new in (("one", "three"), ("two", "one")):
        stack.sql("UPDATE account SET name = 'renamed-%s' WHERE name = 'renamed-%s'" % (new, old))
    assert json.loads(stack.request("GET", "/v2/_catalog?n=1&last=renamed", token).body) == {
        "repositories": ["renamed-one/own"]}


def test_the_catalog_of_nobody_has_what_everybody_may_read(stack):
    for name in ("seen", "unseen"):
        own = Repository(stack, "alice/catalog-" + name, user="alice")
        assert own.put("v1", own.image(name)).status == 201
    dtr(stack, "repository", "set", "alice/catalog-seen", "--visibility", "public")
    answer = stack.request("GET", "/v2/_catalog?n=1000&last=alice/catalog-", stack.bearer(
        "registry:catalog:*", user=None))
    names = json.loads(answer.body)["repositories"]
    assert "alice/catalog-seen" in names and "alice/catalog-unseen" not in names


@pytest.fixture
def slow_logins(request):
    """A registry that checks one password at a time, which takes a second or so; or at another cost."""
    running = Stack(settings=[("garant.workers", "1"), ("garant.password_checks", "1"),
                              ("garant.password_cost", getattr(request, "param", "10"))])
    try:
        yield running.start()
    finally:
        running.stop()


def test_password_checks_at_once_have_a_limit(slow_logins):
    stack = slow_logins
    secret = dtr(stack, "token", "create", "admin", "--label", "a build server").strip()

    def log_in(password=PASSWORD):
        start = time.monotonic()
        basic = base64.b64encode(("admin:" + password).encode()).decode()
        answer = stack.request("GET", "/auth/token?service=" + stack.host, [("Authorization", "Basic " + basic)])
        return answer, time.monotonic() - start

    many = [Guarded(log_in) for _ in range(14)]
    # an access token needs no such check
    assert log_in(secret)[0].status == 200
    done = [m.finish() for m in many]
    assert {answer.status for answer, _ in done} == {200, 429}, [answer.status for answer, _ in done]
    assert max(seconds for _, seconds in done) < 30
    refused = [answer for answer, _ in done if answer.status == 429]
    for answer in refused:
        assert (answer.code(), answer.header("Retry-After")) == ("TOOMANYREQUESTS", "5")
        assert b"too many logins at once; try again in a few seconds" in answer.body
    text = stack.ask_node("GET", "/_health/garant/metrics").body.decode()
    assert 'garant_logins_total{result="busy"} %d\n' % len(refused) in text
    # nobody was locked out for that, nor is a place lost
    assert [log_in()[0].status for _ in range(3)] == [200] * 3
    dtr(stack, "user", "create", "carol", "--password-file", stack.path("password"))
    assert stack.token(user="carol")


@pytest.mark.parametrize("slow_logins", ["5"], indirect=True)
def test_who_guesses_for_many_names_leaves_places_to_others(slow_logins):
    stack, stop = slow_logins, threading.Event()

    def log_in(remote, name, password):
        basic = base64.b64encode(("%s:%s" % (name, password)).encode()).decode()
        return ask_from(stack, remote, "garant.sock", "/auth/token", [("Authorization", "Basic " + basic)])[0]

    def guess(number):
        found = set()
        while not stop.is_set():
            found.add(log_in("2001:db8::%x" % number, "name%d" % random.randrange(10 ** 9), "not this one"))
            time.sleep(0.02)
        return found
    guests = [Guarded(guess, i) for i in range(20)]
    time.sleep(1)
    # each takes its time, and its turn
    answers = [log_in("192.0.2.%d" % i, "admin" if i == 0 else "dave", PASSWORD) for i in range(3)]
    stop.set()
    assert answers == [200, 401, 401]
    assert set().union(*(guest.finish() for guest in guests)) == {401, 429}


def test_a_password_is_remembered_for_its_user_and_until_it_changes(stack):
    new = stack.path("new-password")
    with open(new, "w") as f:
        f.write("quite another password\n")
    os.chmod(new, 0o600)
    if is_root():
        shutil.chown(new, USER)
    dtr(stack, "user", "create", "changer", "--password-file", stack.path("password"))
    dtr(stack, "user", "create", "stranger", "--password-file", new)

    def log_in(name):
        basic = base64.b64encode(("%s:%s" % (name, PASSWORD)).encode()).decode()
        return stack.request("GET", "/auth/token", [("Authorization", "Basic " + basic)]).status
    # until every process remembers it
    assert {log_in("changer") for _ in range(20)} == {200}
    assert {log_in("stranger") for _ in range(3)} == {401}
    dtr(stack, "user", "passwd", "changer", "--password-file", new)
    assert {log_in("changer") for _ in range(3)} == {401}


def test_a_clock_that_is_put_back_shuts_nobody_out(stack):
    dtr(stack, "user", "create", "early", "--password-file", stack.path("password"))

    def log_in(password):
        basic = base64.b64encode(("early:" + password).encode()).decode()
        return stack.request("GET", "/auth/token", [("Authorization", "Basic " + basic)]).status
    wait_for("guesses are slowed", lambda: log_in("guess") == 429)
    stack.sql("UPDATE login_delay SET touched = touched + INTERVAL 1 HOUR,"
              " blocked_until = blocked_until + INTERVAL 1 HOUR")
    wait_for("guesses are slowed again", lambda: log_in("guess") == 429)
    stack.sql("UPDATE login_delay SET touched = touched + INTERVAL 1 HOUR,"
              " blocked_until = blocked_until + INTERVAL 1 HOUR")
    assert log_in(PASSWORD) == 200


def test_keys_are_kept_for_less_than_a_new_one_waits(stack):
    kept = re.fullmatch(r"max-age=(\d+)", stack.request("GET", "/auth/jwks").header("Cache-Control")).group(1)
    made = json.loads(dtr(stack, "key", "rotate", "--json"))
    assert int(kept) < made["signs_in_s"]
    published = json.loads(stack.request("GET", "/auth/jwks").body)["keys"]
    assert made["kid"] in [key["kid"] for key in published]


def test_a_key_that_is_taken_away_is_believed_no_longer(own_stack):
    dtr(own_stack, "user", "create", "alice", "--password-file", own_stack.path("password"))
    numbers = iter(range(100000))

    def answer(**changes):
        """To a token that nobody remembers."""
        token = case_test.own_token(own_stack, "alice/any", jti=str(next(numbers)))
        head, rest = token.split(".", 1)
        head = case_test.url64(json.dumps({**case_test.decoded(head), **changes}).encode())
        return own_stack.request("GET", "/v2/", [("Authorization", "Bearer %s.%s" % (head, rest))]).status
    # a key's name that it does not know makes a process look for new ones
    wait_for("all processes know the key", lambda: {answer() for _ in range(8)} == {200})
    own_stack.sql("DELETE FROM token_certificate WHERE kid = 'test-key'")
    wait_for("none believes it", lambda: {answer(kid="none") for _ in range(8)} | {answer() for _ in range(8)} == {401})


def test_counts_of_guesses_go_as_fast_as_they_come(stack):
    stack.sql("INSERT INTO login_delay SELECT UNHEX(SHA2(CONCAT('old', seq), 256)), 1, UTC_TIMESTAMP(6),"
              " UTC_TIMESTAMP(6) - INTERVAL 2 HOUR FROM seq_1_to_5000")
    stack.responders["dtr-garant"].send_signal(signal.SIGHUP)
    old = "SELECT COUNT(*) FROM login_delay WHERE touched < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR"
    wait_for("all are gone", lambda: stack.sql(old) == [["0"]])


def test_forced_deletions_need_a_setting(stack, setting):
    repository = Repository(stack, "admin/force")
    image = repository.image("force")
    assert repository.put("a", image).status == 201
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": digest_of(image), "size": len(image)}]}).encode()
    assert repository.put("i", index, kind=INDEX).status == 201
    cache = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": json.loads(image)["layers"]}).encode()
    assert repository.put("c", cache, kind=INDEX).status == 201
    layer = "blobs/" + digest_of(b"layer force")
    for path, users in ((layer, (image, cache)), ("manifests/" + digest_of(image), (index,))):
        refused = repository.ask("DELETE", path)
        assert (refused.status, refused.code()) == (405, "UNSUPPORTED"), refused.body
        assert any(digest_of(u).encode() in refused.body for u in users)
    setting("delete.force", "true")
    assert repository.ask("DELETE", layer).status == 202
    assert repository.ask("HEAD", layer).status == 404
    # nobody could pull another image of it
    other = json.dumps({**json.loads(image), "annotations": {"n": "other"}}).encode()
    refused = repository.put("b", other)
    assert (refused.status, refused.code()) == (400, "MANIFEST_BLOB_UNKNOWN"), refused.body
    # nor this one under another tag, also when that is no longer allowed
    setting("delete.force", "false")
    for document, kind in ((image, MANIFEST), (cache, INDEX)):
        refused = repository.put("b", document, kind=kind)
        assert (refused.status, refused.code()) == (400, "MANIFEST_BLOB_UNKNOWN"), refused.body
    setting("delete.force", "true")
    assert repository.ask("DELETE", "manifests/" + digest_of(image)).status == 202
    assert repository.ask("GET", "manifests/a").status == 404
    setting("delete.force", "false")
    refused = repository.put("j", index, kind=INDEX)
    assert (refused.status, refused.code()) == (400, "MANIFEST_BLOB_UNKNOWN"), refused.body
    # what went can be pushed again
    image = repository.image("force")
    assert repository.put("a", image).status == 201
    assert repository.ask("GET", layer).body == b"layer force"


def test_documents_of_unknown_types_need_a_setting(stack, setting):
    repository = Repository(stack, "admin/anything")
    image = repository.image("subject of it")
    assert repository.put("v1", image).status == 201
    kind = "application/vnd.example.report.v1+json"
    document = json.dumps({"mediaType": kind, "anything": [1, 2], "artifactType": "example/report", "subject": {
        "mediaType": MANIFEST, "digest": digest_of(image), "size": len(image)}}).encode()
    refused = repository.put(digest_of(document), document, kind=kind)
    assert (refused.status, refused.code()) == (400, "MANIFEST_INVALID")
    setting("manifest.anyType", "true")
    assert repository.put(digest_of(document), document, kind=kind).header("OCI-Subject") == digest_of(image)
    answer = repository.ask("GET", "manifests/" + digest_of(document))
    assert answer.body == document and answer.header("Content-Type") == kind
    found = json.loads(repository.ask("GET", "referrers/" + digest_of(image)).body)["manifests"]
    assert [(m["digest"], m["mediaType"], m["artifactType"]) for m in found] == [
        (digest_of(document), kind, "example/report")]
    for bad, text in ((kind + "x", document), ("text/plain", document), (kind, b"[]"), (kind, b"{"),
                      ("application/other+json", document), ("application/a\tb+json", document),
                      # who ignores case would see a subject, or another one
                      (kind, document.replace(b'"subject"', b'"Subject"'))):
        assert repository.put("bad", text, kind=bad).code() == "MANIFEST_INVALID", bad
    first = {"schemaVersion": 1, "name": "anything", "tag": "a", "fsLayers": [], "history": []}
    kind = "application/vnd.docker.distribution.manifest.v1+json"
    refused = repository.put("a", json.dumps(first).encode(), kind=kind)
    assert (refused.status, refused.code()) == (400, "MANIFEST_INVALID")
    assert b"schema 1 are not supported" in refused.body


def test_a_document_is_of_the_type_it_was_pushed_as_last(stack, setting):
    repository = Repository(stack, "admin/retyped")
    document = json.loads(repository.image("retyped"))
    layer = document["layers"][0]["digest"]
    del document["mediaType"]
    document = json.dumps(document).encode()
    docker, other = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.example.x+json"

    def kind_of(tag):
        return repository.ask("HEAD", "manifests/" + tag).header("Content-Type")

    for kind in (docker, MANIFEST, docker):
        assert repository.put("a", document, kind=kind).status == 201
        assert kind_of("a") == kind
    # nothing of the rest is read in a document of an unknown type
    setting("manifest.anyType", "true")
    assert repository.put("b", document, kind=other).status == 201
    assert repository.ask("DELETE", "blobs/" + layer).status == 202
    refused = repository.put("c", document)
    assert (refused.status, refused.code()) == (400, "MANIFEST_BLOB_UNKNOWN"), refused.body
    assert kind_of("b") == other
    # what an immutable tag points to stays what it is
    stack.sql("UPDATE repository SET immutable_tags = 1 WHERE path = 'admin/retyped'")
    refused = repository.put(digest_of(document), document, kind=docker)
    assert (refused.status, refused.code()) == (403, "DENIED") and other.encode() in refused.body
    assert kind_of("b") == other
    stack.sql("UPDATE repository SET immutable_tags = 0 WHERE path = 'admin/retyped'")
    # as an image it holds its blobs
    repository.image("retyped")
    assert repository.put("c", document).status == 201
    assert repository.ask("DELETE", "blobs/" + layer).status == 405


# --- conditions and several tags

def test_conditional_pushes(stack):
    repository = Repository(stack, "admin/when")
    one, two = repository.image("w1"), repository.image("w2")
    quoted = '"%s"' % digest_of(one)
    assert repository.put("t", one, [("If-Match", "*")]).status == 412
    assert repository.put("t", one, [("If-None-Match", "*")]).status == 201
    failed = repository.put("t", two, [("If-None-Match", "*")])
    assert (failed.status, failed.code()) == (412, "PRECONDITION_FAILED")
    assert repository.put("t", two, [("If-Match", '"%s"' % digest_of(two))]).status == 412
    assert repository.ask("GET", "manifests/t").body == one
    assert repository.put("t", two, [("If-Match", '"sha256:%s", %s' % ("0" * 64, quoted))]).status == 201
    assert repository.put(digest_of(two), two, [("If-None-Match", "*")]).status == 412
    assert repository.put(digest_of(one), one, [("If-Match", "*")]).status == 201


def test_two_conditional_pushes_at_once_have_one_winner(stack):
    from concurrent.futures import ThreadPoolExecutor
    repository = Repository(stack, "admin/race")
    images = [repository.image("r%d" % i) for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for round_ in range(5):
            answers = list(pool.map(
                lambda image: repository.put("t%d" % round_, image, [("If-None-Match", "*")]).status, images))
            assert sorted(answers) == [201] + [412] * 5
            winner = images[answers.index(201)]
            assert repository.ask("GET", "manifests/t%d" % round_).body == winner


def test_several_tags_in_one_push(stack):
    repository = Repository(stack, "admin/tags")
    image = repository.image("tags")
    path = digest_of(image) + "?" + "&".join("tag=v%02d" % i for i in range(12)) + "&tag=v00"
    answer = repository.put(path, image)
    assert answer.status == 201 and answer.header("OCI-Tag") == ", ".join("v%02d" % i for i in range(12))
    assert repository.tags() == ["v%02d" % i for i in range(12)]
    assert repository.put(digest_of(image) + "?tag=-bad", image).code() == "TAG_INVALID"
    many = repository.put(digest_of(image) + "?" + "&".join("tag=m%d" % i for i in range(33)), image)
    assert (many.status, many.code()) == (414, "TAG_INVALID")
    assert len(repository.tags()) == 12
    # deleting by digest takes all of them, whatever their number
    assert repository.ask("DELETE", "manifests/" + digest_of(image)).status == 202
    assert repository.tags() == []


def test_a_manifest_with_more_tags_than_a_page_goes_whole(stack):
    repository = Repository(stack, "admin/hundreds")
    image = repository.image("hundreds")
    for first in range(0, 600, 30):
        assert repository.put(digest_of(image) + "?" + "&".join(
            "tag=n%d" % i for i in range(first, first + 30)), image).status == 201
    assert repository.ask("DELETE", "manifests/" + digest_of(image)).status == 202
    assert repository.tags() == []
    wait_for("history", lambda: stack.sql(
        "SELECT COUNT(*) FROM tag_history h JOIN repository r ON r.id = h.repository_id"
        " WHERE r.path = 'admin/hundreds'") == [["600"]])

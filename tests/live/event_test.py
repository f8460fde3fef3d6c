"""Events, counters and last pulls; nothing is lost at a stop."""
import json
import re
import time

import fastcgi
from policy_test import INDEX, MANIFEST, Repository, ask_from, digest_of
from stack import Stack, wait_for

KINDS = {"1": "push", "2": "pull", "3": "delete", "4": "mount"}


def events(stack, repository):
    rows = stack.sql(
        "SELECT kind, object, COALESCE(tag, ''), LOWER(HEX(digest)), COALESCE(media_type, ''), times,"
        " COALESCE(account, ''), COALESCE(from_repository, ''), request_id, size, user_agent FROM event"
        " WHERE repository = '%s' ORDER BY happened, tag" % repository)
    names = ("kind", "object", "tag", "digest", "type", "times", "account", "from", "request", "size", "agent")
    found = [dict(zip(names, row)) for row in rows]
    for event in found:
        event["kind"] = KINDS[event["kind"]]
        event["object"] = {"1": "manifest", "2": "blob"}[event["object"]]
    return found


def total(stack, repository, kind):
    return int(stack.sql(
        "SELECT COALESCE(SUM(c.total), 0) FROM repository_counter c JOIN repository r ON r.id = c.repository_id"
        " WHERE r.path = '%s' AND c.kind = %d" % (repository, kind))[0][0])


def test_changes_write_their_events(stack):
    repository = Repository(stack, "admin/events")
    image = repository.image("events")
    answer = repository.put("v1", image, [("User-Agent", "tester/1 \u00e9"), ("X-Request-Id", "events-test-1")])
    assert answer.status == 201
    assert repository.put(digest_of(image) + "?tag=v2&tag=v3", image).status == 201
    both = stack.bearer("repository:admin/events2:pull,push", "repository:admin/events:pull")
    mount = stack.request("POST", "/v2/admin/events2/blobs/uploads/?mount=%s&from=admin/events"
                          % digest_of(b"layer events"), both)
    assert mount.status == 201
    assert repository.ask("DELETE", "manifests/v2", [("User-Agent", "x" * 300)]).status == 202
    assert repository.ask("DELETE", "manifests/" + digest_of(image)).status == 202
    assert repository.ask("DELETE", "blobs/" + digest_of(b"layer events")).status == 202
    found = events(stack, "admin/events")
    told = [(e["kind"], e["object"], e["tag"]) for e in found]
    assert sorted(told[:2]) == [("push", "blob", "")] * 2
    assert told[2:] == [("push", "manifest", "v1"), ("push", "manifest", "v2"), ("push", "manifest", "v3"),
                        ("delete", "manifest", "v2"), ("delete", "manifest", ""), ("delete", "blob", "")]
    first = found[2]
    assert first["digest"] == digest_of(image)[7:] and first["type"] == MANIFEST
    assert (first["account"], first["request"], first["size"]) == ("admin", "events-test-1", str(len(image)))
    assert first["agent"] == "tester/1 "  # what is no ASCII is cut off
    assert found[5]["agent"] == "x" * 255
    assert total(stack, "admin/events", 1) == 3
    mounted = events(stack, "admin/events2")
    assert [(e["kind"], e["object"], e["from"]) for e in mounted] == [("mount", "blob", "admin/events")]


def test_refused_changes_write_none(stack):
    repository = Repository(stack, "admin/noevents")
    before = stack.sql("SELECT COUNT(*) FROM event")
    assert repository.put("a", b"{}").status == 400
    assert repository.ask("DELETE", "manifests/none").status == 404
    assert repository.ask("POST", "blobs/uploads/?digest=" + digest_of(b"a"), body=b"b").status == 400
    assert stack.sql("SELECT COUNT(*) FROM event") == before


def test_pulls_are_counted_in_batches(stack):
    repository = Repository(stack, "admin/pulled")
    image = repository.image("pulled")
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": digest_of(image), "size": len(image)}]}).encode()
    assert repository.put("one", image).status == 201 and repository.put("two", image).status == 201
    assert repository.put("multi", index, kind=INDEX).status == 201
    for _ in range(20):
        assert repository.ask("GET", "manifests/one").status == 200
    assert repository.ask("HEAD", "manifests/multi").status == 200  # no pull
    assert repository.ask("GET", "manifests/" + digest_of(image)).status == 200
    assert repository.ask("GET", "manifests/none").status == 404
    cached = repository.ask("GET", "manifests/one", [("If-None-Match", '"%s"' % digest_of(image))])
    assert cached.status == 304
    wait_for("pulls are written", lambda: total(stack, "admin/pulled", 2) == 21)
    pulls = [e for e in events(stack, "admin/pulled") if e["kind"] == "pull"]
    assert sum(int(e["times"]) for e in pulls if e["tag"] == "one") == 20
    assert len(pulls) <= 8  # two workers, a few batches
    rows = stack.sql("SELECT p.name, SUM(p.total) FROM tag_pull p JOIN repository r ON r.id = p.repository_id"
                     " WHERE r.path = 'admin/pulled' GROUP BY p.name ORDER BY p.name")
    assert rows == [["one", "21"], ["two", "1"]]  # by digest: both tags that point there
    assert stack.sql("SELECT COUNT(*) FROM tag_pull WHERE last_pulled > UTC_TIMESTAMP() - INTERVAL 1 MINUTE") != [["0"]]


def test_pulls_are_told_apart(stack):
    repository = Repository(stack, "admin/apart")
    image = repository.image("apart")
    assert repository.put(digest_of(image) + "?tag=t111&tag=t232", image).status == 201
    for words in (["repository", "set", "admin/apart", "--visibility", "public"],
                  ["user", "create", "apart-aaa", "--password-file", stack.path("password")],
                  ["user", "create", "apart-bcb", "--password-file", stack.path("password")]):
        done = stack.dtr(*words)
        assert done.returncode == 0, done.stderr
    # in the table of pulls these meet: 31 * 31 + 2 * 31 + 1 is the number of its chains
    pulls = (("apart-aaa", "192.0.2.111", "t111"), ("apart-aaa", "192.0.2.111", "t232"),
             ("apart-aaa", "192.0.2.232", "t111"), ("apart-bcb", "192.0.2.111", "t111"))
    auth = {user: stack.bearer("repository:admin/apart:pull", user=user) for user in ("apart-aaa", "apart-bcb")}
    # in turn, so that each process gets some of each
    for _ in range(8):
        for user, remote, tag in pulls:
            target = "/v2/admin/apart/manifests/" + tag
            assert ask_from(stack, remote, "registry.sock", target, auth[user])[0] == 200
    wait_for("pulls are written", lambda: total(stack, "admin/apart", 2) == 32)
    rows = stack.sql("SELECT account, remote, tag, SUM(times) FROM event WHERE repository = 'admin/apart'"
                     " AND kind = 2 GROUP BY account, remote, tag ORDER BY account, remote, tag")
    assert rows == [[*pull, "8"] for pull in pulls]


def test_a_later_pull_is_the_last_one(stack):
    repository = Repository(stack, "admin/again")
    assert repository.put("a", repository.image("again")).status == 201

    def last():
        return stack.sql("SELECT MAX(p.last_pulled) FROM tag_pull p JOIN repository r ON r.id = p.repository_id"
                         " WHERE r.path = 'admin/again' AND p.name = 'a'")[0][0]
    seen = "NULL"
    for _ in range(3):
        before = stack.sql("SELECT UTC_TIMESTAMP(6)")[0][0]
        assert repository.ask("GET", "manifests/a").status == 200
        # written every five seconds
        wait_for("the pull is written", lambda: last() != seen, 25)
        assert last() >= before
        seen = last()
    # a tag that gets this name later was not pulled yet
    assert repository.ask("DELETE", "manifests/a").status == 202
    assert repository.put("a", repository.image("again")).status == 201
    assert last() == "NULL"
    # and a pull that is written after the tag is gone is none of it

    def written():
        return stack.sql("SELECT SUM(times) FROM event WHERE repository = 'admin/again' AND kind = 2")[0][0]
    before = written()
    assert repository.ask("GET", "manifests/a").status == 200
    assert repository.ask("DELETE", "manifests/a").status == 202
    wait_for("it is written", lambda: written() != before, 25)
    assert last() == "NULL"


def test_the_history_of_tags_says_who_and_when(stack):
    alice, admin = Repository(stack, "alice/past", user="alice"), Repository(stack, "alice/past")
    one, two = alice.image("past one"), alice.image("past two")

    def at(change):
        """The rows that this change added, each told by whom; it is of this moment."""
        known = "SELECT h.id, h.name, h.action, a.name, LOWER(HEX(m.digest)), h.happened FROM tag_history h" \
            " JOIN repository r ON r.id = h.repository_id JOIN manifest m ON m.id = h.manifest_id" \
            " LEFT JOIN account a ON a.id = h.account_id WHERE r.path = 'alice/past'"
        before = {row[0] for row in stack.sql(known.replace("h.id,", "HEX(h.id),"))}
        begun = stack.sql("SELECT UTC_TIMESTAMP(6)")[0][0]
        assert change().status in (201, 202)
        ended = stack.sql("SELECT UTC_TIMESTAMP(6)")[0][0]
        rows = [row for row in stack.sql(known.replace("h.id,", "HEX(h.id),")) if row[0] not in before]
        assert all(begun <= row[5] <= ended for row in rows)
        return sorted((row[1], {"1": "moved", "2": "deleted"}[row[2]], row[3], "sha256:" + row[4]) for row in rows)
    assert at(lambda: alice.put("a", one)) == []
    assert at(lambda: admin.put("a", two)) == [("a", "moved", "admin", digest_of(one))]
    assert at(lambda: alice.put("a", one)) == [("a", "moved", "alice", digest_of(two))]
    assert at(lambda: admin.ask("DELETE", "manifests/a")) == [("a", "deleted", "admin", digest_of(one))]
    assert at(lambda: alice.put(digest_of(one) + "?tag=b&tag=c", one)) == []
    assert at(lambda: alice.ask("DELETE", "manifests/" + digest_of(one))) == [
        ("b", "deleted", "alice", digest_of(one)), ("c", "deleted", "alice", digest_of(one))]
    assert at(lambda: alice.put("d", two)) == []
    assert stack.dtr("repository", "set", "alice/past", "--tag-limit", "1").returncode == 0
    assert at(lambda: admin.put("e", two)) == [("d", "deleted", "admin", digest_of(two))]


def test_no_pull_is_lost_at_a_stop_or_reload(own_stack):
    repository = Repository(own_stack, "admin/stop")
    assert repository.put("a", repository.image("stop")).status == 201
    count = 0
    for _ in range(3):
        for _ in range(10):
            assert repository.ask("GET", "manifests/a").status == 200
            count += 1
        own_stack.stop_responder("dtr-registry")
        assert total(own_stack, "admin/stop", 2) == count
        own_stack.start_responder("dtr-registry")
        wait_for("registry serves", lambda: own_stack.answers("/_health/registry/readyz"))


def test_no_pull_is_lost_when_a_request_outlives_the_drain():
    stack = Stack(sendfile="none", settings=[("node.drain_seconds", "1"), ("registry.workers", "1")])
    try:
        stack.start()
        repository = Repository(stack, "admin/outlived")
        assert repository.put("a", repository.image("outlived")).status == 201
        large = repository.blob(b"l" * (8 << 20))
        # a client that does not read its answer
        silent = fastcgi.Connection(stack.path("run/registry.sock"))
        silent.begin(fastcgi.request_params("GET", "/v2/admin/outlived/blobs/" + large, repository.auth))
        silent.end_body()
        silent.read(8)
        assert repository.ask("GET", "manifests/a").status == 200
        wait_for("it was just written", lambda: total(stack, "admin/outlived", 2) == 1)
        for _ in range(11):
            assert repository.ask("GET", "manifests/a").status == 200
        stack.stop_responder("dtr-registry")
        assert total(stack, "admin/outlived", 2) == 12
        with open(stack.path("dtr-registry.log")) as log:
            logged = [json.loads(line)["event"] for line in log]
        assert "drain_deadline_passed" in logged and "pulls_lost" not in logged
        silent.close()
    finally:
        stack.stop()


def lost(stack):
    text = stack.ask_node("GET", "/_health/registry/metrics").body.decode()
    return int(re.search(r"^registry_pulls_lost_total (\d+)", text, re.M).group(1))


def test_pulls_wait_for_the_database(own_stack):
    repository = Repository(own_stack, "admin/wait")
    assert repository.put("a", repository.image("wait")).status == 201
    for _ in range(7):
        assert repository.ask("GET", "manifests/a").status == 200
    own_stack.mariadb("stop")
    time.sleep(6)  # so that it is tried meanwhile; nothing shows that
    own_stack.mariadb("start")
    wait_for("pulls are written", lambda: total(own_stack, "admin/wait", 2) == 7)
    assert lost(own_stack) == 0


def test_pulls_that_the_database_refuses_are_counted_and_hold_up_no_others(own_stack):
    repository = Repository(own_stack, "admin/refused")
    assert repository.put("a", repository.image("refused")).status == 201
    own_stack.sql("RENAME TABLE event TO event_away")
    for _ in range(7):
        assert repository.ask("GET", "manifests/a").status == 200
    wait_for("they are given up", lambda: lost(own_stack) == 7)
    own_stack.sql("RENAME TABLE event_away TO event")
    for _ in range(5):
        assert repository.ask("GET", "manifests/a").status == 200
    wait_for("pulls are written", lambda: total(own_stack, "admin/refused", 2) == 5)
    assert lost(own_stack) == 7
    with open(own_stack.path("dtr-registry.log")) as log:
        told = [event for event in map(json.loads, log) if event["event"] == "pulls_lost"]
    assert sum(event["pulls"] for event in told) == 7

"""Tags that come back: `dtr tag history` and `dtr tag restore`."""
import json

import pytest

from event_test import events, total
from policy_test import INDEX, MANIFEST, Repository, digest_of, dtr, setting  # noqa: F401 (a fixture)


def restore(stack, place, *words):
    return json.loads(dtr(stack, "tag", "restore", place, *words, "--json"))


def state(stack):
    """All but pulls, which are written a while later."""
    return stack.counts(), stack.sql("SELECT COUNT(*) FROM event WHERE kind <> 2"), stack.sql(
        "SELECT HEX(repository_id), name, HEX(manifest_id), updated FROM tag ORDER BY 1, 2")


def refused(stack, place, *words, code=1):
    """Why it is; nothing was changed."""
    before = state(stack)
    done = stack.dtr("tag", "restore", place, *words, "--json")
    assert (done.returncode, done.stdout) == (code, ""), done.stdout
    assert state(stack) == before
    return json.loads(done.stderr)["error"]


def history(stack, place):
    return json.loads(dtr(stack, "tag", "history", place, "--json"))["changes"]


def pull(repository, reference):
    """The manifest's bytes, once all that it needs was pulled as well."""
    answer = repository.ask("GET", "manifests/" + reference)
    assert answer.status == 200, answer.body
    document = json.loads(answer.body)
    for item in [document["config"]] + document["layers"]:
        blob = repository.ask("GET", "blobs/" + item["digest"])
        assert blob.status == 200 and digest_of(blob.body) == item["digest"]
    return answer.body


def test_each_step_can_be_undone(stack):
    repository = Repository(stack, "admin/undo")
    one, two = repository.image("undo one"), repository.image("undo two")
    for image in (one, two):
        assert repository.put("v1", image).status == 201
    # it was moved
    assert restore(stack, "admin/undo:v1") == {
        "repository": "admin/undo", "tag": "v1", "digest": digest_of(one), "before": digest_of(two),
        "changed": True, "removedTags": 0}
    assert pull(repository, "v1") == one
    assert restore(stack, "admin/undo:v1")["digest"] == digest_of(two)
    assert pull(repository, "v1") == two
    # it was deleted
    assert repository.ask("DELETE", "manifests/v1").status == 202
    assert repository.ask("GET", "manifests/v1").status == 404
    assert restore(stack, "admin/undo:v1")["before"] is None
    assert pull(repository, "v1") == two
    # with its manifest, and what that had
    assert repository.ask("DELETE", "manifests/" + digest_of(two)).status == 202
    for text in (b"layer undo two", b'{"x":"undo two"}'):
        assert repository.ask("DELETE", "blobs/" + digest_of(text)).status == 202
        assert repository.ask("HEAD", "blobs/" + digest_of(text)).status == 404
    assert repository.ask("GET", "manifests/" + digest_of(two)).status == 404
    assert digest_of(two) in dtr(stack, "tag", "restore", "admin/undo:v1")
    assert pull(repository, "v1") == pull(repository, digest_of(two)) == two
    assert repository.ask("DELETE", "blobs/" + digest_of(b"layer undo two")).status == 405
    # the one that is named
    assert restore(stack, "admin/undo:v1", "--digest", digest_of(one))["changed"]
    assert pull(repository, "v1") == one
    again = dtr(stack, "tag", "restore", "admin/undo:v1", "--digest", digest_of(one))
    assert again == "admin/undo:v1 points to %s already, nothing changed\n" % digest_of(one)
    assert repository.tags() == ["v1"]


def test_history_says_who_when_and_what(stack):
    alice, admin = Repository(stack, "alice/told", user="alice"), Repository(stack, "alice/told")
    one, two = alice.image("told one"), alice.image("told two")
    assert [r.put(tag, image).status for r, tag, image in (
        (alice, "a", one), (alice, "b", one), (admin, "a", two))] == [201] * 3
    assert alice.ask("DELETE", "manifests/b").status == 202
    restore(stack, "alice/told:a")
    found = history(stack, "alice/told")
    assert [(c["tag"], c["change"], c["digest"], c["account"], c["restorable"]) for c in found] == [
        ("a", "moved", digest_of(two), None, True),
        ("b", "deleted", digest_of(one), "alice", True),
        ("a", "moved", digest_of(one), "admin", True)]
    assert all(c["happened"] < c["expires"] and c["happened"].endswith("Z") for c in found)
    assert history(stack, "alice/told:a") == [found[0], found[2]]
    assert history(stack, "alice/told:none") == []
    lines = dtr(stack, "tag", "history", "alice/told:b").splitlines()
    assert len(lines) == 2 and lines[1].split() == [
        found[1]["happened"], "b", "deleted", digest_of(one), "alice", found[1]["expires"], "yes"]


def test_history_of_more_than_a_page(stack):
    repository = Repository(stack, "admin/pages")
    assert repository.put("v1", repository.image("pages")).status == 201
    # more of one moment than a page has, and more in all than are listed
    stack.sql("INSERT INTO tag_history (id, repository_id, name, manifest_id, action, happened, expires)"
              " SELECT UNHEX(MD5(CONCAT('pages', seq))), t.repository_id, CONCAT('t', seq), t.manifest_id, 1,"
              " UTC_TIMESTAMP(6) + INTERVAL (seq - 1) DIV 1500 SECOND, UTC_TIMESTAMP(6) + INTERVAL 1 DAY"
              " FROM seq_1_to_12000 JOIN tag t JOIN repository r ON r.id = t.repository_id WHERE r.path = 'admin/pages'")
    found = history(stack, "admin/pages")
    assert len({c["tag"] for c in found}) == len(found) == 10000
    # the newest, first
    assert {c["tag"] for c in found} > {"t%d" % i for i in range(3001, 12001)}
    times = [c["happened"] for c in found]
    assert times == sorted(times, reverse=True) and len(set(times)) == 7


def test_a_restored_tag_is_told_as_a_push(stack):
    repository = Repository(stack, "admin/audit")
    image = repository.image("audit")
    assert repository.put("v1", image).status == 201
    assert repository.ask("DELETE", "manifests/v1").status == 202
    pushes = total(stack, "admin/audit", 1)
    restore(stack, "admin/audit:v1")
    last = [e for e in events(stack, "admin/audit") if e["object"] == "manifest"][-1]
    assert (last["kind"], last["tag"], last["digest"], last["type"], last["size"]) == (
        "push", "v1", digest_of(image)[7:], MANIFEST, str(len(image)))
    # by whom: not an account, but a user of the system
    user = stack.dtr("conf", "--key", "node.user").stdout.strip()
    assert last["account"] == "" and last["agent"].startswith("dtr/") and last["agent"].endswith(")")
    assert user == "" or "(%s)" % user in last["agent"]
    assert total(stack, "admin/audit", 1) == pushes + 1


def test_rules_of_the_repository_hold(stack):
    dtr(stack, "repository", "create", "admin/fixed")
    repository = Repository(stack, "admin/fixed")
    one, two = repository.image("fixed one"), repository.image("fixed two")
    for image in (one, two):
        assert repository.put("v1", image).status == 201
    dtr(stack, "repository", "set", "admin/fixed", "--immutable-tags", "yes")
    assert "is immutable" in refused(stack, "admin/fixed:v1")
    assert pull(repository, "v1") == two
    # one that was deleted is not moved
    assert repository.ask("DELETE", "manifests/v1").status == 202
    restore(stack, "admin/fixed:v1")
    assert pull(repository, "v1") == two


def test_the_limit_of_tags_holds(stack):
    dtr(stack, "repository", "create", "admin/two-tags", "--tag-limit", "2")
    repository = Repository(stack, "admin/two-tags")
    image = repository.image("two tags")
    for tag in ("v1", "v2", "v3"):
        assert repository.put(tag, image).status == 201
    assert repository.tags() == ["v2", "v3"]
    assert restore(stack, "admin/two-tags:v1")["removedTags"] == 1
    assert repository.tags() == ["v1", "v3"]
    out = dtr(stack, "tag", "restore", "admin/two-tags:v2")
    assert "1 of the oldest tags were removed: this repository keeps 2" in out
    assert repository.tags() == ["v1", "v2"]
    deleted = [e["tag"] for e in events(stack, "admin/two-tags") if e["kind"] == "delete"]
    assert deleted == ["v1", "v2", "v3"]


def test_nothing_comes_back_while_the_registry_is_read_only(stack, setting):  # noqa: F811
    repository = Repository(stack, "admin/locked")
    image = repository.image("locked")
    assert repository.put("v1", image).status == 201
    assert repository.ask("DELETE", "manifests/v1").status == 202
    setting("readOnly", "true")
    assert "read-only" in refused(stack, "admin/locked:v1")
    assert len(history(stack, "admin/locked:v1")) == 1
    setting("readOnly", "false")
    restore(stack, "admin/locked:v1")
    assert pull(repository, "v1") == image


def test_what_was_deleted_by_force_is_missed(stack, setting):  # noqa: F811
    repository = Repository(stack, "admin/cut")
    one, two, child = repository.image("cut one"), repository.image("cut two"), repository.image("cut child")
    for image in (one, two):
        assert repository.put("v1", image).status == 201
    assert repository.put("child", child).status == 201
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": digest_of(child), "size": len(child)}]}).encode()
    assert repository.put("all", index, kind=INDEX).status == 201
    layer = digest_of(b"layer cut one")
    setting("delete.force", "true")
    assert repository.ask("DELETE", "blobs/" + layer).status == 202
    assert repository.ask("DELETE", "manifests/" + digest_of(index)).status == 202
    assert repository.ask("DELETE", "manifests/" + digest_of(child)).status == 202
    setting("delete.force", "false")
    # with and without its manifest
    assert layer in refused(stack, "admin/cut:v1")
    assert repository.ask("DELETE", "manifests/" + digest_of(one)).status == 202
    assert layer in refused(stack, "admin/cut:v1")
    assert pull(repository, "v1") == two
    assert digest_of(child) in refused(stack, "admin/cut:all")
    # once they are there again
    repository.blob(b"layer cut one")
    restore(stack, "admin/cut:v1")
    assert pull(repository, "v1") == one
    restore(stack, "admin/cut:child")
    restore(stack, "admin/cut:all")
    assert repository.ask("GET", "manifests/all").body == index


def test_a_layer_that_need_not_be_here_is_not_missed(stack, setting):  # noqa: F811
    repository = Repository(stack, "admin/foreign")
    document = json.loads(repository.image("foreign"))
    base = b"layer that stays with its maker"
    document["layers"].append({"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
                               "digest": repository.blob(base), "size": len(base), "urls": ["http://maker.test/base"]})
    image, layer = json.dumps(document).encode(), document["layers"][0]["digest"]
    assert repository.put("v1", image).status == 201
    setting("delete.force", "true")
    assert repository.ask("DELETE", "blobs/" + digest_of(base)).status == 202
    for way in ("v1", digest_of(image)):
        assert repository.ask("DELETE", "manifests/" + way).status == 202
        restore(stack, "admin/foreign:v1")
        assert repository.ask("GET", "manifests/v1").body == image
    assert repository.ask("GET", "blobs/" + digest_of(base)).status == 404
    # one of the others is
    assert repository.ask("DELETE", "blobs/" + layer).status == 202
    assert repository.ask("DELETE", "manifests/v1").status == 202
    assert layer in refused(stack, "admin/foreign:v1")


def test_what_has_expired_does_not_come_back(stack):
    repository = Repository(stack, "admin/expired")
    one, two, three = (repository.image("expired %d" % i) for i in range(3))
    for image in (one, two, three):
        assert repository.put("v1", image).status == 201
    here = " WHERE repository_id = (SELECT id FROM repository WHERE path = 'admin/expired')"
    stack.sql("UPDATE tag_history SET expires = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND" + here
              + " AND manifest_id = (SELECT id FROM manifest WHERE HEX(digest) = '%s')" % digest_of(one)[7:].upper())
    assert "has expired" in refused(stack, "admin/expired:v1", "--digest", digest_of(one))
    assert [c["restorable"] for c in history(stack, "admin/expired:v1")] == [True, False]
    stack.sql("UPDATE tag_history SET expires = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND" + here)
    assert "no history" in refused(stack, "admin/expired:v1")
    # as garbage collection will leave it
    stack.sql("DELETE FROM tag_history" + here)
    there = " (SELECT id FROM (SELECT id FROM manifest WHERE HEX(digest) = '%s') x)" % digest_of(one)[7:].upper()
    for table, column in (("manifest_blob", "manifest_id"), ("manifest_payload", "manifest_id"), ("manifest", "id")):
        stack.sql("DELETE FROM %s WHERE %s =" % (table, column) + there)
    gone = refused(stack, "admin/expired:v1", "--digest", digest_of(one))
    assert "manifest %s is gone" % digest_of(one) in gone


@pytest.mark.parametrize("place, words, code, text", [
    ("admin/nowhere:v1", [], 1, 'no repository "admin/nowhere"'),
    ("admin/names:other", [], 1, 'tag "other" has no history'),
    ("admin/names:v1", [], 1, 'tag "v1" has no history'),
    ("admin/names:v1", ["--digest", "sha256:" + "0" * 64], 1, "is gone"),
    ("admin/names:v1", ["--digest", "sha256:" + "A" * 64], 2, "--digest must be"),
    ("admin/names:v1", ["--digest", "v2"], 2, "--digest must be"),
    ("admin/names", [], 2, "no tag given"),
    ("admin/names:", [], 2, "is not valid"),
    ("admin/names:-v1", [], 2, "is not valid"),
    ("Admin/names:v1", [], 2, "is not valid"),
    ("admin/names@sha256:" + "0" * 64, [], 2, "is not valid"),
])
def test_names_that_are_wrong(stack, place, words, code, text):
    repository = Repository(stack, "admin/names")
    assert repository.put("v1", repository.image("names")).status == 201
    assert text in refused(stack, place, *words, code=code)


@pytest.mark.parametrize("place, code, text", [
    ("admin/nowhere", 1, 'no repository "admin/nowhere"'), ("admin/nowhere:-", 2, "is not valid")])
def test_history_of_names_that_are_wrong(stack, place, code, text):
    done = stack.dtr("tag", "history", place)
    assert done.returncode == code and text in done.stderr, done.stderr

"""An upgrade, node by node: the programs of the version before go on with tables that a newer one brought forward."""
import json
import os

import pytest

from api_test import basic
from policy_test import Repository, digest_of
from stack import PROGRAMS, TOP, Stack

NEWEST = max(int(name[:4]) for name in os.listdir(os.path.join(TOP, "schema", "migrate")))


@pytest.fixture(scope="module")
def node():
    running = Stack().start()
    yield running
    running.stop()


def bring_forward(stack):
    """What a migration may do to any table: columns before and behind the others, a key; and a table of its own."""
    for table, in stack.sql("SELECT table_name FROM information_schema.TABLES WHERE table_schema = 'dtr'"):
        stack.sql("ALTER TABLE %s ADD COLUMN later_text VARCHAR(20) NULL FIRST, "
                  "ADD COLUMN later_number BIGINT NOT NULL DEFAULT 7, ADD KEY later_key (later_number)" % table)
    stack.sql("CREATE TABLE later (id BINARY(16) NOT NULL, repository_id BINARY(16) NOT NULL, PRIMARY KEY (id), "
              "CONSTRAINT later_repository FOREIGN KEY (repository_id) REFERENCES repository (id))")
    stack.sql("UPDATE schema_version SET version = %d, step = 0" % (NEWEST + 1))


def dtr(stack, *words, code=0):
    done = stack.dtr(*words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def work(stack, name):
    """What clients, administrators and jobs do, each kind once."""
    dtr(stack, "user", "create", name, "--password-file", stack.path("password"))
    repository = Repository(stack, name + "/image", user=name)
    manifest = repository.image("of " + name)
    assert repository.put("v1", manifest).status == 201
    assert repository.put("v2", manifest).status == 201
    assert repository.tags() == ["v1", "v2"]
    for reference in ("v1", digest_of(manifest)):
        assert repository.ask("GET", "manifests/" + reference).body == manifest
    for blob in [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]:
        assert len(repository.ask("GET", "blobs/" + blob["digest"]).body) == blob["size"]
    other = Repository(stack, name + "/other", user=name)
    mounted = stack.request("POST", "/v2/%s/other/blobs/uploads/?mount=%s&from=%s/image" % (name, blob["digest"], name),
                            stack.bearer("repository:%s/other:pull,push" % name, "repository:%s/image:pull" % name,
                                         user=name))
    assert mounted.status == 201
    assert other.ask("GET", "blobs/" + blob["digest"]).status == 200
    repository.image("of " + name)  # again: its objects are doomed
    left = repository.ask("POST", "blobs/uploads/").header("Location").split("image/")[1]
    assert repository.ask("PATCH", left, body=b"x" * 100).status == 202
    stack.sql("UPDATE upload SET touched = touched - INTERVAL 8 DAY")
    assert dtr(stack, "gc", "uploads") == "1 uploads dropped\n"
    stack.sql("UPDATE object SET not_before = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE state = 3")
    assert dtr(stack, "gc", "objects") == "3 objects removed, 0 failed\n"
    for reference in ("v2", digest_of(manifest)):
        assert repository.ask("DELETE", "manifests/" + reference).status == 202
    assert repository.ask("GET", "manifests/v1").status == 404
    catalog = stack.request("GET", "/v2/_catalog", stack.bearer("registry:catalog:*", user=name))
    assert name + "/image" in json.loads(catalog.body)["repositories"]
    found = stack.request("GET", "/v1/search?q=" + name + "/im", basic(name))
    assert [item["name"] for item in json.loads(found.body)["results"]] == [name + "/image"]


def test_programs_go_on_with_newer_tables(node):
    work(node, "before")
    bring_forward(node)
    work(node, "meanwhile")  # by statements that were prepared before
    for program in PROGRAMS:
        node.stop_responder(program)
        node.start_responder(program)
    work(node, "after")
    for name in ("registry", "garant", "api"):
        assert node.answers("/_health/%s/readyz" % name), name
    assert json.loads(node.request("GET", "/_ping").body)["Healthy"]


def test_what_is_said_of_newer_tables(node):
    text = "version %d is newer than this program, which knows %d and works with it" % (NEWEST + 1, NEWEST)
    found = [(c["result"], c["text"]) for c in json.loads(dtr(node, "check", "--json"))["checks"]
             if c["check"] == "schema"]
    assert [result for result, _ in found] == ["warn"] and text in found[0][1], found
    assert dtr(node, "migrate", "--status") == (
        "the database has schema version %d, this program %d; only a newer one can migrate\n" % (NEWEST + 1, NEWEST))


@pytest.mark.parametrize("more", [[], ["--finish"]])
def test_migrate_of_the_version_before_changes_nothing(node, more):
    def state():
        return (node.sql("SELECT version, step, claimed_by FROM schema_version"),
                node.sql("SELECT table_name, column_name FROM information_schema.COLUMNS "
                         "WHERE table_schema = 'dtr' ORDER BY 1, 2"),
                node.sql("SELECT grantee, table_name, privilege_type FROM information_schema.TABLE_PRIVILEGES "
                         "ORDER BY 1, 2, 3"))
    # a right that only the newer programs need
    node.sql("GRANT SELECT ON dtr.later TO dtr_api@localhost")
    before = state()
    said = dtr(node, "migrate", *more, code=1)
    assert said == ("dtr: migrate: the database has schema %d, this program knows %d; use a newer program\n"
                    % (NEWEST + 1, NEWEST))
    assert state() == before
    work(node, "finished" if more else "refused")


def test_a_verb_that_fails_before_the_migration_says_what_to_do(node):
    repository = Repository(node, "admin/behind")
    repository.image("behind")
    repository.image("behind")  # again: its objects are doomed
    node.sql("UPDATE object SET not_before = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE state = 3")
    node.sql("RENAME TABLE gc_freed TO gc_freed_away")
    node.sql("UPDATE schema_version SET version = %d, step = 0" % (NEWEST - 1))
    said = dtr(node, "gc", "objects", code=1)
    assert said.startswith("dtr: gc objects: run: dtr migrate: the database refused a statement (gc_freed_add: "), said
    node.sql("RENAME TABLE gc_freed_away TO gc_freed")
    node.sql("UPDATE schema_version SET version = %d" % NEWEST)
    assert dtr(node, "gc", "objects") == "2 objects removed, 0 failed\n"

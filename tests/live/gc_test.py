"""dtr gc uploads and objects: what nobody needs goes, nothing else does."""
import json
import os
import re

from policy_test import Repository, digest_of
from stack import wait_for

def files(stack):
    return sorted(os.path.join(d, f) for d, _, names in os.walk(stack.storage) for f in names)


def gc(stack, what, *more):
    done = stack.dtr("gc", what, *more)
    return done.returncode, done.stdout + done.stderr


def test_idle_uploads_expire(own_stack):
    repository = Repository(own_stack, "admin/idle")
    kept = repository.blob(b"kept")
    idle = [repository.ask("POST", "blobs/uploads/").header("Location").split("idle/")[1] for _ in range(3)]
    for location in idle:
        assert repository.ask("PATCH", location, body=b"x" * 1000).status == 202
    busy = repository.ask("POST", "blobs/uploads/").header("Location").split("idle/")[1]
    assert repository.ask("PATCH", busy, body=b"y" * 10).status == 202
    assert gc(own_stack, "uploads") == (0, "0 uploads dropped\n")
    own_stack.sql("UPDATE upload SET touched = touched - INTERVAL 8 DAY WHERE received = 1000")
    # one of them has a writer
    own_stack.sql("UPDATE upload SET lease_until = UTC_TIMESTAMP() + INTERVAL 1 HOUR WHERE received = 1000 LIMIT 1")
    assert gc(own_stack, "uploads", "--limit", "1") == (0, "1 uploads dropped\n")
    assert gc(own_stack, "uploads") == (0, "1 uploads dropped\n")
    assert own_stack.sql("SELECT COUNT(*) FROM upload") == [["2"]]
    assert sorted(repository.ask("GET", location).status for location in idle) == [204, 404, 404]
    # their objects go after gc.delay
    before = files(own_stack)
    assert gc(own_stack, "objects") == (0, "0 objects removed, 0 failed\n")
    own_stack.sql("UPDATE object SET not_before = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE state = 3")
    assert gc(own_stack, "objects") == (0, "2 objects removed, 0 failed\n")
    assert len(before) - len(files(own_stack)) == 2
    assert own_stack.sql("SELECT COUNT(*) FROM object WHERE state = 3") == [["0"]]
    # what is left works
    assert repository.ask("PUT", busy + "&digest=" + digest_of(b"y" * 10)).status == 201
    assert repository.ask("GET", "blobs/" + kept).body == b"kept"


def test_the_loser_of_a_race_for_a_digest_is_removed(own_stack):
    repository = Repository(own_stack, "admin/twice")
    for _ in range(3):
        repository.blob(b"twice")
    assert own_stack.sql("SELECT state, COUNT(*) FROM object GROUP BY state") == [["2", "1"], ["3", "2"]]
    assert len(files(own_stack)) == 3
    assert gc(own_stack, "objects") == (0, "2 objects removed, 0 failed\n")
    assert len(files(own_stack)) == 1
    assert repository.ask("GET", "blobs/" + digest_of(b"twice")).body == b"twice"


def test_an_object_that_cannot_be_removed_stays_known(own_stack):
    repository = Repository(own_stack, "admin/stuck")
    repository.blob(b"stuck")
    repository.blob(b"stuck")
    key = own_stack.sql("SELECT object_key FROM object WHERE state = 3")[0][0]
    path = [f for f in files(own_stack) if key in f][0]
    os.unlink(path)
    os.mkdir(path)  # no file: unlink() fails
    code, text = gc(own_stack, "objects")
    assert code == 1 and "0 objects removed, 1 failed" in text and "tried again" in text
    assert own_stack.sql("SELECT tries FROM object WHERE state = 3") == [["1"]]
    assert gc(own_stack, "objects") == (0, "0 objects removed, 0 failed\n")
    os.rmdir(path)
    own_stack.sql("UPDATE object SET not_before = UTC_TIMESTAMP() WHERE state = 3")
    assert gc(own_stack, "objects") == (0, "1 objects removed, 0 failed\n")  # not there is removed


def test_numbers_as_json(own_stack):
    repository = Repository(own_stack, "admin/json")
    for _ in range(3):
        repository.blob(b"json")  # two of them are doomed
    key = own_stack.sql("SELECT object_key FROM object WHERE state = 3 LIMIT 1")[0][0]
    for _ in range(2):
        assert repository.ask("POST", "blobs/uploads/").status == 202
    own_stack.sql("UPDATE upload SET touched = touched - INTERVAL 8 DAY")

    def run(what):
        done = own_stack.dtr("gc", what, "--json")
        return done.returncode, json.loads(done.stdout), done.stderr and json.loads(done.stderr)
    assert run("uploads") == (0, {"dropped": 2}, "")
    assert run("uploads") == (0, {"dropped": 0}, "")
    path = [f for f in files(own_stack) if key in f][0]
    os.unlink(path)
    os.mkdir(path)
    code, numbers, error = run("objects")
    assert (code, numbers) == (1, {"removed": 1, "failed": 1})
    assert set(error) >= {"error", "code"} and "1 objects could not be removed" in error["error"]
    os.rmdir(path)
    own_stack.sql("UPDATE object SET not_before = UTC_TIMESTAMP() WHERE state = 3")
    code, numbers, error = run("objects")
    assert code == 0 and numbers["failed"] == 0 and numbers["removed"] >= 1 and error == ""


def test_many_at_once_and_on_two_nodes_at_once(own_stack):
    repository = Repository(own_stack, "admin/lots")
    for _ in range(30):
        repository.blob(b"lots")
    import subprocess
    from stack import BUILD
    runs = [subprocess.Popen([os.path.join(BUILD, "dtr"), "gc", "objects", "--conf", own_stack.conf],
                             stdout=subprocess.PIPE, text=True, **own_stack.as_user()) for _ in range(2)]
    assert [r.wait() for r in runs] == [0, 0], [r.stdout.read() for r in runs]
    assert own_stack.sql("SELECT COUNT(*) FROM object") == [["1"]] and len(files(own_stack)) == 1
    assert gc(own_stack, "objects", "--limit", "x")[0] == 2


def waiting(stack):
    """The metrics of what waits for the jobs."""
    text = stack.ask_node("GET", "/_health/api/metrics").body.decode()
    return {key: int(n) for key, n in re.findall(r'^dtr_(\w+\{\w+="\w+"\}) (\d+)$', text, re.M)}


def test_what_waits_is_shown(own_stack):
    repository = Repository(own_stack, "admin/waiting")
    uploads = [repository.ask("POST", "blobs/uploads/").status for _ in range(3)]
    assert uploads == [202] * 3
    for _ in range(2):
        repository.blob(b"twice")  # the second one's object is not needed
    own_stack.sql("UPDATE upload SET touched = touched - INTERVAL 8 DAY LIMIT 1")
    own_stack.sql("UPDATE object SET not_before = UTC_TIMESTAMP() - INTERVAL 1 HOUR WHERE state = 3")
    wait_for("all of it is seen", lambda: waiting(own_stack).get('uploads{state="expired"}') == 1)
    seen = waiting(own_stack)
    assert seen['uploads{state="open"}'] == 3 and seen['gc_queue_length{of="objects"}'] == 1
    assert 3600 <= seen['gc_overdue_seconds{of="objects"}'] < 4000
    assert seen['gc_queue_length{of="reviews"}'] >= 1 and seen['gc_overdue_seconds{of="reviews"}'] == 0
    assert gc(own_stack, "objects")[0] == 0 and gc(own_stack, "uploads")[0] == 0
    wait_for("it is gone", lambda: waiting(own_stack)['uploads{state="expired"}'] == 0)
    assert waiting(own_stack)['gc_overdue_seconds{of="objects"}'] == 0
    assert waiting(own_stack)['uploads{state="open"}'] == 2


def test_who_may_push_keeps_what_he_asks_for(own_stack):
    """And who may only pull changes nothing by looking."""
    repository = Repository(own_stack, "admin/promised")
    image = repository.image("promised")
    assert repository.put(digest_of(image), image).status == 201
    paths = {"repo_blob": "blobs/" + repository.blob(b"held by nobody"), "manifest": "manifests/" + digest_of(image)}
    puller = own_stack.bearer("repository:admin/promised:pull")

    def rows():
        return own_stack.sql("SELECT HEX(blob_id), touched FROM repo_blob UNION ALL SELECT HEX(id), touched FROM manifest"
                             " UNION ALL SELECT CONCAT(kind, HEX(id1), HEX(id2)), review_after FROM gc_review")

    def make_old():
        for table in ("repo_blob", "manifest"):
            own_stack.sql("UPDATE %s SET touched = touched - INTERVAL 3 DAY" % table)
    for method, table in (("HEAD", "repo_blob"), ("GET", "repo_blob"), ("HEAD", "manifest")):
        make_old()
        before = rows()
        assert own_stack.request(method, "/v2/admin/promised/" + paths[table], puller).status == 200
        assert rows() == before, (method, table)
        assert repository.ask(method, paths[table]).status == 200
        young = own_stack.sql("SELECT COUNT(*) FROM %s WHERE touched > UTC_TIMESTAMP() - INTERVAL 1 DAY" % table)
        assert young == [["1"]], (method, table)
        changed = set(map(tuple, rows())) - set(map(tuple, before))
        assert len(changed) == 2, (method, table)  # itself and its review


def told(stack):
    """What dtr-api shows of the store, by a program that has just looked."""
    assert stack.stop_responder("dtr-api") == 0
    stack.start_responder("dtr-api")

    def read():
        text = stack.ask_node("GET", "/_health/api/metrics").body.decode()
        return dict(re.findall(r"^(dtr_blobs\S+|dtr_gc_freed_bytes_total) (\d+)$", text, re.M))
    # shown as soon as it is known, and not before
    wait_for("the database was looked at", lambda: "dtr_gc_freed_bytes_total" in read())
    found = read()
    return tuple(int(found['dtr_blobs{state="%s"}' % state]) for state in ("uploading", "live", "doomed")) + (
        int(found["dtr_gc_freed_bytes_total"]),)


def test_blobs_by_state_and_freed_bytes_are_told(own_stack):
    repository = Repository(own_stack, "admin/told")
    repository.blob(b"a" * 1000)
    for _ in range(3):
        repository.blob(b"b" * 100)
    location = repository.ask("POST", "blobs/uploads/").header("Location").split("told/")[1]
    assert repository.ask("PATCH", location, body=b"x" * 7).status == 202
    own_stack.sql("ANALYZE TABLE object")  # a small table is estimated well
    assert told(own_stack) == (1, 2, 2, 0)
    assert gc(own_stack, "objects", "--limit", "1") == (0, "1 objects removed, 0 failed\n")
    assert gc(own_stack, "objects") == (0, "1 objects removed, 0 failed\n")
    own_stack.sql("ANALYZE TABLE object")
    assert told(own_stack) == (1, 2, 0, 200)
    # an upload that was given up counts with what it had; a file that had gone with nothing
    assert repository.ask("DELETE", location).status == 204
    gone = repository.ask("POST", "blobs/uploads/").header("Location").split("told/")[1]
    assert repository.ask("PATCH", gone, body=b"y" * 5000).status == 202
    key = own_stack.sql("SELECT object_key FROM object o JOIN upload u ON u.object_id = o.id")[0][0]
    os.unlink(next(path for path in files(own_stack) if path.endswith(key)))
    assert repository.ask("DELETE", gone).status == 204
    assert gc(own_stack, "objects") == (0, "2 objects removed, 0 failed\n")
    own_stack.sql("ANALYZE TABLE object")
    assert told(own_stack) == (0, 2, 0, 207)

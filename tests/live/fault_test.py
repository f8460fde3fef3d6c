"""Processes that are killed, connections and calls that fail, at each step of a push."""
import base64
import contextlib
import errno
import itertools
import json
import os

import pytest

import invariants
import pushes
from faults import CUT, KILL, KILL_ALL, FaultyStack, fail
from pusher import Pusher, digest_of
from stack import ADMIN, PASSWORD

LONG = os.environ.get("DTR_LONG") == "1"
STEPS_MAX = 60
numbers = itertools.count()


@pytest.fixture(scope="module")
def faulty():
    running = FaultyStack(settings={
        "registry.workers": "1", "registry.upload_workers": "1",
        "registry.threads": "4", "registry.upload_threads": "4"}.items())
    with running.running():
        yield running


def make_pusher(stack):
    name = "admin/fault%d" % next(numbers)
    pusher = Pusher(stack, name, [name + "-source"])
    pusher.source = Pusher(stack, name + "-source")
    return pusher


def steps(stack, make, kinds, action):
    """A run for each call of these kinds in a scenario's request: each is hit once.

    Gives the kind, the call's number, the scenario, what it counted before,
    and the answer; ends a kind with the first call that there is not.
    """
    for kind in kinds:
        for n in range(1, STEPS_MAX):
            scenario = make()
            before = count_rows(stack)
            with stack.fault(kind, n, action) as fault:
                answer = scenario.request()
            if not fault.fired:
                assert answer.status == scenario.wanted, (kind, n, answer.status, answer.body[:300])
                break
            yield kind, n, scenario, before, answer
        else:
            raise AssertionError("no end of calls of " + kind)


TABLES = ("repository", "object", "upload", "blob_content", "repo_blob", "manifest", "manifest_blob",
          "tag", "tag_history", "gc_review", "event WHERE kind <> 2")  # pulls are written later


def count_rows(stack):
    rows = stack.sql("; ".join("SELECT '%s', COUNT(*) FROM %s" % (t, t) for t in TABLES))
    return {table: int(count) for table, count in rows}


def difference(before, after):
    return {t: after[t] - before[t] for t in TABLES if after[t] != before[t]}


def maker(stack, kind):
    """Scenarios in one repository, but that a start makes its repository."""
    if kind is pushes.Start:
        return lambda: kind(stack, make_pusher(stack))
    pusher = make_pusher(stack)
    return lambda: kind(stack, pusher)


# --- killed

KILLED_AT = ("hash", "openat", "ftruncate", "pwrite", "fdatasync", "fsync", "commit", "committed", "answer")
KILLED_AT_LONG = ("pread", "execute")


@pytest.mark.parametrize("kind", pushes.MAIN + (pushes.MORE + pushes.LEFT) * LONG, ids=lambda c: c.__name__)
def test_killed_at_each_step(faulty, kind):
    hit = set()
    for step in steps(faulty, maker(faulty, kind), KILLED_AT + KILLED_AT_LONG * LONG, KILL_ALL):
        step_kind, n, scenario, _, answer = step
        hit.add((step_kind, n))
        assert answer.status in (0, *faulty.webserver.broken), (step_kind, n, answer.status)
        faulty.recover()
        invariants.check(faulty)
        faulty.expire_leases()
        scenario.after()
        invariants.check(faulty)
    assert {("commit", 1), ("committed", 1), ("answer", 1)} <= hit


def test_a_killed_worker_is_replaced_and_its_lease_runs_out(faulty):
    """No help by the test: what a client meets when one process dies."""
    faulty.sql("REPLACE INTO setting VALUES ('upload.lease', '2', 1, UTC_TIMESTAMP(6))")
    scenario = pushes.Append(faulty, make_pusher(faulty))
    other = pushes.Manifest(faulty, scenario.p)
    faulty.recover()  # reads the setting at its start
    with faulty.fault("fdatasync", 1, KILL) as fault:
        answer = scenario.request()
    assert answer.status in faulty.webserver.broken and fault.fired == 1
    faulty.wait_webserver()
    # pulls and other pushes do not notice
    assert other.request().status == 201
    answer = scenario.request()
    if answer.status != 202:
        assert (answer.status, answer.code()) == (503, "BLOB_UPLOAD_INVALID")
        assert int(answer.header("retry-after")) > 0
    scenario.after()
    invariants.check(faulty)
    faulty.sql("DELETE FROM setting WHERE name = 'upload.lease'")
    faulty.recover()


# --- connections of the database that break

@pytest.mark.parametrize("kind", pushes.MAIN + pushes.MORE + pushes.LEFT * LONG, ids=lambda c: c.__name__)
def test_a_lost_connection_is_nobodys_business(faulty, kind):
    """The server answers to the next one: whatever was done is done once."""
    make = maker(faulty, kind)
    make().request()  # the repository is there from here on
    scenario = make()
    before = count_rows(faulty)
    assert scenario.request().status == scenario.wanted
    usual = difference(before, count_rows(faulty))
    scenario.after()
    hit = set()
    for step_kind, n, scenario, before, answer in steps(faulty, make, ("execute", "commit", "committed"), CUT):
        hit.add((step_kind, n))
        assert answer.status == scenario.wanted, (step_kind, n, answer.status, answer.body[:300])
        assert difference(before, count_rows(faulty)) == usual, (step_kind, n)
        scenario.after()
    assert {("execute", 2), ("commit", 1), ("committed", 1)} <= hit
    invariants.check(faulty)


def test_a_lost_connection_refuses_no_login(faulty):
    """One as `docker login` does it, which leaves a refresh token."""
    basic = base64.b64encode(("%s:%s" % (ADMIN, PASSWORD)).encode()).decode()
    path = "/auth/token?offline_token=true&scope=repository:admin/any:pull&service=" + faulty.host
    for kind in ("execute", "commit", "committed"):
        for n in range(1, STEPS_MAX):
            with faulty.fault(kind, n, CUT) as fault:
                answer = faulty.request("GET", path, [("Authorization", "Basic " + basic)])
            assert answer.status == 200 and json.loads(answer.body)["refresh_token"], (kind, n, answer.body)
            if not fault.fired:
                break
        assert n > 1, kind


# --- reads and writes that fail

WRITES = ("openat", "ftruncate", "pwrite", "fdatasync", "fsync")
FAILURES = [(kind, errno.EIO, 500, "UNKNOWN", WRITES + ("pread",)) for kind in pushes.WRITING]
FAILURES += [(kind, errno.ENOSPC, 507, "UNAVAILABLE", WRITES) for kind in
             (pushes.WRITING if LONG else (pushes.FirstAppend, pushes.TakeOver))
             if kind is not pushes.FinishSha512]  # it only reads


@pytest.mark.parametrize("kind, number, status, code, kinds", FAILURES,
                         ids=["%s %s" % (f[0].__name__, errno.errorcode[f[1]]) for f in FAILURES])
def test_a_failing_store_acknowledges_nothing(faulty, kind, number, status, code, kinds):
    hit = set()
    for step_kind, n, scenario, before, answer in steps(faulty, maker(faulty, kind), kinds, fail(number)):
        hit.add(step_kind)
        assert (answer.status, answer.code()) == (status, code), (step_kind, n, answer.body[:300])
        assert answer.header("content-type") == "application/json"
        message = json.loads(answer.body)["errors"][0]["message"]
        assert "store" in message and faulty.dir not in message
        if number == errno.ENOSPC:
            assert "no space left" in message
        assert not {"blob_content", "repo_blob"} & set(difference(before, count_rows(faulty))), (step_kind, n)
        invariants.check(faulty)
        # what was not made durable is not told to be there
        if step_kind in ("fdatasync", "fsync") and isinstance(scenario, pushes.FirstAppend):
            assert scenario.p.offset(scenario.location) == scenario.before
        # at once: no lease is left to wait for
        with contextlib.ExitStack() as at_once:
            at_once.callback(setattr, scenario.p, "patience", scenario.p.patience)
            scenario.p.patience = 0
            scenario.after()
        invariants.check(faulty)
    assert "openat" in hit and len(hit) > 1


def stale_upload(stack, pusher, data):
    """Its writer gave no lease back."""
    location = pusher.start()
    assert pusher.append(location, data).status == 202
    stack.sql("UPDATE upload SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    return location


def test_a_take_over_that_fails_leaves_no_copy(faulty):
    """A full disk is not made fuller by each try."""
    pusher, data = make_pusher(faulty), os.urandom(400000)
    location = stale_upload(faulty, pusher, data)
    before = invariants.files_of(faulty.storage)
    for _ in range(2):
        with faulty.fault("pwrite", 2, fail(errno.ENOSPC)) as fault:
            assert pusher.append(location, b"more").status == 507
        assert fault.fired
        assert invariants.files_of(faulty.storage) == before
    assert pusher.append(location, b"more").status == 202
    assert pusher.finish(location, digest_of(data + b"more")).status == 201
    pusher.check_blob(data + b"more")
    invariants.check(faulty)


def test_a_finish_that_fails_keeps_the_bytes_it_brought(faulty):
    pusher, data = make_pusher(faulty), os.urandom(400000)
    location = pusher.start()
    digest = digest_of(data, "sha512")
    with faulty.fault("pread", 1, fail(errno.EIO)) as fault:
        answer = pusher.finish(location, digest, data)
    assert (answer.status, fault.fired) == (500, 1)
    # at once: nobody holds it any more
    assert pusher.offset(location) == len(data)
    assert pusher.finish(location, digest).status == 201
    pusher.check_blob(data)
    invariants.check(faulty)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT], ids=errno.errorcode.get)
def test_an_upload_whose_object_is_lost_is_our_fault(faulty, number):
    pusher = make_pusher(faulty)
    location = pusher.start()
    assert pusher.append(location, b"some").status == 202
    with faulty.fault("openat", 1, fail(number)) as fault:
        answer = pusher.append(location, b"more")
    assert (answer.status, answer.code(), fault.fired) == (500, "UNKNOWN", 1)
    assert pusher.append(location, b"more").status == 202
    assert pusher.finish(location, digest_of(b"somemore")).status == 201


def test_a_blob_that_cannot_be_read_is_our_fault(faulty):
    pusher = make_pusher(faulty)
    digest = pusher.blob(b"a small blob, sent by the program itself")
    for number in (errno.EIO, errno.ENOENT):
        with faulty.fault("openat", 1, fail(number)) as fault:
            answer = pusher.request("GET", "blobs/" + digest)
        assert (answer.status, answer.code(), fault.fired) == (500, "UNKNOWN", 1)
        assert answer.header("content-type") == "application/json"
    # the head was sent: only a broken transfer can tell
    with faulty.fault("pread", 1, fail(errno.EIO)) as fault:
        answer = pusher.request("GET", "blobs/" + digest)
    assert fault.fired and len(answer.body) < 40 or answer.status in (0, *faulty.webserver.broken)
    pusher.check_blob(b"a small blob, sent by the program itself")


def test_a_store_that_fails_is_told_by_readyz(faulty):
    with faulty.fault("openat", 1, fail(errno.EIO)) as fault:
        answer = faulty.ask_node("GET", "/_health/registry/readyz")
    assert (answer.status, fault.fired) == (503, 1) and b"storage" in answer.body
    assert faulty.ask_node("GET", "/_health/registry/readyz").status == 200

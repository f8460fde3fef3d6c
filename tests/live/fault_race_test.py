"""Requests that meet: writers that stall and are taken over, the same thing done twice at once.

A request is held at a call of its own (see faults.py) while another one does
its work, so that each order of things happens for certain.
"""
import base64
import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
import signal
import subprocess

import pytest

import fastcgi
import invariants
from faults import NOTHING, STALL, FaultyStack, fail
from pusher import OCI, Pusher, digest_of, image, index
from stack import PASSWORD, wait_for
from threads import Guarded

SIZE = 400000
HALF = 150000
numbers = itertools.count()


@pytest.fixture(scope="module")
def racing():
    running = FaultyStack(settings={"registry.threads": "8", "registry.upload_threads": "8"}.items())
    with running.running():
        yield running


@pytest.fixture
def pusher(racing):
    return Pusher(racing, "admin/race%d" % next(numbers))


@contextlib.contextmanager
def held(stack, kind, at, request, *args):
    """The request is at that call when the block begins, and goes on with release()."""
    with stack.fault(kind, at, STALL) as fault:
        thread = Guarded(request, *args)
        fault.wait()
        thread.release = fault.disarm
        yield thread


def waits_for_lock(stack):
    return stack.sql("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")[0][1] != "0"


def at_once(stack, first, second, kind="commit", at=1):
    """The answers of two requests, the second one sent while the first has all but committed."""
    with held(stack, kind, at, first) as one:
        two = Guarded(second)
        wait_for("the second one waits or ends", lambda: not two.is_alive() or waits_for_lock(stack))
        one.release()
        return one.finish(), two.finish()


def begin(pusher, data, first=HALF):
    """An upload with some acknowledged bytes."""
    location = pusher.start()
    assert pusher.append(location, data[:first]).status == 202
    return location


# --- writers that stall

def check_taken_over(answer):
    assert (answer.status, answer.code()) == (409, "BLOB_UPLOAD_INVALID"), (answer.status, answer.body)


@pytest.mark.parametrize("kind, at", [("pwrite", 1), ("pwrite", 2), ("hash", 3), ("fdatasync", 1)])
def test_bytes_of_a_writer_that_stalled_never_reach_the_blob(racing, pusher, kind, at):
    data, late = os.urandom(SIZE), os.urandom(SIZE)
    location = begin(pusher, data)
    with held(racing, kind, at, pusher.append, location, late) as stalled:
        # nobody may while its lease lasts
        answer = pusher.append(location, data[HALF:])
        assert (answer.status, answer.code()) == (503, "BLOB_UPLOAD_INVALID")
        assert int(answer.header("retry-after")) > 0
        racing.expire_leases()
        assert pusher.append(location, data[HALF:]).status == 202
        assert pusher.finish(location, digest_of(data)).status == 201
        stalled.release()
        check_taken_over(stalled.finish())
    pusher.check_blob(data)
    assert pusher.request("HEAD", "blobs/" + digest_of(data[:HALF] + late)).status == 404
    invariants.check(racing)


def test_a_writer_that_stalled_is_too_late_also_while_the_next_one_writes(racing, pusher):
    data, late = os.urandom(SIZE), os.urandom(SIZE)
    location = begin(pusher, data)
    with held(racing, "pwrite", 2, pusher.append, location, late) as stalled:
        racing.expire_leases()
        with held(racing, "fdatasync", 2, pusher.append, location, data[HALF:-1000]) as second:
            stalled.release()
            check_taken_over(stalled.finish())
            second.release()
            assert second.finish().status == 202
    assert pusher.offset(location) == SIZE - 1000
    assert pusher.finish(location, digest_of(data), data[-1000:]).status == 201
    pusher.check_blob(data)
    invariants.check(racing)


def test_a_finish_that_stalled_commits_nothing_of_its_own(racing, pusher):
    """Its bytes were complete and its digest right: it only is too late."""
    data, other = os.urandom(SIZE), os.urandom(SIZE)
    mixed = data[:HALF] + other
    location = begin(pusher, data)
    with held(racing, "fdatasync", 1, pusher.finish, location, digest_of(mixed), other) as stalled:
        racing.expire_leases()
        assert pusher.finish(location, digest_of(data), data[HALF:]).status == 201
        stalled.release()
        check_taken_over(stalled.finish())
    pusher.check_blob(data)
    assert pusher.request("HEAD", "blobs/" + digest_of(mixed)).status == 404
    invariants.check(racing)


def test_a_take_over_that_stalled_is_taken_over(racing, pusher):
    data = os.urandom(SIZE)
    location = begin(pusher, data)
    with held(racing, "pwrite", 1, pusher.append, location, os.urandom(SIZE)) as first:
        racing.expire_leases()
        # this one is copying what was acknowledged
        with held(racing, "pread", 1, pusher.append, location, os.urandom(SIZE)) as second:
            racing.expire_leases()
            assert pusher.finish(location, digest_of(data), data[HALF:]).status == 201
            second.release()
            check_taken_over(second.finish())
        first.release()
        check_taken_over(first.finish())
    pusher.check_blob(data)
    invariants.check(racing)


def test_a_lease_may_end_between_a_look_and_the_claim(racing, pusher):
    """The next writer found it held: the first one may still be alive all the same."""
    data, late = os.urandom(SIZE), os.urandom(SIZE)
    location = begin(pusher, data)
    with held(racing, "pwrite", 1, pusher.append, location, late) as stalled:
        with held(racing, "execute", 2, pusher.append, location, data[HALF:]) as second:
            racing.expire_leases()
            second.release()
            assert second.finish().status == 202
        assert pusher.finish(location, digest_of(data)).status == 201
        stalled.release()
        check_taken_over(stalled.finish())
    pusher.check_blob(data)
    invariants.check(racing)


def test_a_claim_by_what_was_before_a_take_over_is_none(racing, pusher):
    data = os.urandom(SIZE)
    location = begin(pusher, data)
    racing.sql("UPDATE upload SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    with held(racing, "pread", 1, pusher.append, location, b"") as first:
        # this one has seen the object that the first one leaves
        with held(racing, "execute", 2, pusher.append, location, data[HALF:]) as second:
            first.release()
            assert first.finish().status == 202
            second.release()
            assert (second.finish().status, pusher.offset(location)) == (503, HALF)
    assert pusher.finish(location, digest_of(data), data[HALF:]).status == 201
    pusher.check_blob(data)
    invariants.check(racing)


@pytest.mark.parametrize("order", ["finish first", "bytes first"])
def test_bytes_come_while_an_upload_without_any_is_finished(racing, pusher, order):
    """Either has it; neither cuts what the other wrote."""
    data = os.urandom(SIZE)
    location = pusher.start()

    def append():
        return pusher.append(location, data)

    def finish():
        return pusher.finish(location, digest_of(data))

    first, second = (finish, append) if order == "finish first" else (append, finish)
    with held(racing, "openat", 1, first) as one:
        answer = second()
        assert (answer.status, answer.code()) == (503, "BLOB_UPLOAD_INVALID")
        one.release()
        answer = one.finish()
    if order == "finish first":
        # it has no bytes yet: not the content that the client names
        assert (answer.status, answer.code()) == (400, "DIGEST_INVALID")
        assert pusher.offset(location) is None
        assert pusher.request("HEAD", "blobs/" + digest_of(data)).status == 404
    else:
        assert (answer.status, finish().status) == (202, 201)
        pusher.check_blob(data)
    invariants.check(racing)


def test_a_long_take_over_keeps_its_lease(racing, pusher):
    """Copying may last longer than a lease: it is renewed on the way."""
    def lease():
        return racing.sql("SELECT UNIX_TIMESTAMP(lease_until) FROM upload WHERE id = UNHEX('%s')" % upload)[0][0]

    data = os.urandom(SIZE)
    location = begin(pusher, data, SIZE - 1000)
    upload = location.partition("?")[0].rpartition("/")[2].replace("-", "")
    racing.sql("REPLACE INTO setting VALUES ('upload.lease', '2', 1, UTC_TIMESTAMP(6))")
    racing.recover()
    racing.sql("UPDATE upload SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = UNHEX('%s')" % upload)
    with racing.fault("fdatasync", 1, STALL) as copied:
        with held(racing, "pread", 2, pusher.append, location, data[-1000:]) as slow:
            first = lease()
            wait_for("a third of the lease is over", lambda: float(racing.sql(
                "SELECT UNIX_TIMESTAMP(UTC_TIMESTAMP(6))")[0][0]) > float(first) - 1.2)
            slow.release()
            copied.wait()
            assert float(lease()) > float(first)
            copied.disarm()
            assert slow.finish().status == 202
    assert pusher.finish(location, digest_of(data)).status == 201
    pusher.check_blob(data)
    racing.sql("DELETE FROM setting WHERE name = 'upload.lease'")
    racing.recover()


def is_open(stack, key):
    """Has any process of the registry this object open?"""
    found = []
    for pid in stack.workers("dtr-registry"):
        for name in os.listdir("/proc/%d/fd" % pid):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
    return any(path.endswith(key) for path in found)


@pytest.mark.parametrize("why", ["it cannot be made durable", "it does not fit"])
def test_a_writer_that_fails_closes_its_object_before_the_next_one_may_write(racing, pusher, why):
    """Some file systems write at the close what is left, over what the next one wrote on another node."""
    data = os.urandom(SIZE)
    location = begin(pusher, data)
    key, = racing.sql("SELECT o.object_key FROM object o JOIN upload u ON u.object_id = o.id "
                      "ORDER BY u.started DESC LIMIT 1")[0]

    place = [("Content-Range", "%d-%d" % (HALF, SIZE))] if why == "it does not fit" else []

    def append():
        # not through a web server that looks how long the body is
        return fastcgi.ask(racing.path("run/upload.sock"), "PATCH", location, pusher.headers + place, data[HALF:],
                           chunked=True)[0]

    def claimed():
        return racing.sql("SELECT lease_until > UTC_TIMESTAMP(6) FROM upload ORDER BY started DESC LIMIT 1") == [["1"]]

    with held(racing, "pwrite", 1, append) as writer:
        assert claimed() and is_open(racing, key)
        with racing.fault("fdatasync", 1, NOTHING if place else fail(errno.EIO)), \
                racing.fault("execute", 1, STALL) as record:
            writer.release()
            record.wait()
            # this statement gives the claim back
            assert claimed() and not is_open(racing, key)
            record.disarm()
            assert writer.finish() == (400 if place else 500)
    assert not claimed() and pusher.offset(location) == HALF
    assert pusher.finish(location, digest_of(data), data[HALF:]).status == 201
    pusher.check_blob(data)
    invariants.check(racing)


# --- a login and the end of its rights

def assert_ended(racing, answer, repo):
    """There is no token, or one that is soon refused."""
    if answer.status == 200:
        token = [("Authorization", "Bearer " + json.loads(answer.body)["token"])]
        wait_for("it is refused", lambda: racing.request(
            "POST", "/v2/%s/blobs/uploads/" % repo, token, b"").status == 401, seconds=10)
    else:
        assert answer.status == 401 and "realm=" in answer.header("www-authenticate"), answer.body


def test_a_login_that_meets_a_revocation_outlives_it_not(racing, pusher):
    """Wherever it is when the account is switched off."""
    done = racing.dtr("user", "create", "victim", "--password-file", racing.path("password"))
    assert done.returncode == 0, done.stderr

    def switch(active):
        done = racing.dtr("user", "set", "victim", "--active", active)
        assert done.returncode == 0, done.stderr

    def log_in():
        secret = base64.b64encode(("victim:" + PASSWORD).encode()).decode()
        return racing.request("GET", "/auth/token?service=%s&scope=repository:victim/app:pull,push" % racing.host,
                              [("Authorization", "Basic " + secret)])
    seen = set()
    for n in range(1, 6):
        with held(racing, "execute", n, log_in) as login:
            switch("no")
            login.release()
            answer = login.finish()
        seen.add(answer.status)
        assert_ended(racing, answer, "victim/app")
        switch("yes")
    assert 401 in seen
    assert log_in().status == 200


def test_a_login_that_meets_a_new_password_is_none(racing):
    """The old one was right when it was looked at."""
    def write(name, text):
        with open(racing.path(name), "w") as f:
            f.write(text + "\n")
        os.chmod(racing.path(name), 0o600)
        racing.own()
        return racing.path(name)
    old, new = write("old-password", PASSWORD), write("new-password", "quite another password")

    def user(*words):
        done = racing.dtr("user", *words)
        assert done.returncode == 0, done.stderr

    def log_in():
        secret = base64.b64encode(("hasty:" + PASSWORD).encode()).decode()
        return racing.request("GET", "/auth/token", [("Authorization", "Basic " + secret)])
    user("create", "hasty", "--password-file", old)
    said = b""
    for n in range(1, 5):
        with held(racing, "execute", n, log_in) as login:
            user("passwd", "hasty", "--password-file", new)
            login.release()
            said += login.finish().body
        user("passwd", "hasty", "--password-file", old)
        assert log_in().status == 200
    assert b"the account was changed just now" in said


def test_a_refresh_token_that_meets_a_new_password_gives_nothing_that_lasts(racing):
    """Wherever it is when all logins end."""
    def user(*words):
        done = racing.dtr("user", *words, "lost", "--password-file", racing.path("password"))
        assert done.returncode == 0, done.stderr
    user("create")
    secret = base64.b64encode(("lost:" + PASSWORD).encode()).decode()
    query = "service=%s&scope=repository:lost/app:pull,push" % racing.host

    def refresh_token():
        answer = racing.request("GET", "/auth/token?offline_token=true&" + query, [("Authorization", "Basic " + secret)])
        return json.loads(answer.body)["refresh_token"]

    def ask(refresh):
        form = query + "&client_id=docker&grant_type=refresh_token&refresh_token=" + refresh
        return racing.request("POST", "/auth/token", [("Content-Type", "application/x-www-form-urlencoded")],
                              form.encode())
    assert ask(refresh_token()).status == 200
    seen = set()
    for n in range(1, 6):
        with held(racing, "execute", n, lambda refresh=refresh_token(): ask(refresh)) as request:
            user("passwd")
            request.release()
            answer = request.finish()
        seen.add(answer.status)
        assert_ended(racing, answer, "lost/app")
    assert 401 in seen


# --- a second replica

@pytest.fixture
def replica(racing):
    """Another registry on the same database and store: its upload socket."""
    os.makedirs(racing.path("run2"), exist_ok=True)
    racing.own()
    with open(racing.conf) as f:
        text = f.read().replace(racing.path("run"), racing.path("run2"))
    path = racing.path("replica.conf")
    with open(path, "w") as f:
        f.write(text)
    with open(racing.path("replica.log"), "w") as log:
        process = subprocess.Popen([os.path.join(racing.build, "dtr-registry"), "-c", path],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, **racing.as_user())
    socket = racing.path("run2/upload.sock")
    try:
        wait_for("the replica serves", lambda: os.path.exists(socket) and not asks_in_vain(socket))
        yield socket
    finally:
        process.terminate()
        assert process.wait(60) == 0


def asks_in_vain(socket):
    try:
        return fastcgi.ask(socket, "GET", "/livez")[0] != 200
    except OSError:
        return True


def test_a_replica_takes_over_from_processes_that_stand_still(racing, pusher, replica):
    """All workers of the first registry are stopped in the middle of a body, and go on later."""
    data, late = os.urandom(SIZE), os.urandom(SIZE)
    location = begin(pusher, data)
    slow = fastcgi.Connection(racing.path("run/upload.sock"))
    slow.begin(fastcgi.request_params("PATCH", location, pusher.headers, SIZE))
    slow.body(late[:300000])
    key = racing.sql("SELECT o.object_key FROM object o JOIN upload u ON u.object_id = o.id "
                     "ORDER BY u.started DESC LIMIT 1")[0][0]
    file = os.path.join(racing.storage, "objects", key[:2], key)
    wait_for("some bytes are written", lambda: os.path.getsize(file) > HALF + 100000)
    workers = racing.workers("dtr-registry")
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        racing.expire_leases()
        status, headers, _ = fastcgi.ask(replica, "PATCH", location, pusher.headers, data[HALF:])
        assert (status, headers["range"]) == (202, "0-%d" % (SIZE - 1))
        status, _, _ = fastcgi.ask(replica, "PUT", location + "&digest=" + digest_of(data), pusher.headers, b"")
        assert status == 201
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    slow.body(late[300000:])
    slow.end_body()
    status, _, body = slow.answer()
    slow.close()
    # it is too late; or it takes the end of the standstill, an EINTR, for the end of its client
    assert status in (409, 400) and b"BLOB_UPLOAD_INVALID" in body, body
    pusher.check_blob(data)
    invariants.check(racing)


def test_an_upload_wanders_between_replicas(racing, pusher, replica):
    data = os.urandom(SIZE)
    location = begin(pusher, data)
    status, headers, _ = fastcgi.ask(replica, "GET", location, pusher.headers)
    assert (status, headers["range"]) == (204, "0-%d" % (HALF - 1))
    assert fastcgi.ask(replica, "PATCH", location, pusher.headers, data[HALF:-10])[0] == 202
    assert pusher.finish(location, digest_of(data), data[-10:]).status == 201
    pusher.check_blob(data)
    invariants.check(racing)


# --- the same thing twice at once

def test_two_repositories_get_the_same_blob_at_once(racing, pusher):
    other = Pusher(racing, "admin/race%d" % next(numbers))
    data = os.urandom(SIZE)
    digest = digest_of(data)
    locations = [begin(p, data, SIZE) for p in (pusher, other)]
    one, two = at_once(racing, lambda: pusher.finish(locations[0], digest), lambda: other.finish(locations[1], digest))
    assert (one.status, two.status) == (201, 201), (one.body, two.body)
    for p in (pusher, other):
        p.check_blob(data)
    sha256 = "UNHEX('%s')" % hashlib.sha256(data).hexdigest()
    assert racing.sql("SELECT COUNT(*) FROM blob_content WHERE sha256 = " + sha256) == [["1"]]
    assert racing.sql("SELECT COUNT(*) FROM repo_blob r JOIN blob_content b ON b.id = r.blob_id "
                      "WHERE sha256 = " + sha256) == [["2"]]
    invariants.check(racing)


def test_one_repository_gets_the_same_blob_twice_at_once(racing, pusher):
    data = os.urandom(SIZE)
    one, two = at_once(racing, *[lambda: pusher.request("POST", "blobs/uploads/?digest=" + digest_of(data), data)] * 2,
                       at=3)
    assert (one.status, two.status) == (201, 201), (one.body, two.body)
    pusher.check_blob(data)
    invariants.check(racing)


def test_an_upload_is_finished_twice_at_once(racing, pusher):
    data = os.urandom(SIZE)
    location = begin(pusher, data, SIZE)
    one, two = at_once(racing, *[lambda: pusher.finish(location, digest_of(data))] * 2)
    assert (one.status, two.status) == (201, 201), (one.body, two.body)
    pusher.check_blob(data)
    invariants.check(racing)


def test_an_upload_is_finished_by_two_digests_at_once(racing, pusher):
    """Who is told that it is there by sha512 finds it by that."""
    data = os.urandom(SIZE)
    location = begin(pusher, data, SIZE)
    long = digest_of(data, "sha512")
    with held(racing, "pread", 1, pusher.finish, location, long) as one:
        assert pusher.finish(location, digest_of(data)).status == 201
        one.release()
        answer = one.finish()
    found = pusher.request("HEAD", "blobs/" + long).status
    assert (answer.status, found) in ((201, 200), (409, 404)), (answer.body, found)
    # again, as a client does after such an answer
    pusher.finish(pusher.start(), long, data)
    assert pusher.request("HEAD", "blobs/" + long).status == 200
    invariants.check(racing)


def test_an_upload_is_finished_twice_at_once_with_its_last_bytes(racing, pusher):
    data = os.urandom(SIZE)
    location = begin(pusher, data)

    def finish():
        return pusher.finish(location, digest_of(data), data[HALF:])

    with held(racing, "fdatasync", 1, finish) as first:
        # the second one is sent away until the first has ended
        answer = finish()
        assert (answer.status, answer.code()) == (503, "BLOB_UPLOAD_INVALID")
        first.release()
        assert first.finish().status == 201
    assert finish().status == 201
    pusher.check_blob(data)
    location = begin(pusher, data)
    one, two = at_once(racing, finish, finish, at=2)
    assert (one.status, two.status) == (201, 503), (one.body, two.body)
    assert finish().status == 201
    pusher.check_blob(data)
    invariants.check(racing)


def test_an_upload_is_finished_and_dropped_at_once(racing, pusher):
    for first in ("finish", "drop"):
        data = os.urandom(SIZE)
        location = begin(pusher, data, SIZE)

        def finish(location=location, data=data):
            return pusher.finish(location, digest_of(data))

        def drop(location=location):
            return pusher.request("DELETE", location)

        if first == "finish":
            one, two = at_once(racing, finish, drop)
            assert one.status == 201 and two.status in (404, 409, 503), (two.status, two.body)
            pusher.check_blob(data)
        else:
            one, two = at_once(racing, drop, finish, at=2)
            assert (one.status, two.status) == (204, 503), (two.status, two.body)
            assert finish().status == 404
            assert pusher.request("HEAD", "blobs/" + digest_of(data)).status == 404
        assert pusher.offset(location) is None
        invariants.check(racing)


def make_images(pusher, count):
    """Their blobs are pushed, they are not."""
    config, layers = os.urandom(100), [os.urandom(1000) for _ in range(3)]
    for data in [config] + layers:
        pusher.blob(data)
    return [image(config, layers, annotations={"number": str(i)}) for i in range(count)]


@pytest.mark.parametrize("tagged", [False, True], ids=["new tag", "moved tag"])
def test_two_images_get_one_tag_at_once(racing, pusher, tagged):
    old, first, second = make_images(pusher, 3)
    if tagged:
        assert pusher.put("latest", old).status == 201
    one, two = at_once(racing, lambda: pusher.put("latest", first), lambda: pusher.put("latest", second))
    assert (one.status, two.status) == (201, 201), (one.body, two.body)
    pusher.check_image("latest", second)
    for document in [old, first] if tagged else [first]:
        pusher.check_image(digest_of(document), document)
    # each that was overwritten can be brought back
    assert racing.sql("SELECT COUNT(*) FROM tag_history h JOIN repository r ON r.id = h.repository_id "
                      "WHERE r.path = '%s'" % pusher.repo) == [[str(1 + tagged)]]
    invariants.check(racing)


def test_one_image_is_pushed_twice_at_once(racing, pusher):
    document = make_images(pusher, 1)[0]
    one, two = at_once(racing, lambda: pusher.put("a", document), lambda: pusher.put("b", document))
    assert (one.status, two.status) == (201, 201), (one.body, two.body)
    for reference in ("a", "b", digest_of(document)):
        pusher.check_image(reference, document)
    invariants.check(racing)


def test_a_new_repository_gets_two_first_pushes_at_once(racing, pusher):
    one, two = at_once(racing, *[lambda: pusher.request("POST", "blobs/uploads/")] * 2)
    assert (one.status, two.status) == (202, 202), (one.body, two.body)
    assert racing.sql("SELECT COUNT(*) FROM repository WHERE path = '%s'" % pusher.repo) == [["1"]]
    for answer in (one, two):
        data = os.urandom(1000)
        assert pusher.finish(answer.header("location"), digest_of(data), data).status == 201
    invariants.check(racing)


@pytest.mark.parametrize("what", ["blob", "image"])
def test_what_is_deleted_twice_at_once_is_told_of_once(racing, pusher, what):
    document = make_images(pusher, 1)[0]
    path = "blobs/" + pusher.blob(os.urandom(1000))
    if what == "image":
        assert pusher.put("latest", document).status == 201
        path = "manifests/" + digest_of(document)
    one, two = at_once(racing, *[lambda: pusher.request("DELETE", path)] * 2)
    assert (one.status, two.status) == (202, 202), (one.body, two.body)
    assert racing.sql("SELECT COUNT(*) FROM event WHERE repository = '%s' AND kind = 3" % pusher.repo) == [["1"]]
    assert pusher.request("HEAD", path).status == 404
    invariants.check(racing)


@pytest.mark.parametrize("order", ["push first", "delete first"])
def test_a_blob_is_deleted_while_an_image_needs_it(racing, pusher, order):
    config, layer = os.urandom(100), os.urandom(1000)
    document = image(config, [layer])
    for data in (config, layer):
        pusher.blob(data)

    def push():
        return pusher.put("latest", document)

    def delete():
        return pusher.request("DELETE", "blobs/" + digest_of(layer))

    if order == "push first":
        pushed, deleted = at_once(racing, push, delete)
        assert (pushed.status, deleted.status) == (201, 405), (pushed.body, deleted.body)
        pusher.check_image("latest", document)
    else:
        # acknowledged is acknowledged: what the image needs is there again
        deleted, pushed = at_once(racing, delete, push)
        assert (deleted.status, pushed.status) == (202, 201), (deleted.body, pushed.body)
        pusher.check_image("latest", document)
        assert pusher.request("HEAD", "blobs/" + digest_of(layer)).status == 200
    invariants.check(racing)


@pytest.mark.parametrize("way", ["another type", "forced deletions"])
def test_what_was_kept_by_an_image_is_there_for_its_next_push(racing, pusher, way):
    """Its layer was deleted in the moment of its first push: HEAD says that it is there."""
    config, layer = os.urandom(100), os.urandom(1000)
    document = image(config, [layer])
    kind = OCI
    if way == "another type":
        document = json.dumps({k: v for k, v in json.loads(document).items() if k != "mediaType"}).encode()
        kind = "application/vnd.docker.distribution.manifest.v2+json"
    for data in (config, layer):
        pusher.blob(data)
    deleted, pushed = at_once(racing, lambda: pusher.request("DELETE", "blobs/" + digest_of(layer)),
                              lambda: pusher.put("latest", document))
    assert (deleted.status, pushed.status) == (202, 201), (deleted.body, pushed.body)
    if way == "forced deletions":
        racing.sql("REPLACE INTO setting VALUES ('delete.force', 'true', 1, UTC_TIMESTAMP(6))")
        racing.recover()
    try:
        assert pusher.request("HEAD", "blobs/" + digest_of(layer)).status == 200
        answer = pusher.put("again", document, kind)
        assert answer.status == 201, answer.body
    finally:
        racing.sql("DELETE FROM setting WHERE name = 'delete.force'")
        racing.recover()
    assert pusher.request("GET", "manifests/again").header("content-type") == kind
    pusher.check_blob(layer)
    invariants.check(racing)


def test_what_two_ask_for_in_one_moment_is_there_for_both(racing, pusher):
    """Both promise to keep it, by the same clock."""
    data, child = os.urandom(1000), make_images(pusher, 1)[0]
    pusher.blob(data)
    assert pusher.put(digest_of(child), child).status == 201
    racing.sql("UPDATE repo_blob SET touched = touched - INTERVAL 1 DAY")
    racing.sql("UPDATE manifest SET touched = touched - INTERVAL 1 DAY")
    racing.sql("SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP()'")
    try:
        racing.recover()
        for path in ("blobs/" + digest_of(data), "manifests/" + digest_of(child)):
            one, two = at_once(racing, *[lambda p=path: pusher.request("HEAD", p)] * 2)
            assert (one.status, two.status) == (200, 200), path
    finally:
        racing.sql("SET GLOBAL init_connect = ''")
        racing.recover()


def test_pushes_at_once_at_a_tag_limit_all_succeed(racing, pusher):
    """They take the same oldest tag away; and they move one tag."""
    documents = make_images(pusher, 8)
    assert pusher.put("first", documents[0]).status == 201
    racing.sql("UPDATE repository SET tag_limit = 3 WHERE path = '%s'" % pusher.repo)
    for number in range(6):
        pushes = [Guarded(pusher.put, tag, document) for i, document in enumerate(documents)
                  for tag in ("t%d-%d" % (number, i), "latest")]
        answers = [push.finish() for push in pushes]
        assert {a.status for a in answers} == {201}, [a.body for a in answers if a.status != 201]
    # the last of them may have met others
    assert pusher.put("last", documents[0]).status == 201
    assert len(json.loads(pusher.request("GET", "tags/list").body)["tags"]) == 3
    invariants.check(racing)


def test_referrers_that_go_while_they_are_listed(racing, pusher):
    subject = make_images(pusher, 1)[0]
    assert pusher.put("subject", subject).status == 201
    config = pusher.blob(b"{}")
    about = {"mediaType": OCI, "digest": digest_of(subject), "size": len(subject)}
    for i in range(2):
        document = image(b"{}", [], subject=about, annotations={"a": "%d" % i + "x" * 1500000})
        assert pusher.put(digest_of(document), document).status == 201, config
    ids = {row[0] for row in racing.sql("SELECT LOWER(HEX(id)) FROM manifest WHERE subject IS NOT NULL")}
    for n in range(1, 5):
        with held(racing, "execute", n, pusher.request, "GET", "referrers/" + digest_of(subject)) as asked:
            racing.sql("UPDATE manifest SET hidden = 1 WHERE subject IS NOT NULL")
            asked.release()
            answer = asked.finish()
        racing.sql("UPDATE manifest SET hidden = 0 WHERE subject IS NOT NULL")
        assert answer.status == 200
        link = answer.header("link")
        assert link is None or re.search("last=([0-9a-f-]+)", link).group(1).replace("-", "") in ids, (n, link)


@pytest.mark.parametrize("order", ["push first", "delete first"])
def test_an_image_is_deleted_while_it_is_pushed_again(racing, pusher, order):
    document = make_images(pusher, 1)[0]
    assert pusher.put("old", document).status == 201

    def push():
        return pusher.put("new", document)

    def delete():
        return pusher.request("DELETE", "manifests/" + digest_of(document))

    first, second = (push, delete) if order == "push first" else (delete, push)
    one, two = at_once(racing, first, second)
    assert {one.status, two.status} == {201, 202}, (one.body, two.body)
    if order == "delete first":
        pusher.check_image("new", document)
        pusher.check_image(digest_of(document), document)
    else:
        assert pusher.request("GET", "manifests/new").status == 404
    assert pusher.request("GET", "manifests/old").status == 404
    invariants.check(racing)


@pytest.mark.parametrize("order", ["push first", "delete first"])
def test_an_image_is_deleted_while_an_index_needs_it(racing, pusher, order):
    document = make_images(pusher, 1)[0]
    assert pusher.put("image", document).status == 201
    many = index([document])

    def push():
        return pusher.put("many", many, "application/vnd.oci.image.index.v1+json")

    def delete():
        return pusher.request("DELETE", "manifests/" + digest_of(document))

    if order == "push first":
        pushed, deleted = at_once(racing, push, delete)
        assert (pushed.status, deleted.status) == (201, 405), (pushed.body, deleted.body)
        pusher.check_image("image", document)
    else:
        deleted, pushed = at_once(racing, delete, push)
        assert (deleted.status, pushed.status) == (202, 400), (deleted.body, pushed.body)
        assert re.search(b"MANIFEST_BLOB_UNKNOWN|MANIFEST_UNKNOWN", pushed.body)
    invariants.check(racing)

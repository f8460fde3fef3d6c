"""What a request reads does not grow with the registry: rows that the database touches, counted by itself.

A generator (bench/fill) makes a large registry. No clock is looked at: the server's handler counters tell how many
rows each request read. DTR_LONG=1 uses the full size: 100 000 repositories, 1 000 000 manifests and tags.
"""
import hashlib
import json
import os
import subprocess
import time

import pytest

import stack as stack_module
from policy_test import INDEX, MANIFEST, digest_of

LONG = os.environ.get("DTR_LONG") == "1"
SIZE = dict(repositories=100000, manifests=1000000, tags=1000000) if LONG \
    else dict(repositories=1000, manifests=10000, tags=10000)


@pytest.fixture(scope="module")
def big():
    running = stack_module.Stack(settings=[("registry.workers", "1"), ("registry.upload_workers", "1"),
                                           ("garant.workers", "1")]).start()
    words = [os.path.join(stack_module.TOP, "bench/fill"), running.path("db/mysql.sock"),
             stack_module.USER if stack_module.is_root() else os.environ["USER"]]
    for name, count in SIZE.items():
        words += ["--" + name, str(count)]
    done = subprocess.run(words, capture_output=True, text=True, **running.as_user())
    assert done.returncode == 0, done.stderr
    for words in (["user", "create", "alice"], ["user", "passwd", "grow7"]):
        done = running.dtr(*words, "--password-file", running.path("password"))
        assert done.returncode == 0, done.stderr
    time.sleep(2)  # a new password revokes all tokens, within a second
    yield running
    running.stop()


def rows_read(stack):
    return sum(int(n) for _, n in stack.sql("SHOW GLOBAL STATUS LIKE 'Handler_read%'"))


def cost(stack, act):
    """Rows that act() makes the server read: the least of some runs, since the programs look at settings meanwhile."""
    least = None
    for _ in range(4):
        before = rows_read(stack)
        idle = rows_read(stack) - before  # what asking costs
        act()
        read = rows_read(stack) - before - 2 * idle
        least = read if least is None else min(least, read)
    return least


def ask(stack, auth, path, status=200, method="GET", headers=(), body=None):
    answer = stack.request(method, path, auth + list(headers), body)
    assert answer.status == status, (method, path, answer.status, answer.body[:300])
    return answer


def test_pages_of_tags_read_their_page_alone(big):
    auth = big.bearer("repository:grow0/tags:pull")
    for n in (10, 100, 1000):
        for last in ("", "t%07d" % (SIZE["tags"] // 2), "t%07d" % (SIZE["tags"] - 5)):
            path = "/v2/grow0/tags/tags/list?n=%d&last=%s" % (n, last)
            names = json.loads(ask(big, auth, path).body)["tags"]
            assert len(names) == n or last.endswith("5")
            assert cost(big, lambda: ask(big, auth, path)) <= n + 40, path


def test_all_pages_of_tags_are_all_tags_in_order(big):
    auth = big.bearer("repository:grow0/tags:pull")
    path, seen = "/v2/grow0/tags/tags/list?n=1000", []
    while path is not None:
        answer = ask(big, auth, path)
        seen += json.loads(answer.body)["tags"]
        link = answer.header("Link")
        path = link[1:link.index(">")] if link else None
    assert len(seen) == SIZE["tags"] and seen == sorted(set(seen))


def test_pages_of_the_catalog_read_their_page_alone(big):
    for user, each in (("admin", 1), ("alice", 3), ("grow7", 3)):
        auth = big.bearer("registry:catalog:*", user=user)
        for n, last in ((100, ""), (100, "grow5/"), (10, "grow98/")):
            path = "/v2/_catalog?n=%d&last=%s" % (n, last)
            names = json.loads(ask(big, auth, path).body)["repositories"]
            assert names == sorted(names) and len(names) == n
            assert not any(name.endswith("x") for name in names)  # those without a manifest
            # a list each that is merged
            assert cost(big, lambda: ask(big, auth, path)) <= each * (n + 40), (user, path)


def test_manifests_cost_the_same_everywhere(big):
    number = SIZE["repositories"] // 2
    for name in ("grow%d/repo%d" % (number % 100, number), "grow0/tags"):
        auth = big.bearer("repository:%s:pull,push,delete" % name)
        tag = "t0000100" if name == "grow0/tags" else "v1"
        got = ask(big, auth, "/v2/%s/manifests/%s" % (name, tag))
        digest = digest_of(got.body)
        assert cost(big, lambda: ask(big, auth, "/v2/%s/manifests/%s" % (name, tag))) <= 25
        assert cost(big, lambda: ask(big, auth, "/v2/%s/manifests/%s" % (name, digest))) <= 25
        assert cost(big, lambda: ask(big, auth, "/v2/%s/manifests/none" % name, 404)) <= 25
        assert cost(big, lambda: ask(big, auth, "/v2/%s/referrers/%s" % (name, digest))) <= 30
        if name == "grow0/tags":  # its blob is another repository's
            both = big.bearer("repository:%s:pull,push" % name, "repository:grow0/repo0:pull")
            ask(big, both, "/v2/%s/blobs/uploads/?mount=%s&from=grow0/repo0" % (
                name, json.loads(got.body)["config"]["digest"]), 201, "POST")
        # push, move and delete
        counter = iter(range(1000))

        def push():
            body = got.body[:-1] + b',"x":"%d"}' % next(counter)
            ask(big, auth, "/v2/%s/manifests/new" % name, 201, "PUT", [("Content-Type", MANIFEST)], body)
            push.digest = digest_of(body)

        assert cost(big, push) <= 80
        assert cost(big, lambda: (push(), ask(
            big, auth, "/v2/%s/manifests/%s" % (name, push.digest), 202, "DELETE"))) <= 200


def test_a_subject_with_many_referrers_is_paged(big):
    name = "admin/subject"
    auth = big.bearer("repository:%s:pull,push" % name)
    config = b"{}"
    ask(big, auth, "/v2/%s/blobs/uploads/?digest=%s" % (name, digest_of(config)), 201, "POST", body=config)
    subject = "sha256:" + hashlib.sha256(b"subject").hexdigest()
    for i in range(130):
        body = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "test/%d" % (i % 2),
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(config), "size": 2},
            "layers": [], "annotations": {"n": str(i)},
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": 7}}).encode()
        answer = ask(big, auth, "/v2/%s/manifests/%s" % (name, digest_of(body)), 201, "PUT",
                     [("Content-Type", MANIFEST)], body)
        assert answer.header("OCI-Subject") == subject
    for query, count in (("", 130), ("?artifactType=test/1", 65)):
        path, seen = "/v2/%s/referrers/%s%s" % (name, subject, query), []
        while path is not None:
            answer = ask(big, auth, path)
            assert answer.header("Content-Type") == INDEX
            found = json.loads(answer.body)["manifests"]
            assert len(found) <= 100
            seen += [m["annotations"]["n"] for m in found]
            link = answer.header("Link")
            path = link[1:link.index(">")] if link else None
        assert len(seen) == len(set(seen)) == count
    assert cost(big, lambda: ask(big, auth, "/v2/%s/referrers/%s?artifactType=test/1" % (name, subject))) <= 200

"""Two replicas on a cluster of three database nodes: what is acknowledged on one holds on the other, whatever
happens to a node.

A node that is away is noticed after two seconds (tests/lib/galera.sh). DTR_LONG=1 makes the storms longer.
"""
import base64
import copy
import itertools
import json
import os
import re
import random
import threading
import time

import pytest

from cluster import Cluster, super_name
from pusher import INDEX, OCI, Pusher, digest_of, image, index
from stack import ADMIN, PASSWORD, wait_for
from threads import Guarded

SIZE = 300000
LONG = bool(os.environ.get("DTR_LONG"))
ROUNDS = 200 if LONG else 25
numbers = itertools.count()


@pytest.fixture(scope="module")
def whole_cluster():
    running = Cluster().start()
    yield running
    running.stop()


@pytest.fixture
def cluster(whole_cluster):
    """It is in order before a test and after it."""
    yield whole_cluster
    whole_cluster.wait_whole()
    whole_cluster.check()


def on(replica, pusher):
    """The same client, who speaks to another replica."""
    other = copy.copy(pusher)
    other.stack = replica
    return other


@pytest.fixture
def clients(cluster):
    """One client's two ways to a new repository."""
    a, b = cluster.replicas
    pusher = Pusher(a, "admin/cluster%d" % next(numbers))
    return pusher, on(b, pusher)


def at_once(*calls):
    """Runs the calls on threads that start together, now and then one a bit later; their results."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait(60)
        time.sleep(random.choice((0, 0, 0.002, 0.005)))
        return call()

    threads = [Guarded(run, call) for call in calls]
    return [thread.finish() for thread in threads]


class SlowBody:
    """A PATCH whose second half has not been sent yet."""

    def __init__(self, client, location, data):
        head = "PATCH %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n" % (location, client.stack.host, len(data))
        head += "".join("%s: %s\r\n" % h for h in client.headers)
        half = len(data) // 2
        self.rest = data[half:]
        self.socket = client.stack.connect()
        self.socket.sendall(head.encode() + b"Connection: close\r\n\r\n" + data[:half])

    def finish(self):
        """Sends the rest; the head of the answer."""
        with self.socket as s:
            s.sendall(self.rest)
            return s.recv(100)


# --- one upload, two replicas

def test_an_upload_goes_from_replica_to_replica(clients):
    on_a, on_b = clients
    data = os.urandom(SIZE)
    location = on_a.start()
    assert on_b.append(location, data[:100000]).status == 202
    assert on_a.offset(location) == 100000
    assert on_a.append(location, data[100000:200000], chunked=True).status == 202
    assert on_b.offset(location) == 200000
    assert on_b.finish(location, digest_of(data), data[200000:]).status == 201
    for client in clients:
        client.check_blob(data)
        # as a client repeats it whose answer was lost
        assert client.finish(location, digest_of(data)).status == 201


def test_a_replica_goes_on_with_the_hash_of_the_other(cluster, clients):
    """What was received is not read again: else a long upload would get slower with each request."""
    on_a, on_b = clients
    data = os.urandom(SIZE)
    location = on_a.start()
    assert on_b.append(location, data[:100000]).status == 202
    assert on_a.append(location, data[100000:200000]).status == 202
    key = cluster.node(3).sql("SELECT o.object_key FROM object o JOIN upload u ON u.object_id = o.id WHERE u.id = "
                              "UNHEX('%s')" % location.partition("?")[0].rpartition("/")[2].replace("-", ""))[0][0]
    with open(os.path.join(cluster.storage, "objects", key[:2], key), "r+b") as f:
        # whoever reads it gets another digest
        f.write(bytes(200000))
        assert on_b.finish(location, digest_of(data), data[200000:]).status == 201
        f.seek(0)
        f.write(data[:200000])
    on_a.check_blob(data)


def test_an_upload_is_dropped_on_the_other_replica(clients):
    on_a, on_b = clients
    location = on_a.start()
    assert on_a.append(location, b"abc").status == 202
    assert on_b.request("DELETE", location).status == 204
    assert on_a.offset(location) is None
    assert on_a.append(location, b"def").status == 404


def test_a_writer_is_alone_on_all_replicas(cluster, clients):
    """While one replica takes bytes of an upload, the other sends a second writer away."""
    on_a, on_b = clients
    location = on_a.start()
    slow = SlowBody(on_a, location, b"1234567890")
    held = "SELECT COUNT(*) FROM upload WHERE lease_until > UTC_TIMESTAMP(6) AND id = UNHEX('%s')"
    wait_for("the first one writes", lambda: cluster.node(3).sql(
        held % location.partition("?")[0].rpartition("/")[2].replace("-", "")) == [["1"]])
    answer = on_b.append(location, b"")
    assert (answer.status, answer.code()) == (503, "BLOB_UPLOAD_INVALID") and int(answer.header("retry-after")) > 0
    assert slow.finish().startswith(b"HTTP/1.1 202")
    assert on_b.finish(location, digest_of(b"1234567890")).status == 201


# --- read what the other one wrote

@pytest.fixture
def scratch(cluster):
    """A table beside the registry's; a function that writes to it on node 3."""
    node = cluster.node(3)
    node.sql("CREATE DATABASE scratch", database=None)
    node.sql("CREATE TABLE line (id INT PRIMARY KEY, number INT, text CHAR(200))", "scratch")
    yield lambda text: node.sql(text, "scratch")
    node.sql("DROP DATABASE scratch", database=None)


@pytest.fixture
def noise(scratch):
    """Large transactions from elsewhere, so that nodes are behind."""
    stop = threading.Event()

    def run():
        for i in itertools.count():
            if stop.is_set():
                return
            scratch("REPLACE INTO line SELECT seq, %d, '' FROM seq_1_to_500" % i)

    thread = Guarded(run)
    yield
    stop.set()
    thread.finish()


def test_what_one_replica_acknowledged_the_other_has(clients, noise):
    config = b"{}"
    clients[0].blob(config)
    for i in range(1000 if LONG else 200):
        writer, reader = clients if i % 2 == 0 else clients[::-1]
        layer = os.urandom(100)
        digest = digest_of(layer)
        document = image(config, [layer])
        assert writer.request("POST", "blobs/uploads/?digest=" + digest, layer).status == 201
        assert reader.request("GET", "blobs/" + digest).status == 200
        assert writer.put("latest", document).status == 201
        moved = reader.request("GET", "manifests/latest")
        assert (moved.status, moved.body) == (200, document)
        if i % 10 == 0:
            assert writer.request("DELETE", "manifests/latest").status == 202
            assert reader.request("HEAD", "manifests/latest").status == 404
            assert json.loads(reader.request("GET", "tags/list").body)["tags"] in ([], None)


# --- the same thing on both at once

def test_one_blob_is_pushed_on_both_replicas_at_once(cluster, clients):
    other = Pusher(cluster.replicas[1], "admin/cluster%d" % next(numbers))
    for i in range(ROUNDS):
        # now in the same repository, now in two
        pushers = clients if i % 2 == 0 else (clients[0], other)
        data = os.urandom(1000)
        locations = [p.start() for p in pushers]
        for p, location in zip(pushers, locations):
            assert p.append(location, data).status == 202
        answers = at_once(*[lambda p=p, at=at: p.finish(at, digest_of(data)) for p, at in zip(pushers, locations)])
        assert [answer.status for answer in answers] == [201, 201], [answer.body for answer in answers]
        for p in pushers:
            p.check_blob(data)
        assert cluster.node(3).sql("SELECT COUNT(*) FROM blob_content WHERE sha256 = UNHEX('%s')"
                                   % digest_of(data)[7:]) == [["1"]]


def test_one_upload_is_finished_on_both_replicas_at_once(clients):
    for _ in range(ROUNDS):
        data = os.urandom(1000)
        location = clients[0].start()
        assert clients[1].append(location, data).status == 202
        answers = at_once(*[lambda p=p: p.finish(location, digest_of(data)) for p in clients])
        assert [answer.status for answer in answers] == [201, 201], [answer.body for answer in answers]
        clients[0].check_blob(data)


def test_one_upload_is_finished_and_dropped_at_once(clients):
    on_a, on_b = clients
    for _ in range(ROUNDS):
        data = os.urandom(1000)
        location = on_a.start()
        assert on_a.append(location, data).status == 202
        finished, dropped = at_once(lambda: on_a.finish(location, digest_of(data)),
                                    lambda: on_b.request("DELETE", location))
        if finished.status == 201:
            assert dropped.status in (404, 409, 503), (dropped.status, dropped.body)
            on_b.check_blob(data)
        else:
            assert (finished.status in (404, 409, 503), dropped.status) == (True, 204), (finished.body, dropped.body)
            assert on_b.request("HEAD", "blobs/" + digest_of(data)).status == 404
        assert on_a.offset(location) is None


def test_one_tag_is_moved_on_both_replicas_at_once(cluster, clients):
    """Which one wins is open; that one wins everywhere is not, and the other can be brought back."""
    config = b"{}"
    clients[0].blob(config)
    before = cluster.conflicts()
    for i in itertools.count(1):
        documents = [image(config, [], annotations={"number": "%d.%d" % (i, j)}) for j in range(2)]
        answers = at_once(*[lambda p=p, d=d: p.put("latest", d) for p, d in zip(clients, documents)])
        assert [answer.status for answer in answers] == [201, 201], [answer.body for answer in answers]
        tagged = [p.request("GET", "manifests/latest").body for p in clients]
        assert tagged[0] == tagged[1] and tagged[0] in documents
        for p, document in zip(clients, documents):
            p.check_image(digest_of(document), document)
        # until they met in the middle, too: else this tested nothing
        if i >= ROUNDS and cluster.conflicts() > before:
            break
        assert i < 20 * ROUNDS
    # all but the last one were overwritten
    assert cluster.node(3).sql("SELECT COUNT(*) FROM tag_history h JOIN repository r ON r.id = h.repository_id "
                               "WHERE r.path = '%s'" % clients[0].repo) == [[str(2 * i - 1)]]


def test_one_repository_is_made_on_both_replicas_at_once(cluster):
    for _ in range(ROUNDS):
        pusher = Pusher(cluster.replicas[0], "admin/cluster%d" % next(numbers))
        clients = pusher, on(cluster.replicas[1], pusher)
        answers = at_once(*[lambda p=p: p.request("POST", "blobs/uploads/") for p in clients])
        assert [answer.status for answer in answers] == [202, 202], [answer.body for answer in answers]
        for p, answer in zip(clients, answers):
            assert p.finish(answer.header("location"), digest_of(p.repo.encode()), p.repo.encode()).status == 201
        assert cluster.node(3).sql("SELECT COUNT(*) FROM repository WHERE path = '%s'" % pusher.repo) == [["1"]]


def test_a_blob_is_deleted_on_one_while_an_image_on_the_other_needs_it(clients):
    config = b"{}"
    clients[0].blob(config)
    for i in range(ROUNDS):
        deleter, pusher = clients if i % 2 == 0 else clients[::-1]
        layer = os.urandom(100)
        document = image(config, [layer])
        pusher.blob(layer)
        deleted, pushed = at_once(lambda: deleter.request("DELETE", "blobs/" + digest_of(layer)),
                                  lambda: pusher.put("latest", document))
        # a push that the deletion did not see keeps the blob
        assert (deleted.status, pushed.status) in ((202, 400), (405, 201), (202, 201)), (deleted.body, pushed.body)
        for p in clients:
            if pushed.status == 201:
                p.check_image("latest", document)
            else:
                assert pushed.code() == "MANIFEST_BLOB_UNKNOWN" and digest_of(layer).encode() in pushed.body
                assert p.request("HEAD", "manifests/" + digest_of(document)).status == 404


def test_an_image_is_deleted_on_one_while_an_index_on_the_other_needs_it(clients):
    config = b"{}"
    clients[0].blob(config)
    for i in range(ROUNDS):
        deleter, pusher = clients if i % 2 == 0 else clients[::-1]
        document = image(config, [], annotations={"number": str(i)})
        digest = digest_of(document)
        many = index([document])
        assert pusher.put(digest, document).status == 201
        deleted, pushed = at_once(lambda: deleter.request("DELETE", "manifests/" + digest),
                                  lambda: pusher.put("many", many, INDEX))
        assert (deleted.status, pushed.status) in ((202, 400), (405, 201)), (deleted.body, pushed.body)
        for p in clients:
            assert p.request("HEAD", "manifests/" + digest).status == (200 if pushed.status == 201 else 404)


def test_an_image_is_deleted_on_one_while_the_other_pushes_it_again(clients):
    config = b"{}"
    clients[0].blob(config)
    for i in range(ROUNDS):
        deleter, pusher = clients if i % 2 == 0 else clients[::-1]
        document = image(config, [], annotations={"number": str(i)})
        digest = digest_of(document)
        assert pusher.put("old", document).status == 201
        deleted, pushed = at_once(lambda: deleter.request("DELETE", "manifests/" + digest),
                                  lambda: pusher.put("new", document))
        assert (deleted.status, pushed.status) == (202, 201), (deleted.body, pushed.body)
        # it is there under all its names or under none
        found = {p.request("HEAD", "manifests/" + name).status for p in clients for name in ("new", digest)}
        assert found in ({200}, {404})
        assert {p.request("HEAD", "manifests/old").status for p in clients} == {404}


# --- accounts and keys

def login(replica, user, password):
    secret = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
    return replica.request("GET", "/auth/token?service=" + replica.host, [("Authorization", "Basic " + secret)])


def make_user(replica, password="first password"):
    """A new user; his name."""
    name = "user%d" % next(numbers)
    set_password(replica, "create", name, password)
    return name


def set_password(replica, verb, name, password):
    with open(replica.path("new-password"), "w") as f:
        f.write(password + "\n")
    os.chmod(f.name, 0o600)
    replica.own()
    done = replica.dtr("user", verb, name, "--password-file", f.name)
    assert done.returncode == 0, done.stderr


def test_a_password_changes_on_all_replicas(cluster):
    a, b = cluster.replicas
    name = make_user(a)
    for replica in (a, b):
        # also where it is remembered
        assert login(replica, name, "first password").status == 200
    set_password(a, "passwd", name, "second password")
    for replica in (b, a):
        assert login(replica, name, "first password").status == 401
        assert login(replica, name, "second password").status == 200


def test_a_login_is_delayed_on_all_replicas(cluster):
    a, b = cluster.replicas
    name = make_user(a)
    # three failures are free, and each one more doubles the delay; if each replica counted for itself, eight were free
    answers = []
    for replica in (a, b, a, b, a, b, a, b):
        answers.append(login(replica, name, "wrong password"))
        if answers[-1].status == 429:
            break
    assert [answer.status for answer in answers[:4]] == [401] * 4
    assert answers[-1].status == 429 and int(answers[-1].header("retry-after")) >= 1
    wait_for("the delay is over", lambda: login(a, name, "first password").status == 200, 60)
    # and a good one is forgiven everywhere
    for replica in (b, a, b):
        assert login(replica, name, "wrong password").status == 401
    assert login(a, name, "first password").status == 200


def test_tokens_are_revoked_on_all_replicas(cluster, clients):
    def is_refused(client):
        return client.request("GET", "tags/list").status == 401

    clients[0].blob(b"something")
    for client in clients:
        assert client.request("GET", "tags/list").status == 200
    done = cluster.replicas[0].dtr("revoke-tokens")
    assert done.returncode == 0, done.stderr
    for client in clients[::-1]:
        wait_for("a token is refused", lambda client=client: is_refused(client))
    for replica, other in (cluster.replicas, cluster.replicas[::-1]):
        wait_for("new tokens are good", lambda replica=replica, other=other:
                 on(other, Pusher(replica, clients[0].repo)).request("GET", "tags/list").status == 200)


def test_a_new_key_signs_on_all_replicas(cluster, clients):
    def signer(replica):
        head = replica.token().partition(".")[0]
        return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]

    a, b = cluster.replicas
    clients[0].blob(b"something")
    old = signer(a)
    assert signer(b) == old
    done = a.dtr("key", "rotate", "--now", "--json")
    assert done.returncode == 0, done.stderr
    kid = json.loads(done.stdout)["kid"]
    seen = set()
    for replica, other in ((a, b), (b, a)):
        def is_new(replica=replica, other=other):
            found = signer(replica)
            seen.add(found)
            # whoever signed it, the other one takes it
            assert on(other, Pusher(replica, clients[0].repo)).request("GET", "tags/list").status == 200
            return found == kid
        wait_for("the new key signs", is_new)
    assert seen <= {old, kid}
    # and what the old one signed is still good
    for client in clients:
        assert client.request("GET", "tags/list").status == 200


# --- nodes that go and come back

class Witness(Pusher):
    """A patient client who takes down every answer."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.answers = []

    def request(self, method, path, *args, **more):
        answer = super().request(method, path, *args, **more)
        self.answers.append((method, path, answer.status, answer.header("retry-after"), answer.body[:300]))
        return answer

    def check(self):
        """All was in order but for what said by itself that it is to be tried again."""
        strange = [a for a in self.answers if not 200 <= a[2] < 300 and not (a[2] == 503 and int(a[3] or 0) > 0)]
        assert not strange, strange[:5]


class Storm:
    """Clients who push on either replica, each image its own, and pull it from the other one."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.repo = "admin/cluster%d" % next(numbers)
        self.pushed = ([], [])  # (tag, document) by the replica that acknowledged
        self.stop = threading.Event()
        self.clients = [Witness(replica, self.repo) for replica in 2 * cluster.replicas]
        self.threads = [Guarded(self.run, i) for i in range(len(self.clients))]

    def run(self, i):
        client, side = self.clients[i], i % 2
        other = on(self.cluster.replicas[1 - side], client)
        for number in itertools.count():
            if self.stop.is_set():
                return
            if number % 10 == 0:
                answer = login(client.stack, ADMIN, PASSWORD)
                client.answers.append(("GET", "/auth/token", answer.status, answer.header("retry-after"), answer.body))
            tag = "t%d.%d" % (i, number)
            document = client.push_image(tag, b"{}", [os.urandom(2000)])
            self.pushed[side].append((tag, document))
            pulled = other.persist("pull", (200,), other.request, "GET", "manifests/" + tag)
            assert pulled.body == document

    def wait(self, count):
        """Until each replica has acknowledged so many more."""
        wanted = [len(pushed) + count for pushed in self.pushed]

        def is_done():
            for thread in self.threads:
                if not thread.is_alive():
                    thread.finish()
            return all(len(pushed) >= n for pushed, n in zip(self.pushed, wanted))

        wait_for("pushes go on", is_done, 120)

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.finish()

    def check(self):
        """What was acknowledged is there, on both."""
        def pull(replica):
            client = on(replica, self.clients[0])
            for tag, document in self.pushed[0] + self.pushed[1]:
                found = client.request("GET", "manifests/" + tag)
                assert (found.status, found.body) == (200, document), (tag, found.status)
                for layer in json.loads(document)["layers"]:
                    assert digest_of(client.pull(layer["digest"])) == layer["digest"]

        for thread in [Guarded(pull, replica) for replica in self.cluster.replicas]:
            thread.finish()
        for client in self.clients:
            client.check()


@pytest.fixture
def storm(cluster):
    blowing = Storm(cluster)
    yield blowing
    blowing.finish()


def wait_used(node):
    """Its replica speaks to it again, as soon as it serves."""
    wait_for("node %d is used" % node.number, lambda: node.clients() > 0)


COUNT = 200 if LONG else 35  # pushes on each replica before, while and after a node is away


@pytest.mark.parametrize("number", [1, 2, 3] if LONG else [1])
def test_pushes_go_on_while_a_node_dies_and_returns(cluster, storm, clients, number):
    data = os.urandom(SIZE)
    location = clients[0].start()
    storm.wait(COUNT)
    slow = SlowBody(clients[0], location, data)
    with cluster.killed(number):
        # what was on its way when the node died arrives
        storm.wait(COUNT // 2)
        assert slow.finish().startswith(b"HTTP/1.1 202")
        storm.wait(COUNT // 2)
        assert clients[1].finish(location, digest_of(data)).status == 201
    storm.wait(COUNT)
    if number < 3:
        wait_used(cluster.node(number))
    storm.finish()
    storm.check()
    clients[0].check_blob(data)


@pytest.mark.parametrize("number", [1, 2, 3] if LONG else [2])
def test_pushes_go_on_while_a_node_is_cut_off(cluster, storm, number):
    """It still takes connections and knows old rows: nobody may believe it."""
    storm.wait(COUNT)
    with cluster.isolated(number):
        wait_for("the node knows that it is alone", lambda: not cluster.node(number).has_quorum())
        storm.wait(COUNT)
    storm.wait(COUNT)
    if number < 3:
        wait_used(cluster.node(number))
    storm.finish()
    storm.check()


def test_metrics_show_the_cluster(cluster):
    def seen():
        text = cluster.replicas[0].ask_node("GET", "/_health/api/metrics").body.decode()
        return re.findall(r"^dtr_(?:database_ready|galera_nodes) (\d+)$", text, re.M)
    wait_for("all nodes are seen", lambda: seen() == ["1", "3"])
    with cluster.killed(3):
        wait_for("one is missed", lambda: seen() == ["1", "2"], 60)
    wait_for("it is back", lambda: seen() == ["1", "3"], 60)


def test_a_node_that_falls_behind_is_left_alone(cluster, clients, scratch):
    """It cannot apply what the others commit, and says that it is ready."""
    on_a, on_b = clients
    config = b"{}"
    on_a.blob(config)
    old, new = [image(config, [], annotations={"number": str(i)}) for i in range(2)]
    assert on_a.put("latest", old).status == 201
    locker = cluster.node(1).client("scratch")
    try:
        locker.stdin.write("LOCK TABLES line READ;\nSELECT 'locked';\n")
        locker.stdin.flush()
        assert locker.stdout.readline() == "locked\n"
        scratch("INSERT INTO line VALUES (1, 1, '')")
        assert on_b.put("latest", new).status == 201

        def is_right():
            answer = on_a.request("GET", "manifests/latest")
            if answer.status == 503:
                assert int(answer.header("retry-after")) > 0
                return False
            assert (answer.status, answer.body) == (200, new)
            return True

        wait_for("the replica uses another node", lambda: is_right() and on_a.stack.readyz() == 200)
        assert on_a.put("latest", old).status == 201
    finally:
        locker.stdin.close()
        locker.wait()
    assert on_b.request("GET", "manifests/latest").body == old


def test_without_a_majority_all_say_so_and_come_back(cluster, clients):
    document = clients[0].push_image("latest", b"{}", [b"a layer"])
    requests = (("GET", "manifests/latest"), ("GET", "blobs/" + digest_of(b"a layer")), ("GET", "tags/list"),
                ("POST", "blobs/uploads/"), ("PUT", "manifests/other", document, [("Content-Type", OCI)]),
                ("DELETE", "manifests/latest"))

    def is_honest(client):
        """Every answer is the right one or 503; True when all are 503."""
        answers = [client.request("GET", "manifests/latest"), login(client.stack, ADMIN, PASSWORD)]
        for answer in answers:
            if answer.status == 503:
                assert int(answer.header("retry-after")) > 0
            else:
                assert answer.status == 200, (answer.status, answer.body)
        return all(answer.status == 503 for answer in answers)

    with cluster.isolated(1, 2):
        for client in clients:
            wait_for("it says that it cannot know", lambda client=client: is_honest(client))
            for program in ("registry", "garant"):
                assert client.stack.readyz(program) == 503
            for request in requests:
                answer = client.request(*request)
                assert answer.status == 503, (request, answer.status, answer.body)
                assert int(answer.header("retry-after")) > 0
    for client in clients:
        wait_for("it serves again", lambda client=client: not is_honest(client) and client.stack.readyz() == 200)
        client.persist("pull", (200,), client.request, "GET", "manifests/latest")
        client.check_image("latest", document)


# --- administration

def test_a_database_is_migrated_on_two_nodes_at_once(cluster):
    """Each step is done once; who comes second waits and finds it done."""
    replicas = []
    for replica in cluster.replicas:
        with open(replica.conf) as f:
            text = f.read()
        twin = copy.copy(replica)
        twin.conf = replica.path("twin.conf")
        with open(twin.conf, "w") as f:
            f.write(text + "database.name = dtr_twin\n")
        replicas.append(twin)
    done = replicas[0].dtr("init", "--db-admin", super_name(), "--admin-password-file",
                           replicas[0].path("password"))
    assert done.returncode == 0, done.stderr
    for _ in range(10 if LONG else 2):
        cluster.node(3).sql("DROP DATABASE dtr_twin; CREATE DATABASE dtr_twin", database=None)
        results = at_once(*[lambda r=r: r.dtr("migrate") for r in replicas])
        for done in results:
            assert done.returncode == 0, done.stderr
        said = "".join(done.stdout for done in results).splitlines()
        steps = [line for line in said if line.startswith("migration ")]
        assert len(steps) == len(set(steps)) > 0
        for node in cluster.nodes:
            columns = [node.sql("SELECT table_name, column_name, column_type FROM information_schema.columns "
                                "WHERE table_schema = '%s' ORDER BY 1, 2" % name) for name in ("dtr", "dtr_twin")]
            assert columns[0] == columns[1]
        for replica in replicas:
            assert replica.dtr("migrate", "--status").returncode == 0
    cluster.node(3).sql("DROP DATABASE dtr_twin", database=None)

"""A storm: clients push, pull and delete while processes and clients are killed at random.

Whatever was acknowledged has to be there afterwards, byte by byte. The usual
storm takes half a minute, with DTR_LONG=1 two. $DTR_SEED repeats its choices.
"""
import contextlib
import json
import os
import random
import signal
import threading
import time

import pytest

import invariants
from faults import FaultyStack
from pusher import INDEX, Pusher, digest_of, image, index
from repository import Sending
from threads import Guarded

LONG = os.environ.get("DTR_LONG") == "1"
SECONDS = 120 if LONG else 20
CLIENTS = 64
REPOS = ["admin/storm%d" % i for i in range(4)]


@pytest.fixture(scope="module")
def stormy():
    running = FaultyStack()
    with running.running():
        # who was killed while it wrote lets others wait for so long
        running.sql("REPLACE INTO setting VALUES ('upload.lease', '2', 1, UTC_TIMESTAMP(6))")
        running.recover()
        yield running


class Weather:
    """What all clients of a storm share."""

    def __init__(self, stack, seed):
        self.stack = stack
        self.over = threading.Event()
        dice = random.Random(seed)
        self.layers = [dice.randbytes(dice.randint(1, 200000)) for _ in range(6)]
        self.images = [(dice.randbytes(200), dice.sample(self.layers, 3)) for _ in range(3)]
        self.tags = {}  # by repository and tag: what it may point to
        self.lock = threading.Lock()

    def tagged(self, repo, tag, document):
        with self.lock:
            self.tags.setdefault((repo, tag), set()).add(document)


class Client:
    """Does this and that, and remembers what was acknowledged."""

    def __init__(self, weather, number, seed):
        self.weather = weather
        self.number = number
        self.dice = random.Random(seed)
        self.images = {}  # (repo, document): its own ones are deleted at times
        self.deleted = []
        self.pushers = {repo: Pusher(weather.stack, repo, [r for r in REPOS if r != repo], is_calm=weather.over.is_set)
                        for repo in self.dice.sample(REPOS, 2)}

    def run(self):
        while not self.weather.over.is_set():
            pusher = self.pushers[self.dice.choice(list(self.pushers))]
            action = self.dice.choices(
                [self.push_own, self.push_shared, self.push_index, self.mount, self.look, self.delete, self.login,
                 self.vanish],
                [6, 4, 1, 2, 4, 1, 1, 1])[0]
            action(pusher)

    def push(self, pusher, config, layers, **more):
        for data in [config] + layers:
            # as clients do: what is there is not sent again
            if pusher.request("HEAD", "blobs/" + digest_of(data)).status != 200:
                pusher.blob(data, parts=self.dice.choice([1, 1, 2, 3]))
        document = image(config, layers, **more)
        tag = self.dice.choice(["latest", "v%d" % self.number, digest_of(document)])
        self.weather.tagged(pusher.repo, tag, document)
        pusher.manifest(tag, document)
        return document

    def push_own(self, pusher):
        layers = [self.dice.randbytes(self.dice.randint(1, 150000)) for _ in range(self.dice.randint(0, 2))]
        layers += self.dice.sample(self.weather.layers, 2)
        document = self.push(pusher, self.dice.randbytes(100), layers)
        self.images[pusher.repo, document] = True

    def push_shared(self, pusher):
        document = self.push(pusher, *self.dice.choice(self.weather.images))
        self.images[pusher.repo, document] = False

    def push_index(self, pusher):
        children = [document for repo, document in self.images if repo == pusher.repo]
        if children:
            chosen = self.dice.sample(children, min(2, len(children)))
            for document in chosen:
                self.images[pusher.repo, document] = False  # an index holds it
            many = index(chosen)
            pusher.manifest(digest_of(many), many, INDEX)
            self.weather.tagged(pusher.repo, digest_of(many), many)

    def mount(self, pusher):
        data = self.dice.choice(self.weather.layers)
        source = self.dice.choice(REPOS)
        pusher.persist("mount", (201, 202), pusher.request, "POST",
                       "blobs/uploads/?mount=%s&from=%s" % (digest_of(data), source))

    def look(self, pusher):
        """What was acknowledged is there also in the middle of it all."""
        for repo, document in self.dice.sample(list(self.images), min(2, len(self.images))):
            answer = self.pushers[repo].persist("pull", (200,), self.pushers[repo].request,
                                                "GET", "manifests/" + digest_of(document))
            # a killed worker may break a transfer off
            assert document.startswith(answer.body)

    def delete(self, pusher):
        own = [(repo, document) for (repo, document), is_own in self.images.items() if is_own and repo == pusher.repo]
        if own:
            chosen = self.dice.choice(own)
            del self.images[chosen]
            pusher.persist("delete", (202, 404), pusher.request, "DELETE", "manifests/" + digest_of(chosen[1]))
            self.deleted.append(chosen)

    def login(self, pusher):
        pusher.login()

    def vanish(self, pusher):
        """Dies in the middle of a push; at times somebody goes on with it."""
        data = self.dice.randbytes(self.dice.randint(1000, 150000))
        answer = pusher.request("POST", "blobs/uploads/")
        if answer.status != 202:
            return
        with contextlib.suppress(OSError):
            sending = Sending(pusher, "PATCH", answer.header("location"), len(data))
            sending.send(data[:self.dice.randint(0, len(data) - 1)])
            sending.abort()
        if self.dice.random() < 0.5:
            pusher.until("go on", lambda: pusher.go_on(answer.header("location"), data))

    def check(self, pulled):
        for repo, document in self.images:
            pusher = self.pushers[repo]
            answer = pusher.request("GET", "manifests/" + digest_of(document))
            assert (answer.status, answer.body) == (200, document), (repo, answer.status, answer.body[:300])
            for digest in invariants.named_by(json.loads(document)):
                if (repo, digest) not in pulled:
                    assert digest_of(pusher.pull("sha256:" + digest)) == "sha256:" + digest
                    pulled.add((repo, digest))
        for repo, document in self.deleted:
            assert self.pushers[repo].request("GET", "manifests/" + digest_of(document)).status == 404


def kill_something(stack, dice):
    """A worker as a rule, at times a master, or all of a program."""
    program = dice.choices(["dtr-registry", "dtr-garant"], [5, 1])[0]
    choice = dice.random()
    if choice < 0.1:
        stack.replace_master(program)
    elif choice < 0.15:
        stack.recover(program)
    else:
        workers = stack.workers(program)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(dice.choice(workers), signal.SIGKILL)


def test_what_was_acknowledged_outlives_a_storm(stormy):
    seed = int(os.environ.get("DTR_SEED", random.SystemRandom().randrange(1 << 32)))
    print("DTR_SEED=%d" % seed)
    weather = Weather(stormy, seed)
    clients = [Client(weather, i, seed + i) for i in range(CLIENTS)]
    threads = [Guarded(client.run) for client in clients]
    dice = random.Random(seed)
    end = time.monotonic() + SECONDS
    kills = 0
    while time.monotonic() < end and all(thread.is_alive() for thread in threads):
        kill_something(stormy, dice)
        kills += 1
        time.sleep(dice.uniform(0.05, 0.5))
    weather.over.set()
    for program in ("dtr-registry", "dtr-garant"):
        stormy.recover(program)
    for thread in threads:
        thread.finish()
    images = sum(len(client.images) for client in clients)
    print("%d kills, %d images acknowledged, %d deleted" % (kills, images, sum(len(c.deleted) for c in clients)))
    assert kills > SECONDS / 2 and images > CLIENTS
    pulled = set()
    for client in clients:
        client.check(pulled)
    for (repo, tag), documents in weather.tags.items():
        if not tag.startswith("sha256:"):
            pusher = next(c.pushers[repo] for c in clients if repo in c.pushers)
            answer = pusher.request("GET", "manifests/" + tag)
            # its image may have been deleted
            assert answer.status == 404 or answer.body in documents
    stormy.expire_leases()
    invariants.check(stormy)
    assert_nothing_leaks(stormy)


def assert_nothing_leaks(stack):
    """What nobody finished goes, and with it all that no blob needs."""
    stack.sql("UPDATE upload SET touched = touched - INTERVAL 30 DAY")
    for what in ("uploads", "objects"):
        stack.sql("UPDATE object SET not_before = UTC_TIMESTAMP() - INTERVAL 1 SECOND")
        done = stack.dtr("gc", what)
        assert done.returncode == 0, done.stderr
    assert stack.sql("SELECT (SELECT COUNT(*) FROM upload), (SELECT COUNT(*) FROM object WHERE state <> 2)") == [["0", "0"]]
    files = [name for _, _, names in os.walk(stack.storage) for name in names]
    assert [[str(len(files))]] == stack.sql("SELECT COUNT(*) FROM blob_content")
    invariants.check(stack)

"""Fixtures of the clients' tests, which import them, and what these tests say often."""
import os

import pytest

import clients
from client_kinds import KINDS
from stack import PASSWORD


@pytest.fixture(scope="module")
def place(stack):
    place = clients.Place(stack)
    try:
        yield place.start()
    finally:
        place.stop()


@pytest.fixture(scope="module")
def started(place):
    """Gives the client of this name, started when it is first asked for."""
    running = {}

    def give(name):
        if KINDS[name].needs_root:
            clients.need_root()
        if name not in running:
            os.makedirs(place.path(name), exist_ok=True)
            running[name] = KINDS[name](place).start()
        return running[name]

    return give


def log_in(client, user, password=PASSWORD):
    done = client.login(user, password)
    assert done is None or done.code == 0, done
    return client


def reference(client, path, tag="1", user="alice"):
    """A repository of each client's own, of several parts."""
    return "%s/%s/%s/%s:%s" % (client.host, user, path, client.name, tag)


def made(client, name):
    """An image that nobody has seen before."""
    client.make(name, {"first": os.urandom(40000)}, {"second": os.urandom(400000)})
    return name


def good(done):
    """What a client said, when it must succeed."""
    assert done.code == 0, done
    return done.out


def bad(done):
    """What a client said, when it must fail."""
    assert done.code != 0, done
    return done.out

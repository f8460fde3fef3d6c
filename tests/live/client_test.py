"""What every client of a registry does: Docker, Skopeo, Podman, Buildah and containerd, each in the same tests."""
import pytest

import clients as lib
from client_fixtures import bad, good, log_in, made, place, reference, started  # noqa: F401
from client_kinds import KINDS
from stack import PASSWORD


@pytest.fixture(params=sorted(KINDS))
def client(request, started):
    """Each of them, logged in as alice."""
    return log_in(started(request.param), "alice")


def by_digest(reference, digest):
    return reference.rpartition(":")[0] + "@" + digest


def remote(stack, client, path, tag="1"):
    return lib.remote_digest(stack, "alice/%s/%s" % (path, client.name), tag)


def test_push_and_pull(stack, client):
    name = made(client, reference(client, "base"))
    image = client.image(name)
    good(client.push(name))
    digest = remote(stack, client, "base")
    client.forget()
    good(client.pull(name))
    assert client.digest(name) == digest
    assert client.image(name) == image
    client.forget()
    exact = by_digest(name, digest)
    good(client.pull(exact))
    assert client.image(exact) == image


def test_second_push_sends_nothing(stack, client):
    name = made(client, reference(client, "twice"))
    good(client.push(name))
    digest = remote(stack, client, "twice")
    before = lib.uploads(stack)
    good(client.push(name))
    assert lib.uploads(stack) == before
    assert remote(stack, client, "twice") == digest


def test_layers_are_mounted_from_another_repository(stack, client):
    name = made(client, reference(client, "from/a/team"))
    good(client.push(name))
    # containerd knows of what it pulled alone where else it is
    client.forget()
    good(client.pull(name))
    other = reference(client, "to/another/team")
    good(client.rename(name, other))
    before = lib.uploads(stack)
    good(client.push(other))
    # some send the configuration again, which is small
    assert lib.uploads(stack) - before <= 1
    assert remote(stack, client, "to/another/team") == remote(stack, client, "from/a/team")


def test_wrong_password(stack, client):
    user = lib.ensure_user(stack, "carol-" + client.name)
    done = client.login(user, "wrong " + PASSWORD)
    if done is None:
        # told each time
        done = client.push(made(client, reference(client, "wrong", user=user)))
    assert client.wrong_password in bad(done)


def test_push_to_a_name_of_somebody_else(stack, client):
    lib.ensure_user(stack, "bob")
    theirs = reference(client, "private")
    good(client.push(made(client, theirs)))
    digest = remote(stack, client, "private")
    log_in(client, "bob")
    out = bad(client.push(made(client, theirs)))
    assert client.no_rights in out
    assert remote(stack, client, "private") == digest
    # nor may he read it, nor learn whether it is there
    client.forget()
    assert client.no_rights in bad(client.pull(theirs))
    assert client.no_rights in bad(client.pull(reference(client, "missing")))


def test_access_token_is_a_password(stack, client):
    user = lib.ensure_user(stack, "builder")
    log_in(client, user, lib.access_token(stack, user))
    name = made(client, reference(client, "token", user=user))
    good(client.push(name))
    client.forget()
    good(client.pull(name))


def test_anybody_pulls_what_is_public(stack, client):
    public, private = made(client, reference(client, "public")), reference(client, "not/public")
    good(client.push(public))
    good(client.rename(public, private))
    good(client.push(private))
    image = client.image(public)
    lib.make_public(stack, "alice/public/" + client.name)
    client.forget()
    client.logout()
    good(client.pull(public))
    assert client.image(public) == image
    assert client.no_rights in bad(client.pull(private))
    # to be read, not written
    made(client, public)
    assert client.no_rights in bad(client.push(public))


def test_missing_tag(client):
    name = made(client, reference(client, "tags"))
    good(client.push(name))
    out = bad(client.pull(reference(client, "tags", tag="nosuch"))).replace("\\", "")
    assert "not found" in out or 'no manifest "nosuch" in repository "alice/tags/%s"' % client.name in out


def test_pull_after_restart_of_every_program(stack, started):
    every = [started(name) for name in sorted(KINDS)]
    names = {}
    for client in every:
        log_in(client, "alice")
        names[client] = made(client, reference(client, "lasting"))
        good(client.push(names[client]))
    images = {client: client.image(names[client]) for client in every}
    lib.restart_everything(stack)
    for client in every:
        client.forget()
        good(client.pull(names[client]))
        assert client.image(names[client]) == images[client]
        good(client.push(names[client]))


def test_no_request_failed_by_our_fault(stack):
    """Last of the file: what the requests before left in the logs."""
    assert stack.request("GET", "/v2/", stack.bearer()).status == 200
    for program in ("dtr-registry", "dtr-garant"):
        statuses = lib.statuses(stack, program)
        assert statuses, program
        assert {s for s in statuses if s >= 500} == set(), program

"""Docker alone: what people do with its command line, and what it tells them."""
import json
import os

import pytest

import clients as lib
import oci_layout
from client_fixtures import bad, good, log_in, made, place, started  # noqa: F401
from client_kinds import KINDS
from policy_test import setting  # noqa: F401
from stack import ADMIN, PASSWORD, wait_for


@pytest.fixture
def docker(started):
    return log_in(started("docker"), "alice")


def test_login_keeps_no_password(docker):
    with open(docker.path("config%d" % docker.logins, "config.json")) as f:
        text = f.read()
    assert PASSWORD not in text
    assert json.loads(text)["auths"][docker.host]["identitytoken"]


def test_push_tells_what_it_did(docker):
    name = docker.host + "/alice/tell:1"
    docker.make(name, *[{"file%d" % i: os.urandom(20000)} for i in range(4)])
    assert good(docker.push(name)).count(": Pushed\n") == 4
    assert good(docker.push(name)).count(": Layer already exists\n") == 4
    other = docker.host + "/alice/told/again:1"
    good(docker.rename(name, other))
    assert good(docker.push(other)).count(": Mounted from alice/tell\n") == 4


def test_all_tags_of_a_repository(docker):
    names = ["%s/alice/many:%s" % (docker.host, tag) for tag in ("1", "1.0", "latest")]
    made(docker, names[0])
    for name in names[1:]:
        good(docker.rename(names[0], name))
    good(docker.run("push", "-a", docker.host + "/alice/many"))
    docker.forget()
    good(docker.run("pull", "-a", docker.host + "/alice/many"))
    assert len({docker.image(name) for name in names}) == 1


def test_manifest_inspect(docker):
    name = docker.host + "/alice/seen:1"
    good(docker.push(made(docker, name)))
    found = json.loads(good(docker.run("manifest", "inspect", name)))
    assert found["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert found["config"]["digest"] == docker.image(name)
    for missing in ("/alice/seen:nosuch", "/alice/nosuch:1"):
        out = bad(docker.run("manifest", "inspect", docker.host + missing))
        assert "no such manifest: " + docker.host + missing in out
    log_in(docker, lib.ensure_user(docker.place.stack, "bob"))
    assert docker.no_rights in bad(docker.run("manifest", "inspect", name))


def test_pull_of_what_is_not_there(docker):
    good(docker.push(made(docker, docker.host + "/alice/there:1")))
    out = bad(docker.pull(docker.host + "/alice/there:nosuch"))
    assert 'manifest unknown: no manifest "nosuch" in repository "alice/there"' in out
    out = bad(docker.pull(docker.host + "/alice/not/there:1"))
    assert 'name unknown: no repository "alice/not/there"' in out
    digest = "sha256:" + "d" * 64
    out = bad(docker.pull(docker.host + "/alice/there@" + digest))
    assert 'no manifest "%s"' % digest in out


def test_pull_without_login_names_the_way(docker):
    name = docker.host + "/alice/closed:1"
    good(docker.push(made(docker, name)))
    docker.logout()
    out = bad(docker.pull(name))
    assert "may require 'docker login'" in out and docker.no_rights in out


def test_nobody_pushes_outside_of_a_namespace(docker):
    name = made(docker, docker.host + "/alice/inside:1")
    log_in(docker, ADMIN)
    for outside in ("/single:1", "/nosuchuser/image:1"):
        good(docker.rename(name, docker.host + outside))
        assert docker.no_rights in bad(docker.push(docker.host + outside))


def test_push_that_may_make_no_repository_names_the_way(stack, docker, setting):
    name = made(docker, docker.host + "/alice/unmade:1")
    setting("createRepositoryOnPush", "false")
    out = bad(docker.push(name))
    assert docker.no_rights in out and "can make it: dtr repository create alice/unmade" in out
    done = stack.dtr("repository", "create", "alice/unmade")
    assert done.returncode == 0, done.stderr
    good(docker.push(name))


def test_layer_of_300_megabytes(stack, docker):
    # what repeats after a megabyte cannot be compressed
    docker.make(docker.host + "/alice/large:1", {"large": os.urandom(1 << 20) * 300})
    image = docker.image(docker.host + "/alice/large:1")
    good(docker.push(docker.host + "/alice/large:1"))
    sizes = stack.sql("SELECT MAX(size) FROM blob_content")
    assert int(sizes[0][0]) > 300 << 20
    docker.forget()
    good(docker.pull(docker.host + "/alice/large:1"))
    assert docker.image(docker.host + "/alice/large:1") == image
    docker.forget()


def test_index_of_several_platforms(docker, started):
    """What Skopeo pushed as an OCI index."""
    skopeo = log_in(started("skopeo"), "alice")
    layout = oci_layout.Layout(skopeo.path("platforms"))
    digest = layout.tag("all", layout.index(*[layout.image({"about": a.encode()}, architecture=a)
                                              for a in ("arm64", "amd64", "s390x")]))
    name = docker.host + "/alice/platforms:1"
    good(skopeo.copy("oci:%s:all" % layout.path, "docker://" + name, "--all"))
    for architecture in ("s390x", "arm64", "amd64"):
        docker.forget()
        out = good(docker.run("pull", "--platform", "linux/" + architecture, name))
        assert "Digest: " + digest in out
        assert json.loads(good(docker.run("image", "inspect", name)))[0]["Architecture"] == architecture


def change_password(stack, user, password):
    with open(stack.path("new-password"), "w") as f:
        f.write(password + "\n")
    os.chmod(f.name, 0o600)
    stack.own()
    done = stack.dtr("user", "passwd", user, "--password-file", f.name)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def own_docker(own_stack):
    """With a registry of its own: what is revoked there hits all its users."""
    lib.need_root()
    place = lib.Place(own_stack)
    try:
        os.mkdir(place.path("docker"))
        place.start()
        lib.ensure_user(own_stack, "dora")
        yield log_in(KINDS["docker"](place).start(), "dora")
    finally:
        place.stop()


def test_earlier_logins_end(own_stack, own_docker):
    docker = own_docker
    name = made(docker, docker.host + "/dora/mine:1")
    good(docker.push(name))
    change_password(own_stack, "dora", "another " + PASSWORD)
    assert "unauthorized" in bad(docker.push(name))
    assert docker.wrong_password in bad(docker.login("dora", PASSWORD))
    # all tokens were revoked with hers; within a second the programs agree on that
    wait_for("the new password works", lambda: docker.login("dora", "another " + PASSWORD).code == 0)
    wait_for("she pushes again", lambda: docker.push(name).code == 0)
    done = own_stack.dtr("user", "set", "dora", "--active", "no")
    assert done.returncode == 0, done.stderr
    assert "unauthorized" in bad(docker.push(name))
    assert "unauthorized" in bad(docker.pull(name))
    assert docker.wrong_password in bad(docker.login("dora", "another " + PASSWORD))

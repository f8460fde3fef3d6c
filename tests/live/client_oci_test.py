"""Indexes, large and empty blobs, artifacts: built here, sent by Skopeo or by hand, read by the others."""
import hashlib
import json
import os

import pytest

import clients as lib
import oci_layout
from client_fixtures import bad, good, log_in, place, started  # noqa: F401

EMPTY = "application/vnd.oci.empty.v1+json"
KIND = "application/vnd.example.signature"


@pytest.fixture
def skopeo(started):
    return log_in(started("skopeo"), "alice")


@pytest.fixture
def layout(place, request):
    return oci_layout.Layout(place.path("layout-" + request.node.name))


def local(layout, tag):
    return "oci:%s:%s" % (layout.path, tag)


def blobs(path):
    """The contents of a layout by digest; each must be what its name says."""
    found = set()
    for name in os.listdir(os.path.join(path, "blobs", "sha256")):
        with open(os.path.join(path, "blobs", "sha256", name), "rb") as f:
            assert hashlib.file_digest(f, "sha256").hexdigest() == name
        found.add("sha256:" + name)
    return found


def copy_and_back(skopeo, layout, tag, path, *options):
    """Pushes, pulls into a new layout, and compares all contents."""
    remote = "docker://%s/%s" % (skopeo.host, path)
    good(skopeo.copy(local(layout, tag), remote, *options))
    back = layout.path + "-back"
    good(skopeo.copy(remote, "oci:%s:%s" % (back, tag), *options))
    assert blobs(back) == blobs(layout.path)


def test_index_of_several_platforms(stack, skopeo, layout, started):
    images = [layout.image({"about": name.encode()}, {"data": os.urandom(50000)}, architecture=name)
              for name in ("amd64", "arm64", "riscv64")]
    digest = layout.tag("all", layout.index(*images))
    copy_and_back(skopeo, layout, "all", "alice/oci/platforms:1", "--all")
    assert lib.remote_digest(stack, "alice/oci/platforms", "1") == digest
    name = skopeo.host + "/alice/oci/platforms:1"
    for image in images:
        podman = log_in(started("podman"), "alice")
        architecture = image["platform"]["architecture"]
        good(podman.run("pull", "--arch", architecture, *podman.auth(), *podman.certs(), name))
        assert podman.inspect(name)["Architecture"] == architecture
    ctr = log_in(started("ctr"), "alice")
    good(ctr.run("images", "pull", "--all-platforms", "--snapshotter", "native", "--hosts-dir", ctr.path("hosts"),
                 *ctr.who, name))
    assert ctr.digest(name) == digest


def test_index_is_copied_within_the_registry(stack, skopeo, layout):
    digest = layout.tag("all", layout.index(layout.image({"a": os.urandom(50000)}),
                                            layout.image({"b": os.urandom(50000)}, architecture="arm64")))
    first, second = "docker://%s/alice/oci/copy:1" % skopeo.host, "docker://%s/alice/oci/copied:1" % skopeo.host
    good(skopeo.copy(local(layout, "all"), first, "--all"))
    before = lib.uploads(stack)
    good(skopeo.copy(first, second, "--all"))
    assert lib.remote_digest(stack, "alice/oci/copied", "1") == digest
    # the two configurations at most; layers are mounted
    assert lib.uploads(stack) - before <= 2


def test_layer_of_200_megabytes(stack, skopeo, layout, started):
    layer = oci_layout.tar({"large": os.urandom(1 << 20) * 200})
    digest = layout.tag("large", layout.raw_image(layer))
    copy_and_back(skopeo, layout, "large", "alice/oci/large:1", "--preserve-digests")
    assert lib.remote_digest(stack, "alice/oci/large", "1") == digest
    name = skopeo.host + "/alice/oci/large:1"
    for kind in ("podman", "ctr"):
        client = log_in(started(kind), "alice")
        good(client.pull(name))
        assert client.digest(name) == digest
        client.forget()


def test_blob_of_no_bytes(stack, skopeo, layout):
    digest = layout.tag("nothing", layout.raw_image(b"", oci_layout.tar({"something": b"x"})))
    copy_and_back(skopeo, layout, "nothing", "alice/oci/nothing:1", "--preserve-digests")
    assert lib.remote_digest(stack, "alice/oci/nothing", "1") == digest


def test_delete(skopeo, layout):
    layout.tag("gone", layout.image({"gone": os.urandom(1000)}))
    remote = "docker://%s/alice/oci/gone" % skopeo.host
    for tag in ("1", "2"):
        good(skopeo.copy(local(layout, "gone"), remote + ":" + tag))
    ask = ["list-tags", *skopeo.auth(), *skopeo.certs(), remote]
    assert json.loads(good(skopeo.run(*ask)))["Tags"] == ["1", "2"]
    # it deletes the manifest, so both tags go
    good(skopeo.run("delete", *skopeo.auth(), *skopeo.certs(), remote + ":1"))
    assert json.loads(good(skopeo.run(*ask)))["Tags"] == []
    assert "manifest unknown" in bad(skopeo.run("inspect", *skopeo.auth(), *skopeo.certs(), remote + ":2"))


def push_blob(stack, path, data, headers):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    answer = stack.request("POST", "/v2/%s/blobs/uploads/" % path, headers, b"")
    assert answer.status == 202, answer.body
    target = answer.header("location")
    answer = stack.request("PUT", target + ("&" if "?" in target else "?") + "digest=" + digest, headers, data)
    assert answer.status == 201, answer.body
    return {"digest": digest, "size": len(data)}


def push_artifact(stack, path, subject, headers):
    """A signature of something, as tools push it: no tag, its own type, an empty configuration."""
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": oci_layout.MANIFEST, "artifactType": KIND,
        "config": dict(push_blob(stack, path, b"{}", headers), mediaType=EMPTY),
        "layers": [dict(push_blob(stack, path, b"signed", headers), mediaType="text/plain")],
        "subject": subject, "annotations": {"org.example.signed-by": "alice"}}, indent=2).encode()
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    answer = stack.request("PUT", "/v2/%s/manifests/%s" % (path, digest),
                           headers + [("Content-Type", oci_layout.MANIFEST)], manifest)
    assert answer.status == 201, answer.body
    assert answer.header("docker-content-digest") == digest
    return digest, manifest, answer


def test_artifact_with_a_subject(stack, skopeo, layout):
    image = layout.image({"signed": os.urandom(1000)})
    layout.tag("signed", image)
    path = "alice/oci/signed"
    good(skopeo.copy(local(layout, "signed"), "docker://%s/%s:1" % (skopeo.host, path)))
    headers = stack.bearer("repository:%s:pull,push" % path, user="alice")
    subject = {k: image[k] for k in ("mediaType", "digest", "size")}
    digest, manifest, answer = push_artifact(stack, path, subject, headers)
    assert answer.header("oci-subject") == image["digest"]
    raw = good(skopeo.run("inspect", "--raw", *skopeo.auth(), *skopeo.certs(),
                          "docker://%s/%s@%s" % (skopeo.host, path, digest)))
    assert raw.encode() == manifest
    # it has no tag, and is nobody's tag
    assert lib.remote_digest(stack, path, "1") == image["digest"]


def test_artifact_whose_subject_comes_later(stack, skopeo, layout):
    image = layout.image({"later": os.urandom(1000)})
    layout.tag("later", image)
    path = "alice/oci/later"
    headers = stack.bearer("repository:%s:pull,push" % path, user="alice")
    subject = {k: image[k] for k in ("mediaType", "digest", "size")}
    digest, manifest, answer = push_artifact(stack, path, subject, headers)
    assert answer.header("oci-subject") == image["digest"]
    good(skopeo.copy(local(layout, "later"), "docker://%s/%s:1" % (skopeo.host, path)))
    answer = stack.request("GET", "/v2/%s/manifests/%s" % (path, digest), headers)
    assert (answer.status, answer.body) == (200, manifest)

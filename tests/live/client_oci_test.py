"""Indexes, large and empty blobs, artifacts: built here, sent by Skopeo or by hand, read by the others."""
import gzip
import hashlib
import http.server
import json
import os
import threading

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


def test_layer_of_300_megabytes(stack, skopeo, layout, started):
    layer = oci_layout.tar({"large": os.urandom(1 << 20) * 300})
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


# --- what is no image: sent and read by hand, and by Skopeo

class Raw:
    """Requests to one repository of alice."""

    def __init__(self, stack, path):
        self.stack, self.path = stack, path
        self.headers = stack.bearer("repository:%s:pull,push,delete" % path, user="alice")

    def ask(self, method, path, headers=(), body=None):
        return self.stack.request(method, "/v2/%s/%s" % (self.path, path), self.headers + list(headers), body)

    def blob(self, content, kind, **more):
        return dict(push_blob(self.stack, self.path, content, self.headers), mediaType=kind, **more)

    def push(self, tag, config, layers, **more):
        """The manifest's bytes, with a layout of its own that must survive."""
        manifest = json.dumps(dict({"schemaVersion": 2, "mediaType": oci_layout.MANIFEST, "config": config,
                                    "layers": layers}, **more), indent=3).encode()
        answer = self.ask("PUT", "manifests/" + tag, [("Content-Type", oci_layout.MANIFEST)], manifest)
        assert answer.status == 201, answer.body
        return manifest

    def pull(self, reference):
        """A manifest, and the bytes of all that it names."""
        answer = self.ask("GET", "manifests/" + reference, [("Accept", oci_layout.MANIFEST)])
        assert answer.status == 200 and answer.header("Content-Type") == oci_layout.MANIFEST, answer.body
        manifest = json.loads(answer.body)
        return answer.body, [self.ask("GET", "blobs/" + d["digest"]).body
                             for d in [manifest["config"], *manifest["layers"]]]

    def tags(self):
        return json.loads(self.ask("GET", "tags/list").body)["tags"]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def inspect_raw(skopeo, name):
    return good(skopeo.run("inspect", "--raw", *skopeo.auth(), *skopeo.certs(),
                           "docker://%s/%s" % (skopeo.host, name))).encode()


def test_helm_chart(stack, skopeo, place):
    chart, signature = gzip.compress(oci_layout.tar({"web/Chart.yaml": b"name: web\n"})), b"-----BEGIN PGP SIGNED"
    config = b'{"name":"web","version":"1.2.0+build.7","apiVersion":"v2"}'
    raw = Raw(stack, "alice/charts/web")
    helm = "application/vnd.cncf.helm."
    # a tag has no "+"; helm writes "_"
    manifest = raw.push("1.2.0_build.7", raw.blob(config, helm + "config.v1+json"), [
        raw.blob(signature, helm + "chart.provenance.v1.prov"),
        raw.blob(chart, helm + "chart.content.v1.tar+gzip")],
        annotations={"org.opencontainers.image.title": "web"})
    assert raw.pull("1.2.0_build.7") == (manifest, [config, signature, chart])
    assert raw.pull(digest_of(manifest)) == (manifest, [config, signature, chart])
    assert inspect_raw(skopeo, "alice/charts/web:1.2.0_build.7") == manifest
    target = place.path("chart")
    good(skopeo.copy("docker://%s/alice/charts/web:1.2.0_build.7" % skopeo.host, "dir:" + target))
    with open(os.path.join(target, hashlib.sha256(chart).hexdigest()), "rb") as f:
        assert f.read() == chart


def test_artifact_of_any_type(stack, skopeo):
    raw = Raw(stack, "alice/artifacts/any")
    report = os.urandom(3000)
    manifest = raw.push("weekly", raw.blob(b"{}", EMPTY), [raw.blob(report, "application/vnd.example.report")],
                        artifactType="application/vnd.example.report.v1")
    assert raw.pull("weekly") == (manifest, [b"{}", report])
    # one that says all in its annotations
    empty = raw.blob(b"{}", EMPTY, data="e30=")
    note = raw.push("note", empty, [empty], artifactType="application/vnd.example.note",
                    annotations={"org.example.note": "all is well"})
    assert raw.pull("note") == (note, [b"{}", b"{}"])
    for tag, pushed in (("weekly", manifest), ("note", note)):
        assert inspect_raw(skopeo, "alice/artifacts/any:" + tag) == pushed
    assert raw.tags() == ["note", "weekly"]


def test_cosign_signature_is_a_tag_beside_the_image(stack, skopeo, layout):
    image = layout.tag("app", layout.image({"app": os.urandom(1000)}))
    name = "%s/alice/cosigned" % skopeo.host
    good(skopeo.copy(local(layout, "app"), "docker://%s:1" % name))
    raw = Raw(stack, "alice/cosigned")
    payload = json.dumps({"critical": {"identity": {"docker-reference": name}, "type": "cosign container image "
                          "signature", "image": {"docker-manifest-digest": image}}, "optional": None}).encode()
    config = b'{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","rootfs":{"type":"layers","diff_ids":[]}}'
    tag = image.replace(":", "-") + ".sig"
    signature = raw.push(tag, raw.blob(config, oci_layout.CONFIG), [raw.blob(
        payload, "application/vnd.dev.cosign.simplesigning.v1+json",
        annotations={"dev.cosignproject.cosign/signature": "MEUCIQ=="})])
    assert raw.tags() == ["1", tag]
    assert json.loads(good(skopeo.run("list-tags", *skopeo.auth(), *skopeo.certs(), "docker://" + name)))["Tags"] == [
        "1", tag]
    assert raw.pull(tag) == (signature, [config, payload])
    assert inspect_raw(skopeo, "alice/cosigned:" + tag) == signature
    assert raw.ask("DELETE", "manifests/" + tag).status == 202
    assert raw.tags() == ["1"] and raw.ask("GET", "manifests/" + tag).status == 404
    good(skopeo.copy("docker://%s:1" % name, "oci:%s-back:app" % layout.path))
    assert blobs(layout.path + "-back") == blobs(layout.path)


def test_image_of_200_layers(stack, skopeo, layout):
    digest = layout.tag("tall", layout.image(*[{"file%d" % i: b"%d" % i} for i in range(200)]))
    copy_and_back(skopeo, layout, "tall", "alice/oci/tall:1")
    assert lib.remote_digest(stack, "alice/oci/tall", "1") == digest


# --- Windows: base layers stay with their maker, and are fetched from there

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@pytest.fixture
def maker():
    """Serves one layer by its address: its URL, its bytes, and how often it was asked for."""
    class Layer(http.server.BaseHTTPRequestHandler):
        content, asked = gzip.compress(oci_layout.tar({"Files/Windows/System32/ntdll.dll": os.urandom(9000)})), []

        def do_GET(self):
            self.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.content)))
            self.end_headers()
            self.wfile.write(self.content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Layer) as server:
        threading.Thread(target=server.serve_forever).start()
        Layer.url = "http://127.0.0.1:%d/windows-base" % server.server_port
        yield Layer
        server.shutdown()


def windows_image(folder, maker):
    """A folder as `skopeo copy` takes it, without the layer that is not ours to give away; the manifest."""
    os.makedirs(folder)
    own = gzip.compress(oci_layout.tar({"Files/app.exe": os.urandom(3000)}))
    config = json.dumps({"os": "windows", "os.version": "10.0.17763.1", "architecture": "amd64", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer))
                                                                   for layer in (maker.content, own)]}}).encode()
    for content in (own, config):
        with open(os.path.join(folder, hashlib.sha256(content).hexdigest()), "wb") as f:
            f.write(content)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER, "config": described(config, DOCKER_CONFIG),
                           "layers": [described(maker.content, DOCKER_FOREIGN, urls=[maker.url]),
                                      described(own, DOCKER_LAYER)]}).encode()
    with open(os.path.join(folder, "manifest.json"), "wb") as f:
        f.write(manifest)
    with open(os.path.join(folder, "version"), "w") as f:
        f.write("Directory Transport Version: 1.1\n")
    return manifest


def described(content, media_type, **more):
    return dict({"mediaType": media_type, "digest": digest_of(content), "size": len(content)}, **more)


def test_windows_image_whose_base_stays_with_its_maker(stack, skopeo, place, maker):
    folder = place.path("windows")
    manifest = windows_image(folder, maker)
    remote = "docker://%s/alice/windows:ltsc" % skopeo.host
    good(skopeo.copy("dir:" + folder, remote))
    # the registry neither got nor fetched it
    assert maker.asked == []
    raw = Raw(stack, "alice/windows")
    assert raw.ask("GET", "manifests/ltsc", [("Accept", DOCKER)]).body == manifest
    assert raw.ask("HEAD", "blobs/" + digest_of(maker.content)).status == 404
    # whoever pulls it all asks the maker
    back = place.path("windows-back")
    good(skopeo.copy(remote, "dir:" + back, "--override-os", "windows"))
    assert maker.asked == ["/windows-base"]
    with open(os.path.join(back, hashlib.sha256(maker.content).hexdigest()), "rb") as f:
        assert f.read() == maker.content
    # whoever copies it to another repository leaves it there
    good(skopeo.copy(remote, "docker://%s/alice/windows/copy:ltsc" % skopeo.host))
    copied = Raw(stack, "alice/windows/copy").ask("GET", "manifests/ltsc", [("Accept", DOCKER)])
    assert copied.body == manifest and len(maker.asked) == 1


def test_containerd_leaves_out_what_is_not_to_be_distributed(stack, skopeo, place, maker, started):
    folder = place.path("windows-ctr")
    manifest = windows_image(folder, maker)
    name = skopeo.host + "/alice/windows/ctr"
    good(skopeo.copy("dir:" + folder, "docker://%s:1" % name))
    ctr = log_in(started("ctr"), "alice")
    hosts = ["--hosts-dir", ctr.path("hosts"), *ctr.who]
    good(ctr.run("content", "fetch", "--all-platforms", *hosts, name + ":1"))
    assert digest_of(maker.content) in good(ctr.run("content", "ls", "-q"))
    good(ctr.rename(name + ":1", name + ":2"))
    good(ctr.push(name + ":2"))
    raw = Raw(stack, "alice/windows/ctr")
    assert raw.ask("GET", "manifests/2", [("Accept", DOCKER)]).body == manifest
    assert raw.ask("HEAD", "blobs/" + digest_of(maker.content)).status == 404

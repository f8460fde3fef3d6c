"""One class for each client, with the same verbs, so that one test can run with all of them.

A reference is "host:port/path:tag" or "host:port/path@digest". login(),
logout(), rename(), push() and pull() return how the client's command ended; make()
makes an image with these layers ({name: bytes}), forget() drops all images here,
digest() is what a pull said the registry has, image() is the same for the same image
wherever it is.
"""
import io
import json
import os
import shutil
import tarfile

import oci_layout
from stack import wait_for


class Client:
    """What is common: who is logged in, and where that is written down."""

    needs_root = True
    wrong_password = "invalid username/password"
    no_rights = "denied: requested access to the resource is denied"

    def __init__(self, place):
        self.place = place
        self.host = place.stack.host
        self.logins = 0

    def start(self):
        return self

    def path(self, *names):
        return self.place.path(self.name, *names)

    def run(self, *words, **more):
        return self.place.run(*self.words(), *words, **more)

    def good(self, *words, **more):
        return self.place.good(*self.words(), *words, **more)

    def login(self, user, password):
        """A login of its own: the files of the one before stay behind."""
        self.logins += 1
        return self.log_in(user, password)


class Docker(Client):
    """The Docker engine and its command line. It trusts any certificate of a loopback address."""

    name = "docker"
    wrong_password = "unauthorized: incorrect user name or password"

    def start(self):
        self.place.spawn(
            "dockerd.log", "dockerd", "--data-root", self.path("data"), "--exec-root", self.path("exec"),
            "-H", self.socket(), "--pidfile", self.place.path("dockerd.pid"), "--iptables=false",
            "--ip6tables=false", "--bridge=none", "--storage-driver=vfs")
        wait_for("dockerd answers", lambda: self.run("version").code == 0)
        return self

    def socket(self):
        return "unix://" + self.place.path("dockerd.sock")

    def words(self):
        return ["docker", "--config", self.path("config%d" % self.logins), "-H", self.socket()]

    def log_in(self, user, password):
        return self.run("login", "-u", user, "--password-stdin", self.host, input=password)

    def logout(self):
        return self.run("logout", self.host)

    def make(self, reference, *layers):
        os.makedirs(self.path("build"))
        lines = ["FROM scratch"]
        for i, files in enumerate(layers):
            with open(self.path("build", "%d.tar" % i), "wb") as f:
                f.write(oci_layout.tar(files))
            lines.append("ADD %d.tar /" % i)
        self.place.write("\n".join(lines) + "\n", self.name, "build", "Dockerfile")
        self.good("build", "-q", "-t", reference, self.path("build"), DOCKER_BUILDKIT="0")
        shutil.rmtree(self.path("build"))

    def rename(self, old, new):
        return self.run("tag", old, new)

    def push(self, reference):
        return self.run("push", reference)

    def pull(self, reference):
        return self.run("pull", reference)

    def forget(self):
        """Drops all images."""
        return self.run("image", "prune", "-af")

    def digest(self, reference):
        for digest in json.loads(self.good("image", "inspect", reference))[0]["RepoDigests"]:
            if digest.startswith(reference.rpartition(":")[0] + "@"):
                return digest.rpartition("@")[2]
        raise AssertionError("no digest of " + reference)

    def image(self, reference):
        """The same for the same image, whoever asks."""
        return json.loads(self.good("image", "inspect", reference))[0]["Id"]


class Containers(Client):
    """What Skopeo, Podman and Buildah have in common."""

    def words(self):
        return [self.name]

    def auth(self):
        return ["--authfile", self.place.path("%s-auth%d.json" % (self.name, self.logins))]

    def certs(self):
        return ["--cert-dir", self.place.path("certs")]

    def log_in(self, user, password):
        return self.run("login", *self.auth(), *self.certs(), "-u", user, "--password-stdin", self.host,
                        input=password)

    def logout(self):
        return self.run("logout", *self.auth(), self.host)


class Skopeo(Containers):
    """Its images are in an OCI layout."""

    name = "skopeo"
    needs_root = False

    def start(self):
        self.layout = oci_layout.Layout(self.path("made"))
        self.names = {}
        self.forget()
        return self

    def words(self):
        return ["skopeo", "--policy", self.place.path("policy.json")]

    def local(self, reference):
        return "oci:%s:%s" % self.names[reference]

    def copy(self, source, target, *more):
        certs = self.place.path("certs")
        return self.run("copy", *more, *self.auth(), "--src-cert-dir", certs, "--dest-cert-dir", certs,
                        source, target)

    def make(self, reference, *layers):
        self.layout.tag("n%d" % len(self.names), self.layout.image(*layers))
        self.names[reference] = (self.layout.path, "n%d" % len(self.names))

    def rename(self, old, new):
        self.names[new] = self.names[old]
        return self.run("inspect", self.local(new))

    def push(self, reference):
        return self.copy(self.local(reference), "docker://" + reference)

    def pull(self, reference):
        self.names[reference] = (self.path("pulled%d" % self.forgotten), "n%d" % len(self.names))
        return self.copy("docker://" + reference, self.local(reference))

    def forget(self):
        self.forgotten = getattr(self, "forgotten", 0) + 1

    def digest(self, reference):
        return json.loads(self.good("inspect", self.local(reference)))["Digest"]

    def image(self, reference):
        return json.loads(self.good("inspect", "--raw", self.local(reference)))["config"]["digest"]


class Podman(Containers):
    name = "podman"

    def words(self):
        return ["podman", "--root", self.path("root"), "--runroot", self.path("run"),
                "--tmpdir", self.path("tmp"), "--storage-driver", "vfs"]

    def make(self, reference, *layers):
        """One layer, uncompressed here: it is sent while it is compressed."""
        self.good("import", self.archive(layers), reference)

    def archive(self, layers):
        with open(self.place.path(self.name + ".tar"), "wb") as f:
            f.write(oci_layout.tar({name: data for files in layers for name, data in files.items()}))
        return f.name

    def rename(self, old, new):
        return self.run("tag", old, new)

    def push(self, reference):
        return self.run("push", *self.auth(), *self.certs(), reference)

    def pull(self, reference):
        return self.run("pull", *self.auth(), *self.certs(), reference)

    def forget(self):
        return self.run("rmi", "-af")

    def inspect(self, reference):
        return json.loads(self.good("inspect", "--type", "image", reference))[0]

    def digest(self, reference):
        return self.inspect(reference)["Digest"]

    def image(self, reference):
        return self.inspect(reference)["Id"]


class Buildah(Podman):
    name = "buildah"

    def words(self):
        return ["buildah", "--root", self.path("root"), "--runroot", self.path("run"), "--storage-driver", "vfs"]

    def make(self, reference, *layers):
        container = self.good("from", "scratch").strip()
        self.good("add", container, self.archive(layers), "/")
        self.good("commit", "--rm", container, reference)

    def pull(self, reference):
        return self.run("pull", "--policy", "always", *self.auth(), *self.certs(), reference)

    def inspect(self, reference):
        found = json.loads(self.good("inspect", "--type", "image", reference))
        return {"Digest": found["FromImageDigest"], "Id": found["FromImageID"]}


class Containerd(Client):
    """containerd and its ctr, which has no login: it is told each time."""

    name = "ctr"
    wrong_password = "failed to authorize: failed to fetch oauth token: unexpected status: 401"
    no_rights = "insufficient_scope: authorization failed"

    def start(self):
        os.makedirs(self.path("hosts", self.host))
        url = "https://" + self.host
        # it tries the host, then the server
        ca = 'ca = "%s"\n' % self.place.ca
        self.place.write('server = "%s"\n%s[host."%s"]\n%s' % (url, ca, url, ca),
                         self.name, "hosts", self.host, "hosts.toml")
        config = 'version = 2\nroot = "%s"\nstate = "%s"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' \
            '[grpc]\naddress = "%s"\n' % (self.path("root"), self.path("state"), self.path("sock"))
        self.place.write(config, self.name, "config.toml")
        self.place.spawn("containerd.log", "containerd", "--config", self.path("config.toml"))
        wait_for("containerd answers", lambda: self.run("version").code == 0)
        return self

    def words(self):
        return ["ctr", "--address", self.path("sock")]

    def log_in(self, user, password):
        self.who = ["--user", "%s:%s" % (user, password)]
        return None

    def logout(self):
        self.who = []

    def make(self, reference, *layers):
        layout = oci_layout.Layout(self.path("made"))
        layout.tag(reference, layout.image(*layers))
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as f:
            f.add(layout.path, arcname="")
        with open(self.path("made.tar"), "wb") as f:
            f.write(archive.getvalue())
        self.good("images", "import", "--snapshotter", "native", "--base-name", reference.rpartition(":")[0],
                  self.path("made.tar"))
        shutil.rmtree(layout.path)

    def rename(self, old, new):
        return self.run("images", "tag", old, new)

    def push(self, reference):
        return self.run("images", "push", "--hosts-dir", self.path("hosts"), *self.who, reference)

    def pull(self, reference):
        return self.run("images", "pull", "--snapshotter", "native", "--hosts-dir", self.path("hosts"),
                        *self.who, reference)

    def forget(self):
        names = self.good("images", "ls", "-q").split()
        self.good("images", "rm", "--sync", *names)
        return self.run("content", "ls", "-q")

    def digest(self, reference):
        for line in self.good("images", "ls").splitlines():
            if line.split()[0] == reference:
                return line.split()[2]
        raise AssertionError("no digest of " + reference)

    def image(self, reference):
        return json.loads(self.good("content", "get", self.digest(reference)))["config"]["digest"]


KINDS = {kind.name: kind for kind in (Docker, Skopeo, Podman, Buildah, Containerd)}

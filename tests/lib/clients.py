"""Real clients of a registry, run so that nothing of them stays behind.

A Place is a folder plus, for root, a mount and process namespace of its own:
/etc holds only what clients read, /run and /var/lib are empty. What clients
start or mount ends with the namespace, and that ends with the test's process,
however it dies. Of the clients only skopeo can work without root.
"""
import json
import os
import shutil
import subprocess
import tempfile

import pytest

import stack as stack_module

NEED_ROOT = "Docker, containerd, Podman and Buildah mount file systems: run this test as root"
# what libraries of the clients read
ETC = ("passwd", "group", "hosts", "nsswitch.conf", "resolv.conf")
# unsigned images are welcome
POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'
# PID 1 of the namespace; it ends when the test closes its input
INIT = """
mount --bind "$1/etc" /etc
mount -t tmpfs none /run
mount -t tmpfs none /var/lib
mkdir -p /run/lock
echo ready
exec cat
"""


def need_root():
    """The one place that says what a test does that cannot run."""
    if not stack_module.is_root():
        pytest.fail(NEED_ROOT)


class Done:
    """A command that has ended."""

    def __init__(self, words, code, out):
        self.words = words
        self.code = code
        self.out = out

    def __repr__(self):
        return "%s\nexit code %d:\n%s" % (" ".join(self.words), self.code, self.out[-4000:])


class Place:
    """Where clients run. start() it, use it, stop() it."""

    def __init__(self, stack):
        self.stack = stack
        self.dir = tempfile.mkdtemp(prefix="dtr-clients-")
        self.ca = stack.path("tls", "ca.crt")
        self.init = None
        self.children = []
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": self.path("home"),
            "TMPDIR": self.path("tmp"),
            "XDG_RUNTIME_DIR": self.path("home", "run"),
        }

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def start(self):
        for name in ("home/run", "tmp", "certs"):
            os.makedirs(self.path(name), mode=0o700)
        shutil.copy(self.ca, self.path("certs", "ca.crt"))
        self.write(POLICY, "policy.json")
        if stack_module.is_root():
            self.enclose()
        return self

    def write(self, text, *names):
        with open(self.path(*names), "w") as f:
            f.write(text)
        return self.path(*names)

    def enclose(self):
        docker = self.path("etc", "docker", "certs.d", self.stack.host)
        os.makedirs(docker)
        shutil.copy(self.ca, os.path.join(docker, "ca.crt"))
        os.makedirs(self.path("etc", "containers"))
        self.write(POLICY, "etc", "containers", "policy.json")
        for name in ETC:
            if os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, self.path("etc", name))
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
             "sh", "-ec", INIT, "sh", self.dir],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = self.holder.stdout.readline()
        assert line == "ready\n", "cannot make a namespace for clients: " + line
        with open("/proc/%d/task/%d/children" % (self.holder.pid, self.holder.pid)) as f:
            self.init = f.read().split()[0]

    def words(self, *words):
        """The command that runs these words in here."""
        if self.init is None:
            return list(words)
        return ["nsenter", "--mount", "--pid", "--target", self.init, *words]

    def spawn(self, log, *words):
        """A daemon; it ends with the place at the latest."""
        with open(self.path(log), "w") as f:
            child = subprocess.Popen(self.words(*words), stdin=subprocess.DEVNULL, stdout=f,
                                     stderr=subprocess.STDOUT, env=self.environment)
        self.children.append(child)
        return child

    def run(self, *words, input=None, timeout=120, **environment):
        """Runs a client with this as its input."""
        done = subprocess.run(self.words(*words), input=input or "", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout,
                              env=dict(self.environment, **environment))
        return Done(words, done.returncode, done.stdout)

    def good(self, *words, **more):
        """What it said, when it must succeed."""
        done = self.run(*words, **more)
        assert done.code == 0, done
        return done.out

    def bad(self, *words, **more):
        """What it said, when it must fail."""
        done = self.run(*words, **more)
        assert done.code != 0, done
        return done.out

    def stop(self):
        for child in self.children:
            child.terminate()
        if self.init is not None:
            self.holder.stdin.close()
            self.holder.wait(60)
        for child in self.children:
            child.wait(60)
        shutil.rmtree(self.dir)


# --- what the clients find in the registry

def ensure_user(stack, name):
    """An ordinary user with the stack's password."""
    if stack.sql("SELECT 1 FROM account WHERE name = '%s'" % name) == []:
        done = stack.dtr("user", "create", name, "--password-file", stack.path("password"))
        assert done.returncode == 0, done.stderr
    return name


def access_token(stack, user):
    """A secret that stands for the password of a user."""
    done = stack.dtr("token", "create", ensure_user(stack, user), "--label", "a build server")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_public(stack, path):
    stack.sql("UPDATE repository SET visibility = 1 WHERE path = '%s'" % path)


def uploads(stack):
    """How many contents were sent to the registry until now, whether kept or not."""
    return int(stack.sql("SELECT COUNT(*) FROM object")[0][0])


def remote_digest(stack, path, tag, user="alice"):
    """What the registry itself says a tag points to."""
    accept = ("Accept", "*/*")
    answer = stack.request("HEAD", "/v2/%s/manifests/%s" % (path, tag),
                           stack.bearer("repository:%s:pull" % path, user=user) + [accept])
    assert answer.status == 200, (path, tag, answer.status)
    return answer.header("docker-content-digest")


def statuses(stack, program):
    """The HTTP status of every request in a program's log."""
    with open(stack.path(program + ".log"), errors="replace") as f:
        return [json.loads(line)["status"] for line in f if '"event":"request"' in line]


def restart_everything(stack):
    """As after a reboot: no program, cache or connection lives on."""
    stack.webserver.stop()
    for program in list(stack.responders):
        assert stack.stop_responder(program) == 0, program
    stack.mariadb("stop")
    stack.mariadb("start")
    for program in stack_module.PROGRAMS:
        stack.start_responder(program)
    stack.start_webserver()

"""The script quickstart: installs, builds and runs a registry in one folder, as root and as an ordinary user.

The tests of an instance follow each other; each instance is built once.
"""
import fcntl
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import pytest

import machine
from client_kinds import Docker, Skopeo
from clients import Place, need_root
from stack import TOP, exchange, free_port, is_root, wait_for

PROGRAMS = ("nginx", "dtr-registry", "dtr-garant", "dtr-api", "mariadbd")
PASSWORD = "the first password"
ORDINARY = "dtr-test-ordinary"
# as people have it: no sbin
PATH = "/usr/local/bin:/usr/bin:/bin"


class Instance:
    """A checkout, a folder and who runs it."""

    def __init__(self, tree, folder, user=None, password=PASSWORD):
        self.tree = tree
        self.dir = folder
        self.user = user
        self.password = password
        self.port = free_port()
        self.host = "localhost:%d" % self.port
        self.output = ""

    def path(self, *names):
        """As the clients' Place asks a stack: what is beside dtr.conf."""
        return os.path.join(self.dir, "etc", *names)

    def words(self, *options):
        words = [os.path.join(self.tree, "quickstart"), *options]
        if self.user is not None:
            words = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups", *words]
        return words

    def run(self, *options, code=0, input=""):
        """Its output; both streams are closed when it returns, or this waits for ever."""
        done = subprocess.run(self.words(*options), input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=500, cwd="/", env={"PATH": PATH, "LANG": "C.UTF-8"})
        assert done.returncode == code, done.stdout
        return done.stdout

    def start(self, *options, input=""):
        self.output = self.run("--dir", self.dir, *options, input=input)
        return self.output

    def status(self):
        """Programs that run, with their processes."""
        out = self.run("--status", "--dir", self.dir, code=0 if self.is_whole() else 1)
        return dict(re.findall(r"^(\S+) runs, process (\d+)$", out, re.M))

    def is_whole(self):
        done = subprocess.run(self.words("--status", "--dir", self.dir), capture_output=True, text=True)
        return done.returncode == 0

    def processes(self):
        """Processes that have its folder in their command."""
        found = {}
        for pid, words in commands():
            if any(word.startswith(self.dir) or "=" + self.dir in word for word in words):
                found[pid] = words
        return found

    def stop(self):
        self.run("--stop", "--dir", self.dir)


def commands():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, errors="replace") as f:
                yield int(pid), f.read().split("\0")
        except OSError:
            pass  # it ended


@pytest.fixture(scope="module")
def folder():
    """Where all of it is; at the end nothing of it may run."""
    made_user = is_root() and not has_user("dtr")
    path = tempfile.mkdtemp(prefix="dtr-quick-")
    os.chmod(path, 0o755)
    yield path
    left = [words for _, words in commands() if any(path in word for word in words)]
    if made_user and has_user("dtr"):
        subprocess.run(["userdel", "dtr"], check=True)
    shutil.rmtree(path)
    assert left == []


def has_user(name):
    try:
        return pwd.getpwnam(name) is not None
    except KeyError:
        return False


@pytest.fixture(scope="module")
def tree(folder):
    """What a stranger's checkout has: nothing that was generated."""
    path = os.path.join(folder, "tree")
    if not os.path.exists(os.path.join(TOP, ".git")):
        # from a tarball
        return shutil.copytree(TOP, path, symlinks=True, ignore=shutil.ignore_patterns("build-[!a]*", "var", "*.log"))
    names = subprocess.run(["git", "-C", TOP, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
                            "--exclude-standard"], capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if os.path.isfile(os.path.join(TOP, name)):
            os.makedirs(os.path.dirname(os.path.join(path, name)), exist_ok=True)
            shutil.copy2(os.path.join(TOP, name), os.path.join(path, name))
    return path


@pytest.fixture(scope="module")
def first(folder, tree):
    """By root, if that is who runs the tests."""
    instance = Instance(tree, os.path.join(folder, "first"))
    try:
        instance.start("--port", str(instance.port), "--admin-password", instance.password)
        yield instance
    finally:
        instance.stop()


@pytest.fixture(scope="module")
def ordinary():
    """A user without rights."""
    if not is_root():
        yield None
        return
    subprocess.run(["useradd", "--system", "--home-dir", "/nonexistent", "--user-group", ORDINARY], check=True)
    yield ORDINARY
    subprocess.run(["userdel", ORDINARY], check=True)


@pytest.fixture(scope="module")
def second(folder, first, ordinary):
    """By an ordinary user, beside the first; checkout and folder have spaces, the folder's name is long."""
    tree = os.path.join(folder, "a tree with spaces & more")
    shutil.copytree(first.tree, tree, symlinks=True)
    home = os.path.join(folder, "home")
    os.mkdir(home)
    if ordinary is not None:
        shutil.chown(home, ordinary, ordinary)
    instance = Instance(tree, os.path.join(home, "my registry", "long" * 25), ordinary, "the second password")
    try:
        instance.start("--port", str(instance.port), "--admin-password-file", "-", input=instance.password + "\n")
        yield instance
    finally:
        instance.stop()
        with open(os.path.join(instance.dir, "short-folder")) as f:
            shutil.rmtree(f.read().strip())


def skopeo(instance):
    """A client in a place of its own."""
    place = Place(instance).start()
    os.mkdir(place.path("skopeo"))
    return Skopeo(place).start()


def log_in_as_printed(client, instance):
    """What it says to do with docker, done with Skopeo."""
    line = re.search(r"^ *docker login (-u .*) --password-stdin (\S+) < (.*)$", instance.output, re.M)
    who, host, file = shlex.split(line.group(1)), line.group(2), shlex.split(line.group(3))
    assert (who, host) == (["-u", "admin"], instance.host)
    with open(*file) as f:
        done = client.login("admin", f.read().rstrip("\n"))
    assert done.code == 0, done


def push_as_printed(instance, tag):
    """The digest of a new image, pushed to the printed name."""
    name = re.search(r"^ *docker push (\S+)/debian:12$", instance.output, re.M).group(1)
    assert "docker tag debian:12 %s/debian:12\n" % name in instance.output
    client = skopeo(instance)
    try:
        log_in_as_printed(client, instance)
        reference = "%s/tools:%s" % (name, tag)
        client.make(reference, {"tool": os.urandom(100000)})
        done = client.push(reference)
        assert done.code == 0, done
        return client.digest(reference)
    finally:
        client.place.stop()


def pull(instance, tag):
    client = skopeo(instance)
    try:
        log_in_as_printed(client, instance)
        reference = "%s/admin/tools:%s" % (instance.host, tag)
        done = client.pull(reference)
        assert done.code == 0, done
        return client.digest(reference)
    finally:
        client.place.stop()


# --- what is refused before anything is made

def bad_options(folder):
    def write(name, text, mode):
        with open(os.path.join(folder, name), "w", encoding="latin-1") as f:
            f.write(text)
        os.chmod(f.name, mode)
        return f.name

    short, opened = write("short", "seven77\n", 0o600), write("open", PASSWORD, 0o644)
    lines, latin = write("lines", "first line\nsecond line\n", 0o600), write("latin", "caf\xe9 au lait", 0o600)
    return [
        (["--nosuch"], 2, 'unknown option "--nosuch"'),
        (["start"], 2, 'unknown option "start"'),
        (["--port"], 2, "option --port needs a value"),
        (["--port", ""], 2, "the value of option --port is empty"),
        (["--port", "http"], 2, 'port "http" is not a number'),
        (["--port", "-1"], 2, 'port "-1" is not a number'),
        (["--port", "0"], 2, "port 0 is not from 1 to 65535"),
        (["--port", "65536"], 2, "port 65536 is not from 1 to 65535"),
        (["--port", "9" * 30], 2, "is not from 1 to 65535"),
        (["--listen", "localhost"], 2, '"localhost" is not an address'),
        (["--name", "a name"], 2, '"a name" is not a host name'),
        (["--dir", os.path.join(folder, 'quo"te')], 1, "has a character that cannot be written"),
        (["--admin-password", "short"], 1, "the password has 5 bytes, not 8 to 511"),
        (["--admin-password", "x" * 512], 1, "the password has 512 bytes, not 8 to 511"),
        (["--admin-password", PASSWORD, "--admin-password-file", short], 2, "the password is given twice"),
        (["--admin-password-file", short], 1, "the password has 7 bytes, not 8 to 511"),
        (["--admin-password-file", lines], 1, "the password has a control character or more than one line"),
        (["--admin-password-file", latin], 1, "the password is not UTF-8"),
        (["--admin-password-file", opened], 1, "is open to others; run: chmod 0600 " + opened),
        (["--admin-password-file", short + "x"], 1, 'cannot read the password file "%sx"' % short),
        (["--admin-password-file", folder], 1, 'cannot read the password file "%s"' % folder),
        (["--admin-password-file", "-"], 1, "the password has 0 bytes, not 8 to 511"),
    ]


def test_bad_options(folder, tree):
    target = os.path.join(folder, "never")
    instance = Instance(tree, target)
    for options, code, text in bad_options(folder):
        out = instance.run("--dir", target, *options, code=code)
        assert text in out, (options, out)
        # people need not read all that when they chose a bad password
        assert ("usage:" in out) == (code == 2), out
        assert not os.path.exists(target), options


def test_help(folder, tree):
    out = Instance(tree, folder).run("--help")
    for option in ("--dir", "--port", "--listen", "--name", "--admin-password-file", "--stop", "--status"):
        assert option in out


def test_no_folder_yet(folder, tree):
    missing = os.path.join(folder, "missing")
    for action in ("--stop", "--status"):
        out = Instance(tree, missing).run(action, "--dir", missing, code=1)
        assert out == 'quickstart: there is no folder "%s"\n' % missing


def test_folder_of_something_else(folder, tree):
    other = os.path.join(folder, "other")
    os.makedirs(os.path.join(other, "photos"))
    before = os.stat(other)
    out = Instance(tree, other).run("--dir", other, code=1)
    assert 'folder "%s" holds other things; choose another --dir' % other in out
    assert os.listdir(other) == ["photos"]
    assert os.stat(other).st_uid == before.st_uid and os.stat(other).st_mtime == before.st_mtime


def test_port_in_use(folder, tree):
    target = os.path.join(folder, "busy")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        out = Instance(tree, target).run("--dir", target, "--port", str(port), code=1)
    assert out == "quickstart: port %d is in use; choose another with --port\n" % port
    # said before the long work
    assert not os.path.exists(os.path.join(target, "build"))


# --- one instance

def test_first_start(first):
    assert "The registry is ready at https://" + first.host in first.output
    assert set(first.status()) == set(PROGRAMS)
    push_as_printed(first, "1")


def test_printed_command_manages_it(first):
    command = re.search(r"^Manage it with: (.*)$", first.output, re.M).group(1)
    done = subprocess.run(shlex.split(command) + ["user", "list"], capture_output=True, text=True)
    assert done.returncode == 0 and "admin" in done.stdout, done
    done = subprocess.run(shlex.split(command) + ["check", "--quiet"], capture_output=True, text=True)
    assert "FAIL" not in done.stdout and done.returncode == 0, done
    # it knows in whose name to ask, whoever asks
    assert not re.search(r"^warn +user", done.stdout, re.M), done


def test_programs_do_not_run_as_root(first):
    owners = {os.stat("/proc/" + pid).st_uid for pid in first.status().values()}
    assert len(owners) == 1 and 0 not in owners
    # nor may they change what root starts next time
    for name in ("", "root/sbin/dtr-registry", "build/Makefile"):
        assert os.stat(os.path.join(first.dir, name)).st_uid == os.geteuid()


def test_start_again_keeps_data(first):
    digest = push_as_printed(first, "kept")
    before = first.status()
    first.start()
    after = first.status()
    assert set(after) == set(PROGRAMS) and not set(before.values()) & set(after.values())
    assert first.host in first.output
    assert pull(first, "kept") == digest
    # the same words once more are no harm either
    first.start("--port", str(first.port), "--admin-password", first.password)
    assert pull(first, "kept") == digest


def test_folder_of_an_earlier_version(first):
    """As it was before there was dtr-api: no key, no password, no database user."""
    digest = push_as_printed(first, "early")
    first.run("--stop", "--dir", first.dir)
    conf = first.path("dtr.conf")
    with open(conf) as f:
        lines = [line for line in f if not line.startswith("api.")]
    with open(conf, "w") as f:
        f.writelines(lines)
    os.unlink(first.path("secrets", "db-api"))
    for _ in range(2):
        first.start()
        assert set(first.status()) == set(PROGRAMS)
    with open(conf) as f:
        assert f.read().count("api.socket = ") == 1
    assert pull(first, "early") == digest


def test_start_again_with_something_else(first):
    before = first.status()
    other = free_port()
    out = first.run("--dir", first.dir, "--port", str(other), code=1)
    assert "this folder was set up for port %d" % first.port in out
    out = first.run("--dir", first.dir, "--name", "registry.example.com", code=1)
    assert "this folder was set up for name localhost" in out
    out = first.run("--dir", first.dir, "--admin-password", "another password", code=1)
    assert "this folder was set up with another password" in out and "user passwd admin" in out
    # it runs on
    assert first.status() == before


# --- the README's tour, word for word

def of_tour(instance, start):
    """The lines that begin so, with this registry in place of the README's."""
    text = machine.commands(os.path.join(instance.tree, "README.md"), "A tour of five minutes", start)
    return text.replace("5443", str(instance.port)).replace("/srv/registry", instance.dir)


def follow_tour(instance, start):
    done = subprocess.run(["sh", "-ec", of_tour(instance, start)], cwd=instance.tree, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500,
                          env={"PATH": PATH, "LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_tour_begins_with_what_is_printed(first):
    """Which Docker does below."""
    output = follow_tour(first, "./quickstart --dir")
    trust, clients = re.findall(r"^ +mkdir.*\n +cp.*\n|^ +docker login(?:.*\n)+", of_tour(first, "mkdir") + "\n", re.M)
    assert trust in output and clients in output


def test_tour_makes_a_second_user(first):
    output = follow_tour(first, "alias")
    token, = re.findall(r"^dtr_at_[\w-]{43}$", output, re.M)
    password, = re.findall(r"echo '(.*)' >", of_tour(first, "alias"))
    client, reference = skopeo(first), first.host + "/alice/tour:1"
    try:
        client.make(reference, {"tour": os.urandom(100000)})
        assert client.login("alice", password + "x").code != 0
        for secret in (password, token):
            assert client.login("alice", secret).code == 0
        assert client.push(reference).code == 0
        follow_tour(first, "./quickstart --stop")
        assert set(first.status()) == set(PROGRAMS)
        image = client.image(reference)
        client.forget()
        assert client.pull(reference).code == 0 and client.image(reference) == image
    finally:
        client.place.stop()


def test_tour_ends_with_logs(first):
    for program in ("dtr-registry", "dtr-garant", "dtr-api"):
        with open(os.path.join(first.dir, "log", program + ".log")) as f:
            assert all("event" in json.loads(line) for line in f)


# --- two instances

def test_second_instance_beside_it(first, second):
    assert set(second.status()) == set(PROGRAMS) == set(first.status())
    digests = {push_as_printed(first, "both"), push_as_printed(second, "both")}
    assert {pull(first, "both"), pull(second, "both")} == digests
    assert len(digests) == 2


def test_ordinary_user_runs_all_of_it(second, ordinary):
    uid = os.geteuid() if ordinary is None else pwd.getpwnam(ordinary).pw_uid
    assert {os.stat("/proc/" + pid).st_uid for pid in second.status().values()} == {uid}
    with open(os.path.join(second.dir, "admin-password")) as f:
        assert f.read() == second.password + "\n"
        assert os.stat(f.name).st_mode & 0o777 == 0o600


def test_somebody_else_may_not_take_it_over(first, second):
    if not is_root():
        assert 'folder "/" holds other things' in first.run("--dir", "/", code=1)
        return
    before = second.status()
    out = first.run("--dir", second.dir, code=1)
    assert "belongs to user %s, not dtr; run it as that user" % second.user in out
    out = Instance(first.tree, first.dir, second.user).run("--stop", "--dir", first.dir, code=1)
    assert re.search(r"cannot stop nginx, process \d+ of user dtr", out)
    assert second.status() == before
    assert set(first.status()) == set(PROGRAMS)


@pytest.fixture(scope="module")
def named(folder, first):
    """With an address and a name for other machines, and a password that nobody chose."""
    instance = Instance(first.tree, os.path.join(folder, "named"))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        instance.run("--dir", instance.dir, "--port", str(busy.getsockname()[1]), code=1)
    # that made the folders; the rest is there, which saves a build
    for name in ("build", "root"):
        subprocess.run(["cp", "-a", os.path.join(first.dir, name), instance.dir], check=True)
    instance.host = "registry.test:%d" % instance.port
    try:
        instance.start("--port", str(instance.port), "--listen", "127.0.0.2", "--name", "registry.test")
        yield instance
    finally:
        instance.stop()


def test_address_and_name_for_other_machines(named):
    assert "docker push %s/admin/debian:12" % named.host in named.output
    check_address(named)


def check_address(named):
    trust = ssl.create_default_context(cafile=named.path("tls", "ca.crt"))
    with trust.wrap_socket(socket.create_connection(("127.0.0.2", named.port)),
                           server_hostname="registry.test") as s:
        answer = exchange(s, "GET", "/v2/", named.host)
    assert answer.status == 401
    assert 'realm="https://%s/auth/token"' % named.host in answer.header("www-authenticate")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", named.port)).close()


def test_docker_does_what_is_printed(named):
    """On a machine that knows nothing of the registry but its address; the image is one of ours."""
    need_root()
    lines = re.findall(r"^ +((?:mkdir|cp|docker) .*)$", named.output, re.M)
    assert [line.split()[:2] for line in lines[2:]] == [["docker", verb] for verb in ("login", "pull", "tag", "push")]
    assert lines.pop(3) == "docker pull debian:12"
    place = Place(named).start()
    try:
        shutil.rmtree(place.path("etc", "docker"))
        with open(place.path("etc", "hosts"), "a") as f:
            f.write("127.0.0.2 registry.test\n")
        os.mkdir(place.path("docker"))
        docker = Docker(place).start()
        docker.make("tools:1", {"tool": os.urandom(100000)})
        image = docker.image("tools:1")
        out = place.good("sh", "-ec", "\n".join(lines).replace("debian:12", "tools:1"),
                         DOCKER_HOST=docker.socket(), DOCKER_CONFIG=docker.path("config0"))
        assert "Login Succeeded" in out and "Pushed" in out
        docker.forget()
        name = named.host + "/admin/tools:1"
        docker.good("pull", name)
        assert docker.image(name) == image and docker.digest(name) in out
        # a wrong one is no way in
        assert docker.login("admin", "0" * 24).code != 0
    finally:
        place.stop()


def test_a_password_that_nobody_chose_is_printed_once(first, named):
    with open(os.path.join(named.dir, "admin-password")) as f:
        password = f.read().rstrip("\n")
    assert re.fullmatch("[0-9a-f]{24}", password)
    assert "\nThe password of admin is %s, also in %s\n" % (password, f.name) in named.output
    assert first.password not in first.output
    # and the address is that of the first start
    assert password not in named.start()
    check_address(named)
    # which is all that may be in its file
    file = os.path.join(named.dir, "listen")
    with open(file, "w") as f:
        f.write("127.0.0.1; include x\n")
    assert 'file "%s" has no address; remove it, or give --listen' % file in named.run("--dir", named.dir, code=1)
    check_address(named)
    os.unlink(file)


@pytest.fixture(scope="module")
def usual(folder, first):
    """Where no folder is given; built already."""
    instance = Instance(first.tree, os.path.join(first.tree, "var"))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        instance.run("--port", str(busy.getsockname()[1]), code=1)
    for name in ("build", "root"):
        subprocess.run(["cp", "-a", os.path.join(first.dir, name), instance.dir], check=True)
    yield instance
    instance.stop()


def test_the_usual_folder_is_var(usual):
    assert "The registry is ready at https://" + usual.host in usual.run("--port", str(usual.port))
    assert usual.run("--status").count(" runs, process ") == len(usual.status()) == len(PROGRAMS)
    usual.run("--stop")
    assert usual.status() == {}


def test_where_roots_user_cannot_go_it_is_another(folder, first):
    """Such as a checkout in root's home."""
    need_root()
    elsewhere, closed = "/var/lib/dtr-quickstart", os.path.join(folder, "closed")
    was_there = os.path.exists(elsewhere)
    os.mkdir(closed, 0o700)
    os.mkdir(os.path.join(closed, "tree"))
    for name in ("quickstart", "build-aux"):
        subprocess.run(["cp", "-a", os.path.join(first.tree, name), os.path.join(closed, "tree")], check=True)
    try:
        with socket.create_server(("127.0.0.1", 0)) as busy:
            out = Instance(os.path.join(closed, "tree"), elsewhere).run(
                "--port", str(busy.getsockname()[1]), code=1)
        assert "user dtr cannot reach %s/tree/var: using --dir %s\n" % (closed, elsewhere) in out
        assert os.path.isdir(os.path.join(elsewhere, "etc"))
    finally:
        if not was_there:
            shutil.rmtree(elsewhere, ignore_errors=True)


def test_password_of_a_file_is_in_no_command(second):
    """While it starts again."""
    script = subprocess.Popen(second.words("--stop", "--dir", second.dir))
    assert script.wait(60) == 0
    seen = set()
    script = subprocess.Popen(
        second.words("--dir", second.dir, "--admin-password-file", os.path.join(second.dir, "admin-password")),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={"PATH": PATH, "LANG": "C.UTF-8"})
    while script.poll() is None:
        seen.update(word for _, words in commands() for word in words)
        time.sleep(0.02)
    second.output = script.stdout.read()
    assert script.returncode == 0, second.output
    assert any(word.endswith("admin-password") for word in seen)
    assert not [word for word in seen if second.password in word]
    pull(second, "both")


# --- the end

def test_failed_start_leaves_nothing_running(first):
    # of nobody's machine (RFC 5737)
    out = first.run("--dir", first.dir, "--listen", "203.0.113.1", code=1)
    assert "nginx did not start: " in out and "203.0.113.1:%d" % first.port in out
    assert first.status() == {} and first.processes() == {}


def started_by(instance, name):
    """Of its own processes."""
    return any(os.path.basename(words[0]) == name for words in instance.processes().values())


@pytest.mark.parametrize("program", ["mariadbd", "dtr-registry"])
def test_start_that_is_interrupted_leaves_nothing_running(first, program):
    script = subprocess.Popen(first.words("--dir", first.dir), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": PATH})
    wait_for(program + " runs", lambda: started_by(first, program) or script.poll() is not None, 120)
    script.send_signal(signal.SIGTERM)
    assert script.wait(60) != 0
    assert first.status() == {} and first.processes() == {}


def test_one_start_at_a_time(first):
    lock = os.open(os.path.join(first.dir, "lock"), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        line = 'quickstart: another quickstart starts the registry in "%s"; wait for its end\n' % first.dir
        assert first.run("--dir", first.dir, code=1) == line
        assert first.status() == {}
        # and the daemons of a start keep nobody out
        fcntl.flock(lock, fcntl.LOCK_UN)
        first.start()
        assert set(first.status()) == set(PROGRAMS)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(lock)
    first.stop()


def test_process_of_another_user_is_left_alone(first, folder):
    """The file of a process id may be older than the last boot of the machine."""
    need_root()
    assert first.status() == {}
    file = os.path.join(first.dir, "nginx", "nginx.pid")
    with subprocess.Popen([shutil.copy("/bin/sleep", os.path.join(folder, "nginx")), "600"]) as other:
        try:
            with open(file, "w") as f:
                f.write("%d\n" % other.pid)
            shutil.chown(file, os.stat(os.path.dirname(file)).st_uid)
            assert first.status() == {}
            first.stop()
            assert other.poll() is None
        finally:
            other.kill()
            os.unlink(file)


def test_stop(first, second):
    first.start()
    for instance in (second, first):
        assert len(instance.processes()) >= len(PROGRAMS)
        instance.stop()
        assert instance.status() == {} and instance.processes() == {}
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", instance.port)).close()
        # nothing to do is no error
        instance.stop()

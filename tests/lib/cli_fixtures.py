"""Nodes for the tests of the dtr command: a folder and a database each, on one MariaDB of a module's own."""
import json
import os
import shutil
import stat
import subprocess
import tempfile

import pytest

from stack import BUILD, TOP, USER, is_root

PASSWORD = "correct horse battery"


def as_user():
    """The user that runs the tests' programs: never root."""
    if not is_root():
        return {}
    import pwd
    entry = pwd.getpwnam(USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def super_name():
    import pwd
    return USER if is_root() else pwd.getpwuid(os.geteuid()).pw_name


def give(path):
    if is_root():
        shutil.chown(path, USER)


class Server:
    """A private MariaDB."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="dtr-cli-")
        os.chmod(self.dir, 0o755)
        self.socket = os.path.join(self.dir, "db", "mysql.sock")
        self.count = 0

    def run(self, verb, option=""):
        subprocess.run([os.path.join(TOP, "tests/lib/mariadb.sh"), verb, os.path.join(self.dir, "db")],
                       check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, DTR_TEST_DB_OPTION=option))

    def sql(self, text, database=""):
        words = ["mariadb", "--no-defaults", "-N", "-B", "-S", self.socket, "-u", super_name()]
        done = subprocess.run(words + ([database] if database else []) + ["-e", text],
                              capture_output=True, text=True, **as_user())
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def node(self):
        self.count += 1
        return Node(self, "t%d_x" % self.count)

    def remove(self):
        self.run("stop")
        shutil.rmtree(self.dir, ignore_errors=True)


class Node:
    """A folder and a database of its own."""

    def __init__(self, server, database, folder=None):
        self.server = server
        self.database = database
        self.dir = os.path.join(server.dir, folder or database)
        os.mkdir(self.dir)
        give(self.dir)
        self.conf = self.path("etc", "dtr.conf")
        self.keys = {
            "node.external_url": "https://registry.example.com:5443",
            "node.run_dir": self.path("run"),
            "database.hosts": "unix:" + server.socket,
            "database.name": database,
            "storage.root": self.path("blobs"),
            "storage.reserve": "0",
            "registry.socket": self.path("r.sock"),
            "registry.upload_socket": self.path("u.sock"),
            "garant.socket": self.path("g.sock"),
            "api.socket": self.path("a.sock"),
            "garant.password_cost": "1",
        }

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def read(self, *names):
        with open(self.path(*names)) as f:
            return f.read()

    def write(self, text, *names, mode=0o600):
        path = self.path(*names)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        give(path)
        return path

    def mode(self, *names):
        return stat.S_IMODE(os.stat(self.path(*names)).st_mode)

    def words(self, *args):
        return [os.path.join(BUILD, "dtr"), "--conf", self.conf, *args]

    def dtr(self, *args, code=0, input=None):
        """Runs a verb; its exit code must be this."""
        more = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        # a session of its own has no terminal to ask on
        done = subprocess.run(self.words(*args), capture_output=True, text=True,
                              start_new_session=True, cwd=self.dir, **more, **as_user())
        assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done

    def root(self, *args, code=0):
        """The same by root."""
        done = subprocess.run(self.words(*args), capture_output=True, text=True, cwd=self.dir)
        assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *args, **more):
        return json.loads(self.dtr(*args, "--json", **more).stdout)

    def fails(self, *args, code=1, **more):
        """The first error line of a call that must fail."""
        done = self.dtr(*args, code=code, **more)
        assert done.stderr, done.stdout
        return done.stderr.splitlines()[0]

    def init_words(self, **more):
        words = ["init", "--db-admin", super_name()]
        for key, value in dict(self.keys, **more).items():
            words += ["--set", "%s=%s" % (key, value)]
        return words

    def init(self, *args, code=0):
        done = self.dtr(*self.init_words(), "--admin-password-file", "-", *args, code=code, input=PASSWORD)
        return done.stdout

    def again(self, *args, **more):
        return self.dtr("init", "--db-admin", super_name(), *args, **more)

    def sql(self, text):
        return self.server.sql(text, self.database)

    def secrets(self):
        folder = self.path("etc", "secrets")
        return {name: self.read("etc", "secrets", name) for name in sorted(os.listdir(folder))}

    def check(self, code=0, by=None):
        """Result and text of each check that is not ok."""
        answer = json.loads((by or self.dtr)("check", "--json", code=code).stdout)
        return {(c["result"], c["check"]): c["text"] for c in answer["checks"] if c["result"] != "ok"}

    def logs_in(self, role):
        """Can the database user of the role log in with the password of its file?"""
        environment = dict(os.environ, MYSQL_PWD=self.read("etc", "secrets", "db-" + role).strip())
        done = subprocess.run(["mariadb", "--no-defaults", "-S", self.server.socket, "-u",
                               "%s_%s" % (self.database, role), self.database, "-e", "SELECT 1"],
                              capture_output=True, env=environment)
        return done.returncode == 0


@pytest.fixture(scope="module")
def server():
    running = Server()
    running.run("start")
    yield running
    running.remove()


@pytest.fixture
def node(server):
    """Nothing is set up yet."""
    return server.node()


@pytest.fixture(scope="module")
def ready(server):
    """A node that is set up, for tests that leave it as it was."""
    made = server.node()
    made.init()
    return made


@pytest.fixture
def fresh(node):
    """A node that is set up, for a test that may break it."""
    node.init()
    return node

"""The dtr command against a real database: every verb, its errors and its exit codes."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

import pytest

from stack import BUILD, TOP, USER, is_root, wait_for

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

    def __init__(self, server, database):
        self.server = server
        self.database = database
        self.dir = os.path.join(server.dir, database)
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


# --- init

def test_init_makes_everything(node):
    out = node.init("--tls-name", "other.example.com", "--tls-name", "10.1.2.3")
    assert 'made   administrator "admin"' in out
    assert node.mode("etc", "secrets") == 0o700
    secrets = node.secrets()
    assert sorted(secrets) == ["cluster-key", "db-api", "db-garant", "db-owner", "db-registry"]
    for name, text in secrets.items():
        assert re.fullmatch(r"[0-9a-f]{%d}\n" % (64 if name == "cluster-key" else 32), text), name
        assert node.mode("etc", "secrets", name) == 0o600
    assert len(set(secrets.values())) == 5
    for name, mode in (("ca.key", 0o600), ("server.key", 0o600), ("ca.crt", 0o644), ("server.crt", 0o644)):
        assert node.mode("etc", "tls", name) == mode
    assert node.mode("etc", "dtr.conf") == 0o644
    for line in ("node.external_url = https://registry.example.com:5443", "storage.reserve = 0"):
        assert line in node.read("etc", "dtr.conf").splitlines()
    for role in ("owner", "registry", "garant", "api"):
        assert node.logs_in(role)
    assert node.sql("SELECT name, is_admin FROM account") == [["admin", "1"]]
    # nothing secret was said
    assert PASSWORD not in out
    assert not any(text.strip() in out for text in secrets.values())


def test_init_certificate_is_good_for_its_names(node):
    node.init("--tls-name", "other.example.com", "--tls-name", "10.1.2.3")
    tls = node.path("etc", "tls")
    for name in ("registry.example.com", "localhost", "other.example.com"):
        subprocess.run(["openssl", "verify", "-CAfile", tls + "/ca.crt", "-purpose", "sslserver",
                        "-verify_hostname", name, tls + "/server.crt"], check=True, capture_output=True)
    for address in ("127.0.0.1", "::1", "10.1.2.3"):
        subprocess.run(["openssl", "verify", "-CAfile", tls + "/ca.crt", "-verify_ip", address,
                        tls + "/server.crt"], check=True, capture_output=True)
    done = subprocess.run(["openssl", "verify", "-CAfile", tls + "/ca.crt", "-verify_hostname",
                           "evil.example.com", tls + "/server.crt"], capture_output=True)
    assert done.returncode != 0


def test_init_twice_changes_nothing(node):
    node.init()
    before = node.secrets(), node.read("etc", "dtr.conf"), node.read("etc", "tls", "server.crt")
    keys = node.sql("SELECT kid FROM token_key")
    steps = json.loads(node.again("--json").stdout)["steps"]
    assert before == (node.secrets(), node.read("etc", "dtr.conf"), node.read("etc", "tls", "server.crt"))
    assert keys == node.sql("SELECT kid FROM token_key") and len(keys) == 1
    assert node.sql("SELECT COUNT(*) FROM account") == [["1"]]
    assert [s for s in steps if s["did"] == "made"] == []
    assert len([s for s in steps if s["did"] == "found"]) >= 8


@pytest.mark.parametrize("lines", [0, 1, 3, 6, 8, 9, 10, 12, 14, 16, 17])
def test_init_goes_on_after_a_kill(node, lines):
    process = subprocess.Popen(node.words(*node.init_words(), "--admin-password-file", "-"),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **as_user())
    process.stdin.write(PASSWORD)
    process.stdin.close()
    for _ in range(lines):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    # the folder of the configuration may be there without the file
    secrets = node.secrets() if os.path.isdir(node.path("etc", "secrets")) else {}
    node.init()
    assert {name: text for name, text in node.secrets().items() if name in secrets} == secrets
    assert [key for key in node.check() if key[0] == "fail"] == []
    assert node.sql("SELECT name FROM account") == [["admin"]]


def test_init_heals_what_was_lost(fresh):
    before = fresh.secrets()
    os.unlink(fresh.path("etc", "secrets", "db-garant"))
    os.unlink(fresh.path("etc", "tls", "server.crt"))
    authority = fresh.read("etc", "tls", "ca.crt")
    fresh.server.sql("DROP USER %s_registry@localhost" % fresh.database)
    fresh.sql("DELETE FROM token_certificate")
    fresh.sql("DELETE FROM token_key")
    os.chmod(fresh.path("etc", "secrets"), 0o755)
    out = fresh.again().stdout
    after = fresh.secrets()
    assert after.pop("db-garant") != before.pop("db-garant")
    assert after == before
    assert fresh.logs_in("garant") and fresh.logs_in("registry")
    assert fresh.mode("etc", "secrets") == 0o700 and "set    mode 0700" in out
    assert fresh.read("etc", "tls", "ca.crt") == authority
    subprocess.run(["openssl", "verify", "-CAfile", fresh.path("etc", "tls", "ca.crt"),
                    fresh.path("etc", "tls", "server.crt")], check=True, capture_output=True)
    assert [key for key in fresh.check() if key[0] == "fail"] == []


def test_init_makes_a_new_admin_only_when_there_is_none(fresh):
    out = fresh.again("--admin-user", "other", "--admin-password-file", "-", input=PASSWORD).stdout
    assert "found  1 active administrator" in out
    fresh.sql("UPDATE account SET is_active = 0")
    line = fresh.again("--admin-password-file", "-", input=PASSWORD, code=1).stderr
    assert line == ('dtr: init: account "admin" exists and is no active administrator; run: dtr user set admin '
                    '--admin yes --active yes, or name another one with --admin-user\n')
    out = fresh.again("--admin-user", "other", "--admin-password-file", "-", input=PASSWORD).stdout
    assert 'made   administrator "other"' in out


def test_init_asks_for_the_password_when_it_needs_one(node):
    done = node.dtr(*node.init_words(), code=1)
    assert "there is no terminal to ask for the password" in done.stderr
    assert 'found  configuration file' in node.dtr(*node.init_words(), "--admin-password-file", "-",
                                                   input=PASSWORD).stdout


def test_init_with_a_password_for_the_superuser(node):
    node.server.sql("CREATE USER boss@localhost IDENTIFIED BY 'let me \\'in'; "
                    "GRANT ALL ON *.* TO boss@localhost WITH GRANT OPTION")
    try:
        wrong = node.write("let me out\n", "wrong")
        right = node.write("let me 'in\n", "right")
        words = [w if w != super_name() else "boss" for w in node.init_words()]
        words += ["--admin-password-file", "-", "--db-admin-password-file"]
        line = node.fails(*words, wrong, input=PASSWORD)
        assert line.startswith('dtr: init: database user "boss": the database refuses the user "boss"')
        assert "1045" in line and "let me" not in line
        node.dtr(*words, right, input=PASSWORD)
    finally:
        node.server.sql("DROP USER boss@localhost")


def test_init_user_host(node):
    node.init("--db-user-host", "%")
    hosts = node.server.sql("SELECT DISTINCT Host FROM mysql.user WHERE User LIKE '%s\\\\_%%'"
                            % node.database.replace("_", "\\\\_"))
    assert hosts == [["%"]]


def test_database_users_have_no_more_rights_than_they_need(ready):
    own = "%s_owner" % ready.database
    rights = "\n".join(r[0] for r in ready.server.sql("SHOW GRANTS FOR %s@localhost" % own))
    # an underscore would stand for any character
    assert "ON `%s`.* TO" % ready.database.replace("_", "\\\\_") in rights
    assert "GRANT USAGE ON *.*" in rights
    registry = "\n".join(r[0] for r in ready.server.sql("SHOW GRANTS FOR %s_registry@localhost" % ready.database))
    assert "account_password" not in registry and "`token_key`" not in registry
    assert "ON `%s`.*" % ready.database not in registry
    # who shows lists to people can change none of what they show
    api = "\n".join(r[0] for r in ready.server.sql("SHOW GRANTS FOR %s_api@localhost" % ready.database))
    assert "GRANT SELECT ON `%s`.`repository` TO" % ready.database in api
    for table in ("account_password", "access_token", "token_key", "token_certificate", "login_delay"):
        assert "`%s`" % table not in api
    assert not re.search(r"INSERT|UPDATE|DELETE", api)


@pytest.mark.parametrize("words, line", [
    (["--set", "storage.root"], '--set must be KEY=VALUE, not "storage.root"'),
    (["--set", "=x"], '--set must be KEY=VALUE, not "=x"'),
    (["--set", "node.user=x\ndatabase.name=y"], "--set node.user has a control character"),
    (["--tls-name", "a,b"], '--tls-name "a,b" is not a host name or address'),
    (["--tls-name", ""], '--tls-name "" is not a host name or address'),
])
def test_init_refuses_wrong_calls(node, words, line):
    error = node.fails("init", "--db-admin", "x", *words, code=2)
    assert error == "dtr: init: " + line
    assert not os.path.exists(node.path("etc"))


def test_init_refuses_bad_values(node):
    assert node.fails("init", code=2).startswith("dtr: init: --db-admin is missing")
    assert "node.colour" in node.fails("init", "--db-admin", "x", "--set", "node.colour=red")
    assert "registry.threads" in node.fails("init", "--db-admin", "x", "--set", "registry.threads=2000")
    line = node.fails("init", "--db-admin", "x", "--admin-user", "Big")
    assert line.startswith('dtr: init: account name "Big" is not valid')
    assert not os.path.exists(node.path("etc"))


@pytest.mark.parametrize("name", ["a b", "a`b", "Upper", "x" * 33])
def test_init_refuses_names_of_databases(node, name):
    error = node.fails(*node.init_words(**{"database.name": name}), "--admin-password-file", "-", input=PASSWORD)
    assert error == 'dtr: init: database.name "%s" is not valid: 1 to 32 of a-z, 0-9 and _' % name


def test_init_set_must_agree_with_the_file(fresh):
    fresh.again("--set", "storage.reserve=0", "--set", "database.name=" + fresh.database)
    error = fresh.again("--set", "storage.reserve=1K", code=1).stderr
    assert error == ('dtr: init: "%s" says storage.reserve = 0, not 1024; change the file, or leave out --set\n'
                     % fresh.conf)
    # written otherwise, the same
    fresh.again("--set", "storage.inline_max=64K")


@pytest.mark.parametrize("password, line", [
    ("short", "a password has 8 to 511 bytes, this one has 5"),
    ("", "a password has 8 to 511 bytes, this one has 0"),
    ("x" * 512, "a password has 8 to 511 bytes, this one has 512"),
    ("two lines\nof text", "a password has no control characters, nor more than one line"),
    ("bell \a bell", "a password has no control characters, nor more than one line"),
])
def test_password_rules(node, password, line):
    error = node.fails(*node.init_words(), "--admin-password-file", "-", input=password)
    assert error == "dtr: init: " + line
    assert not os.path.exists(node.path("etc"))


def test_password_file_open_to_others(ready):
    path = ready.write(PASSWORD, "open-password", mode=0o644)
    error = ready.fails("user", "create", "eve", "--password-file", path)
    assert error == ('dtr: user create: password file: file "%s" holds a secret and is open to others; '
                     'run: chmod 0600 %s' % (path, path))


# --- users

def test_users(fresh):
    path = fresh.write(PASSWORD + "\n", "password")
    out = fresh.dtr("user", "create", "alice", "--password-file", path, "--full-name", "Alice Ä").stdout
    assert out == 'user "alice" made\n'
    out = fresh.dtr("user", "create", "bob").stdout
    assert out == 'user "bob" made\nthe user cannot log in yet; run: dtr user passwd bob\n'
    assert fresh.json("user", "create", "team", "--org")["kind"] == "organisation"
    users = {u.pop("name"): u for u in fresh.json("user", "list")["users"]}
    assert users == {
        "admin": {"kind": "user", "admin": True, "active": True, "full_name": ""},
        "alice": {"kind": "user", "admin": False, "active": True, "full_name": "Alice Ä"},
        "bob": {"kind": "user", "admin": False, "active": True, "full_name": ""},
        "team": {"kind": "organisation", "admin": False, "active": True, "full_name": ""},
    }
    hashes = fresh.sql("SELECT a.name, p.hash FROM account a JOIN account_password p ON p.account_id = a.id "
                       "WHERE a.name <> 'admin'")
    assert [h[0] for h in hashes] == ["alice"] and hashes[0][1].startswith("$y$")
    assert fresh.fails("user", "create", "bob") == 'dtr: user create: account "bob" exists already'
    done = fresh.dtr("user", "create", "bob", "--json", code=1)
    assert json.loads(done.stderr)["code"] == "exists" and done.stdout == ""


def test_user_list_goes_over_pages(fresh):
    fresh.sql("INSERT INTO account (id, name, kind, created) SELECT UNHEX(LPAD(HEX(seq), 32, '0')), "
              "CONCAT('u', seq), 1, NOW() FROM seq_1_to_1200")
    names = [u["name"] for u in fresh.json("user", "list")["users"]]
    assert len(names) == 1201 and names == sorted(names) and len(set(names)) == 1201


@pytest.mark.parametrize("words, verb, text", [
    (["user", "create", "o", "--org", "--admin"], "user create", "an organisation cannot be an administrator"),
    (["user", "create", "o", "--org", "--password-file", "-"], "user create", "an organisation has no password"),
    (["user", "create"], "user create", "NAME is missing"),
    (["user", "create", "a", "b"], "user create", 'there is no place for "b"'),
    (["user", "set", "admin"], "user set", "give --admin, --active or both"),
    (["user", "set", "admin", "--admin", "maybe"], "user set", '--admin must be yes or no, not "maybe"'),
    (["user", "set", "admin", "--active"], "user set", 'option "--active" needs a value'),
    (["user", "list", "--password=geheim"], "user list", 'unknown option "--password"'),
    (["user", "list", "-x"], "user list", 'unknown option "-x"'),
    (["check", "--quiet=geheim"], "check", 'option "--quiet" takes no value'),
    (["token", "create", "admin"], "token create", "--label is missing: say what the token is for"),
    (["token", "create", "admin", "--label", ""], "token create", "a label has 1 to 255 bytes"),
    (["token", "create", "admin", "--label", "a\nb"], "token create", "a label has no control characters"),
    (["setting", "set", "gc.promise"], "setting set", "NAME VALUE is missing"),
    (["setting", "set", "token.generation", "0"], "setting set",
     'setting "token.generation" only grows; run: dtr revoke-tokens'),
    (["conf", "--key", "node.colour"], "conf", 'no key "node.colour"; dtr conf shows them all'),
    (["user"], "", '"user" needs one of: create, passwd, list, set'),
    (["user", "remove"], "", '"user" needs one of: create, passwd, list, set'),
    (["frobnicate"], "", 'unknown verb "frobnicate"'),
    (["--colour"], "", 'unknown option "--colour"'),
    ([], "", "no verb given"),
])
def test_wrong_calls(ready, words, verb, text):
    done = ready.dtr(*words, code=2)
    lines = done.stderr.splitlines()
    assert lines == ["dtr: " + (verb + ": " if verb else "") + text,
                     "dtr: see: dtr " + (verb + " " if verb else "") + "--help"]
    assert "geheim" not in done.stderr and done.stdout == ""
    # an error in an option before --json has that form too
    for json_words in (["--json", *words], [*words, "--json"]):
        if words[-1:] != ["--active"]:
            assert json.loads(ready.dtr(*json_words, code=2).stderr) == {"error": text, "code": "usage"}


@pytest.mark.parametrize("words, line", [
    (["user", "passwd", "nobody1"], 'user passwd: no account "nobody1"'),
    (["user", "set", "nobody1", "--admin", "yes"], 'user set: no account "nobody1"'),
    (["token", "create", "nobody1", "--label", "x"], 'token create: no account "nobody1"'),
    (["setting", "get", "colour"], 'setting get: no setting "colour"; dtr setting list shows them'),
    (["setting", "set", "colour", "red"], 'setting set: no setting "colour"; dtr setting list shows them'),
    (["setting", "set", "createRepositoryOnPush", "1"],
     'setting set: setting "createRepositoryOnPush" must be true or false'),
    (["setting", "set", "gc.promise", "1"],
     'setting set: setting "gc.promise" must be a number from 2 to 31536000'),
    (["user", "passwd", "admin"], "user passwd: there is no terminal to ask for the password; use --password-file"),
])
def test_faults(ready, words, line):
    assert ready.fails(*words) == "dtr: " + line


def test_passwd(fresh):
    before = fresh.sql("SELECT hash FROM account_password")
    assert fresh.json("setting", "get", "token.generation")["value"] == "0"
    assert fresh.fails("user", "passwd", "admin", "--password-file", "-", input="short") == \
        "dtr: user passwd: a password has 8 to 511 bytes, this one has 5"
    assert before == fresh.sql("SELECT hash FROM account_password")
    out = fresh.dtr("user", "passwd", "admin", "--password-file", "-", input="another password\n").stdout
    assert out == 'password of "admin" changed, earlier logins ended\n'
    assert before != fresh.sql("SELECT hash FROM account_password")
    assert fresh.json("setting", "get", "token.generation")["value"] == "1"
    fresh.dtr("user", "create", "team", "--org")
    assert "is an organisation: it has no password" in fresh.fails("user", "passwd", "team", "--password-file", "-",
                                                                   input=PASSWORD)


def on_terminal(node, words, answers):
    """Runs a verb on a terminal, answers its prompts; exit code and all that the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            who = as_user()
            if who:
                os.setgroups([])
                os.setgid(who["group"])
                os.setuid(who["user"])
            os.execv(node.words()[0], node.words(*words))
        finally:
            os._exit(127)
    shown = b""
    answers = list(answers)
    end = time.time() + 30
    while time.time() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        shown += part
        if answers and shown.rstrip(b"\r\n").endswith(b": "):
            os.write(terminal, answers.pop(0))
            shown += b"|"
    else:
        os.kill(pid, signal.SIGKILL)  # it waits for an answer still
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_passwd_on_a_terminal(fresh):
    words = ["user", "passwd", "admin"]
    code, shown = on_terminal(fresh, words, [b"from the terminal\n", b"from the terminal\n"])
    assert code == 0, shown
    assert "from the terminal" not in shown
    assert shown.count("new password") == 2
    before = fresh.sql("SELECT hash FROM account_password")
    code, shown = on_terminal(fresh, words, [b"from the terminal\n", b"something else\n"])
    assert code == 1 and "the two passwords differ, nothing changed" in shown
    code, shown = on_terminal(fresh, words, [b"\x03"])
    assert code == 1 and "interrupted, nothing changed" in shown
    # whenever it comes: the prompt is there before the program waits
    for _ in range(20):
        code, shown = on_terminal(fresh, words, [b"\x03"])
        assert code == 1 and "interrupted, nothing changed" in shown
    assert before == fresh.sql("SELECT hash FROM account_password")


def test_last_administrator_stays(fresh):
    line = ('dtr: user set: "admin" is the last active system administrator; make another one first: '
            'dtr user create NAME --admin')
    assert fresh.fails("user", "set", "admin", "--admin", "no") == line
    assert fresh.fails("user", "set", "admin", "--active", "no") == line
    assert fresh.sql("SELECT is_admin, is_active FROM account") == [["1", "1"]]
    # an organisation or one who is not active does not count
    fresh.dtr("user", "create", "team", "--org")
    assert "cannot be an administrator" in fresh.fails("user", "set", "team", "--admin", "yes")
    fresh.dtr("user", "create", "second", "--admin")
    fresh.dtr("user", "set", "second", "--active", "no")
    assert fresh.fails("user", "set", "admin", "--admin", "no") == line
    fresh.dtr("user", "set", "second", "--active", "yes")
    fresh.dtr("user", "set", "admin", "--admin", "no")
    assert fresh.fails("user", "set", "second", "--admin", "no") == line.replace("admin", "second", 1)


def test_two_administrators_cannot_both_go(fresh):
    for i in range(5):
        fresh.sql("UPDATE account SET is_admin = 1, is_active = 1")
        if i == 0:
            fresh.dtr("user", "create", "second", "--admin")
        both = [subprocess.Popen(fresh.words("user", "set", name, "--active", "no"),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user())
                for name in ("admin", "second")]
        assert sorted(p.wait() for p in both) == [0, 1]


def test_user_set_revokes_when_rights_are_taken(fresh):
    def generation():
        return int(fresh.json("setting", "get", "token.generation")["value"])
    fresh.dtr("user", "create", "alice")
    assert fresh.json("user", "set", "alice", "--admin", "yes")["revoked"] is False
    assert generation() == 0
    assert fresh.json("user", "set", "alice", "--admin", "no")["revoked"] is True
    assert generation() == 1
    assert fresh.json("user", "set", "alice", "--active", "no")["revoked"] is True
    assert generation() == 2
    assert "is not active; run: dtr user set alice --active yes" in fresh.fails(
        "token", "create", "alice", "--label", "x")


# --- tokens, keys, settings

def test_token_create(ready):
    done = ready.dtr("token", "create", "admin", "--label", "build server")
    assert re.fullmatch(r"dtr_at_[A-Za-z0-9_-]{43}\n", done.stdout)
    secret = done.stdout.strip()
    assert secret not in done.stderr
    assert "shown this once" in done.stderr
    answer = ready.json("token", "create", "admin", "--label", "other")
    assert answer["user"] == "admin" and answer["label"] == "other" and answer["secret"] != secret
    rows = ready.sql("SELECT label, HEX(secret_digest) FROM access_token ORDER BY label")
    import hashlib
    assert [r[0] for r in rows] == ["build server", "other"]
    assert rows[0][1] in (hashlib.sha256(secret.encode()).hexdigest().upper(),
                          hashlib.sha256(secret[len("dtr_at_"):].encode()).hexdigest().upper())


def test_key_rotate(fresh):
    first = fresh.json("key", "list")["keys"]
    assert [k["state"] for k in first] == ["signs"] and first[0]["ends_in_s"] is None
    second = fresh.json("key", "rotate")
    assert second["signs_in_s"] == 10 and second["overlap_s"] == 300 + 120
    keys = fresh.json("key", "list")["keys"]
    assert [(k["kid"], k["state"]) for k in keys] == [(second["kid"], "next"), (first[0]["kid"], "signs")]
    assert 400 < keys[1]["ends_in_s"] <= 420
    third = fresh.json("key", "rotate", "--now")
    assert third["signs_in_s"] == 0
    states = {k["kid"]: k["state"] for k in fresh.json("key", "list")["keys"]}
    assert states[third["kid"]] == "signs" and states[first[0]["kid"]] == "verifies"
    # a key that verifies nothing any more goes with the next rotation
    fresh.sql("UPDATE token_certificate SET verify_until = UTC_TIMESTAMP() - INTERVAL 1 SECOND "
              "WHERE kid = '%s'" % first[0]["kid"])
    fresh.dtr("key", "rotate")
    assert fresh.sql("SELECT COUNT(*) FROM token_key WHERE kid = '%s'" % first[0]["kid"]) == [["0"]]
    assert fresh.sql("SELECT COUNT(*) FROM token_certificate") == [["3"]]


def test_key_rotate_keeps_what_verifiers_can_read(fresh):
    fresh.sql("INSERT INTO token_certificate (kid, certificate, created) "
              "SELECT CONCAT('k', seq), 'x', UTC_TIMESTAMP() FROM seq_1_to_31")
    assert fresh.fails("key", "rotate").startswith("dtr: key rotate: there are 32 keys already")


def test_settings(fresh):
    listed = {s["name"]: s for s in fresh.json("setting", "list")["settings"]}
    assert listed["createRepositoryOnPush"]["value"] == "true" and listed["gc.promise"]["help"]
    fresh.dtr("setting", "set", "createRepositoryOnPush", "false")
    assert fresh.dtr("setting", "get", "createRepositoryOnPush").stdout == "false\n"
    fresh.dtr("setting", "set", "gc.promise", "3600")
    assert fresh.json("setting", "get", "gc.promise") == {"name": "gc.promise", "value": "3600"}


def test_revoke_tokens(fresh):
    assert fresh.json("revoke-tokens") == {"revoked": True}
    fresh.dtr("revoke-tokens")
    assert fresh.dtr("setting", "get", "token.generation").stdout == "2\n"


# --- repositories and garbage

def test_repositories_as_json(fresh):
    plain = {"name": "admin/plain", "visibility": "private", "immutableTags": False, "tagLimit": 0}
    assert fresh.json("repository", "create", "admin/plain") == plain
    other = fresh.json("repository", "create", "admin/other", "--visibility", "public", "--immutable-tags", "yes",
                       "--tag-limit", "5")
    assert other == {"name": "admin/other", "visibility": "public", "immutableTags": True, "tagLimit": 5}
    # what is not said stays
    assert fresh.json("repository", "set", "admin/other", "--tag-limit", "7") == dict(other, tagLimit=7)
    assert fresh.json("repository", "set", "admin/other", "--visibility", "private", "--immutable-tags", "no") == {
        "name": "admin/other", "visibility": "private", "immutableTags": False, "tagLimit": 7}
    assert fresh.json("repository", "set", "admin/plain") == plain
    assert fresh.json("repository", "list") == {"repositories": [
        {"name": name, "visibility": "private", "immutableTags": False, "tagLimit": limit, "pushes": 0, "pulls": 0}
        for name, limit in (("admin/other", 7), ("admin/plain", 0))]}


@pytest.mark.parametrize("words, code, text", [
    (["create", "admin/twice"], 1, "exists already"), (["set", "admin/missing"], 1, "no repository"),
    (["create", "nobody/x"], 1, "no user or organisation"), (["create", "alone"], 2, "is not valid"),
    (["set", "admin/twice", "--tag-limit", "many"], 2, "must be a number"),
])
def test_repository_errors_as_json(fresh, words, code, text):
    fresh.dtr("repository", "create", "admin/twice")
    done = fresh.dtr("repository", *words, "--json", code=code)
    assert done.stdout == ""
    error = json.loads(done.stderr)
    assert text in error["error"] and error["code"], error


def test_gc_without_garbage_as_json(ready):
    assert ready.json("gc", "uploads") == {"dropped": 0}
    assert ready.json("gc", "objects") == {"removed": 0, "failed": 0}
    for what in ("uploads", "objects"):
        assert json.loads(ready.fails("gc", what, "--limit", "x", "--json", code=2))["error"] == (
            "--limit must be a number")


# --- migrate

def test_migrate(fresh):
    last = max(int(name[:4]) for name in os.listdir(os.path.join(TOP, "schema", "migrate")))
    assert fresh.json("migrate", "--status") == {"version": last, "wanted": last}
    fresh.sql("UPDATE schema_version SET version = 0")
    done = fresh.dtr("migrate", "--status", code=1)
    assert done.stdout == "the database has schema version 0, this program %d; run: dtr migrate\n" % last
    assert "run: dtr migrate" in fresh.check(code=1)["fail", "schema"]
    # rights that a migration brings are given without a superuser
    fresh.sql("REVOKE ALL PRIVILEGES ON tag FROM %s_registry@localhost" % fresh.database)
    fresh.dtr("migrate")
    assert fresh.json("migrate", "--status") == {"version": last, "wanted": last}
    assert "`tag`" in str(fresh.server.sql("SHOW GRANTS FOR %s_registry@localhost" % fresh.database))
    fresh.sql("UPDATE schema_version SET version = 99")
    assert "use a newer program" in fresh.fails("migrate")
    assert "use a newer program" in fresh.check(code=1)["fail", "schema"]


def forget(node, role):
    """As a node was set up before there was a program of this role."""
    node.server.sql("DROP USER %s_%s@localhost" % (node.database, role))
    os.unlink(node.path("etc", "secrets", "db-" + role))


def test_migrate_of_a_node_that_lacks_a_program(fresh):
    forget(fresh, "api")
    fresh.sql("REVOKE ALL PRIVILEGES ON tag FROM %s_registry@localhost" % fresh.database)
    assert "run dtr init" in fresh.check(code=1)["fail", "secrets"]
    before = fresh.secrets()
    assert "run: dtr migrate --db-admin USER" in fresh.fails("migrate")
    # the programs that were there have their rights all the same
    assert "`tag`" in str(fresh.server.sql("SHOW GRANTS FOR %s_registry@localhost" % fresh.database))
    answer = fresh.json("migrate", "--db-admin", super_name())
    assert "database user %s_api@localhost" % fresh.database in [
        s["what"] for s in answer["steps"] if s["did"] == "made"]
    assert {name: text for name, text in fresh.secrets().items() if name != "db-api"} == before
    for role in ("owner", "registry", "garant", "api"):
        assert fresh.logs_in(role)
    assert [key for key in fresh.check() if key[0] == "fail"] == []


def test_migrate_needs_a_user_who_may_make_users(fresh):
    forget(fresh, "api")
    password = fresh.path("etc", "secrets", "db-owner")
    line = fresh.fails("migrate", "--db-admin", fresh.database + "_owner", "--db-admin-password-file", password)
    assert line.startswith("dtr: migrate: ")
    # and goes on where it stopped
    fresh.dtr("migrate", "--db-admin", super_name())
    assert fresh.logs_in("api")


def test_init_brings_what_a_new_program_needs(fresh):
    forget(fresh, "api")
    assert "made   database user %s_api@localhost" % fresh.database in fresh.again().stdout
    assert fresh.logs_in("api")
    assert [key for key in fresh.check() if key[0] == "fail"] == []


# --- drain

def test_drain(fresh):
    os.makedirs(fresh.path("run"))
    give(fresh.path("run"))
    assert fresh.json("drain", "status") == {"draining": False}
    for _ in range(2):
        assert fresh.json("drain", "on") == {"draining": True}
    assert os.path.exists(fresh.path("run", "drain"))
    assert fresh.dtr("drain", "status").stdout.startswith("this node drains")
    assert "run: dtr drain off" in fresh.check()["warn", "drain"]
    for _ in range(2):
        assert fresh.json("drain", "off") == {"draining": False}
    assert not os.path.exists(fresh.path("run", "drain"))
    assert ("warn", "drain") not in fresh.check()
    assert fresh.fails("drain", "maybe", code=2) == 'dtr: drain: "maybe" is none of on, off and status'
    os.rmdir(fresh.path("run"))
    assert fresh.path("run") in fresh.fails("drain", "on")


# --- check

def test_check_of_a_good_node(ready):
    done = ready.dtr("check")
    lines = done.stdout.splitlines()
    assert [l for l in lines if l.startswith("FAIL")] == []
    assert lines[-1] == "0 failures, 4 warnings"
    # only the programs do not run
    assert {l.split()[1] for l in lines if l.startswith("warn")} == {"programs"}
    for name in ("configuration", "file rights", "user", "secrets", "storage", "certificate", "limits", "database",
                 "clock", "connections", "database users", "schema", "token key", "administrator"):
        assert any(l.startswith("ok    " + name) for l in lines), name
    quiet = ready.dtr("check", "--quiet").stdout.splitlines()
    assert len(quiet) == 4 and all(l.startswith("warn") for l in quiet)
    assert not any(text.strip() in done.stdout for text in ready.secrets().values())


def test_check_finds_running_programs(fresh):
    sockets = []
    for name in ("r.sock", "u.sock", "g.sock", "a.sock"):
        s = socket.socket(socket.AF_UNIX)
        s.bind(fresh.path(name))
        s.listen()
        give(fresh.path(name))
        sockets.append(s)
    assert fresh.check() == {}
    sockets[2].close()
    found = fresh.check()
    assert list(found) == [("warn", "programs")] and "dtr-garant is not running" in found["warn", "programs"]
    for s in sockets:
        s.close()


def test_check_finds_secrets_open_to_others(fresh):
    path = fresh.path("etc", "secrets", "db-garant")
    os.chmod(path, 0o644)
    assert fresh.check(code=1)["fail", "secrets"] == (
        'file "%s" holds a secret and is open to others; run: chmod 0600 %s' % (path, path))
    os.chmod(path, 0o600)
    os.chmod(fresh.path("etc", "secrets"), 0o755)
    assert "run: chmod 0700" in fresh.check(code=1)["fail", "secrets"]


@pytest.mark.parametrize("name, bad, change, words", [
    ("etc/tls/server.key", (0o604, 0o640, 0o620), "0600", "is open to its group or others"),
    ("etc/tls/ca.key", (0o644, 0o640), "0600", "is open to its group or others"),
    ("etc/dtr.conf", (0o664, 0o646), "go-w", "can be changed by its group or others"),
    ("blobs", (0o757, 0o1777), "o-w", "can be written to by all users"),
])
def test_check_finds_files_open_to_others(fresh, name, bad, change, words):
    path = fresh.path(*name.split("/"))
    for mode in bad:
        os.chmod(path, mode)
        text = fresh.check(code=1)["fail", "file rights"]
        assert '"%s" %s; run: chmod %s %s' % (path, words, change, path) in text
        # what it says to do helps
        subprocess.run(["chmod", change, path], check=True)
        assert ("fail", "file rights") not in fresh.check()


def test_check_accepts_private_keys_that_are_elsewhere(fresh):
    for name in ("ca.key", "server.key"):
        os.unlink(fresh.path("etc", "tls", name))
    assert ("fail", "file rights") not in fresh.check()
    os.chmod(fresh.path("etc", "tls"), 0)
    assert "run dtr check as its owner or as root" in fresh.check(code=1)["fail", "file rights"]


def test_check_finds_a_missing_password(fresh):
    os.unlink(fresh.path("etc", "secrets", "db-registry"))
    assert "run dtr init" in fresh.check(code=1)["fail", "secrets"]
    os.unlink(fresh.path("etc", "secrets", "db-owner"))
    found = fresh.check(code=1)
    assert ("fail", "secrets") in found and ("fail", "schema") in found


def test_check_finds_a_database_user_with_another_password(fresh):
    fresh.server.sql("ALTER USER %s_garant@localhost IDENTIFIED BY 'x'" % fresh.database)
    found = fresh.check(code=1)
    assert "%s_garant" % fresh.database in found["fail", "database users"]
    assert "dtr init --db-admin USER" in found["fail", "database users"]
    fresh.again()
    assert ("fail", "database users") not in fresh.check()


def test_check_finds_a_wrong_cluster_key(fresh):
    path = fresh.path("etc", "secrets", "cluster-key")
    with open(path) as f:
        key = f.read()
    with open(path, "w") as f:
        f.write(("1" if key[0] == "0" else "0") + key[1:])
    assert "cluster-key is not the one of this database" in fresh.check(code=1)["fail", "token key"]
    with open(path, "w") as f:
        f.write("abc\n")
    assert "does not hold 64 hexadecimal digits" in fresh.check(code=1)["fail", "secrets"]


def make_certificate(node, days, name="server"):
    """A certificate, of the server or the authority itself, that ends in so many days."""
    tls = node.path("etc", "tls")
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400 + 60))
    work = node.path("ca")
    os.makedirs(work)
    open(os.path.join(work, "index"), "w").close()
    with open(os.path.join(work, "ca.cnf"), "w") as f:
        f.write("[ca]\ndefault_ca=x\n[x]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\n"
                "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n" % (work, work))
    subprocess.run(["openssl", "req", "-new", "-key", "%s/%s.key" % (tls, name), "-subj", "/CN=x",
                    "-out", work + "/csr"], check=True, capture_output=True)
    by = ["-cert", tls + "/ca.crt"] if name == "server" else ["-selfsign"]
    subprocess.run(["openssl", "ca", "-batch", "-config", work + "/ca.cnf", *by,
                    "-keyfile", tls + "/ca.key", "-startdate", "20200101000000Z", "-enddate", end,
                    "-in", work + "/csr", "-out", work + "/crt", "-notext"], check=True, capture_output=True)
    shutil.copyfile(work + "/crt", "%s/%s.crt" % (tls, name))
    shutil.rmtree(work)


def test_check_finds_certificates_that_end(fresh):
    path = fresh.path("etc", "tls", "server.crt")
    make_certificate(fresh, -2.5)
    assert '"%s" has expired, 2 days ago; remove it and run dtr init' % path in (
        fresh.check(code=1)["fail", "certificate"])
    make_certificate(fresh, 1)
    assert '"%s" expires in 1 day; ' % path in fresh.check()["warn", "certificate"]
    make_certificate(fresh, 10)
    assert '"%s" expires in 10 days; ' % path in fresh.check()["warn", "certificate"]
    make_certificate(fresh, 40)
    assert ("warn", "certificate") not in fresh.check()
    fresh.write("no certificate\n", "etc", "tls", "server.crt")
    assert 'file "%s": not a certificate' % path in fresh.check(code=1)["fail", "certificate"]
    # a web server may have one of its own
    os.unlink(path)
    assert "certificate" not in {name for _, name in fresh.check()}


def test_check_finds_an_authority_that_ends(fresh):
    path = fresh.path("etc", "tls", "ca.crt")
    make_certificate(fresh, -2.5, "ca")
    text = fresh.check(code=1)["fail", "certificate"]
    assert '"%s" has expired, 2 days ago; remove it, and server.crt' % path in text
    # all clients need the new one, so there is more time than for the server's
    make_certificate(fresh, 80, "ca")
    assert '"%s" expires in 80 days; ' % path in fresh.check()["warn", "certificate"]
    make_certificate(fresh, 100, "ca")
    assert ("warn", "certificate") not in fresh.check()
    # what it says to do helps
    os.unlink(path)
    os.unlink(fresh.path("etc", "tls", "server.crt"))
    fresh.again()
    assert re.search('"%s" is good for 36[45][0-9] days' % path, fresh.dtr("check").stdout)


def test_check_finds_a_store_that_cannot_be_used(fresh):
    shutil.rmtree(fresh.path("blobs"))
    fresh.write("", "blobs")
    assert ("fail", "storage") in fresh.check(code=1)
    os.unlink(fresh.path("blobs"))
    os.mkdir(fresh.path("blobs"))
    give(fresh.path("blobs"))
    text = fresh.read("etc", "dtr.conf").replace("storage.reserve = 0", "storage.reserve = 1000T")
    fresh.write(text, "etc", "dtr.conf", mode=0o644)
    assert "lower storage.reserve" in fresh.check(code=1)["fail", "storage"]


@pytest.mark.skipif(not is_root(), reason="needs root")
def test_check_by_root_is_about_the_user_of_the_programs(fresh):
    text = fresh.read("etc", "dtr.conf")
    assert "set node.user" in fresh.check(by=fresh.root)["warn", "user"]
    fresh.write(text + "node.user = %s\n" % USER, "etc", "dtr.conf", mode=0o644)
    os.rmdir(fresh.path("blobs", "objects"))
    assert "what follows is what user %s may do" % USER in fresh.root("check").stdout
    # what it makes in the store belongs to the programs
    assert os.stat(fresh.path("blobs", "objects")).st_uid == as_user()["user"]

    os.chown(fresh.path("blobs", "objects"), 0, 0)
    assert "user %s must be able to write to" % USER in fresh.check(code=1, by=fresh.root)["fail", "storage"]
    give(fresh.path("blobs", "objects"))
    password = fresh.path("etc", "secrets", "db-garant")
    os.chown(password, 0, 0)
    found = fresh.check(code=1, by=fresh.root)["fail", "secrets"]
    assert password in found and "user %s must be able to read it" % USER in found
    give(password)
    os.chown(fresh.path("etc", "secrets"), 0, 0)
    assert "cannot be read by user " + USER in fresh.check(code=1, by=fresh.root)["fail", "secrets"]
    give(fresh.path("etc", "secrets"))
    assert "fail" not in {result for result, _ in fresh.check(by=fresh.root)}

    # files of root alone are looked at as root
    for name in ("ca.key", "server.key", "server.crt", ""):
        os.chown(fresh.path("etc", "tls", name), 0, 0)
    os.chmod(fresh.path("etc", "tls"), 0o700)
    assert "fail" not in {result for result, _ in fresh.check(by=fresh.root)}

    fresh.write(text + "node.user = nobody-here\n", "etc", "dtr.conf", mode=0o644)
    found = fresh.check(code=1, by=fresh.root)
    assert list(found) == [("fail", "user")] and '"nobody-here" of node.user does not exist' in found["fail", "user"]


def test_check_finds_a_missing_token_key_and_administrator(fresh):
    fresh.sql("DELETE FROM token_certificate")
    fresh.sql("DELETE FROM token_key")
    fresh.sql("UPDATE account SET is_admin = 0")
    found = fresh.check(code=1)
    assert "run: dtr key rotate" in found["fail", "token key"]
    assert "run: dtr user create NAME --admin" in found["warn", "administrator"]


def test_check_finds_too_many_connections(fresh):
    text = fresh.read("etc", "dtr.conf") + "database.connections = 200\nregistry.workers = 8\n"
    fresh.write(text, "etc", "dtr.conf", mode=0o644)
    assert "raise it or lower database.connections" in fresh.check(code=1)["fail", "connections"]


def limits_of(node, code=0, command="true"):
    """What is said about limits by a shell that ran the command before."""
    words = ["sh", "-c", command + '; exec "$@"', "sh"] + node.words("check", "--json")
    # the leak checker makes a thread, which a limit may forbid
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    done = subprocess.run(words, capture_output=True, text=True, env=environment, **as_user())
    assert done.returncode == code, done
    return [(c["result"], c["text"]) for c in json.loads(done.stdout)["checks"] if c["check"] == "limits"]


def test_check_finds_limits_of_the_shell_too_low(ready):
    for threads, program in ((64, "dtr-registry"), (16, "dtr-garant"), (16, "dtr-api")):
        need = 1536 + threads * 5
        found = limits_of(ready, 1, "ulimit -n %d" % (need - 1))
        assert ("fail", "%s needs %d descriptors a process, the limit of this shell (%s is not seen) is %d; "
                "raise it (LimitNOFILE= of its unit, ulimit -Hn) and start it again"
                % (program, need, program, need - 1)) in found
        # the program itself asks for the same
        done = subprocess.run(["sh", "-c", 'ulimit -n 600; exec "$@"', "sh", os.path.join(BUILD, program),
                               "-c", ready.conf], capture_output=True, text=True, **as_user())
        assert done.returncode != 0 and "needs a limit of %d open files" % need in done.stdout + done.stderr
        found = limits_of(ready, 1 if threads == 16 else 0, "ulimit -n %d" % need)
        assert [r for r, text in found if text.startswith(program)] == ["ok"]
    # programs raise the soft limit
    assert {r for r, _ in limits_of(ready, 0, "ulimit -S -n 600")} == {"ok"}
    result, text = limits_of(ready, 0, "prlimit --pid $$ --nproc=100")[-1]
    assert result == "warn" and re.search(r"the user's limit in this shell .* is 100; raise it .*ulimit -u", text)


def test_check_finds_limits_of_running_programs_too_low(fresh):
    os.makedirs(fresh.path("run"))
    give(fresh.path("run"))
    process = subprocess.Popen([os.path.join(BUILD, "dtr-garant"), "-c", fresh.conf],
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user())
    try:
        wait_for("dtr-garant runs", lambda: os.path.exists(fresh.path("run", "dtr-garant.pid")))
        # the limits of the shell are of no matter
        found = {text.split()[0]: (result, text) for result, text in limits_of(fresh, 1, "ulimit -n 600")}
        result, text = found["dtr-garant"]
        assert result == "ok" and "the limit of process %d is" % process.pid in text
        assert found["dtr-api"][0] == found["dtr-registry"][0] == "fail"
        subprocess.run(["prlimit", "--pid", str(process.pid), "--nofile=1000", "--nproc=90"],
                       check=True, **as_user())
        found = fresh.check(code=1)
        assert ("dtr-garant needs 1616 descriptors a process, the limit of process %d is 1000; raise it"
                % process.pid in found["fail", "limits"])
        assert "the user's limit in process %d is 90; raise it" % process.pid in found["warn", "limits"]
    finally:
        process.terminate()
        process.wait()
    assert ("fail", "limits") not in fresh.check()
    # a file that was left behind names some other process
    fresh.write("%d\n" % os.getpid(), "run", "dtr-garant.pid", mode=0o644)
    assert "(dtr-garant is not seen)" in "".join(text for _, text in limits_of(fresh))


def test_check_finds_a_database_that_is_down(fresh):
    text = fresh.read("etc", "dtr.conf").replace(
        "unix:" + fresh.server.socket, "unix:/nowhere/a.sock,unix:%s" % fresh.server.socket)
    fresh.write(text, "etc", "dtr.conf", mode=0o644)
    # the second server of the list serves, the first is reported
    found = fresh.check(code=1)
    assert "the database does not answer" in found["fail", "database"]
    assert ("fail", "schema") not in found
    fresh.write(text.replace(",unix:" + fresh.server.socket, ""), "etc", "dtr.conf", mode=0o644)
    found = fresh.check(code=1)
    assert {("fail", "database"), ("fail", "schema"), ("fail", "token key")} <= set(found)
    assert "does not answer" in fresh.fails("user", "list")


def test_check_of_a_stopped_database():
    server = Server()
    server.run("start")
    try:
        node = server.node()
        node.init()
        server.run("stop")
        assert "the database does not answer" in node.check(code=1)["fail", "database"]
    finally:
        server.remove()


def test_check_finds_another_clock():
    server = Server()
    # the server tells each session, but one of a superuser, a time of its own
    server.run("start", "sysdate-is-now")
    try:
        node = server.node()
        node.init()
        # the time stands still, so a late look sees a little more or less
        for seconds, result, said in ((4, "warn", range(2000, 4100)), (8, "fail", range(6000, 8100)),
                                      (-8, "fail", range(7900, 10000))):
            server.sql("SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP(NOW(6)) + %d'" % seconds)
            text = node.check(code=1 if result == "fail" else 0)[result, "clock"]
            found = re.fullmatch("the clock of unix:%s differs by ([0-9]+) ms; tokens need equal clocks: let chrony "
                                 "or ntpd run on all nodes" % server.socket, text)
            assert found and int(found.group(1)) in said, text
        server.sql("SET GLOBAL init_connect = ''")
        assert "clock" not in {name for _, name in node.check()}
    finally:
        server.remove()


def test_check_of_a_broken_configuration(fresh):
    fresh.write(fresh.read("etc", "dtr.conf") + "node.colour = red\n", "etc", "dtr.conf", mode=0o644)
    found = fresh.check(code=1)
    assert list(found) == [("fail", "configuration")] and "node.colour" in found["fail", "configuration"]


# --- conf, routes, help

def test_conf(ready):
    values = ready.json("conf")
    assert values["database.name"] == ready.database
    assert values["node.secrets_dir"] == ready.path("etc", "secrets")
    lines = ready.dtr("conf").stdout.splitlines()
    assert "database.name = " + ready.database in lines
    # what it prints is a configuration again
    copy = ready.write("\n".join(lines) + "\n", "etc", "copy.conf")
    done = subprocess.run([os.path.join(BUILD, "dtr"), "--conf", copy, "conf", "--json"],
                          capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == values
    assert ready.dtr("conf", "--key", "storage.root").stdout == ready.path("blobs") + "\n"
    assert not any(text.strip() in "\n".join(lines) for text in ready.secrets().values())


def test_conf_file_by_environment(ready):
    done = subprocess.run([os.path.join(BUILD, "dtr"), "conf", "--key", "database.name"], capture_output=True,
                          text=True, env=dict(os.environ, DTR_CONF=ready.conf))
    assert done.stdout == ready.database + "\n"


def test_conf_file_that_is_missing(node):
    assert node.fails("conf") == (
        'dtr: conf: there is no configuration file "%s"; name one with --conf, or run: dtr init' % node.conf)
    assert "run: dtr init" in node.fails("user", "list")


def test_routes(ready):
    routes = ready.json("routes")["routes"]
    count = 0
    for program in ("registry", "garant", "api"):
        with open(os.path.join(TOP, "fcgi", program, "routes.def")) as f:
            count += len(re.findall(r"^ROUTE\(", f.read(), re.M))
    assert len(routes) == count > 10
    assert {"program": "dtr-registry", "methods": "GET,HEAD", "pattern": "/v2/{name*}/blobs/{digest}",
            "permission": "pull", "help": "a blob's bytes"} in routes
    assert all(r["permission"] and r["help"] for r in routes)


def test_help_and_version(ready):
    out = ready.dtr("--help").stdout
    verbs = re.findall(r"^  ([a-z][a-z-]*(?: [a-z]+)?) ", out, re.M)
    assert len(verbs) == 22
    for verb in verbs:
        help_text = ready.dtr(*verb.split(), "--help").stdout
        assert help_text.startswith("usage: dtr " + verb)
        assert "--json" in help_text
    assert "--manual" not in ready.dtr("conf", "--help").stdout
    group = ready.dtr("user", "--help").stdout
    assert "user passwd NAME" in group and "key rotate" not in group
    assert re.fullmatch(r"dtr \d+\.\d+\.\d+\n", ready.dtr("--version").stdout)


def test_output_that_cannot_be_written(ready):
    with open("/dev/full", "w") as full:
        done = subprocess.run(ready.words("routes"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "cannot write to standard output" in done.stderr

"""dtr init and dtr migrate against a real database."""
import fcntl
import json
import os
import pwd
import re
import shutil
import signal
import subprocess

import pytest

from cli_fixtures import as_user, Node, PASSWORD, Server, super_name, fresh, node, ready, server  # noqa: F401
from stack import TOP, USER, free_port, is_root, wait_for


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


def test_init_names_must_be_in_a_certificate_that_is_there(fresh):
    path = fresh.path("etc", "tls", "server.crt")
    fresh.again("--tls-name", "registry.example.com", "--tls-name", "127.0.0.1")
    error = fresh.again("--tls-name", "localhost", "--tls-name", "new.example.com", code=1).stderr
    assert error == ('dtr: init: "%s" is not for new.example.com; remove it to have a new one made, '
                     'or leave out --tls-name\n' % path)
    os.unlink(path)
    fresh.again("--tls-name", "new.example.com", "--tls-name", "*.example.org")
    fresh.again("--tls-name", "new.example.com", "--tls-name", "*.example.org")
    many = [word for i in range(61) for word in ("--tls-name", "n%d.example.com" % i)]
    assert fresh.fails("init", "--db-admin", "x", *many, code=2) == "dtr: init: more than 60 times --tls-name"


def verify(node, authority):
    return subprocess.run(["openssl", "verify", "-CAfile", authority, "-verify_hostname", "registry.example.com",
                           node.path("etc", "tls", "server.crt")], capture_output=True, text=True)


def test_init_makes_no_second_authority(fresh):
    files = {name: fresh.read("etc", "tls", name) for name in ("ca.key", "ca.crt", "server.key")}
    os.unlink(fresh.path("etc", "tls", "server.crt"))
    # its key is kept elsewhere
    os.unlink(fresh.path("etc", "tls", "ca.key"))
    error = fresh.again(code=1).stderr
    assert error.startswith('dtr: init: "%s" lacks its key "ca.key": bring that back' % fresh.path("etc", "tls", "ca.crt"))
    assert sorted(os.listdir(fresh.path("etc", "tls"))) == ["ca.crt", "server.key"]
    assert fresh.read("etc", "tls", "ca.crt") == files["ca.crt"]
    fresh.write(files["ca.key"], "etc", "tls", "ca.key")
    fresh.again()
    assert fresh.read("etc", "tls", "ca.crt") == files["ca.crt"]
    # a new certificate of the same key: clients go on with the one that they have
    old = fresh.write(files["ca.crt"], "old.crt")
    os.unlink(fresh.path("etc", "tls", "server.crt"))
    os.unlink(fresh.path("etc", "tls", "ca.crt"))
    fresh.again()
    assert fresh.read("etc", "tls", "ca.key") == files["ca.key"]
    for authority in (old, fresh.path("etc", "tls", "ca.crt")):
        done = verify(fresh, authority)
        assert done.returncode == 0, done.stderr


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


def root_init(node, code=0):
    """As root for the user of the programs; the superuser has a password, as root is not its system user."""
    password = node.write("let me in", "boss")
    node.server.sql("CREATE OR REPLACE USER boss@localhost IDENTIFIED BY 'let me in'; "
                    "GRANT ALL ON *.* TO boss@localhost WITH GRANT OPTION")
    words = [word if word != super_name() else "boss" for word in node.init_words(**{"node.user": USER})]
    try:
        return node.root(*words, "--db-admin-password-file", password,
                         "--admin-password-file", node.write(PASSWORD, "password"), code=code)
    finally:
        node.server.sql("DROP USER boss@localhost")


def owner(path):
    return pwd.getpwuid(os.stat(path).st_uid).pw_name


def test_init_by_root_gives_what_it_makes_to_the_user_of_the_programs(node):
    assert is_root(), "to make files of another user needs root"
    root_init(node)
    secrets = [node.path("etc", "secrets", name) for name in node.secrets()]
    made = [node.path("etc", "secrets"), node.path("blobs"), node.path("blobs", "objects"), *secrets]
    assert {owner(path) for path in made} == {USER}
    # killed before it gave them away
    for path in made:
        os.chown(path, 0, 0)
    out = root_init(node).stdout
    assert {owner(path) for path in made} == {USER}
    assert out.count("set    owner of") == len(made)
    assert "set    owner of" not in root_init(node).stdout
    # somebody else's file is nothing to give away
    other = node.write("x" * 32, "other")
    os.chown(other, 0, 0)
    os.unlink(secrets[1])
    os.link(other, secrets[1])
    # nor is a folder that others use, or what stands in its place
    os.chown(node.path("blobs"), 0, 0)
    os.chmod(node.path("blobs"), 0o755)
    os.rmdir(node.path("blobs", "objects"))
    os.mkfifo(node.path("blobs", "objects"))
    root_init(node)
    assert owner(other) == owner(node.path("blobs")) == owner(node.path("blobs", "objects")) == "root"


def test_init_tells_who_may_run_it(fresh):
    assert is_root(), "to make files of another user needs root"
    folder = fresh.path("etc", "secrets")
    os.chown(folder, 1, 1)
    name = pwd.getpwuid(1).pw_name
    line = fresh.again(code=1).stderr
    assert line == ('dtr: init: folder "%s" belongs to user %s; run this as root or as user %s\n' % (folder, name, name))
    assert root_init(fresh, code=1).stderr.startswith('dtr: init: "%s" says node.user = ' % fresh.conf)
    fresh.write(fresh.read("etc", "dtr.conf") + "node.user = %s\n" % USER, "etc", "dtr.conf", mode=0o644)
    line = root_init(fresh, code=1).stderr
    assert line == ('dtr: init: folder "%s" belongs to user %s, not %s; run: chown -R %s %s\n'
                    % (folder, name, USER, USER, folder))


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


def second_node(first):
    """Another node of the same database."""
    second = Node(first.server, first.database, folder=first.database + ".second")
    second.keys["storage.root"] = first.path("blobs")
    return second


def database_state(node):
    users = node.server.sql("SELECT User, Host, authentication_string FROM mysql.user WHERE User LIKE '%s%%' ORDER BY 1"
                            % node.database)
    return users, node.sql("SELECT kid, HEX(sealed) FROM token_key"), node.sql("SELECT name FROM account")


@pytest.mark.parametrize("lost", ["", "DELETE FROM token_certificate; DELETE FROM token_key",
                                  "DROP USER IF EXISTS {0}_owner@localhost"])
def test_init_locks_no_other_node_out(fresh, lost):
    # set up by the first node as far as the database shows
    if lost:
        fresh.sql(lost.format(fresh.database))
    before = database_state(fresh)
    second = second_node(fresh)
    line = ('dtr: init: database "%s" was set up with other secrets: copy the folder of secrets of the node that '
            'has them to "%s", then run dtr init again; if they are lost for good, add --force'
            % (fresh.database, second.path("etc", "secrets")))
    # and again: the first refusal has left nothing that looks well
    for _ in range(2):
        assert second.fails(*second.init_words(), "--admin-password-file", "-", input=PASSWORD) == line
        assert second.secrets() == {}
        assert database_state(fresh) == before
    # not the cluster key alone: the passwords of the others are needed, too
    second.write(fresh.secrets()["cluster-key"], "etc", "secrets", "cluster-key")
    if lost == "":
        assert second.fails(*second.init_words(), "--admin-password-file", "-", input=PASSWORD) == line
        assert database_state(fresh) == before
    for name, text in fresh.secrets().items():
        second.write(text, "etc", "secrets", name)
    second.init()
    for role in ("owner", "registry", "garant", "api"):
        assert fresh.logs_in(role) and second.logs_in(role)


def test_init_with_another_cluster_key(fresh):
    before = database_state(fresh)
    right = fresh.secrets()["cluster-key"]
    fresh.write("0123456789abcdef" * 4 + "\n", "etc", "secrets", "cluster-key")
    assert "was set up with other secrets" in fresh.again(code=1).stderr
    assert database_state(fresh) == before
    fresh.write(right, "etc", "secrets", "cluster-key")
    fresh.again()


def test_init_when_the_secrets_are_lost(fresh):
    shutil.rmtree(fresh.path("etc", "secrets"))
    assert "was set up with other secrets" in fresh.again(code=1).stderr
    assert "run: dtr key rotate --force" in fresh.again("--force").stdout
    assert "run dtr key rotate --force" in fresh.check(code=1)["fail", "token key"]
    fresh.dtr("key", "rotate", "--force")
    assert [key for key in fresh.check() if key[0] == "fail"] == []
    fresh.again()


def test_init_makes_no_store_where_one_is_missing(fresh):
    shutil.rmtree(fresh.path("blobs"))
    # what is not live may be lost
    fresh.sql("INSERT INTO object (id, store, object_key, state, created) VALUES "
              "(REPEAT('a', 16), 'main', 'a', 1, NOW()), (REPEAT('b', 16), 'main', 'b', 3, NOW())")
    fresh.again()
    fresh.sql("UPDATE object SET state = 2")
    fresh.again()
    os.rmdir(fresh.path("blobs", "objects"))
    for folder in ("blobs", "."):
        line = fresh.again(code=1).stderr
        assert line.startswith('dtr: init: there is no folder "%s", but the database knows objects in it: is the file '
                               'system mounted?' % fresh.path("blobs", "objects"))
        assert not os.path.exists(fresh.path("blobs", "objects"))
        if folder == "blobs":
            os.rmdir(fresh.path("blobs"))
    assert not os.path.exists(fresh.path("blobs"))


def test_init_once_at_a_time_in_a_folder(fresh):
    folder = fresh.path("etc", "secrets")
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        line = fresh.again(code=1).stderr
        assert line == 'dtr: init: another dtr init has the folder "%s"; wait for its end, then try again\n' % folder
    finally:
        os.close(fd)
    fresh.again()


def test_init_of_one_node_at_a_time(fresh):
    """Two that look at once would both find nothing set up."""
    other = subprocess.Popen(["mariadb", "--no-defaults", "-N", "-S", fresh.server.socket, "-u", super_name(), "-e",
                              "SELECT GET_LOCK('dtr.init.%s', 0); SELECT SLEEP(600)" % fresh.database],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user())
    try:
        wait_for("the lock", lambda: fresh.sql("SELECT IS_FREE_LOCK('dtr.init.%s')" % fresh.database) == [["0"]])
        assert "another dtr init sets up database" in fresh.again(code=1).stderr
    finally:
        fresh.server.sql("KILL %s" % fresh.sql("SELECT IS_USED_LOCK('dtr.init.%s')" % fresh.database)[0][0])
        other.wait()
    wait_for("its end", lambda: fresh.sql("SELECT IS_FREE_LOCK('dtr.init.%s')" % fresh.database) == [["1"]])
    fresh.again()


def test_two_inits_at_once(node):
    def start():
        process = subprocess.Popen(node.words(*node.init_words(), "--admin-password-file", "-"), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   **as_user())
        process.stdin.write(PASSWORD)
        process.stdin.close()
        return process

    running = [start() for _ in range(4)]
    errors = [process.stderr.read() for process in running]
    codes = [process.wait() for process in running]
    # each has done its work, or says why not
    assert 0 in codes
    for code, error in zip(codes, errors):
        assert error == "" if code == 0 else "another dtr init" in error
    assert [key for key in node.check() if key[0] == "fail"] == []
    assert verify(node, node.path("etc", "tls", "ca.crt")).returncode == 0


def test_two_inits_at_once_with_other_words(server):
    """The file is that of the one which did the work."""
    for _ in range(8):
        node = server.node()
        running = {}
        for life in ("301", "302"):
            words = node.init_words(**{"garant.token_life": life}) + ["--admin-password-file", "-"]
            running[life] = subprocess.Popen(node.words(*words), text=True, stdin=subprocess.PIPE,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **as_user())
        # both wait for it
        for process in running.values():
            process.stdin.write(PASSWORD)
        for process in running.values():
            process.stdin.close()
        errors = {life: process.stderr.read() for life, process in running.items()}
        done = [life for life, process in running.items() if process.wait() == 0]
        assert len(done) == 1, errors
        assert node.json("conf", "--key", "garant.token_life") == {"garant.token_life": done[0]}


def test_init_makes_a_new_admin_only_when_there_is_none(fresh):
    out = fresh.again("--admin-user", "other", "--admin-password-file", "-", input=PASSWORD).stdout
    assert "found  1 active administrator" in out
    fresh.sql("UPDATE account SET is_active = 0")
    line = fresh.again("--admin-password-file", "-", input=PASSWORD, code=1).stderr
    assert line == ('dtr: init: account "admin" exists and is no administrator who can log in; run: dtr user set admin '
                    '--admin yes --active yes and dtr user passwd admin, or name another one with --admin-user\n')
    out = fresh.again("--admin-user", "other", "--admin-password-file", "-", input=PASSWORD).stdout
    assert 'made   administrator "other"' in out


def test_init_asks_for_the_password_when_it_needs_one(node):
    done = node.dtr(*node.init_words(), code=1)
    assert "there is no terminal to ask for the password" in done.stderr
    # the way that it names is there
    assert "see --help" in done.stderr and "--password-file" not in done.stderr
    assert "--admin-password-file" in node.dtr("init", "--help").stdout
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
        assert line.startswith('dtr: init: the database refuses the user "boss"; give its password with '
                               '--db-admin-password-file, or run this as the system user of that name')
        assert "1045" in line and "let me" not in line
        node.dtr(*words, right, input=PASSWORD)
    finally:
        node.server.sql("DROP USER boss@localhost")


def test_init_tells_who_may_be_the_superuser(node):
    # known by the socket, as a system user that does not run this
    node.server.sql("CREATE USER boss@localhost IDENTIFIED VIA unix_socket")
    try:
        line = node.fails("init", "--db-admin", "boss", *node.init_words()[3:])
        assert "1698" in line and "run this as the system user of that name" in line
    finally:
        node.server.sql("DROP USER boss@localhost")


def test_init_of_a_relative_file(node):
    done = subprocess.run([node.words()[0], *node.init_words(), "--admin-password-file", "-"], input=PASSWORD,
                          capture_output=True, text=True, cwd=node.dir, env=dict(os.environ, DTR_CONF="dtr.conf"),
                          **as_user())
    assert done.returncode == 0, done.stderr
    assert "dtr check --conf %s\n" % node.path("dtr.conf") in done.stdout
    assert os.path.isfile(node.path("tls", "server.crt"))


def test_init_user_host(node):
    node.init("--db-user-host", "%")
    assert {host for _, host in hosts_of_users(node)} == {"%"}


def hosts_of_users(node):
    return node.server.sql("SELECT User, Host FROM mysql.user WHERE User LIKE '%s\\_%%'"
                           % node.database.replace("_", "\\_"))


def test_init_makes_no_second_users(node):
    node.init("--db-user-host", "%")
    before = hosts_of_users(node)
    assert len(before) == 4
    assert "database user %s_owner@%%" % node.database in node.again().stdout
    assert hosts_of_users(node) == before
    # unless it is told to
    node.again("--db-user-host", "localhost")
    assert len(hosts_of_users(node)) == 8


def test_users_of_one_machine_do_not_do_for_others(fresh):
    before = hosts_of_users(fresh)
    with open(fresh.path("etc", "dtr.conf")) as f:
        text = f.read()
    assert "database.hosts = " in text
    fresh.write(re.sub("(?m)^(database.hosts = .*)$", r"\1,192.0.2.7:3306", text), "etc", "dtr.conf")
    assert "for localhost alone, and database.hosts names other machines: add --db-user-host" in \
        fresh.again(code=1).stderr
    assert hosts_of_users(fresh) == before
    fresh.again("--db-user-host", "%")
    assert {host for _, host in hosts_of_users(fresh)} == {"localhost", "%"}


def test_passwords_are_not_logged(node):
    node.server.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1; TRUNCATE mysql.general_log")
    try:
        node.init()
        logged = str(node.server.sql("SELECT argument FROM mysql.general_log"))
    finally:
        node.server.sql("SET GLOBAL general_log = 0")
    assert "INSERT INTO account" in logged
    for name, text in node.secrets().items():
        assert text.strip() not in logged, name


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
    assert "is missing" in node.fails("init", "--db-admin-password-file", "-", code=2, input="x")
    assert "standard input holds one password" in node.fails(
        "init", "--db-admin", "x", "--db-admin-password-file", "-", "--admin-password-file", "-", code=2, input="x")
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
    assert "version 99 is newer than this program, which knows %d" % last in fresh.check()["warn", "schema"]


@pytest.fixture
def two_ways():
    """A node that reaches its server by the socket and by TCP, with users for each; the last server is away."""
    server, port = Server(), free_port()
    try:
        server.run("start", option="skip-networking=0\nbind-address=127.0.0.1\nport=%d" % port)
        node = server.node()
        node.keys["database.hosts"] += ",127.0.0.1:%d,127.0.0.1:1" % port
        node.init()
        node.again("--db-user-host", "%")
        yield node
    finally:
        server.remove()


def test_rights_are_set_for_the_users_of_each_host(two_ways):
    node = two_ways
    users = ["%s_registry@'%s'" % (node.database, host) for host in ("localhost", "%")]
    for words in (["migrate"], ["migrate", "--db-admin", super_name()], ["init", "--db-admin", super_name()]):
        for user in users:
            node.sql("REVOKE ALL PRIVILEGES ON tag FROM " + user)
        node.dtr(*words)
        for user in users:
            assert "`tag`" in str(node.server.sql("SHOW GRANTS FOR " + user)), (words, user)
    for user in users:
        node.sql("GRANT DELETE ON token_key TO " + user)
    node.dtr("migrate", "--finish")
    for user in users:
        assert "`token_key`" not in str(node.server.sql("SHOW GRANTS FOR " + user)), user
    # a new program's, too
    for host in ("localhost", "%"):
        node.server.sql("DROP USER %s_api@'%s'" % (node.database, host))
    os.unlink(node.path("etc", "secrets", "db-api"))
    node.dtr("migrate", "--db-admin", super_name())
    assert len(hosts_of_users(node)) == 8


def table_rights(node):
    return sorted(node.server.sql("SELECT GRANTEE, TABLE_NAME, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES "
                                  "WHERE TABLE_SCHEMA = '%s'" % node.database))


def test_rights_of_an_earlier_version_go_when_it_is_gone(fresh):
    before = table_rights(fresh)
    user = "%s_api@localhost" % fresh.database
    fresh.sql("GRANT ALL ON account_password TO {0}; GRANT DELETE, TRIGGER ON repository TO {0}; "
              "GRANT SELECT ON tag TO {1}".format(user, "%s_garant@localhost" % fresh.database))
    assert table_rights(fresh) != before
    # programs of that version go on until somebody says that there are none
    given = table_rights(fresh)
    for words in (["migrate"], ["init", "--db-admin", super_name()], ["migrate"]):
        fresh.dtr(*words)
        assert table_rights(fresh) == given
    fresh.dtr("migrate", "--finish")
    assert table_rights(fresh) == before
    assert [key for key in fresh.check() if key[0] == "fail"] == []


def test_programs_go_on_while_rights_are_set(own_stack):
    done = own_stack.dtr("migrate")
    assert done.returncode == 0, done.stderr
    own_stack.sql("GRANT DELETE ON account_password TO dtr_registry@localhost")
    for _ in range(3):
        assert own_stack.dtr("migrate", "--finish").returncode == 0
        assert own_stack.request("GET", "/v2/_catalog", own_stack.bearer("registry:catalog:*")).status == 200
    assert "account_password" not in str(own_stack.sql("SHOW GRANTS FOR dtr_registry@localhost"))


def test_migrate_status_changes_nothing(fresh):
    for words in (["--db-admin", super_name()], ["--finish"]):
        line = fresh.fails("migrate", "--status", *words, code=2)
        assert line == "dtr: migrate: --status changes nothing: leave out --db-admin and --finish"
    line = fresh.fails("migrate", "--db-admin-password-file", "/dev/null", code=2)
    assert line == "dtr: migrate: --db-admin-password-file is the password of --db-admin, which is missing"


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

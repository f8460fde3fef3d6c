"""dtr check: what it finds on a node that is broken in one way or another."""
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

from cli_fixtures import as_user, give, Server, fresh, node, ready, server  # noqa: F401
from stack import BUILD, USER, is_root, wait_for


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
    os.chmod(fresh.path("a.sock"), 0)
    assert 'a.sock" of dtr-api cannot be reached (Permission denied)' in fresh.check(code=1)["fail", "programs"]
    for s in sockets:
        s.close()


def test_check_finds_secrets_open_to_others(fresh):
    path = fresh.path("etc", "secrets", "db-garant")
    os.chmod(path, 0o644)
    assert fresh.check(code=1)["fail", "secrets"] == (
        'file "%s" holds a secret and is open to others; run: chmod 0600 %s' % (path, path))
    os.chmod(path, 0o600)
    for mode in (0o755, 0o720):
        os.chmod(fresh.path("etc", "secrets"), mode)
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


def test_check_finds_an_empty_password(fresh):
    path = fresh.write("\n", "etc", "secrets", "db-garant")
    assert fresh.check(code=1)["fail", "secrets"] == 'file "%s" is empty; remove it and run dtr init' % path


def test_check_finds_a_database_user_with_another_password(fresh):
    fresh.server.sql("ALTER USER %s_garant@localhost IDENTIFIED BY 'x'" % fresh.database)
    found = fresh.check(code=1)
    assert "%s_garant" % fresh.database in found["fail", "database users"]
    assert "dtr init --db-admin USER" in found["fail", "database users"]
    fresh.again()
    assert ("fail", "database users") not in fresh.check()


def test_check_finds_rights_that_are_missing(fresh):
    """As of programs that are newer than what the database was set up by."""
    user = "%s_registry" % fresh.database
    fresh.sql("REVOKE DELETE ON %s.tag_pull FROM '%s'@'localhost'" % (fresh.database, user))
    assert fresh.check(code=1)["fail", "database users"] == (
        'user "%s" lacks rights: DELETE on tag_pull; run: dtr migrate' % user)
    for wider in ("`%s`" % fresh.database.replace("_", "\\_"), "*"):
        fresh.sql("GRANT DELETE ON %s.* TO '%s'@'localhost'" % (wider, user))
        assert ("fail", "database users") not in fresh.check()
        fresh.sql("REVOKE DELETE ON %s.* FROM '%s'@'localhost'" % (wider, user))
    fresh.dtr("migrate")
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


def make_certificate(node, days, name="server", host="registry.example.com"):
    """A certificate, of the server or the authority itself, that ends in so many days."""
    tls = node.path("etc", "tls")
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400 + 60))
    work = node.path("ca")
    os.makedirs(work)
    open(os.path.join(work, "index"), "w").close()
    with open(os.path.join(work, "ca.cnf"), "w") as f:
        f.write("[ca]\ndefault_ca=x\n[x]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\n"
                "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n" % (work, work))
    subprocess.run(["openssl", "req", "-new", "-key", "%s/%s.key" % (tls, name), "-subj", "/CN=" + host,
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
    assert '"%s" has expired, 2 days ago; remove it and run: dtr init' % path in (
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


def test_check_finds_a_certificate_of_another_host(fresh):
    path = fresh.path("etc", "tls", "server.crt")
    make_certificate(fresh, 100, host="other.example.com")
    assert '"%s" is not for "registry.example.com", the host of node.external_url' % path in (
        fresh.check()["warn", "certificate"])
    # what it says to do helps, also for an address
    os.unlink(path)
    fresh.again()
    assert ("warn", "certificate") not in fresh.check()
    text = fresh.read("etc", "dtr.conf")
    for host, fits in (("[::1]", True), ("127.0.0.1", True), ("127.0.0.2", False), ("[fd00::1]", False)):
        fresh.write(text.replace("registry.example.com", host), "etc", "dtr.conf", mode=0o644)
        assert (("warn", "certificate") not in fresh.check()) == fits, host


def test_check_finds_a_key_of_another_certificate(fresh):
    key = fresh.path("etc", "tls", "server.key")
    made = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True).stdout
    fresh.write(made, "etc", "tls", "server.key")
    text = fresh.check(code=1)["fail", "certificate"]
    assert 'private key "%s" does not belong to "%s"' % (key, fresh.path("etc", "tls", "server.crt")) in text
    fresh.write("no key\n", "etc", "tls", "server.key")
    assert '"%s" is not a private key' % key in fresh.check()["warn", "certificate"]
    os.unlink(key)
    assert 'server.crt" lacks its private key "%s"' % key in fresh.check()["warn", "certificate"]
    os.unlink(fresh.path("etc", "tls", "server.crt"))
    fresh.again()
    assert "certificate" not in {name for _, name in fresh.check()}


def test_check_finds_a_database_reached_without_tls(fresh):
    text = fresh.read("etc", "dtr.conf")
    hosts = "database.hosts = unix:" + fresh.server.socket
    assert hosts in text
    fresh.write(text.replace(hosts, hosts + ",db2.invalid:3306"), "etc", "dtr.conf", mode=0o644)
    assert "set database.ca_file" in fresh.check(code=1)["warn", "database"]
    fresh.write(text.replace(hosts, hosts + ",127.0.0.1:1"), "etc", "dtr.conf", mode=0o644)
    assert ("warn", "database") not in fresh.check(code=1)


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


def test_check_blames_no_user_for_a_server_that_does_not_answer(fresh):
    text = fresh.read("etc", "dtr.conf").replace(fresh.server.socket, fresh.path("no.sock"))
    fresh.write(text, "etc", "dtr.conf", mode=0o644)
    text = fresh.check(code=1)["fail", "database users"]
    assert "does not answer" in text and "dtr init" not in text


def test_check_finds_a_store_that_cannot_be_used(fresh):
    shutil.rmtree(fresh.path("blobs"))
    fresh.write("", "blobs")
    assert ("fail", "storage") in fresh.check(code=1)
    os.unlink(fresh.path("blobs"))
    os.mkdir(fresh.path("blobs"))
    give(fresh.path("blobs"))
    # the mount point of a file system that is not there
    assert "is the file system mounted?" in fresh.check(code=1)["fail", "storage"]
    assert "is the file system mounted?" in fresh.dtr("gc", "objects", code=1).stderr
    assert os.listdir(fresh.path("blobs")) == []
    fresh.again()
    assert ("fail", "storage") not in fresh.check()
    text = fresh.read("etc", "dtr.conf").replace("storage.reserve = 0", "storage.reserve = 1000T")
    fresh.write(text, "etc", "dtr.conf", mode=0o644)
    assert "lower storage.reserve" in fresh.check(code=1)["fail", "storage"]
    # while there is time to do something
    space = os.statvfs(fresh.path("blobs"))
    text = text.replace("1000T", str(space.f_bavail * space.f_frsize * 3 // 4))
    fresh.write(text, "etc", "dtr.conf", mode=0o644)
    assert "MiB free, reserve" in fresh.check()["warn", "storage"]


def test_check_by_root_is_about_the_user_of_the_programs(fresh):
    assert is_root(), "to become another user needs root"
    text = fresh.read("etc", "dtr.conf")
    for owner in (USER, "root"):
        shutil.chown(fresh.path("etc", "secrets"), owner)
        assert "set node.user" in fresh.check(by=fresh.root)["warn", "user"]
    give(fresh.path("etc", "secrets"))
    fresh.write(text + "node.user = %s\n" % USER, "etc", "dtr.conf", mode=0o644)
    assert "what follows is what user %s may do" % USER in fresh.root("check").stdout
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


def test_check_of_proxies_that_no_program_starts_with(fresh):
    fresh.write(fresh.read("etc", "dtr.conf") + "node.trusted_proxies = balancer\n", "etc", "dtr.conf", mode=0o644)
    found = fresh.check(code=1)
    assert list(found) == [("fail", "configuration")]
    assert 'node.trusted_proxies: "balancer" is not an address or network' in found["fail", "configuration"]


def test_check_of_an_address_that_clients_cannot_use(fresh):
    text = fresh.read("etc", "dtr.conf")
    for wrong in ("https://registry.example.com:5443/", "https://registry.example.com/dtr", "ftp:x"):
        fresh.write(text.replace("https://registry.example.com:5443", wrong), "etc", "dtr.conf", mode=0o644)
        found = fresh.check(code=1)
        assert list(found) == [("fail", "configuration")]
        assert "must be like https://registry.example.com" in found["fail", "configuration"]
        assert "must be like https://registry.example.com" in fresh.fails("conf")

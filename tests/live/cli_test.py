"""The dtr command against a real database: users, tokens, settings, repositories; errors and exit codes."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from cli_fixtures import as_user, give, PASSWORD, fresh, node, ready, server  # noqa: F401
from stack import BUILD, TOP


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
    (["user", "create", "a", "-admin"], "user create", 'unknown option "-a"'),
    (["-conf", "dtr.conf", "check"], "", 'unknown option "-c"'),
    (["check", "--quiet=geheim"], "check", 'option "--quiet" takes no value'),
    (["token", "create", "admin"], "token create", "--label is missing: say what the token is for"),
    (["token", "create", "admin", "--label", ""], "token create", "a label has 1 to 255 bytes"),
    (["token", "create", "admin", "--label", "a\nb"], "token create", "a label has no control characters"),
    (["token", "create", "admin", "--label", b"caf\xe9"], "token create", "a label is UTF-8"),
    (["user", "create", "a", "--full-name", ""], "user create", "a full name has 1 to 255 bytes"),
    (["user", "create", "a", "--full-name", "x" * 256], "user create", "a full name has 1 to 255 bytes"),
    (["user", "create", "a", "--full-name", "a\nb"], "user create", "a full name has no control characters"),
    (["user", "create", "a", "--full-name", b"caf\xe9"], "user create", "a full name is UTF-8"),
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
     'setting set: setting "createRepositoryOnPush" must be true or false: a push makes the repository when the user '
     'may create it in that namespace'),
    (["setting", "set", "gc.promise", "1"],
     'setting set: setting "gc.promise" must be a number from 2 to 31536000: seconds that '
     'unreferenced content is kept after its last touch'),
    (["user", "passwd", "admin"],
     "user passwd: there is no terminal to ask for the password; give it in a file or by standard input, "
     "see --help for the option"),
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


def test_rights_are_taken_with_their_tokens_or_not_at_all(fresh):
    fresh.dtr("repository", "create", "admin/app", "--visibility", "public")
    fresh.dtr("user", "create", "alice")
    before = fresh.sql("SELECT hash FROM account_password")
    for event in ("INSERT", "UPDATE"):
        fresh.sql("CREATE TRIGGER no_%s BEFORE %s ON setting FOR EACH ROW SIGNAL SQLSTATE '45000'" % (event, event))
    said = "the database refused a statement"
    assert said in fresh.fails("user", "passwd", "admin", "--password-file", "-", input="another password")
    assert before == fresh.sql("SELECT hash FROM account_password")
    assert said in fresh.fails("repository", "set", "admin/app", "--visibility", "private")
    assert fresh.json("repository", "list")["repositories"][0]["visibility"] == "public"
    assert said in fresh.fails("user", "set", "alice", "--active", "no")
    assert fresh.json("user", "list")["users"][1]["active"] is True


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
    assert code == 1 and "the two passwords differ, none was set" in shown
    code, shown = on_terminal(fresh, words, [b"\x03"])
    assert code == 1 and "interrupted, no password was set" in shown
    # whenever it comes: the prompt is there before the program waits
    for _ in range(20):
        code, shown = on_terminal(fresh, words, [b"\x03"])
        assert code == 1 and "interrupted, no password was set" in shown
    assert before == fresh.sql("SELECT hash FROM account_password")


def test_last_administrator_stays(fresh):
    line = ('dtr: user set: "admin" is the last system administrator who can log in; make another one first, '
            'with a password: dtr user create NAME --admin --password-file FILE')
    assert fresh.fails("user", "set", "admin", "--admin", "no") == line
    assert fresh.fails("user", "set", "admin", "--active", "no") == line
    assert fresh.sql("SELECT is_admin, is_active FROM account") == [["1", "1"]]
    # an organisation or one who is not active does not count
    fresh.dtr("user", "create", "team", "--org")
    assert "cannot be an administrator" in fresh.fails("user", "set", "team", "--admin", "yes")
    fresh.dtr("user", "create", "second", "--admin")
    # nor does one who has no password yet
    assert fresh.fails("user", "set", "admin", "--admin", "no") == line
    fresh.dtr("user", "passwd", "second", "--password-file", "-", input=PASSWORD)
    fresh.dtr("user", "set", "second", "--active", "no")
    assert fresh.fails("user", "set", "admin", "--admin", "no") == line
    fresh.dtr("user", "set", "second", "--active", "yes")
    fresh.dtr("user", "set", "admin", "--admin", "no")
    assert fresh.fails("user", "set", "second", "--admin", "no") == line.replace("admin", "second", 1)


def test_two_administrators_cannot_both_go(fresh):
    for i in range(5):
        fresh.sql("UPDATE account SET is_admin = 1, is_active = 1")
        if i == 0:
            fresh.dtr("user", "create", "second", "--admin", "--password-file", "-", input=PASSWORD)
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


def test_key_rotate_makes_no_key_that_other_nodes_cannot_open(fresh):
    before = fresh.json("key", "list")["keys"][0]["kid"]
    right = fresh.secrets()["cluster-key"]
    fresh.write("0123456789abcdef" * 4 + "\n", "etc", "secrets", "cluster-key")
    for words in ([], ["--now"]):
        line = fresh.fails("key", "rotate", *words)
        assert line == ('dtr: key rotate: the cluster-key in "%s" is not the one of this database: copy it from '
                        'another node; if it is lost for good, run: dtr key rotate --force'
                        % fresh.path("etc", "secrets"))
    assert [k["kid"] for k in fresh.json("key", "list")["keys"]] == [before]
    assert "run dtr key rotate --force" in fresh.check(code=1)["fail", "token key"]
    # until then there is no key that signs, so it does not wait
    assert fresh.json("key", "rotate", "--force")["signs_in_s"] == 0
    assert ("fail", "token key") not in fresh.check()
    fresh.dtr("key", "rotate")
    fresh.write(right, "etc", "secrets", "cluster-key")
    fresh.fails("key", "rotate")


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
    other = fresh.json("repository", "create", "admin/other", "--visibility", "public", "--tag-limit", "5")
    assert other == {"name": "admin/other", "visibility": "public", "immutableTags": False, "tagLimit": 5}
    # what is not said stays
    assert fresh.json("repository", "set", "admin/other", "--tag-limit", "7") == dict(other, tagLimit=7)
    assert fresh.json("repository", "set", "admin/other", "--immutable-tags", "yes", "--tag-limit", "0") == dict(
        other, immutableTags=True, tagLimit=0)
    assert fresh.json("repository", "set", "admin/other", "--visibility", "private", "--immutable-tags", "no",
                      "--tag-limit", "7") == {
        "name": "admin/other", "visibility": "private", "immutableTags": False, "tagLimit": 7}
    assert fresh.json("repository", "set", "admin/plain") == plain
    assert fresh.json("repository", "list") == {"repositories": [
        {"name": name, "visibility": "private", "immutableTags": False, "tagLimit": limit, "pushes": 0, "pulls": 0}
        for name, limit in (("admin/other", 7), ("admin/plain", 0))]}


@pytest.mark.parametrize("words, code, text", [
    (["create", "admin/twice"], 1, "exists already"), (["set", "admin/missing"], 1, "no repository"),
    (["create", "nobody/x"], 1, "no user or organisation"), (["create", "alone"], 2, "is not valid"),
    (["set", "admin/twice", "--tag-limit", "many"], 2, "must be a number"),
    (["set", "admin/twice", "--tag-limit", "1", "--immutable-tags", "yes"], 1, "exclude each other"),
    (["create", "admin/both", "--tag-limit", "1", "--immutable-tags", "yes"], 1, "exclude each other"),
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
    # "could not look" is not "no"
    os.chmod(fresh.path("run"), 0)
    assert 'cannot look for "%s"' % fresh.path("run", "drain") in fresh.fails("drain", "status")
    assert fresh.path("run", "drain") in fresh.check(code=1)["fail", "drain"]
    os.rmdir(fresh.path("run"))
    assert fresh.json("drain", "status") == {"draining": False}
    assert fresh.path("run") in fresh.fails("drain", "on")


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
    assert len(verbs) == 24
    for verb in verbs:
        help_text = ready.dtr(*verb.split(), "--help").stdout
        assert help_text.startswith("usage: dtr " + verb)
        assert "--json" in help_text
    assert "--manual" not in ready.dtr("conf", "--help").stdout
    group = ready.dtr("user", "--help").stdout
    assert "user passwd NAME" in group and "key rotate" not in group
    assert re.fullmatch(r"dtr \d+\.\d+\.\d+\n", ready.dtr("--version").stdout)


def test_output_that_cannot_be_written(ready):
    # as text it goes out line by line
    for words in (["routes"], ["token", "create", "admin", "--label", "x"], ["check"], ["--help"], ["--version"]):
        for more in ([], ["--json"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run(ready.words(*words, *more), stdout=full, stderr=subprocess.PIPE, text=True,
                                      **as_user())
            assert done.returncode == 1 and "cannot write to standard output" in done.stderr, words


def test_output_that_is_closed(ready):
    # what is printed must not go to whatever was opened next, as the connection to the database
    for words in (["routes"], ["user", "list"], ["check"], ["--help"]):
        for more in ([], ["--json"]):
            command = ["sh", "-c", 'exec "$@" >&-', "sh", *ready.words(*words, *more)]
            done = subprocess.run(command, capture_output=True, text=True, **as_user())
            assert done.returncode == 1 and "cannot write to standard output" in done.stderr, words

"""doc/howto/install.md word for word, on a machine of its own: the units under systemd, nginx and MariaDB as Debian
has them. DTR_LONG=1 waits for cron, too."""
import json
import os
import re

import pytest

from faults import PLAIN_BUILD
from installed import (EVERYTHING, HOST, INSTALL, PROGRAMS, SOURCE, ask, bearer, installed_machine, log_in, pull,
                       push, push_and_pull)
from machine import commands
from stack import TOP, wait_for

LONG = os.environ.get("DTR_LONG") == "1"


@pytest.fixture(scope="module")
def machine():
    with installed_machine() as running:
        yield running


def pid_of(machine, program):
    return machine.property(program, "MainPID")


def is_active(machine, program):
    return machine.property(program, "ActiveState") == "active"


def test_all_is_well_after_the_last_step(machine):
    said = machine.run(commands(INSTALL, "6. Look at it"), SOURCE)
    assert "\n0 failures, 0 warnings\n" in said and '"Healthy":true' in said
    push_and_pull(machine, "first:1")
    search = 'curl -s --cacert /etc/dtr/tls/ca.crt -u "admin:$(cat password)" https://%s/v1/search?q=first' % HOST
    assert [found["name"] for found in json.loads(machine.run(search))["results"]] == ["admin/first"]
    for program in PROGRAMS:
        assert is_active(machine, program) and machine.property(program, "NRestarts") == "0"


def events(machine, program):
    """What a program told the journal, which is one line of JSON each."""
    lines = machine.run("journalctl -q -o cat -u %s _COMM=%s" % (program, program)).splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_the_journal_has_one_json_line_an_event(machine):
    push_and_pull(machine, "logged:1")
    assert set(events(machine, "dtr-registry")) == {"started", "request"}


def wait_for_cron(machine, count):
    """When each command is due each minute."""
    machine.run("sed -i 's/^[0-9]* /* /' /etc/cron.d/dtr; systemctl start cron")
    try:
        log = "journalctl -q -o cat -u cron"
        wait_for("all have run", lambda: machine.run(log).count("(dtr) CMD (dtr ") >= count, 90)
        assert "discarding output" not in machine.run(log)
    finally:
        machine.run("systemctl stop cron; cp %s/conf/dtr.cron /etc/cron.d/dtr" % SOURCE)


def test_commands_of_cron_are_content(machine):
    with open(os.path.join(TOP, "conf/dtr.cron")) as f:
        lines = re.findall(r"^\d.*\t(\w+)\t(.*)$", f.read(), re.M)
    assert len(lines) == 2
    for user, command in lines:
        # whatever it prints would be mailed
        assert machine.run("runuser -u %s -- sh -c '%s'" % (user, command)) == ""
    if LONG:
        wait_for_cron(machine, len(lines))


def test_a_program_sees_and_writes_nothing_of_others(machine):
    secrets = {"dtr-registry": "db-garant", "dtr-garant": "db-registry", "dtr-api": "cluster-key"}
    for program, secret in secrets.items():
        inside = "nsenter -t %s -m -r " % pid_of(machine, program)
        assert machine.run("cat /etc/dtr/secrets/" + secret) != ""
        assert machine.ask(inside + "test -s /etc/dtr/secrets/" + secret).code == 1
        assert machine.run(inside + "cat /etc/dtr/dtr.conf") != ""
        for path in ("/etc/dtr/x", "/usr/x", "/var/lib/x"):
            assert "Read-only file system" in machine.ask(inside + "touch " + path).out
    blobs = "ls /var/lib/dtr/blobs"
    assert machine.run(blobs) != ""
    assert machine.ask("nsenter -t %s -m -r %s" % (pid_of(machine, "dtr-api"), blobs)).out == ""


def test_reload_and_upgrade_under_systemd(machine):
    machine.run("systemctl reload " + EVERYTHING)
    push_and_pull(machine, "reloaded:1")
    for program in PROGRAMS:
        master = pid_of(machine, program)
        machine.run("systemctl kill -s USR2 --kill-whom=main " + program)
        wait_for(program + " has started anew", lambda p=program: events(machine, p)[-2:] == ["upgrading", "started"])
        assert is_active(machine, program) and pid_of(machine, program) == master
    push_and_pull(machine, "upgraded:1")


def test_a_broken_file_is_refused_at_a_reload(machine):
    machine.run("cp -p /etc/dtr/dtr.conf kept; echo node.nonsense = 1 >> /etc/dtr/dtr.conf")
    try:
        assert machine.ask("systemctl reload dtr-registry").code != 0
        assert "node.nonsense" in machine.run("journalctl -q -o cat -u dtr-registry -n 20")
        push_and_pull(machine, "unchanged:1")
    finally:
        machine.run("cp -p kept /etc/dtr/dtr.conf; systemctl reload dtr-registry")


def test_a_master_that_was_killed_is_back(machine):
    for program in PROGRAMS:
        machine.run("kill -9 " + pid_of(machine, program))
    for program in PROGRAMS:
        wait_for(program + " is back", lambda p=program: machine.property(p, "NRestarts") == "1" and
                 is_active(machine, p))
    push_and_pull(machine, "back:1")


def test_a_stop_of_one_leaves_the_others(machine):
    others = [pid_of(machine, program) for program in PROGRAMS[1:]]
    machine.run("systemctl stop dtr-registry; test -S /run/dtr/garant.sock; systemctl start dtr-registry")
    push_and_pull(machine, "restarted:1")
    assert [pid_of(machine, program) for program in PROGRAMS[1:]] == others


def test_a_new_certificate(machine):
    serial = "openssl x509 -noout -serial -in /etc/dtr/tls/server.crt"
    before = machine.run(serial)
    machine.run(commands(INSTALL, "A new certificate"))
    assert machine.run(serial) != before
    push_and_pull(machine, "certified:1")
    machine.run("dtr check --quiet")


def test_a_new_key_of_tokens(machine):
    push_and_pull(machine, "keys:1")
    old, tags = bearer(machine, "keys"), "/v2/admin/keys/tags/list"
    machine.run("dtr key rotate --now")
    for word in (old, bearer(machine, "keys")):
        assert json.loads(ask(machine, tags, word))["tags"] == ["1"]
    machine.run("dtr revoke-tokens")
    wait_for("old tokens are refused", lambda: "UNAUTHORIZED" in ask(machine, tags, old))
    push_and_pull(machine, "keys:2")


def test_another_host_name(machine):
    """As the page says it, to another one and back."""
    pushed = push(machine, "named:1")
    for old, new in ((HOST, "images.example.com"), ("images.example.com", HOST)):
        word = bearer(machine, "named", host=old)
        machine.run("""
            sed -i 's/{old}/{new}/' /etc/dtr/dtr.conf /etc/nginx/nginx.conf /etc/hosts
            {certificate}
            {reload}""".format(old=old, new=new, certificate=commands(INSTALL, "A new certificate"),
                               reload=commands(INSTALL, "A change of dtr.conf")))
        log_in(machine, new)
        assert "UNAUTHORIZED" in ask(machine, "/v2/admin/named/tags/list", word, host=new)
        assert pull(machine, "named:1", new) == pushed
        machine.run("dtr check --quiet")


def test_what_was_backed_up_is_restored_after_all_is_lost(machine):
    kept = push(machine, "kept:1")
    machine.run("mkdir -p backup")
    machine.run(commands(INSTALL, "Backup").replace("BACKUP", "backup"))
    # with hashes of passwords in it, it is for nobody else
    assert machine.run("stat -c %a dtr.sql") == "600\n"
    push_and_pull(machine, "later:1")
    machine.run("""
        systemctl stop %s
        rm -rf /var/lib/dtr/blobs/* /etc/dtr/*
        mariadb -N -e "SELECT CONCAT('DROP USER ', QUOTE(user), '@', QUOTE(host), ';') FROM mysql.user
            WHERE user LIKE 'dtr%%'" | mariadb""" % EVERYTHING)
    # nothing runs yet
    said = machine.run(commands(INSTALL, "Restore").replace("BACKUP", "backup"))
    assert "\n0 failures, 4 warnings\n" in said and said.count("is not running: nobody serves") == 4
    machine.run("systemctl start %s; dtr check --quiet" % EVERYTHING)
    assert pull(machine, "kept:1") == kept
    later = machine.ask("skopeo inspect docker://%s/admin/later:1" % HOST).out
    assert "name unknown: no repository" in later
    push_and_pull(machine, "later:1")


def test_a_full_disk_is_cleared(machine):
    machine.run(commands(INSTALL, "Disk full"))
    machine.run("dtr setting set upload.expiry 604800; dtr check --quiet")


def test_an_upgrade(machine):
    lines = commands(INSTALL, "Upgrade").splitlines()
    assert "make install" in lines[0]
    machine.run("make -s install", PLAIN_BUILD)
    machine.run("\n".join(lines[1:]))
    push_and_pull(machine, "newer:1")
    machine.run("dtr check --quiet")


def test_blobs_elsewhere(machine):
    machine.run(commands(INSTALL, "3. `dtr init`", "mkdir -p /etc/systemd"))
    machine.run("""
        systemctl stop dtr-registry
        mkdir -p /srv/dtr; cp -a /var/lib/dtr/blobs /srv/dtr/; rm -rf /var/lib/dtr/blobs
        sed -i '/^storage.root/d' /etc/dtr/dtr.conf; echo storage.root = /srv/dtr/blobs >> /etc/dtr/dtr.conf
        sed -i 's|/var/lib/dtr/blobs|/srv/dtr/blobs|' /etc/nginx/nginx.conf
        systemctl daemon-reload; systemctl start dtr-registry; systemctl restart nginx""")
    push_and_pull(machine, "elsewhere:1")
    machine.run("dtr check --quiet")


def test_a_stop_is_clean(machine):
    machine.run("systemctl stop " + EVERYTHING)
    for program in PROGRAMS:
        assert machine.property(program, "Result") == "success"
        assert machine.property(program, "ActiveState") == "inactive"
    assert machine.ask("pgrep dtr-").out == ""
    machine.run("systemctl start " + EVERYTHING)
    push_and_pull(machine, "started:1")

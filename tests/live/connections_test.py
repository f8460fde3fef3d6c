"""Pools of connections that the database server does not grant: told once at a start, which goes on."""
import json
import signal

from stack import PROGRAMS, wait_for


def warnings(stack, program):
    with open(stack.path(program + ".log")) as f:
        return [line["error"] for line in map(json.loads, f) if line["event"] == "limit_too_low"]


def workers_that_asked(stack, user):
    """Each worker of a program without requests has a connection as soon as it ticks."""
    return int(stack.sql("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE user = '%s'" % user)[0][0])


def start_and_stop_garant(stack):
    """A worker that has begun to ask ends only when it knows."""
    stack.start_responder("dtr-garant")
    wait_for("both workers ask", lambda: workers_that_asked(stack, "dtr_garant") == 2)
    assert stack.stop_responder("dtr-garant") == 0


def test_a_limit_of_the_programs_user_is_told_once(own_stack):
    host = own_stack.sql("SELECT host FROM mysql.user WHERE user = 'dtr_garant'")[0][0]
    assert own_stack.stop_responder("dtr-garant") == 0
    # two workers with eight connections each
    for granted, told in ((15, 1), (16, 0), (0, 0)):
        own_stack.sql("ALTER USER dtr_garant@'%s' WITH MAX_USER_CONNECTIONS %d" % (host, granted))
        before = len(warnings(own_stack, "dtr-garant"))
        start_and_stop_garant(own_stack)
        new = warnings(own_stack, "dtr-garant")[before:]
        assert len(new) == told, (granted, new)
        if told:
            assert "up to 16 connections" in new[0] and '"dtr_garant" is 15; raise it' in new[0]
        checks = json.loads(own_stack.dtr("check", "--json").stdout)["checks"]
        failed = [c["text"] for c in checks if c["check"] == "connections" and c["result"] == "fail"]
        assert len(failed) == told and all('as "dtr_garant" up to 16 times' in text for text in failed), failed


def test_a_server_that_grants_too_few_is_told_when_it_comes(own_stack, monkeypatch):
    """The programs of the node have eight workers with eight connections each."""
    for program in PROGRAMS:
        assert own_stack.stop_responder(program) == 0
    own_stack.mariadb("stop")
    for program in PROGRAMS:
        own_stack.start_responder(program)
        assert warnings(own_stack, program) == []
    monkeypatch.setenv("DTR_TEST_CONNECTIONS", "64")
    own_stack.mariadb("start")
    for program in PROGRAMS:
        wait_for("it is told", lambda: warnings(own_stack, program))
        assert "up to 64 connections" in warnings(own_stack, program)[0]
        assert "max_connections is 64; raise it" in warnings(own_stack, program)[0]
        wait_for("it serves", lambda: own_stack.answers("/_health/%s/readyz" % program.split("-")[1]))
    own_stack.responders["dtr-api"].send_signal(signal.SIGHUP)
    wait_for("a reload tells again", lambda: len(warnings(own_stack, "dtr-api")) == 2)

"""What the units of systemd forbid (conf/systemd), the programs do not do: the kernel would kill them for it."""
import os
import re
import signal
import subprocess

from faults import PLAIN_BUILD
from pusher import Pusher, image
from stack import wait_for

# of @privileged and @resources in systemd.exec(5), what a program of ours could come to call; "?": if there is such
FORBIDDEN = """chown lchown fchown fchownat chroot pivot_root capset setuid setgid setreuid setregid setresuid setresgid
    setfsuid setfsgid setgroups setrlimit sched_setscheduler sched_setparam sched_setattr sched_setaffinity setpriority
    ioprio_set mbind set_mempolicy move_pages migrate_pages acct bpf quotactl keyctl add_key request_key""".split()
PROGRAMS = {"dtr-garant": "garant.sock", "dtr-registry": "upload.sock", "dtr-api": "api.sock"}


def test_the_programs_call_nothing_that_their_units_forbid(own_stack):
    def pid(program):
        with open(own_stack.path("run", program + ".pid")) as f:
            return int(f.read())

    os.makedirs(own_stack.path("traces"))
    own_stack.own()
    for program in PROGRAMS:
        with open("%s/conf/systemd/%s.service" % (PLAIN_BUILD, program)) as f:
            assert "SystemCallFilter=~@privileged @resources" in f.read().splitlines()
        own_stack.stop_responder(program)
        # sanitizers do not work where a process is traced
        own_stack.responders[program] = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", own_stack.path("traces", program), "-e", "signal=none",
             "-e", "trace=" + ",".join("?" + name for name in FORBIDDEN),
             os.path.join(PLAIN_BUILD, program), "-c", own_stack.conf], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **own_stack.as_user())
    for program, socket in PROGRAMS.items():
        wait_for(program + " listens", lambda s=socket: own_stack.listens(s))
    wait_for("all serve", lambda: own_stack.request("GET", "/_ping").status == 200)
    for number in (None, signal.SIGHUP, signal.SIGUSR2):
        for program in PROGRAMS if number else ():
            os.kill(pid(program), number)
        pusher = Pusher(own_stack, "admin/traced")
        layer = os.urandom(2000000)
        for data in (b"{}", layer):
            pusher.blob(data)
        document = image(b"{}", [layer])
        assert pusher.put("latest", document).status == 201
        pusher.check_image("latest", document)
        assert own_stack.request("GET", "/_ping").status == 200
    for program in PROGRAMS:
        os.kill(pid(program), signal.SIGTERM)
        assert own_stack.responders.pop(program).wait(60) == 0, program
        with open(own_stack.path("traces", program)) as f:
            calls = [line for line in f if re.search(r"\d+ +\w+\(", line)]
        assert calls == []

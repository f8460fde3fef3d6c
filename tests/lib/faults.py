"""A registry whose calls can be made to fail: tests/fault/fault.c, preloaded.

    stack = FaultyStack().start()
    with stack.fault("commit", 2, KILL_ALL) as fault:
        ...                     # the second COMMIT of a request kills it all
    assert fault.fired
    stack.recover()

AddressSanitizer wants to be loaded first, so the programs come from
$DTR_PLAIN_BUILD, a build without sanitizers (default: build-plain).
"""
import contextlib
import functools
import mmap
import os
import pwd
import signal
import struct
import subprocess
import threading
import time

import stack as stack_module
from stack import TOP, wait_for

PLAIN_BUILD = os.environ.get("DTR_PLAIN_BUILD", os.path.join(TOP, "build-plain"))

# in the order of fault.c
KINDS = ("hash", "pwrite", "pread", "fdatasync", "fsync", "openat", "ftruncate",
         "execute", "commit", "committed", "answer")
SOCKETS = {"dtr-registry": ("registry.sock", "upload.sock"), "dtr-garant": ("garant.sock",), "dtr-api": ("api.sock",)}
NOTHING, KILL, KILL_ALL, CUT, STALL = range(5)
POINT = struct.Struct("5I")  # calls, at, times, action, fired


def fail(number):
    """The action: the call fails with this errno."""
    return 1000 + number


class Fault:
    """One armed point of the shared file."""

    def __init__(self, control, kind):
        self.control = control
        self.offset = POINT.size * KINDS.index(kind)

    def arm(self, at, times, action):
        # at last: it is what the programs look at first
        POINT.pack_into(self.control, self.offset, 0, 0, times, action, 0)
        struct.pack_into("I", self.control, self.offset + 4, at)

    def disarm(self):
        struct.pack_into("4I", self.control, self.offset + 4, 0, 0, 0, self.fired)

    @property
    def calls(self):
        return struct.unpack_from("I", self.control, self.offset)[0]

    @property
    def fired(self):
        return struct.unpack_from("I", self.control, self.offset + 16)[0]

    def wait(self, times=1):
        """Until it happened so often."""
        wait_for("the fault happens", lambda: self.fired >= times)


def wait_soon(what, check, seconds=30):
    """wait_for() for what is a matter of milliseconds and done often."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "timed out: " + what
        time.sleep(0.004)


class FaultyStack(stack_module.Stack):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        subprocess.run(["make", "-s", "-C", PLAIN_BUILD, "tests/fault/fault.so"], check=True)
        with open(self.path("faults"), "wb") as f:
            f.write(bytes(mmap.PAGESIZE))
        self.file = open(self.path("faults"), "r+b")
        self.control = mmap.mmap(self.file.fileno(), mmap.PAGESIZE)
        self.environment["LD_PRELOAD"] = os.path.join(PLAIN_BUILD, "tests/fault/fault.so")
        self.environment["DTR_FAULT_CONTROL"] = self.path("faults")
        self.build = PLAIN_BUILD
        self.is_up = False
        self.asker = None
        self.asking = threading.Lock()

    @contextlib.contextmanager
    def fault(self, kind, at, action, times=1):
        fault = Fault(self.control, kind)
        fault.arm(at, times, action)
        try:
            yield fault
        finally:
            fault.disarm()

    @contextlib.contextmanager
    def running(self):
        """Started, and whatever happens stopped."""
        try:
            yield self.start()
        finally:
            self.stop()

    def start(self):
        super().start()
        self.is_up = True
        return self

    def stop(self):
        if self.asker is not None:
            self.asker.kill()
            self.asker.wait()
        if self.is_up:
            super().stop()
        else:  # it did not come to that
            for program in list(self.responders):
                self.crash(program)
            self.mariadb("stop")
        self.control.close()
        self.file.close()

    @functools.lru_cache(maxsize=1)
    def tls(self):
        return super().tls()

    def sql(self, text):
        """As Stack's; by one client for all questions, since the tests ask many."""
        with self.asking:
            if self.asker is None or self.asker.poll() is not None:
                self.asker = subprocess.Popen(
                    ["mariadb", "--no-defaults", "-N", "-B", "-n", "-S", self.path("db/mysql.sock"),
                     "-u", stack_module.USER if stack_module.is_root() else pwd.getpwuid(os.geteuid()).pw_name, "dtr"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    text=True, **self.as_user())
            self.asker.stdin.write(text + ";\nSELECT 'that is all';\n")
            self.asker.stdin.flush()
            lines = []
            for line in self.asker.stdout:
                if line == "that is all\n":
                    return [line.rstrip("\n").split("\t") for line in lines]
                lines.append(line)
            # an error ends it
            self.asker.wait()
            raise AssertionError("".join(lines))

    # --- processes

    def workers(self, program):
        """The worker processes of a running master, by its process id."""
        master = self.responders[program].pid
        with open("/proc/%d/task/%d/children" % (master, master)) as f:
            return [int(pid) for pid in f.read().split()]

    def crash(self, program="dtr-registry"):
        """Kills a program with all its workers at once, as a power cut would."""
        master = self.responders.pop(program)
        # it must start no new worker while its workers are looked for
        with contextlib.suppress(ProcessLookupError):
            master.send_signal(signal.SIGSTOP)
        found = self.descendants(program)
        master.kill()
        master.wait(30)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # a process that is ending has no name any more, but its sockets
        wait_soon("the workers are gone", lambda: not self.descendants(program) and
                 not any(self.listens(name) for name in SOCKETS[program]))

    def descendants(self, program):
        """All processes that run this program with this stack's configuration."""
        wanted = [os.path.join(self.build, program).encode(), b"-c", self.conf.encode()]
        found = []
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    words = f.read().split(b"\0")[:3]
                with open("/proc/%s/stat" % name) as f:
                    state = f.read().rpartition(")")[2].split()[0]
            except (OSError, IndexError):
                continue
            if words == wanted and state != "Z":
                found.append(int(name))
        return found

    def replace_master(self, program):
        """Kills a master alone and starts another one while the old workers drain."""
        master = self.responders.pop(program)
        master.kill()
        master.wait(30)

        def comes_up():
            self.start_responder(program, ready=False)
            process = self.responders[program]
            wait_for("it serves or gives up", lambda: process.poll() is not None or
                     self.workers(program) and all(self.listens(name) for name in SOCKETS[program]))
            # as any supervisor would, when the old workers were not quick enough
            return process.poll() is None
        wait_for("a new master", comes_up)

    def recover(self, program="dtr-registry"):
        """After a KILL_ALL: no process is left over, and a new one serves."""
        self.crash(program)
        self.start_responder(program, ready=False)
        wait_soon("it serves", lambda: all(self.listens(name) for name in SOCKETS[program]))
        self.wait_webserver()

    def wait_webserver(self):
        """Until it passes requests on again, after a program died."""
        if self.webserver.turns_away:
            wait_for("the web server goes on", lambda: self.answers("/v2/", 401) and
                     self.request("POST", "/v2/a/b/blobs/uploads/").status == 401)

    def expire_leases(self):
        """As if the time of every upload's writer had run out."""
        self.sql("UPDATE upload SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND "
                 "WHERE lease_until > UTC_TIMESTAMP(6)")

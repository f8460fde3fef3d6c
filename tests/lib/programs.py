"""What the programs say of themselves, and how they are given another configuration while they run: dtr-registry,
unless another one is named."""
import contextlib
import json
import re
import signal

import fastcgi
from stack import wait_for


def events(stack, name, program="dtr-registry"):
    with open(stack.path(program + ".log"), errors="replace") as f:
        lines = [json.loads(line) for line in f.read().split("\n")[:-1]]
    return [line for line in lines if line["event"] == name]


def logged(stack, **fields):
    """The requests' log lines that have these fields."""
    return [line for line in events(stack, "request") if all(line.get(k) == v for k, v in fields.items())]


def wait_logged(stack, **fields):
    wait_for("log line of %s" % fields, lambda: logged(stack, **fields))
    return logged(stack, **fields)[0]


def wait_pushes(stack, count):
    """Until so many bodies are being read."""
    def pushes():
        text = fastcgi.ask(stack.path("run/registry.sock"), "GET", "/metrics")[2].decode()
        found = re.findall(r'^registry_http_in_flight_requests\{handler="upload_append"\} (\d+)$', text, re.M)
        return sum(int(n) for n in found)
    wait_for("%d bodies come" % count, lambda: pushes() == count)


def workers(stack, program="dtr-registry"):
    pid = stack.responders[program].pid
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return set(f.read().split())


def reload(stack, program="dtr-registry"):
    before = len(events(stack, "reloaded", program))
    stack.responders[program].send_signal(signal.SIGHUP)
    wait_for(program + " has reloaded", lambda: len(events(stack, "reloaded", program)) > before)


def replace_workers(stack, program="dtr-registry"):
    """Until all of them know a new configuration."""
    before = workers(stack, program)
    reload(stack, program)
    wait_for("old workers are gone", lambda: not before & workers(stack, program))


@contextlib.contextmanager
def configured(stack, key, value, program="dtr-registry"):
    """With another value in dtr.conf."""
    with open(stack.conf) as f:
        old = f.read()
    try:
        lines = [line for line in old.split("\n") if not line.startswith(key + " ")]
        with open(stack.conf, "w") as f:
            f.write("\n".join(lines + ["%s = %s\n" % (key, value)]))
        replace_workers(stack, program)
        yield
    finally:
        with open(stack.conf, "w") as f:
            f.write(old)
        replace_workers(stack, program)

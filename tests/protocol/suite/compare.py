"""The same cases against two registries, side by side."""
import argparse
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .registry import Registry
from .runner import add_options, chosen, registry_of, run_all

CONFIGURATION = """version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http: {addr: "127.0.0.1:%d"}
"""


class DockerRegistry:
    """Debian's docker-registry in a folder of its own, while the `with` lasts."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="docker-registry-")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        path = os.path.join(self.dir, "config.yml")
        with open(path, "w") as f:
            f.write(CONFIGURATION % (os.path.join(self.dir, "data"), port))
        with open(os.path.join(self.dir, "log"), "w") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = "http://127.0.0.1:%d" % port
        self.wait(port)
        return self

    def wait(self, port):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise OSError("docker-registry does not start")

    def __exit__(self, *_error):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)


def results(registry, cases):
    """Name of each case that fits: True passed, False failed."""
    return {r.case.name: r.reason is None for r in run_all(registry, [c for c in cases if c.fits(registry)])}


def word(found, name):
    return {True: "ok", False: "FAILED", None: "-"}[found.get(name)]


def count(found):
    passed = sum(found.values())
    return "%d passed, %d failed" % (passed, len(found) - passed)


def table(cases, here, there, everything):
    for case in cases:
        a, b = word(here, case.name), word(there, case.name)
        if (everything and (a, b) != ("-", "-")) or a != b:
            yield "%-7s %-7s %-6s %s" % (a, b, case.kind, case.name)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="compare", description="Runs the suite against URL and another registry, says where they differ.")
    parser.add_argument("url", metavar="URL")
    add_options(parser)
    parser.add_argument("--other", metavar="URL", help="without credentials (default: a docker-registry started here)")
    parser.add_argument("--all", action="store_true", help="say all cases, not those alone that differ")
    options = parser.parse_args(arguments)
    cases = chosen(options.only)
    here = results(registry_of(options.url, options), cases)
    if options.other is not None:
        there = results(Registry(options.other), cases)
    else:
        with DockerRegistry() as other:
            there = results(Registry(other.url), cases)
    print("%-7s %-7s" % ("URL", "other"))
    for line in table(cases, here, there, options.all):
        print(line)
    print("URL:   %s\nother: %s" % (count(here), count(there)))
    return 0

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import stack as stack_module


if os.environ.get("DTR_WEBSERVER"):
    # those with web servers of their own, or with none
    collect_ignore = ["%s_test.py" % name for name in (
        "case", "cli", "cli_check", "cli_init", "core", "core_process", "db", "db_cluster", "howto", "install",
        "packages", "quickstart", "replica", "webserver")]


@pytest.fixture(scope="session")
def stack():
    running = stack_module.Stack().start()
    done = running.dtr("user", "create", "alice", "--password-file", running.path("password"))
    assert done.returncode == 0, done.stderr
    yield running
    running.stop()


@pytest.fixture
def own_stack():
    """A stack that a test may break."""
    running = stack_module.Stack().start()
    yield running
    running.stop()

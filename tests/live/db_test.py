"""Runs the programs of tests/db, which try common/db and common/model on a private MariaDB."""
import glob
import os
import pwd
import subprocess

import pytest

from stack import BUILD, TOP, USER, Stack, is_root

PROGRAMS = sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(TOP, "tests/db/*_test.c")))


class Database(Stack):
    """A database that dtr init has set up, without programs around it."""

    def start(self):
        os.makedirs(self.storage)
        os.makedirs(self.path("run"))
        self.mariadb("start")
        with open(self.path("password"), "w") as f:
            f.write("correct horse battery\n")
        os.chmod(self.path("password"), 0o600)
        self.own()
        self.init()
        return self

    def variables(self):
        return dict(os.environ, DTR_TEST_CONF=self.conf, DTR_TEST_DIR=self.path("db"),
                    DTR_TEST_SERVER=os.path.join(TOP, "tests/lib/mariadb.sh"),
                    DTR_TEST_SUPER=USER if is_root() else pwd.getpwuid(os.geteuid()).pw_name)

    def stop(self):
        self.mariadb("stop")
        self.remove()

    def remove(self):
        import shutil
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def database():
    running = Database().start()
    yield running
    running.stop()


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(database, program):
    done = subprocess.run([os.path.join(BUILD, "tests/db", program)], capture_output=True, text=True,
                          env=database.variables(), timeout=300, **database.as_user())
    assert done.returncode == 0, done.stdout + done.stderr
    # nothing was left out: the plan is met
    assert "\n1..0\n" not in done.stdout and "not ok" not in done.stdout

"""build-aux/install-packages by root, with sudo and without: what it runs, among commands that are not real."""
import os
import shutil
import subprocess

import pytest

from stack import TOP

SCRIPT = os.path.join(TOP, "build-aux", "install-packages")
POLICY = "/usr/sbin/policy-rc.d"
UNITS = "/etc/systemd/system"
REAL = ("bash", "cat", "comm", "env", "find", "grep", "mktemp", "sort", "tail")
OWN = "#!/bin/sh\nexit 104\n"

# says who runs it and with what, then does it
TOLD = """#!/bin/bash
case "$*" in *policy-rc.d*) echo "$VIA${0##*/} ${*/"$FOLDER"/}" >> "$FOLDER/calls" ;; esac
exec /usr/bin/%s "$@"
"""
FAKES = {
    "id": '#!/bin/bash\n[ "$*" = -u ] && echo "$USER_ID"\n',
    "sudo": '#!/bin/bash\nVIA="sudo " exec "$@"\n',
    # libfcgi-dev was removed: its configuration is left
    "dpkg-query": """#!/bin/bash
case ${*: -1} in
installed) echo "install ok installed" ;;
libfcgi-dev) echo "deinstall ok config-files" ;;
*) echo "no packages found" >&2; exit 1 ;;
esac
""",
    "apt-get": """#!/bin/bash
echo "$VIA""apt-get $*" >> "$FOLDER/calls"
[ "$DEBIAN_FRONTEND" = noninteractive ] || echo "asks questions" >> "$FOLDER/calls"
[ -x "$FOLDER/policy-rc.d" ] || echo "starts services" >> "$FOLDER/calls"
"$FOLDER/policy-rc.d"; echo $? > "$FOLDER/policy-says"
echo "words of apt-get $1"
[ "$1" != install ] || /bin/ln -sf "$FOLDER/unit" "$FOLDER/units/multi-user.target.wants/nginx.service"
[ "$1" != install ] || /bin/ln -sf "$FOLDER/unit" "$FOLDER/units/timers.target.wants/man-db.timer"
[ "$1" != "$FAILS" ]
""",
    "systemctl": """#!/bin/bash
echo "$VIA""systemctl $*" >> "$FOLDER/calls"
""",
}


class Machine:
    """Its commands, a list of packages, and where the script believes that the policy is."""

    def __init__(self, folder):
        self.folder, self.policy = str(folder), os.path.join(folder, "policy-rc.d")
        self.kept = set()  # what may stay behind
        os.mkdir(self.path("bin"))
        for name in REAL:
            os.symlink(shutil.which(name), self.path("bin", name))
        for name in ("chmod", "rm", "tee"):
            self.write(TOLD % name, "bin", name)
        for name, text in FAKES.items():
            self.write(text, "bin", name)
        with open(SCRIPT) as f:
            text = f.read()
        assert text.count(POLICY) == 1 and text.count(UNITS) == 1
        self.write(text.replace(POLICY, self.policy).replace(UNITS, self.path("units")), "script")
        for name in ("multi-user", "timers"):
            os.makedirs(self.path("units", name + ".target.wants"))
        os.symlink(self.path("unit"), self.path("units", "multi-user.target.wants", "ssh.service"))
        self.write("# a comment\ninstalled\n\nlibfcgi-dev\n", "packages")
        self.write("gcc\n", "packages-test")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, text, *names):
        with open(self.path(*names), "w") as f:
            f.write(text)
        os.chmod(self.path(*names), 0o755)

    def run(self, user=0, fails="", lists=("packages", "packages-test")):
        """The exit code and what was said; what was run is in calls."""
        environment = {"PATH": self.path("bin"), "FOLDER": self.folder, "USER_ID": str(user), "FAILS": fails, "VIA": "",
                       "TMPDIR": self.folder}
        done = subprocess.run([self.path("script"), *map(self.path, lists)], capture_output=True, text=True,
                              env=environment)
        return done.returncode, done.stdout, done.stderr

    def calls(self):
        if not os.path.exists(self.path("calls")):
            return []
        with open(self.path("calls")) as f:
            return f.read().splitlines()

    def policy_said(self):
        with open(self.path("policy-says")) as f:
            return int(f.read())


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    before = set(os.listdir(tmp_path))
    yield made
    # neither its log nor a policy of its own
    assert set(os.listdir(tmp_path)) - before <= {"calls", "policy-says"} | made.kept


UPDATE = "apt-get update"
INSTALL = "apt-get install -y --no-install-recommends libfcgi-dev gcc"
DISABLE = ["systemctl --quiet disable nginx.service"]
DISABLED = "left to you to enable: nginx.service\n"
PUT_UP = ["tee /policy-rc.d", "chmod 755 /policy-rc.d"]
TAKE_DOWN = ["rm -f /policy-rc.d"]
BOTH = pytest.mark.parametrize("user, via", [(0, ""), (1000, "sudo ")], ids=["root", "sudo"])


def by(via, calls):
    return [via + call for call in calls]


@BOTH
def test_what_is_missing_is_installed_and_starts_nothing(machine, user, via):
    assert machine.run(user) == (0, "installing: libfcgi-dev gcc\n" + DISABLED, "")
    assert machine.calls() == by(via, PUT_UP + [UPDATE, INSTALL] + DISABLE + TAKE_DOWN)
    assert machine.policy_said() == 101  # "forbidden", as invoke-rc.d understands it


@BOTH
def test_a_policy_of_the_machine_is_kept(machine, user, via):
    machine.write(OWN, "policy-rc.d")
    machine.kept = {"policy-rc.d"}
    for fails, code in (("", 0), ("install", 1)):
        assert machine.run(user, fails)[0] == code
        assert machine.policy_said() == 104
        with open(machine.policy) as f:
            assert f.read() == OWN
    # the second time it was enabled before
    assert machine.calls() == by(via, [UPDATE, INSTALL] + DISABLE + [UPDATE, INSTALL])


@BOTH
@pytest.mark.parametrize("fails, calls", [("update", [UPDATE]), ("install", [UPDATE, INSTALL])])
def test_a_failure_is_told_and_leaves_no_policy(machine, user, via, fails, calls):
    code, said, error = machine.run(user, fails)
    disabled = fails == "install"
    assert code == 1 and said == "installing: libfcgi-dev gcc\n" + DISABLED * disabled
    assert error == "".join("words of %s\n" % " ".join(call.split()[:2]) for call in calls) + (
        "installing packages failed; see the lines before\n")
    assert machine.calls() == by(via, PUT_UP + calls + DISABLE * disabled + TAKE_DOWN)


def test_without_sudo_the_packages_are_named(machine):
    os.unlink(machine.path("bin", "sudo"))
    assert machine.run(1000) == (
        1, "", "packages are missing and there is no sudo; run as root: apt-get install libfcgi-dev gcc\n")
    assert machine.calls() == []


def test_without_apt_get_the_packages_are_named(machine):
    os.unlink(machine.path("bin", "apt-get"))
    assert machine.run() == (
        1, "", "this system has no apt-get; install what these packages hold: libfcgi-dev gcc\n")
    assert machine.calls() == []


@pytest.mark.parametrize("user", [0, 1000])
def test_nothing_is_run_when_all_is_there(machine, user):
    machine.write("# a comment\n\ninstalled\n", "packages")
    os.unlink(machine.path("bin", "sudo"))
    assert machine.run(user, lists=["packages"]) == (0, "", "")
    assert machine.calls() == []

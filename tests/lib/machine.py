"""A machine of its own: this one's files as they are, with systemd as its first process.

What is written there is in memory and ends with it, as do its processes; its network
is a loopback interface, until it joins one of several machines. Needs root.
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile

import clients
from stack import wait_for

# PID 1 until systemd takes its place: $1 is a folder for all of it, the others are seen as they are, but that
# $2, if there is one, may be written to
BOOT = r"""
dir=$1 shared=$2; shift 2
mount -t tmpfs none "$dir"
mkdir "$dir/cgroup" "$dir/new" "$dir/work" "$dir/root"
mount -t cgroup2 none "$dir/cgroup"
mkdir "$dir/cgroup/${dir##*/}"
echo 0 > "$dir/cgroup/${dir##*/}/cgroup.procs"
mount -t overlay none -o "lowerdir=/,upperdir=$dir/new,workdir=$dir/work" "$dir/root"
cd "$dir/root"
for folder; do
	mkdir -p "./$folder"
	mount --bind -o ro "$folder" "./$folder"
done
[ -z "$shared" ] || { mkdir -p "./$shared"; mount --bind "$shared" "./$shared"; }
mount -t proc none proc
mount -t sysfs none sys
mount -t tmpfs none run
mount -t tmpfs none dev
for name in null zero full random urandom tty; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
mkdir -p dev/shm dev/pts run/systemd/system
mount -t devpts -o newinstance,ptmxmode=666 none dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
# /tmp would be emptied, and what is seen there is this machine's
ln -sf /dev/null etc/tmpfiles.d/tmp.conf
printf '[Unit]\nRequires=systemd-journald.service\n' > run/systemd/system/test.target
exec unshare --cgroup sh -ec '
	mount -t cgroup2 none sys/fs/cgroup
	exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --unit=test.target'
"""
# what the machine left in the kernel's tree of processes
SWEEP = 'mount -t cgroup2 none "$1"; find "$1/${1##*/}" -depth -type d -exec rmdir {} +'


class Machine:
    """start() it, run() what is to run there, stop() it. It sees these folders of this machine as they are, and
    writes to the shared one, as others may do that have it."""

    def __init__(self, *folders, shared=""):
        clients.need_root()
        self.folders = folders
        self.shared = shared
        self.dir = tempfile.mkdtemp(prefix="dtr-machine-")
        self.init = ""

    def start(self):
        with open("/dev/null", "r+") as null:
            self.holder = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--propagation",
                 "private", "sh", "-ec", BOOT, "sh", self.dir, self.shared, *self.folders],
                stdin=null, stdout=null, stderr=subprocess.PIPE, text=True)
        wait_for("systemd is up", self.is_up)
        return self

    def is_up(self):
        assert self.holder.poll() is None, "no machine: " + self.holder.stderr.read()
        with open("/proc/%d/task/%d/children" % (self.holder.pid, self.holder.pid)) as f:
            self.init = f.read().strip()
        if self.init == "":
            return False
        with open("/proc/%s/comm" % self.init) as f:
            return f.read() == "systemd\n" and self.ask("systemctl is-system-running").out == "running\n"

    def ask(self, text, folder="/root"):
        """How these lines of a shell ended."""
        words = ["nsenter", "--target", self.init, "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root",
                 "--wd", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "HOME=/root", "sh", "-ec", "cd %s\n%s" % (folder, text)]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=300)
        return clients.Done([text], done.returncode, done.stdout)

    def run(self, text, folder="/root"):
        """What they said, when each must succeed."""
        done = self.ask(text, folder)
        assert done.code == 0, done
        return done.out

    def property(self, unit, name):
        return self.run("systemctl show --value -p %s %s" % (name, unit)).strip()

    def stop(self):
        if self.init != "":
            # all others end before it has ended
            os.kill(int(self.init), signal.SIGKILL)
        self.holder.wait(60)
        subprocess.run(["unshare", "--mount", "sh", "-ec", SWEEP, "sh", self.dir], check=True)
        shutil.rmtree(self.dir)


class Network:
    """Machines that join it reach each other, and nobody else. start() it, stop() it."""

    def start(self):
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-ec", "ip link add switch type bridge; ip link set switch up; echo ready; cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        line = self.holder.stdout.readline()
        assert line == "ready\n", "cannot make a network for machines: " + line
        return self

    def join(self, machine, address):
        """With an IPv4 address of a network of 256."""
        plug = "ip link add port%s type veth peer name eth0 netns %s; ip link set port%s master switch up"
        subprocess.run(["nsenter", "--net", "--target", str(self.holder.pid),
                        "sh", "-ec", plug % (machine.init, machine.init, machine.init)], check=True)
        machine.run("ip address add %s/24 dev eth0; ip link set eth0 up" % address)

    def stop(self):
        self.holder.stdin.close()
        self.holder.wait(60)


def commands(page, heading, start=""):
    """The first indented lines below a heading of a page that begin so: what is to run, or a file."""
    with open(page) as f:
        text = re.split(r"^#+ %s.*\n" % re.escape(heading), f.read(), flags=re.M)[1]
    return re.search(r"^( {4,})%s.*\n(?:\1.*\n|^\n(?=\1))*" % re.escape(start), text, re.M).group(0)

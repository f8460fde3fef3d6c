"""A cluster for tests: three Galera nodes and two replicas of the registry.

    cluster = Cluster().start()
    a, b = cluster.replicas     # two Stacks: A prefers node 1, B node 2
    with cluster.killed(1):     # a power cut of node 1
        ...
    cluster.check()             # the invariants, as every node shows them

The replicas have their own programs, web server and dtr.conf, and share the
secrets, the certificate and the folder of blobs. To clients they are one
registry: both have the name of A, as behind a load balancer.
"""
import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile

import invariants
import stack as stack_module
from stack import TOP, Stack, is_root, wait_for

NODES = (1, 2, 3)


def super_name():
    """The database's superuser."""
    return stack_module.USER if is_root() else pwd.getpwuid(os.geteuid()).pw_name


class Node:
    """A node of the database, as far as questions go."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.storage = cluster.storage

    @property
    def socket(self):
        return self.cluster.path("db", "n%d" % self.number, "mysql.sock")

    def address(self):
        with open(self.cluster.path("db", "network")) as f:
            return "%s.%d" % (f.read().strip(), self.number)

    def words(self, database):
        """The client as the superuser, by the socket."""
        return ["mariadb", "--no-defaults", "-N", "-B", "-n", "-S", self.socket, "-u", super_name(),
                "--init-command=SET SESSION wsrep_sync_wait = 1", *([database] if database else [])]

    def client(self, database="dtr"):
        """One that stays: a process with pipes for statements and rows."""
        return subprocess.Popen(self.words(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                **self.cluster.as_user())

    def sql(self, text, database="dtr"):
        """As Stack's; what was committed on any node before is seen."""
        done = subprocess.run([*self.words(database), "-e", text], capture_output=True, text=True,
                              **self.cluster.as_user())
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def status(self, *names):
        """Variables of Galera by their names without "wsrep_"."""
        rows = self.sql("SHOW GLOBAL STATUS LIKE 'wsrep\\_%'", database=None)
        found = {name[len("wsrep_"):]: value for name, value, *_ in (row + [""] for row in rows)}
        return [found[name] for name in names]

    def has_quorum(self):
        return self.status("ready", "cluster_status") == ["ON", "Primary"]

    def clients(self):
        """Connections of the registry's programs that came by the socket: those of this node's replica. SHOW is
        answered by a node that has lost the others, too."""
        rows = self.sql("SHOW PROCESSLIST", database=None)
        return sum(row[1].startswith("dtr_") and row[2] == "localhost" for row in rows)


class Replica(Stack):
    def __init__(self, cluster, number, **more):
        super().__init__(storage=cluster.storage, **more)
        self.cluster, self.node = cluster, cluster.node(number)
        self.settings.append(("database.hosts", cluster.hosts(number)))

    def mariadb(self, verb):
        """The nodes are the cluster's."""

    def init(self):
        first = self.cluster.replicas[0]
        if self is not first:
            # what an administrator copies to a new node
            self.host = first.host
            for folder in ("secrets", "tls"):
                shutil.copytree(first.path(folder), self.path(folder))
            self.own()
        super().init()

    def dtr(self, *args, **more):
        # the nodes have addresses of loopback, but not the one address that is localhost
        more_args = ("--db-user-host", "%") if args[0] == "init" else ()
        return super().dtr(*args, *more_args, **more)

    def sql(self, text):
        return self.node.sql(text)

    def readyz(self, program="registry"):
        """The status of /readyz."""
        return self.ask_node("GET", "/_health/%s/readyz" % program).status


class Cluster:
    """start() it, use it, stop() it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="dtr-cluster-")
        os.chmod(self.dir, 0o755)
        self.storage = self.path("blobs")
        self.nodes = [Node(self, number) for number in NODES]
        self.replicas = []

    def as_user(self):
        return Stack.as_user(self)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def node(self, number):
        return self.nodes[number - 1]

    def galera(self, verb, *args):
        done = subprocess.run([os.path.join(TOP, "tests/lib/galera.sh"), verb, self.path("db"), *map(str, args)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr

    def hosts(self, number):
        """database.hosts of the replica beside this node: its own node first."""
        others = [node for node in self.nodes if node.number != number]
        return ",".join(["unix:" + self.node(number).socket] + [node.address() + ":3306" for node in others])

    def start(self):
        try:
            self.galera("start")
            for number in (1, 2):
                self.replicas.append(Replica(self, number))
                self.replicas[-1].start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        for replica in self.replicas:
            replica.stop()
        self.galera("stop")
        if os.environ.get("DTR_TEST_KEEP") is None:
            shutil.rmtree(self.dir, ignore_errors=True)

    # --- what happens to nodes

    @contextlib.contextmanager
    def killed(self, number):
        """A power cut of a node; afterwards it has rejoined."""
        self.galera("kill", number)
        try:
            yield
        finally:
            self.galera("rejoin", number)

    @contextlib.contextmanager
    def isolated(self, *numbers):
        """These nodes hear nobody, not each other either; afterwards they do."""
        for number in numbers:
            self.galera("isolate", number)
        try:
            yield
        finally:
            for number in numbers:
                self.galera("heal", number)

    def is_whole(self):
        return all(node.status("ready", "cluster_size") == ["ON", "3"] for node in self.nodes)

    def wait_whole(self):
        wait_for("all nodes are together", self.is_whole, 60)

    # --- what it says

    def check(self):
        """The invariants hold, and all nodes say the same."""
        for node in self.nodes:
            invariants.check(node)
        sums = [node.sql("CHECKSUM TABLE " + ", ".join(TABLES)) for node in self.nodes]
        assert sums[0] == sums[1] == sums[2]

    def conflicts(self):
        """How often certification refused a transaction, on all nodes together."""
        return sum(int(n) for node in self.nodes for n in node.status("local_cert_failures", "local_bf_aborts"))


TABLES = ("account", "repository", "object", "upload", "blob_content", "repo_blob", "manifest", "manifest_payload",
          "manifest_blob", "manifest_child", "tag", "tag_history", "gc_review")

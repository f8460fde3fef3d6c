"""Runs the races of tests/db on a cluster: one side is held at its COMMIT on one node, the other comes on another."""
import os
import shutil
import subprocess

import pytest

from cluster import Cluster
from db_test import Database
from stack import BUILD


class OnCluster(Database):
    """dtr init has set it up on node 1; a test's second connection goes to node 2."""

    def __init__(self, cluster):
        super().__init__(settings=[("database.hosts", "unix:" + cluster.node(1).socket)])
        self.cluster = cluster

    def mariadb(self, verb):
        """The nodes are the cluster's; here are the sockets of tests' proxies."""
        os.makedirs(self.path("db"), exist_ok=True)

    def variables(self):
        return dict(super().variables(), DTR_TEST_SECOND="unix:" + self.cluster.node(2).socket)


@pytest.fixture(scope="module")
def database():
    cluster = Cluster()
    running = OnCluster(cluster)
    try:
        cluster.galera("start")
        yield running.start()
    finally:
        running.stop()
        cluster.galera("stop")
        shutil.rmtree(cluster.dir, ignore_errors=True)


def test_races_on_two_nodes(database):
    done = subprocess.run([os.path.join(BUILD, "tests/db/manifest_race_test")], capture_output=True, text=True,
                          env=database.variables(), timeout=300, **database.as_user())
    assert done.returncode == 0, done.stdout + done.stderr
    # they did meet: transactions were refused, and run again
    assert database.cluster.conflicts() > 5


def migrate(database, node):
    """dtr migrate, started by the replica beside this node."""
    conf = database.path("dtr%d.conf" % node)
    with open(database.conf) as f:
        text = f.read()
    mine, other = (database.cluster.node(n).socket for n in (1, node))
    with open(conf, "w") as f:
        f.write(text.replace(mine, other))
    return subprocess.Popen([os.path.join(BUILD, "dtr"), "migrate", "--conf", conf], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, **database.as_user())


def test_all_nodes_migrate_at_once(database):
    node = database.cluster.node(3)
    tables = node.sql("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'dtr'")
    for _ in range(3):
        node.sql("DROP DATABASE dtr; CREATE DATABASE dtr CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", None)
        # a read waits until that has come to its node
        for number in (1, 2):
            database.cluster.node(number).sql("SELECT COUNT(*) FROM information_schema.SCHEMATA", None)
        running = [migrate(database, number) for number in (1, 2, 3)]
        said = [process.communicate(timeout=120)[0] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], said
        # each migration was begun once
        begun = sorted(line for text in said for line in text.splitlines() if line.startswith("migration "))
        assert begun == sorted(set(begun)) and begun, said
        assert node.sql("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'dtr'") == tables

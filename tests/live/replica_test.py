"""doc/howto/install.md, "A further replica", doc/howto/load-balancer.md and doc/howto/galera.md word for word: three
machines with the addresses of that page. First two of them share the database of the first one, then the databases of
all three are a cluster; at last a fourth machine shares requests among two of them.

Clients on a machine come to its own replica, those of the balancer aside. A shared folder that is bound to /srv/dtr
stands for NFS. A copy of a database takes ten seconds, in which MariaDB's script sleeps. DTR_LONG=1 cuts the power of
all databases, too.
"""
import json
import os
import shutil
import tempfile

import pytest

import installed
from faults import PLAIN_BUILD
from installed import EVERYTHING, HOST, INSTALL, SOURCE, ask, bearer, log_in, pull, push
from machine import Machine, Network, commands
from stack import PASSWORD, TOP, wait_for
from threads import Guarded

BALANCER = os.path.join(TOP, "doc/howto/load-balancer.md")
GALERA = os.path.join(TOP, "doc/howto/galera.md")
ADDRESSES = ("10.0.0.11", "10.0.0.12", "10.0.0.13")
BLOBS = "/srv/dtr/blobs"
BALANCER_ADDRESS = "10.0.0.5"
CONFIGURATION = "/etc/mysql/mariadb.conf.d/90-dtr.cnf"
LONG = os.environ.get("DTR_LONG") == "1"


def at_once(call, machines):
    for thread in [Guarded(call, machine) for machine in machines]:
        thread.finish(300)


@pytest.fixture(scope="module")
def network():
    running = Network().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def machines(network):
    """They reach each other, and none has dtr."""
    shared = tempfile.mkdtemp(prefix="dtr-shared-")
    os.chmod(shared, 0o755)
    all_of_them = [Machine(TOP, PLAIN_BUILD, shared=shared) for _ in ADDRESSES]
    try:
        at_once(Machine.start, all_of_them)
        for machine, address in zip(all_of_them, ADDRESSES):
            network.join(machine, address)
        at_once(begin, all_of_them)
        let_in(all_of_them[0], all_of_them[1:])
        yield all_of_them
    finally:
        for machine in all_of_them:
            machine.stop()
        shutil.rmtree(shared)


def begin(machine):
    installed.begin(machine)
    machine.run("""
        echo 10.0.0.11 node1 >> /etc/hosts
        mkdir -p /srv/dtr; mount --bind %s /srv/dtr""" % machine.shared)


def let_in(node, others):
    """By ssh, as their administrator has it."""
    node.run("ssh-keygen -q -A; systemctl start ssh; rm -rf .ssh; mkdir -m 700 .ssh")
    for other in others:
        key = other.run("""
            rm -rf .ssh; mkdir -m 700 .ssh; echo StrictHostKeyChecking no > .ssh/config
            ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub""")
        node.run("echo '%s' >> .ssh/authorized_keys" % key.strip())


def address(machine):
    return machine.run("hostname -I").split()[0]


# --- what the pages say

def init(machine, more=""):
    installed.init(machine, "--set storage.root=%s %s" % (BLOBS, more))


def start_programs(machine):
    machine.run(commands(INSTALL, "3. `dtr init`", "mkdir -p /etc/systemd"))
    installed.start_programs(machine, BLOBS)


def begin_replica(machine):
    installed.install_programs(machine)
    machine.run(commands(INSTALL, "A further replica", "mkdir /etc/dtr"))


def configure_database(machine, without=None):
    """The page's file as it is on this machine, maybe without the lines that begin so, and the certificate."""
    text = commands(GALERA, "Galera").replace("PASSWORD", "secret")
    text = text.replace("wsrep_node_address = 10.0.0.11", "wsrep_node_address = " + address(machine))
    # it would be in memory, and nobody is away for so long
    text = text.replace("gcache.size=1G", "gcache.size=64M")
    lines = [line.strip() for line in text.splitlines()]
    text = "\n".join(line for line in lines if without is None or not line.startswith(without))
    machine.run("cat > {0} <<'X'\n{1}\nX\nchown root:mysql {0}; chmod 640 {0}".format(CONFIGURATION, text))
    machine.run(commands(GALERA, "Certificate", "install"))


def hosts(machine):
    """The lines of dtr.conf beside this database."""
    return commands(GALERA, "Replicas").replace(address(machine), "10.0.0.11").replace("    ", "")


@pytest.fixture(scope="module")
def pair(machines):
    """A node that was set up for itself, what the page does to it, and a further one."""
    first, second = machines[:2]
    installed.install_programs(first)
    init(first)
    start_programs(first)
    first.run(commands(GALERA, "Certificate"))
    configure_database(first, "wsrep")
    first.run("systemctl restart mariadb")
    first.run(commands(INSTALL, "A further replica"))
    first.run("""mariadb -e "GRANT ALL ON *.* TO root@10.0.0.12 IDENTIFIED BY '%s' WITH GRANT OPTION" """ % PASSWORD)
    begin_replica(second)
    init(second, "--db-admin-password-file /root/password --set database.hosts=10.0.0.11:3306 "
         "--set database.ca_file=/etc/dtr/tls/database-ca.crt")
    start_programs(second)
    return first, second


@pytest.fixture(scope="module")
def cluster(machines, pair):
    """The databases of all three, each beside a replica; what the pair had is in it."""
    first, second, third = machines
    configure_database(first)
    first.run(commands(GALERA, "The first start").replace("PASSWORD", "secret"))
    begin_replica(third)
    for machine in (second, third):
        configure_database(machine)
        machine.run(commands(GALERA, "The first start", "systemctl"))
    first.run(commands(GALERA, "Replicas", "dtr init"))
    for machine in pair:
        machine.run("sed -i /^database/d /etc/dtr/dtr.conf; cat >> /etc/dtr/dtr.conf <<'X'\n%sX\n%s" % (
            hosts(machine), commands(INSTALL, "A change of dtr.conf")))
    init(third, " ".join("--set " + line.replace(" ", "") for line in hosts(third).splitlines()))
    start_programs(third)
    return machines


def assert_well(machine):
    said = machine.run(commands(INSTALL, "6. Look at it"), SOURCE)
    assert "\n0 failures, 0 warnings\n" in said and '"Healthy":true' in said


def assert_shared(replicas, name):
    """What one of them acknowledged, all have at once."""
    for number, writer in enumerate(replicas):
        tag = "%s:%d" % (name, number)
        pushed = push(writer, tag)
        assert [pull(replica, tag) for replica in replicas] == [pushed] * len(replicas)


# --- two replicas, one database

def test_all_is_well_on_both_replicas(pair):
    for machine in pair:
        assert_well(machine)


def test_what_one_replica_got_the_other_has(pair):
    assert_shared(pair, "pair")


def test_a_token_of_one_replica_is_good_for_the_other(pair):
    first, second = pair
    push(first, "token:1")
    tags = "/v2/admin/token/tags/list"
    assert json.loads(ask(second, tags, bearer(first, "token")))["tags"] == ["1"]
    assert "UNAUTHORIZED" in ask(second, tags)


def test_a_replica_goes_on_when_the_programs_of_the_other_died(pair):
    for dead, alive in (pair, pair[::-1]):
        # stopped, or they would be back
        dead.run("systemctl kill -s KILL {0}; systemctl stop {0}".format(EVERYTHING))
        pushed = push(alive, "alive:1")
        assert pull(alive, "alive:1") == pushed
        dead.run("systemctl start " + EVERYTHING)
        assert pull(dead, "alive:1") == pushed


# --- three replicas, three databases

def wait_whole(cluster):
    for machine in cluster:
        wait_for("all databases are together", lambda m=machine: m.ask(
            "mariadb -N -e \"SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_ready')\"").out ==
            "wsrep_cluster_size\t3\nwsrep_ready\tON\n", 120)


def test_all_is_well_on_three_replicas(cluster):
    wait_whole(cluster)
    for machine in cluster:
        assert_well(machine)
    assert_shared(cluster, "cluster")


def test_a_database_that_was_killed_joins_again(cluster):
    third = cluster[2]
    # what a migration brings is for the users of all hosts
    third.run("""mariadb -e "REVOKE ALL ON dtr.tag FROM dtr_registry@localhost, dtr_registry@'%'"; dtr migrate""")
    third.run("systemctl kill -s KILL mariadb")
    # its replica asks the other databases, to which it comes from another host
    pushed = push(third, "killed:1")
    third.run("systemctl start mariadb")
    wait_whole(cluster)
    assert_well(third)
    assert [pull(machine, "killed:1") for machine in cluster] == [pushed] * 3


def stop_and_start(cluster):
    for machine in cluster[::-1]:
        machine.run("systemctl stop mariadb")
    for machine in cluster:
        wait_for("it refuses", lambda m=machine: "database" in ask(m, "/_ping"))
    safe = [machine.ask("grep 'safe_to_bootstrap: 1' /var/lib/mysql/grastate.dat").code for machine in cluster]
    assert safe == [0, 1, 1]
    cluster[0].run("galera_new_cluster")
    for machine in cluster[1:]:
        machine.run("systemctl start mariadb")


def cut_power(cluster):
    for machine in cluster:
        machine.run("systemctl kill -s KILL mariadb")
    at_once(lambda machine: machine.run("systemctl start mariadb"), cluster)


@pytest.mark.parametrize("take_away", [stop_and_start] + [cut_power] * LONG, ids=lambda call: call.__name__)
def test_all_databases_are_back(cluster, take_away):
    pushed = push(cluster[1], "kept:1")
    take_away(cluster)
    wait_whole(cluster)
    for machine in cluster:
        assert pull(machine, "kept:1") == pushed
        assert_well(machine)
    assert_shared(cluster, "back")


# --- a load balancer in front of them

@pytest.fixture(scope="module")
def balancer(network, cluster):
    """In front of the first two of them. The machine of the third one is its client."""
    running = Machine(TOP, PLAIN_BUILD)
    try:
        running.start()
        network.join(running, BALANCER_ADDRESS)
        running.run("ip address add fd00::5/64 dev eth0 nodad; mkdir -p /etc/dtr/tls")
        for name in ("ca.crt", "server.crt", "server.key"):
            running.run("cat > /etc/dtr/tls/%s <<'X'\n%sX" % (name, cluster[0].run("cat /etc/dtr/tls/" + name)))
        cluster[2].run("""
            ip address add fd00::13/64 dev eth0 nodad
            sed -i 's/ %s//' /etc/hosts; echo '%s %s' >> /etc/hosts""" % (HOST, BALANCER_ADDRESS, HOST))
        for machine in cluster[:2]:
            trusted = commands(BALANCER, "Load balancer", "node.external_url").splitlines()[1].strip()
            machine.run("echo '%s' >> /etc/dtr/dtr.conf" % trusted)
            machine.run(commands(INSTALL, "A change of dtr.conf"))
        yield running
    finally:
        running.stop()


def speak_plainly(balancer, nodes):
    """Where the network is trusted."""
    listen = commands(BALANCER, "Load balancer", "listen").split("#")[0].strip()
    for machine in nodes:
        machine.run("""
            cp /etc/nginx/nginx.conf kept.conf
            sed -i -e '/^\t*ssl_/d' -e 's|listen 443 .*|{0}|' /etc/nginx/nginx.conf
            nginx -t && systemctl restart nginx""".format(listen.replace("10.0.0.11", address(machine))))
        health = "curl -sf http://127.0.0.1/_health/registry/readyz"
        wait_for("its programs answer the node", lambda m=machine: m.ask(health).code == 0)
    balancer.run(commands(BALANCER, "Load balancer", "sed"), TOP)


def speak_tls(balancer, nodes):
    for machine in nodes:
        machine.run("cp kept.conf /etc/nginx/nginx.conf; nginx -t && systemctl restart nginx")
    lines = "\n".join(line.strip() for line in commands(BALANCER, "Load balancer", "proxy_pass").splitlines())
    balancer.run("""
        cat > lines <<'X'
{0}
X
        sed -i -e 's|:80;|:443;|g' -e '/proxy_pass http:/{{r lines' -e 'd}}' /etc/nginx/nginx.conf
        nginx -t && systemctl restart nginx""".format(lines))


def remotes(machines, name):
    """Where the programs saw those requests come from."""
    found = set()
    for machine in machines:
        lines = machine.run("journalctl -q -o cat -u dtr-registry _COMM=dtr-registry").splitlines()
        found |= {line["remote"] for line in map(json.loads, lines) if line.get("request_id") == name}
    return found


@pytest.mark.parametrize("speak", (speak_plainly, speak_tls), ids=lambda call: call.__name__)
def test_clients_of_the_balancer(balancer, cluster, speak):
    *nodes, client = cluster
    name = speak.__name__.replace("_", "-")
    speak(balancer, nodes)
    log_in(client)
    assert push(client, name + ":1") == pull(client, name + ":1")
    assert "404" in ask(client, "/_health/registry/metrics")
    lie = "-H 'X-Forwarded-For: 203.0.113.9' -H 'X-Request-Id: %s'"
    for number, reached in enumerate((BALANCER_ADDRESS, "[fd00::5]")):
        mark = "%s-%d" % (name, number)
        assert "UNAUTHORIZED" in ask(client, "/v2/", lie % mark, "--resolve '%s:443:%s'" % (HOST, reached))
        wait_for("it is logged", lambda m=mark: remotes(nodes, m))
        assert remotes(nodes, mark) == {("10.0.0.13", "fd00::13")[number]}


def test_no_request_is_lost_when_nodes_are_worked_on(balancer, cluster):
    *nodes, client = cluster
    speak_plainly(balancer, nodes)
    push(client, "worked-on:1")
    client.run("rm -f done; : > statuses")
    pulls = Guarded(client.run, """
        while [ ! -e done ]; do
            curl -s --http1.1 --cacert /etc/dtr/tls/ca.crt %s -o /dev/null -w '%%{http_code}\\n' \\
                https://%s/v2/admin/worked-on/manifests/1 || echo $?
        done >> statuses""" % (bearer(client, "worked-on"), HOST))

    def wait_more():
        wanted = int(client.run("wc -l < statuses")) + 8
        wait_for("requests are answered", lambda: int(client.run("wc -l < statuses")) >= wanted)
    try:
        wait_more()
        for node in nodes:
            server = "server %s:80" % address(node)
            change = "sed -i 's|%s;|%s;|' /etc/nginx/nginx.conf; systemctl reload nginx"
            balancer.run(change % (server, server + " down"))
            node.run("systemctl stop nginx %s" % EVERYTHING)
            wait_more()
            node.run("systemctl start %s nginx" % EVERYTHING)
            balancer.run(change % (server + " down", server))
            wait_more()
    finally:
        client.run("touch done")
        pulls.finish()
    assert client.run("sort -u statuses") == "200\n"

"""What doc/howto/install.md makes of a machine, word for word, and clients that run on it."""
import contextlib
import json
import os

from faults import PLAIN_BUILD
from machine import Machine, commands
from stack import PASSWORD, TOP

PROGRAMS = ("dtr-registry", "dtr-garant", "dtr-api")
EVERYTHING = " ".join(PROGRAMS)
INSTALL = os.path.join(TOP, "doc/howto/install.md")
NGINX = os.path.join(TOP, "doc/howto/nginx.md")
HOST = "registry.example.com"
SOURCE = "/root/source"  # where the reader of the page is


def begin(machine):
    """What the page takes for granted: the source, packages, no dtr, a name, and a database that runs."""
    with open(os.path.join(PLAIN_BUILD, "conf/systemd/dtr-registry.service")) as f:
        assert "ExecStart=/usr/sbin/dtr-registry -c /etc/dtr/dtr.conf\n" in f.read(), \
            "%s was not configured as %s has it" % (PLAIN_BUILD, INSTALL)
    machine.run("""
        ! id -u dtr 2> /dev/null || userdel dtr
        rm -rf /etc/dtr /var/lib/dtr /etc/systemd/system/dtr-* /var/lib/mysql
        mkdir -p {source}; cp -r {top}/conf {source}/; cp {build}/conf/systemd/*.service {source}/conf/systemd/
        echo 127.0.0.1 localhost {host} > /etc/hosts
        # enough for the workers of many cores, which the page leaves to its reader
        printf '[mysqld]\\nmax_connections = 4000\\n' > /etc/mysql/mariadb.conf.d/99-room.cnf
        umask 077; echo '{password}' > password
        install -d -o mysql -g mysql /var/lib/mysql
        mariadb-install-db --user=mysql --skip-test-db > /dev/null
        systemctl start mariadb""".format(source=SOURCE, top=TOP, build=PLAIN_BUILD, host=HOST, password=PASSWORD))


def install_programs(machine):
    assert "make install\n" in commands(INSTALL, "1. Programs")
    machine.run("make -s install", PLAIN_BUILD)
    machine.run(commands(INSTALL, "2. User"), SOURCE)


def init(machine, more=""):
    """With these words more, too."""
    # it would ask for the password
    machine.run(" ".join([commands(INSTALL, "3. `dtr init`").rstrip(), "--admin-password-file /root/password", more]),
                SOURCE)


def start_programs(machine, blobs="/var/lib/dtr/blobs"):
    machine.run(commands(INSTALL, "4. Programs' units, cron"), SOURCE)
    machine.run(commands(NGINX, "nginx").replace("/var/lib/dtr/blobs", blobs), SOURCE)
    log_in(machine)


def install(machine):
    install_programs(machine)
    init(machine)
    start_programs(machine)


@contextlib.contextmanager
def installed_machine():
    machine = Machine(TOP, PLAIN_BUILD)
    try:
        machine.start()
        begin(machine)
        install(machine)
        yield machine
    finally:
        machine.stop()


# --- clients on it

def log_in(machine, host=HOST):
    machine.run("""
        mkdir -p /etc/containers/certs.d/{host}; cp /etc/dtr/tls/ca.crt /etc/containers/certs.d/{host}/
        echo '{{"default": [{{"type": "insecureAcceptAnything"}}]}}' > /etc/containers/policy.json
        skopeo login --username admin --password-stdin {host} < password""".format(host=host))


def ask(machine, path, *options, host=HOST):
    """What it is answered, with these options of curl."""
    return machine.run("curl -s --cacert /etc/dtr/tls/ca.crt %s 'https://%s%s'" % (" ".join(options), host, path))


def bearer(machine, name, actions="pull", host=HOST):
    """The option for ask() that has a token of the administrator."""
    answer = ask(machine, "/auth/token?service=%s&scope=repository:admin/%s:%s" % (host, name, actions),
                 "-u 'admin:%s'" % PASSWORD, host=host)
    return "-H 'Authorization: Bearer %s'" % json.loads(answer)["token"]


def push(machine, name):
    """A new image; what pull() has to say."""
    return machine.run("""
        rm -rf pushed; mkdir pushed; head -c 3000000 /dev/urandom > layer
        digest=$(sha256sum < layer | cut -d' ' -f1); mv layer pushed/$digest; printf '{{}}' > config
        empty=$(sha256sum < config | cut -d' ' -f1); mv config pushed/$empty
        echo 'Directory Transport Version: 1.1' > pushed/version
        cat > pushed/manifest.json <<X
        {{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "config": {{"mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": "sha256:$empty"}},
          "layers": [{{"mediaType": "text/plain", "size": 3000000, "digest": "sha256:$digest"}}]}}
X
        skopeo copy -q dir:pushed docker://{host}/admin/{name}
        cd pushed; sha256sum *""".format(host=HOST, name=name))


def pull(machine, name, host=HOST):
    return machine.run("""
        rm -rf pulled; skopeo copy -q docker://%s/admin/%s dir:pulled
        cd pulled; sha256sum *""" % (host, name))


def push_and_pull(machine, name):
    assert push(machine, name) == pull(machine, name)

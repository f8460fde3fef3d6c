"""doc/howto/nginx.md, apache.md, lighttpd.md and monitoring.md word for word, on a machine of its own: each web server
as Debian has it, one after the other in front of the same programs, and Prometheus."""
import collections
import json
import os
import re

import pytest

from installed import EVERYTHING, HOST, INSTALL, NGINX, SOURCE, ask, bearer, installed_machine, push_and_pull
from machine import commands
from stack import TOP, wait_for

APACHE = os.path.join(TOP, "doc/howto/apache.md")
LIGHTTPD = os.path.join(TOP, "doc/howto/lighttpd.md")
MONITORING = os.path.join(TOP, "doc/howto/monitoring.md")
# of clients elsewhere, as the web server sees them
ELSEWHERE = ("10.9.9.9", "fd00::9")

Server = collections.namedtuple("Server", "unit commands sendfile log new_certificate retries")
SERVERS = {
    "nginx": Server("nginx", (NGINX, "nginx"), "accel", "cat /var/log/nginx/error.log",
                    "systemctl reload nginx", ""),
    "apache": Server("apache2", (APACHE, "Apache", "a2enmod"), "xsendfile", "cat /var/log/apache2/error.log",
                     "systemctl reload apache2", ""),
    # connections that are just being made break at its reload, as its page has it
    "lighttpd": Server("lighttpd", (LIGHTTPD, "lighttpd", "install"), "xsendfile", "journalctl -q -o cat -u lighttpd",
                       commands(LIGHTTPD, "After a change"), "--retry 3 --retry-all-errors"),
}


@pytest.fixture(scope="module")
def machine():
    with installed_machine() as running:
        # one that starts what packages ask it to start, as rotation of logs does
        running.run("""
            rm -f /usr/sbin/policy-rc.d
            ip address add {0} dev lo; ip address add {1} dev lo nodad""".format(*ELSEWHERE))
        yield running


@pytest.fixture(scope="module", params=SERVERS)
def server(request, machine):
    """It runs in place of the others."""
    serve(machine, SERVERS[request.param])
    yield SERVERS[request.param]


def serve(machine, server):
    machine.run("systemctl stop " + " ".join(other.unit for other in SERVERS.values()))
    machine.run(commands(*server.commands), SOURCE)
    machine.run("sed -i 's/^storage.sendfile = .*/storage.sendfile = %s/' /etc/dtr/dtr.conf" % server.sendfile)
    machine.run(commands(INSTALL, "A change of dtr.conf"))
    wait_for("%s serves" % server.unit, lambda: is_well(machine))


def is_well(machine):
    return machine.ask("curl -sf --cacert /etc/dtr/tls/ca.crt https://%s/_ping" % HOST).out == \
        '{"Error":"","Healthy":true}'


def status(machine, path, *options):
    return ask(machine, path, "-o /dev/null -w '%{http_code}'", *options)


def at(address):
    """A client that comes from there, to there."""
    return "--interface %s --resolve '%s:443:[%s]'" % (address, HOST, address)


def sent_by_web_server(machine):
    text = ask(machine, "/_health/registry/metrics")
    return int(re.search(r'^registry_download_bytes_total{sender="web_server"} (\d+)$', text, re.M).group(1))


def test_a_large_layer_is_sent_by_the_web_server(machine, server):
    """And all that is small by the program."""
    before = sent_by_web_server(machine)
    push_and_pull(machine, server.unit + ":1")
    assert sent_by_web_server(machine) - before == 3000000
    assert machine.ask("journalctl -q -o cat -u dtr-registry | grep sendfile_mismatch").out == ""


def test_metrics_and_pages_of_the_server_are_not_for_others(machine, server):
    for program in ("registry", "garant", "api"):
        path = "/_health/%s/metrics" % program
        assert [status(machine, path, at(address)) for address in ("127.0.0.1", "::1")] == ["200"] * 2
        assert {status(machine, path, at(address)) for address in ELSEWHERE} <= {"403", "404"}
    for path in ("/", "/index.html", "/server-status"):
        assert {status(machine, path, at(address)) for address in ("127.0.0.1", *ELSEWHERE)} <= {"403", "404"}, path
    assert [status(machine, "/v2/", at(address)) for address in ELSEWHERE] == ["401"] * 2


def test_limits_are_those_of_the_page(machine, server):
    manifest, upload = "/v2/admin/x/manifests/1", "/v2/admin/x/blobs/uploads/x"
    machine.run('printf "Authorization: Bearer %08000d" 0 > token; printf "Authorization: Bearer %0100000d" 0 > long')
    assert 'error="invalid_token"' in ask(machine, "/v2/", "--http1.1 -D - -H @token")
    assert status(machine, "/v2/", "--http1.1 -H @long") in ("400", "431")
    machine.run("truncate -s 34M large; truncate -s 5G larger")
    # who is answered before all is sent may lose the answer with the connection
    again = "--http1.1 --retry 9 --retry-all-errors"
    assert status(machine, manifest, again, "-T large", bearer(machine, "x", "pull,push")) == "413"
    # the programs say so, and nobody waits for all of it
    assert status(machine, upload, again, "-X PATCH -T larger") == "401"


# pulls, one after the other, and a push that began before and ends behind all of this
COME_AND_GO = """
    cp /etc/dtr/tls/ca.crt .; rm -f body done; mkfifo body
    location=$({curl} {bearer} -X POST -d '' -o /dev/null -w '%header{{location}}' https://{host}{uploads})
    {curl} {bearer} -X PATCH -H Expect: -H Transfer-Encoding: -H 'Content-Length: 20' -T body -w '%{{http_code}}' \\
        "https://{host}$location" > pushed.status & push=$!
    exec 3<> body; printf 0123456789 >&3
    until curl -s --cacert ca.crt https://{host}/_health/registry/metrics |
        grep '^registry_http_in_flight_requests{{handler="upload_append"}} 1$'; do sleep 0.1; done
    : > statuses
    (while [ ! -e done ]; do
        {curl} {bearer} {retries} -o /dev/null -w '%{{http_code}}\\n' https://{host}{manifest} || echo $?
    done >> statuses) & pulls=$!
    more() {{
        lines=$(wc -l < statuses); until [ $(wc -l < statuses) -gt $((lines + 8)) ]; do sleep 0.1; done
    }}
    more
    for number in 1 2; do
        systemctl reload {unit}; more
        systemctl reload {programs}; more
    done
    systemctl kill -s USR2 --kill-whom=main {programs}; more
    touch done; wait $pulls
    printf 0123456789 >&3; exec 3>&-; wait $push"""


def test_no_request_is_lost_when_server_and_programs_are_reloaded(machine, server):
    name = server.unit + "-reloaded"
    push_and_pull(machine, name + ":1")
    machine.run(COME_AND_GO.format(
        curl="curl -s --http1.1 --cacert ca.crt", host=HOST, bearer=bearer(machine, name, "pull,push"),
        uploads="/v2/admin/%s/blobs/uploads/" % name, manifest="/v2/admin/%s/manifests/1" % name,
        unit=server.unit, retries=server.retries, programs=EVERYTHING))
    assert machine.run("sort -u statuses; cat pushed.status") == "200\n202"
    assert machine.property(server.unit, "NRestarts") == "0"
    push_and_pull(machine, name + ":2")


def test_logs_are_rotated(machine, server):
    machine.run("logrotate -f /etc/logrotate.d/" + server.unit)
    machine.run("systemctl stop dtr-api")
    wait_for("it is told in the new log", lambda: status(machine, "/_ping") in ("502", "503") and
             "/run/dtr/api.sock" in machine.run(server.log))
    machine.run("systemctl start dtr-api")
    wait_for("all is well", lambda: is_well(machine))


def test_a_new_certificate(machine, server):
    def serial():
        return machine.run("""
            openssl s_client -connect localhost:443 -servername %s 2> /dev/null | openssl x509 -noout -serial""" % HOST)
    before = serial()
    machine.run(commands(INSTALL, "A new certificate").replace("systemctl reload nginx", server.new_certificate))
    wait_for("clients see it", lambda: serial() != before)
    push_and_pull(machine, server.unit + "-certified:1")
    machine.run("dtr check --quiet")


# --- monitoring.md

@pytest.fixture(scope="module")
def prometheus(machine):
    """For the page's two nodes, which are both this machine; the first one is asked from elsewhere."""
    serve(machine, SERVERS["nginx"])
    machine.run("""
        echo {elsewhere} node1.example.com >> /etc/hosts; echo 127.0.0.1 node2.example.com >> /etc/hosts
        sed -i 's/allow 127.0.0.1;/allow 127.0.0.1; allow {elsewhere};/' /etc/nginx/nginx.conf; systemctl reload nginx
        cp /etc/dtr/tls/ca.crt /etc/prometheus/dtr-ca.crt; cp {top}/doc/alerts.yml /etc/prometheus/
        cat > /etc/prometheus/prometheus.yml <<'X'
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [alerts.yml]
{page}
X
        promtool check config /etc/prometheus/prometheus.yml
        # this machine, as the root of a folder, has no namespaces of users
        mkdir -p /etc/systemd/system/prometheus.service.d
        printf '[Service]\\nPrivateUsers=no\\n' > /etc/systemd/system/prometheus.service.d/users.conf
        systemctl daemon-reload; systemctl start prometheus""".format(
            elsewhere=ELSEWHERE[0], top=TOP,
            page=re.sub("^    ", "", commands(MONITORING, "Each program"), flags=re.M)))
    yield machine
    machine.run("systemctl stop prometheus")


def query(machine, text):
    """Labels and value of each sample."""
    done = machine.ask("curl -sf --data-urlencode 'query=%s' http://localhost:9090/api/v1/query" % text)
    return [(sample["metric"], sample["value"][1]) for sample in json.loads(done.out)["data"]["result"]] \
        if done.code == 0 else []


def test_prometheus_sees_all_programs_of_all_nodes(prometheus):
    wait_for("all are up", lambda: [value for _, value in query(prometheus, 'up{job="dtr"} == 1')] == ["1"] * 6)
    for program in EVERYTHING.split():
        assert query(prometheus, 'dtr_build_info{program="%s",instance="node1.example.com:443"}' % program)


def test_a_node_is_drained(prometheus):
    drain = commands(MONITORING, "Load balancers", "dtr drain").splitlines()
    prometheus.run(drain[0])
    assert '"Error":"draining"' in ask(prometheus, "/_ping")
    push_and_pull(prometheus, "drained:1")
    wait_for("the alert is near", lambda: query(
        prometheus, 'ALERTS{alertname="DtrDrainForgotten",alertstate="pending"}'))
    prometheus.run(drain[-1])
    wait_for("all is well", lambda: is_well(prometheus))

"""What monitoring is told to look at is there: doc/alerts.yml and doc/howto/monitoring.md against real programs."""
import json
import os
import re

import pytest
import yaml

import policy_test
from repository import Repository
from stack import TOP, wait_for

PARTS = ("registry", "garant", "api")
# of PromQL, and what Prometheus or its configuration adds
WORDS = {"max_over_time", "sum", "by", "without", "rate", "increase", "histogram_quantile", "time", "and"}
THEIRS = {"up"}
THEIR_LABELS = {"job", "instance", "program"}


@pytest.fixture(scope="module")
def exposed(stack):
    """Names of metrics, and of each the labels of its samples."""
    stack.request("GET", "/_ping")
    stack.token("repository:admin/x:pull")
    found = {}
    for part in PARTS:
        assert stack.ask_node("GET", "/_health/%s/readyz" % part).status == 200
        text = stack.ask_node("GET", "/_health/%s/metrics" % part).body.decode()
        for line in text.splitlines():
            kind = re.fullmatch(r"# TYPE (\w+) (\w+)", line)
            sample = re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line)
            if kind:
                ends = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}.get(kind.group(2), ("",))
                for end in ends:
                    found.setdefault(kind.group(1) + end, set())
            elif sample:
                found[sample.group(1)].update(re.findall(r'(\w+)="', sample.group(2) or ""))
    return found


def alerts():
    with open(os.path.join(TOP, "doc", "alerts.yml")) as f:
        groups = yaml.safe_load(f)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_alerts_are_whole():
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) > 10
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description"}
        for text in rule["annotations"].values():
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= THEIR_LABELS


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alerts_name_metrics_that_are_exposed(exposed, rule):
    text = rule["expr"]
    by = {label.strip() for group in re.findall(r"\b(?:by|without) *\(([^)]*)\)", text) for label in group.split(",")}
    matched = re.findall(r"(\w+)\{([^}]*)\}", text)
    bare = re.sub(r"\b(?:by|without) *\([^)]*\)|\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", " ", text)
    names = set(re.findall(r"[a-z_][a-z0-9_]*", bare)) - WORDS - THEIRS
    assert names or "up" in text
    assert names <= set(exposed), names - set(exposed)
    for name, matchers in matched:
        for label in re.findall(r"(\w+)(?:=~|!=|=)", matchers):
            assert label in THEIR_LABELS or label in exposed[name], (name, label)
    for label in by - THEIR_LABELS:
        assert any(label in exposed[name] for name in names), label


def test_handlers_of_alerts_are_routes(stack):
    done = []
    for part in PARTS:
        with open(os.path.join(TOP, "fcgi", part, "routes.def")) as f:
            done += re.findall(r"^ROUTE\((\w+),", f.read(), re.M)
    for rule in alerts():
        for value in re.findall(r'handler=~?"([^"]*)"', rule["expr"]):
            assert set(value.split("|")) <= set(done), value


def test_the_manual_names_every_metric(exposed):
    """All that is exposed is described, and all that is described is exposed."""
    with open(os.path.join(TOP, "doc", "howto", "monitoring.md")) as f:
        text = f.read()
    named = set(re.findall(r"`((?:registry|garant|api|dtr|process)_[a-z_]+)`", text))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed}
    assert named == families


def test_parts_of_ping_are_described():
    with open(os.path.join(TOP, "doc", "howto", "monitoring.md")) as f:
        text = f.read()
    with open(os.path.join(TOP, "fcgi", "api", "health.c")) as f:
        parts = re.findall(r'\[PART_\w+\] = "([^"]+)"', f.read())
    assert len(parts) == 5
    for part in parts + ["draining"]:
        assert "`%s`" % part in text.split("## Each program")[0], part


def test_the_same_names_as_dockers_registry(exposed):
    """Dashboards that were made for it find what they look for."""
    for name, labels in {
        "registry_http_requests_total": {"handler", "method", "code"},
        "registry_http_in_flight_requests": {"handler"},
        "registry_http_request_duration_seconds_bucket": {"handler", "method", "le"},
        "registry_http_request_size_bytes_bucket": {"handler", "le"},
        "registry_http_response_size_bytes_bucket": {"handler", "le"},
        "registry_storage_action_seconds_count": {"driver", "action"},
        "registry_storage_cache_requests_total": set(),
        "registry_storage_cache_hits_total": set(),
    }.items():
        assert labels <= exposed[name], (name, exposed[name])


def test_log_events_worth_an_alarm_exist():
    with open(os.path.join(TOP, "doc", "howto", "monitoring.md")) as f:
        text = f.read().split("The log:")[1]
    with open(os.path.join(TOP, "doc", "log-fields.md")) as f:
        known = f.read()
    events = re.findall(r"`(\w+_\w+)`", text)
    assert len(events) >= 4
    for event in events:
        assert "`%s`" % event in known, event


def test_ping_is_one_line_of_json(stack):
    """As a probe reads it that knows no more than text."""
    body = stack.request("GET", "/_ping").body
    assert b"\n" not in body and json.loads(body) == {"Error": "", "Healthy": True}


def samples(stack):
    text = stack.ask_node("GET", "/_health/registry/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^(registry_\S+) (\S+)$", text, re.M)}


def test_what_a_push_and_pulls_cost_is_counted(stack):
    repository = Repository(stack, "alice/counted")
    content = os.urandom(1 << 20)
    before = samples(stack)
    repository.push(content)
    assert repository.pull(content).status == 200
    assert repository.pull(content, headers=[("Range", "bytes=0-99")]).status == 206
    after = samples(stack)

    def grown(name):
        return after[name] - before[name]
    assert grown("registry_upload_bytes_total") == len(content)
    # what the web server sends itself and what the program sends
    assert sum(grown('registry_download_bytes_total{sender="%s"}' % sender)
               for sender in ("program", "web_server")) == len(content) + 100
    assert grown("registry_hash_seconds_count") > 0
    assert 0 < grown("registry_hash_seconds_sum") < 60
    for action in ("open", "write", "sync"):
        for value in ("count", "sum"):
            name = 'registry_storage_action_seconds_%s{driver="filesystem",action="%s"}' % (value, action)
            assert grown(name) > 0, name


def test_manifests_out_of_memory_are_counted(stack):
    repository = policy_test.Repository(stack, "alice/cached", user="alice")
    assert repository.put("latest", repository.image("cached")).status == 201
    before, pulls = samples(stack), 40
    for _ in range(pulls):
        assert repository.ask("GET", "manifests/latest").status == 200
    after = samples(stack)
    asked, found = (after[name] - before[name] for name in (
        "registry_storage_cache_requests_total", "registry_storage_cache_hits_total"))
    # each process reads it once
    assert asked == pulls and pulls / 2 < found < pulls


def test_a_wrong_setting_does_not_say_that_the_database_is_away(own_stack):
    def gauge(name):
        text = own_stack.ask_node("GET", "/_health/api/metrics").body.decode()
        return re.search(r"^%s (\S+)$" % name, text, re.M).group(1)
    wait_for("the database was looked at", lambda: gauge("dtr_database_ready") == "1")
    own_stack.sql("REPLACE INTO setting VALUES ('gc.delay', 'soon', 1, UTC_TIMESTAMP(6))")

    def told():
        with open(own_stack.path("dtr-api.log")) as f:
            return [line for line in map(json.loads, f) if line["event"] == "metrics_not_read"]
    wait_for("it cannot be read", lambda: told() and "gc.delay" in told()[0]["error"])
    assert gauge("dtr_database_ready") == "1"
    own_stack.mariadb("stop")
    wait_for("the database is away", lambda: gauge("dtr_database_ready") == "0")
    own_stack.mariadb("start")
    wait_for("it is back", lambda: gauge("dtr_database_ready") == "1")

"""What sanitizers say goes where the programs' log lines go, and is the only text there that is no JSON."""
import json


def findings(path):
    found = []
    with open(path, errors="replace") as f:
        for line in f:
            try:
                json.loads(line)
            except ValueError:
                found.append(line)
    return "".join(found)


def assert_none(path):
    text = findings(path)
    assert text == "", text[:6000]

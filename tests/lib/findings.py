"""What sanitizers say goes where the programs' log lines go: text that is neither a log line in JSON nor the one line
by which a program says why it does not start."""
import json
import re


def findings(path):
    found = []
    with open(path, errors="replace") as f:
        for line in f:
            try:
                json.loads(line)
            except ValueError:
                if not re.match(r"dtr-[a-z-]+: ", line):
                    found.append(line)
    return "".join(found)


def assert_none(path):
    text = findings(path)
    assert text == "", text[:6000]

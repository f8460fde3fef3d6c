"""What sanitizers say goes where the programs' log lines go: text that is neither a log line in JSON nor the one line
by which a program says why it does not start."""
import json
import re

START = '{"time":'


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def is_log(line):
    """Also after the start of another line, which is what a process leaves that was killed in its write."""
    return is_json(line) or line.startswith(START) and is_json(line[line.rfind(START):])


def findings(path):
    found = []
    with open(path, errors="replace") as f:
        for line in f:
            if not is_log(line) and not re.match(r"dtr-[a-z-]+: ", line):
                found.append(line)
    return "".join(found)


def assert_none(path):
    text = findings(path)
    assert text == "", text[:6000]

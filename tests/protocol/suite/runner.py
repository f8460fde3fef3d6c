"""Runs cases and says how they ended."""
import argparse
import json
import re
import sys
import time

from . import images
from .case import CASES, Context, digest_of
from .registry import Names, Registry
from .wire import Failed, WireError


class Suite:
    """The cases against one registry."""

    def __init__(self, registry):
        self.registry = registry
        self.names = Names(registry)
        self.image = None

    def run(self, case):
        """Raises what went wrong."""
        context = Context(self)
        try:
            case.function(context)
        except WireError as e:
            raise Failed("over the wire: %s" % e)

    def shared_image(self, context):
        if self.image is None:
            repo, tag = self.names.shared[0], "shared"
            config, layer = b'{"os":"linux"}', bytes(range(256)) * 4
            document = images.dumps(images.manifest(
                context.descriptor(config, images.CONFIG, repo), [context.descriptor(layer, repo=repo)],
                annotations={"made.by": "the protocol suite"}))
            context.put(tag, document, repo=repo).must(201)
            self.image = images.Image(repo, tag, config, layer, document, digest_of(document))
        return self.image

    def close(self):
        self.registry.close()


class Result:
    def __init__(self, case, seconds, reason):
        self.case, self.seconds, self.reason = case, seconds, reason

    def line(self):
        return json.dumps({"case": self.case.name, "module": self.case.module, "kind": self.case.kind,
                           "passed": self.reason is None, "seconds": round(self.seconds, 3), "reason": self.reason})


def run_case(suite, case):
    began = time.monotonic()
    reason = None
    try:
        suite.run(case)
    except Exception as e:  # a case that breaks has failed; the others go on
        reason = str(e) if isinstance(e, Failed) else "%s: %s" % (type(e).__name__, e)
    return Result(case, time.monotonic() - began, reason)


def run_all(registry, cases):
    """Yields the result of each case."""
    suite = Suite(registry)
    for case in cases:
        yield run_case(suite, case)
    suite.close()


def chosen(pattern):
    """All cases, those of a module, or those whose name matches."""
    if pattern is None:
        return list(CASES)
    return [c for c in CASES if c.module == pattern] or [c for c in CASES if re.search(pattern, c.name)]


def add_options(parser):
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--ca", metavar="FILE", help="certificates to trust")
    parser.add_argument("--namespace", metavar="NAME", help="where repositories are made (default: the user)")
    parser.add_argument("--only", metavar="PATTERN",
                        help="the cases of this module, or whose name matches this regular expression")


def registry_of(url, options):
    return Registry(url, options.user, options.password, options.ca, options.namespace)


def show(result):
    if result.reason is not None:
        print("FAILED %s\n  %s" % (result.case.name, result.reason), flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="run", description="Tries a registry by the rules of the protocol; ends with N passed, N failed.")
    parser.add_argument("url", metavar="URL", nargs="?", help="https://registry.example.com:5000")
    add_options(parser)
    parser.add_argument("--list", action="store_true", help="say the cases and stop")
    parser.add_argument("--json", action="store_true", help="say each result as a line of JSON")
    options = parser.parse_args(arguments)
    cases = chosen(options.only)
    if options.list:
        print("\n".join(c.name for c in cases))
        return 0
    if options.url is None:
        parser.error("URL is missing")
    if not cases:
        parser.error("no case matches")
    try:
        registry = registry_of(options.url, options)
    except (OSError, ValueError, Failed, WireError) as e:
        print("%s: %s" % (options.url, e), file=sys.stderr)
        print("0 passed, %d failed" % len(cases))
        return 1
    fitting = [c for c in cases if c.fits(registry)]
    if len(fitting) < len(cases):
        print("left out %d cases about tokens: this registry asks for none" % (len(cases) - len(fitting)),
              file=sys.stderr)
    failed = 0
    for result in run_all(registry, fitting):
        failed += result.reason is not None
        if options.json:
            print(result.line(), flush=True)
        else:
            show(result)
    print("%d passed, %d failed" % (len(fitting) - failed, failed))
    return 1 if failed else 0

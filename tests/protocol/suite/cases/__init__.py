"""The cases, a module for each part of the protocol."""
import importlib

MODULES = ("base", "blobs", "ranges", "uploads", "chunks", "mount", "manifests", "refusals", "indexes", "tags",
           "manytags", "catalog", "referrers", "delete", "conditional", "algorithms", "headers", "names",
           "errors", "auth", "wire", "connections")


def load():
    for name in MODULES:
        importlib.import_module("." + name, __name__)

"""A black-box suite of the registry protocol: see tests/protocol/README.md."""
from .case import CASES, Failed
from .cases import load
from .registry import Registry
from .runner import Suite, main

load()

__all__ = ["CASES", "Failed", "Registry", "Suite", "main"]

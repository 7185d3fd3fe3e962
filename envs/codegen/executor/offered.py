"""The modules that a solution may import, loaded once before the snapshot.

Those that solutions to published benchmarks use, as far as they can be had in a sandbox. There is no clock and no entropy:
`time.time()` stands still, and `random` draws the same numbers in every run. What reaches files, processes, threads or the
network is not here, nor is what is not part of Python, such as numpy.
"""

import importlib
import sys
import time

import values

MODULES = (
    "_strptime", "abc", "array", "ast", "base64", "binascii", "bisect", "builtins", "calendar", "cmath", "collections", "contextlib",
    "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "graphlib", "hashlib",
    "heapq", "html", "inspect", "io", "itertools", "json", "keyword", "math", "numbers", "operator", "pprint", "queue",
    "random", "re", "statistics", "string", "struct", "sys", "textwrap", "time", "traceback", "types", "typing",
    "unicodedata", "warnings", "weakref", "zlib",
)  # fmt: skip

_SUBMODULES = ("__future__", "collections.abc", "html.entities", "html.parser", "json.decoder", "json.encoder")
_ENCODINGS = ("ascii", "idna", "latin_1", "raw_unicode_escape", "unicode_escape", "utf_16", "utf_32", "utf_8")


def load():
    """Loads everything that is offered, and leaves nothing that could look for files afterwards."""
    for name in MODULES + _SUBMODULES:
        importlib.import_module(name)
    for name in _ENCODINGS:
        "".encode(name)
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__name__ != "PathFinder"]
    for clock in ("time", "monotonic", "perf_counter", "process_time"):
        setattr(time, clock, lambda: 0.0)
    time.sleep = lambda seconds: None
    # What a program prints is one value, and longer than a value that a policy has to write down.
    values.VALUE_MAX_BYTES = 4 << 20

"""The modules that a program may import, loaded once before the snapshot.

Chosen for programs whose result follows from their arguments: containers, text, numbers, types. What reads the clock,
draws random numbers, or reaches files, processes, threads or the network is not here, nor are the modules that the task
prompts forbid.
"""

import importlib
import sys

MODULES = (
    "abc", "array", "ast", "base64", "binascii", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses",
    "decimal", "difflib", "enum", "fractions", "functools", "graphlib", "heapq", "html", "io", "itertools", "json", "math",
    "numbers", "operator", "pprint", "re", "statistics", "string", "struct", "sys", "textwrap", "types", "typing",
    "unicodedata", "zlib",
)  # fmt: skip

# Programs whose code is in the snapshot.
PREPARED = ()

# Submodules and codecs are separate files, which a snapshot only has when they were loaded before it.
_SUBMODULES = ("__future__", "collections.abc", "html.entities", "html.parser", "json.decoder", "json.encoder")
_ENCODINGS = (
    "ascii", "base64_codec", "big5", "charmap", "cp1252", "cp437", "euc_jp", "gbk", "hex_codec", "idna", "iso8859_1",
    "iso8859_15", "koi8_r", "latin_1", "punycode", "quopri_codec", "raw_unicode_escape", "rot_13", "shift_jis",
    "unicode_escape", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7", "utf_8",
    "utf_8_sig", "zlib_codec",
)  # fmt: skip


def refusal(name):
    return f"module {name!r} is not offered; these are: {', '.join(MODULES)}"


def _sizes_differ(*arguments):
    raise NotImplementedError("sizes of objects are not offered: they are those of this interpreter, with words of 32 bits")


def load():
    """Loads everything that is offered, and leaves nothing that could look for files afterwards."""
    for name in MODULES + _SUBMODULES:
        importlib.import_module(name)
    for name in _ENCODINGS:
        try:
            "".encode(name)
        except LookupError:
            # A codec for bytes only, or one that this build of CPython lacks; either way it has been looked for.
            pass
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__name__ != "PathFinder"]
    sys.getsizeof = _sizes_differ

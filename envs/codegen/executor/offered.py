"""What a solution may import, loaded or stored once before the snapshot.

Which modules, and why not the others, is in `modules.py`. What would ask a machine is replaced in `surroundings.py`.
"""

import importlib
import importlib.machinery
import importlib.util
import marshal
import pkgutil
import sys

import modules
import values

MODULES = tuple(modules.OFFERED)
refusal = modules.refusal
# What `azr-env serve` sends for each program.
PREPARED = ("import run_code\nf = run_code.begin(__builtins__)",)

_SUBMODULES = ("collections.abc", "html.entities", "html.parser", "json.decoder", "json.encoder", "importlib.machinery")
_ENCODINGS = ("ascii", "idna", "latin_1", "raw_unicode_escape", "unicode_escape", "utf_16", "utf_32", "utf_8")
# What a solution prints is one value, and longer than a value that a policy has to write down.
_VALUE_MAX_BYTES = 16 << 20


class _Stored:
    """Finds the modules of which the snapshot has the code, and runs it."""

    __name__ = "Stored"
    codes, packages = {}, set()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls.codes:
            return importlib.machinery.ModuleSpec(name, cls, origin="stored", is_package=name in cls.packages)
        return None

    @staticmethod
    def create_module(spec):
        return None

    @classmethod
    def exec_module(cls, module):
        exec(marshal.loads(cls.codes[module.__name__]), module.__dict__)

    @classmethod
    def store(cls, name):
        """A module from the files that are there while the snapshot is made, and its submodules."""
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ImportError(name)
        code = spec.loader.get_code(name) if hasattr(spec.loader, "get_code") else None
        if code is None:
            # Built into the interpreter.
            return
        cls.codes[name] = marshal.dumps(code)
        if spec.submodule_search_locations:
            cls.packages.add(name)
            for part in pkgutil.iter_modules(spec.submodule_search_locations):
                if part.name not in ("__main__", "idlelib", "test", "tests", "windows_events", "windows_utils"):
                    cls.store_if_found(f"{name}.{part.name}")

    @classmethod
    def store_if_found(cls, name):
        try:
            cls.store(name)
        except ImportError:
            # Written for something that this build lacks.
            pass


def load():
    """Loads everything that is offered, and leaves nothing that could look for files afterwards."""
    for name in modules.LOADED + _SUBMODULES:
        importlib.import_module(name)
    for name in _ENCODINGS:
        "".encode(name)
    for name in modules.STORED + modules.PARTS:
        if name not in sys.builtin_module_names:
            _Stored.store_if_found(name)
    for name, text in (modules.STUBS | modules.UNOFFERED_STUBS).items():
        _Stored.codes[name] = marshal.dumps(compile(text, f"{name}.py", "exec"))
    for name, ours in modules.STAND_INS.items():
        _Stored.store(ours)
        _Stored.codes[name] = _Stored.codes.pop(ours)
    # The interpreter's own bindings have loaded theirs.
    ours = {name.partition(".")[0] for table in (modules.STUBS, modules.UNOFFERED_STUBS, modules.STAND_INS) for name in table}
    for name in [name for name in sys.modules if name.partition(".")[0] in ours | {"_asyncio"}]:
        del sys.modules[name]
    surroundings, harness, run_code = (importlib.import_module(name) for name in ("surroundings", "harness", "run_code"))
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__name__ != "PathFinder"] + [_Stored]
    surroundings.install()
    harness.warm_up()
    run_code.warm_up()
    values.VALUE_MAX_BYTES = _VALUE_MAX_BYTES

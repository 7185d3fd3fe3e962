"""Runs a program as `python main.py` would, and returns its exit status, what it printed, and files that it wrote.

What every program finds, its streams and its module, is made before the snapshot. The interpreter is the program's own: it
can change all of this, and thereby nothing but what its own run comes to.
"""

import atexit
import builtins
import io
import sys
import types

import run_code_files
import surroundings

MAIN = run_code_files.FOLDER + "/main.py"


class _Stream(io.BytesIO):
    """What stands behind a standard stream. What was written stays readable when the program closes it."""

    def __init__(self, name, descriptor):
        super().__init__()
        self.name, self._descriptor = name, descriptor

    def fileno(self):
        return self._descriptor

    def close(self):
        pass


class _Process:
    """A program's surroundings."""

    def __init__(self):
        names = ("<stdin>", "<stdout>", "<stderr>")
        self.given, self.out, self.error = self.streams = tuple(map(_Stream, names, surroundings.STREAMS))
        self.stdin = io.TextIOWrapper(self.given, "utf-8")
        self.stdout = io.TextIOWrapper(self.out, "utf-8", "backslashreplace", "\n")
        self.stderr = io.TextIOWrapper(self.error, "utf-8", "backslashreplace", "\n", write_through=True)
        self.stdin.mode, self.stdout.mode, self.stderr.mode = "r", "w", "w"
        self.main = types.ModuleType("__main__")
        self.main.__file__ = MAIN
        self.files, self.opened = {}, None

    def run(self, code, stdin, files, fetch):
        """The exit status, standard output, standard error, and the content of those files of `fetch` that there are."""
        if stdin:
            self.given.write(stdin)
            self.given.seek(0)
        self.files = files
        stdout, stderr = self.stdout, self.stderr
        status = self._execute(code)
        for stream in (sys.stdout, stdout, sys.stderr, stderr):
            if not getattr(stream, "closed", True):
                try:
                    stream.flush()
                except Exception:
                    # The stream is one of the program's own making.
                    pass
        return status, self.out.getvalue(), self.error.getvalue(), self.folder().fetch(fetch) if fetch else {}

    def _execute(self, code):
        try:
            try:
                exec(compile(code, MAIN, "exec", 0, True), self.main.__dict__)
            finally:
                if not isinstance(sys.exception(), surroundings.Exit):
                    atexit._run_exitfuncs()
        except SystemExit as end:
            if end.code is None:
                return 0
            if isinstance(end.code, int):
                return int(end.code) & 255
            print(end.code, file=self.stderr)
        except BaseException as exception:
            run_code_files.explain(exception, code, MAIN, self.stderr, OWN)
        else:
            return 0
        return 1

    def folder(self):
        """The files of the program."""
        if self.opened is None:
            self.opened = run_code_files.Folder(self.files, self.streams, self.names, self.offered_import)
        return self.opened

    def open(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        return self.folder().open(file, mode, encoding, errors, newline)

    def import_module(self, name, globals=None, locals=None, fromlist=(), level=0):
        if level > 0 or self.files or self.opened is not None or name.partition(".")[0] in run_code_files.REACH_FILES:
            return self.folder().import_module(name, globals, locals, fromlist, level)
        return self.offered_import(name, globals, locals, fromlist, level)


# Files whose lines no traceback shows.
OWN = {_Process.run.__code__.co_filename, run_code_files.explain.__code__.co_filename}


def begin(builtin_names):
    """What runs one program, for which these names are builtin."""
    global _prepared
    # Only the first is prepared.
    process, _prepared = _prepared or _Process(), None
    process.names, process.offered_import = builtin_names, builtin_names["__import__"]
    sys.stdin = sys.__stdin__ = process.stdin
    sys.stdout = sys.__stdout__ = process.stdout
    sys.stderr = sys.__stderr__ = process.stderr
    builtins.open = io.open = builtin_names["open"] = process.open
    builtin_names["__import__"] = process.import_module
    process.main.__builtins__ = builtin_names
    sys.modules["__main__"] = process.main
    sys.argv = [MAIN]
    return process.run


_prepared = None
_WARM_UP = """
import math
from collections import defaultdict
def double(x): return 2 * x
if __name__ == '__main__':
    n = int(input())
    print(*[double(int(input())) for _ in range(n)], f'{math.pi:.3f}', sep=' ')
"""


def warm_up():
    """Runs what every program runs, and leaves everything else as it was."""
    global _prepared
    before = {module: dict(vars(module)) for module in (sys, builtins, io)}
    for _ in range(3):
        for code in (_WARM_UP, "x = 1", "print('x')", "import sys\\nsys.exit(1)", "1 / 0", "def f(:", "open('missing')"):
            begin(dict(builtins.__dict__))(code, b"2\n3\n4\n", {"a.txt": b""}, ["a.txt"])
            for module, names in before.items():
                vars(module).update(names)
    sys.modules.pop("__main__")
    run_code_files.linecache.clearcache()
    _prepared = _Process()

"""The files of a program that `run_code.py` runs, and what else few programs need: tracebacks, modules among its files,
functions of `os`. There is one folder, in memory, with the files of the request.
"""

import builtins
import genericpath
import importlib.machinery
import io
import linecache
import os
import posixpath
import stat
import sys
import traceback
import types

import surroundings

FOLDER = "/sandbox"
# Modules that reach for files or wait for others to be there: with these come the functions of `os`.
REACH_FILES = {"os", "subprocess", "numpy", "pathlib", "glob", "shutil", "tempfile", "fileinput", "runpy"}


def explain(exception, code, name, errors, own):
    """The traceback, with lines of the program and without those of the files in `own`."""
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    try:
        explained = traceback.TracebackException(type(exception), exception, exception.__traceback__, compact=True)
        _leave_out(explained, own)
        explained.print(file=errors)
    except BaseException:
        print(type.__dict__["__name__"].__get__(type(exception)), file=errors)


def _leave_out(explained, own):
    explained.stack[:] = [frame for frame in explained.stack if frame.filename not in own]
    for other in (explained.__cause__, explained.__context__, *(explained.exceptions or ())):
        if other is not None:
            _leave_out(other, own)


def _path(name):
    """The absolute path, without `.` and `..`, which lead nowhere else."""
    parts = []
    for part in ("" if name.startswith("/") else FOLDER + "/").__add__(name).split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


class _File(io.BytesIO):
    """A file that was opened for writing; what is written is there for others when it is flushed."""

    def __init__(self, folder, path, content):
        super().__init__(content)
        self._folder, self._path, self.name = folder, path, path

    def flush(self):
        super().flush()
        self._folder.files[self._path] = self.getvalue()

    def close(self):
        if not self.closed:
            self.flush()
        super().close()


class Folder:
    """The files of the program, and the functions by which it reaches them."""

    def __init__(self, files, streams, builtin_names, offered_import):
        self.files = {_path(name): content for name, content in files.items()}
        self.streams, self.builtin_names, self.offered_import = streams, builtin_names, offered_import
        self.folders, self.writing = {"/", FOLDER}, []
        self.has_os = False
        for path in self.files:
            self._add_parents(path)

    def _add_parents(self, path):
        parent = path.rpartition("/")[0]
        while parent and parent not in self.folders:
            self.folders.add(parent)
            parent = parent.rpartition("/")[0]

    def fetch(self, names):
        for file in self.writing:
            if not file.closed:
                file.flush()
        return {name: self.files[_path(name)] for name in names if _path(name) in self.files}

    def open(self, file, mode, encoding, errors, newline):
        kinds = set(mode) & set("rwax")
        if len(kinds) != 1 or set(mode) - set("rwaxbt+") or set("bt") <= set(mode):
            raise ValueError(f"invalid mode: {mode!r}")
        if "b" in mode and (encoding or errors or newline):
            raise ValueError("binary mode doesn't take an encoding, errors or newline argument")
        stream = self._stream(file, kinds.pop(), "+" in mode)
        if "b" in mode:
            return stream
        text = io.TextIOWrapper(stream, encoding or "utf-8", errors, newline)
        text.mode = mode
        return text

    def _stream(self, file, kind, both):
        standard = surroundings.NAMES.get(file) if isinstance(file, (int, str)) else None
        if standard is not None:
            return self.streams[standard]
        if isinstance(file, int):
            raise OSError(9, "Bad file descriptor")
        name = _text(file)
        path = _path(name)
        if path in self.folders:
            raise IsADirectoryError(21, "Is a directory", name)
        if kind == "r" and path not in self.files or path.rpartition("/")[0] not in self.folders | {""}:
            raise FileNotFoundError(2, "No such file or directory", name)
        if kind == "x" and path in self.files:
            raise FileExistsError(17, "File exists", name)
        if kind == "r" and not both:
            stream = io.BytesIO(self.files[path])
            stream.name = name
            return stream
        stream = _File(self, path, self.files[path] if kind in "ra" and path in self.files else b"")
        if kind == "a":
            stream.seek(0, 2)
        stream.flush()
        self.writing.append(stream)
        return stream

    def _read(self, descriptor, size, /):
        return self.streams[surroundings.stream_of(descriptor, (0,))].read(size)

    def _write(self, descriptor, data, /):
        return self.streams[surroundings.stream_of(descriptor, (1, 2))].write(data)

    def import_module(self, name, globals, locals, fromlist, level):
        top = name.partition(".")[0]
        if level == 0 and top in REACH_FILES and not self.has_os:
            self.has_os = True
            self._complete_os()
        if level > 0 or self._has_module(top):
            self._complete_finders()
            return builtins.__import__(name, globals, locals, fromlist, level)
        stub = _STUBS.get(name)
        if stub is not None and (name != "numpy" or (globals or {}).get("__name__") != "__main__"):
            return stub()
        return self.offered_import(name, globals, locals, fromlist, level)

    def _has_module(self, name):
        path = f"{FOLDER}/{name}"
        return path + ".py" in self.files or path in self.folders

    def _complete_finders(self):
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder(self))

    def _complete_os(self):
        """The functions of `os` and `os.path` that concern files."""
        files, folders = self.files, self.folders

        def missing(path):
            return FileNotFoundError(2, "No such file or directory", path)

        def stat_of(path, *, dir_fd=None, follow_symlinks=True):
            full = _path(_text(path))
            if full not in files and full not in folders:
                raise missing(path)
            kind = stat.S_IFREG if full in files else stat.S_IFDIR
            return os.stat_result((kind | 0o644, 0, 0, 1, 0, 0, len(files.get(full, b"")), 0, 0, 0))

        def listdir(path="."):
            full = _path(_text(path))
            if full not in folders:
                raise missing(path)
            prefix = full.rstrip("/") + "/"
            return sorted({name[len(prefix) :].split("/")[0] for name in files.keys() | folders if name.startswith(prefix)} - {""})

        def mkdir(path, mode=0o777, *, dir_fd=None):
            full = _path(_text(path))
            if full in folders or full in files:
                raise FileExistsError(17, "File exists", path)
            folders.add(full)

        def makedirs(path, mode=0o777, exist_ok=False):
            full = _path(_text(path))
            if full in files or full in folders and not exist_ok:
                raise FileExistsError(17, "File exists", path)
            folders.add(full)
            self._add_parents(full)

        def remove(path, *, dir_fd=None):
            if files.pop(_path(_text(path)), None) is None:
                raise missing(path)

        def rename(source, target, **options):
            content = files.pop(_path(_text(source)), None)
            if content is None:
                raise missing(source)
            files[_path(_text(target))] = content

        def rmdir(path, *, dir_fd=None):
            if listdir(path):
                raise OSError(39, "Directory not empty", path)
            folders.discard(_path(_text(path)))

        vars(os).update(
            read=self._read, write=self._write, stat=stat_of, lstat=stat_of, listdir=listdir, mkdir=mkdir, makedirs=makedirs, remove=remove, unlink=remove,
            rename=rename, replace=rename, rmdir=rmdir, getcwd=lambda: FOLDER, fspath=os.fspath,
        )  # fmt: skip
        found = {
            "exists": lambda path: _path(_text(path)) in files.keys() | folders,
            "isfile": lambda path: _path(_text(path)) in files,
            "isdir": lambda path: _path(_text(path)) in folders,
            "getsize": lambda path: stat_of(path).st_size,
        }
        found["lexists"] = found["exists"]
        for module in (genericpath, posixpath):
            vars(module).update(found)


def _text(path):
    path = path.__fspath__() if hasattr(path, "__fspath__") else path
    return path.decode() if isinstance(path, bytes) else path


class _Finder:
    """Finds the modules among the files of the request."""

    def __init__(self, folder):
        self._folder = folder

    def find_spec(self, name, path=None, target=None):
        place = f"{FOLDER}/{name.replace('.', '/')}"
        files, folders = self._folder.files, self._folder.folders
        for file, is_package in ((place + "/__init__.py", True), (place + ".py", False)):
            if file in files:
                spec = importlib.machinery.ModuleSpec(name, self, origin=file, is_package=is_package)
                spec.has_location = True
                return spec
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if place in folders else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__builtins__ = self._folder.builtin_names
        origin = module.__spec__.origin
        if origin is not None:
            exec(compile(self._folder.files[origin], origin, "exec", 0, True), module.__dict__)


def _subprocess():
    """There are no other processes; harnesses import the module to take its functions away."""
    return importlib.import_module("subprocess")


def _numpy():
    """What the harness of LiveCodeBench asks of numpy. A program is told that there is none."""

    def allclose(a, b, rtol=1e-5, atol=1e-8):
        return all(x == y or abs(x - y) <= atol + rtol * abs(y) < float("inf") for x, y in zip(a, b, strict=True))

    module = types.ModuleType("numpy")
    module.allclose = allclose
    return module


_STUBS = {"subprocess": _subprocess, "numpy": _numpy}

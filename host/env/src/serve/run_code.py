"""Runs a program as `python main.py` would, and returns its exit status, what it printed, and files that it wrote.

Runs inside the executor, in the interpreter of the program, which can change all of it and thereby nothing but what its
own run comes to. Every run loads and executes this module anew, so it holds what every program needs and no class; the
files of a program are in `run_code_files.py`, which is loaded when it is first needed.
"""

_FOLDER = "/sandbox"
_MAIN = _FOLDER + "/main.py"
# The dictionary with the executor's own `__import__`, which refuses what is not offered.
_builtins = __builtins__
_offered_import = _builtins["__import__"]
# Modules that reach for files or wait for others to be there: with these come the functions of `run_code_files.py`.
_REACH_FILES = {"os", "subprocess", "numpy", "pathlib", "glob", "shutil", "tempfile", "fileinput", "runpy"}
# The end by `os._exit`, once there is one.
_Exit = ()
_given = _folder = None


def run(code, stdin, files, fetch, files_module):
    """The exit status, standard output, standard error, and the content of those files of `fetch` that there are."""
    global _given
    io = sys.modules["io"]
    given, out, error = io.BytesIO(stdin), io.BytesIO(), io.BytesIO()
    # What was written stays readable when the program closes its output.
    out.close = error.close = _stay_open
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(given, "utf-8")
    sys.stdout = sys.__stdout__ = output = io.TextIOWrapper(out, "utf-8", "backslashreplace", "\n")
    sys.stderr = sys.__stderr__ = errors = io.TextIOWrapper(error, "utf-8", "backslashreplace", "\n", write_through=True)
    _given = (files, (given, out, error), files_module)
    sys.modules["builtins"].open = io.open = _builtins["open"] = _open
    _builtins["__import__"] = _import
    sys.modules["__main__"] = module = type(sys)("__main__")
    namespace = module.__dict__
    namespace["__builtins__"], namespace["__file__"] = _builtins, _MAIN
    sys.argv = [_MAIN]
    status = _execute(code, namespace, errors)
    for stream in (sys.stdout, output, sys.stderr, errors):
        if not getattr(stream, "closed", True):
            try:
                stream.flush()
            except Exception:
                # The stream is one of the program's own making.
                pass
    return status, out.getvalue(), error.getvalue(), folder().fetch(fetch) if fetch else {}


def _stay_open():
    pass


def _execute(code, namespace, errors):
    try:
        try:
            exec(compile(code, _MAIN, "exec", 0, True), namespace)
        finally:
            atexit = sys.modules.get("atexit")
            if atexit is not None and not isinstance(sys.exception(), _Exit):
                atexit._run_exitfuncs()
    except SystemExit as end:
        if end.code is None:
            return 0
        if isinstance(end.code, int):
            return int(end.code) & 255
        print(end.code, file=errors)
    except BaseException as exception:
        folder()
        explain(exception, code, errors)
    else:
        return 0
    return 1


def folder():
    """The files of the program."""
    global _folder
    if _folder is None:
        files, streams, files_module = _given
        exec(sys.modules["marshal"].loads(files_module), globals())
        _folder = Folder({_path(name): content for name, content in files.items()}, streams)
    return _folder


def _open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    return folder().open(file, mode, encoding, errors, newline)


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    if level > 0 or _given[0] or _folder is not None or name.partition(".")[0] in _REACH_FILES:
        return folder().import_module(name, globals, locals, fromlist, level)
    return _offered_import(name, globals, locals, fromlist, level)

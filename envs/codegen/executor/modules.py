"""The modules of CPython's standard library: which ones a solution may import, and why it may not import the others.

`LOADED` are in memory when a program starts. Of `STORED` only the code is: it runs when a program imports it. Each public
name of `sys.stdlib_module_names` stands in one of the tables (`test_modules.py`).
"""

# What solutions use, so that it costs them nothing; and what these need in order to load.
LOADED = (
    "_strptime", "abc", "array", "ast", "atexit", "base64", "binascii", "bisect", "builtins", "calendar", "cmath", "codecs",
    "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "errno", "fractions",
    "functools", "gc", "graphlib", "hashlib", "heapq", "html", "inspect", "io", "itertools", "json", "keyword", "locale",
    "math", "numbers", "operator", "os", "posixpath", "pprint", "queue", "random", "re", "reprlib", "stat", "statistics",
    "string", "struct", "sys", "textwrap", "threading", "time", "tokenize", "traceback", "types", "typing", "unicodedata",
    "warnings", "weakref", "zlib",
)  # fmt: skip

STORED = (
    "annotationlib", "argparse", "asyncio", "bdb", "cmd", "code", "codeop", "colorsys", "concurrent", "configparser",
    "contextvars", "copyreg", "csv",
    "dis", "doctest", "email", "encodings", "fileinput", "fnmatch", "genericpath", "getopt", "getpass", "gettext", "glob",
    "gzip", "hmac", "importlib", "ipaddress", "linecache", "logging", "marshal", "mimetypes", "nturl2path", "ntpath", "opcode",
    "optparse", "pathlib", "pickle", "pickletools", "pkgutil", "platform", "plistlib", "py_compile", "pyclbr", "quopri",
    "runpy", "sched", "secrets", "shelve", "shlex", "shutil", "sre_compile", "sre_constants", "sre_parse", "stringprep",
    "symtable", "sysconfig", "tabnanny", "tempfile", "this", "timeit", "token", "tomllib", "trace", "unittest", "urllib", "uuid",
    "xml", "zipfile", "zoneinfo",
)  # fmt: skip

# What such modules are made of, and what they ask for without need.
PARTS = (
    "__future__", "_collections_abc", "_colorize", "_compat_pickle", "_markupbase", "_opcode_metadata", "_py_abc",
    "_pydatetime", "_pydecimal", "_pyio", "_pylong", "_sitebuiltins", "_threading_local", "_weakrefset",
)  # fmt: skip

# Modules of which programs want no more than that they are there. By name, with their text.
STUBS = {
    # Templates of contestants ask for a larger stack.
    "resource": """RLIM_INFINITY = -1
RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_AS = 0, 1, 2, 3, 4, 7, 9
RUSAGE_SELF, RUSAGE_CHILDREN = 0, -1
error = OSError
def setrlimit(resource, limits): pass
def getrlimit(resource): return (-1, -1)
""",
    "signal": """SIG_DFL, SIG_IGN = 0, 1
SIGINT, SIGKILL, SIGPIPE, SIGALRM, SIGTERM = 2, 9, 13, 14, 15
def signal(number, handler): return SIG_DFL
def getsignal(number): return SIG_DFL
def alarm(seconds): return 0
def setitimer(which, seconds, interval=0.0): return (0.0, 0.0)
ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF = 0, 1, 2
default_int_handler = None
""",
    # `doctest` needs it to be there.
    "pdb": """class Pdb:
    def __init__(self, *arguments, **named): pass
    def __getattr__(self, name): return set_trace
def set_trace(*arguments, **named): pass
""",
    "faulthandler": """def enable(*arguments, **named): pass
def disable(): pass
def is_enabled(): return False
""",
    "tracemalloc": """def start(depth=1): pass
def stop(): pass
def is_tracing(): return False
def get_traced_memory(): return (0, 0)
""",
}

# What offered modules ask for and programs do not get: `asyncio` wants it to be there.
UNOFFERED_STUBS = {
    "socket": """AF_UNSPEC, SOCK_STREAM, SOCK_DGRAM, AI_PASSIVE, IPPROTO_TCP = 0, 1, 2, 1, 6
class socket: pass
def getaddrinfo(*arguments, **named): raise PermissionError(1, "there is no network here")
""",
    "subprocess": """PIPE, STDOUT, DEVNULL = -1, -2, -3
class SubprocessError(Exception): pass
class CalledProcessError(SubprocessError): pass
class TimeoutExpired(SubprocessError): pass
def Popen(*arguments, **named): raise PermissionError(1, "there are no other processes here")
run = call = check_call = check_output = Popen
""",
}

# Modules of ours in the place of theirs.
STAND_INS = {
    "asyncio.unix_events": "event_loop", "concurrent.futures.process": "pools", "concurrent.futures.thread": "pools",
}  # fmt: skip

_REASONS = {
    "the network": (
        "ftplib", "http", "imaplib", "poplib", "select", "selectors", "smtplib", "socket", "socketserver", "ssl",
        "webbrowser", "wsgiref", "xmlrpc", "antigravity", "mailbox", "netrc",
    ),
    "other processes": ("multiprocessing", "pty", "subprocess", "venv", "ensurepip", "zipapp", "compileall"),
    "files": ("dbm", "filecmp", "mmap", "sqlite3", "tarfile", "zipimport", "site", "modulefinder"),
    "a terminal or a window": (
        "curses", "idlelib", "pydoc", "pydoc_data", "readline", "rlcompleter", "termios", "tkinter", "tty", "turtle",
        "turtledemo", "fcntl", "grp", "pwd", "syslog", "cProfile", "profile", "pstats",
    ),
    "libraries in C that are not in this build": (
        "bz2", "compression", "ctypes", "lzma", "pyexpat", "wave", "_remote_debugging",
    ),
    "another operating system": ("msvcrt", "nt", "winreg", "winsound", "posix"),
}  # fmt: skip
LEFT_OUT = {name: reason for reason, names in _REASONS.items() for name in names}

# The last two are what a solution itself may be called.
OFFERED = frozenset(LOADED + STORED + tuple(STUBS) + ("__future__", "harness", "run_code", "__main__", "solution"))


def refusal(name):
    """Why a module cannot be imported."""
    top = name.partition(".")[0]
    if top in LEFT_OUT:
        return f"module {name!r} is not offered: it is for {LEFT_OUT[top]}"
    return f"module {name!r} is not offered: it is not part of Python's standard library"

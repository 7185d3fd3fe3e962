"""What a program finds of a machine: clocks, entropy, descriptors, threads. All of it made up, and the same in every run.

There is nothing behind WASI's functions here; a call of one ends the run as a crash. So whatever asks the machine is
replaced before the snapshot: it answers where an answer without a machine makes sense, and raises `PermissionError`
where it does not.
"""

import _random
import atexit
import builtins
import datetime
import gc
import io
import os
import posix
import random
import stat
import sys
import threading
import time
import types

# 2024-01-01, arbitrary. Each reading of a clock is a millisecond later than the last, so that whoever waits or divides by
# the time that passed comes to an end.
_BEGINNING_NS = 1_704_067_200 * 10**9
_TICK_NS = 10**6

_passed_ns = 0


def passed_ns(reading_ns=_TICK_NS):
    """What has passed since the beginning, after a reading of a clock that takes so long."""
    global _passed_ns
    _passed_ns += reading_ns
    return _passed_ns


def _clocks():
    def wall_ns():
        return _BEGINNING_NS + passed_ns()

    def named(name, read):
        read.__name__ = read.__qualname__ = name
        setattr(time, name, read)

    named("time_ns", wall_ns)
    named("time", lambda: wall_ns() / 1e9)
    for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
        named(name, lambda: passed_ns() / 1e9)
        named(name + "_ns", lambda: passed_ns())
    named("clock_gettime", lambda clock: wall_ns() / 1e9)
    named("clock_gettime_ns", lambda clock: wall_ns())
    named("clock_getres", lambda clock: _TICK_NS / 1e9)
    information = types.SimpleNamespace(implementation="none", monotonic=True, adjustable=False, resolution=1e-3)
    named("get_clock_info", lambda name: information)
    named("sleep", _sleep)
    for name in ("gmtime", "localtime", "ctime"):
        named(name, _of_now(getattr(time, name)))
    asctime, strftime = time.asctime, time.strftime
    named("asctime", lambda moment=None: asctime(moment or time.localtime()))
    named("strftime", lambda form, moment=None: strftime(form, moment or time.localtime()))
    # The type is written in C and cannot be changed from outside, but its dictionary can.
    names = gc.get_referents(datetime.datetime.__dict__)[0]
    names["now"] = classmethod(lambda cls, tz=None: cls.fromtimestamp(time.time(), tz))
    names["utcnow"] = classmethod(lambda cls: cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None))
    sys._clear_internal_caches()


def _of_now(convert):
    return lambda seconds=None: convert(time.time() if seconds is None else seconds)


def _sleep(seconds):
    global _passed_ns
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    _passed_ns += int(seconds * 1e9)


_SEED = 20240101
_entropy = random.Random(_SEED)


def _urandom(size, /):
    return _entropy.randbytes(size)


def _randomness():
    """Generators that nobody seeds draw the same numbers in every run."""
    seed = random.Random.seed
    # What calls these by default asks the machine.
    random.Random.__new__ = staticmethod(lambda cls, *seeds, **named: _random.Random.__new__(cls, _SEED))
    random.Random.seed = lambda self, a=None, version=2: seed(self, _entropy.getrandbits(256) if a is None else a, version)
    random.seed = random._inst.seed
    os.urandom = posix.urandom = random._urandom = _urandom
    os.getrandom = lambda size, flags=0: _urandom(size)


# What the streams call themselves: with 0, `input` would ask the machine whether that is a terminal.
STREAMS = _STDIN, _STDOUT, _STDERR = 10, 11, 12
_DESCRIPTORS = {0: 0, 1: 1, 2: 2, _STDIN: 0, _STDOUT: 1, _STDERR: 2}


class Descriptors:
    """What stands behind the descriptors 0, 1 and 2."""

    def __init__(self):
        self.restart(b"")

    def restart(self, given):
        self.given, self.at = given, 0
        self.written = Kept()

    def read(self, size):
        part = self.given[self.at : self.at + size]
        self.at += len(part)
        return part


class Kept(io.BytesIO):
    """What was written stays readable when the program closes its output."""

    def close(self):
        pass

    def fileno(self):
        return _STDOUT


class _Swallowed(io.BytesIO):
    def write(self, data):
        return len(data)

    def fileno(self):
        return _STDERR


class _Input(io.RawIOBase):
    """The standard input. However it is opened, what was read is gone."""

    name = "<stdin>"
    mode = "rb"

    def readable(self):
        return True

    def fileno(self):
        return _STDIN

    def readinto(self, buffer):
        part = descriptors.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def readall(self):
        return descriptors.read(len(descriptors.given))


descriptors = Descriptors()
NAMES = _DESCRIPTORS | {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
NAMES |= {f"{folder}/{number}": number for folder in ("/dev/fd", "/proc/self/fd") for number in range(3)}


def standard_streams(given):
    """Begins anew with this input: `sys.stdin` and `sys.stdout` as a program finds them. Returns the output."""
    descriptors.restart(given)
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(_Input()), "utf-8")
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(descriptors.written, "utf-8", newline="\n")
    return sys.stdout


def finish(output):
    """The end of an interpreter: what was registered for it is called, and what was printed is written."""
    atexit._run_exitfuncs()
    atexit._clear()
    for stream in (sys.stdout, output):
        if not getattr(stream, "closed", False):
            stream.flush()


def written():
    return descriptors.written.getvalue().decode()


def _open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    """There are the standard input and outputs, and no other files."""
    name = os.fsdecode(os.fspath(file)) if not isinstance(file, int) else int(file)
    number = NAMES.get(name)
    if number is None or number == 0 and "r" not in mode:
        raise FileNotFoundError(2, "No such file or directory", name)
    stream = (lambda: io.BufferedReader(_Input()), lambda: descriptors.written, _Swallowed)[number]()
    if "b" in mode:
        return stream
    return io.TextIOWrapper(stream, encoding or "utf-8", errors, newline, line_buffering=number > 0, write_through=number > 0)


def _files():
    builtins.open = io.open = _open
    io.FileIO = lambda file, mode="r", closefd=True, opener=None: _open(file, mode.replace("b", "") + "b")
    io.open_code = lambda path: _open(path, "rb")


def stream_of(number, wanted=(0, 1, 2)):
    """Which of the standard streams a descriptor is."""
    place = _DESCRIPTORS.get(number)
    if place not in wanted:
        raise OSError(9, "Bad file descriptor")
    return place


def _write(descriptor, data, /):
    if stream_of(descriptor, (1, 2)) == 1:
        descriptors.written.write(data)
    return len(data)


def _read(descriptor, size, /):
    stream_of(descriptor, (0,))
    return descriptors.read(size)


def _fstat(descriptor, /):
    size = len(descriptors.given) if stream_of(descriptor) == 0 else 0
    return os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, 0, 0, size, 0, 0, 0))


class Exit(SystemExit):
    """The end by `os._exit`."""


def _exit(status, /):
    raise Exit(status)


# What the module `os` can say without a machine.
_PURE = (
    "fspath", "fsencode", "fsdecode", "strerror", "WEXITSTATUS", "WIFEXITED", "WIFSIGNALED", "WTERMSIG", "get_exec_path",
    "getenv", "getenvb", "_path_normpath", "_path_splitroot", "_path_splitroot_ex", "stat_result", "error", "DirEntry",
    "terminal_size", "times_result", "uname_result", "statvfs_result", "waitid_result", "sched_param", "PathLike",
)  # fmt: skip


def _operating_system():
    def refuse(name):
        def refused(*arguments, **named):
            raise PermissionError(1, f"os.{name} is not offered", None)

        refused.__name__ = refused.__qualname__ = name
        return refused

    answers = {
        "_exit": _exit, "read": _read, "write": _write, "fstat": _fstat, "urandom": _urandom, "close": lambda fd: None,
        "isatty": lambda fd: False, "getcwd": lambda: "/", "getcwdb": lambda: b"/", "cpu_count": lambda: 1,
        "process_cpu_count": lambda: 1, "getpid": lambda: 1, "getppid": lambda: 0, "fsync": lambda fd: None,
        "sched_yield": lambda: None, "putenv": lambda name, value: None,
        "unsetenv": lambda name: None, "umask": lambda mask: 0o22, "lseek": _seek, "dup": lambda fd: fd,
        "times": lambda: os.times_result((passed_ns() / 1e9, 0.0, 0.0, 0.0, passed_ns() / 1e9)),
        "getloadavg": lambda: (0.0, 0.0, 0.0), "fdopen": lambda fd, *arguments, **named: _open(fd, *arguments, **named),
    }  # fmt: skip
    for module in (os, posix):
        for name, value in list(vars(module).items()):
            if isinstance(value, types.BuiltinFunctionType) and name not in _PURE:
                setattr(module, name, answers.get(name) or refuse(name))
        for name, answer in answers.items():
            setattr(module, name, answer)
    for name in ("system", "popen", "walk", "makedirs", "removedirs"):
        setattr(os, name, refuse(name))
    for name in ("stat", "lstat", "listdir", "scandir", "mkdir", "remove", "unlink", "rename"):
        missing = _missing(name)
        setattr(os, name, missing)
        setattr(posix, name, missing)
    for module in (sys.modules["genericpath"], sys.modules["posixpath"]):
        vars(module).update({name: absent for name, absent in _ABSENT.items() if name in vars(module)})
    os.environ.clear()
    os.environ.update(HOME="/", LANG="C.UTF-8", PATH="/usr/bin")


_ABSENT = {name: lambda path: False for name in ("exists", "isfile", "isdir", "islink", "lexists", "ismount")}


def _missing(name):
    def missing(path=".", *arguments, **named):
        if type(path) is int:
            return _fstat(path)
        raise FileNotFoundError(2, "No such file or directory", path)

    missing.__name__ = missing.__qualname__ = name
    return missing


def _seek(descriptor, position, how, /):
    stream_of(descriptor, (0,))
    descriptors.at = max(0, (0, descriptors.at, len(descriptors.given))[how] + position)
    return descriptors.at


def _threads():
    """A thread does all its work when it is started. Solutions take one to have a larger stack."""

    def start(self):
        if self._started.is_set():
            raise RuntimeError("threads can only be started once")
        self._started.set()
        try:
            self.run()
        except Exit:
            raise
        except (Exception, SystemExit):
            # Elsewhere it is told on standard error, and the others go on.
            pass

    Thread = threading.Thread
    Thread.start = start
    Thread.join = lambda self, timeout=None: None
    Thread.is_alive = lambda self: False
    threading.stack_size = lambda size=0: 0
    threading.Timer.start = start
    threading.Timer.run = lambda self: None if self.finished.is_set() else self.function(*self.args, **self.kwargs)


def install():
    """Replaces all of it. What is imported afterwards finds it so."""
    _clocks()
    _randomness()
    _files()
    _operating_system()
    _threads()

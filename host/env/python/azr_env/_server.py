"""The program `azr-env`, and a server that lives as long as the process that started it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path

# What a server offers that nobody told what to offer: Python and JavaScript.
DEFAULT_ENVIRONMENTS = ("codegen", "javascript")


def program() -> str:
    """The program `azr-env`: what `AZR_ENV` names, the one that was installed with this package, or one in `PATH`."""
    named = os.environ.get("AZR_ENV")
    if named:
        return named
    installed = Path(sysconfig.get_path("scripts")) / "azr-env"
    if installed.is_file():
        return str(installed)
    found = shutil.which("azr-env")
    if found is None:
        raise FileNotFoundError(f"azr-env is neither {installed} nor in PATH; install the package azr-env again")
    return found


def environment(name: str) -> str:
    """The file of an environment that came with this package."""
    folder = Path(os.environ.get("AZR_ENVS") or Path(__file__).with_name("envs"))
    path = folder / f"{name}.wasm"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.wasm"))) or "none"
        raise FileNotFoundError(f"there is no environment {name!r} in {folder}; there are: {known}")
    return str(path)


class Server:
    """`azr-env serve` on a free port of this machine. Started when its address is asked for, and again if it dies."""

    def __init__(self, environments: Sequence[str | os.PathLike[str]] = DEFAULT_ENVIRONMENTS, arguments: Sequence[str] = ()) -> None:
        """Environments are files, `oci://host/name`, or names of those that came with this package."""
        names = [os.fspath(name) for name in environments]
        self._environments = [name if os.sep in name or name.endswith(".wasm") else environment(name) for name in names]
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None
        self._url = ""
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._url

    def _start(self) -> None:
        if self._process is not None:
            _close_pipes(self._process)
        environments = [f"--env={path}" for path in self._environments]
        # The port of a server that died stays the same, so that clients of other processes find the new one.
        listen = self._url.removeprefix("http://") or "127.0.0.1:0"
        command = [program(), "serve", *environments, f"--listen={listen}", "--stop-with-stdin", *self._arguments]
        # Nothing is written to its input, which ends with this process, however that ends.
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        assert process.stdout is not None
        last_said: deque[str] = deque(maxlen=20)
        passing_on = threading.Thread(target=_pass_on, args=(process, last_said), daemon=True)
        passing_on.start()
        first = process.stdout.readline()
        if not first.startswith("listening on "):
            status = process.wait()
            passing_on.join()
            _close_pipes(process)
            raise RuntimeError(f"azr-env serve ended with status {status}:\n{''.join(last_said).rstrip()}")
        self._process, self._url = process, first.split()[-1]

    def close(self) -> None:
        """Ends the server, after the requests that it has taken in."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()
            _close_pipes(process)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pass_on(process: subprocess.Popen[str], last_said: deque[str]) -> None:
    """Writes what the server says to `sys.stderr`, which notebooks show, until the server has ended."""
    assert process.stderr is not None
    with process.stderr as said:
        for line in said:
            last_said.append(line)
            # A server outlives the stream that it speaks to.
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(line)


def _close_pipes(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()

"""Requests and what comes of them."""

from __future__ import annotations

import asyncio
import atexit
import base64
import functools
import http.client
import json
import logging
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ._server import Server

T = TypeVar("T")
Json = dict[str, Any]

# A server that starts again needs some seconds; one that is busy, as long as what it has taken in.
_PATIENCE_S = 600.0
_PAUSE_MAX_S = 5.0
# After so long without an answer a person should know what is waited for.
_TELL_AFTER_S = 5.0
_CONNECT_S = 30.0
# Items of one request to a judge: enough that a connection does not matter, few enough that answers come early.
_BATCH = 64


_log = logging.getLogger("azr_env")


class Error(Exception):
    """A request without an answer."""


class Invalid(Error):
    """The request asks for something that there is not. Asking again does not help."""


class Fault(Error):
    """The sandbox's own fault, or the environment's: nothing is known about the program or the answer."""


@dataclass(frozen=True)
class RunResult:
    """How a program ended."""

    #: None where the program ran out of time, which is fuel.
    return_code: int | None
    stdout: str
    stderr: str
    out_of_time: bool
    #: Seconds of native CPython that the program's fuel stands for; the same on every machine.
    seconds: float
    fuel: int | None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.return_code == 0


class Client:
    """Asks a server; starts one if it is not told of any."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *, server: Server | None = None, patience_s: float = _PATIENCE_S
    ) -> None:
        """The URL is `http://host:8080`, or `http://user:TOKEN@host:8080`, and may have a path that a proxy wants. For
        `patience_s` seconds a request is repeated to a server that is busy or away."""
        if url is not None:
            parts = urllib.parse.urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{url!r} is no address of a server; one looks like http://127.0.0.1:8080")
            if token is None and parts.password is not None:
                token = urllib.parse.unquote(parts.password)
        if token is not None and not (token.isascii() and token.isprintable()):
            raise ValueError("the token has characters that no header can carry; a line end of its file, perhaps")
        self._server = server or (Server() if url is None else None)
        self._owns_server = server is None and url is None
        self._url, self._token, self._patience_s = url, token, patience_s
        self._connections = threading.local()

    def run_code(
        self,
        code: str,
        language: str = "python",
        *,
        stdin: str | None = None,
        files: Mapping[str, str | bytes] | None = None,
        fetch_files: Sequence[str] = (),
        run_timeout: float = 10.0,
        memory_limit_mb: int = -1,
    ) -> RunResult:
        """Runs a program in a fresh interpreter."""
        encoded = {name: _base64(content) for name, content in (files or {}).items()}
        request = {
            "code": code, "language": language, "stdin": stdin, "files": encoded,
            "fetch_files": [fetch_files] if isinstance(fetch_files, str) else list(fetch_files),
            "run_timeout": run_timeout, "memory_limit_MB": memory_limit_mb,
        }  # fmt: skip
        answer, headers = self._ask("POST", "/run_code", request)
        if answer["status"] == "SandboxError":
            raise Fault(answer["message"])
        result = answer["run_result"]
        return RunResult(
            return_code=result["return_code"],
            stdout=result["stdout"],
            stderr=result["stderr"],
            out_of_time=result["status"] == "TimeLimitExceeded",
            seconds=result["execution_time"],
            fuel=int(headers["azr-fuel"]) if "azr-fuel" in headers else None,
            files={name: base64.b64decode(content) for name, content in answer["files"].items()},
        )

    def environments(self) -> list[Json]:
        """Names, digests and kinds of what the server offers."""
        return self._ask("GET", "/v1/envs")[0]["environments"]

    def verify(self, env: str, items: Iterable[Json], *, ledger: bool = False) -> list[Json]:
        """Judges attempts: `{"task", "completion", "style"?, "settings"?}` each. A list of `{"verdict", …}` in their order."""
        return self._judge(env, "verify?ledger=true" if ledger else "verify", items)

    def validate(self, env: str, items: Iterable[Json], *, ledger: bool = False) -> list[Json]:
        """Which completions are tasks: `{"kind", "completion", …}` each."""
        return self._judge(env, "validate?ledger=true" if ledger else "validate", items)

    def exec(self, env: str, items: Iterable[Json]) -> list[Json]:
        """Runs programs as the environment means them: `{"program", "input"}` each."""
        return self._judge(env, "exec", items)

    def prompt(self, env: str, items: Iterable[Json]) -> list[Json]:
        """What a policy is asked: `{"role", "task" or "kind", …}` each."""
        return self._judge(env, "prompt", items)

    def import_tasks(self, env: str, lines: Iterable[str | Json], *, settings: Json | None = None) -> list[Json]:
        """The task, or the rejection, of each line of a data set."""
        return self._judge(env, "import", ({"line": line, "settings": settings or {}} for line in lines))

    def generate(self, env: str, kind: str, *, seed: int, count: int, first: int = 0, settings: Json | None = None) -> list[Json]:
        """Tasks that the environment makes itself."""
        item = {"kind": kind, "seed": seed, "first": first, "count": count, "settings": settings or {}}
        return self._judge(env, "generate", [item])[0]["tasks"]

    def _judge(self, env: str, call: str, items: Iterable[Json]) -> list[Json]:
        items, answers = list(items), []
        for start in range(0, len(items), _BATCH):
            answers += self._batch(f"/v1/envs/{urllib.parse.quote(env)}/{call}", items[start : start + _BATCH])
        return answers

    def _batch(self, path: str, items: list[Json]) -> list[Json]:
        answers, _ = self._ask("POST", path, items)
        for index, answer in enumerate(answers):
            if "error" in answer:
                raise (Fault if answer["fault"] else Invalid)(f"item {index}: {answer['error']}")
        return answers

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[Any, Mapping[str, str]]:
        """Asks until there is an answer, or no more patience."""
        try:
            content = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            # Among them a text with half of a character, as "\\ud800".
            raise Invalid(f"the request cannot be written as JSON: {error}") from error
        began, pause, told = time.monotonic(), 0.05, False
        while True:
            try:
                status, headers, answer = self._once(method, path, content)
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, ssl.SSLCertVerificationError) or getattr(error, "reason", "") == "WRONG_VERSION_NUMBER":
                    raise Invalid(f"no secure connection to {self._where()}: {error}") from error
                status, headers, problem = 503, {}, f"no answer from {self._where()}: {error!r}"
            else:
                if status == 200:
                    return json.loads(answer), headers
                problem = _detail(status, answer)
            if status not in (429, 502, 503, 504):
                raise (Fault if status >= 500 else Invalid)(problem)
            waited = time.monotonic() - began
            if waited > self._patience_s:
                raise Fault(f"{problem}; asked again for {self._patience_s:.0f} s")
            if waited > _TELL_AFTER_S and not told:
                told = True
                _log.warning("%s; asking again for %.0f s", problem, self._patience_s)
            time.sleep(pause)
            pause = min(2 * pause, float(headers.get("retry-after", _PAUSE_MAX_S)), _PAUSE_MAX_S)

    def _once(self, method: str, path: str, content: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        connection, prefix = self._connection()
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            if connection.sock is None:
                _connect(connection)
            try:
                connection.request(method, prefix + path, content, headers)
            except (BrokenPipeError, ConnectionResetError):
                # A server may refuse a request that it has not read to its end.
                pass
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        except BaseException:
            # It may be in the middle of an answer.
            connection.close()
            self._connections.now = None
            raise

    def _connection(self) -> tuple[http.client.HTTPConnection, str]:
        """One for each thread, kept open; and what comes before every path."""
        url = self._server.url if self._server is not None else self._url
        assert url is not None
        kept = getattr(self._connections, "now", None)
        if kept is not None and kept[0] == url:
            return kept[1:]
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc.rpartition("@")[2])
        # As SandboxFusion's clients are told it.
        prefix = parts.path.rstrip("/").removesuffix("/run_code")
        self._connections.now = (url, connection, prefix)
        return connection, prefix

    def _where(self) -> str:
        """The server, without its token."""
        parts = urllib.parse.urlsplit(self._url or "")
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if self._url else "the server that this client started"

    def close(self) -> None:
        """Ends this thread's connection, and the server that this client started."""
        kept = getattr(self._connections, "now", None)
        if kept is not None:
            kept[1].close()
            self._connections.now = None
        if self._owns_server and self._server is not None:
            self._server.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """The same for `asyncio`: up to `in_flight` requests at once, each by a thread that waits for it."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *, in_flight: int = 64, patience_s: float = _PATIENCE_S
    ) -> None:
        self._client = Client(url, token, patience_s=patience_s)
        self._threads = ThreadPoolExecutor(in_flight, thread_name_prefix="azr-env")

    async def run_code(self, code: str, language: str = "python", **options: Any) -> RunResult:
        return await self._call(self._client.run_code, code, language, **options)

    async def environments(self) -> list[Json]:
        return await self._call(self._client.environments)

    async def verify(self, env: str, items: Iterable[Json], *, ledger: bool = False) -> list[Json]:
        return await self._call(self._client.verify, env, items, ledger=ledger)

    async def validate(self, env: str, items: Iterable[Json], *, ledger: bool = False) -> list[Json]:
        return await self._call(self._client.validate, env, items, ledger=ledger)

    async def exec(self, env: str, items: Iterable[Json]) -> list[Json]:
        return await self._call(self._client.exec, env, items)

    async def prompt(self, env: str, items: Iterable[Json]) -> list[Json]:
        return await self._call(self._client.prompt, env, items)

    async def import_tasks(self, env: str, lines: Iterable[str | Json], *, settings: Json | None = None) -> list[Json]:
        return await self._call(self._client.import_tasks, env, lines, settings=settings)

    async def generate(self, env: str, kind: str, *, seed: int, count: int, first: int = 0, settings: Json | None = None) -> list[Json]:
        return await self._call(self._client.generate, env, kind, seed=seed, count=count, first=first, settings=settings)

    async def _call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        call = functools.partial(function, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        await self._call(self._client.close)
        self._threads.shutdown()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _connect(connection: http.client.HTTPConnection) -> None:
    """Answers may take as long as they take, but a machine that has gone is found out."""
    connection.timeout = _CONNECT_S
    connection.connect()
    connection.sock.settimeout(None)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        # Not every system has them all.
        if hasattr(socket, option):
            connection.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _base64(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


def _detail(status: int, answer: bytes) -> str:
    try:
        return f"{status}: {json.loads(answer)['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{status}: {answer[:200]!r}"


@functools.cache
def _default() -> Client:
    client = Client()
    atexit.register(client.close)
    return client


def run_code(code: str, language: str = "python", **options: Any) -> RunResult:
    """Runs a program in a fresh interpreter, with a server that ends with this process. As `Client.run_code`."""
    return _default().run_code(code, language, **options)

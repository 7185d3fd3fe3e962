"""A client of `azr-env serve`, and the server itself where there is none.

    import azr_env
    azr_env.run_code("print(6 * 7)").stdout

Every request is a pure question, so the client asks again when an answer was lost or the server was busy. What nobody
knows raises `Fault`: it is never a result, and so never becomes a reward of 0.
"""

from ._client import AsyncClient, Client, Error, Fault, Invalid, RunResult, run_code
from ._server import Server, environment, program

__all__ = [
    "AsyncClient",
    "Client",
    "Error",
    "Fault",
    "Invalid",
    "RunResult",
    "Server",
    "environment",
    "program",
    "run_code",
]

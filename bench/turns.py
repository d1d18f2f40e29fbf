"""Two servers that answer in turns: a machine is not equally fast for as long as a run takes."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Callable, Mapping

from bench.processes import PASSWORD, Running

_TOKEN = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
SIGNED_IN = {"Authorization": f"Basic {_TOKEN}", "User-Agent": "bench"}
#: What the gateway does after its answers is done by then.
SETTLE_SECONDS = 0.5
#: So much of an answer is read at once; what it says is thrown away.
_BLOCK = 1 << 20


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(
        self, method: str, path: str, body: bytes = b"", /, **headers: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        answer = self._asked(method, path, body, headers)
        return answer.status, answer.getheaders(), answer.read()

    def drain(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> tuple[int, int]:
        """Status and length of the answer, which is not kept."""
        answer, size = self._asked(method, path, body, headers), 0
        while block := answer.read(_BLOCK):
            size += len(block)
        return answer.status, size

    def _asked(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._http.request(method, path, body or None, {**SIGNED_IN, **named})
        return self._http.getresponse()


#: Sends request number N; raises for an answer that is not what it must be.
Ask = Callable[[Connection, int], None]


def take_turns(bare: Running, ours: Running, ask: Ask, count: int, turn: int) -> tuple[float, float]:
    """CPU microseconds of a request, of the limit and of the gateway; ``turn`` requests in a row to each."""
    sides = [(running, [Connection(running.port) for _ in range(4)]) for running in (bare, ours)]
    for _, connections in sides:
        for number in range(min(20, turn)):
            ask(connections[number % 4], -1 - number)
    time.sleep(SETTLE_SECONDS)
    before = [running.cpu_seconds() for running, _ in sides]
    for begun in range(0, count, turn):
        for _, connections in sides[:: 1 if begun // turn % 2 else -1]:
            for number in range(begun, begun + turn):
                ask(connections[number % 4], number)
    time.sleep(SETTLE_SECONDS)
    spent = [running.cpu_seconds() - was for (running, _), was in zip(sides, before, strict=True)]
    if min(spent) <= 0:
        raise RuntimeError("no CPU time was used: the wrong process was measured")
    per_request = [seconds / (-(-count // turn) * turn) * 1e6 for seconds in spent]
    return per_request[0], per_request[1]

"""Memory of an object that is larger than the memory that anybody should spend on it."""

from __future__ import annotations

import http.client
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from bench.objects import CONFIG
from bench.processes import gateway
from bench.turns import SIGNED_IN

NAME = "memory of a 5 GiB object"
SIZE = 5 << 30
#: So many bytes a worker may grow over it.
BAR = 64 << 20

_BLOCK = bytes(1 << 20)
_PATH = "/cdmi/large"


def memory() -> tuple[str, bool]:
    """What a value of ``SIZE`` bytes, written and read, costs a worker; whether that is below the bar."""
    with tempfile.TemporaryDirectory() as name, gateway(Path(name), CONFIG) as ours:
        for _ in range(20):  # so that each worker has seen both
            _put(ours.port, 0)
            _get(ours.port)
        idle = ours.memory()
        times = [time.perf_counter()]
        _put(ours.port, SIZE)
        times.append(time.perf_counter())
        found = _get(ours.port)
        times.append(time.perf_counter())
        grown = ours.peak_memory() - idle
        assert found == SIZE, found
    written, read = (SIZE / 2**20 / (after - before) for before, after in pairwise(times))
    line = (
        f"{NAME}: worker idle {idle / 2**20:.1f} MiB, grew {grown / 2**20:.1f} MiB, bar {BAR / 2**20:.0f} MiB"
        f" {'met' if grown < BAR else 'MISSED'}; written with {written:.0f} MiB/s, read with {read:.0f} MiB/s"
    )
    return line, grown < BAR


def _put(port: int, size: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {**SIGNED_IN, "Content-Type": "application/octet-stream", "Content-Length": str(size)}
    connection.request("PUT", _PATH, (_BLOCK for _ in range(size // len(_BLOCK))), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status in (201, 204), answer.status


def _get(port: int) -> int:
    """How many bytes came, each of which was looked at."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", _PATH, headers=SIGNED_IN)
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    size = 0
    while block := answer.read(len(_BLOCK)):
        assert block == _BLOCK[: len(block)]
        size += len(block)
    connection.close()
    return size

"""``python -m bench``: CPU per request against bare Falcon, memory of a long listing and of a large object.

Each scenario runs as alternating pairs of the limit and the gateway; the ratio is CPU of the limit divided
by CPU of the gateway, 1.0 = as cheap. A bar counts as met when the middle one of the pairs meets it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import large, objects
from bench.processes import Missing, Running, gateway, limit
from bench.turns import Connection, take_turns

_TEXT: Mapping[str, str] = {"Accept": "text/plain"}
_SENT: Mapping[str, str] = {"Accept": "text/plain", "Content_Type": "text/plain"}
_COMPUTE = (
    b'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\n'
    b'X-OCCI-Attribute: occi.core.title="bench"\n'
    b'X-OCCI-Attribute: occi.compute.hostname="bench"\n'
)
#: So many requests in a row go to one of a pair.
TURN = 200
#: Sent by the server anew for each answer.
_NOT_RECORDED = {"date", "server", "connection", "content-length"}


@dataclass(frozen=True)
class Scenario:
    name: str
    bar: float
    method: str
    path: str
    requests: int
    machines: int = 0
    body: bytes = b""


def prepare(port: int, machines: int) -> str:
    """Make machines; the path of the first."""
    connection, first = Connection(port), ""
    for _ in range(machines):
        status, headers, _body = connection.ask("POST", "/compute/", _COMPUTE, **_SENT)
        assert status == 201, status
        location = dict(headers)["location"]
        first = first or location.split("/", 3)[3]
    return "/" + first


def asked(connection: Connection, scenario: Scenario, path: str) -> tuple[int, list[tuple[str, str]], bytes]:
    return connection.ask(scenario.method, path, scenario.body, **(_SENT if scenario.body else _TEXT))


def pair(bare: Running, ours: Running, scenario: Scenario, path: str, count: int) -> tuple[float, float]:
    """CPU microseconds of a request, of the limit and of the gateway."""

    def ask(connection: Connection, number: int) -> None:
        status, _, _ = asked(connection, scenario, path)
        assert status in (200, 201), status

    return take_turns(bare, ours, ask, count, TURN)


def record(port: int, scenario: Scenario, path: str, file: Path) -> None:
    status, headers, body = asked(Connection(port), scenario, path)
    kept = [(n, v) for n, v in headers if n.lower() not in _NOT_RECORDED]
    file.write_text(
        json.dumps({f"{scenario.method} {path}": [status, kept, body.decode()]}), encoding="utf-8"
    )


def pairs(scenario: Scenario, count: int, rounds: int) -> Sequence[tuple[float, float]]:
    """CPU of the limit and of the gateway, for each pair; fresh servers for each, no two are equally fast."""
    return [_fresh_pair(scenario, count) for _ in range(rounds)]


def _fresh_pair(scenario: Scenario, count: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with gateway(folder) as ours:
            path = prepare(ours.port, scenario.machines) if scenario.machines else scenario.path
            path = scenario.path or path
            record(ours.port, scenario, path, folder / "answers.json")
            with limit(folder, "limit", BENCH_ANSWERS=str(folder / "answers.json")) as bare:
                return pair(bare, ours, scenario, path, count)


SCENARIOS = (
    Scenario("entity GET", 0.60, "GET", "", 2000, machines=10),
    Scenario("query interface", 0.85, "GET", "/-/", 2000),
    Scenario("create", 0.45, "POST", "/compute/", 600, body=_COMPUTE),
    Scenario("listing of 1000 locations", 0.30, "GET", "/compute/", 500, machines=1000),
)


def memory() -> str:
    """Growth of a worker over listings of 10 000 machines, and what one costs in back end calls."""
    with tempfile.TemporaryDirectory() as name, gateway(Path(name)) as ours:
        prepare(ours.port, 10_000)
        for _ in range(8):  # so that each worker has made one
            Connection(ours.port).ask("GET", "/compute/", **_TEXT)
        connection = Connection(ours.port)
        before = ours.peak_memory()
        calls = _backend_calls(connection)
        size = 0
        for _ in range(10):
            _, _, body = connection.ask("GET", "/compute/", **_TEXT)
            size = len(body)
        grown = ours.peak_memory() - before
        made = (_backend_calls(connection) - calls) / 10
        return (
            f"listing of 10 000: {size} bytes, {made:.1f} back end calls, worker grew {grown / 2**20:.1f} MiB"
        )


def _backend_calls(connection: Connection) -> float:
    _, _, page = connection.ask("GET", "/metrics")
    lines = [
        line for line in page.decode().splitlines() if line.startswith("stratusgate_backend_requests_total")
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'compute.list"' in line)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a scenario's name")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors, Python {sys.version.split()[0]}")
    missed = False
    for scenario in SCENARIOS:
        if options.only in scenario.name:
            found = pairs(scenario, scenario.requests, options.rounds)
            missed |= _report(scenario.name, scenario.bar, found)
    for transfer in objects.SCENARIOS:
        if options.only in transfer.name:
            missed |= _try(transfer, options.rounds)
    if options.only in "memory":
        print(memory())
    if options.only in large.NAME:
        line, met = large.memory()
        print(line)
        missed |= not met
    return 1 if missed else 0


def _try(scenario: objects.Transfer | objects.Pages, rounds: int) -> bool:
    """Whether the bar is missed; it is where there is nothing to measure against."""
    try:
        return _report(scenario.name, scenario.bar, scenario.pairs(rounds))
    except Missing as missing:
        print(f"{scenario.name:28} not measured: {missing}")
        return True


def _report(name: str, bar: float, found: Sequence[tuple[float, float]]) -> bool:
    ratios = [bare / ours for bare, ours in found]
    median: Callable[[list[float]], float] = statistics.median
    bare, ours = median([b for b, _ in found]), median([o for _, o in found])
    met = median(ratios) >= bar
    print(
        f"{name:28} ratio {median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), bar"
        f" {bar:.2f} {'met' if met else 'MISSED'}; {bare:.0f} us of the limit, {ours:.0f} us here",
        flush=True,
    )
    return not met


if __name__ == "__main__":
    sys.exit(main())

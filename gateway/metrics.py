"""Prometheus metrics; with several workers each number is the sum over all of them.

What is counted goes into a ``Tally``; the page is written by the Prometheus client when it is asked for.
Counting happens in every request and is a few additions; reading happens twice a minute.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway.tally import Block, Key, Tally, process_ended

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_BYTES = tuple(4.0**power for power in range(3, 16, 2))


@dataclass(frozen=True, slots=True)
class _Family:
    """A metric; a histogram has limits, its numbers are the sum and how many are within each limit."""

    name: str
    help: str
    labels: Sequence[str]
    limits: Sequence[float] = ()
    gauge: bool = False

    @property
    def size(self) -> int:
        return len(self.limits) + 2 if self.limits else 1

    def metric(self, numbers: Mapping[Key, Sequence[float]]) -> Metric:
        """``numbers`` by the values of the labels."""
        if not self.limits:
            family = (GaugeMetricFamily if self.gauge else CounterMetricFamily)(
                self.name, self.help, labels=self.labels
            )
            for labels, (number,) in numbers.items():
                family.add_metric(labels, number)
            return family
        histogram = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for labels, (total, *within) in numbers.items():
            histogram.add_metric(labels, self._cumulative(within), total)
        return histogram

    def _cumulative(self, within: Sequence[float]) -> list[tuple[str, float]]:
        counts, running = [], 0.0
        for limit, count in zip((*self.limits, inf), within, strict=True):
            running += count
            counts.append(("+Inf" if limit == inf else str(limit), running))
        return counts


_REQUESTS = _Family("stratusgate_http_requests", "Requests answered", ("protocol", "method", "route", "code"))
_DURATION = _Family(
    "stratusgate_http_request_duration_seconds",
    "Time to answer",
    ("protocol", "method", "route"),
    limits=_SECONDS,
)
_IN_PROGRESS = _Family(
    "stratusgate_http_requests_in_progress", "Requests being answered", ("protocol",), gauge=True
)
_RECEIVED = _Family(
    "stratusgate_http_request_size_bytes", "Size of request bodies", ("protocol",), limits=_BYTES
)
_SENT = _Family(
    "stratusgate_http_response_size_bytes", "Size of response bodies", ("protocol",), limits=_BYTES
)
_BACKEND_CALLS = _Family(
    "stratusgate_backend_requests", "Calls of back ends", ("backend", "operation", "outcome")
)
_BACKEND_DURATION = _Family(
    "stratusgate_backend_request_duration_seconds",
    "Time of back end calls",
    ("backend", "operation"),
    limits=_SECONDS,
)
_AUTH = _Family("stratusgate_auth_attempts", "Sign-ins", ("method", "outcome"))
_LIMITED = _Family("stratusgate_rate_limited", "Requests refused by a rate limit", ("scope",))

_FAMILIES = (
    _REQUESTS,
    _DURATION,
    _IN_PROGRESS,
    _RECEIVED,
    _SENT,
    _BACKEND_CALLS,
    _BACKEND_DURATION,
    _AUTH,
    _LIMITED,
)


class Metrics:
    """What one process counts, and the report over all that share ``folder``."""

    def __init__(self, version: str, folder: Path | None = None) -> None:
        self.version = version
        self._tally = Tally(folder)
        self._lock = self._tally.lock
        # Blocks under what a request brings along: looking them up by family costs more than counting.
        self._begun: dict[str, Block] = {}
        self._exchanges: dict[tuple[str, str, str, str, str], tuple[Block, ...]] = {}
        self._calls: dict[tuple[str, str, str], tuple[Block, Block]] = {}
        self._single: dict[Key, Block] = {}

    def begin(self, protocol: str) -> None:
        """A request has come in."""
        block = self._begun.get(protocol)
        if block is None:
            block = self._begun[protocol] = self._block(_IN_PROGRESS, protocol)
        view, at = block
        with self._lock:
            view[at] += 1.0

    def end(self, protocol: str) -> None:
        """One that had come in is answered."""
        view, at = self._begun[protocol]
        with self._lock:
            view[at] -= 1.0

    def count(
        self,
        protocol: str,
        method: str,
        route: str,
        code: str,
        *,
        seconds: float,
        received: int,
        sent: int,
        signed_in: str = "",
    ) -> None:
        """One answered request; ``route`` is the template, never the path, ``signed_in`` by which mode."""
        key = (protocol, method, route, code, signed_in)
        blocks = self._exchanges.get(key)
        if blocks is None:
            blocks = self._exchanges[key] = self._of_exchange(*key)
        (requests, b), (duration, c), (sizes, d), (answers, e), *auth = blocks
        with self._lock:
            requests[b] += 1.0
            duration[c] += seconds
            duration[c + 1 + bisect_left(_SECONDS, seconds)] += 1.0
            sizes[d] += received
            sizes[d + 1 + bisect_left(_BYTES, received)] += 1.0
            answers[e] += sent
            answers[e + 1 + bisect_left(_BYTES, sent)] += 1.0
            for successes, f in auth:
                successes[f] += 1.0

    def _of_exchange(
        self, protocol: str, method: str, route: str, code: str, signed_in: str
    ) -> tuple[Block, ...]:
        blocks = (
            self._block(_REQUESTS, protocol, method, route, code),
            self._block(_DURATION, protocol, method, route),
            self._block(_RECEIVED, protocol),
            self._block(_SENT, protocol),
        )
        return (*blocks, self._block(_AUTH, signed_in, "success")) if signed_in else blocks

    def backend_call(self, zone: str, operation: str, outcome: str, seconds: float) -> None:
        key = (zone, operation, outcome)
        blocks = self._calls.get(key)
        if blocks is None:
            blocks = self._calls[key] = (
                self._block(_BACKEND_CALLS, *key),
                self._block(_BACKEND_DURATION, zone, operation),
            )
        (calls, a), (duration, b) = blocks
        with self._lock:
            calls[a] += 1.0
            duration[b] += seconds
            duration[b + 1 + bisect_left(_SECONDS, seconds)] += 1.0

    def not_signed_in(self, reason: str) -> None:
        self._count(_AUTH, "any", reason)

    def limited(self, scope: str) -> None:
        self._count(_LIMITED, scope)

    def report(self, live: Iterable[Callable[[], Iterator[Metric]]] = ()) -> bytes:
        """The exposition text; ``live`` are asked now for what is not counted but looked up."""
        registry = CollectorRegistry()
        registry.register(_Page([self._counted, self._build_info, *live]))
        return generate_latest(registry)

    def _count(self, family: _Family, *labels: str) -> None:
        key = (family.name, *labels)
        block = self._single.get(key)
        if block is None:
            block = self._single[key] = self._block(family, *labels)
        view, at = block
        with self._lock:
            view[at] += 1.0

    def _block(self, family: _Family, *labels: str) -> Block:
        return self._tally.block((family.name, *labels), family.size)

    def _counted(self) -> Iterator[Metric]:
        sums = self._tally.sums()
        for family in _FAMILIES:
            yield family.metric(
                {key[1:]: numbers for key, numbers in sorted(sums.items()) if key[0] == family.name}
            )

    def _build_info(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("stratusgate_build_info", "What runs", labels=("version", "python"))
        info.add_metric((self.version, platform.python_version()), 1)
        yield info


class _Page(Collector):
    def __init__(self, sources: Iterable[Callable[[], Iterator[Metric]]]) -> None:
        self._sources = tuple(sources)

    def collect(self) -> Iterator[Metric]:
        for source in self._sources:
            yield from source()

    def describe(self) -> Iterator[Metric]:
        return iter(())


def worker_ended(folder: Path, pid: int) -> None:
    """Forget the gauges of a worker that is gone; its counters stay in the sums."""
    process_ended(folder, pid, forget=_IN_PROGRESS.name)

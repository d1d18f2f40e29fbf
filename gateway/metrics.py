"""Prometheus metrics; with several workers each number is the sum over all of them.

``PROMETHEUS_MULTIPROC_DIR`` must be set before this module is imported where there are several processes.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BYTES = tuple(4**power for power in range(3, 16, 2))

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _OfProtocol(NamedTuple):
    in_progress: Gauge
    request_bytes: Histogram
    response_bytes: Histogram


class Metrics:
    """The counters of one process, and the report over all processes."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        self.version = version
        self._requests = Counter(
            "stratusgate_http_requests",
            "Requests answered",
            ("protocol", "method", "route", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "stratusgate_http_request_duration_seconds",
            "Time to answer",
            ("protocol", "method", "route"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_progress = Gauge(
            "stratusgate_http_requests_in_progress",
            "Requests being answered",
            ("protocol",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._request_bytes = Histogram(
            "stratusgate_http_request_size_bytes",
            "Size of request bodies",
            ("protocol",),
            buckets=_BYTES,
            registry=registry,
        )
        self._response_bytes = Histogram(
            "stratusgate_http_response_size_bytes",
            "Size of response bodies",
            ("protocol",),
            buckets=_BYTES,
            registry=registry,
        )
        self._backend_calls = Counter(
            "stratusgate_backend_requests",
            "Calls of back ends",
            ("backend", "operation", "outcome"),
            registry=registry,
        )
        self._backend_seconds = Histogram(
            "stratusgate_backend_request_duration_seconds",
            "Time of back end calls",
            ("backend", "operation"),
            buckets=_SECONDS,
            registry=registry,
        )
        # Looking a child up by its labels costs more than counting.
        self._protocols: dict[str, _OfProtocol] = {}
        self._exchanges: dict[tuple[str, str, str, str], tuple[Counter, Histogram]] = {}
        self._calls: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._auth = Counter(
            "stratusgate_auth_attempts", "Sign-ins", ("method", "outcome"), registry=registry
        )
        self._limited = Counter(
            "stratusgate_rate_limited", "Requests refused by a rate limit", ("scope",), registry=registry
        )

    def begin(self, protocol: str) -> None:
        self._of_protocol(protocol).in_progress.inc()

    def end(
        self, protocol: str, method: str, route: str, code: str, seconds: float, received: int, sent: int
    ) -> None:
        """One answered request; ``route`` is the template, never the path."""
        ours = self._of_protocol(protocol)
        ours.in_progress.dec()
        ours.request_bytes.observe(received)
        ours.response_bytes.observe(sent)
        key = (protocol, method, route, code)
        children = self._exchanges.get(key)
        if children is None:
            children = self._requests.labels(*key), self._seconds.labels(*key[:3])
            self._exchanges[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def _of_protocol(self, protocol: str) -> _OfProtocol:
        found = self._protocols.get(protocol)
        if found is None:
            found = self._protocols[protocol] = _OfProtocol(
                self._in_progress.labels(protocol),
                self._request_bytes.labels(protocol),
                self._response_bytes.labels(protocol),
            )
        return found

    def backend_call(self, zone: str, operation: str, outcome: str, seconds: float) -> None:
        key = (zone, operation, outcome)
        children = self._calls.get(key)
        if children is None:
            children = self._backend_calls.labels(*key), self._backend_seconds.labels(zone, operation)
            self._calls[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def signed_in(self, method: str, outcome: str) -> None:
        self._auth.labels(method, outcome).inc()

    def limited(self, scope: str) -> None:
        self._limited.labels(scope).inc()

    def report(self, live: Iterable[Callable[[], Iterator[Metric]]] = ()) -> bytes:
        """The exposition text; ``live`` are asked now for what is not counted but looked up."""
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped in the library
        once = CollectorRegistry()
        once.register(_Live([self._build_info, *live]))
        return generate_latest(registry) + generate_latest(once)

    def _build_info(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("stratusgate_build_info", "What runs", labels=("version", "python"))
        info.add_metric((self.version, platform.python_version()), 1)
        yield info


class _Live(Collector):
    def __init__(self, sources: Iterable[Callable[[], Iterator[Metric]]]) -> None:
        self._sources = tuple(sources)

    def collect(self) -> Iterator[Metric]:
        for source in self._sources:
            yield from source()

    def describe(self) -> Iterator[Metric]:
        return iter(())


def worker_ended(pid: int) -> None:
    """Forget the gauges of a worker that is gone; its counters stay in the sums."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]  # untyped in the library

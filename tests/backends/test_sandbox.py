"""The sandbox keeps the contract of back ends, at once and with a delay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.sandbox import SandboxBackend
from backends.suite import BackendSuite

POOLS = {"public": "203.0.113.0/28"}


class TestSandbox(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[SandboxBackend]:
        with SandboxBackend(tmp_path / "cloud.db", pools=POOLS) as cloud:
            yield cloud


class TestSandboxWithoutSharedVolumes(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[SandboxBackend]:
        with SandboxBackend(tmp_path / "cloud.db", pools=POOLS, shared_volumes=False) as cloud:
            yield cloud


class Clock:
    """A clock that is turned by hand."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class TestSandboxWithDelay(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[SandboxBackend]:
        self.clock = Clock()
        with SandboxBackend(tmp_path / "cloud.db", pools=POOLS, delay=5, clock=self.clock) as cloud:
            yield cloud

    def pause(self, seconds: float) -> None:
        self.clock.now += 1

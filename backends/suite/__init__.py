"""The tests that any back end must pass. They need pytest; nothing else in ``backends`` does.

A driver's own test is a fixture and a subclass::

    class TestMyCloud(BackendSuite):
        @pytest.fixture
        def backend(self, tmp_path):
            with MyCloud(tmp_path) as cloud:
                yield cloud

What the driver does not have, by its nouns and ``capabilities``, is skipped by name. ``SuiteOptions`` lists
what a driver may set. Assertions are explained only if pytest rewrites them: put
``pytest.register_assert_rewrite("backends.suite")`` into the ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.base import Backend

from .common import CommonTests, TokenTests
from .computes import ComputeStateTests, ComputeTests, MeasureTests, SaveTests
from .concurrency import ConcurrencyTests
from .extras import AddressTests, KeyPairTests, PortMappingTests, SecurityGroupTests
from .links import AttachmentTests, InterfaceTests
from .networks import AllocationTests, LeaseTests, NetworkTests
from .volumes import ImageTests, InstanceTypeTests, SnapshotTests, VolumeTests
from .workshop import SuiteOptions, Workshop

__all__ = ["BackendSuite", "SuiteOptions", "Workshop"]


class BackendSuite(
    CommonTests,
    TokenTests,
    ComputeTests,
    ComputeStateTests,
    SaveTests,
    MeasureTests,
    VolumeTests,
    SnapshotTests,
    ImageTests,
    InstanceTypeTests,
    NetworkTests,
    AllocationTests,
    LeaseTests,
    AttachmentTests,
    InterfaceTests,
    AddressTests,
    SecurityGroupTests,
    KeyPairTests,
    PortMappingTests,
    ConcurrencyTests,
    SuiteOptions,
):
    """All tests. A subclass brings a fixture ``backend``, a cloud in which the suite may make and delete."""

    @pytest.fixture
    def workshop(self, backend: Backend) -> Iterator[Workshop]:
        workshop = Workshop(backend, self)
        yield workshop
        workshop.forget()

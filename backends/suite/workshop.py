"""What the tests of the suite make things with: specifications, waiting, skipping, and cleaning up."""

from __future__ import annotations

import base64
import builtins
import itertools
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from typing import Any, TypeVar

import pytest

from backends.base import Backend, Capability, Collection, NetworkCollection
from gateway.model import (
    GIB,
    AddressRange,
    AddressSpec,
    Attachment,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    ComputeState,
    GatewayError,
    Image,
    ImageSpec,
    ImageState,
    InstanceType,
    Interface,
    InterfaceSpec,
    InvalidState,
    IPAddress,
    KeyPairSpec,
    Network,
    NetworkSpec,
    NotFound,
    PortMappingSpec,
    Resource,
    SecurityGroupSpec,
    Snapshot,
    SnapshotSpec,
    Unsupported,
    Volume,
    VolumeSpec,
    VolumeState,
)

T = TypeVar("T")

#: Deleted in this order, so that nothing is in use when its turn comes.
NOUNS = (
    "port_mappings",
    "computes",
    "attachments",
    "interfaces",
    "addresses",
    "volumes",
    "snapshots",
    "images",
    "networks",
    "security_groups",
    "key_pairs",
)

THREADS = 16


class SuiteOptions:
    """What a driver may set, as attributes or methods of its test class."""

    #: How long a condition may take to come true.
    settle_seconds = 10.0
    #: The size of the volumes that are made.
    volume_size = GIB

    def compute_spec(self, backend: Backend, **fields: Any) -> ComputeSpec:
        """A compute that the back end can make; by default of its first image and instance type."""
        images = backend.images.list()
        kinds = backend.instance_types.list() if backend.instance_types is not None else ()
        if images:
            fields.setdefault("image", images[0].id)
        if kinds and not fields.keys() & {"cores", "memory"}:
            fields.setdefault("instance_type", kinds[0].id)
        return ComputeSpec(**fields)

    def network_range(self, number: int, size: int = 29) -> AddressRange:
        """The ``number``-th of ranges that do not overlap; ``size`` is the length of the prefix."""
        network = ip_network(f"10.{200 + number // 256}.{number % 256}.0/{size}")
        return AddressRange(network, network[0], network[-1])

    def pause(self, seconds: float) -> None:
        """Let time pass between two looks at a condition."""
        time.sleep(seconds)


class Workshop:
    """Makes things in the back end under test and removes them at the end."""

    def __init__(self, backend: Backend, options: SuiteOptions) -> None:
        self.backend = backend
        self.options = options
        self._made: list[tuple[str, str]] = []
        self._numbers = itertools.count(1)

    def need(self, *capabilities: Capability) -> None:
        """Skip the test, naming what the driver does not have."""
        for capability in capabilities:
            if capability not in self.backend.capabilities:
                pytest.skip(f"no capability {capability}")

    def noun(self, name: str) -> Collection[Any, Any, Any]:
        """The collection of a noun; without it the test is skipped by its name."""
        found: Collection[Any, Any, Any] | None = getattr(self.backend, name)
        if found is None:
            pytest.skip(f"no noun {name}")
        return found

    def networks(self) -> NetworkCollection:
        """The networks, with what only they have."""
        networks = self.noun("networks")
        assert isinstance(networks, NetworkCollection)
        return networks

    def eventually(self, condition: Callable[[], T], what: str) -> T:
        """The first true value of ``condition``; fails when there was none in time."""
        end = time.monotonic() + self.options.settle_seconds
        step = 0.01
        while not (value := condition()):
            assert time.monotonic() < end, f"not so after {self.options.settle_seconds} s: {what}"
            self.options.pause(step)
            step = min(step * 1.5, 0.5)
        return value

    def reaches(self, noun: str, id: str, state: str) -> Any:
        """Wait until the thing is in ``state`` and return it."""
        collection = self.noun(noun)
        self.eventually(lambda: collection.get(id).state == state, f"{noun} {id} is {state}")
        return collection.get(id)

    def token(self) -> str:
        return f"suite-{uuid.uuid4()}"

    def create(self, noun: str, spec: Any) -> Any:
        """Make one; it is removed at the end of the test."""
        collection = self.noun(noun)
        if noun == "networks":
            self.need(Capability.NETWORK_CREATE)
        made: Resource = collection.create(spec)
        self._made.append((noun, made.id))
        return made

    def forget(self) -> None:
        """Remove everything that was made; what cannot be removed is an error of the driver."""
        for noun in NOUNS:
            for id in [id for kind, id in reversed(self._made) if kind == noun]:
                self.remove(noun, id)
        self._made.clear()

    def remove(self, noun: str, id: str) -> None:
        """Delete one and wait until it is gone; one that is gone already is fine."""

        def delete() -> bool:
            try:
                self.noun(noun).delete(id)
            except NotFound:
                return True
            except InvalidState:
                return False
            return True

        self.eventually(delete, f"{noun} {id} can be deleted")
        self.eventually(lambda: id not in self.noun(noun).ids([id]), f"{noun} {id} is gone")

    def compute(self, **fields: Any) -> Compute:
        """A settled compute: running, or stopped with ``start=False``."""
        fields.setdefault("title", "suite")
        made = self.create("computes", self.options.compute_spec(self.backend, **fields))
        end = ComputeState.RUNNING if fields.get("start", True) else ComputeState.STOPPED
        settled: Compute = self.reaches("computes", made.id, end)
        return settled

    def compute_in(self, state: ComputeState) -> Compute:
        """A compute that was led to one of the states in which it can stay."""
        if state is ComputeState.SUSPENDED:
            self.need(Capability.SUSPEND)
        made = self.compute(start=state is not ComputeState.STOPPED)
        if state is ComputeState.SUSPENDED:
            self.backend.computes.act(made.id, "suspend")
            self.reaches("computes", made.id, state)
        return self.backend.computes.get(made.id)

    def volume(self, **fields: Any) -> Volume:
        fields = {"size": self.options.volume_size, "title": "suite", **fields}
        made = self.create("volumes", VolumeSpec(**fields))
        settled: Volume = self.reaches("volumes", made.id, VolumeState.ONLINE)
        return settled

    def snapshot(self, volume: str) -> Snapshot:
        made = self.create("snapshots", SnapshotSpec(volume))
        settled: Snapshot = self.reaches("snapshots", made.id, ImageState.READY)
        return settled

    def save(self, compute: str, name: str | None = None, token: str = "") -> Image:
        self.need(Capability.SAVE)
        made = self.backend.computes.save(compute, name, token=token)
        self._made.append(("images", made.id))
        settled: Image = self.reaches("images", made.id, ImageState.READY)
        return settled

    def register(self, spec: ImageSpec) -> Image:
        """An image that is made of no compute; skips where the driver makes none."""
        try:
            made: Image = self.create("images", spec)
        except Unsupported as error:
            pytest.skip(error.message)
        ready: Image = self.reaches("images", made.id, ImageState.READY)
        return ready

    def range(self, size: int = 29) -> AddressRange:
        return self.options.network_range(next(self._numbers), size)

    def network(self, size: int | None = 29, **fields: Any) -> Network:
        """A network with a range of its own; with ``size`` None without one."""
        if size is not None:
            fields.setdefault("range", self.range(size))
        made: Network = self.create("networks", NetworkSpec(**{"title": "suite", **fields}))
        return made

    def attach(self, compute: str, volume: str, **fields: Any) -> Attachment:
        made: Attachment = self.create("attachments", AttachmentSpec(volume, compute, **fields))
        return made

    def connect(self, compute: str, network: str, **fields: Any) -> Interface:
        made: Interface = self.create("interfaces", InterfaceSpec(network, compute, **fields))
        return made

    def pool(self) -> str:
        """The first floating pool."""
        self.noun("addresses")
        pools = self.backend.pools()
        if not pools:
            pytest.skip("no floating pool")
        return pools[0]

    def spec(self, noun: str, token: str = "") -> Any:
        """A specification of each noun that can be made and has a token."""
        makers: dict[str, Callable[[], Any]] = {
            "computes": lambda: self.options.compute_spec(self.backend, title="suite", token=token),
            "volumes": lambda: VolumeSpec(size=self.options.volume_size, title="suite", token=token),
            "snapshots": lambda: SnapshotSpec(self.volume().id, title="suite", token=token),
            "networks": lambda: NetworkSpec(title="suite", range=self.range(), token=token),
            "addresses": lambda: AddressSpec(self.pool(), token=token),
            "security_groups": lambda: SecurityGroupSpec(title="suite", token=token),
            "key_pairs": lambda: KeyPairSpec(self.token(), public_key(), token=token),
            "port_mappings": lambda: PortMappingSpec(self.compute().id, 22, token=token),
        }
        self.noun(noun)
        return makers[noun]()

    def instance_types(self, count: int = 1) -> list[InstanceType]:
        """Different instance types; skips where the driver has fewer."""
        known = list(self.noun("instance_types").list())
        if len(known) < count:
            pytest.skip(f"fewer than {count} instance types")
        return known[:count]


TOKENED = (
    "computes",
    "volumes",
    "snapshots",
    "networks",
    "addresses",
    "security_groups",
    "key_pairs",
    "port_mappings",
)


def public_key() -> str:
    """A line of ``authorized_keys`` that is well formed and opens nothing."""
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4) + kind + (32).to_bytes(4) + uuid.uuid4().bytes * 2
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} suite"


def addresses_of(network: Network) -> list[IPAddress]:
    """All addresses of the network's range that a machine may have, lowest first."""
    range = network.range
    assert range is not None
    barred = {range.network.network_address, range.network.broadcast_address, network.gateway}
    first = int(range.first) - int(range.network.network_address)
    size = int(range.last) - int(range.first) + 1
    every = [range.network[first + number] for number in builtins.range(size)]
    return [address for address in every if address not in barred]


def race(work: Callable[[int], T], threads: int = THREADS) -> list[T | GatewayError]:
    """Results of ``work(0)``, ``work(1)``, ... at the same moment; errors of the model are results."""

    def guarded(number: int) -> T | GatewayError:
        try:
            return work(number)
        except GatewayError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(guarded, range(threads)))


def results(outcomes: list[T | GatewayError]) -> list[T]:
    """The outcomes that are no errors."""
    return [outcome for outcome in outcomes if not isinstance(outcome, GatewayError)]


def errors(outcomes: list[T | GatewayError]) -> list[GatewayError]:
    return [outcome for outcome in outcomes if isinstance(outcome, GatewayError)]

"""The common resource model: what every standard and every back end of ours agrees on.

Frozen values. Sizes in bytes, times in aware UTC, identifiers opaque strings that fit one path segment
(``IDENTIFIER``). Mappings inside are never changed after construction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

from .states import (
    ComputeState,
    ImageState,
    LeaseState,
    LinkState,
    NetworkState,
    TaskState,
    VolumeState,
)

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

#: Identifiers of back ends. ``~`` is left free: it joins the two ends in the identifier of a link.
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
LINK_SEPARATOR = "~"

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Resource:
    """What all have: an identifier and, where the back end can hold one, a title."""

    id: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment(Resource):
    """A volume attached to a compute; ``id`` is ``<compute>~<volume>``."""

    compute: str = ""
    volume: str = ""
    device: str = ""  # as the guest sees it, e.g. "/dev/vdb"
    mountpoint: str | None = None
    read_only: bool = False
    state: LinkState = LinkState.ACTIVE
    state_message: str | None = None

    @staticmethod
    def identifier(compute: str, volume: str) -> str:
        return f"{compute}{LINK_SEPARATOR}{volume}"


@dataclass(frozen=True, slots=True)
class Interface(Resource):
    """A compute's place in a network; ``id`` is ``<compute>~<device>``."""

    compute: str = ""
    network: str = ""
    device: str = ""  # as the guest sees it, e.g. "eth0"
    mac: str = ""
    address: IPAddress | None = None
    gateway: IPAddress | None = None
    allocation: str = "dynamic"  # "dynamic" or "static"
    reservation: str | None = None  # the Address that it uses
    state: LinkState = LinkState.ACTIVE
    state_message: str | None = None

    @staticmethod
    def identifier(compute: str, device: str) -> str:
        return f"{compute}{LINK_SEPARATOR}{device}"


@dataclass(frozen=True, slots=True)
class Console:
    """How to reach a compute's console; either URL may be missing."""

    vnc: str | None = None
    ssh: str | None = None


@dataclass(frozen=True, slots=True)
class Compute(Resource):
    summary: str | None = None
    state: ComputeState = ComputeState.PENDING
    state_message: str | None = None
    architecture: str = "x64"  # "x86" or "x64"; other words of a client are kept as they are
    cores: int = 1
    memory: int = 0
    speed: float | None = None  # GHz
    share: int | None = None  # relative CPU share
    hostname: str | None = None
    instance_type: str | None = None
    image: str | None = None
    created: datetime | None = None
    started: datetime | None = None
    public_keys: tuple[PublicKey, ...] = ()
    has_user_data: bool = False
    security_groups: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    console: Console | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        return tuple(i.address for i in self.interfaces if i.address is not None)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An ssh key put into a compute: one ``authorized_keys`` line and, optionally, its name."""

    data: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Volume(Resource):
    summary: str | None = None
    size: int = 0
    state: VolumeState = VolumeState.ONLINE
    state_message: str | None = None
    created: datetime | None = None
    image: str | None = None  # the image it was made of
    snapshot: str | None = None  # the snapshot it was made of
    attachments: tuple[Attachment, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot(Resource):
    """A volume as it was at one moment."""

    volume: str = ""
    size: int = 0
    created: datetime | None = None
    state: ImageState = ImageState.READY


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an image comes from."""

    identifier: str | None = None  # e.g. of a Marketplace entry
    checksum: str | None = None  # "sha256:<hex>"
    endorser: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Image(Resource):
    summary: str | None = None
    state: ImageState = ImageState.READY
    state_message: str | None = None
    size: int = 0
    architecture: str = "x64"
    origin: Origin | None = None
    created: datetime | None = None
    compute: str | None = None  # the compute it was saved from
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceType(Resource):
    """A size on offer; ``disk`` is the ephemeral disk."""

    cores: int = 1
    memory: int = GIB
    disk: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)  # price, qos, ...


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The one form of a range of addresses; ``first`` and ``last`` bound what is given to machines."""

    network: IPNetwork
    first: IPAddress
    last: IPAddress


@dataclass(frozen=True, slots=True)
class Network(Resource):
    summary: str | None = None
    state: NetworkState = NetworkState.ACTIVE
    state_message: str | None = None
    vlan: int | None = None
    label: str | None = None
    range: AddressRange | None = None
    gateway: IPAddress | None = None
    allocation: str = "dynamic"  # "dynamic" or "static"
    created: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lease:
    """One address of a network and who has it."""

    network: str
    address: IPAddress
    state: LeaseState
    mac: str | None = None
    compute: str | None = None


@dataclass(frozen=True, slots=True)
class Address(Resource):
    """A floating (reserved) address of a pool; used while an interface has it."""

    pool: str = ""
    address: IPAddress | None = None
    compute: str | None = None
    state: LinkState = LinkState.ACTIVE
    state_message: str | None = None

    @property
    def used(self) -> bool:
        return self.compute is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a security group lets through; ports None = all, one port = the same first and last."""

    direction: str  # "inbound" or "outbound"
    protocol: str  # "tcp", "udp", "icmp" or "any"
    first_port: int | None = None
    last_port: int | None = None
    range: IPNetwork | None = None  # None = anywhere


@dataclass(frozen=True, slots=True)
class SecurityGroup(Resource):
    summary: str | None = None
    rules: tuple[Rule, ...] = ()
    state: LinkState = LinkState.ACTIVE


@dataclass(frozen=True, slots=True)
class KeyPair(Resource):
    """A named public key kept for later use; ``fingerprint`` is ``SHA256:<base64>``."""

    public_key: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class PortMapping(Resource):
    """A port of a public address that leads to a port of a compute."""

    compute: str = ""
    protocol: str = "tcp"
    public_address: IPAddress | None = None
    public_port: int = 0
    port: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is measured on a compute."""

    name: str  # e.g. "cpu.utilization"
    unit: str  # e.g. "percent", "bytes"
    description: str


@dataclass(frozen=True, slots=True)
class Sample:
    measure: str
    time: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Task(Resource):
    """A long operation."""

    kind: str = ""  # e.g. "image.save"
    target: str = ""
    state: TaskState = TaskState.QUEUED
    progress: int = 0  # percent
    error: str | None = None

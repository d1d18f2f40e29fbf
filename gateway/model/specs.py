"""What a caller asks for: one specification per noun that can be made, and the changes each allows.

A specification's ``token`` is chosen by the gateway and kept with the resource by the back end: making
the same token twice gives the first resource again, and after a crash the gateway finds by it what was
made but not yet recorded. In changes an absent key means unchanged, None means cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from .resources import AddressRange, IPAddress, Origin, PublicKey, Rule


@dataclass(frozen=True, slots=True)
class AttachmentSpec:
    volume: str
    compute: str = ""  # empty inside a ComputeSpec
    device: str | None = None
    mountpoint: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    network: str
    compute: str = ""  # empty inside a ComputeSpec
    device: str | None = None
    mac: str | None = None
    address: IPAddress | None = None
    #: Take the address from this floating pool instead of the network's range.
    pool: str | None = None
    #: Use this reserved Address; the gateway fills in its pool and address.
    reservation: str | None = None


@dataclass(frozen=True, slots=True)
class ComputeSpec:
    title: str | None = None
    summary: str | None = None
    hostname: str | None = None
    architecture: str | None = None
    cores: int | None = None
    memory: int | None = None
    speed: float | None = None
    share: int | None = None
    instance_type: str | None = None
    image: str | None = None
    user_data: bytes | None = None
    public_keys: tuple[PublicKey, ...] = ()
    security_groups: tuple[str, ...] = ()
    attachments: tuple[AttachmentSpec, ...] = ()
    interfaces: tuple[InterfaceSpec, ...] = ()
    start: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    size: int
    title: str | None = None
    summary: str | None = None
    image: str | None = None
    snapshot: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotSpec:
    volume: str
    title: str | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image: saved from a compute, or registered with a size and an origin."""

    title: str | None = None
    summary: str | None = None
    compute: str | None = None
    size: int | None = None
    architecture: str | None = None
    origin: Origin | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    title: str | None = None
    summary: str | None = None
    vlan: int | None = None
    label: str | None = None
    range: AddressRange | None = None
    gateway: IPAddress | None = None
    allocation: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class AddressSpec:
    pool: str
    address: IPAddress | None = None
    title: str | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class SecurityGroupSpec:
    title: str | None = None
    summary: str | None = None
    rules: tuple[Rule, ...] = ()
    token: str = ""


@dataclass(frozen=True, slots=True)
class KeyPairSpec:
    title: str
    public_key: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class PortMappingSpec:
    compute: str
    port: int
    protocol: str = "tcp"
    public_port: int | None = None
    title: str | None = None
    token: str = ""


class ComputeChanges(TypedDict, total=False):
    title: str | None
    summary: str | None
    hostname: str | None
    architecture: str | None
    cores: int
    memory: int
    speed: float | None
    share: int | None
    instance_type: str | None
    public_keys: tuple[PublicKey, ...]
    security_groups: tuple[str, ...]
    tags: Mapping[str, str]


class VolumeChanges(TypedDict, total=False):
    title: str | None
    summary: str | None
    size: int
    tags: Mapping[str, str]


class NetworkChanges(TypedDict, total=False):
    title: str | None
    summary: str | None
    vlan: int | None
    label: str | None
    range: AddressRange | None
    gateway: IPAddress | None
    allocation: str
    tags: Mapping[str, str]


class AttachmentChanges(TypedDict, total=False):
    title: str | None
    device: str
    mountpoint: str | None


class InterfaceChanges(TypedDict, total=False):
    title: str | None
    mac: str
    address: IPAddress | None
    gateway: IPAddress | None
    allocation: str


class AddressChanges(TypedDict, total=False):
    title: str | None
    address: IPAddress


class SecurityGroupChanges(TypedDict, total=False):
    title: str | None
    summary: str | None
    rules: tuple[Rule, ...]


class TitleChanges(TypedDict, total=False):
    """For images, snapshots and keys."""

    title: str | None

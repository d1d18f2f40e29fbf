"""The interface of a back end: one ``Collection`` per noun of the common model.

A driver subclasses ``Backend``, hangs a collection on each noun it has, and says in ``capabilities`` what
it can do beyond the bare verbs. Nothing here knows users, permissions or protocols: whoever holds a back
end may do everything with it (the checks live in ``gateway.cloud``)::

    with SandboxBackend(path="/var/lib/cloud.db") as cloud:
        machine = cloud.computes.create(ComputeSpec(title="web", image="debian-12", instance_type="small"))
        cloud.computes.act(machine.id, "stop")
        cloud.computes.delete(machine.id)

Every method may be called from several threads and processes at once. Errors are those of
``gateway.model``: NotFound, AlreadyExists, InvalidState, InvalidRequest, QuotaExceeded (a capacity limit
of the back end itself), Conflict, Unsupported, BackendUnavailable, BackendError; nothing else escapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection as Identifiers
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from gateway.model import (
    Address,
    AddressChanges,
    AddressSpec,
    Attachment,
    AttachmentChanges,
    AttachmentSpec,
    Compute,
    ComputeChanges,
    ComputeSpec,
    Image,
    ImageSpec,
    InstanceType,
    Interface,
    InterfaceChanges,
    InterfaceSpec,
    KeyPair,
    KeyPairSpec,
    Lease,
    Measure,
    Network,
    NetworkChanges,
    NetworkSpec,
    PortMapping,
    PortMappingSpec,
    Resource,
    Sample,
    SecurityGroup,
    SecurityGroupChanges,
    SecurityGroupSpec,
    Snapshot,
    SnapshotSpec,
    TitleChanges,
    Unsupported,
    Volume,
    VolumeChanges,
    VolumeSpec,
)

R = TypeVar("R", bound=Resource)
S = TypeVar("S")
U = TypeVar("U", bound=Mapping[str, Any])


class Capability(StrEnum):
    """What a driver can do; front ends publish, and the suite tests, only what stands here.

    A noun is published when its collection exists; these are the finer points.
    """

    SUSPEND = "suspend"  # computes: action suspend
    RESTART = "restart"  # computes: action restart
    SAVE = "save"  # computes: make an image of one
    RESIZE = "resize"  # computes: cores and memory, or the instance type, can change
    RENAME = "rename"  # titles can change in the back end
    USER_DATA = "user-data"
    PUBLIC_KEYS = "public-keys"
    VOLUME_ACTIONS = "volume-actions"  # volumes: online, offline, backup, snapshot
    VOLUME_RESIZE = "volume-resize"
    NETWORK_ACTIONS = "network-actions"  # networks: up, down
    NETWORK_CREATE = "network-create"
    LINK_ACTIONS = "link-actions"  # interfaces up/down, attachments online/offline
    SHARED_VOLUMES = "shared-volumes"  # a volume can be attached to several computes
    HOTPLUG = "hotplug"  # attach and connect while the compute runs
    STATIC_ADDRESS = "static-address"  # an interface can ask for its address
    FIXED_MAC = "fixed-mac"
    LEASES = "leases"
    MEASURES = "measures"
    CONSOLE = "console"
    TOKENS = "tokens"  # specification tokens are kept: create is idempotent by token
    TAGS = "tags"  # free-form tags are kept


class Collection(ABC, Generic[R, S, U]):
    """All resources of one noun in one back end."""

    #: What the noun is called in messages, e.g. "compute".
    noun: str

    @abstractmethod
    def list(self, ids: Identifiers[str] | None = None) -> Sequence[R]:
        """The resources named by ``ids``, or all; in order of creation, unknown ids left out.

        One call of the back end, however many there are.
        """

    def ids(self, ids: Identifiers[str] | None = None) -> Sequence[str]:
        """The identifiers only, where that is cheaper than ``list``."""
        return [resource.id for resource in self.list(ids)]

    @abstractmethod
    def get(self, id: str) -> R:
        """Raises NotFound."""

    def find(self, token: str) -> R | None:
        """The resource made with this specification token, if the driver has ``Capability.TOKENS``."""
        raise Unsupported(f"{self.noun}: this back end keeps no tokens")

    def create(self, spec: S) -> R:
        """Make one. Returns as soon as it can be seen, which may be before it is ready.

        Raises InvalidRequest, NotFound (something the specification names), QuotaExceeded, Conflict,
        Unsupported. On an error nothing is left behind.
        """
        raise Unsupported(f"{self.noun}: this back end cannot make one")

    def update(self, id: str, changes: U) -> R:
        """Change the named fields, all or none.

        Raises NotFound, InvalidState, InvalidRequest, Unsupported.
        """
        raise Unsupported(f"{self.noun}: this back end cannot change one")

    def act(self, id: str, action: str, parameters: Mapping[str, Any] | None = None) -> R:
        """Do one action of the noun's state table; idle actions succeed and change nothing.

        Raises NotFound, InvalidState, InvalidRequest (a parameter), Unsupported.
        """
        raise Unsupported(f"{self.noun}: this back end has no action {action}")

    def delete(self, id: str) -> None:
        """Remove it and what cannot live without it. Raises NotFound, InvalidState (still in use)."""
        raise Unsupported(f"{self.noun}: this back end cannot delete one")


class ComputeCollection(Collection[Compute, ComputeSpec, ComputeChanges]):
    """Actions: start, stop(method), restart(method), suspend(method).

    Deleting works in every state and takes attachments and interfaces along, never volumes.
    """

    noun = "compute"

    def save(self, id: str, name: str | None = None, *, token: str = "") -> Image:
        """Make an image of the compute's disk as it is now. Raises NotFound, InvalidState, Unsupported."""
        raise Unsupported("compute: this back end cannot save one as an image")

    def measures(self, id: str) -> Sequence[Measure]:
        raise Unsupported("compute: this back end measures nothing")

    def samples(self, id: str) -> Sequence[Sample]:
        """The latest value of every measure."""
        raise Unsupported("compute: this back end measures nothing")


class VolumeCollection(Collection[Volume, VolumeSpec, VolumeChanges]):
    """Actions: online, offline, backup, snapshot, resize(size in bytes).

    A volume attached to a compute is not deleted (InvalidState) and never shrinks (InvalidRequest).
    """

    noun = "volume"


class NetworkCollection(Collection[Network, NetworkSpec, NetworkChanges]):
    """Actions: up, down. A network that a compute is in is neither deleted nor taken down (InvalidState)."""

    noun = "network"

    def leases(self, id: str) -> Sequence[Lease]:
        """Used and held addresses; free ones are not listed. Raises NotFound."""
        raise Unsupported("network: this back end does not tell leases")

    def hold(self, id: str, address: str) -> Lease:
        """Keep an address from being given out. Raises NotFound, Conflict (in use), InvalidRequest."""
        raise Unsupported("network: this back end cannot hold an address")

    def release(self, id: str, address: str) -> None:
        """Let a held address be given out again. Raises NotFound."""
        raise Unsupported("network: this back end cannot release an address")


class AttachmentCollection(Collection[Attachment, AttachmentSpec, AttachmentChanges]):
    """Actions: online, offline."""

    noun = "attachment"


class InterfaceCollection(Collection[Interface, InterfaceSpec, InterfaceChanges]):
    """Actions: up, down."""

    noun = "interface"


SnapshotCollection = Collection[Snapshot, SnapshotSpec, TitleChanges]
ImageCollection = Collection[Image, ImageSpec, TitleChanges]
InstanceTypeCollection = Collection[InstanceType, InstanceType, TitleChanges]
AddressCollection = Collection[Address, AddressSpec, AddressChanges]
SecurityGroupCollection = Collection[SecurityGroup, SecurityGroupSpec, SecurityGroupChanges]
KeyPairCollection = Collection[KeyPair, KeyPairSpec, TitleChanges]
PortMappingCollection = Collection[PortMapping, PortMappingSpec, TitleChanges]


class Backend(ABC):
    """One cloud. A noun that the driver does not have is None."""

    capabilities: frozenset[Capability] = frozenset()

    computes: ComputeCollection
    images: ImageCollection
    instance_types: InstanceTypeCollection | None = None
    volumes: VolumeCollection | None = None
    snapshots: SnapshotCollection | None = None
    networks: NetworkCollection | None = None
    attachments: AttachmentCollection | None = None
    interfaces: InterfaceCollection | None = None
    addresses: AddressCollection | None = None
    security_groups: SecurityGroupCollection | None = None
    key_pairs: KeyPairCollection | None = None
    port_mappings: PortMappingCollection | None = None

    @classmethod
    @abstractmethod
    def from_options(cls, options: Mapping[str, Any], *, data: str) -> Self:
        """Build from a table of the configuration file; relative files live in directory ``data``.

        Raises InvalidRequest naming the option (``field``), its value and what is allowed.
        """

    @abstractmethod
    def check(self) -> None:
        """Raises BackendUnavailable when the cloud behind cannot be used now."""

    def pools(self) -> Sequence[str]:
        """Names of the floating address pools."""
        return ()

    def close(self) -> None:  # noqa: B027 - a driver with nothing to free needs none
        """Free connections; the object is not used again. Nothing in the cloud changes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def collections(self) -> Mapping[type[Resource], Collection[Any, Any, Any]]:
        """The nouns this back end has, by type."""
        found: dict[type[Resource], Collection[Any, Any, Any] | None] = {
            Compute: self.computes,
            Image: self.images,
            InstanceType: self.instance_types,
            Volume: self.volumes,
            Snapshot: self.snapshots,
            Network: self.networks,
            Attachment: self.attachments,
            Interface: self.interfaces,
            Address: self.addresses,
            SecurityGroup: self.security_groups,
            KeyPair: self.key_pairs,
            PortMapping: self.port_mappings,
        }
        return {noun: collection for noun, collection in found.items() if collection is not None}

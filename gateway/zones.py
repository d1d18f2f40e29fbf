"""Several back ends behind one door: each is a zone, and an identifier tells its zone.

Resources of the zone ``default`` keep their own identifiers; elsewhere ``7`` of zone ``kvm`` is
``kvm--7``, so adding a zone changes no identifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from backends.base import Backend, Capability, Collection
from gateway.model import (
    Address,
    Attachment,
    Compute,
    Image,
    Interface,
    NotFound,
    PortMapping,
    Resource,
    Snapshot,
    Unsupported,
    Volume,
)

DEFAULT = "default"
SEPARATOR = "--"

R = TypeVar("R", bound=Resource)

#: Fields that hold the identifier of another resource (or None), and fields that hold tuples of them.
_REFERENCES: Mapping[type[Resource], tuple[str, ...]] = {
    Attachment: ("compute", "volume"),
    Interface: ("compute", "network", "reservation"),
    Compute: ("image", "instance_type"),
    Volume: ("image", "snapshot"),
    Snapshot: ("volume",),
    Image: ("compute",),
    Address: ("compute",),
    PortMapping: ("compute",),
}


class Zones:
    """The back ends of one gateway, by zone."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = dict(backends)
        self._collections = {zone: backend.collections() for zone, backend in backends.items()}
        self.default = DEFAULT if DEFAULT in backends else next(iter(backends))

    def names(self) -> tuple[str, ...]:
        return tuple(self._backends)

    def backend(self, zone: str) -> Backend:
        """Raises NotFound."""
        try:
            return self._backends[zone]
        except KeyError:
            raise NotFound.of("zone", zone) from None

    def has(self, noun: type[Resource]) -> bool:
        """Whether any zone knows the noun."""
        return any(noun in found for found in self._collections.values())

    def can(self, capability: Capability) -> bool:
        """Whether any zone has the capability."""
        return any(capability in backend.capabilities for backend in self._backends.values())

    def collection(self, zone: str, noun: type[Resource]) -> Collection[Any, Any, Any]:
        """Raises NotFound (zone), Unsupported (noun)."""
        self.backend(zone)
        try:
            return self._collections[zone][noun]
        except KeyError:
            raise Unsupported(f"zone {zone} has no {noun.__name__.lower()}s") from None

    def split(self, id: str) -> tuple[str, str]:
        """(zone, the back end's own identifier)."""
        zone, separator, native = id.partition(SEPARATOR)
        if separator and zone != DEFAULT and zone in self._backends:
            return zone, native
        return self.default, id

    def join(self, zone: str, native: str) -> str:
        return native if zone == DEFAULT else f"{zone}{SEPARATOR}{native}"

    def natives(self, zone: str, ids: Sequence[str]) -> Sequence[str]:
        """The identifiers of one zone in their inside form."""
        return ids if zone == DEFAULT else [self.split(id)[1] for id in ids]

    def outside(self, zone: str, ids: Iterable[str]) -> Iterable[str]:
        """The opposite of ``natives``."""
        return ids if zone == DEFAULT else (self.join(zone, id) for id in ids)

    def publish(self, zone: str, resource: R) -> R:
        """The resource with all its identifiers in their outside form."""
        if zone == DEFAULT:
            return resource
        changed: dict[str, Any] = {"id": self.join(zone, resource.id)}
        for field in _REFERENCES.get(type(resource), ()):
            value = getattr(resource, field)
            if value:
                changed[field] = self.join(zone, value)
        if isinstance(resource, Compute):
            changed["security_groups"] = tuple(self.join(zone, g) for g in resource.security_groups)
            changed["interfaces"] = tuple(self.publish(zone, i) for i in resource.interfaces)
        if isinstance(resource, Compute | Volume):
            changed["attachments"] = tuple(self.publish(zone, a) for a in resource.attachments)
        return replace(resource, **changed)

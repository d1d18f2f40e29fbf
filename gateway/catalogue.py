"""Instance types on offer, and what a compute gets that its request leaves open."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.model import GIB, ComputeSpec, InstanceType, InvalidRequest, NotFound, Unsupported
from gateway.zones import Zones

#: How long the types that a back end defines are taken from memory.
TTL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Defaults:
    """``instance_type`` and ``image`` empty = the first on offer."""

    instance_type: str = ""
    image: str = ""
    cores: int = 1
    memory: int = GIB
    #: Refuse a compute whose request names no instance type and no image.
    templates_required: bool = False


@dataclass(slots=True)
class Catalogue:
    """The instance types of the configuration and of all zones."""

    zones: Zones
    configured: Mapping[str, InstanceType] = field(default_factory=dict)
    _types: Mapping[str, InstanceType] = field(default_factory=dict)
    _until: float = 0.0

    def instance_types(self) -> Mapping[str, InstanceType]:
        """By identifier; the configuration's first."""
        if time.monotonic() >= self._until:
            found = dict(self.configured)
            for zone in self.zones.names():
                for offered in self._of(zone):
                    published = self.zones.publish(zone, offered)
                    found.setdefault(published.id, published)
            self._types, self._until = found, time.monotonic() + TTL_SECONDS
        return self._types

    def _of(self, zone: str) -> Sequence[InstanceType]:
        try:
            types: Sequence[InstanceType] = self.zones.collection(zone, InstanceType).list()
        except Unsupported:
            return ()
        return types

    def instance_type(self, id: str) -> InstanceType:
        """Raises NotFound."""
        try:
            return self.instance_types()[id]
        except KeyError:
            raise NotFound.of("instance type", id) from None

    def offered_in(self, id: str, zone: str) -> InstanceType:
        """An instance type for a compute of a zone. Raises NotFound, InvalidRequest (another zone's)."""
        offered = self.instance_type(id)
        home = self._home(offered)
        if home is not None and home != zone:
            raise InvalidRequest(
                f"instance type {offered.id} is not offered in zone {zone}", field="instance_type"
            )
        return offered

    def sized(self, spec: ComputeSpec, zone: str, defaults: Defaults) -> ComputeSpec:
        """The specification with cores, memory and instance type settled.

        A named type sets the size, whatever else was asked for (GFD.224, Resource Template). With neither
        type nor size the default type is taken; with one of cores and memory the other has its default.
        """
        if spec.instance_type is None and spec.cores is None and spec.memory is None:
            spec = replace(spec, instance_type=self._default_type(zone, defaults))
        if spec.instance_type is not None:
            offered = self.offered_in(spec.instance_type, zone)
            return replace(spec, cores=offered.cores, memory=offered.memory)
        return replace(spec, cores=spec.cores or defaults.cores, memory=spec.memory or defaults.memory)

    def _home(self, offered: InstanceType) -> str | None:
        """The one zone of a type; None for a type of the configuration, which all have."""
        return None if offered.id in self.configured else self.zones.split(offered.id)[0]

    def _default_type(self, zone: str, defaults: Defaults) -> str | None:
        if defaults.instance_type:
            return defaults.instance_type
        homes = ((t, self._home(t)) for t in self.instance_types().values())
        return next((t.id for t, home in homes if home in (None, zone)), None)

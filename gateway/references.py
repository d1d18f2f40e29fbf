"""Which fields of a request name another resource, and the right that naming it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from gateway.model import (
    Address,
    AttachmentSpec,
    Compute,
    ComputeSpec,
    Image,
    ImageSpec,
    InterfaceSpec,
    Network,
    PortMappingSpec,
    Resource,
    SecurityGroup,
    Snapshot,
    SnapshotSpec,
    Volume,
    VolumeSpec,
)
from gateway.policy.permissions import Right

#: Given noun, outside identifier, right and field: the inside identifier. Raises what the door raises.
Resolver: TypeAlias = Callable[[type[Resource], str, Right, str], str]

#: specification -> field -> (noun, right)
SINGLE: Mapping[type[Any], Mapping[str, tuple[type[Resource], Right]]] = {
    ComputeSpec: {"image": (Image, Right.USE)},
    AttachmentSpec: {"compute": (Compute, Right.MANAGE), "volume": (Volume, Right.MANAGE)},
    InterfaceSpec: {
        "compute": (Compute, Right.MANAGE),
        "network": (Network, Right.USE),
        "reservation": (Address, Right.MANAGE),
    },
    VolumeSpec: {"image": (Image, Right.USE), "snapshot": (Snapshot, Right.USE)},
    SnapshotSpec: {"volume": (Volume, Right.USE)},
    ImageSpec: {"compute": (Compute, Right.MANAGE)},
    PortMappingSpec: {"compute": (Compute, Right.MANAGE)},
}


def resolve(spec: Any, resolver: Resolver) -> Any:
    """The specification with every reference checked and turned to its inside form."""
    changed: dict[str, Any] = {}
    for field, (noun, right) in SINGLE.get(type(spec), {}).items():
        value = getattr(spec, field)
        if value:
            if isinstance(spec, AttachmentSpec) and noun is Volume and spec.read_only:
                right = Right.USE
            changed[field] = resolver(noun, value, right, field)
    if isinstance(spec, ComputeSpec):
        changed["attachments"] = tuple(resolve(a, resolver) for a in spec.attachments)
        changed["interfaces"] = tuple(resolve(i, resolver) for i in spec.interfaces)
        changed["security_groups"] = resolve_groups(spec.security_groups, resolver)
    return replace(spec, **changed) if changed else spec


def resolve_groups(groups: tuple[str, ...], resolver: Resolver) -> tuple[str, ...]:
    return tuple(resolver(SecurityGroup, group, Right.USE, "security_groups") for group in groups)

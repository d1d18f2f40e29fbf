"""What a specification or a resource weighs against quotas."""

from __future__ import annotations

from typing import Any

from gateway.model import Compute, ComputeSpec, Image, ImageSpec, Volume, VolumeSpec
from gateway.store.overlay import Holding


def weight_of(thing: Any) -> Holding:
    """What a specification or a resource weighs."""
    if isinstance(thing, Compute | ComputeSpec):
        return Holding(
            vcpus=thing.cores or 0, memory_bytes=thing.memory or 0, instance_type=thing.instance_type
        )
    if isinstance(thing, Volume | VolumeSpec | Image | ImageSpec):
        return Holding(bytes=thing.size or 0)
    return Holding()

"""The registry of the OCCI checks: their sections in the order in which they run."""

from __future__ import annotations

from conformance.framework import Registry
from conformance.occi.context import OcciContext

SECTIONS = (
    "OCCI-DISC",
    "OCCI-MODEL",
    "OCCI-SHAPE",
    "OCCI-VER",
    "OCCI-NEG",
    "OCCI-SYN",
    "OCCI-BAD",
    "OCCI-CREATE",
    "OCCI-READ",
    "OCCI-UPDATE",
    "OCCI-DELETE",
    "OCCI-COL",
    "OCCI-PATH",
    "OCCI-PAGE",
    "OCCI-LINK",
    "OCCI-TAG",
    "OCCI-TPL",
    "OCCI-ACT",
    "OCCI-FLT",
    "OCCI-ERR",
    "OCCI-EXT",
)

REGISTRY: Registry[OcciContext] = Registry("OCCI", SECTIONS)
check = REGISTRY.check

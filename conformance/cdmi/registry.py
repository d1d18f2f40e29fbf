"""The registry of the CDMI checks: their sections in the order in which they run."""

from __future__ import annotations

from conformance.cdmi.context import CdmiContext
from conformance.framework import Registry

SECTIONS = (
    "CDMI-CAP",
    "CDMI-VER",
    "CDMI-NEG",
    "CDMI-PATH",
    "CDMI-FORM",
    "CDMI-ID",
    "CDMI-SEL",
    "CDMI-HTTP",
    "CDMI-OBJ",
    "CDMI-UPD",
    "CDMI-RANGE",
    "CDMI-META",
    "CDMI-CON",
    "CDMI-POST",
    "CDMI-COPY",
    "CDMI-MOVE",
    "CDMI-REF",
    "CDMI-PART",
    "CDMI-MULTI",
    "CDMI-QUEUE",
    "CDMI-DOM",
    "CDMI-ACL",
    "CDMI-RET",
    "CDMI-SNAP",
    "CDMI-SER",
    "CDMI-EXP",
    "CDMI-DSM",
    "CDMI-QOS",
    "CDMI-BAD",
    "CDMI-ERR",
    "CDMI-GATE",
    "CDMI-QUIRK",
)

REGISTRY: Registry[CdmiContext] = Registry("CDMI", SECTIONS)
check = REGISTRY.check

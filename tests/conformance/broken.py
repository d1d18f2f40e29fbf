"""Every defect by name: what is broken, the check that must say so, and those that say the same."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance import (
    defects_cdmi,
    defects_cdmi_content,
    defects_entities,
    defects_protocol,
    defects_relations,
)
from tests.conformance.alter import Defect

DEFECTS: Mapping[str, Defect] = {
    **defects_protocol.DEFECTS.table,
    **defects_entities.DEFECTS.table,
    **defects_relations.DEFECTS.table,
}

CDMI_DEFECTS: Mapping[str, Defect] = {**defects_cdmi.DEFECTS.table, **defects_cdmi_content.DEFECTS.table}

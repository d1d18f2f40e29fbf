"""What the ownership rows count against quotas, read past the door."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from gateway.cloud import Cloud
from gateway.store import Query
from gateway.store.overlay import Holding
from gateway.store.schema import resources

_c = resources.c
_HELD = Query(
    select(_c.vcpus, _c.memory_bytes, _c.bytes, _c.instance_type)
    .where(_c.id == bindparam("id"))
    .order_by(_c.seq)
)


def held(cloud: Cloud, id: str) -> Holding:
    """What the row of one resource holds."""
    [row] = cloud.database.read(_HELD, id=id)
    return Holding(*row)

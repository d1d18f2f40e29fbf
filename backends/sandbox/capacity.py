"""How much the sandbox holds, measured against option ``capacity``."""

from __future__ import annotations

from gateway.model import QuotaExceeded

from .database import Connection
from .options import Capacity

_USED = {
    "cores": "SELECT coalesce(sum(cores), 0) FROM computes WHERE gone IS NULL OR gone > ?1",
    "memory": "SELECT coalesce(sum(memory), 0) FROM computes WHERE gone IS NULL OR gone > ?1",
    "disk": "SELECT (SELECT coalesce(sum(disk), 0) FROM computes WHERE gone IS NULL OR gone > ?1)"
    " + (SELECT coalesce(sum(size), 0) FROM volumes WHERE gone IS NULL OR gone > ?1)"
    " + (SELECT coalesce(sum(size), 0) FROM snapshots) + (SELECT coalesce(sum(size), 0) FROM images)",
}


def check(connection: Connection, capacity: Capacity, now: float, **wanted: int) -> None:
    """Raises QuotaExceeded where ``wanted`` more of a dimension would pass its limit."""
    for dimension, amount in wanted.items():
        limit = getattr(capacity, dimension)
        if limit is None or amount <= 0:
            continue
        (used,) = connection.execute(_USED[dimension], (now,)).fetchone()
        if used + amount > limit:
            raise QuotaExceeded(dimension, used=used, limit=limit, scope="sandbox capacity")

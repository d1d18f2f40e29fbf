"""Leases: work that exactly one process of all nodes does, until it stops or its time runs out."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, or_, update

from .database import Constraint, Database, Query
from .overlay import now
from .schema import leases

_c = leases.c
_TAKE = Query(
    update(leases)
    .where(
        _c.name == bindparam("lease"),
        or_(_c.holder == bindparam("me"), _c.expires < bindparam("present")),
    )
    .values(holder=bindparam("holder"), expires=bindparam("expires"))
)
_NEW = Query(insert(leases).values({n: bindparam(n) for n in ("name", "holder", "expires")}))
_RELEASE = Query(delete(leases).where(_c.name == bindparam("lease"), _c.holder == bindparam("me")))


class Leases:
    """The leases of one store, as one process sees them."""

    def __init__(self, database: Database, *, holder: str) -> None:
        self._database = database
        self._holder = holder

    def hold(self, name: str, *, seconds: float) -> bool:
        """Take or prolong the lease; False while another process has it."""
        present = now()
        expires = present + int(seconds * 1e6)
        try:
            with self._database.write() as tx:
                taken = tx.run(
                    _TAKE, lease=name, me=self._holder, present=present, holder=self._holder, expires=expires
                )
                if not taken:
                    tx.run(_NEW, name=name, holder=self._holder, expires=expires)
        except Constraint:
            return False
        return True

    def release(self, name: str) -> None:
        """Let another process take it at once."""
        with self._database.write() as tx:
            tx.run(_RELEASE, lease=name, me=self._holder)

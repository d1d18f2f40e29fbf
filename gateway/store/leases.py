"""Leases: work that exactly one process of all nodes does, until it stops or its time runs out."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, or_, select, update

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
_DROP = Query(delete(leases).where(_c.name == bindparam("lease")))
_EXPIRING = Query(select(_c.name).where(_c.expires <= bindparam("before")).order_by(_c.name))


class Leases:
    """The leases of one store, as one holder sees them."""

    def __init__(self, database: Database, *, holder: str) -> None:
        self._database = database
        self._holder = holder

    def hold(self, *names: str, seconds: float, durable: bool = True) -> bool:
        """Take or prolong leases, all or none; False while another holder has one of them."""
        present = now()
        expires = present + int(seconds * 1e6)
        try:
            with self._database.write(durable=durable) as tx:
                for name in names:
                    taken = tx.run(
                        _TAKE,
                        lease=name,
                        me=self._holder,
                        present=present,
                        holder=self._holder,
                        expires=expires,
                    )
                    if not taken:
                        tx.run(_NEW, name=name, holder=self._holder, expires=expires)
        except Constraint:
            return False
        return True

    def release(self, *names: str) -> None:
        """Let others take them at once."""
        with self._database.write(durable=False) as tx:
            for name in names:
                tx.run(_RELEASE, lease=name, me=self._holder)

    def expiring(self, prefix: str, *, within: float) -> Sequence[str]:
        """Leases under a prefix, whoever has them, that are over in so many seconds."""
        rows = self._database.read(_EXPIRING, before=now() + int(within * 1e6))
        return [name for (name,) in rows if name.startswith(prefix)]

    def drop(self, name: str) -> None:
        """End a lease whoever has it."""
        with self._database.write() as tx:
            tx.run(_DROP, lease=name)

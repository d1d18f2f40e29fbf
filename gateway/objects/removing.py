"""Removing objects: with all that is in them, unless something in there must be kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from gateway.identity import GATEWAY, Caller
from gateway.model import Condition, Conflict, Domain, Forbidden, InvalidRequest
from gateway.objects.domains import DEFAULT
from gateway.objects.exports import Exports
from gateway.objects.names import Place
from gateway.objects.ways import Way, Ways, require_removable
from gateway.objects.writing import ATTEMPTS, GIVEN_UP_AT_ONCE, Writer, busy
from gateway.policy.system import DOMAIN_REASSIGN
from gateway.store import Constraint, Transaction
from gateway.store.object_rows import Held
from gateway.store.objects import SNAPSHOTS_NAME

#: So many that have run out are removed at a time.
_EXPIRED_AT_ONCE = 100


class Remover:
    """Everything that removes objects."""

    def __init__(self, writer: Writer, ways: Ways, exports: Exports | None) -> None:
        self.writer, self.ways, self.rows, self._exports = writer, ways, writer.rows, exports

    def remove(self, caller: Caller, place: Place, condition: Condition | None = None) -> None:
        """Remove an object with all that is in it.

        Raises NotFound, Forbidden (also for what retention or a hold keeps), Conflict (a machine uses an
        export), InvalidRequest (what stays; a domain that is in use and names no other for its objects), and
        what ``condition`` raises of the object as it is then.
        """
        for _ in range(ATTEMPTS):
            way = self.ways.walk(caller, place, references=True)
            require_removable(caller, way, place)
            if any(held.object.name == SNAPSHOTS_NAME for held in way[:-2]):
                raise Forbidden(f"{place}: a snapshot is never changed", reason="snapshot")
            if any(held.is_kept for held in way):
                raise Forbidden(f"{place}: retention or a hold keeps it", reason="retained")
            if self._remove(caller, way, place, condition):
                return
        raise busy(place)

    def _remove(self, caller: Caller, way: Way, place: Place, condition: Condition | None = None) -> bool:
        """Remove what is at the end of a way; False where it is no longer there, or has been added to."""
        held = way[-1]
        self._require_free(held, place)  # before disks of machines go, which nothing brings back
        if self._exports is not None:
            self._exports.release_all(held, place)
        with suppress(Constraint):  # somebody has put something into it meanwhile
            with self.writer.database.write() as tx:
                if not self.rows.lock_tree(tx, held) or not self.ways.is_there(tx, held):
                    return False
                self._require_free(held, place, tx)
                now = self.rows.by_seq(held.seq, tx)
                if condition is not None and now is not None:
                    condition(now.object)
                if isinstance(held.object, Domain):
                    self._reassign(tx, caller, way)
                keys: Sequence[str] = self.rows.remove(tx, held, GIVEN_UP_AT_ONCE)
                self.writer.told(tx, caller, way)
                self.ways.record(tx, caller, f"{held.object.kind}.delete", held)
            self.writer.give_up(keys)
            return True
        return False

    def _require_free(self, held: Held, place: Place, source: Transaction | None = None) -> None:
        kept = self.rows.kept_in(held, source)
        if kept is not None:
            raise Forbidden(f"{place}: retention or a hold keeps {kept} in it", reason="retained")

    def _reassign(self, tx: Transaction, caller: Caller, way: Way) -> None:
        """Give the objects of a domain, and of those in it, to the one that it names (10.6)."""
        held = way[-1]
        if len(way) == 1 or (len(way) == 2 and held.object.name == DEFAULT):
            raise InvalidRequest("this domain stays", reason="reserved")
        domains = self.ways.domains.all(caller)
        own = domains[held.seq].path
        inside = [known for known in domains.values() if known.path[: len(own)] == own]
        used = [known for known in inside if self.rows.is_used(tx, known.seq)]
        if not used:
            return
        named = str(held.object.system.get(DOMAIN_REASSIGN, ""))
        path = tuple(name for name in named.split("/") if name)
        to = next((k for k in domains.values() if k not in inside and path[-len(k.path) :] == k.path), None)
        if to is None:
            raise InvalidRequest(
                f"the domain has objects and {DOMAIN_REASSIGN} names no other domain for them",
                field=DOMAIN_REASSIGN,
            )
        for known in used:
            self.rows.reassign(tx, known.seq, to.seq)

    def remove_expired(self) -> int:
        """Remove what was to go when its retention ended (17.3); how many."""
        removed = 0
        caller = Caller(GATEWAY)
        while expired := self.rows.expired(_EXPIRED_AT_ONCE):
            before = removed
            for held in expired:
                way = self.ways.chain(held)
                if any(above.holds for above in way) or self.rows.by_seq(held.seq) is None:
                    continue  # it is in something that is held, or that has been removed just now
                with suppress(Forbidden, Conflict):  # something in it is kept for longer, or exported
                    removed += self._remove(caller, way, Place(id=held.object.id))
            if removed == before:
                break
        return removed

"""Rows of a tree once more below another object; their values are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.identity import Caller
from gateway.model import (
    AceMask,
    Conflict,
    Container,
    InvalidRequest,
    Json,
    QueueValue,
    StoredObject,
)
from gateway.objects.identifier import new_id
from gateway.objects.ways import Way, group_of, guarded, is_being_made
from gateway.objects.wishes import inherited_domain
from gateway.objects.writing import Writer
from gateway.policy import acl as lists
from gateway.policy.acl import granted
from gateway.policy.system import NOT_COPIED
from gateway.store import Transaction
from gateway.store.object_rows import Held, present
from gateway.store.objects import Extent, Whole

#: What copying an object takes.
LOOKED_AT = AceMask.READ_OBJECT | AceMask.READ_METADATA


class Graft:
    """Puts copies of all that is below one object below another."""

    def __init__(self, writer: Writer, caller: Caller, way: Way, from_: Way, *, as_it_is: bool) -> None:
        self._writer, self._rows, self._caller = writer, writer.rows, caller
        self._to, self._from, self._as_it_is = way[-1], from_[-1], as_it_is
        self._domain = inherited_domain(writer.ways.domains, caller, way) if not as_it_is else None
        self._moment = present()
        self._made: dict[int, Held] = {self._from.seq: self._to}

    def copy(self, tx: Transaction, tree: Sequence[Whole]) -> None:
        """Some objects, none before the one that it is in; not what they are put in, nor what is in that."""
        parts: list[tuple[int, Extent]] = []
        for held, own in ((one.held, one.parts) for one in tree):
            if held.parent_seq is None or held.parent_seq not in self._made or held.seq == self._to.seq:
                continue
            if is_being_made(held):
                raise Conflict(f"{held.object.name!r} in it is still being made")
            above = self._made[held.parent_seq]
            copied = self._rows.add(
                tx, above, self._copied(held, above), self._group(held), domain=self._domain_of(held)
            )
            self._made[held.seq] = copied
            parts += [(copied.seq, extent) for extent in own]
        self._rows.add_extents(tx, parts)

    def _copied(self, held: Held, above: Held) -> StoredObject:
        thing = held.object
        id = new_id(self._writer.enterprise)
        if self._as_it_is:
            kept = replace(thing, id=id, system=without_protection(thing.system))
            return replace(kept, exports={}) if isinstance(kept, Container) else kept
        container = isinstance(thing, Container)
        needed = LOOKED_AT | (AceMask.EXECUTE if container else AceMask(0))
        own = isinstance(thing, QueueValue)  # whoever reads the queue reads its values
        if not own and granted(self._caller.principal, guarded(held), needed) != needed:
            raise InvalidRequest(
                f"source: you may not read {thing.name!r} in it", field="copy", reason="source"
            )
        principal = self._caller.principal
        changed = replace(
            thing,
            id=id,
            owner=principal.user,
            tenant=principal.tenant,
            acl=lists.inherited(above.object.acl, by_container=container),
            system=without_protection(thing.system),
            created=self._moment,
            modified=self._moment,
            changes=0,
        )
        return replace(changed, exports={}) if isinstance(changed, Container) else changed

    def _group(self, held: Held) -> str:
        return held.group if self._as_it_is else group_of(self._caller)

    def _domain_of(self, held: Held) -> int | None:
        return held.domain_seq if self._as_it_is else self._domain


def without_protection(items: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: value for name, value in items.items() if name not in NOT_COPIED}

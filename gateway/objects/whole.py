"""Objects with all that is in them, taken out as one thing and put back from one (CDMI 15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.identity import Caller, Role
from gateway.model import (
    AceMask,
    AlreadyExists,
    Container,
    DataObject,
    Encoding,
    Forbidden,
    InvalidRequest,
    NotFound,
    ObjectKind,
    Plan,
    Queue,
    QueueValue,
    StoredObject,
    Wish,
)
from gateway.objects.contents import Hasher
from gateway.objects.names import Place, Seen, require_name
from gateway.objects.values import Value
from gateway.objects.ways import Way, Ways, group_of, guarded, require, require_changeable
from gateway.objects.wishes import checked, domain_for, inherited_domain
from gateway.objects.writing import Writer, busy, is_membership, require_place
from gateway.policy.acl import granted
from gateway.policy.system import VALUE_HASH, effective
from gateway.store import Constraint, Transaction
from gateway.store.object_rows import Held
from gateway.store.objects import Extent

#: So many objects are put back at a time.
MAX_OBJECTS = 10_000
#: Bytes of all values, gaps included, that are taken out as one.
MAX_READ = 1 << 32

_READ = AceMask.READ_OBJECT | AceMask.READ_METADATA


@dataclass(frozen=True, slots=True)
class Whole:
    """An object and what is in it, for somebody to write down."""

    seen: Seen
    value: Value | None = None
    children: Sequence[Whole] = ()  # of a queue: its values


_TYPES: dict[ObjectKind, type[StoredObject]] = {
    ObjectKind.CONTAINER: Container,
    ObjectKind.DATA_OBJECT: DataObject,
    ObjectKind.QUEUE: Queue,
    ObjectKind.QUEUE_VALUE: QueueValue,
}


class Wholes:
    """Takes trees out and puts them back."""

    def __init__(self, writer: Writer, ways: Ways) -> None:
        self.writer, self.ways, self.rows = writer, ways, writer.rows

    def read(self, caller: Caller, place: Place) -> Whole:
        """What is at a place, without what the caller may not read. Raises InvalidRequest (the source)."""
        try:
            way = self.ways.walk(caller, place)
            require(caller, way[-1], _READ, place)
        except (NotFound, Forbidden) as error:
            raise InvalidRequest(f"serialize: {error.message}", field="serialize", reason="source") from None
        if way[-1].object.kind not in _TYPES:
            raise InvalidRequest(f"serialize: {place} is a {way[-1].object.kind}", field="serialize")
        self.ways.require_open_tree(caller, way[-1])
        if self.rows.tree_size(way[-1])[1] > MAX_READ:
            raise InvalidRequest(f"serialize: more than {MAX_READ} bytes", field="serialize")
        tree = self.rows.tree(way[-1])
        if not tree:
            raise InvalidRequest(f"serialize: no object {place}", field="serialize", reason="source")
        way = [*way[:-1], tree[0].held]
        extents = {one.held.seq: one.parts for one in tree}
        below: dict[int, list[Held]] = {}
        for one in tree[1:]:
            if one.held.parent_seq is not None:
                below.setdefault(one.held.parent_seq, []).append(one.held)

        def whole(way: Way) -> Whole:
            held = way[-1]
            value = None
            if isinstance(held.object, DataObject):
                value = Value(self.writer.values, extents[held.seq], held.object.size)
            inside = [child for child in below.get(held.seq, ()) if self._is_readable(caller, child)]
            return Whole(self.ways.seen(caller, way), value, [whole([*way, child]) for child in inside])

        return whole(way)

    @staticmethod
    def _is_readable(caller: Caller, held: Held) -> bool:
        if isinstance(held.object, QueueValue):
            return True
        wanted = _READ | (AceMask.EXECUTE if isinstance(held.object, Container) else AceMask(0))
        return granted(caller.principal, guarded(held), wanted) == wanted

    def restore(self, caller: Caller, place: Place, plan: Plan, wish: Wish) -> Seen:
        """Make what a plan says, with the IDs that it had, all or nothing.

        Raises InvalidRequest (the plan), NotFound (the parent), Forbidden, AlreadyExists (the place, an ID).
        """
        below = plan.kind is ObjectKind.CONTAINER
        right = AceMask.APPEND_DATA if below else AceMask.WRITE_OBJECT
        way = self.ways.parent(caller, place, right, container=below)
        kind = _TYPES[plan.kind]
        require_place(way, place, kind)
        if is_membership(way):
            raise InvalidRequest(f"{place}: a member is written, not deserialized", field="deserialize")
        plan = replace(plan, wish={**plan.wish, **wish})
        self._require_fit(caller, way, plan, wish)
        with self.writer.kept(item.value for item in plan.all()) as stored:
            try:
                with self.writer.database.write() as tx:
                    if way and not self.rows.lock(tx, way[-1]):
                        raise NotFound(f"no container for {place}")
                    self.rows.add_value(tx, stored.key, stored.size)
                    grown = _Grown(self, tx, caller, stored.key)
                    held = grown.add(way, place, plan, top=True)
                    self.ways.require_room(tx, held)
                    self.ways.record(tx, caller, f"{plan.kind}.create", held)
            except Constraint:
                raise AlreadyExists(
                    f"{place}, or an object with one of these IDs, is there already"
                ) from None
        return self.ways.seen(caller, [*way, held])

    def restore_over(self, caller: Caller, place: Place, plan: Plan) -> Seen:
        """Make a container be what a plan says: what is in it, and what is not in the plan, goes (9.4)."""
        way = self.ways.container(
            caller, place, AceMask.WRITE_OBJECT | AceMask.APPEND_DATA | AceMask.DELETE_OBJECT
        )
        require_changeable(way, place)
        self._require_fit(caller, way[:-1], plan, {})
        last = self.writer.wished(caller, way, place, plan.wish)
        with self.writer.kept(item.value for item in plan.all()) as stored:
            try:
                with self.writer.database.write() as tx:
                    self.rows.lock_tree(tx, way[-1])
                    if not self.writer.unchanged(tx, way[-1]):
                        raise busy(place)
                    keys = self.writer.clear(tx, way[-1])
                    self.rows.add_value(tx, stored.key, stored.size)
                    grown = _Grown(self, tx, caller, stored.key)
                    grown.fill(way, plan)
                    self.ways.require_room(tx, way[-1])
                    self.writer.put_row(tx, caller, way, last)
            except Constraint:
                raise AlreadyExists("an object with one of these IDs is there already") from None
        self.writer.give_up(keys)
        return self.ways.seen(caller, [*way[:-1], last])

    def _require_fit(self, caller: Caller, way: Way, plan: Plan, wish: Wish) -> None:
        """Names, number, depth and domains of what is to be made. Raises InvalidRequest."""
        self.ways.require_shallow(way, plan.depth)
        for number, item in enumerate(plan.all(), 1):
            if number > MAX_OBJECTS:
                raise InvalidRequest(f"deserialize: more than {MAX_OBJECTS} objects", field="deserialize")
            if item is not plan and item.kind is not ObjectKind.QUEUE_VALUE:
                require_name(item.name, container=item.kind is ObjectKind.CONTAINER)
        if "domain" in wish:
            return
        above = domain_for(self.ways.domains, caller, way, {})
        domains = self.ways.domains
        path = domains.all(caller)[above].path if above is not None else None
        others = {item.domain for item in plan.all() if item.domain is not None} - {path}
        if others and not domains.has(caller, above, "cross_domain"):
            raise InvalidRequest(
                "deserialize: objects of another domain than the container's take the privilege cross_domain",
                field="domainURI",
            )


class _Grown:
    """Rows of a plan; all values stand one behind the other in one stored value."""

    def __init__(self, wholes: Wholes, tx: Transaction, caller: Caller, key: str) -> None:
        self._wholes, self._rows, self._tx, self._caller, self._key = wholes, wholes.rows, tx, caller, key
        self._offset = 0

    def add(self, way: Way, place: Place, plan: Plan, *, top: bool = False) -> Held:
        """The row of a plan below the end of a way, and all below it."""
        kind = _TYPES[plan.kind]
        wish = checked(False, self._owned(plan.wish))
        common = self._wholes.writer.common(self._caller, way, place, wish, kind=kind)
        common["id"] = plan.id or common["id"]
        if not top:
            common["name"] = plan.name
        elif place.is_unnamed:
            common["name"] = common["id"]
        if place.is_new and top:
            common["name"] = None
        domain = self._domain(way, plan, wish)
        made = kind(**common, **self._own(plan, wish, way))
        above = way[-1] if way else None
        held = self._rows.add(self._tx, above, made, group_of(self._caller), domain=domain)
        if plan.value:
            extent = Extent(0, len(plan.value), self._key, self._offset)
            self._rows.add_extents(self._tx, [(held.seq, extent)])
        self._offset += len(plan.value)
        for child in plan.children:
            self.add([*way, held], Place((child.name,)), child)
        return held

    def fill(self, way: Way, plan: Plan) -> None:
        """What a plan's children are, below a container that is there."""
        self._offset += len(plan.value)
        for child in plan.children:
            self.add(way, Place((child.name,)), child)

    def _owned(self, wish: Wish) -> Wish:
        """Only the gateway's admin makes objects that are others'."""
        if self._caller.principal.has(Role.ADMIN):
            return wish
        kept: Wish = {**wish}
        kept.pop("owner", None)
        return kept

    def _domain(self, way: Way, plan: Plan, wish: Wish) -> int | None:
        domains = self._wholes.ways.domains
        if "domain" in wish:
            return domain_for(domains, self._caller, way, wish)
        if plan.domain is not None and domains.has(
            self._caller, inherited_domain(domains, self._caller, way), "cross_domain"
        ):
            return domains.at(self._caller, plan.domain).seq
        return domain_for(domains, self._caller, way, {})

    @staticmethod
    def _own(plan: Plan, wish: Wish, way: Way) -> dict[str, Any]:
        if plan.kind is ObjectKind.QUEUE:
            return {"next": plan.next}
        if plan.kind is ObjectKind.CONTAINER:
            return {}
        items = effective(wish.get("system", {}), [held.object.system for held in way])
        return {
            "mimetype": wish.get("mimetype", "text/plain"),
            "encoding": wish.get("encoding", Encoding.BASE64),
            "size": len(plan.value),
            "digest": _digest(items.get(VALUE_HASH), plan.value),
        }


def _digest(algorithm: str | None, value: bytes) -> str | None:
    hasher = Hasher(algorithm)
    for _ in hasher.passed([value]):
        pass
    return hasher.digest()

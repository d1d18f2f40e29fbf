"""Copies, moves and snapshots: whole trees at once, large ones by a worker; no value is ever copied."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from gateway.identity import Caller
from gateway.model import (
    AceMask,
    AlreadyExists,
    Completion,
    Conflict,
    Container,
    DataObject,
    Forbidden,
    InvalidRequest,
    NotFound,
    Queue,
    StoredObject,
    Wish,
)
from gateway.objects.contents import Content
from gateway.objects.grafts import LOOKED_AT, Graft, without_protection
from gateway.objects.identifier import new_id
from gateway.objects.names import Place, Seen, require_name
from gateway.objects.values import Replaced, Value, cut, joined
from gateway.objects.ways import (
    Way,
    Ways,
    data,
    group_of,
    is_being_made,
    require,
    require_changeable,
    require_no_snapshot,
    require_removable,
)
from gateway.objects.wishes import checked, domain_for, hash_of, inherited_domain
from gateway.objects.writing import (
    ATTEMPTS,
    GIVEN_UP_AT_ONCE,
    Writer,
    busy,
    is_membership,
    require_place,
)
from gateway.store import Constraint, Transaction
from gateway.store.jobs import Jobs
from gateway.store.object_rows import Held, present
from gateway.store.objects import SNAPSHOTS_NAME, Whole

#: Trees of more objects than this are copied by the worker.
AT_ONCE = 2000
#: What copying a field takes at the source.
_NEEDED = (
    ("value", AceMask.READ_OBJECT),
    ("metadata", AceMask.READ_METADATA),
    ("mimetype", AceMask.READ_ATTRIBUTES),
    ("valuetransferencoding", AceMask.READ_ATTRIBUTES),
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is copied from, and what of it."""

    place: Place
    fields: frozenset[str] = frozenset()  # "value", "metadata", "mimetype", ...; empty = everything
    first: int = 0
    length: int | None = None  # of the value; None = to its end
    metadata: tuple[str, ...] = ()  # names; empty = all
    values: int | None = None  # of a queue, the oldest ones; None = all

    def has(self, field: str) -> bool:
        return not self.fields or field in self.fields


class Trees:
    """Everything that makes objects of other objects."""

    def __init__(self, writer: Writer, ways: Ways, jobs: Jobs, *, at_once: int = AT_ONCE) -> None:
        self.writer, self.ways, self.rows, self.jobs = writer, ways, writer.rows, jobs
        self.database = writer.database
        self._at_once = at_once

    # Data objects

    def copy_value(self, caller: Caller, place: Place, source: Source, wish: Wish) -> tuple[Seen, bool]:
        """A data object with what another, or a queue, has; whether it was made.

        Raises InvalidRequest where the source cannot be read (8.2), and what ``Writer.write`` raises.
        """
        for _ in range(ATTEMPTS):
            from_ = self._source(caller, source)
            thing = from_[-1].object
            if not isinstance(thing, DataObject | Queue):
                raise InvalidRequest(f"copy: {source.place} is a {thing.kind.value}", field="copy")
            copied = self._described(thing, source, wish)
            with suppress(Constraint, Replaced):  # the value has been given up meanwhile
                if source.has("value"):
                    with self.writer.packed(self._content(from_[-1], source)) as content:
                        return self._put(caller, place, content, from_, copied)
                try:
                    return self.writer.change(caller, place, lambda _, copied=copied: copied), False  # type: ignore[misc]  # mypy sees no default of a lambda
                except NotFound as error:
                    if type(error) is not NotFound:
                        raise
                    return self.writer.put(caller, place, Content((), 0), copied)
        raise busy(place)

    def _put(
        self, caller: Caller, place: Place, content: Content, from_: Way, wish: Wish
    ) -> tuple[Seen, bool]:
        """As ``Writer.put``, with the digest that the new place wants."""
        try:
            way: Way = self.ways.walk(caller, place)
        except NotFound:
            way = self.ways.parent(caller, place, AceMask.WRITE_OBJECT)
        thing = from_[-1].object
        known = thing.digest if isinstance(thing, DataObject) and content.size == thing.size else None
        if (known or "").partition(":")[0] == (hash_of(way, wish) or ""):
            digest = known
        else:
            value = Value(self.writer.values, content.parts, content.size)
            digest = self.writer.digest_of(way, wish, value, place)
        return self.writer.put(caller, place, replace(content, digest=digest), wish)

    def _source(self, caller: Caller, source: Source) -> list[Held]:
        """The way to what is copied. Raises InvalidRequest, whatever the reason (8.2.9)."""
        try:
            way = self.ways.walk(caller, source.place)
            needed = AceMask(0)
            for field, right in _NEEDED:
                needed |= right if source.has(field) else AceMask(0)
            require(caller, way[-1], needed, source.place)
            self.ways.require_open_tree(caller, way[-1])
        except (NotFound, Forbidden, Conflict) as error:
            raise InvalidRequest(f"source: {error.message}", field="copy", reason="source") from None
        if way[-1].object.completion is not Completion.COMPLETE:
            raise InvalidRequest(f"source: {source.place} is not complete", field="copy", reason="source")
        return way

    @staticmethod
    def _described(thing: StoredObject, source: Source, wish: Wish) -> Wish:
        """The wish, with what it does not say taken from the source."""
        copied: Wish = {}
        if source.has("metadata"):
            names = source.metadata or tuple(thing.metadata)
            copied["metadata"] = {n: thing.metadata[n] for n in names if n in thing.metadata}
            copied["system"] = without_protection(thing.system)
        if isinstance(thing, DataObject):
            if source.has("mimetype"):
                copied["mimetype"] = thing.mimetype
            if source.has("valuetransferencoding"):
                copied["encoding"] = thing.encoding
        return {**copied, **wish}

    def _content(self, held: Held, source: Source) -> Content:
        """The value that a source comes to; made of what is in the value store already. Raises Replaced."""
        if isinstance(held.object, Queue):
            return self._queued(held, source)
        found = self.rows.whole(held)
        if found is None or found.held.object.changes != held.object.changes:
            raise Replaced(f"{source.place} has just been changed")
        size = data(held, source.place).size
        first = min(source.first, size)
        last = size if source.length is None else min(size, first + source.length)
        return Content(cut(found.parts, first, last), last - first)

    def _queued(self, held: Held, source: Source) -> Content:
        """The values of a queue one behind the other. Raises Replaced."""
        number = source.values if source.values is not None else 1 << 31
        values = self.rows.held_children(held, "", "~", number)
        sizes = [(data(value, source.place).size, self.rows.extents(value)) for value in values]
        if values and self.rows.whole(values[0]) is None:
            raise Replaced(f"{source.place}: values have just been taken out")
        return Content(*joined(sizes))

    # Trees

    def copy(
        self, caller: Caller, place: Place, kind: type[StoredObject], source: Source, wish: Wish
    ) -> Seen:
        """A container or queue with all that is in another one. Large ones are ``Processing`` at first.

        Raises InvalidRequest (the source), NotFound (the parent), Forbidden, AlreadyExists.
        """
        for _ in range(ATTEMPTS):
            with suppress(Constraint, Replaced):
                return self._copy(caller, place, kind, source, wish)
            with suppress(NotFound):
                self.ways.walk(caller, place, references=True)
                raise AlreadyExists(f"{place} is there already")
        raise busy(place)

    def _copy(
        self, caller: Caller, place: Place, kind: type[StoredObject], source: Source, wish: Wish
    ) -> Seen:
        """Raises Constraint and Replaced: the name is taken, or what is copied has been changed meanwhile."""
        from_ = self._source(caller, source)
        if not isinstance(from_[-1].object, kind):
            raise InvalidRequest(f"copy: {source.place} is a {from_[-1].object.kind.value}", field="copy")
        right = AceMask.APPEND_DATA if kind is Container else AceMask.WRITE_OBJECT
        way = self.ways.parent(caller, place, right, container=kind is Container)
        require_place(way, place, kind)
        wish = checked(False, self._described(from_[-1].object, source, wish))
        deep = source.has("children" if kind is Container else "value")
        self.ways.require_shallow(way, 1 + self.rows.depth_of(from_[-1]))
        number, _ = self.rows.tree_size(from_[-1])
        delayed = deep and number > self._at_once
        common = self.writer.common(caller, way, place, wish, kind=kind)
        if delayed:
            common |= {"completion": Completion.PROCESSING, "percent": 0}
        with self.database.write() as tx:
            if way and not self.rows.lock(tx, way[-1]):
                raise NotFound(f"no container for {place}")
            domain = domain_for(self.ways.domains, caller, way, wish)
            tree = self._unchanged_tree(tx, from_[-1]) if deep and not delayed else ()
            made = kind(**common)
            if isinstance(made, Queue) and isinstance(from_[-1].object, Queue) and deep:
                made = replace(made, next=from_[-1].object.next)
            held = self.rows.add(tx, way[-1] if way else None, made, group_of(caller), domain=domain)
            if delayed:
                self.jobs.add(tx, held.seq, from_[-1].object.id, caller.principal, as_it_is=False)
            else:
                Graft(self.writer, caller, [*way, held], from_, as_it_is=False).copy(tx, tree)
            self.ways.require_room(tx, held)
            self.ways.record(tx, caller, f"{made.kind}.create", held)
        return self.ways.seen(caller, [*way, held])

    def _unchanged_tree(self, tx: Transaction, top: Held) -> Sequence[Whole]:
        """All that is below an object, which is as it was. Raises Replaced where it is not."""
        tree = self.rows.tree(top, tx)
        if not tree or _state(tree[0].held) != _state(top):
            raise Replaced("the source has just been changed")
        return tree[1:]

    def copy_over(self, caller: Caller, place: Place, source: Source, wish: Wish) -> Seen:
        """A container that is there with what is in another one, in place of what was in it (9.4).

        Raises InvalidRequest (the source; one so large that it takes a new container).
        """
        for _ in range(ATTEMPTS):
            with suppress(Constraint, Replaced):
                return self._copy_over(caller, place, source, wish)
        raise busy(place)

    def _copy_over(self, caller: Caller, place: Place, source: Source, wish: Wish) -> Seen:
        from_ = self._source(caller, source)
        way = self.ways.container(
            caller, place, AceMask.WRITE_OBJECT | AceMask.APPEND_DATA | AceMask.DELETE_OBJECT
        )
        require_changeable(way, place)
        if not isinstance(from_[-1].object, Container) or not isinstance(way[-1].object, Container):
            raise InvalidRequest(f"copy: {source.place} is a {from_[-1].object.kind.value}", field="copy")
        if way[-1].seq in {held.seq for held in from_} or from_[-1].seq in {held.seq for held in way}:
            raise InvalidRequest("copy: neither of the two may be in the other", field="copy")
        last = self.writer.wished(caller, way, place, self._described(from_[-1].object, source, wish))
        keys: Sequence[str] = ()
        with self.database.write() as tx:
            self.rows.lock_tree(tx, way[-1])
            if not self.writer.unchanged(tx, way[-1]):
                raise Replaced(f"{place} has just been changed")
            if source.has("children"):
                keys = self._replace_children(tx, caller, way, from_)
            self.writer.put_row(tx, caller, way, last)
        self.writer.give_up(keys)
        return self.ways.seen(caller, [*way[:-1], last])

    def _replace_children(self, tx: Transaction, caller: Caller, way: Way, from_: Way) -> Sequence[str]:
        """Keys of values that may have become unused."""
        tree = self._unchanged_tree(tx, from_[-1])
        if len(tree) >= self._at_once:
            raise InvalidRequest(
                f"copy: more than {self._at_once} objects; copy to a new container", field="copy"
            )
        keys = self.writer.clear(tx, way[-1])
        Graft(self.writer, caller, way, from_, as_it_is=False).copy(tx, tree)
        self.ways.require_room(tx, way[-1])
        return keys

    def move(self, caller: Caller, place: Place, source: Place, wish: Wish) -> Seen:
        """An object at another place, with its ID and all that is in it (8.2, 9.2).

        Raises InvalidRequest (the source; into itself), NotFound (the parent), Forbidden, AlreadyExists.
        """
        for _ in range(ATTEMPTS):
            from_ = self._movable(caller, source)
            held = from_[-1]
            below = isinstance(held.object, Container)
            right = AceMask.APPEND_DATA if below else AceMask.WRITE_OBJECT
            way = self.ways.parent(caller, place, right, container=below)
            require_place(way, place, type(held.object))
            if any(above.seq == held.seq for above in way):
                raise InvalidRequest("move: not into itself", field="move")
            self._require_fit(caller, from_, way)
            name = None if place.is_new else place.names[-1] or held.object.id
            if name is None and below:
                raise InvalidRequest("move: a container needs a path", field="move")
            moved = replace(
                held, parent_seq=way[-1].seq if way else None, object=replace(held.object, name=name)
            )
            try:
                last = self.writer.wished(caller, [*way, moved], place, wish) if wish else moved
                with self.database.write() as tx:
                    if not self._still(tx, from_, way):
                        continue
                    self.rows.move(tx, held, way[-1] if way else None, name)
                    self.ways.record(tx, caller, f"{held.object.kind}.move", moved)
                    if wish:
                        self.writer.put_row(tx, caller, [*way, moved], last)
            except Replaced:
                continue
            except Constraint:
                raise AlreadyExists(f"{place} is there already") from None
            return self.ways.seen(caller, [*way, last])
        raise busy(place)

    def _require_fit(self, caller: Caller, from_: Way, way: Way) -> None:
        """Raises InvalidRequest, Forbidden for what is moved where it does not belong."""
        if is_membership(from_[:-1]) or is_membership(way):
            raise InvalidRequest("move: a member stays where it is", field="move")
        self.ways.require_shallow(way, 1 + self.rows.depth_of(from_[-1]))
        self.ways.require_open_tree(caller, from_[-1])
        above, domains = inherited_domain(self.ways.domains, caller, way), self.ways.domains
        other = way and from_[-1].domain_seq != above
        if other and not domains.has(caller, above, "cross_domain"):
            raise Forbidden("move: into a container of another domain takes the privilege cross_domain")

    def _movable(self, caller: Caller, source: Place) -> list[Held]:
        try:
            from_ = self.ways.walk(caller, source, references=True)
            require_removable(caller, from_, source)
            require_changeable(from_, source)
        except (NotFound, Forbidden, Conflict) as error:
            raise InvalidRequest(f"move: {error.message}", field="move", reason="source") from None
        if is_being_made(from_[-1]):
            raise InvalidRequest(f"move: {source} is still being made", field="move", reason="source")
        return from_

    def _still(self, tx: Transaction, *ways: Way) -> bool:
        """Whether ways are as they were, and stay so until the transaction ends, and what is at their ends.

        Two moves into each other's trees would cut both off from the root: one at a time.
        """
        tx.lock("objects move")
        ends = [way[-1] for way in ways if way]
        return (
            self.rows.lock_all(tx, ends)
            and all(self.ways.is_there(tx, held) for way in ways for held in way)
            and all(self.writer.unchanged(tx, held) for held in ends[:1])
        )

    # Snapshots

    def snapshot(self, caller: Caller, place: Place, name: str) -> Seen:
        """Keep a container as it is now, under ``cdmi_snapshots/NAME/``; one of the same name goes (CDMI 14).

        The snapshot of a large one is ``Processing`` at first.
        """
        require_name(name, container=True)
        for _ in range(ATTEMPTS):
            with suppress(Constraint):  # what is in it has been changed meanwhile
                return self._snapshot(caller, place, name)
        raise busy(place)

    def _snapshot(self, caller: Caller, place: Place, name: str) -> Seen:
        way = self.ways.container(caller, place, AceMask.WRITE_ATTRIBUTES | LOOKED_AT | AceMask.APPEND_DATA)
        require_no_snapshot(way, place)
        if not isinstance(way[-1].object, Container):
            raise Conflict(f"{place} is no container")
        number, _ = self.rows.tree_size(way[-1])
        replaced: Sequence[str] = ()
        with self.database.write() as tx:
            if not self.rows.lock(tx, way[-1]):
                raise NotFound(f"no object {place}")
            above = self._snapshots(tx, way)
            earlier = self.rows.child(above, name, tx)
            if earlier is not None:
                require_removable(caller, [*way, above, earlier], place)
                self.rows.lock_tree(tx, earlier)
                replaced = self.rows.remove(tx, earlier, GIVEN_UP_AT_ONCE)
            made = replace(
                way[-1].object,
                id=new_id(self.writer.enterprise),
                name=name,
                system=without_protection(way[-1].object.system),
                exports={},
                created=present(),
            )
            if number > self._at_once:
                made = replace(made, completion=Completion.PROCESSING, percent=0)
            held = self.rows.add(tx, above, made, way[-1].group, domain=way[-1].domain_seq)
            if number > self._at_once:
                self.jobs.add(tx, held.seq, way[-1].object.id, caller.principal, as_it_is=True)
            else:
                tree = self.rows.tree(way[-1], tx)[1:]
                Graft(self.writer, caller, [*way, above, held], way, as_it_is=True).copy(tx, tree)
            self.ways.require_room(tx, held)
            self.ways.record(tx, caller, "container.snapshot", held)
        self.writer.give_up(replaced)
        return self.ways.seen(caller, [*way, above, held])

    def _snapshots(self, tx: Transaction, way: Way) -> Held:
        """The container of a container's snapshots, which is made with the first."""
        held = self.rows.child(way[-1], SNAPSHOTS_NAME, tx)
        if held is not None:
            return held
        moment = present()
        made = Container(
            id=new_id(self.writer.enterprise),
            name=SNAPSHOTS_NAME,
            parent=None,
            owner=way[-1].object.owner,
            tenant=way[-1].object.tenant,
            metadata={},
            acl=way[-1].object.acl,
            created=moment,
            modified=moment,
        )
        return self.rows.add(tx, way[-1], made, way[-1].group, domain=way[-1].domain_seq)


def _state(held: Held) -> tuple[str, int]:
    return held.object.id, held.object.changes

"""The rows of stored objects: their tree, their values' extents, and which values nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, insert, literal, or_, select, update

from gateway.model import ObjectKind, StoredObject

from .database import Constraint, Database, Query, Row, Transaction
from .landmarks import Landmarks
from .object_rows import CHANGEABLE, COLUMNS, Held, changeable, fixed, held, size_of
from .overlay import now
from .schema import extents, object_values, objects

_o, _e, _v = objects.c, extents.c, object_values.c

#: Names of the rows without a parent that are reached by a path.
ROOT_NAME = ""
DOMAINS_NAME = "cdmi_domains"
#: What is below it is left out of copies, serializations and snapshots.
SNAPSHOTS_NAME = "cdmi_snapshots"

_KINDS: Mapping[str, ObjectKind] = {kind.value: kind for kind in ObjectKind}

#: As many rows as there are, and no name behind it.
MOST = (1 << 31) - 1
LAST_NAME = "\U0010ffff" * 2

_TOP = Query(select(*COLUMNS).where(_o.parent.is_(None), _o.name == bindparam("name")))
_BY_ID = Query(select(*COLUMNS).where(_o.id == bindparam("id")))
_BY_SEQ = Query(select(*COLUMNS).where(_o.seq == bindparam("seq")))
_CHILD = Query(select(*COLUMNS).where(_o.parent == bindparam("parent"), _o.name == bindparam("name")))
_BELOW = (_o.parent == bindparam("parent"),)
_CHILDREN = Query(
    select(_o.name, _o.kind)
    .where(*_BELOW, _o.name > bindparam("after"))
    .order_by(_o.name)
    .limit(bindparam("number"))
    .offset(bindparam("skip"))
)
_CHILDREN_AFTER = Query(
    select(_o.name, _o.kind)
    .where(*_BELOW, _o.name > bindparam("after"))
    .order_by(_o.name)
    .limit(bindparam("number"))
)
_HELD_CHILDREN = Query(
    select(*COLUMNS)
    .where(*_BELOW, _o.name >= bindparam("since"), _o.name <= bindparam("until"))
    .order_by(_o.name)
    .limit(bindparam("number"))
)
_HOW_MANY = Query(select(func.count()).where(*_BELOW))
_ENDS = Query(select(func.min(_o.name), func.max(_o.name)).where(*_BELOW))
#: Taken by everybody who is about to change an object or what is directly in it. A number that has become
#: free is given out again, an ID is not.
_LOCK = Query(
    select(_o.seq).where(_o.seq == bindparam("seq"), _o.id == bindparam("object_id")).with_for_update()
)

_MADE = ("id", "kind", "tenant", "created", "target", "parent", "name", "domain", "group_name")
_INSERT = Query(
    insert(objects).values({name: bindparam(name) for name in (*_MADE, *CHANGEABLE)}).returning(_o.seq)
)
_UPDATE = Query(
    update(objects).where(_o.seq == bindparam("row")).values({name: bindparam(name) for name in CHANGEABLE})
)
_MOVE = Query(
    update(objects).where(_o.seq == bindparam("row")).values(parent=bindparam("to"), name=bindparam("called"))
)
_TOUCH = Query(
    update(objects)
    .where(_o.seq == bindparam("row"), _o.id == bindparam("object_id"))
    .values(accessed=bindparam("moment"), reads=_o.reads + bindparam("number"))
)
_SET_DOMAIN = Query(update(objects).where(_o.seq == bindparam("row")).values(domain=bindparam("to")))
_SET_FIRST_DOMAIN = Query(
    update(objects)
    .where(_o.domain.is_(None), _o.kind != ObjectKind.DOMAIN.value)
    .values(domain=bindparam("to"))
)
_REASSIGN = Query(update(objects).where(_o.domain == bindparam("from")).values(domain=bindparam("to")))
_IN_DOMAIN = Query(select(literal(1)).where(_o.domain == bindparam("domain")).limit(1))
_EXPIRED = Query(
    select(*COLUMNS)
    .where(_o.expires <= bindparam("moment"), _o.held == 0)
    .order_by(_o.expires)
    .limit(bindparam("number"))
)

_subtree = (
    select(_o.seq, literal(0).label("depth")).where(_o.seq == bindparam("row")).cte("subtree", recursive=True)
)
_subtree = _subtree.union_all(select(_o.seq, _subtree.c.depth + 1).where(_o.parent == _subtree.c.seq))
_IN_SUBTREE = _o.seq.in_(select(_subtree.c.seq))
#: In one order, so that two never wait for each other.
_LOCK_TREE = Query(select(_o.seq).where(_IN_SUBTREE).order_by(_o.seq).with_for_update())
_DELETE_TREE = Query(delete(objects).where(_IN_SUBTREE))
_DELETE_EXTENTS_OF_TREE = Query(delete(extents).where(_e.object.in_(select(_subtree.c.seq))))
_KEYS_OF_TREE = Query(
    select(_e.key).where(_e.object.in_(select(_subtree.c.seq))).distinct().limit(bindparam("number"))
)
_EXPORTED_IN_TREE = Query(select(*COLUMNS).where(_IN_SUBTREE, _o.exports != "{}"))
_KEPT_IN_TREE = Query(
    select(_o.id).where(_IN_SUBTREE, or_(_o.held > 0, _o.retained > bindparam("moment"))).limit(1)
)

#: The same without snapshots: what a copy takes along.
_copied = (
    select(_o.seq, literal(0).label("depth")).where(_o.seq == bindparam("row")).cte("copied", recursive=True)
)
_copied = _copied.union_all(
    select(_o.seq, _copied.c.depth + 1).where(_o.parent == _copied.c.seq, _o.name != SNAPSHOTS_NAME)
)
_TREE_SIZE = Query(
    select(func.count(), func.coalesce(func.sum(_o.size), 0)).join(_copied, _copied.c.seq == _o.seq)
)
_EXTENT = (_e.start, _e.length, _e.key, _e.offset)
#: Rows and values in one statement: between two, others may have changed both.
_TREE = Query(
    select(*COLUMNS, *_EXTENT)
    .join(_copied, _copied.c.seq == _o.seq)
    .outerjoin(extents, _e.object == _o.seq)
    .order_by(_copied.c.depth, _o.parent, _o.name, _o.seq, _e.start)
)
_WITH_EXTENTS = Query(
    select(*COLUMNS, *_EXTENT)
    .outerjoin(extents, _e.object == _o.seq)
    .where(_o.seq == bindparam("seq"), _o.id == bindparam("object_id"))
    .order_by(_e.start)
)

_EXTENTS = Query(select(*_EXTENT).where(_e.object == bindparam("object")).order_by(_e.start))
_ADD_EXTENT = Query(
    insert(extents).values({name: bindparam(name) for name in ("object", "start", "length", "key", "offset")})
)
_DROP_EXTENTS = Query(delete(extents).where(_e.object == bindparam("object")))
_ADD_VALUE = Query(insert(object_values).values(key=bindparam("key"), size=bindparam("size")))
_HAS_VALUE = Query(select(literal(1)).where(_v.key == bindparam("key")))
_UNUSED = and_(~select(_e.key).where(_e.key == _v.key).exists())
_GIVE_UP = Query(delete(object_values).where(_v.key == bindparam("key"), _UNUSED))
_UNUSED_VALUES = Query(select(_v.key).where(_UNUSED).limit(bindparam("number")))


def _domains(columns: Sequence[Any]) -> Select[Any]:
    """Every domain of the tree, the top first."""
    top = select(_o.seq, literal(0).label("depth")).where(_o.parent.is_(None), _o.name == DOMAINS_NAME)
    tree = top.cte("domains", recursive=True)
    below = and_(_o.parent == tree.c.seq, _o.kind == ObjectKind.DOMAIN.value)
    tree = tree.union_all(select(_o.seq, tree.c.depth + 1).where(below))
    return select(*columns).join(tree, tree.c.seq == _o.seq).order_by(tree.c.depth, _o.seq)


_DOMAINS = Query(_domains(COLUMNS))


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of an object's value: ``length`` bytes at ``offset`` of a stored value."""

    start: int
    length: int
    key: str
    offset: int

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Whole:
    """An object's row and its value, as they were at one moment."""

    held: Held
    parts: Sequence[Extent]


def _wholes(rows: Iterable[Row]) -> Sequence[Whole]:
    """Of rows of ``COLUMNS`` and ``_EXTENT``, those of one object one behind the other."""
    number = len(COLUMNS)
    found = []
    for _, every in groupby(rows, key=lambda row: row[0]):
        same = list(every)
        parts = [Extent(*row[number:]) for row in same if row[number] is not None]
        found.append(Whole(held(same[0][:number]), parts))
    return found


class ObjectRows:
    """The rows of one store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._landmarks = Landmarks(database)

    def top(self, name: str, source: Transaction | None = None) -> Held | None:
        """The root of the containers (``ROOT_NAME``) or of the domains (``DOMAINS_NAME``)."""
        return self._one(source, _TOP, name=name)

    def by_id(self, id: str, source: Transaction | None = None) -> Held | None:
        found = self._one(source, _BY_ID, id=id)
        return None if found is not None and found.object.kind is ObjectKind.QUEUE_VALUE else found

    def by_seq(self, seq: int, source: Transaction | None = None) -> Held | None:
        return self._one(source, _BY_SEQ, seq=seq)

    def child(self, parent: Held, name: str, source: Transaction | None = None) -> Held | None:
        return self._one(source, _CHILD, parent=parent.seq, name=name)

    def children(self, parent: Held, first: int, number: int) -> Sequence[tuple[str, ObjectKind]]:
        """(name, kind) in order of the names' bytes."""

        def read(after: str, skip: int) -> Sequence[Row]:
            place = {"parent": parent.seq, "after": after, "skip": skip}
            return self.database.read(_CHILDREN, number=number, **place)

        rows = self._landmarks.read(parent.seq, parent.object.id, first, read)
        return [(name, _KINDS[kind]) for name, kind in rows]

    def children_after(self, parent: Held, after: str, number: int) -> Sequence[tuple[str, ObjectKind]]:
        rows = self.database.read(_CHILDREN_AFTER, parent=parent.seq, after=after, number=number)
        return [(name, ObjectKind(kind)) for name, kind in rows]

    def held_children(
        self, parent: Held, since: str, until: str, number: int, source: Transaction | None = None
    ) -> Sequence[Held]:
        """Children with names from ``since`` to ``until``, in that order."""
        parameters = {"parent": parent.seq, "since": since, "until": until, "number": number}
        return [held(row) for row in self._rows(source, _HELD_CHILDREN, **parameters)]

    def snapshots(self, container: Held) -> Sequence[tuple[str, ObjectKind]]:
        """Names of a container's snapshots."""
        held = self.child(container, SNAPSHOTS_NAME)
        return self.children(held, 0, MOST) if held is not None else ()

    def how_many_children(self, parent: Held) -> int:
        return int(self.database.read(_HOW_MANY, parent=parent.seq)[0][0])

    def ends(self, parent: Held, source: Transaction | None = None) -> tuple[str, str] | None:
        """The first and the last name of what is in ``parent``; None where nothing is."""
        [(first, last)] = self._rows(source, _ENDS, parent=parent.seq)
        return None if first is None else (first, last)

    def lock(self, tx: Transaction, held: Held) -> bool:
        """Keep others from changing a row; whether it is still there."""
        return bool(tx.rows(_LOCK, seq=held.seq, object_id=held.object.id))

    def lock_all(self, tx: Transaction, every: Iterable[Held]) -> bool:
        """``lock`` for several rows, in one order, so that two never wait for each other."""
        return all(self.lock(tx, held) for held in sorted(every, key=lambda one: one.seq))

    def lock_tree(self, tx: Transaction, held: Held) -> bool:
        """``lock`` for a row and all below it; whether the row is still there."""
        if not self.database.is_sqlite:  # there whoever writes is alone
            tx.rows(_LOCK_TREE, row=held.seq)
        return self.lock(tx, held)

    def add(
        self,
        tx: Transaction,
        parent: Held | None,
        thing: StoredObject,
        group: str,
        *,
        domain: int | None = None,
    ) -> Held:
        """Raises Constraint where the name is taken."""
        parent_seq = parent.seq if parent else None
        place = {"parent": parent_seq, "name": thing.name, "domain": domain, "group_name": group}
        columns = changeable(thing)
        [(seq,)] = tx.rows(_INSERT, **fixed(thing), **place, **columns)
        _mark(tx, parent_seq)
        return Held(seq, parent_seq, domain, group, columns["retained"], columns["held"], thing)

    def change(self, tx: Transaction, held: Held, thing: StoredObject) -> None:
        tx.run(_UPDATE, row=held.seq, **changeable(thing))

    def move(self, tx: Transaction, held: Held, parent: Held | None, name: str | None) -> None:
        """Raises Constraint where the name is taken."""
        tx.run(_MOVE, row=held.seq, to=parent.seq if parent else None, called=name)
        _mark(tx, held.parent_seq)
        _mark(tx, parent.seq if parent else None)

    def touch(self, tx: Transaction, seq: int, id: str, moment: int, number: int) -> None:
        """Remember that an object was read."""
        tx.run(_TOUCH, row=seq, object_id=id, moment=moment, number=number)

    def remove(self, tx: Transaction, held: Held, number: int) -> Sequence[str]:
        """Remove a row with all below it; keys of values that may have become unused, so many at most.

        The rows are locked already (``lock_tree``). Raises Constraint where others have put more into it.
        """
        keys = [row[0] for row in tx.rows(_KEYS_OF_TREE, row=held.seq, number=number)]
        tx.run(_DELETE_EXTENTS_OF_TREE, row=held.seq)
        tx.run(_DELETE_TREE, row=held.seq)
        _mark(tx, held.parent_seq)
        return keys

    def kept_in(self, held: Held, source: Transaction | None = None) -> str | None:
        """The ID of something in a tree that may not be removed now."""
        rows = self._rows(source, _KEPT_IN_TREE, row=held.seq, moment=now())
        return rows[0][0] if rows else None

    def exported_in(self, top: Held, source: Transaction | None = None) -> Sequence[Held]:
        """The containers of a tree that have exports."""
        return [held(row) for row in self._rows(source, _EXPORTED_IN_TREE, row=top.seq)]

    def expired(self, number: int) -> Sequence[Held]:
        """What is to be removed by now (``cdmi_retention_autodelete``)."""
        return [held(row) for row in self.database.read(_EXPIRED, moment=now(), number=number)]

    def tree(self, top: Held, source: Transaction | None = None) -> Sequence[Whole]:
        """An object and all below it but its snapshots, level after level, as they were at one moment."""
        return _wholes(self._rows(source, _TREE, row=top.seq))

    def tree_size(self, top: Held) -> tuple[int, int]:
        """(objects, bytes of their values) of what ``tree`` gives."""
        [(number, size)] = self.database.read(_TREE_SIZE, row=top.seq)
        return int(number), int(size)

    def whole(self, held: Held, source: Transaction | None = None) -> Whole | None:
        """An object as it is now, with its value; None where it is gone."""

        def read() -> tuple[Whole | None, int]:
            rows = self._rows(source, _WITH_EXTENTS, seq=held.seq, object_id=held.object.id)
            return (_wholes(rows)[0], size_of(rows[0]) + 256 * len(rows)) if rows else (None, 0)

        if source is not None:
            return read()[0]
        return self.database.recall((_WITH_EXTENTS, held.seq, held.object.id), read, _weight)[0]

    def domains(self) -> Sequence[Held]:
        """Every domain, none before the one that it is in."""
        return [held(row) for row in self.database.read(_DOMAINS)]

    def set_domain(self, tx: Transaction, held: Held, domain: int) -> None:
        tx.run(_SET_DOMAIN, row=held.seq, to=domain)

    def set_first_domain(self, tx: Transaction, domain: int) -> None:
        """Give everything a domain that was made before there were any."""
        tx.run(_SET_FIRST_DOMAIN, to=domain)

    def reassign(self, tx: Transaction, domain: int, to: int) -> None:
        """Give all objects of a domain to another."""
        tx.run(_REASSIGN, **{"from": domain, "to": to})

    def is_used(self, tx: Transaction, domain: int) -> bool:
        return bool(tx.rows(_IN_DOMAIN, domain=domain))

    def extents(self, held: Held, source: Transaction | None = None) -> Sequence[Extent]:
        return [Extent(*row) for row in self._rows(source, _EXTENTS, object=held.seq)]

    def set_extents(self, tx: Transaction, held: Held, parts: Iterable[Extent]) -> None:
        tx.run(_DROP_EXTENTS, object=held.seq)
        self.add_extents(tx, [(held.seq, part) for part in parts])

    def add_extents(self, tx: Transaction, parts: Iterable[tuple[int, Extent]]) -> None:
        """Raises Constraint where a key has been given up meanwhile."""
        rows = [
            {
                "object": seq,
                "start": part.start,
                "length": part.length,
                "key": part.key,
                "offset": part.offset,
            }
            for seq, part in parts
        ]
        if rows:
            tx.run_many(_ADD_EXTENT, rows)

    def add_value(self, tx: Transaction, key: str, size: int) -> None:
        """From now on somebody has this value."""
        tx.run(_ADD_VALUE, key=key, size=size)

    def has_value(self, key: str) -> bool:
        return bool(self.database.read(_HAS_VALUE, key=key))

    def give_up(self, key: str) -> bool:
        """Forget a value that no extent has; whether it may be deleted."""
        try:
            with self.database.write() as tx:
                return tx.run(_GIVE_UP, key=key) == 1
        except Constraint:
            return False  # somebody has begun to use it at this moment

    def unused_values(self, number: int) -> Sequence[str]:
        return [row[0] for row in self.database.read(_UNUSED_VALUES, number=number)]

    def _one(self, source: Transaction | None, query: Query, **parameters: Any) -> Held | None:
        def read() -> tuple[Held | None, int]:
            rows = self._rows(source, query, **parameters)
            return (held(rows[0]), size_of(rows[0])) if rows else (None, 0)

        if source is not None:
            return read()[0]
        return self.database.recall((query, *parameters.values()), read, _weight)[0]

    def _rows(self, source: Transaction | None, query: Query, **parameters: Any) -> Sequence[Row]:
        return self.database.read(query, **parameters) if source is None else source.rows(query, **parameters)


def _mark(tx: Transaction, parent_seq: int | None) -> None:
    """What is in a container is not what it was."""
    if parent_seq is not None:
        tx.mark(parent_seq)


def _weight(found: tuple[object, int]) -> int:
    """An object counts as several plain rows, one with long texts as many."""
    return 4 + found[1] // 256

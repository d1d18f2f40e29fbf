"""The rows of stored objects: their tree, their values' extents, and which values nobody needs any more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, literal, select, update

from gateway.model import (
    Ace,
    AceFlag,
    AceMask,
    AceType,
    Acl,
    Completion,
    Container,
    DataObject,
    Encoding,
    ObjectKind,
    StoredObject,
)

from .database import Constraint, Database, Query, Row, Transaction
from .overlay import now
from .schema import extents, object_values, objects

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_o, _e, _v = objects.c, extents.c, object_values.c
_parents = objects.alias("parents")
_COLUMNS = (
    _o.seq,
    _o.id,
    _o.kind,
    _o.parent,
    _o.name,
    _o.owner,
    _o.tenant,
    _o.group_name,
    _o.acl,
    _o.metadata,
    _o.completion,
    _o.mimetype,
    _o.encoding,
    _o.size,
    _o.created,
    _o.modified,
    _o.changes,
)

ROOT_NAME = ""

_ROOT = Query(select(*_COLUMNS).where(_o.parent.is_(None), _o.name == ROOT_NAME))
_BY_ID = Query(select(*_COLUMNS).where(_o.id == bindparam("id")))
_BY_SEQ = Query(select(*_COLUMNS).where(_o.seq == bindparam("seq")))
_CHILD = Query(select(*_COLUMNS).where(_o.parent == bindparam("parent"), _o.name == bindparam("name")))
_CHILDREN = Query(
    select(_o.name, _o.kind)
    .where(_o.parent == bindparam("parent"))
    .order_by(_o.name)
    .limit(bindparam("number"))
    .offset(bindparam("first"))
)
_HOW_MANY = Query(select(func.count()).where(_o.parent == bindparam("parent")))
#: Taken by everybody who is about to change an object or what is directly in it.
_LOCK = Query(select(_o.seq).where(_o.seq == bindparam("seq")).with_for_update())

_UPDATED = ("acl", "metadata", "completion", "mimetype", "encoding", "size", "modified", "changes")
_WRITTEN = ("id", "kind", "parent", "name", "owner", "tenant", "group_name", "created", *_UPDATED)
_INSERT = Query(insert(objects).values({name: bindparam(name) for name in _WRITTEN}).returning(_o.seq))
_UPDATE = Query(
    update(objects).where(_o.seq == bindparam("row")).values({name: bindparam(name) for name in _UPDATED})
)
_subtree = select(_o.seq).where(_o.seq == bindparam("row")).cte("subtree", recursive=True)
_subtree = _subtree.union_all(select(_o.seq).where(_o.parent == _subtree.c.seq))
_SUBTREE = Query(select(_subtree.c.seq))
_DELETE_TREE = Query(delete(objects).where(_o.seq.in_(select(_subtree.c.seq))))
_DELETE_EXTENTS_OF_TREE = Query(delete(extents).where(_e.object.in_(select(_subtree.c.seq))))
_KEYS_OF_TREE = Query(
    select(_e.key).where(_e.object.in_(select(_subtree.c.seq))).distinct().limit(bindparam("number"))
)

_EXTENTS = Query(
    select(_e.start, _e.length, _e.key, _e.offset).where(_e.object == bindparam("object")).order_by(_e.start)
)
_ADD_EXTENT = Query(
    insert(extents).values({name: bindparam(name) for name in ("object", "start", "length", "key", "offset")})
)
_DROP_EXTENTS = Query(delete(extents).where(_e.object == bindparam("object")))
_ADD_VALUE = Query(insert(object_values).values(key=bindparam("key"), size=bindparam("size")))
_HAS_VALUE = Query(select(literal(1)).where(_v.key == bindparam("key")))
_UNUSED = and_(~select(_e.key).where(_e.key == _v.key).exists())
_GIVE_UP = Query(delete(object_values).where(_v.key == bindparam("key"), _UNUSED))
_UNUSED_VALUES = Query(select(_v.key).where(_UNUSED).limit(bindparam("number")))


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
class Held:
    """An object's row."""

    seq: int
    parent_seq: int | None
    group: str
    object: StoredObject


class ObjectRows:
    """The rows of one store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def root(self, source: Transaction | None = None) -> Held | None:
        return self._one(source, _ROOT)

    def by_id(self, id: str, source: Transaction | None = None) -> Held | None:
        return self._one(source, _BY_ID, id=id)

    def by_seq(self, seq: int, source: Transaction | None = None) -> Held | None:
        return self._one(source, _BY_SEQ, seq=seq)

    def child(self, parent: Held, name: str, source: Transaction | None = None) -> Held | None:
        return self._one(source, _CHILD, parent=parent.seq, name=name)

    def children(self, parent: Held, first: int, number: int) -> Sequence[tuple[str, ObjectKind]]:
        """(name, kind) in order of the names' bytes."""
        rows = self.database.read(_CHILDREN, parent=parent.seq, first=first, number=number)
        return [(name, ObjectKind(kind)) for name, kind in rows]

    def how_many_children(self, parent: Held) -> int:
        return int(self.database.read(_HOW_MANY, parent=parent.seq)[0][0])

    def lock(self, tx: Transaction, held: Held) -> bool:
        """Keep others from changing a row; whether it is still there."""
        return bool(tx.rows(_LOCK, seq=held.seq))

    def add(self, tx: Transaction, parent: Held | None, thing: StoredObject, group: str) -> Held:
        """Raises Constraint where the name is taken."""
        values = {**_values(thing), "parent": parent.seq if parent else None, "name": thing.name}
        values |= {"id": thing.id, "kind": _kind(thing), "owner": thing.owner, "tenant": thing.tenant}
        [(seq,)] = tx.rows(_INSERT, **values, group_name=group, created=_microseconds(thing.created))
        return Held(seq, parent.seq if parent else None, group, thing)

    def change(self, tx: Transaction, held: Held, thing: StoredObject) -> None:
        tx.run(_UPDATE, row=held.seq, **_values(thing))

    def remove(self, tx: Transaction, held: Held, number: int) -> Sequence[str]:
        """Remove a row with all below it; keys of values that may have become unused, so many at most."""
        keys = [row[0] for row in tx.rows(_KEYS_OF_TREE, row=held.seq, number=number)]
        tx.run(_DELETE_EXTENTS_OF_TREE, row=held.seq)
        tx.run(_DELETE_TREE, row=held.seq)
        return keys

    def extents(self, held: Held, source: Transaction | None = None) -> Sequence[Extent]:
        return [Extent(*row) for row in self._rows(source, _EXTENTS, object=held.seq)]

    def set_extents(self, tx: Transaction, held: Held, parts: Iterable[Extent]) -> None:
        tx.run(_DROP_EXTENTS, object=held.seq)
        for part in parts:
            tx.run(
                _ADD_EXTENT,
                object=held.seq,
                start=part.start,
                length=part.length,
                key=part.key,
                offset=part.offset,
            )

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
        rows = self._rows(source, query, **parameters)
        return _held(rows[0]) if rows else None

    def _rows(self, source: Transaction | None, query: Query, **parameters: Any) -> Sequence[Row]:
        return self.database.read(query, **parameters) if source is None else source.rows(query, **parameters)


def _held(row: Row) -> Held:
    (seq, id, kind, parent, name, owner, tenant, group, acl, metadata, completion, *rest) = row
    mimetype, encoding, size, created, modified, changes = rest
    common = {
        "id": id,
        "name": name if parent is not None else None,
        "parent": None,
        "owner": owner,
        "tenant": tenant,
        "metadata": json.loads(metadata),
        "acl": tuple(map(_ace, json.loads(acl))),
        "created": _time(created),
        "modified": _time(modified),
        "changes": changes,
        "completion": Completion(completion),
    }
    thing: StoredObject
    if kind == ObjectKind.CONTAINER:
        thing = Container(**common)
    else:
        thing = DataObject(**common, mimetype=mimetype, encoding=Encoding(encoding), size=size)
    return Held(seq, parent, group, thing)


def _kind(thing: StoredObject) -> str:
    return ObjectKind.CONTAINER if isinstance(thing, Container) else ObjectKind.DATA_OBJECT


def _values(thing: StoredObject) -> dict[str, Any]:
    data = thing if isinstance(thing, DataObject) else None
    return {
        "acl": acl_text(thing.acl),
        "metadata": json.dumps(thing.metadata),
        "completion": thing.completion,
        "mimetype": data.mimetype if data else None,
        "encoding": data.encoding if data else None,
        "size": data.size if data else 0,
        "modified": _microseconds(thing.modified),
        "changes": thing.changes,
    }


def acl_text(acl: Acl) -> str:
    return json.dumps(
        [
            [ace.type, ace.who, int(ace.flags), int(ace.mask), *([ace.spelling] if ace.spelling else [])]
            for ace in acl
        ]
    )


def _ace(parts: Sequence[Any]) -> Ace:
    type, who, flags, mask, *spelling = parts
    written: Mapping[str, str] | None = spelling[0] if spelling else None
    return Ace(AceType(type), who, AceFlag(flags), AceMask(mask), written)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def present() -> datetime:
    return _time(now())

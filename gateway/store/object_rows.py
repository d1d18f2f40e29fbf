"""The row of a stored object and the object: one into the other, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from gateway.model import (
    Ace,
    AceFlag,
    AceMask,
    AceType,
    Acl,
    Completion,
    Container,
    DataObject,
    Domain,
    Encoding,
    ObjectKind,
    Queue,
    QueueValue,
    Reference,
    StoredObject,
)
from gateway.policy.system import protection_of

from .database import Row
from .overlay import now
from .schema import objects

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_o = objects.c

#: In the order that ``held`` takes a row apart.
COLUMNS = (
    _o.seq,
    _o.parent,
    _o.domain,
    _o.group_name,
    _o.retained,
    _o.held,
    _o.kind,
    _o.id,
    _o.name,
    _o.owner,
    _o.tenant,
    _o.acl,
    _o.metadata,
    _o.system,
    _o.completion,
    _o.failure,
    _o.percent,
    _o.created,
    _o.modified,
    _o.changes,
    _o.accessed,
    _o.reads,
    _o.mimetype,
    _o.encoding,
    _o.size,
    _o.digest,
    _o.next,
    _o.target,
    _o.exports,
    _o.fields,
    _o.storage_class,
    _o.classed,
)

#: What a change of an object may write; place, times of reading and protection are written on their own.
CHANGEABLE = (
    "owner",
    "acl",
    "metadata",
    "system",
    "completion",
    "failure",
    "percent",
    "mimetype",
    "encoding",
    "size",
    "digest",
    "next",
    "exports",
    "fields",
    "storage_class",
    "classed",
    "modified",
    "changes",
    "retained",
    "expires",
    "held",
)


@dataclass(frozen=True, slots=True)
class Held:
    """An object's row."""

    seq: int
    parent_seq: int | None
    domain_seq: int | None
    group: str
    retained: int | None  # the end of its own retention
    holds: int
    object: StoredObject

    @property
    def is_protected(self) -> bool:
        """Whether it may not be changed any more (CDMI 17): not even when its retention has run out."""
        return self.retained is not None or self.holds > 0

    @property
    def is_kept(self) -> bool:
        """Whether it may not be removed now."""
        return self.holds > 0 or (self.retained is not None and self.retained > now())


_Made = Callable[[dict[str, Any], Sequence[Any]], StoredObject]


def _data(kind: type[DataObject]) -> _Made:
    def made(common: dict[str, Any], rest: Sequence[Any]) -> StoredObject:
        mimetype, encoding, size, digest, *_ = rest
        return kind(**common, mimetype=mimetype, encoding=Encoding(encoding), size=size, digest=digest)

    return made


_OF_KIND: Mapping[str, _Made] = {
    ObjectKind.CONTAINER: lambda common, rest: Container(**common, exports=_object(rest[6])),
    ObjectKind.DATA_OBJECT: _data(DataObject),
    ObjectKind.QUEUE_VALUE: _data(QueueValue),
    ObjectKind.QUEUE: lambda common, rest: Queue(**common, next=rest[4]),
    ObjectKind.DOMAIN: lambda common, rest: Domain(**common),
    ObjectKind.REFERENCE: lambda common, rest: Reference(**common, target=rest[5]),
}


def held(row: Row) -> Held:
    """The object of a row of ``COLUMNS``."""
    seq, parent, domain, group, retained, holds, kind, *rest = row
    id, name, owner, tenant, acl, metadata, system, completion, failure, percent, *rest = rest
    created, modified, changes, accessed, reads, *own = rest
    common = {
        "id": id,
        "name": name if parent is not None else None,
        "parent": None,
        "owner": owner,
        "tenant": tenant,
        "metadata": _object(metadata),
        "acl": _acl(acl),
        "created": time_of(created),
        "modified": time_of(modified),
        "changes": changes,
        "completion": Completion(completion),
        "system": _object(system),
        "accessed": time_of(accessed) if accessed is not None else None,
        "reads": reads,
        "percent": percent,
        "failure": failure,
        "fields": _object(own[7]),
        "storage_class": own[8],
        "classed": time_of(own[9]) if own[9] is not None else None,
    }
    return Held(seq, parent, domain, group, retained, holds, _OF_KIND[kind](common, own))


def size_of(row: Row) -> int:
    """Characters of the texts of a row of ``COLUMNS``."""
    return sum(len(column) for column in row if isinstance(column, str))


def fixed(thing: StoredObject) -> dict[str, Any]:
    """Columns that are written once."""
    return {
        "id": thing.id,
        "kind": thing.kind.value,
        "tenant": thing.tenant,
        "created": microseconds(thing.created),
        "target": thing.target if isinstance(thing, Reference) else None,
    }


def changeable(thing: StoredObject) -> dict[str, Any]:
    """Columns of ``CHANGEABLE``."""
    protection = protection_of(thing.system)
    data = thing if isinstance(thing, DataObject) else None
    return {
        "owner": thing.owner,
        "acl": acl_text(thing.acl),
        "metadata": json.dumps(thing.metadata),
        "system": json.dumps(thing.system),
        "completion": thing.completion.value,
        "failure": thing.failure,
        "percent": thing.percent,
        "mimetype": data.mimetype if data else None,
        "encoding": data.encoding.value if data else None,
        "size": data.size if data else 0,
        "digest": data.digest if data else None,
        "next": thing.next if isinstance(thing, Queue) else 0,
        "exports": json.dumps(thing.exports) if isinstance(thing, Container) else "{}",
        "fields": json.dumps(thing.fields),
        "storage_class": thing.storage_class,
        "classed": _optional(thing.classed),
        "modified": microseconds(thing.modified),
        "changes": thing.changes,
        "retained": _optional(protection.until),
        "expires": _optional(protection.expires),
        "held": protection.holds,
    }


def _object(text: str) -> dict[str, Any]:
    return {} if text == "{}" else dict(json.loads(text))


@lru_cache(maxsize=4096)
def _acl(text: str) -> Acl:
    return tuple(map(_ace, json.loads(text)))


def _optional(time: datetime | None) -> int | None:
    return microseconds(time) if time is not None else None


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


def microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def time_of(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def present() -> datetime:
    return time_of(now())

"""Ownership rows: who has what, where a client wanted it, and what the back end cannot hold."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import and_, bindparam, delete, false, func, insert, or_, select, true, update
from sqlalchemy.sql.elements import ColumnElement

from gateway.identity import Principal, Role
from gateway.lengths import NAME, PATH

from .database import Database, Query, Row, Transaction
from .schema import resources, tagged, tags

MAKING, LIVE = "making", "live"

_c = resources.c
_COLUMNS = (
    _c.seq,
    _c.kind,
    _c.id,
    _c.zone,
    _c.owner,
    _c.tenant,
    _c.group_name,
    _c.mode,
    _c.other_tenants,
    _c.path,
    _c.extra,
    _c.created,
    _c.token,
    _c.state,
    _c.fingerprint,
)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a resource weighs against quotas."""

    vcpus: int = 0
    memory_bytes: int = 0
    bytes: int = 0
    instance_type: str | None = None


@dataclass(frozen=True, slots=True)
class Overlay:
    """One ownership row."""

    seq: int
    kind: str
    id: str
    zone: str
    owner: str
    tenant: str
    group: str
    mode: int
    other_tenants: bool
    path: str | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    created: int = 0  # microseconds since 1970
    token: str = ""
    state: str = LIVE
    fingerprint: str | None = None
    tags: tuple[int, ...] = ()  # seq of the caller's own tags on it


def _overlay(row: Row, tags: tuple[int, ...] = ()) -> Overlay:
    (seq, kind, id, zone, owner, tenant, group, mode, others, path, extra, created, token, state, mark) = row
    return Overlay(
        seq,
        kind,
        id,
        zone,
        owner,
        tenant,
        group,
        mode,
        bool(others),
        path,
        json.loads(extra) if extra else {},
        created,
        token,
        state,
        mark,
        tags,
    )


@dataclass(frozen=True, slots=True)
class Places:
    """(id, chosen path) of rows in order of creation, and their identifiers by zone."""

    all: Sequence[tuple[str, str | None]]
    by_zone: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Places:
        """Of (id, zone, path) each."""
        by_zone: dict[str, list[str]] = {}
        for id, zone, _ in rows:
            by_zone.setdefault(zone, []).append(id)
        return cls([(id, path) for id, _, path in rows], by_zone)

    def __len__(self) -> int:
        return len(self.all)


def now() -> int:
    """Microseconds since 1970 UTC, the store's form of time."""
    return time.time_ns() // 1000


_TAG = (
    tagged.join(tags, and_(tags.c.seq == tagged.c.tag, tags.c.owner == bindparam("user"))),
    tagged.c.resource == _c.seq,
)

_GET = Query(
    select(*_COLUMNS, tags.c.seq)
    .select_from(resources.outerjoin(*_TAG))
    .where(_c.kind == bindparam("kind"), _c.id == bindparam("id"), _c.state == LIVE)
    .order_by(tags.c.seq)
)
_OF_KIND = Query(select(*_COLUMNS).where(_c.kind == bindparam("kind"), _c.state == LIVE))
_BY_PATH = Query(
    select(*_COLUMNS, tags.c.seq)
    .select_from(resources.outerjoin(*_TAG))
    .where(_c.path == bindparam("path"), _c.state == LIVE)
    .order_by(tags.c.seq)
)
_TAGS_OF = Query(
    select(tagged.c.resource, tags.c.seq)
    .join(tags, tags.c.seq == tagged.c.tag)
    .where(tags.c.owner == bindparam("user"))
    .order_by(tags.c.seq)
)
_BY_KEY = Query(select(*_COLUMNS).where(_c.key == bindparam("key")))
_MAKING = Query(
    select(*_COLUMNS).where(_c.state == MAKING, _c.created < bindparam("before")).order_by(_c.seq)
)
_IDS = Query(
    select(_c.id).where(_c.kind == bindparam("kind"), _c.zone == bindparam("zone"), _c.state == LIVE)
)
_COUNTS = Query(select(_c.zone, _c.kind, func.count()).where(_c.state == LIVE).group_by(_c.zone, _c.kind))
_WRITTEN = (
    "kind",
    "id",
    "zone",
    "state",
    "token",
    "key",
    "owner",
    "tenant",
    "group_name",
    "mode",
    "other_tenants",
    "path",
    "extra",
    "vcpus",
    "memory_bytes",
    "bytes",
    "instance_type",
    "fingerprint",
    "created",
)
_INSERT = Query(insert(resources).values({name: bindparam(name) for name in _WRITTEN}).returning(_c.seq))
_BIND = Query(
    update(resources)
    .where(_c.seq == bindparam("row"), _c.state == MAKING)
    .values(id=bindparam("id"), state=bindparam("state"))
)
_EXTRA = Query(update(resources).where(_c.seq == bindparam("row")).values(extra=bindparam("extra")))
_HOLDING = Query(
    update(resources)
    .where(_c.seq == bindparam("row"))
    .values(
        vcpus=bindparam("vcpus"),
        memory_bytes=bindparam("memory_bytes"),
        bytes=bindparam("bytes"),
        instance_type=bindparam("instance_type"),
    )
)
_SHARE = Query(
    update(resources)
    .where(_c.seq == bindparam("row"))
    .values(
        owner=bindparam("owner"),
        tenant=bindparam("tenant"),
        group_name=bindparam("group_name"),
        mode=bindparam("mode"),
        other_tenants=bindparam("other_tenants"),
    )
)
_DELETE = Query(delete(resources).where(_c.seq == bindparam("row")))
_RELEASE = Query(delete(resources).where(_c.seq == bindparam("row"), _c.state == MAKING))
_DELETE_LINKS = Query(
    delete(resources).where(
        or_(_c.kind == "attachment", _c.kind == "interface"),
        func.substr(_c.id, 1, bindparam("length")) == bindparam("prefix"),  # whatever the collation
    )
)


class Overlays:
    """The ownership rows of one store."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lists: dict[tuple[Any, ...], Query] = {}

    def get(self, kind: str, id: str, user: str) -> Overlay | None:
        """The live row, with the tags that ``user`` has put on it."""
        if len(id) > NAME:
            return None  # nothing has such an id, and what is asked for stays in memory for a while
        return self.database.recall(
            (_GET, kind, id, user), lambda: _joined(self.database.read(_GET, kind=kind, id=id, user=user))
        )

    def by_path(self, path: str, user: str) -> Overlay | None:
        """The live row of a path that a client chose."""
        if len(path) > PATH:
            return None
        return _joined(self.database.read(_BY_PATH, path=path, user=user))

    def by_key(self, key: str) -> Overlay | None:
        """The row, live or not, of what was made under this key."""
        rows = self.database.read(_BY_KEY, key=key)
        return _overlay(rows[0]) if rows else None

    def making(self, before: int) -> Sequence[Overlay]:
        """Rows still being made that were begun before a time."""
        return [_overlay(row) for row in self.database.read(_MAKING, before=before)]

    def ids(self, kind: str, zone: str) -> set[str]:
        """Every live id of a kind in a zone, whoever has it."""
        return {row[0] for row in self.database.read(_IDS, kind=kind, zone=zone)}

    def counts(self) -> Sequence[tuple[str, str, int]]:
        """(zone, kind, how many) of the live rows."""
        return self.database.read(_COUNTS)

    def visible(
        self, principal: Principal, kind: str, *, owned: bool = False, tag: int | None = None
    ) -> Sequence[Overlay]:
        """The live rows that ``principal`` may use (with ``owned``: owns), in order of creation."""
        query = self._list(principal, owned, tag is not None, _COLUMNS)
        rows = self.database.read(query, **_who(principal, kind, owned, tag))
        return self._tagged(rows, principal.user)

    def of_kind(self, kind: str, user: str) -> Mapping[str, Overlay]:
        """Every live row of a kind by identifier, whosever it is, with the tags of ``user``."""
        return self.database.recall(
            (_OF_KIND, kind, user),
            lambda: {row.id: row for row in self._tagged(self.database.read(_OF_KIND, kind=kind), user)},
        )

    def _tagged(self, rows: Sequence[Row], user: str) -> Sequence[Overlay]:
        own: dict[int, tuple[int, ...]] = {}
        for resource, seq in self.database.read(_TAGS_OF, user=user) if rows else ():
            own[resource] = (*own.get(resource, ()), seq)
        return [_overlay(row, own.get(row[0], ())) for row in rows]

    def places(
        self, principal: Principal, kind: str, *, owned: bool = False, tag: int | None = None
    ) -> Places:
        """Where the same rows are, for answering a listing of thousands again and again."""
        query = self._list(principal, owned, tag is not None, (_c.id, _c.zone, _c.path))
        who = _who(principal, kind, owned, tag)
        return self.database.recall(
            (query, *who.values()), lambda: Places.of(self.database.read(query, **who))
        )

    def chosen(self, principal: Principal, kind: str) -> Mapping[str, str]:
        """id -> path of those visible rows whose maker chose a path."""
        query = self._list(principal, False, False, (_c.id, _c.path), chosen=True)
        return dict(self.database.read(query, **_who(principal, kind, False, None)))

    def _list(
        self,
        principal: Principal,
        owned: bool,
        by_tag: bool,
        columns: tuple[ColumnElement[Any], ...],
        *,
        chosen: bool = False,
    ) -> Query:
        shape = (
            len(columns),
            chosen,
            owned,
            by_tag,
            _sees_all(principal),
            _tenant_admin(principal),
            len(_groups(principal)),
            principal.user == "",
            principal.tenant == "",
        )
        query = self._lists.get(shape)
        if query is None:
            statement = select(*columns).where(_c.kind == bindparam("kind"), _c.state == LIVE)
            statement = statement.where(_visible(principal, owned)).order_by(_c.seq)
            if chosen:
                statement = statement.where(_c.path.is_not(None))
            if by_tag:
                statement = statement.join(tagged, tagged.c.resource == _c.seq).where(
                    tagged.c.tag == bindparam("tag")
                )
            query = self._lists[shape] = Query(statement)
        return query

    def reserve(
        self,
        tx: Transaction,
        principal: Principal,
        *,
        kind: str,
        zone: str,
        token: str,
        mode: int,
        holding: Holding,
        path: str | None = None,
        extra: Mapping[str, Any] | None = None,
        fingerprint: str | None = None,
        other_tenants: bool = False,
        group: str = "",
        key: str | None = None,
    ) -> Overlay:
        """Write the row of something about to be made. Raises Constraint: key or path taken."""
        created = now()
        [(seq,)] = tx.rows(
            _INSERT,
            kind=kind,
            id=token,
            zone=zone,
            state=MAKING,
            token=token,
            owner=principal.user,
            tenant=principal.tenant,
            group_name=group,
            mode=mode,
            other_tenants=int(other_tenants),
            path=path,
            extra=json.dumps(extra) if extra else None,
            vcpus=holding.vcpus,
            memory_bytes=holding.memory_bytes,
            bytes=holding.bytes,
            instance_type=holding.instance_type,
            fingerprint=fingerprint,
            created=created,
            key=key,
        )
        return Overlay(
            seq,
            kind,
            token,
            zone,
            principal.user,
            principal.tenant,
            group,
            mode,
            other_tenants,
            path,
            extra or {},
            created,
            token,
            MAKING,
            fingerprint,
        )

    def bind(self, tx: Transaction, row: Overlay, id: str) -> Overlay | None:
        """Give a made row its id and let it be seen; None where the row has gone meanwhile."""
        if tx.run(_BIND, row=row.seq, id=id, state=LIVE) != 1:
            return None
        return replace(row, id=id, state=LIVE)

    def release(self, tx: Transaction, row: Overlay) -> None:
        """Take back a reservation whose thing was not made."""
        tx.run(_RELEASE, row=row.seq)

    def set_extra(self, tx: Transaction, row: Overlay, extra: Mapping[str, Any]) -> None:
        tx.run(_EXTRA, row=row.seq, extra=json.dumps(extra) if extra else None)

    def set_holding(self, tx: Transaction, row: Overlay, holding: Holding) -> None:
        tx.run(
            _HOLDING,
            row=row.seq,
            vcpus=holding.vcpus,
            memory_bytes=holding.memory_bytes,
            bytes=holding.bytes,
            instance_type=holding.instance_type,
        )

    def share(
        self,
        tx: Transaction,
        row: Overlay,
        *,
        owner: str,
        tenant: str,
        group: str,
        mode: int,
        other_tenants: bool,
    ) -> None:
        tx.run(
            _SHARE,
            row=row.seq,
            owner=owner,
            tenant=tenant,
            group_name=group,
            mode=mode,
            other_tenants=int(other_tenants),
        )

    def delete(self, tx: Transaction, row: Overlay) -> None:
        tx.run(_DELETE, row=row.seq)

    def delete_links(self, tx: Transaction, compute: str) -> None:
        """Forget what was remembered of a compute's links (ids ``<compute>~...``)."""
        tx.run(_DELETE_LINKS, prefix=f"{compute}~", length=len(compute) + 1)


def _joined(rows: Sequence[Row]) -> Overlay | None:
    """One row per tag (or one with no tag) as one overlay."""
    if not rows:
        return None
    return _overlay(rows[0][:-1], tuple(row[-1] for row in rows if row[-1] is not None))


def _sees_all(principal: Principal) -> bool:
    return not principal.roles.isdisjoint((Role.ADMIN, Role.AUDITOR, Role.MONITOR))


def _tenant_admin(principal: Principal) -> bool:
    return Role.TENANT_ADMIN in principal.roles


def _groups(principal: Principal) -> Sequence[str]:
    return sorted(group for group in principal.groups if group)


def _visible(principal: Principal, owned: bool) -> ColumnElement[bool]:
    """The SQL twin of ``permissions.rights_of(...) & USE``; a property test holds them together."""
    mine = _c.owner == bindparam("user") if principal.user else false()
    if owned:
        return mine
    if _sees_all(principal):
        return true()
    in_tenant = _c.tenant == bindparam("tenant") if principal.tenant else false()
    ways = [
        and_(mine, _c.mode.op("&")(0o400) != 0),
        and_(or_(in_tenant, _c.other_tenants != 0), _c.mode.op("&")(0o004) != 0),
    ]
    groups = _groups(principal)
    if groups:
        mine_too = or_(*(_c.group_name == bindparam(f"group{i}") for i in range(len(groups))))
        ways.append(and_(mine_too, _c.mode.op("&")(0o040) != 0))
    if _tenant_admin(principal):
        ways.append(in_tenant)
    return or_(*ways)


def _who(principal: Principal, kind: str, owned: bool, tag: int | None) -> dict[str, Any]:
    """Values for the bind parameters of a listing; only those that its statement has."""
    values: dict[str, Any] = {"kind": kind}
    if tag is not None:
        values["tag"] = tag
    if principal.user and (owned or not _sees_all(principal)):
        values["user"] = principal.user
    if not owned and not _sees_all(principal):
        values |= {"tenant": principal.tenant} if principal.tenant else {}
        values |= {f"group{i}": group for i, group in enumerate(_groups(principal))}
    return values

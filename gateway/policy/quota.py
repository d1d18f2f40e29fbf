"""Quotas: limits per tenant, group and user; every one that applies must hold.

The ownership rows are the ledger, so nothing can drift: a create writes its row, counts under a lock and
undoes itself when a limit is passed. Counting costs at most as many rows as the limit allows.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import bindparam, func, literal, select

from gateway.identity import Principal
from gateway.model import QuotaExceeded
from gateway.store import Database, Query, Transaction
from gateway.store.overlay import Holding
from gateway.store.schema import objects, resources

log = logging.getLogger("gateway.quota")

_c, _o = resources.c, objects.c

#: Whoever passes this part of a limit is told of in the log.
WARN_AT = 0.8

#: The name that stands for everybody who has no limit of the same dimension.
ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that is limited: what it counts, over which kind of resource."""

    kind: str
    column: str | None  # None = the number of resources


DIMENSIONS: Mapping[str, Dimension] = {
    "instances": Dimension("compute", None),
    "vcpus": Dimension("compute", "vcpus"),
    "memory_bytes": Dimension("compute", "memory_bytes"),
    "volumes": Dimension("volume", None),
    "volume_bytes": Dimension("volume", "bytes"),
    "snapshots": Dimension("snapshot", None),
    "networks": Dimension("network", None),
    "leases": Dimension("address", None),
    "images_bytes": Dimension("image", "bytes"),
    "objects": Dimension("object", None),
    "object_bytes": Dimension("object", "bytes"),
}

#: ``instances:<type>`` limits the machines of one instance type.
PER_TYPE = "instances:"

#: Kinds of limits and the column that says whose a resource is.
SCOPES: Mapping[str, str] = {"tenant": "tenant", "group": "group_name", "user": "owner"}

Limits = Mapping[str, Mapping[str, Mapping[str, int]]]  # scope -> name ("*" = any) -> dimension -> limit


def _used(scope: str, column: str | None, per_type: bool) -> Query:
    amount = func.count() if column is None else func.coalesce(func.sum(_c[column]), 0)
    statement = select(amount).where(
        _c.kind == bindparam("kind"), _c[SCOPES[scope]] == bindparam("name"), _c.token != bindparam("token")
    )
    if per_type:
        statement = statement.where(_c.instance_type == bindparam("type"))
    return Query(statement)


_USED = {
    (scope, column, per_type): _used(scope, column, per_type)
    for scope in SCOPES
    for column, per_type in [*((d.column, False) for d in DIMENSIONS.values()), (None, True)]
}


def _held(scope: str) -> Query:
    """(name, kind, instance type, number, vcpus, memory, bytes) of all that anybody in a scope has."""
    name = _c[SCOPES[scope]]
    sums = (func.sum(_c[column]) for column in _SUMS)
    statement = select(name, _c.kind, _c.instance_type, func.count(), *sums).where(name != "")
    return Query(statement.group_by(name, _c.kind, _c.instance_type))


_SUMS = ("vcpus", "memory_bytes", "bytes")
_HELD = {scope: _held(scope) for scope in SCOPES}


_bytes = func.coalesce(func.sum(_o.size), 0)
_OBJECTS = {
    (scope, column): Query(select(amount).where(_o[SCOPES[scope]] == bindparam("name")))
    for scope in SCOPES
    for column, amount in ((None, func.count()), ("bytes", _bytes))
}
#: As ``_HELD``, of stored objects.
_OBJECTS_HELD = {
    scope: Query(
        select(_o[column], literal("object"), literal(None), func.count(), literal(0), literal(0), _bytes)
        .where(_o[column] != "")
        .group_by(_o[column])
    )
    for scope, column in SCOPES.items()
}


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one limit is used."""

    scope: str
    name: str
    dimension: str
    used: int
    limit: int


class Quotas:
    """The limits of one configuration."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or {}

    def check(self, tx: Transaction, principal: Principal, kind: str, token: str, wanted: Holding) -> None:
        """Count what is there besides the row with ``token``, add ``wanted``, compare.

        Runs in the transaction that writes the row, and keeps every other such transaction of the same
        scope waiting until that ends. Raises QuotaExceeded.
        """
        applying = list(self._applying(principal, kind, wanted.instance_type))
        for scope, name in sorted({(scope, name) for scope, name, _, _ in applying}):
            tx.lock(f"quota {scope} {name}")
        for scope, name, dimension, limit in applying:
            amount, used = self._count(tx, scope, name, dimension, kind, token, wanted)
            if used + amount > limit:
                raise QuotaExceeded(dimension, used=used, limit=limit, scope=f"{scope} {name}")
            if used < WARN_AT * limit <= used + amount:
                words = (scope, name, dimension, used + amount, limit)
                tx.afterwards.append(partial(log.warning, "quota of %s %s: %s %d of %d used", *words))

    def check_objects(self, tx: Transaction, owner: Principal) -> None:
        """Count the stored objects of an owner after a transaction has made or enlarged some.

        Keeps every other such transaction of the same scope waiting until that ends. Raises QuotaExceeded.
        """
        for scope, name, dimension, limit in sorted(self._applying(owner, "object", None)):
            tx.lock(f"quota {scope} {name}")
            used = int(tx.rows(_OBJECTS[scope, DIMENSIONS[dimension].column], name=name)[0][0])
            if used > limit:
                raise QuotaExceeded(dimension, used=used, limit=limit, scope=f"{scope} {name}")

    def _count(
        self, tx: Transaction, scope: str, name: str, dimension: str, kind: str, token: str, wanted: Holding
    ) -> tuple[int, int]:
        per_type = dimension.startswith(PER_TYPE)
        column = None if per_type else DIMENSIONS[dimension].column
        amount = 1 if column is None else int(getattr(wanted, column))
        parameters = {"kind": kind, "name": name, "token": token}
        if per_type:
            parameters["type"] = dimension.removeprefix(PER_TYPE)
        return amount, int(tx.rows(_USED[scope, column, per_type], **parameters)[0][0])

    def _applying(
        self, principal: Principal, kind: str, instance_type: str | None
    ) -> Iterator[tuple[str, str, str, int]]:
        """(scope, name, dimension, limit) of every limit that this principal and kind fall under."""
        for scope, name in self._scopes(principal):
            for dimension, limit in self._named(scope, name).items():
                if dimension.startswith(PER_TYPE):
                    applies = kind == "compute" and dimension == f"{PER_TYPE}{instance_type}"
                else:
                    applies = DIMENSIONS[dimension].kind == kind
                if applies:
                    yield scope, name, dimension, limit

    @staticmethod
    def _scopes(principal: Principal) -> Iterator[tuple[str, str]]:
        if principal.tenant:
            yield "tenant", principal.tenant
        if principal.groups:
            yield "group", principal.groups[0]
        yield "user", principal.user

    def _named(self, scope: str, name: str) -> Mapping[str, int]:
        """The limits of one name, by dimension."""
        limits = self._limits.get(scope, {})
        return {**limits.get(ANYBODY, {}), **limits.get(name, {})}

    def usage(self, database: Database, scope: str, name: str | None = None) -> Sequence[Usage]:
        """How much of their limits all in a scope use, or ``name`` does, whether or not it has anything."""
        limits = self._limits.get(scope)
        if not limits:
            return []
        held = {known: Counter[str]() for known in limits if known != ANYBODY}
        if name is not None:
            held = {name: Counter()}
        for owner, kind, instance_type, number, *sums in (
            *database.read(_HELD[scope]),
            *database.read(_OBJECTS_HELD[scope]),
        ):
            if owner in held or (name is None and ANYBODY in limits):
                held.setdefault(owner, Counter()).update(_amounts(kind, instance_type, number, sums))
        return [
            Usage(scope, known, dimension, amounts[dimension], limit)
            for known, amounts in sorted(held.items())
            for dimension, limit in self._named(scope, known).items()
        ]

    def of(self, database: Database, principal: Principal) -> Sequence[Usage]:
        """How much of every limit that applies to a principal is used."""
        return [usage for scope in self._scopes(principal) for usage in self.usage(database, *scope)]


def _amounts(kind: str, instance_type: str | None, number: int, sums: Sequence[int]) -> dict[str, int]:
    """What so many resources of one kind and type count, by dimension."""
    by_column: dict[str | None, int] = {None: number, **dict(zip(_SUMS, map(int, sums), strict=True))}
    amounts = {name: by_column[d.column] for name, d in DIMENSIONS.items() if d.kind == kind}
    return {**amounts, f"{PER_TYPE}{instance_type}": number} if kind == "compute" else amounts

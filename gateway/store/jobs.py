"""Creates that go on after their request: what is to be made of what, and for whom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select, update

from gateway.identity import Principal

from .database import Database, Query, Transaction
from .overlay import now
from .schema import jobs

_c = jobs.c
_COLUMNS = ("object", "source", "principal", "as_it_is", "begun")
_ADD = Query(insert(jobs).values({name: bindparam(name) for name in _COLUMNS}))
_ALL = Query(
    select(_c.seq, _c.object, _c.source, _c.principal, _c.as_it_is)
    .order_by(_c.seq)
    .limit(bindparam("number"))
)
_BEGIN = Query(update(jobs).where(_c.seq == bindparam("job")).values(begun=bindparam("moment")))
_STANDS = Query(
    select(_c.seq).where(_c.seq == bindparam("job"), _c.begun == bindparam("moment")).with_for_update()
)
_DONE = Query(delete(jobs).where(_c.seq == bindparam("job")))


@dataclass(frozen=True, slots=True)
class Job:
    """A tree that is being copied."""

    seq: int
    object: int  # ``seq`` of what is made
    source: str  # object ID
    principal: Principal  # who asked for it
    as_it_is: bool  # with owners and lists, as in a snapshot


class Jobs:
    """The jobs of one store. A job goes with the object that it makes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tx: Transaction, object: int, source: str, principal: Principal, *, as_it_is: bool) -> None:
        asking = {
            "subject": principal.subject,
            "user": principal.user,
            "tenant": principal.tenant,
            "groups": principal.groups,
            "roles": sorted(principal.roles),
        }
        values = {"object": object, "source": source, "principal": json.dumps(asking)}
        tx.run(_ADD, **values, as_it_is=int(as_it_is), begun=now())

    def first(self, number: int) -> Sequence[Job]:
        """The oldest ones."""
        return [
            Job(seq, object, source, _principal(principal), bool(as_it_is))
            for seq, object, source, principal, as_it_is in self._database.read(_ALL, number=number)
        ]

    def begin(self, job: Job) -> int:
        """Do a job from its beginning; whoever has begun it before has to stop. The number for ``stands``."""
        moment = now()
        with self._database.write() as tx:
            tx.run(_BEGIN, job=job.seq, moment=moment)
        return moment

    def stands(self, tx: Transaction, job: Job, moment: int) -> bool:
        """Whether a job is there still, and nobody has begun it anew."""
        return bool(tx.rows(_STANDS, job=job.seq, moment=moment))

    def done(self, tx: Transaction, job: Job) -> None:
        tx.run(_DONE, job=job.seq)


def _principal(text: str) -> Principal:
    asking = json.loads(text)
    return Principal(
        subject=asking["subject"],
        user=asking["user"],
        tenant=asking["tenant"],
        groups=tuple(asking["groups"]),
        roles=frozenset(asking["roles"]),
        auth_method="job",
    )

"""The door to stored objects: permission, retention, value, row and audit record, for every operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from backends.values import ValueStore
from gateway.identity import GATEWAY, Caller
from gateway.model import (
    AceMask,
    Acl,
    Container,
    Domain,
    Forbidden,
    GatewayError,
    NotFound,
    ObjectKind,
    Queue,
    Reference,
    StoredObject,
    Wish,
)
from gateway.objects.accesses import Accesses
from gateway.objects.delayed import Delayed
from gateway.objects.domains import DEFAULT, Domains
from gateway.objects.exports import Exports
from gateway.objects.founding import Founder
from gateway.objects.identifier import EXAMPLE_ENTERPRISE, new_id
from gateway.objects.names import Place, Seen
from gateway.objects.queues import Queues
from gateway.objects.removing import Remover
from gateway.objects.trees import AT_ONCE, Source, Trees
from gateway.objects.values import Replaced, Value
from gateway.objects.ways import Ways, data, require
from gateway.objects.whole import Wholes
from gateway.objects.writing import ATTEMPTS, GIVEN_UP_AT_ONCE, Writer, busy
from gateway.policy import acl as lists
from gateway.policy.classes import Classes
from gateway.policy.quota import Quotas
from gateway.policy.system import DOMAIN_ENABLED
from gateway.store import Database
from gateway.store.audit import Audit
from gateway.store.generations import BUMP_DOMAINS
from gateway.store.jobs import Jobs
from gateway.store.object_rows import present
from gateway.store.objects import DOMAINS_NAME, ROOT_NAME, ObjectRows

if TYPE_CHECKING:
    from gateway.cloud import Cloud


P = ParamSpec("P")
T = TypeVar("T")


class Objects:
    """All stored objects, seen by one caller at a time.

    Every method raises NotFound, Forbidden, InvalidRequest (a path that is none), Conflict (a container on
    the way is still being made) and Elsewhere (a reference stands there), besides what it names itself.
    """

    def __init__(
        self,
        database: Database,
        values: ValueStore,
        audit: Audit,
        *,
        enterprise: int = EXAMPLE_ENTERPRISE,
        at_once: int = AT_ONCE,
        cloud: Cloud | None = None,
        classes: Classes | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.rows = rows = ObjectRows(database)
        self.values = values
        self.accesses = Accesses(rows)
        self._database, self._audit, self.enterprise = database, audit, enterprise
        self.classes: Classes = classes or {}
        self._domains = Domains(database, rows)
        self._ways = ways = Ways(rows, self._domains, audit, quotas or Quotas())
        self._writer = writer = Writer(database, rows, ways, values, enterprise, self.classes)
        self._founder = founder = Founder(writer)
        self._trees = trees = Trees(writer, ways, Jobs(database), at_once=at_once)
        self._delayed = Delayed(writer, ways, trees.jobs)
        self._queues = queues = Queues(writer, ways)
        self._wholes = wholes = Wholes(writer, ways)
        self.exports = Exports(cloud, writer, ways) if cloud is not None else None
        self._remover = remover = Remover(writer, ways, self.exports)
        told = self._told
        self.write, self.change = told("write", writer.write), told("change", writer.change)
        self.write_pieces = told("write", writer.write_pieces)
        self.copy_value, self.copy_over = told("copy", trees.copy_value), told("copy", trees.copy_over)
        self.move, self.snapshot = told("move", trees.move), told("snapshot", trees.snapshot)
        self.queue_range, self.queue_read = told("read", queues.range), told("read", queues.read)
        self.queue_put, self.queue_take = told("enqueue", queues.put), told("dequeue", queues.take)
        self.queue_pour = told("enqueue", queues.pour)
        self.whole, self.restore = told("serialize", wholes.read), told("deserialize", wholes.restore)
        self.restore_over = told("deserialize", wholes.restore_over)
        self.remove = told("delete", remover.remove)
        self.get, self.open = told("read", self._get), told("read", self._open)
        self.children, self.how_many_children = told("list", self._children), told("list", self._how_many)
        self.make_container = told("create", self._make_container)
        self.make_queue = told("create", self._make_queue)
        self.make_reference = told("create", self._make_reference)
        self.make_domain = told("create", founder.make)
        self.copy_container = told("copy", self._copy_container)
        self.copy_queue = told("copy", self._copy_queue)

    def _told(
        self, event: str, work: Callable[Concatenate[Caller, P], T]
    ) -> Callable[Concatenate[Caller, P], T]:
        """``work``, with an audit record of what is denied."""

        @wraps(work)
        def told(caller: Caller, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return work(caller, *args, **kwargs)
            except Forbidden as error:
                self.denied(caller, f"object.{event}", error)
                raise

        return told

    def denied(self, caller: Caller, event: str, error: Forbidden) -> None:
        """Put on record what a caller was refused; the answer is the same where the store is down.

        Whoever has not signed in is asked to do that; there is nothing to remember of it.
        """
        if not caller.principal.user:
            return
        with suppress(GatewayError), self._database.write(durable=False) as tx:
            self._audit.append(tx, caller, event, "denied", reason=error.reason, detail=error.message)

    # Reading

    def root_id(self) -> str:
        """The ID of the root, which everybody may know. Raises NotFound before ``prepare``."""
        root = self.rows.top(ROOT_NAME)
        if root is None:
            raise NotFound("no root yet")
        return root.object.id

    def _get(self, caller: Caller, place: Place) -> Seen:
        way = self._ways.walk(caller, place)
        seen = self._ways.seen(caller, way)
        return replace(seen, object=self.accesses.seen(way[-1].seq, seen.object))

    def _children(
        self, caller: Caller, place: Place, first: int, number: int
    ) -> Sequence[tuple[str, ObjectKind]]:
        """Names and kinds of a container's children in the order of their bytes."""
        held = self._ways.container(caller, place, AceMask.READ_OBJECT)[-1]
        self.accesses.note(held)
        return self.rows.children(held, first, number)

    def _how_many(self, caller: Caller, place: Place) -> int:
        return self.rows.how_many_children(self._ways.container(caller, place, AceMask.READ_OBJECT)[-1])

    def snapshots(self, caller: Caller, place: Place) -> Sequence[str]:
        """Names of a container's snapshots."""
        return [name for name, _ in self.rows.snapshots(self._ways.container(caller, place, AceMask(0))[-1])]

    def _open(self, caller: Caller, place: Place, seen: StoredObject | None = None) -> Value:
        """The value of a data object, to be read in part or whole. Raises Conflict (it has none).

        With ``seen`` it is the value of the object as it was then; raises Replaced where it has changed.
        """
        for _ in range(ATTEMPTS):
            held = self._ways.walk(caller, place)[-1]
            require(caller, held, AceMask.READ_OBJECT, place)
            thing = data(held, place)
            if seen is not None and (seen.id, seen.changes) != (thing.id, thing.changes):
                raise Replaced(f"{place} has just been changed")
            found = self.rows.whole(held)
            if found is not None and found.held.object.changes == thing.changes:
                self.accesses.note(held)
                return Value(self.values, found.parts, thing.size)
        raise busy(place)

    # Making

    def _make_container(self, caller: Caller, place: Place, wish: Wish) -> Seen:
        """Raises AlreadyExists."""
        return self._writer.make(caller, place, Container, wish)

    def _make_queue(self, caller: Caller, place: Place, wish: Wish) -> Seen:
        """Raises AlreadyExists."""
        return self._writer.make(caller, place, Queue, wish)

    def _make_reference(self, caller: Caller, place: Place, target: str) -> Seen:
        """Raises AlreadyExists."""
        return self._writer.make(caller, place, Reference, {}, target=target)

    def _copy_container(self, caller: Caller, place: Place, source: Source, wish: Wish) -> Seen:
        """With all that is in the source. Raises InvalidRequest (the source), AlreadyExists."""
        return self._trees.copy(caller, place, Container, source, wish)

    def _copy_queue(self, caller: Caller, place: Place, source: Source, wish: Wish) -> Seen:
        """With all values of the source. Raises InvalidRequest (the source), AlreadyExists."""
        return self._trees.copy(caller, place, Queue, source, wish)

    # Keeping order

    def prepare(self) -> None:
        """Make the roots where there are none; several processes may do so at once."""
        root = self.rows.top(ROOT_NAME)
        if root is not None and root.domain_seq is not None:
            return
        with self._database.write() as tx:
            tx.lock("objects root")
            top = self.rows.top(DOMAINS_NAME, tx)
            if top is None:
                top = self._founder.add(tx, None, self._own(Domain, DOMAINS_NAME, lists.DOMAINS), "", None)
            default = self.rows.child(top, DEFAULT, tx)
            if default is None:
                default = self._founder.add(tx, top, self._own(Domain, DEFAULT, lists.DOMAINS), "", None)
            root = self.rows.top(ROOT_NAME, tx)
            if root is None:
                made = self._own(Container, ROOT_NAME, lists.ROOT)
                root = self.rows.add(tx, None, made, "", domain=default.seq)
                self._ways.record(tx, Caller(GATEWAY), "container.create", root)
            elif root.domain_seq is None:
                self.rows.set_first_domain(tx, default.seq)
            tx.run(BUMP_DOMAINS)

    def _own(self, kind: type[StoredObject], name: str, acl: Acl) -> StoredObject:
        moment = present()
        return kind(
            id=new_id(self.enterprise),
            name=name,
            parent=None,
            owner="",
            tenant="",
            metadata={},
            system={DOMAIN_ENABLED: "true"} if kind is Domain else {},
            acl=acl,
            created=moment,
            modified=moment,
        )

    def has_work(self) -> bool:
        """Whether there is anything for ``work``."""
        return bool(self._trees.jobs.first(1) or self.rows.expired(1))

    def work(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Do what goes on after its request, and remove what is to go by itself; how much was done.

        ``go_on`` is asked every few hundred objects: another process may have taken over.
        """
        return self._delayed.work(go_on) + (self._remover.remove_expired() if go_on() else 0)

    def sweep(self, older: datetime) -> int:
        """Remove the values that no object has: of deletes, and of writes that were broken off before a time.

        How many. A value that is complete gets its row within the request that writes it.
        """
        swept = 0
        while keys := self.rows.unused_values(GIVEN_UP_AT_ONCE):
            given = [key for key in keys if self.rows.give_up(key)]
            for key in given:
                self.values.delete(key)
            swept += len(given)
            if not given:
                break
        for key in self.values.keys(older):
            if not self.rows.has_value(key):
                self.values.delete(key)
                swept += 1
        return swept + self.values.sweep(older)

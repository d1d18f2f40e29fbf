"""Queues: values that come out in the order in which they went in, each to one reader (CDMI 11).

A value is a row below its queue, named by its designator; so a queue is copied, moved, kept in a snapshot
and removed as any tree is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from gateway.identity import Caller
from gateway.model import (
    AceMask,
    Completion,
    Conflict,
    DataObject,
    Encoding,
    Forbidden,
    InvalidRequest,
    NotFound,
    Queue,
    QueueValue,
)
from gateway.objects.contents import Content, require_size
from gateway.objects.identifier import new_id
from gateway.objects.names import Place, Seen
from gateway.objects.values import Value, cut
from gateway.objects.ways import (
    Way,
    Ways,
    data,
    queue,
    require,
    require_changeable,
    require_removable,
)
from gateway.objects.writing import ATTEMPTS, Writer, busy, is_membership
from gateway.policy import acl as lists
from gateway.store import Transaction
from gateway.store.object_rows import Held, present
from gateway.store.objects import Extent

#: Values that one request may read or put in.
MAX_VALUES = 1000
#: Values that one request may take out.
MAX_TAKEN = 10_000

_DIGITS = 20
_LAST = "9" * _DIGITS


@dataclass(frozen=True, slots=True)
class Item:
    """A value that is to be put into a queue."""

    content: bytes
    mimetype: str
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Waiting:
    """A value that is in a queue."""

    designator: int
    mimetype: str
    encoding: Encoding
    value: Value


class Queues:
    """Everything that is done with the values of queues."""

    def __init__(self, writer: Writer, ways: Ways) -> None:
        self.writer, self.ways, self.rows = writer, ways, writer.rows
        self.database = writer.database

    def range(self, caller: Caller, place: Place) -> tuple[int, int] | None:
        """(lowest, highest) designator of what is in a queue; None where nothing is."""
        way = self.ways.walk(caller, place)
        queue(way[-1], place)
        return _ends(self.rows.ends(way[-1]))

    def read(self, caller: Caller, place: Place, number: int) -> Sequence[Waiting]:
        """The oldest values, so many at most."""
        way = self.ways.walk(caller, place)
        queue(way[-1], place)
        require(caller, way[-1], AceMask.READ_OBJECT, place)
        for _ in range(ATTEMPTS):
            found = self.rows.held_children(way[-1], "", _LAST, min(number, MAX_VALUES))
            waiting = [self._waiting(held) for held in found]
            # The oldest goes first, and none changes: where it is still there, all were.
            if not found or self.rows.whole(found[0]) is not None:
                return waiting
        raise busy(place)

    def _waiting(self, held: Held) -> Waiting:
        thing = held.object
        assert isinstance(thing, QueueValue)
        value = Value(self.writer.values, self.rows.extents(held), thing.size)
        return Waiting(int(thing.name or 0), thing.mimetype, thing.encoding, value)

    def put(self, caller: Caller, place: Place, items: Sequence[Item]) -> Seen:
        """Put values in at the end, all or none."""
        require_few(len(items))
        self._writable(caller, place)
        with ExitStack() as kept:
            contents = []
            for item in items:
                stored = kept.enter_context(self.writer.kept([item.content]))
                parts = [Extent(0, stored.size, stored.key, 0)] if stored.size else []
                contents.append((Content(parts, stored.size, None, stored), item.mimetype, item.encoding))
            way = self._writable(caller, place)
            with self.database.write() as tx:
                return self.append(tx, caller, way, place, contents)

    def append(
        self,
        tx: Transaction,
        caller: Caller,
        way: Way,
        place: Place,
        contents: Sequence[tuple[Content, str, Encoding]],
    ) -> Seen:
        """The part of ``put`` that is done in a transaction."""
        held = self.ways.locked(tx, way[-1])
        if held is None:
            raise Conflict(f"{place} has just been removed")
        thing = queue(held, place)
        for number, (content, mimetype, encoding) in enumerate(contents, thing.next):
            require_size(content, place)
            value = Value(self.writer.values, content.parts, content.size)
            told = self.writer.as_text({"encoding": encoding}, encoding, value)["encoding"]
            made = self._value(held, number, content, mimetype, told)
            row = self.rows.add(tx, held, made, held.group, domain=held.domain_seq)
            self.writer.keep(tx, row, content)
        changed = self._changed(thing, next=thing.next + len(contents))
        self.rows.change(tx, held, changed)
        self.ways.require_room(tx, held)
        self.ways.record(tx, caller, "queue.enqueue", held)
        return self.ways.seen(caller, [*way[:-1], replace(held, object=changed)])

    def _value(
        self, held: Held, number: int, content: Content, mimetype: str, encoding: Encoding
    ) -> QueueValue:
        moment = present()
        return QueueValue(
            id=new_id(self.writer.enterprise),
            name=f"{number:0{_DIGITS}d}",
            parent=None,
            owner=held.object.owner,  # who fills a queue of another's has no part in it
            tenant=held.object.tenant,
            metadata={},
            acl=lists.DEFAULT,
            created=moment,
            modified=moment,
            mimetype=mimetype,
            encoding=encoding,
            size=content.size,
            completion=Completion.COMPLETE,
        )

    @staticmethod
    def _changed(thing: Queue, **fields: int) -> Queue:
        return replace(thing, **fields, modified=present(), changes=thing.changes + 1)  # type: ignore[arg-type]  # all are numbers

    def take(self, caller: Caller, place: Place, choose: Callable[[int, int], tuple[int, int]]) -> int:
        """Remove the oldest values of a queue; how many.

        ``choose`` gets the lowest and the highest designator that are there and gives those that are to go.
        """
        way = self._writable(caller, place)
        with self.database.write() as tx:
            held = self.ways.locked(tx, way[-1])
            ends = _ends(self.rows.ends(held, tx)) if held is not None else None
            if held is None or ends is None:
                return 0
            first, last = choose(*ends)
            last = min(last, first + MAX_TAKEN - 1)
            if last < first:
                return 0
            names = (f"{first:0{_DIGITS}d}", f"{last:0{_DIGITS}d}")
            gone = self.rows.held_children(held, *names, MAX_TAKEN, tx)
            keys = [key for value in gone for key in self.rows.remove(tx, value, 1 << 31)]
            self.rows.change(tx, held, self._changed(queue(held, place)))
            self.ways.record(tx, caller, "queue.dequeue", held)
        self.writer.give_up(keys)
        return len(gone)

    def pour(
        self,
        caller: Caller,
        place: Place,
        source: Place,
        number: int,
        *,
        moving: bool,
        part: tuple[int, int] | None = None,
    ) -> Seen:
        """Put the oldest values of another queue, or the value of a data object, in at the end (11.6).

        With ``moving`` they are taken out of the source in the same transaction; ``part`` is (first, length)
        of each value. Raises InvalidRequest (the source).
        """
        way = self._writable(caller, place)
        from_ = self._source(caller, source, moving=moving)
        if from_[-1].seq == way[-1].seq:
            raise InvalidRequest("a queue is not poured into itself", field="copy")
        with self.database.write() as tx:
            if not self.rows.lock_all(tx, (way[-1], from_[-1])):
                raise Conflict("one of the two has just been removed")
            poured = self._poured(tx, from_[-1], number)
            contents = []
            for held in poured:
                thing = data(held, source)
                first, length = part or (0, thing.size)
                last = min(thing.size, first + length)
                parts = cut(self.rows.extents(held, tx), min(first, last), last)
                contents.append((Content(parts, max(0, last - first)), thing.mimetype, thing.encoding))
            seen = self.append(tx, caller, way, place, contents)
            if moving:
                self._emptied(tx, caller, from_[-1], poured)
        return seen

    def _source(self, caller: Caller, source: Place, *, moving: bool) -> list[Held]:
        try:
            from_ = self.ways.walk(caller, source)
            require(caller, from_[-1], AceMask.READ_OBJECT, source)
            if moving and isinstance(from_[-1].object, Queue):
                self._writable(caller, source)
            elif moving and is_membership(from_[:-1]):
                raise InvalidRequest("source: a member stays where it is", field="move")
            elif moving:
                require_removable(caller, from_, source)
                require_changeable(from_, source)
        except (NotFound, Forbidden, Conflict) as error:
            raise InvalidRequest(f"source: {error.message}", field="copy", reason="source") from None
        if not isinstance(from_[-1].object, Queue | DataObject):
            raise InvalidRequest("source: neither a queue nor a data object", field="copy", reason="source")
        return from_

    def _poured(self, tx: Transaction, from_: Held, number: int) -> Sequence[Held]:
        """The rows whose values are put in."""
        if isinstance(from_.object, Queue):
            return self.rows.held_children(from_, "", _LAST, min(number, MAX_VALUES), tx)
        now = self.rows.by_seq(from_.seq, tx)
        if now is None:
            raise InvalidRequest("source: has just been removed", field="copy", reason="source")
        return [now]

    def _emptied(self, tx: Transaction, caller: Caller, from_: Held, poured: Sequence[Held]) -> None:
        for held in poured:
            self.rows.remove(tx, held, 0)
        if not isinstance(from_.object, Queue):
            self.ways.record(tx, caller, f"{from_.object.kind}.delete", from_)
            return
        now = self.ways.locked(tx, from_)
        if now is not None and isinstance(now.object, Queue):
            self.rows.change(tx, now, self._changed(now.object))
            self.ways.record(tx, caller, "queue.dequeue", now)

    def _writable(self, caller: Caller, place: Place) -> list[Held]:
        way = self.ways.walk(caller, place)
        queue(way[-1], place)
        require(caller, way[-1], AceMask.WRITE_OBJECT, place)
        require_changeable(way, place)
        return way


def _ends(names: tuple[str, str] | None) -> tuple[int, int] | None:
    return (int(names[0]), int(names[1])) if names is not None else None


def require_few(number: int) -> None:
    """Raises InvalidRequest for more values than one request may have."""
    if number > MAX_VALUES:
        raise InvalidRequest(
            f"{number} values are too many; at most {MAX_VALUES} in one request", field="value"
        )

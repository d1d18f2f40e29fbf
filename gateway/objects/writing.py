"""Making objects and changing what they are: value, metadata, lists, one transaction for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from backends.values import Stored, ValueStore
from gateway.identity import Caller
from gateway.model import (
    KINDS,
    AceMask,
    AlreadyExists,
    Completion,
    Conflict,
    Container,
    DataObject,
    Domain,
    Encoding,
    Forbidden,
    GatewayError,
    InvalidRequest,
    NotFound,
    StoredObject,
    Wish,
    shorten,
)
from gateway.objects.contents import (
    MAX_EXTENTS,
    MAX_HASHED,
    MAX_SIZE,
    MAX_TEXT,
    Content,
    Hasher,
    Piece,
    encoding_of,
    require_size,
    stored_pieces,
)
from gateway.objects.domains import MEMBER, read_member
from gateway.objects.identifier import new_id
from gateway.objects.names import MEMBERS, Place, Seen
from gateway.objects.values import Replaced, Value, merged, spliced
from gateway.objects.ways import (
    Way,
    Ways,
    data,
    group_of,
    guarded,
    require,
    require_changeable,
)
from gateway.objects.wishes import changed, checked, domain_for, hash_of, require_allowed
from gateway.policy import acl as lists
from gateway.policy.acl import granted
from gateway.policy.classes import Classes, chosen, require_transition
from gateway.store import Constraint, Database, Transaction
from gateway.store.generations import BUMP_DOMAINS
from gateway.store.object_rows import Held, present
from gateway.store.objects import LAST_NAME, MOST, SNAPSHOTS_NAME, Extent, ObjectRows

#: So many values that a delete has left are given up at once, the rest by the sweeper.
GIVEN_UP_AT_ONCE = 100
#: How often a change begins anew that others have come before.
ATTEMPTS = 100
#: What a member of a domain may say.
MAX_MEMBER = 1 << 16

_DESCRIPTION = frozenset({"mimetype", "encoding", "domain", "exports", "fields"})
_ANY_CHANGE = (
    AceMask.WRITE_OBJECT
    | AceMask.WRITE_METADATA
    | AceMask.WRITE_ATTRIBUTES
    | AceMask.WRITE_RETENTION
    | AceMask.WRITE_RETENTION_HOLD
    | AceMask.WRITE_ACL
    | AceMask.WRITE_OWNER
)


class Writer:
    """Everything that makes or changes single objects."""

    def __init__(
        self,
        database: Database,
        rows: ObjectRows,
        ways: Ways,
        values: ValueStore,
        enterprise: int,
        classes: Classes,
    ) -> None:
        self.database, self.rows, self.ways, self.values = database, rows, ways, values
        self.enterprise, self.classes = enterprise, classes

    # Values

    def write(
        self, caller: Caller, place: Place, blocks: Iterable[bytes], wish: Wish, *, start: int | None = None
    ) -> tuple[Seen, bool]:
        """Make a data object or replace the value of the one there is; whether it was made.

        With ``start`` only that part is written; bytes between it and the end of the value become zero.
        Nothing of ``blocks`` is read before the caller is known to have the right. Raises NotFound,
        Forbidden, InvalidRequest, Conflict (something else is there), and what ``blocks`` raises.
        """
        wish = checked(False, wish)
        way, _ = self._writable(caller, place)
        if start is not None and start > MAX_SIZE:
            raise InvalidRequest(f"{place}: more than {MAX_SIZE} bytes", reason="too_large")
        hasher = Hasher(hash_of(way, wish) if start is None else None)
        with self.kept(hasher.passed(blocks)) as stored:
            extent = Extent(start or 0, stored.size, stored.key, 0)
            parts = [extent] if stored.size else []
            content = Content(parts, extent.end if stored.size else 0, hasher.digest(), stored)
            return self.put(caller, place, content, wish, in_part=start is not None)

    def write_pieces(
        self, caller: Caller, place: Place, pieces: Iterable[Piece], wish: Wish, *, in_part: bool
    ) -> tuple[Seen, bool]:
        """As ``write``, of several parts of a value; what is between them stays as it is, or is zero.

        All of them are one stored value; nothing is written for what is between.
        """
        wish = checked(False, wish)
        self._writable(caller, place)
        placed: list[tuple[int, int, int]] = []  # where in the value, how long, where in what is stored
        with self.kept(stored_pieces(pieces, placed, place)) as stored:
            parts: Sequence[Extent] = []
            for start, length, offset in placed:
                parts = spliced(parts, Extent(start, length, stored.key, offset))
            parts = merged(parts)
            if len(parts) > MAX_EXTENTS:
                raise InvalidRequest(f"value: more than {MAX_EXTENTS} parts that do not touch", field="value")
            size = max((start + length for start, length, _ in placed), default=0)
            value = Value(self.values, parts, size)
            way, _ = self._writable(caller, place)
            digest = None if in_part else self.digest_of(way, wish, value, place)
            return self.put(caller, place, Content(parts, size, digest, stored), wish, in_part=in_part)

    def put(
        self, caller: Caller, place: Place, content: Content, wish: Wish, *, in_part: bool = False
    ) -> tuple[Seen, bool]:
        """Give an object, which is made where there is none, a value that is in the store."""
        wish = checked(False, wish)
        require_size(content, place)
        value = Value(self.values, content.parts, content.size)
        for _ in range(ATTEMPTS):
            way, there = self._writable(caller, place)
            if there and in_part:
                seen = self._patched(caller, way, place, content, wish)
                if seen is not None:
                    return seen, False
            elif there:
                # Whoever comes last has the last word: what others have written meanwhile does not count.
                told = self.as_text(wish, data(way[-1], place).encoding, value)
                seen = self._replaced(caller, way, place, content, told, last=True)
                if seen is not None:
                    return seen, False
            else:
                told = self.as_text(wish, Encoding.BASE64, value)
                if in_part:
                    content = replace(content, digest=self.digest_of(way, wish, value, place))
                # Somebody has made it meanwhile: then this is an update. Where values of others are used, one
                # of them may be gone as well, which is for the caller to see.
                with suppress(*([Constraint] if content.stored is not None else [])):
                    return self._made_data(caller, way, place, content, told), True
        raise busy(place)

    def _made_data(self, caller: Caller, way: Way, place: Place, content: Content, wish: Wish) -> Seen:
        made = DataObject(
            **self.common(caller, way, place, wish),
            mimetype=wish.get("mimetype", "application/octet-stream"),
            encoding=wish.get("encoding", Encoding.BASE64),
            size=content.size,
            digest=content.digest,
            completion=Completion.PROCESSING if wish.get("partial") else Completion.COMPLETE,
        )
        return self.added(caller, way, place, made, wish, content)

    def _writable(self, caller: Caller, place: Place) -> tuple[list[Held], bool]:
        """The way to a data object that may be written, or to the container that one may be made in.

        And whether it is the former.
        """
        try:
            way = self.ways.walk(caller, place) if not (place.is_new or place.is_unnamed) else None
        except NotFound as error:
            if not place.names or type(error) is not NotFound:
                raise
            way = None
        if way is not None:
            self._require_writable(caller, way, place)
            return way, True
        above = self.ways.parent(caller, place, AceMask.WRITE_OBJECT)
        require_place(above, place, DataObject)
        return above, False

    def _require_writable(self, caller: Caller, way: Way, place: Place) -> None:
        data(way[-1], place)
        require(caller, way[-1], AceMask.WRITE_OBJECT, place)
        require_changeable(way, place)

    @contextmanager
    def kept(self, blocks: Iterable[bytes]) -> Iterator[Stored]:
        """A value that goes again unless some object has it in the end."""
        stored = self.values.write(blocks)
        try:
            yield stored
        finally:
            with suppress(GatewayError):  # then the sweeper finds it
                if not self.rows.has_value(stored.key):
                    self.values.delete(stored.key)

    def _patched(self, caller: Caller, way: Way, place: Place, new: Content, wish: Wish) -> Seen | None:
        """Write the parts of ``new`` over those that are there; None where others came first."""
        thing = data(way[-1], place)
        parts = self.rows.extents(way[-1])
        for part in new.parts:
            parts = spliced(parts, part)
        content = Content(parts, max(thing.size, new.size), None, new.stored)
        value = Value(self.values, parts, content.size)
        with suppress(Replaced):
            told = self.as_text(wish, thing.encoding, value)
            content = replace(content, digest=self.digest_of(way, wish, value, place))
            with self.packed(content) as few:
                return self._replaced(caller, way, place, few, told)
        return None

    @contextmanager
    def packed(self, content: Content) -> Iterator[Content]:
        """The same value in not too many parts. Raises Replaced."""
        if len(content.parts) <= MAX_EXTENTS:
            yield content
            return
        value = Value(self.values, content.parts, content.size)
        with self.kept(value.stored_blocks()) as stored:
            yield replace(content, parts=value.packed(stored.key), stored=stored)

    @staticmethod
    def digest_of(way: Way, wish: Wish, value: Value, place: Place) -> str | None:
        """The digest that a stored value needs at the end of a way. Raises InvalidRequest (too long)."""
        hasher = Hasher(hash_of(way, wish))
        if hasher.algorithm and value.size > MAX_HASHED:
            raise InvalidRequest(f"{place}: hashed values are changed up to {MAX_HASHED} bytes only")
        return hasher.of(value)

    @staticmethod
    def as_text(wish: Wish, present: Encoding, value: Value) -> Wish:
        """The wish, with ``base64`` for a value that was to be text and is none."""
        if wish.get("encoding", present) is Encoding.UTF_8:
            short = value.size <= MAX_TEXT
            return {**wish, "encoding": encoding_of(value.blocks()) if short else Encoding.BASE64}
        return wish

    # Everything but values

    def change(self, caller: Caller, place: Place, decide: Callable[[StoredObject], Wish]) -> Seen:
        """Change what an object is besides its value; ``decide`` is asked anew where others came first."""
        for _ in range(ATTEMPTS):
            way = self.ways.walk(caller, place)
            try:
                last = self.wished(caller, way, place, decide(way[-1].object))
            except Replaced:
                continue
            with self.database.write() as tx:
                if self.unchanged(tx, way[-1]):
                    fresh = self.put_row(tx, caller, way, last)
                    return self.ways.seen(fresh, [*way[:-1], last])
        raise busy(place)

    def wished(self, caller: Caller, way: Way, place: Place, wish: Wish) -> Held:
        """What is at the end of a way, as it is wished besides its value.

        Raises Forbidden, InvalidRequest, and Replaced where others come first.
        """
        held = way[-1]
        require_condition(wish, held.object)
        wish = checked(isinstance(held.object, Domain), wish)
        self._require_changer(caller, held, wish, place)
        require_allowed(caller, way, wish, place)
        self._require_class(held.object, wish)
        domain = domain_for(self.ways.domains, caller, way[:-1], wish)
        thing = changed(held.object, wish)
        if MEMBER in held.object.system:
            thing = replace(thing, system={**thing.system, MEMBER: held.object.system[MEMBER]})
        if isinstance(thing, DataObject):
            thing = self._described(held, thing, way, wish, place)
        return replace(held, object=thing, domain_seq=domain if "domain" in wish else held.domain_seq)

    @staticmethod
    def _require_changer(caller: Caller, held: Held, wish: Wish, place: Place) -> None:
        """Raises Forbidden where somebody describes an object who has no right to, be it as it is already."""
        if _DESCRIPTION & wish.keys():
            require(caller, held, AceMask.WRITE_ATTRIBUTES, place)
        if "partial" in wish:  # it hides the value
            require(caller, held, AceMask.WRITE_OBJECT, place)
        if not granted(caller.principal, guarded(held), _ANY_CHANGE):
            require(caller, held, AceMask.WRITE_ATTRIBUTES, place)

    def unchanged(self, tx: Transaction, held: Held) -> bool:
        """Whether an object is as it was, and stays so until the transaction ends."""
        now = self.ways.locked(tx, held)
        return now is not None and now.object.changes == held.object.changes

    def put_row(self, tx: Transaction, caller: Caller, way: Way, last: Held) -> Caller:
        """Write what ``wished`` gave for the end of a way; the caller as ``told`` gives it."""
        self.rows.change(tx, last, last.object)
        if last.domain_seq is not None and last.domain_seq != way[-1].domain_seq:
            self.rows.set_domain(tx, last, last.domain_seq)
        self.ways.record(tx, caller, f"{last.object.kind}.update", way[-1])
        return self.told(tx, caller, way)

    def _require_class(self, thing: StoredObject, wish: Wish) -> None:
        """Raises InvalidRequest, Forbidden: see ``require_transition``."""
        if "storage_class" in wish:
            require_transition(self.classes, thing.kind, thing.storage_class, wish["storage_class"])

    def _described(self, held: Held, thing: DataObject, way: Way, wish: Wish, place: Place) -> DataObject:
        """The object with what depends on its value. Raises InvalidRequest for an encoding it has not."""
        value = Value(self.values, self.rows.extents(held), thing.size)
        if "encoding" in wish and self.as_text(wish, thing.encoding, value)["encoding"] is not thing.encoding:
            raise InvalidRequest(f"{place}: the value is not UTF-8", field="valuetransferencoding")
        if "system" in wish and (hash_of(way, wish) or "") != (thing.digest or "").partition(":")[0]:
            return replace(thing, digest=self.digest_of(way, wish, value, place))
        return thing

    def make(self, caller: Caller, place: Place, kind: type[StoredObject], wish: Wish, **own: Any) -> Seen:
        """Make an object without a value: a container, queue, domain or reference.

        Raises NotFound (the parent), Forbidden, InvalidRequest (the name), AlreadyExists.
        """
        below = kind in (Container, Domain)
        right = AceMask.APPEND_DATA if below else AceMask.WRITE_OBJECT
        way = self.ways.parent(caller, place, right, container=below)
        require_place(way, place, kind)
        wish = checked(kind is Domain, wish)
        try:
            made = kind(**self.common(caller, way, place, wish, kind=kind), **own)
            return self.added(caller, way, place, made, wish)
        except Constraint:
            raise AlreadyExists(f"{place} is there already") from None

    def common(
        self, caller: Caller, way: Way, place: Place, wish: Wish, *, kind: type[StoredObject] = DataObject
    ) -> dict[str, Any]:
        """The fields that every new object has."""
        if not caller.principal.user and not way:
            raise Forbidden("sign in to make an object without a path")
        id = new_id(self.enterprise)
        name = None if place.is_new else place.names[-1] or id
        below = kind in (Container, Domain)
        inherited = lists.inherited(way[-1].object.acl, by_container=below) if way else lists.DEFAULT
        moment = present()
        return {
            "id": id,
            "name": name,
            "parent": way[-1].object.id if way else None,
            "owner": wish.get("owner", caller.principal.user),
            "tenant": caller.principal.tenant,
            "metadata": wish.get("metadata", {}),
            "system": wish.get("system", {}),
            "fields": wish.get("fields", {}),
            **self._classed(way, wish, kind, moment),
            "acl": wish.get("acl", inherited),
            "created": moment,
            "modified": moment,
        }

    def _classed(self, way: Way, wish: Wish, kind: type[StoredObject], moment: datetime) -> dict[str, Any]:
        """The storage class of a new object. Raises InvalidRequest."""
        above = way[-1].object.storage_class if way else None
        name = chosen(self.classes, KINDS[kind], wish.get("storage_class"), above)
        return {} if name is None else {"storage_class": name, "classed": moment}

    def added(
        self,
        caller: Caller,
        way: Way,
        place: Place,
        made: StoredObject,
        wish: Wish,
        content: Content | None = None,
    ) -> Seen:
        """Put an object into the container at the end of a way. Raises Constraint: the name is taken."""
        require_condition(wish, None)
        domain = None if isinstance(made, Domain) else domain_for(self.ways.domains, caller, way, wish)
        made = self._as_member(way, made, content)
        with self.database.write() as tx:
            if way and not self.rows.lock(tx, way[-1]):
                raise NotFound(f"no container for {place}")
            held = self.rows.add(tx, way[-1] if way else None, made, group_of(caller), domain=domain)
            if content is not None:
                self.keep(tx, held, content)
            self.ways.require_room(tx, held)
            fresh = self.told(tx, caller, [*way, held])
            self.ways.record(tx, caller, f"{made.kind}.create", held)
        return self.ways.seen(fresh, [*way, held])

    def _replaced(
        self, caller: Caller, way: Way, place: Place, content: Content, wish: Wish, *, last: bool = False
    ) -> Seen | None:
        """Give a data object another value; None where it is gone, or not ``last`` and changed since."""
        held = way[-1]
        domain = domain_for(self.ways.domains, caller, way[:-1], wish)
        with self.database.write() as tx:
            now = self.ways.locked(tx, held)
            if now is None or not (last or now.object.changes == held.object.changes):
                return None
            held = now
            require_condition(wish, held.object)
            # Besides the value: who may write it may describe it, but not say who else may.
            require(caller, held, AceMask.WRITE_OBJECT, place)
            require_allowed(caller, [*way[:-1], held], {**wish, "partial": True}, place)
            self._require_class(held.object, wish)
            before = {part.key for part in self.rows.extents(held, tx)}
            self.keep(tx, held, content)
            thing = changed(data(held, place), wish)
            thing = replace(thing, size=content.size, digest=content.digest)
            member = self._as_member(way[:-1], thing, content)
            self.rows.change(tx, held, member)
            if "domain" in wish and domain is not None:
                self.rows.set_domain(tx, held, domain)
            if content.size > data(held, place).size:
                self.ways.require_room(tx, held)
            self.told(tx, caller, way)
            self.ways.record(tx, caller, f"{thing.kind}.update", held)
        self.give_up(before - {part.key for part in content.parts})
        return self.ways.seen(caller, [*way[:-1], replace(held, object=thing)])

    def _as_member(self, way: Way, thing: StoredObject, content: Content | None) -> StoredObject:
        """What is put among the members of a domain is read at once: a wrong one never gets in."""
        if not is_membership(way) or not isinstance(thing, DataObject):
            return thing
        if content is None or content.size > MAX_MEMBER:
            raise InvalidRequest(f"value: a member has at most {MAX_MEMBER} bytes", field="value")
        member = read_member(b"".join(Value(self.values, content.parts, content.size).blocks()))
        return replace(thing, system={**thing.system, MEMBER: member})

    @staticmethod
    def told(tx: Transaction, caller: Caller, way: Way) -> Caller:
        """Have all workers, and the caller, forget what they know of domains where that has changed."""
        if isinstance(way[-1].object, Domain) or is_membership(way) or is_membership(way[:-1]):
            tx.run(BUMP_DOMAINS)
            return caller._replace(generations=None)
        return caller

    def clear(self, tx: Transaction, held: Held) -> list[str]:
        """Remove what is in a container, but its snapshots; keys for ``give_up``.

        Raises Forbidden for what is kept, Conflict for what is exported.
        """
        keys: list[str] = []
        for child in self.rows.held_children(held, "", LAST_NAME, MOST, tx):
            if child.object.name == SNAPSHOTS_NAME:
                continue
            name = shorten(child.object.name or "")
            if self.rows.kept_in(child, tx) is not None:
                raise Forbidden(f"{name}: retention or a hold keeps it", reason="retained")
            if self.rows.exported_in(child, tx):
                raise Conflict(f"{name}: has exports; remove them first")
            keys += self.rows.remove(tx, child, GIVEN_UP_AT_ONCE)
        return keys

    def keep(self, tx: Transaction, held: Held, content: Content) -> None:
        stored = content.stored
        if stored is not None and any(part.key == stored.key for part in content.parts):
            self.rows.add_value(tx, stored.key, stored.size)
        self.rows.set_extents(tx, held, content.parts)

    def give_up(self, keys: Iterable[str]) -> None:
        """Remove the values that nobody has any more."""
        for key in keys:
            if self.rows.give_up(key):
                self.values.delete(key)


def is_membership(way: Way) -> bool:
    """Whether a way ends at the members of a domain."""
    return len(way) > 1 and way[-1].object.name == MEMBERS and isinstance(way[-2].object, Domain)


def require_place(way: Way, place: Place, kind: type[StoredObject]) -> None:
    """Raises InvalidRequest where no object of a kind can be: domains are below domains, nothing else is."""
    below_domain = bool(way) and isinstance(way[-1].object, Domain)
    if below_domain is not (kind is Domain):
        what = "only domains are" if below_domain else "no domain is"
        raise InvalidRequest(f"{place}: {what} made here", field="path")
    if is_membership(way) and kind is not DataObject:
        raise InvalidRequest(f"{place}: members are data objects", field="path")


def require_condition(wish: Wish, present: StoredObject | None) -> None:
    """Raises what the condition of a wish raises."""
    condition = wish.get("condition")
    if condition is not None:
        condition(present)


def busy(place: Place) -> Conflict:
    return Conflict(f"{place} is changed by others all the time; try again")

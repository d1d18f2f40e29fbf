"""The door to stored objects: permission, value, row and audit record, in that order, for every operation."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict, TypeVar

from backends.values import Stored, ValueStore
from gateway.identity import GATEWAY, Caller
from gateway.model import (
    AceMask,
    Acl,
    AlreadyExists,
    Completion,
    Conflict,
    Container,
    DataObject,
    Encoding,
    Forbidden,
    GatewayError,
    InvalidRequest,
    Json,
    NotFound,
    ObjectKind,
    StoredObject,
    shorten,
)
from gateway.objects.identifier import EXAMPLE_ENTERPRISE, new_id
from gateway.objects.values import Value, spliced
from gateway.policy import acl as lists
from gateway.policy.acl import Guarded, granted
from gateway.store import Constraint, Database, Transaction
from gateway.store.audit import Audit
from gateway.store.objects import ROOT_NAME, Extent, Held, ObjectRows, present

S = TypeVar("S", bound=StoredObject)

NAME_BYTES = 1024
DEPTH = 128
RESERVED = frozenset(
    {"cdmi_objectid", "cdmi_domains", "cdmi_capabilities", "cdmi_snapshots", "cdmi_versions"}
)
#: A value in more parts than this is written anew: each costs a reader an open file.
MAX_EXTENTS = 64
#: So many values that a delete has left are given up at once, the rest by the sweeper.
_GIVEN_UP_AT_ONCE = 100
#: How often a change begins anew that others have come before.
_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is: below the root, or below the object with an ID."""

    names: tuple[str, ...] = ()
    id: str | None = None

    def __str__(self) -> str:
        start = f"/cdmi_objectid/{self.id}" if self.id is not None else ""
        return shorten("/".join([start, *self.names]) or "/")


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as a caller sees it."""

    object: StoredObject
    path: tuple[str, ...] | None  # names from the root; None where it has none
    rights: AceMask  # all that the caller has


class Wish(TypedDict, total=False):
    """What a caller wants of an object besides its value; what is not there stays as it is."""

    metadata: Mapping[str, Json]
    acl: Acl
    mimetype: str
    encoding: Encoding


class Objects:
    """All stored objects, seen by one caller at a time."""

    def __init__(
        self, database: Database, values: ValueStore, audit: Audit, *, enterprise: int = EXAMPLE_ENTERPRISE
    ) -> None:
        self.rows = ObjectRows(database)
        self.values = values
        self._database = database
        self._audit = audit
        self._enterprise = enterprise

    # Reading

    def root_id(self) -> str:
        """The ID of the root, which everybody may know. Raises NotFound before ``prepare``."""
        root = self.rows.root()
        if root is None:
            raise NotFound("no root yet")
        return root.object.id

    def get(self, caller: Caller, place: Place) -> Seen:
        """Raises NotFound, Forbidden (a container on the way may not be walked through)."""
        chain = self._walk(caller, place)
        return self._seen(caller, chain)

    def children(
        self, caller: Caller, place: Place, first: int, number: int
    ) -> Sequence[tuple[str, ObjectKind]]:
        """Names and kinds of a container's children in the order of their bytes."""
        return self.rows.children(self._container(caller, place, AceMask.READ_OBJECT)[-1], first, number)

    def how_many_children(self, caller: Caller, place: Place) -> int:
        return self.rows.how_many_children(self._container(caller, place, AceMask.READ_OBJECT)[-1])

    def open(self, caller: Caller, place: Place) -> Value:
        """The value of a data object, to be read in part or whole. Raises NotFound, Forbidden, Conflict."""
        held = self._walk(caller, place)[-1]
        self._require(caller, held, AceMask.READ_OBJECT, place)
        thing = _data(held, place)
        return Value(self.values, self.rows.extents(held), thing.size)

    # Making and changing

    def make_container(self, caller: Caller, place: Place, wish: Wish) -> Seen:
        """Raises NotFound (the parent), Forbidden, InvalidRequest (the name), AlreadyExists."""
        chain = self._parent(caller, place, AceMask.APPEND_DATA, container=True)
        made = Container(**self._common(caller, chain[-1], place, wish, container=True))
        try:
            return self._added(caller, chain, place, made)
        except Constraint:
            raise AlreadyExists(f"{place} is there already") from None

    def write(self, caller: Caller, place: Place, blocks: Iterable[bytes], wish: Wish) -> tuple[Seen, bool]:
        """Make a data object or replace the value of the one there is; whether it was made.

        Nothing of ``blocks`` is read before the caller is known to have the right. Raises NotFound,
        Forbidden, InvalidRequest, Conflict (a container is there), and what ``blocks`` raises.
        """
        self._writable(caller, place)
        with self._kept(blocks) as stored:
            for _ in range(_ATTEMPTS):
                chain = self._writable(caller, place)
                parts = [Extent(0, stored.size, stored.key, 0)] if stored.size else []
                value = Value(self.values, parts, stored.size)
                if isinstance(chain[-1].object, DataObject):
                    # Whoever comes last has the last word: what others have written meanwhile does not count.
                    told = self._as_text(wish, chain[-1].object.encoding, value)
                    seen = self._replaced(caller, chain, place, parts, stored, stored.size, told, last=True)
                    if seen is not None:
                        return seen, False
                else:
                    told = self._as_text(wish, Encoding.BASE64, value)
                    made = DataObject(
                        **self._common(caller, chain[-1], place, wish, container=False),
                        mimetype=wish.get("mimetype", "application/octet-stream"),
                        encoding=told.get("encoding", Encoding.BASE64),
                        size=stored.size,
                    )
                    with suppress(Constraint):  # somebody has made it meanwhile: then this is an update
                        return self._added(caller, chain, place, made, parts, stored), True
        raise _busy(place)

    def _writable(self, caller: Caller, place: Place) -> list[Held]:
        """The way to a data object that may be written, or to the container that one may be made in."""
        try:
            chain = self._walk(caller, place)
        except NotFound:
            if not place.names:
                raise
            return self._parent(caller, place, AceMask.WRITE_OBJECT, container=False)
        _data(chain[-1], place)
        self._require(caller, chain[-1], AceMask.WRITE_OBJECT, place)
        return chain

    @contextmanager
    def _kept(self, blocks: Iterable[bytes]) -> Iterator[Stored]:
        """A value that goes again unless some object has it in the end."""
        stored = self.values.write(blocks)
        try:
            yield stored
        finally:
            with suppress(GatewayError):  # then the sweeper finds it
                if not self.rows.has_value(stored.key):
                    self.values.delete(stored.key)

    def patch(self, caller: Caller, place: Place, start: int, blocks: Iterable[bytes], wish: Wish) -> Seen:
        """Write a part of a data object's value; bytes between its end and ``start`` become zero."""
        self._patchable(caller, place)
        with self._kept(blocks) as stored:
            for _ in range(_ATTEMPTS):
                chain = self._patchable(caller, place)
                thing = _data(chain[-1], place)
                parts = spliced(self.rows.extents(chain[-1]), Extent(start, stored.size, stored.key, 0))
                size = max(thing.size, start + stored.size) if stored.size else thing.size
                value = Value(self.values, parts, size)
                changed = self._as_text(wish, thing.encoding, value)
                if len(parts) <= MAX_EXTENTS:
                    seen = self._replaced(caller, chain, place, parts, stored, size, changed)
                else:
                    with self._kept(value.blocks()) as whole:
                        parts = [Extent(0, whole.size, whole.key, 0)]
                        seen = self._replaced(caller, chain, place, parts, whole, size, changed)
                if seen is not None:
                    return seen
        raise _busy(place)

    @staticmethod
    def _as_text(wish: Wish, present: Encoding, value: Value) -> Wish:
        """The wish, with ``base64`` for a value that was to be text and is none."""
        if wish.get("encoding", present) is Encoding.UTF_8:
            return {**wish, "encoding": _encoding(value.blocks())}
        return wish

    def _patchable(self, caller: Caller, place: Place) -> list[Held]:
        chain = self._walk(caller, place)
        _data(chain[-1], place)
        self._require(caller, chain[-1], AceMask.WRITE_OBJECT, place)
        return chain

    def change(self, caller: Caller, place: Place, decide: Callable[[StoredObject], Wish]) -> Seen:
        """Change what an object is besides its value; ``decide`` is asked anew where others came first."""
        for _ in range(_ATTEMPTS):
            chain = self._walk(caller, place)
            held = chain[-1]
            wish = decide(held.object)
            described = "mimetype" in wish or "encoding" in wish
            needed = _rights_for(wish) | (AceMask.WRITE_ATTRIBUTES if described else AceMask(0))
            self._require(caller, held, needed or AceMask.WRITE_METADATA, place)
            if isinstance(held.object, DataObject) and "encoding" in wish:
                value = Value(self.values, self.rows.extents(held), held.object.size)
                if self._as_text(wish, held.object.encoding, value)["encoding"] is not wish["encoding"]:
                    raise InvalidRequest(f"{place}: the value is not UTF-8", field="valuetransferencoding")
            with self._database.write() as tx:
                now = self._locked(tx, held)
                if now is not None and now.object.changes == held.object.changes:
                    changed = _changed(held.object, wish)
                    self.rows.change(tx, held, changed)
                    self._record(tx, caller, f"{_kind(held)}.update", held)
                    return self._seen(caller, [*chain[:-1], replace(held, object=changed)])
        raise _busy(place)

    def remove(self, caller: Caller, place: Place) -> None:
        """Remove an object with all that is in it. Raises NotFound, Forbidden, InvalidRequest (root)."""
        chain = self._walk(caller, place)
        held = chain[-1]
        if held.object.name is None and held.object.parent is None and isinstance(held.object, Container):
            raise InvalidRequest("the root container stays", reason="reserved")
        may = granted(caller.principal, _guarded(held), AceMask.DELETE)
        if not may and len(chain) > 1:
            may = granted(caller.principal, _guarded(chain[-2]), AceMask.DELETE_OBJECT)
        if not may:
            raise Forbidden(f"{place}: you may not delete it")
        for _ in range(_ATTEMPTS):
            with suppress(Constraint):  # somebody has put something into it meanwhile
                with self._database.write() as tx:
                    keys = self.rows.remove(tx, held, _GIVEN_UP_AT_ONCE)
                    self._record(tx, caller, f"{_kind(held)}.delete", held)
                self._give_up(keys)
                return
        raise _busy(place)

    # Keeping order

    def prepare(self) -> None:
        """Make the root where there is none; several processes may do so at once."""
        if self.rows.root() is not None:
            return
        made = Container(
            id=new_id(self._enterprise),
            name=ROOT_NAME,
            parent=None,
            owner="",
            tenant="",
            metadata={},
            acl=lists.ROOT,
            created=present(),
            modified=present(),
        )
        with self._database.write() as tx:
            tx.lock("objects root")
            if self.rows.root(tx) is None:
                held = self.rows.add(tx, None, made, "")
                self._record(tx, Caller(GATEWAY), "container.create", held)

    def sweep(self, older: datetime) -> int:
        """Remove the values that no object has: of deletes, and of writes that were broken off before a time.

        How many. A value that is complete gets its row within the request that writes it.
        """
        swept = 0
        while keys := self.rows.unused_values(_GIVEN_UP_AT_ONCE):
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

    # Steps

    def _walk(self, caller: Caller, place: Place) -> list[Held]:
        """The objects from the root to a place, all walked through with the right to."""
        if len(place.names) > DEPTH:
            raise InvalidRequest(f"more than {DEPTH} names in a path", field="path")
        if place.id is None:
            root = self.rows.root()
            chain = [root] if root is not None else []
        else:
            start = self.rows.by_id(place.id)
            chain = self._chain(start) if start is not None else []
        if not chain:
            raise NotFound(f"no object {place}")
        for above in chain[:-1]:
            self._require(caller, above, AceMask.EXECUTE, place)
        for name in place.names:
            if not isinstance(chain[-1].object, Container):
                raise NotFound(f"no object {place}")
            self._require(caller, chain[-1], AceMask.EXECUTE, place)
            found = self.rows.child(chain[-1], name) if "\0" not in name else None  # PostgreSQL takes none
            if found is None:
                raise NotFound(f"no object {place}")
            chain.append(found)
        return chain

    def _chain(self, held: Held, source: Transaction | None = None) -> list[Held]:
        """An object with all containers above it, the root first."""
        chain = [held]
        while chain[-1].parent_seq is not None:
            above = self.rows.by_seq(chain[-1].parent_seq, source)
            if above is None:
                break
            chain.append(above)
        return chain[::-1]

    def _seen(self, caller: Caller, chain: Sequence[Held]) -> Seen:
        held = chain[-1]
        names = [above.object.name for above in chain[1:]]
        path = tuple(name for name in names if name is not None) if len(names) + 1 == len(chain) else None
        thing = held.object
        if len(chain) > 1:
            thing = replace(thing, parent=chain[-2].object.id)
        return Seen(thing, path, granted(caller.principal, _guarded(held), lists.ALL_PERMS))

    def _container(self, caller: Caller, place: Place, wanted: AceMask) -> list[Held]:
        chain = self._walk(caller, place)
        if not isinstance(chain[-1].object, Container):
            raise NotFound(f"no container {place}")
        self._require(caller, chain[-1], wanted, place)
        return chain

    def _parent(self, caller: Caller, place: Place, wanted: AceMask, *, container: bool) -> list[Held]:
        """The way to the container that something is to be made in."""
        *above, name = place.names
        require_name(name, container=container)
        return self._container(caller, Place(tuple(above), place.id), wanted | AceMask.EXECUTE)

    @staticmethod
    def _require(caller: Caller, held: Held, wanted: AceMask, place: Place) -> None:
        missing = wanted & ~granted(caller.principal, _guarded(held), wanted)
        if missing:
            names = ", ".join(str(bit.name) for bit in missing)
            raise Forbidden(f"{place}: you lack {names}")

    def _common(
        self, caller: Caller, parent: Held, place: Place, wish: Wish, *, container: bool
    ) -> dict[str, Any]:
        moment = present()
        return {
            "id": new_id(self._enterprise),
            "name": place.names[-1],
            "parent": parent.object.id,
            "owner": caller.principal.user,
            "tenant": caller.principal.tenant,
            "metadata": wish.get("metadata", {}),
            "acl": wish.get("acl") or lists.inherited(parent.object.acl, by_container=container),
            "created": moment,
            "modified": moment,
        }

    def _added(
        self,
        caller: Caller,
        chain: Sequence[Held],
        place: Place,
        made: StoredObject,
        parts: Sequence[Extent] = (),
        stored: Stored | None = None,
    ) -> Seen:
        """Put an object into the container at the end of ``chain``. Raises Constraint: the name is taken."""
        with self._database.write() as tx:
            if not self.rows.lock(tx, chain[-1]):
                raise NotFound(f"no container for {place}")
            held = self.rows.add(tx, chain[-1], made, _group(caller))
            if stored is not None:
                self._keep(tx, held, parts, stored)
            self._record(tx, caller, f"{_kind(held)}.create", held)
        return self._seen(caller, [*chain, held])

    def _replaced(
        self,
        caller: Caller,
        chain: Sequence[Held],
        place: Place,
        parts: Sequence[Extent],
        stored: Stored,
        size: int,
        wish: Wish,
        *,
        last: bool = False,
    ) -> Seen | None:
        """Give a data object another value; None where it is gone, or not ``last`` and changed since."""
        held = chain[-1]
        with self._database.write() as tx:
            now = self._locked(tx, held)
            if now is None or not (last or now.object.changes == held.object.changes):
                return None
            held = now
            # Besides the value: who may write it may describe it, but not say who else may.
            self._require(caller, held, AceMask.WRITE_OBJECT | _rights_for(wish), place)
            before = {part.key for part in self.rows.extents(held, tx)}
            self._keep(tx, held, parts, stored)
            changed = _changed(_data(held, place), wish)
            changed = replace(changed, size=size, completion=Completion.COMPLETE)
            self.rows.change(tx, held, changed)
            self._record(tx, caller, "dataobject.update", held)
        self._give_up(before - {part.key for part in parts})
        return self._seen(caller, [*chain[:-1], replace(held, object=changed)])

    def _keep(self, tx: Transaction, held: Held, parts: Sequence[Extent], stored: Stored) -> None:
        if any(part.key == stored.key for part in parts):
            self.rows.add_value(tx, stored.key, stored.size)
        self.rows.set_extents(tx, held, parts)

    def _locked(self, tx: Transaction, held: Held) -> Held | None:
        """An object as it is now, and stays until the transaction ends; None where it is gone."""
        return self.rows.by_seq(held.seq, tx) if self.rows.lock(tx, held) else None

    def _give_up(self, keys: Iterable[str]) -> None:
        for key in keys:
            if self.rows.give_up(key):
                self.values.delete(key)

    def _record(self, tx: Transaction, caller: Caller, event: str, held: Held) -> None:
        thing = held.object
        facts = {"resource_kind": _kind(held), "resource_title": thing.name, "owner": thing.owner}
        self._audit.append(tx, caller, event, "success", object_id=thing.id, **facts)


def require_name(name: str, *, container: bool) -> None:
    """Raises InvalidRequest for what no object may be called (CDMI 5.13.6, 9.1.2)."""
    problem = None
    if not name or name in (".", "..") or "/" in name or "?" in name or "\0" in name:
        problem = "not a name"
    elif len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES:
        problem = f"longer than {NAME_BYTES} bytes"
    elif name in RESERVED or (container and name.startswith("cdmi_")):
        problem = "reserved"
    if problem is not None:
        raise InvalidRequest(f"name {shorten(name)}: {problem}", field="name", reason="reserved")


def _data(held: Held, place: Place) -> DataObject:
    if not isinstance(held.object, DataObject):
        raise Conflict(f"{place} is a container")
    return held.object


def _guarded(held: Held) -> Guarded:
    thing = held.object
    return Guarded(thing.owner, thing.tenant, held.group, thing.acl, isinstance(thing, Container))


def _kind(held: Held) -> str:
    return ObjectKind.CONTAINER if isinstance(held.object, Container) else ObjectKind.DATA_OBJECT


def _group(caller: Caller) -> str:
    return caller.principal.groups[0] if caller.principal.groups else ""


def _changed(thing: S, wish: Wish) -> S:
    fields: dict[str, Any] = dict(wish)
    return replace(thing, **fields, modified=present(), changes=thing.changes + 1)


def _rights_for(wish: Wish) -> AceMask:
    """What a wish takes on an object that is there, besides the right to its value."""
    return (AceMask.WRITE_METADATA if "metadata" in wish else AceMask(0)) | (
        AceMask.WRITE_ACL if "acl" in wish else AceMask(0)
    )


def _busy(place: Place) -> Conflict:
    return Conflict(f"{place} is changed by others all the time; try again")


def _encoding(blocks: Iterator[bytes]) -> Encoding:
    """``utf-8`` for what is valid UTF-8, else ``base64``."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return Encoding.BASE64
    return Encoding.UTF_8

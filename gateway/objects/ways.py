"""The way from the root to an object: what is on it, who may walk it, what binds what is at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from gateway.identity import Caller, Principal
from gateway.model import (
    AceMask,
    Completion,
    Conflict,
    Container,
    DataObject,
    Domain,
    Elsewhere,
    Forbidden,
    InvalidRequest,
    Json,
    NotFound,
    Queue,
    Reference,
    shorten,
)
from gateway.objects.domains import MEMBER, Domains
from gateway.objects.names import DEPTH, MEMBERS, Place, Seen, require_name
from gateway.policy import acl as lists
from gateway.policy import system
from gateway.policy.acl import Guarded, granted
from gateway.policy.quota import Quotas
from gateway.store import Transaction
from gateway.store.audit import Audit
from gateway.store.object_rows import Held
from gateway.store.objects import DOMAINS_NAME, ROOT_NAME, SNAPSHOTS_NAME, ObjectRows

#: The objects from the root to one, which is the last.
Way = Sequence[Held]


class Ways:
    """Finds objects for callers."""

    def __init__(self, rows: ObjectRows, domains: Domains, audit: Audit, quotas: Quotas) -> None:
        self.rows, self.domains = rows, domains
        self._audit, self._quotas = audit, quotas

    def walk(self, caller: Caller, place: Place, *, references: bool = False) -> list[Held]:
        """The objects from the root to a place, all walked through with the right to.

        Raises NotFound, Forbidden, InvalidRequest (too deep), Conflict (a container on the way is still being
        made), Elsewhere (a reference is met; with ``references`` only where that is not the last).
        """
        if len(place.names) > DEPTH:
            raise InvalidRequest(f"more than {DEPTH} names in a path", field="path")
        way, names = self._start(place)
        for above in way[:-1]:
            self._require_passable(caller, above, place)
        for number, name in enumerate(names):
            if isinstance(way[-1].object, Reference):
                raise _elsewhere(way[-1].object, names[number:])
            if not isinstance(way[-1].object, Container | Domain):
                raise NotFound(f"no object {place}")
            self._require_passable(caller, way[-1], place)
            found = self.rows.child(way[-1], name) if "\0" not in name else None  # PostgreSQL takes none
            if found is None:
                raise NotFound(f"no object {place}")
            way.append(found)
        if isinstance(way[-1].object, Reference) and not references:
            raise _elsewhere(way[-1].object, ())
        self.domains.require_open(caller, way[-1])
        return way

    def _start(self, place: Place) -> tuple[list[Held], tuple[str, ...]]:
        """(the way to where a place begins, the names that follow)."""
        if place.id is not None:
            held = self.rows.by_id(place.id)
            if held is None:
                raise NotFound(f"no object {place}")
            return self.chain(held), place.names
        in_domains = place.names[:1] == (DOMAINS_NAME,)
        top = self.rows.top(DOMAINS_NAME if in_domains else ROOT_NAME)
        if top is None:
            raise NotFound(f"no object {place}")
        return [top], place.names[1:] if in_domains else place.names

    def chain(self, held: Held, source: Transaction | None = None) -> list[Held]:
        """An object with all containers above it, the root first."""
        chain = [held]
        while chain[-1].parent_seq is not None:
            above = self.rows.by_seq(chain[-1].parent_seq, source)
            if above is None:
                break
            chain.append(above)
        return chain[::-1]

    def _require_passable(self, caller: Caller, above: Held, place: Place) -> None:
        require(caller, above, AceMask.EXECUTE, place)
        if is_being_made(above):
            raise Conflict(f"{place}: a container on the way is still being made")

    def seen(self, caller: Caller, way: Way) -> Seen:
        held = way[-1]
        thing = held.object
        if len(way) > 1:
            thing = replace(thing, parent=way[-2].object.id)
        domains = self.domains.all(caller)
        own = domains.get(held.domain_seq if held.domain_seq is not None else _domain_above(way))
        rights = granted(caller.principal, guarded(held), lists.ALL_PERMS)
        return Seen(thing, path_of(way), rights, effective(way), own.path if own else None)

    def container(self, caller: Caller, place: Place, wanted: AceMask) -> list[Held]:
        way = self.walk(caller, place)
        if not isinstance(way[-1].object, Container | Domain):
            raise NotFound(f"no container {place}")
        require(caller, way[-1], wanted, place)
        return way

    def parent(self, caller: Caller, place: Place, wanted: AceMask, *, container: bool = False) -> list[Held]:
        """The way to the container that something is to be made in; empty where it gets no path."""
        if place.is_new:
            return []
        if not place.names:
            raise NotFound(f"no object {place}")
        *above, name = place.names
        if not place.is_unnamed:
            require_name(name, container=container)
        way = self.container(caller, Place(tuple(above), place.id), wanted | AceMask.EXECUTE)
        require_addable(way, place)
        return way

    def record(self, tx: Transaction, caller: Caller, event: str, held: Held) -> None:
        thing = held.object
        facts = {"resource_kind": thing.kind.value, "resource_title": thing.name, "owner": thing.owner}
        self._audit.append(tx, caller, event, "success", object_id=thing.id, **facts)

    def require_room(self, tx: Transaction, held: Held) -> None:
        """After objects have been made or enlarged whose owner an object has. Raises QuotaExceeded."""
        thing = held.object
        groups = (held.group,) if held.group else ()
        self._quotas.check_objects(tx, Principal("", thing.owner, thing.tenant, groups))

    def locked(self, tx: Transaction, held: Held) -> Held | None:
        """An object as it is now, and stays until the transaction ends; None where it is gone."""
        return self.rows.by_seq(held.seq, tx) if self.rows.lock(tx, held) else None

    def is_there(self, tx: Transaction, held: Held) -> bool:
        """Whether an object is still where it was."""
        now = self.rows.by_seq(held.seq, tx)
        return now is not None and _place_of(now) == _place_of(held)


def _place_of(held: Held) -> tuple[str, int | None, str | None]:
    return held.object.id, held.parent_seq, held.object.name


def _domain_above(way: Way) -> int:
    """The domain that a domain, or one of its members, is."""
    return next((held.seq for held in reversed(way) if isinstance(held.object, Domain)), -1)


def path_of(way: Way) -> tuple[str, ...] | None:
    """Names from the root; None where there is no way from it."""
    top = way[0].object
    if not isinstance(top, Container | Domain):
        return None
    start = (DOMAINS_NAME,) if isinstance(top, Domain) else ()
    return (*start, *(held.object.name or "" for held in way[1:]))


def effective(way: Way) -> Mapping[str, Json]:
    """Data system metadata of the last object of a way, with what it has from the others."""
    *above, held = way
    if MEMBER in held.object.system:
        return {name: item for name, item in held.object.system.items() if name != MEMBER}
    if not any(one.object.system for one in above):
        return held.object.system
    return system.effective(held.object.system, [one.object.system for one in above])


def guarded(held: Held) -> Guarded:
    thing = held.object
    return Guarded(thing.owner, thing.tenant, held.group, thing.acl, isinstance(thing, Container | Domain))


def require(caller: Caller, held: Held, wanted: AceMask, place: Place) -> None:
    """Raises Forbidden naming the rights that are missing."""
    missing = wanted & ~granted(caller.principal, guarded(held), wanted)
    if missing:
        names = ", ".join(str(bit.name) for bit in missing)
        raise Forbidden(f"{place}: you lack {names}")


def require_changeable(way: Way, place: Place) -> None:
    """Raises Forbidden for what is retained, held, or in a snapshot (CDMI 17, 14)."""
    require_no_snapshot(way, place)
    if is_being_made(way[-1]):
        raise Conflict(f"{place} is still being made")
    if any(held.is_protected for held in way):
        raise Forbidden(f"{place}: retention or a hold forbids to change it", reason="retained")


def require_addable(way: Way, place: Place) -> None:
    """Raises Forbidden where nothing may be put into a container."""
    require_no_snapshot(way, place)
    if any(held.holds for held in way):
        raise Forbidden(f"{place}: a hold forbids to put anything here", reason="retained")
    if is_being_made(way[-1]):
        raise Conflict(f"{place}: the container is still being made")


def require_no_snapshot(way: Way, place: Place) -> None:
    if any(held.object.name == SNAPSHOTS_NAME for held in way):
        raise Forbidden(f"{place}: a snapshot is never changed", reason="snapshot")


def require_removable(caller: Caller, way: Way, place: Place) -> None:
    """Raises Forbidden where the caller may not take an object away, InvalidRequest for what stays."""
    held = way[-1]
    if held.parent_seq is None and isinstance(held.object, Container):
        raise InvalidRequest("the root container stays", reason="reserved")
    if held.object.name in (SNAPSHOTS_NAME, DOMAINS_NAME, MEMBERS):
        raise InvalidRequest(f"{place} stays", reason="reserved")
    may = granted(caller.principal, guarded(held), AceMask.DELETE)
    if not may and len(way) > 1:
        may = granted(caller.principal, guarded(way[-2]), AceMask.DELETE_OBJECT)
    if not may:
        raise Forbidden(f"{place}: you may not remove it")


def is_being_made(held: Held) -> bool:
    """Whether a delayed create is not done with it."""
    thing = held.object
    return thing.completion is Completion.PROCESSING and thing.percent is not None


def data(held: Held, place: Place) -> DataObject:
    """Raises Conflict for what has no value."""
    if not isinstance(held.object, DataObject):
        raise Conflict(f"{place} is no data object but a {held.object.kind.value}")
    return held.object


def queue(held: Held, place: Place) -> Queue:
    if not isinstance(held.object, Queue):
        raise Conflict(f"{place} is no queue but a {held.object.kind.value}")
    return held.object


def group_of(caller: Caller) -> str:
    return caller.principal.groups[0] if caller.principal.groups else ""


def _elsewhere(reference: Reference, rest: Sequence[str]) -> Elsewhere:
    target = reference.target
    if rest:
        target = "/".join([target.removesuffix("/"), *(quote(name, safe="") for name in rest)])
    return Elsewhere(f"a reference to {shorten(target)}", target=target)

"""What a wish takes: the rights, the forms, what retention leaves of it; and an object after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from gateway.identity import Caller, Role
from gateway.model import (
    AceMask,
    Completion,
    Conflict,
    Container,
    DataObject,
    Domain,
    Forbidden,
    Json,
    StoredObject,
    Wish,
)
from gateway.objects.domains import Domains
from gateway.objects.names import Place
from gateway.objects.ways import Way, effective, require, require_changeable, require_no_snapshot
from gateway.policy import system
from gateway.store.object_rows import present

S = TypeVar("S", bound=StoredObject)

#: Fields of a wish that are no fields of an object.
_APART = frozenset({"condition", "domain", "partial"})


def rights_for(thing: StoredObject, wish: Wish) -> AceMask:
    """What a wish takes on an object that is there, besides the right to its value."""
    needed = AceMask(0)
    if "metadata" in wish and wish["metadata"] != thing.metadata:
        needed |= AceMask.WRITE_METADATA
    if "acl" in wish:
        needed |= AceMask.WRITE_ACL
    if "owner" in wish and wish["owner"] != thing.owner:
        needed |= AceMask.WRITE_OWNER
    if wish.keys() & {"domain", "exports", "storage_class", "fields"}:
        needed |= AceMask.WRITE_ATTRIBUTES
    changed = _changed_names(thing.system, wish.get("system", thing.system))
    if changed & system.RETENTION:
        needed |= AceMask.WRITE_RETENTION
    if system.HOLD_ID in changed:
        needed |= AceMask.WRITE_RETENTION_HOLD
    if changed - system.RETENTION - {system.HOLD_ID}:
        needed |= AceMask.WRITE_METADATA
    return needed


def _changed_names(before: Mapping[str, Json], after: Mapping[str, Json]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def require_allowed(caller: Caller, way: Way, wish: Wish, place: Place) -> None:
    """Whether a wish may come true at the end of a way. Raises Forbidden."""
    thing = way[-1].object
    system.require_lasting(thing.system, wish.get("system", thing.system))
    if any(held.is_protected for held in way):
        require_no_snapshot(way, place)
        others: dict[str, Any] = {**wish, "metadata": wish.get("metadata", thing.metadata)}
        others.pop("condition", None)
        wanted = others.pop("system", thing.system)
        same = all(getattr(thing, name, None) == given for name, given in others.items())
        if not same or not system.only_lengthens(thing.system, wanted):
            require_changeable(way, place)
    else:
        require_changeable(way, place)
    require(caller, way[-1], rights_for(thing, wish), place)
    if "owner" in wish and wish["owner"] != thing.owner:
        # 1.1.1, 16.3: the owner gives it away, or an administrator takes it
        takes = wish["owner"] == caller.principal.user and caller.principal.has(Role.ADMIN)
        if caller.principal.user != thing.owner and not takes and not caller.principal.has(Role.ADMIN):
            raise Forbidden(f"{place}: cdmi_owner is changed by the owner only")


def checked(thing_is_domain: bool, wish: Wish) -> Wish:
    """The wish with its system items in the form that is kept. Raises InvalidRequest."""
    if "system" not in wish:
        return wish
    return {**wish, "system": system.read(wish["system"], domain=thing_is_domain)}


def changed(thing: S, wish: Wish) -> S:
    """The object after a wish has come true."""
    fields: dict[str, Any] = {name: given for name, given in wish.items() if name not in _APART}
    if "storage_class" in fields and fields["storage_class"] != thing.storage_class:
        fields["classed"] = present()
    if "exports" in fields and not isinstance(thing, Container):
        raise Conflict("only containers are exported")
    if isinstance(thing, DataObject) and thing.completion is not Completion.ERROR:
        # Whoever writes without saying that more is to come says that this is all (6.2).
        fields["completion"] = Completion.PROCESSING if wish.get("partial") else Completion.COMPLETE
    return replace(thing, **fields, modified=present(), changes=thing.changes + 1)


def domain_for(domains: Domains, caller: Caller, way: Way, wish: Wish) -> int | None:
    """The domain of what is made at the end of a way. Raises InvalidRequest, Forbidden."""
    above = inherited_domain(domains, caller, way)
    if "domain" not in wish:
        return above
    wanted = domains.at(caller, wish["domain"]).seq
    if way and wanted != above and not domains.has(caller, above, "cross_domain"):
        raise Forbidden("domainURI: another domain than the container's takes the privilege cross_domain")
    return wanted


def inherited_domain(domains: Domains, caller: Caller, way: Way) -> int | None:
    """The domain of the container at the end of a way; the default one without a way."""
    if not way:
        return domains.default(caller)
    held = way[-1]
    return held.seq if isinstance(held.object, Domain) else held.domain_seq


def hash_of(way: Way, wish: Wish) -> str | None:
    """The algorithm that the value at the end of a way is to be hashed with."""
    own = wish.get("system", way[-1].object.system if way else {})
    found: str | None = {**(effective(way) if way else {}), **own}.get(system.VALUE_HASH)
    return found

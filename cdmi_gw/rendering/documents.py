"""Objects as CDMI documents: the fields, in the order that the standard gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cdmi_gw import vocabulary as v
from cdmi_gw.mapping import OF_KIND, RIGHTS, write_acl
from cdmi_gw.rendering.selectors import Selectors
from gateway.model import (
    AceMask,
    Completion,
    Container,
    DataObject,
    Domain,
    Json,
    ObjectKind,
    StoredObject,
)


def readable(field: str, rights: AceMask) -> bool:
    """Whether rights show a field; one of the bits is enough."""
    return bool(rights & RIGHTS.get(field, AceMask.READ_ATTRIBUTES))


@dataclass(frozen=True, slots=True)
class Shown:
    """An object, where it is seen, and what of it."""

    object: StoredObject
    path: Sequence[str] | None  # None: it has an ID only
    rights: AceMask
    prefix: str  # path of the root without the slash at its end
    system: Mapping[str, Json]  # data system metadata with what is inherited
    domain: Sequence[str] | None
    snapshots: Sequence[str] = ()
    exports: Mapping[str, Json] | None = None
    promised: Mapping[str, Json] = field(default_factory=dict)  # by its storage class


def fields(shown: Shown, selectors: Selectors) -> dict[str, Any]:
    """All fields but values and children that are asked for and may be seen."""
    every = _described(shown) | _state(shown)
    thing = shown.object
    if isinstance(thing, DataObject):
        every["mimetype"] = thing.mimetype
    if selectors.has("metadata") and readable("metadata", shown.rights):
        every["metadata"] = metadata(shown, selectors.metadata)
    if isinstance(thing, Container) and (shown.exports or "exports" in selectors.fields):
        every["exports"] = shown.exports or {}
    if shown.snapshots and shown.path is not None:
        above = (*shown.path, v.SNAPSHOTS)
        every["snapshots"] = [uri(shown.prefix, (*above, name), container=True) for name in shown.snapshots]
    every |= {name: item for name, item in thing.fields.items() if name not in every}
    if isinstance(thing, DataObject):
        every["valuetransferencoding"] = thing.encoding.value
    return {n: f for n, f in every.items() if selectors.has(n) and readable(n, shown.rights)}


def _described(shown: Shown) -> dict[str, Any]:
    """What the object is, and where."""
    thing, kind = shown.object, shown.object.kind
    every: dict[str, Any] = {"objectType": OF_KIND[kind], "objectID": thing.id}
    if shown.path is not None:
        parent, name = _names(shown)
        every |= {"objectName": name, "parentURI": parent}
        if thing.parent is not None:
            every["parentID"] = thing.parent
    if shown.domain is not None:
        every["domainURI"] = uri(shown.prefix, shown.domain, container=True)
    if kind is not ObjectKind.REFERENCE:
        inner = () if thing.storage_class is None else (thing.storage_class,)
        entry = (v.CAPABILITIES, kind.value, *inner)
        every["capabilitiesURI"] = uri(shown.prefix, entry, container=True)
    return every


def _state(shown: Shown) -> dict[str, Any]:
    thing = shown.object
    if isinstance(thing, Domain):
        return {}
    status = thing.completion.value
    if thing.completion is Completion.ERROR and thing.failure:
        status = f"{status}: {thing.failure}"
    percent = {} if thing.percent is None else {"percentComplete": str(thing.percent)}
    return {"completionStatus": status, **percent}


def _names(shown: Shown) -> tuple[str, str]:
    """(URI of the parent, name): joined they are the URI of the object. Names are not escaped (5.13.4)."""
    slash = "/" if has_slash(shown.object) else ""
    path = shown.path or ()
    if not path:
        above, _, own = shown.prefix.rpartition("/")
        return (f"{above}/", f"{own}/") if own else ("", "/")
    return uri(shown.prefix, path[:-1], container=True), path[-1] + slash


def has_slash(thing: StoredObject) -> bool:
    """Whether the URI of an object ends in a slash."""
    return isinstance(thing, Container | Domain)


def uri(prefix: str, path: Iterable[str], *, container: bool) -> str:
    """The absolute path of an object, escaped."""
    steps = "".join(f"/{quote(name, safe='')}" for name in path)
    return f"{prefix}{steps}/" if container else prefix + steps


def metadata(shown: Shown, wanted: Sequence[str]) -> dict[str, Any]:
    """The user's metadata and what the storage says of the object, as far as it may be seen."""
    thing = shown.object
    every: dict[str, Any] = {}
    if shown.rights & AceMask.READ_METADATA:
        every |= thing.metadata
        every |= _of_storage(thing)
        every |= _of_data(shown)
    if shown.rights & AceMask.READ_ACL:
        every[v.ACL] = write_acl(thing.acl, container=has_slash(thing))
    if wanted:
        every = {name: item for name, item in every.items() if name.startswith(tuple(wanted))}
    return every


def _of_storage(thing: StoredObject) -> dict[str, Any]:
    """Storage system metadata (16.3)."""
    found = {
        "cdmi_owner": thing.owner,
        "cdmi_ctime": time(thing.created),
        "cdmi_atime": time(thing.accessed or thing.created),
        "cdmi_mtime": time(thing.modified),
        "cdmi_acount": str(thing.reads),
        "cdmi_mcount": str(thing.changes),
    }
    if isinstance(thing, DataObject):
        found["cdmi_size"] = str(thing.size)
    return found


def _of_data(shown: Shown) -> dict[str, Any]:
    """Data system metadata and what is provided of it (16.4, 16.5)."""
    found = dict(shown.system)
    found |= {f"{name}_provided": found[name] for name in v.PROVIDED if name in found}
    found |= {f"{name}_provided": value for name, value in shown.promised.items()}
    if shown.object.classed is not None:
        found["cdmi_capability_association_time_provided"] = time(shown.object.classed)
    digest = shown.object.digest if isinstance(shown.object, DataObject) else None
    if digest is not None:
        found["cdmi_value_hash_provided"], _, found["cdmi_hash"] = digest.partition(":")
    return found


def time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"

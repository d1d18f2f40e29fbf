"""Objects as CDMI documents: the fields, in the order that the standard gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cdmi_gw import vocabulary as v
from cdmi_gw.mapping import OF_KIND, RIGHTS, write_acl
from cdmi_gw.rendering.selectors import Selectors
from gateway.model import AceMask, Container, DataObject, ObjectKind, StoredObject


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


def fields(shown: Shown, selectors: Selectors) -> dict[str, Any]:
    """All fields but values and children that are asked for and may be seen."""
    thing = shown.object
    kind = ObjectKind.CONTAINER if isinstance(thing, Container) else ObjectKind.DATA_OBJECT
    every: dict[str, Any] = {"objectType": OF_KIND[kind], "objectID": thing.id}
    if shown.path is not None:
        parent, name = _names(shown, kind)
        every |= {"objectName": name, "parentURI": parent}
        if thing.parent is not None:
            every["parentID"] = thing.parent
    every |= {
        "capabilitiesURI": f"{shown.prefix}/{v.CAPABILITIES}/{kind.value}/",
        "completionStatus": thing.completion.value,
    }
    if isinstance(thing, DataObject):
        every["mimetype"] = thing.mimetype
    if selectors.has("metadata") and readable("metadata", shown.rights):
        every["metadata"] = metadata(thing, shown.rights, selectors.metadata)
    if isinstance(thing, DataObject):
        every["valuetransferencoding"] = thing.encoding.value
    return {n: f for n, f in every.items() if selectors.has(n) and readable(n, shown.rights)}


def _names(shown: Shown, kind: ObjectKind) -> tuple[str, str]:
    """(URI of the parent, name): joined they are the URI of the object. Names are not escaped (5.13.4)."""
    slash = "/" if kind is ObjectKind.CONTAINER else ""
    path = shown.path or ()
    if not path:
        above, _, own = shown.prefix.rpartition("/")
        return (f"{above}/", f"{own}/") if own else ("", "/")
    return uri(shown.prefix, path[:-1], container=True), path[-1] + slash


def uri(prefix: str, path: Iterable[str], *, container: bool) -> str:
    """The absolute path of an object, escaped."""
    steps = "".join(f"/{quote(name, safe='')}" for name in path)
    return f"{prefix}{steps}/" if container else prefix + steps


def metadata(thing: StoredObject, rights: AceMask, wanted: Sequence[str]) -> dict[str, Any]:
    """The user's metadata and what the storage says of the object, as far as it may be seen."""
    every: dict[str, Any] = {}
    if rights & AceMask.READ_METADATA:
        every |= thing.metadata
        every |= {
            "cdmi_owner": thing.owner,
            "cdmi_ctime": _time(thing.created),
            "cdmi_mtime": _time(thing.modified),
            "cdmi_mcount": str(thing.changes),
        }
        if isinstance(thing, DataObject):
            every["cdmi_size"] = str(thing.size)
    if rights & AceMask.READ_ACL:
        every[v.ACL] = write_acl(thing.acl, container=isinstance(thing, Container))
    if wanted:
        every = {name: item for name, item in every.items() if name.startswith(tuple(wanted))}
    return every


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"

"""Where objects are, what they may be called, and how a caller sees them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model import AceMask, InvalidRequest, Json, NotFound, StoredObject, shorten
from gateway.objects.identifier import canonical
from gateway.store.objects import DOMAINS_NAME, SNAPSHOTS_NAME

NAME_BYTES = 1024
DEPTH = 128
OBJECT_ID = "cdmi_objectid"
MEMBERS, SUMMARY = "cdmi_domain_members", "cdmi_domain_summary"
RESERVED = frozenset(
    {
        OBJECT_ID,
        DOMAINS_NAME,
        "cdmi_capabilities",
        SNAPSHOTS_NAME,
        "cdmi_versions",
        MEMBERS,
        SUMMARY,
    }
)


#: Characters that no name has; halves of surrogate pairs are none.
_NEVER = re.compile("[/?\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is: below the root, or below the object with an ID.

    What is made where the last name is empty is called by its ID; what is made at the ID ``NEW`` has no path.
    """

    names: tuple[str, ...] = ()
    id: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether what is made here has no path."""
        return self.id == NEW

    @property
    def is_unnamed(self) -> bool:
        return self.names[-1:] == ("",)

    def __str__(self) -> str:
        start = f"/cdmi_objectid/{self.id}" if self.id is not None else ""
        return shorten("/".join([start, *self.names]) or "/")


NEW = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as a caller sees it."""

    object: StoredObject
    path: tuple[str, ...] | None  # names from the root; None where it has none
    rights: AceMask  # all that the caller has
    system: Mapping[str, Json]  # data system metadata with what is inherited
    domain: tuple[str, ...] | None  # path of the domain that it is in


def place_of(names: tuple[str, ...]) -> Place:
    """The place that a path leads to. Raises NotFound for what is no object ID."""
    if names[:1] != (OBJECT_ID,):
        return Place(names)
    if len(names) == 1:
        return Place(id=NEW)
    id = canonical(names[1])
    if id is None:
        raise NotFound("no object of this ID")
    return Place(names[2:], id)


def require_name(name: str, *, container: bool) -> None:
    """Raises InvalidRequest for what no object may be called (CDMI 5.13.6, 9.1.2)."""
    problem = None
    if not name or name in (".", "..") or _NEVER.search(name) is not None:
        problem = "not a name"
    elif len(name.encode()) > NAME_BYTES:
        problem = f"longer than {NAME_BYTES} bytes"
    elif name in RESERVED or (container and name.startswith("cdmi_")):
        problem = "reserved"
    if problem is not None:
        raise InvalidRequest(f"name {shorten(name)}: {problem}", field="name", reason="reserved")

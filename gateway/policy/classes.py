"""Storage classes: what a site promises for the objects that are in one, and which may follow which.

A class is a promise of the site about the storage that it runs; objects name it and show what it gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.model import Forbidden, InvalidRequest, Json, ObjectKind

KINDS = (ObjectKind.DATA_OBJECT, ObjectKind.CONTAINER)

#: Of containers in a class: the class of the data objects that are made in them.
OF_NEW_OBJECTS = "cdmi_default_dataobject_capability_class"

_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class StorageClass:
    """One class of a configuration."""

    name: str
    kinds: tuple[ObjectKind, ...] = KINDS
    metadata: Mapping[str, Json] = field(default_factory=dict)  # name without "_provided" -> value
    allowed: tuple[str, ...] | None = None  # classes that an object may go to; None = every one
    default: bool = False  # of what is given none

    @property
    def then(self) -> str:
        """What an object in the class may become, for people."""
        return "any class" if self.allowed is None else ", ".join(self.allowed) or "no other class"


Classes = Mapping[str, StorageClass]


def read(tables: Mapping[str, Any]) -> Classes:
    """The classes of ``[storage_classes]``. Raises InvalidRequest naming the key that is wrong."""
    classes = {name: _class(name, table) for name, table in tables.items()}
    for one in classes.values():
        for other in one.allowed or ():
            if other not in classes:
                raise InvalidRequest(f"no class {other}", field=f"{one.name}.allowed")
        inner = one.metadata.get(OF_NEW_OBJECTS)
        if inner is not None and inner not in classes:
            raise InvalidRequest(f"no class {inner}", field=f"{one.name}.metadata.{OF_NEW_OBJECTS}")
    for kind in KINDS:
        defaults = [one.name for one in classes.values() if one.default and kind in one.kinds]
        if len(defaults) > 1:
            raise InvalidRequest(
                f"{defaults[0]} is the default of {kind} already", field=f"{defaults[1]}.default"
            )
    return classes


def _class(name: str, table: Any) -> StorageClass:
    if _NAME.fullmatch(name) is None:
        raise InvalidRequest("a name of letters, digits, - and _", field=name)
    if not isinstance(table, dict):
        raise InvalidRequest("must be a table", field=name)
    unknown = table.keys() - {"kinds", "metadata", "allowed", "default"}
    if unknown:
        raise InvalidRequest(
            "unknown key; known: kinds, metadata, allowed, default", field=f"{name}.{min(unknown)}"
        )
    kinds, allowed = table.get("kinds", list(KINDS)), table.get("allowed")
    if not isinstance(kinds, list) or not kinds or not set(kinds) <= set(KINDS):
        raise InvalidRequest("a list of dataobject and container", field=f"{name}.kinds")
    if allowed is not None and not (
        isinstance(allowed, list) and all(isinstance(one, str) for one in allowed)
    ):
        raise InvalidRequest("a list of names", field=f"{name}.allowed")
    if not isinstance(table.get("default", False), bool):
        raise InvalidRequest("true or false", field=f"{name}.default")
    metadata = _metadata(name, table.get("metadata", {}))
    found = tuple(ObjectKind(kind) for kind in kinds)
    after = tuple(allowed) if allowed is not None else None
    return StorageClass(name, found, metadata, after, table.get("default", False))


def _metadata(name: str, given: Any) -> Mapping[str, Json]:
    at = f"{name}.metadata"
    if not isinstance(given, dict):
        raise InvalidRequest("must be a table", field=at)
    for key, value in given.items():
        if not key.startswith("cdmi_") or key.endswith("_provided"):
            raise InvalidRequest("names begin with cdmi_ and do not end in _provided", field=f"{at}.{key}")
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts):
            raise InvalidRequest("a text or a list of texts", field=f"{at}.{key}")
    return dict(given)


def chosen(classes: Classes, kind: ObjectKind, wanted: str | None, above: str | None) -> str | None:
    """The class of a new object: the one wanted, that of its container's class, the default.

    Raises InvalidRequest for one that is none of its kind.
    """
    if wanted is not None:
        return _of_kind(classes, kind, wanted).name
    if kind is ObjectKind.DATA_OBJECT and above is not None and above in classes:
        inner = classes[above].metadata.get(OF_NEW_OBJECTS)
        if inner is not None and kind in classes[inner].kinds:
            return str(inner)
    return next((one.name for one in classes.values() if one.default and kind in one.kinds), None)


def require_transition(classes: Classes, kind: ObjectKind, present: str | None, wanted: str) -> None:
    """Raises InvalidRequest for a class that is none of the kind, Forbidden where it may not follow."""
    _of_kind(classes, kind, wanted)
    now = classes.get(present) if present is not None else None
    if now is not None and now.allowed is not None and wanted not in (*now.allowed, now.name):
        raise Forbidden(f"capabilitiesURI: from {now.name} an object may go to {now.then}")


def _of_kind(classes: Classes, kind: ObjectKind, wanted: str) -> StorageClass:
    found = classes.get(wanted)
    if found is None or kind not in found.kinds:
        raise InvalidRequest(f"capabilitiesURI: no class {wanted[:64]} of {kind}", field="capabilitiesURI")
    return found

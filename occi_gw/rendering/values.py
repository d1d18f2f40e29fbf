"""The plain values that every OCCI rendering reads into and writes from.

Two families. *Lines* are the four structures of the HTTP renderings (GFD.185 section 3.5, GFD.229
section 4): what stands on the wire, nothing resolved. *Types and entities* are the core model of GFD.221
(Kind, Mixin, Action, Entity), from which the renderings write. All are immutable.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | float | bool
#: What an attribute can hold. Text renderings carry scalars; JSON also carries lists and objects
#: (``occi.securitygroup.rules``), which the text renderings write as a quoted JSON text.
Value: TypeAlias = Scalar | list[Any] | dict[str, Any]


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def core_id(entity_id: str) -> str:
    """``occi.core.id``, the same in every rendering: a UUID with ``urn:uuid:``, other ids as they are.

    GFD.185 section 3.1 recommends a URN; rOCCI 4 takes the prefix off.
    """
    return f"urn:uuid:{entity_id}" if _UUID.fullmatch(entity_id) else entity_id


#: Of the UUIDs that stand for identifiers that are none.
_NAMESPACE = uuid.UUID("6c2dd7a4-7e0c-5d0b-a9a8-5f5c9f3f1d5e")


def entity_urn(kind: str, entity_id: str) -> str:
    """The ``id`` member of JSON 1.2, a URI: as ``core_id``, but an id that is no UUID gives one (version 5).

    Links, for one, are known by their two ends. The same kind identifier and id give the same URN always.
    """
    if _UUID.fullmatch(entity_id):
        return f"urn:uuid:{entity_id}"
    return uuid.uuid5(_NAMESPACE, f"{kind} {entity_id}").urn


def stands_for_another(urn: str) -> bool:
    """Whether a URN may be one that ``entity_urn`` has derived."""
    found = _UUID.fullmatch(urn.removeprefix("urn:uuid:"))
    return found is not None and uuid.UUID(found[0]).version == 5


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """An attribute as a Category declares it (GFD.221 section 4.3.1)."""

    name: str
    type: str = "string"  # string, number, boolean, array, object (JSON rendering, 1.2)
    mutable: bool = True
    required: bool = False
    pattern: Mapping[str, Any] | None = None  # a JSON Schema object, e.g. {"enum": ["x86", "x64"]}
    default: Value | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """One ``Category`` value (GFD.185 section 3.5.1); absent parameters are None or empty."""

    term: str
    scheme: str
    category_class: str | None = None  # "kind", "mixin" or "action"
    title: str | None = None
    rel: tuple[str, ...] = ()
    location: str | None = None
    attributes: tuple[AttributeDefinition, ...] = ()  # on the wire only name, mutable, required
    actions: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One ``Link`` value (GFD.185 sections 3.5.2 and 3.5.3): a link to a resource, or to an action."""

    target: str
    rel: tuple[str, ...]
    self_uri: str | None = None
    category: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """All structures of one request (or response), whichever rendering carried them.

    What only JSON can say is merged in: the members ``id``, ``title`` and ``summary`` become
    ``occi.core.id`` and so on, source and target of a link ``occi.core.source`` and ``occi.core.target``.
    """

    categories: tuple[CategoryLine, ...] = ()
    links: tuple[LinkLine, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """Core model Category (GFD.221 section 4.3). Identity is scheme and term joined."""

    term: str
    scheme: str
    title: str | None = None
    attributes: tuple[AttributeDefinition, ...] = ()

    @property
    def identifier(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, slots=True)
class Action(Category):
    """Core model Action (GFD.221 section 4.4.4)."""


@dataclass(frozen=True, slots=True)
class Kind(Category):
    """Core model Kind (GFD.221 section 4.4.1)."""

    parent: str | None = None
    actions: tuple[Action, ...] = ()
    location: str | None = None  # path form, e.g. "/compute/"; None only for core#entity in JSON


@dataclass(frozen=True, slots=True)
class Mixin(Category):
    """Core model Mixin (GFD.221 section 4.4.3)."""

    depends: tuple[str, ...] = ()
    applies: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    location: str = ""


@dataclass(frozen=True, slots=True)
class LinkRendering:
    """A Link as it shows inside the Resource it starts at, and as the link part of a Link entity."""

    id: str
    location: str  # path of the Link entity itself
    kind: Kind
    mixins: tuple[Mixin, ...]
    source: str  # path
    source_kind: str
    target: str  # path, or an absolute URI outside this endpoint
    target_kind: str
    attributes: Mapping[str, Value] = field(default_factory=dict)  # without the occi.core.* family


@dataclass(frozen=True, slots=True)
class Entity:
    """A Resource or a Link ready to be rendered.

    ``attributes`` are those of the kind and mixins, without the ``occi.core.*`` family, which each
    rendering writes where its standard wants it. ``actions`` are the currently applicable ones. A Link
    entity has ``source``/``target`` (paths) and no ``links``.
    """

    id: str  # last path segment
    location: str  # path, e.g. "/compute/7"
    kind: Kind
    mixins: tuple[Mixin, ...] = ()
    title: str | None = None
    summary: str | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    links: tuple[LinkRendering, ...] = ()
    source: str | None = None
    source_kind: str | None = None
    target: str | None = None
    target_kind: str | None = None

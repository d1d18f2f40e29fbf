"""Reading of application/occi+json: the 1.2 form (GFD.226) and the forms that came before it.

Both at once, because clients mix them: attributes flat or nested at the dots, entities bare or inside
``resources``/``links``, link ends as strings or objects. Members that the standard does not know are refused,
as its schema demands; ``null`` counts as not sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from occi_gw.rendering.assembly import NAME
from occi_gw.rendering.json_document import (
    ROOT,
    Path,
    array_at,
    boolean_at,
    load,
    needed,
    object_at,
    only,
    string_at,
    strings_at,
)
from occi_gw.rendering.parse_error import ParseError, shown
from occi_gw.rendering.values import AttributeDefinition, CategoryLine, LinkLine, Message, Value

_NAME = re.compile(NAME)
_URI = re.compile(r"\S+")
_IDENTIFIER = re.compile(rf"(\S+#)({NAME})")

_ENTITY = ("kind", "id", "title", "summary", "mixins", "attributes", "actions", "links")
_LINK = (*_ENTITY, "source", "target", "rel")
_END = ("location", "kind")
_ACTION_INVOCATION = ("action", "attributes")
_DEFINITION = ("mutable", "required", "type", "pattern", "default", "description")
_CATEGORY = (
    *("term", "scheme", "title", "location", "attributes", "actions"),
    *("parent", "related", "depends", "applies"),
)
#: Collections of categories, and the class of what is in them.
_CLASSES = {"kinds": "kind", "mixins": "mixin", "actions": "action"}

_Object = Mapping[str, Any]


def read_json(body: bytes) -> Message:
    """The structures of one request: an entity, an action, categories, or entities named by id.

    An empty body says nothing. ``id``, ``title``, ``summary``, ``source`` and ``target`` become
    ``occi.core.*`` attributes, the kinds of the ends ``occi.core.source.kind`` and ``.target.kind``. Entities
    without a kind, and an array of URIs, become ``locations``. Raises ParseError with the JSON path.
    """
    if not body.strip():
        return Message()
    document = load(body)
    if isinstance(document, list):
        return Message(locations=strings_at(document, ROOT))
    members = object_at(document, ROOT)
    if _is_collection(members):
        return _read_entities(members)
    if "action" in members:
        return _read_invocation(members)
    if "term" in members:
        return Message(categories=(_read_category(members, ROOT, "mixin"),))
    if _holds_categories(members):
        return Message(categories=_read_categories(members))
    return _read_entity(members, ROOT)


def read_locations(body: bytes) -> tuple[str, ...]:
    """The entities that an association names: an array of URIs, or entities of which only the id counts."""
    if not body.strip():
        return ()
    document = load(body)
    if isinstance(document, list):
        return strings_at(document, ROOT)
    members = object_at(document, ROOT)
    if not _is_collection(members):
        return (_entity_id(members, ROOT),)
    only(members, ("resources", "links"), ROOT)
    return tuple(_entity_id(object_at(entity, path), path) for entity, path in _entities(members))


def _is_collection(members: _Object) -> bool:
    """Whether these are entities; ``links`` with other members beside are the links of a resource."""
    return "resources" in members or set(members) == {"links"}


def _holds_categories(members: _Object) -> bool:
    """Whether this is a model or a part of one; ``mixins`` of an entity are identifiers, not objects."""
    return set(members) <= set(_CLASSES) and any(
        isinstance(category, dict)
        for name in members
        if isinstance(members[name], list)
        for category in members[name]
    )


def _entities(members: _Object) -> list[tuple[Any, Path]]:
    return [
        (entity, ROOT / name / index)
        for name in ("resources", "links")
        for index, entity in enumerate(array_at(members.get(name), ROOT / name))
    ]


def _read_entities(members: _Object) -> Message:
    """A collection: one entity to create, or entities without a kind, which are only named.

    Links beside a single resource are its links (rOCCI 4 writes them there).
    """
    only(members, ("resources", "links"), ROOT)
    entities = [(object_at(entity, path), path) for entity, path in _entities(members)]
    if not any("kind" in entity for entity, _ in entities):
        return Message(locations=tuple(_entity_id(entity, path) for entity, path in entities))
    resources = len(array_at(members.get("resources"), ROOT / "resources"))
    if resources == 1 or len(entities) == 1:
        (first, path), beside = entities[0], entities[1:]
        return _read_entity(first, path, tuple(_read_inline_link(link, at) for link, at in beside))
    raise ParseError(f"{len(entities)} entities in one request; send one", "$")


def _read_entity(members: _Object, path: Path, beside: tuple[LinkLine, ...] = ()) -> Message:
    only(members, _LINK, path)
    attributes = _read_attributes(members, path)
    attributes.update(_core_attributes(members, path))
    for end in ("source", "target"):
        if members.get(end) is not None:
            location, kind = _read_end(members[end], path / end)
            attributes[f"occi.core.{end}"] = location
            if kind:
                attributes[f"occi.core.{end}.kind"] = kind
    if members.get("rel") is not None:
        attributes.setdefault("occi.core.target.kind", string_at(members["rel"], path / "rel"))
    categories = list(_mixins(members, path))
    if members.get("kind") is not None:
        categories.insert(0, _type(members["kind"], path / "kind", "kind"))
    return Message(
        categories=tuple(categories),
        links=(*_read_links(members, path, bool(beside)), *beside),
        attributes=attributes,
    )


def _mixins(members: _Object, path: Path) -> tuple[CategoryLine, ...]:
    mixins = path / "mixins"
    return tuple(
        _type(mixin, mixins / index, "mixin")
        for index, mixin in enumerate(array_at(members.get("mixins"), mixins))
    )


def _core_attributes(members: _Object, path: Path) -> dict[str, Value]:
    return {
        f"occi.core.{name}": string_at(members[name], path / name)
        for name in ("id", "title", "summary")
        if members.get(name) is not None
    }


def _read_links(members: _Object, path: Path, defined_beside: bool) -> tuple[LinkLine, ...]:
    """Inline links. A string is the URI of a link: of one beside the resource, or of an existing one."""
    links: list[LinkLine] = []
    for index, link in enumerate(array_at(members.get("links"), path / "links")):
        at = path / "links" / index
        if not isinstance(link, str):
            links.append(_read_inline_link(object_at(link, at), at))
        elif not defined_beside:
            links.append(LinkLine(target=link, rel=(), self_uri=link))
    return tuple(links)


def _read_inline_link(members: _Object, path: Path) -> LinkLine:
    only(members, _LINK, path)
    target, target_kind = _read_end(needed(members, "target", path), path / "target")
    rel = members.get("rel")
    kind = _type(needed(members, "kind", path), path / "kind", "kind")
    core = _core_attributes(members, path)
    self_uri = core.pop("occi.core.id", None)
    return LinkLine(
        target=target,
        rel=(target_kind,) if target_kind else () if rel is None else (string_at(rel, path / "rel"),),
        self_uri=str(self_uri) if self_uri else None,
        category=(kind.identifier, *(mixin.identifier for mixin in _mixins(members, path))),
        attributes={**_read_attributes(members, path), **core},
    )


def _read_end(end: Any, path: Path) -> tuple[str, str | None]:
    if isinstance(end, str):
        return end, None
    members = object_at(end, path)
    only(members, _END, path)
    kind = members.get("kind")
    return (
        string_at(needed(members, "location", path), path / "location"),
        None if kind is None else _type(kind, path / "kind", "kind").identifier,
    )


def _read_invocation(members: _Object) -> Message:
    only(members, _ACTION_INVOCATION, ROOT)
    return Message(
        categories=(_type(members["action"], ROOT / "action", "action"),),
        attributes=_read_attributes(members, ROOT),
    )


def _read_attributes(members: _Object, path: Path) -> dict[str, Value]:
    attributes = members.get("attributes")
    return (
        {} if attributes is None else _flat(object_at(attributes, path / "attributes"), path / "attributes")
    )


def _flat(attributes: _Object, path: Path, prefix: str = "") -> dict[str, Value]:
    """Attribute names to values. A name with a dot is complete; an object under one without is a level.

    Depth is bounded by the loader.
    """
    found: dict[str, Value] = {}
    for name, value in attributes.items():
        at = path / name
        if not _NAME.fullmatch(name):
            at.refuse(f"{shown(name)} is not an attribute name")
        if value is None:
            continue
        if isinstance(value, dict) and "." not in name:
            found.update(_flat(value, at, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def _read_categories(members: _Object) -> tuple[CategoryLine, ...]:
    return tuple(
        _read_category(object_at(category, ROOT / name / index), ROOT / name / index, category_class)
        for name, category_class in _CLASSES.items()
        for index, category in enumerate(array_at(members.get(name), ROOT / name))
    )


def _read_category(members: _Object, path: Path, category_class: str) -> CategoryLine:
    """A category as the text renderings would say it: of ``depends`` the first, of ``applies`` nothing."""
    only(members, _CATEGORY, path)
    term = string_at(needed(members, "term", path), path / "term")
    scheme = string_at(needed(members, "scheme", path), path / "scheme")
    if not _NAME.fullmatch(term):
        (path / "term").refuse(f"{shown(term)} is not a term")
    if not _URI.fullmatch(scheme):
        (path / "scheme").refuse(f"{shown(scheme)} is not one URI")
    return CategoryLine(
        term=term,
        scheme=scheme,
        category_class=category_class,
        title=_optional(members, "title", path),
        rel=_related(members, path),
        location=_optional(members, "location", path),
        attributes=_read_definitions(members.get("attributes"), path / "attributes"),
        actions=strings_at(members.get("actions"), path / "actions"),
    )


def _related(members: _Object, path: Path) -> tuple[str, ...]:
    parent = _optional(members, "parent", path)
    if parent:
        return (parent,)
    named = (strings_at(members.get(name), path / name) for name in ("depends", "related"))
    return next((identifiers[:1] for identifiers in named if identifiers), ())


def _read_definitions(value: Any, path: Path) -> tuple[AttributeDefinition, ...]:
    definitions = {} if value is None else object_at(value, path)
    return tuple(
        _read_definition(name, object_at(definition, path / name), path / name)
        for name, definition in definitions.items()
    )


def _read_definition(name: str, members: _Object, path: Path) -> AttributeDefinition:
    """One attribute description, with the defaults of the JSON rendering: not mutable, not required."""
    only(members, _DEFINITION, path)
    if not _NAME.fullmatch(name):
        path.refuse(f"{shown(name)} is not an attribute name")
    pattern = members.get("pattern")
    return AttributeDefinition(
        name=name,
        type=_optional(members, "type", path) or "string",
        mutable=boolean_at(members.get("mutable", False), path / "mutable"),
        required=boolean_at(members.get("required", False), path / "required"),
        pattern=None if pattern is None else _read_pattern(pattern, path / "pattern"),
        default=members.get("default"),
        description=_optional(members, "description", path),
    )


def _read_pattern(value: Any, path: Path) -> _Object:
    """A JSON Schema; the string of the form before 1.2 is its ``pattern``."""
    return {"pattern": value} if isinstance(value, str) else object_at(value, path)


def _optional(members: _Object, name: str, path: Path) -> str | None:
    value = members.get(name)
    return None if value is None else string_at(value, path / name) or None


def _type(value: Any, path: Path, category_class: str) -> CategoryLine:
    identifier = string_at(value, path)
    parts = _IDENTIFIER.fullmatch(identifier)
    if parts is None:
        path.refuse(f"{shown(identifier)} is not a type identifier (scheme#term)")
    return CategoryLine(term=parts[2], scheme=parts[1], category_class=category_class)


def _entity_id(members: _Object, path: Path) -> str:
    only(members, _LINK, path)
    return string_at(needed(members, "id", path), path / "id")

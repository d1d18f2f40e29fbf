"""Writing of application/occi+json: the 1.2 form (GFD.226) and the one before it, which rOCCI 4 reads.

The 1.2 schema knows no other members than these and no empty arrays (but an empty listing is one, so that
it says of what). The earlier form is for clients that say OCCI/1.1: attributes nested at the dots, entities
always wrapped, link ends as strings, ``related`` beside ``parent``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from occi_gw.rendering.values import (
    Action,
    AttributeDefinition,
    Category,
    Entity,
    Kind,
    LinkRendering,
    Mixin,
    Value,
    core_id,
    entity_urn,
)

_BLOCK = 32 * 1024
_Object = dict[str, Any]

_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def to_json(document: Any) -> bytes:
    """Compact JSON in ASCII. Raises ValueError for NaN and infinities."""
    return _encode(document).encode()


def error_object(code: int, message: str) -> dict[str, Any]:
    """The error document of ooi; the standard has none."""
    return {"code": code, "message": message}


class JsonForm:
    """The members of every object in the 1.2 form."""

    def entity(self, entity: Entity) -> _Object:
        """A Resource or Link object, bare."""
        if entity.source is None:
            ends: _Object = {"links": [self._inline_link(link) for link in entity.links]}
        else:
            ends = self._ends(entity.source, entity.source_kind, entity.target or "", entity.target_kind)
        return self._entity(
            kind=entity.kind.identifier,
            id=self._id(entity.kind, entity.id),
            title=entity.title,
            summary=entity.summary,
            mixins=[mixin.identifier for mixin in entity.mixins],
            attributes=self._attributes(entity.attributes, _core_attributes(entity)),
            actions=[action.identifier for action in entity.actions],
            **ends,
        )

    def single(self, entity: Entity) -> _Object:
        """The answer that shows one entity."""
        return self.entity(entity)

    def categories(self, categories: Iterable[Category]) -> _Object:
        """A model or a part of it: ``kinds``, ``mixins`` and ``actions``, each left out when empty."""
        groups: dict[str, list[_Object]] = {"kinds": [], "mixins": [], "actions": []}
        for category in categories:
            if isinstance(category, Kind):
                groups["kinds"].append(self._kind(category))
            elif isinstance(category, Mixin):
                groups["mixins"].append(self._mixin(category))
            else:
                groups["actions"].append(self._category(category))
        return {name: group for name, group in groups.items() if group}

    def collection(self, entities: Iterable[Entity], *, of_links: bool = False) -> Iterator[bytes]:
        """``{"resources": [...]}`` in blocks of at least 32 KiB, with ``links`` behind when there are any.

        ``of_links`` turns the two round, which is what an empty collection of a link kind needs. Entities
        of the second array are held until the first has ended.
        """
        return _blocks(self._pieces(entities, of_links))

    def _pieces(self, entities: Iterable[Entity], of_links: bool) -> Iterator[str]:
        held: list[str] = []
        first, second = ("links", "resources") if of_links else ("resources", "links")
        yield f'{{"{first}":['
        separator = ""
        for entity in entities:
            text = _encode(self.entity(entity))
            if (entity.source is not None) is of_links:
                yield separator + text
                separator = ","
            else:
                held.append(text)
        yield "]"
        if held:
            yield f',"{second}":[{",".join(held)}]'
        yield "}"

    def _entity(self, *, kind: str, id: str, attributes: _Object, **optional: Any) -> _Object:
        return {"kind": kind, "id": id, "attributes": attributes, **_present(optional)}

    def _inline_link(self, link: LinkRendering) -> _Object:
        return self._entity(
            kind=link.kind.identifier,
            id=self._id(link.kind, link.id),
            mixins=[mixin.identifier for mixin in link.mixins],
            attributes=self._attributes(link.attributes, {}),
            **self._ends(link.source, link.source_kind, link.target, link.target_kind),
        )

    def _id(self, kind: Kind, entity_id: str) -> str:
        """The ``id`` member, in this form a URI."""
        return entity_urn(kind.identifier, entity_id)

    def _attributes(self, attributes: Mapping[str, Value], core: Mapping[str, Value]) -> _Object:
        """The ``attributes`` member; ``core`` are the attributes that the 1.2 form shows as members."""
        return dict(attributes)

    def _ends(self, source: str, source_kind: str | None, target: str, target_kind: str | None) -> _Object:
        return {
            "source": {"location": source, **_present({"kind": source_kind})},
            "target": {"location": target, **_present({"kind": target_kind})},
        }

    def _category(self, category: Category) -> _Object:
        return {
            "term": category.term,
            "scheme": category.scheme,
            **_present(
                {
                    "title": category.title,
                    "attributes": {
                        definition.name: self._description(definition) for definition in category.attributes
                    },
                }
            ),
        }

    def _kind(self, kind: Kind) -> _Object:
        return self._category(kind) | _present(
            {"parent": kind.parent, "actions": _identifiers(kind.actions), "location": kind.location}
        )

    def _mixin(self, mixin: Mixin) -> _Object:
        return self._category(mixin) | _present(
            {
                "depends": list(mixin.depends),
                "applies": list(mixin.applies),
                "actions": _identifiers(mixin.actions),
                "location": mixin.location,
            }
        )

    def _description(self, definition: AttributeDefinition) -> _Object:
        optional = {
            "pattern": self._pattern(definition.pattern),
            "default": definition.default,
            "description": definition.description,
        }
        return {
            "mutable": definition.mutable,
            "required": definition.required,
            "type": definition.type,
            **{name: value for name, value in optional.items() if value is not None},
        }

    def _pattern(self, pattern: Mapping[str, Any] | None) -> Any:
        return None if pattern is None else dict(pattern)


class EarlierJsonForm(JsonForm):
    """The form before 1.2, as rOCCI 4 reads it."""

    def single(self, entity: Entity) -> _Object:
        return {"resources" if entity.source is None else "links": [self.entity(entity)]}

    def _id(self, kind: Kind, entity_id: str) -> str:
        return core_id(entity_id)

    def _attributes(self, attributes: Mapping[str, Value], core: Mapping[str, Value]) -> _Object:
        return _nested({**core, **attributes})

    def _ends(self, source: str, source_kind: str | None, target: str, target_kind: str | None) -> _Object:
        return {"source": source, "target": target, "rel": target_kind}

    def _kind(self, kind: Kind) -> _Object:
        return super()._kind(kind) | {"related": [kind.parent] if kind.parent else []}

    def _mixin(self, mixin: Mixin) -> _Object:
        return super()._mixin(mixin) | {"depends": list(mixin.depends)}

    def _pattern(self, pattern: Mapping[str, Any] | None) -> Any:
        return None if pattern is None else pattern.get("pattern")


def _core_attributes(entity: Entity) -> dict[str, Value]:
    named = {
        "occi.core.id": core_id(entity.id),
        "occi.core.title": entity.title,
        "occi.core.summary": entity.summary,
        "occi.core.source": entity.source,
        "occi.core.target": entity.target,
    }
    return {name: value for name, value in named.items() if value is not None}


def _nested(attributes: Mapping[str, Value]) -> _Object:
    """``attributes`` as a tree; a name below another (``state.message`` below ``state``) finds no place."""
    tree: _Object = {}
    for name, value in attributes.items():
        *above, last = name.split(".")
        if any(".".join(above[:length]) in attributes for length in range(1, len(above) + 1)):
            continue
        node = tree
        for component in above:
            node = node.setdefault(component, {})
        node[last] = value
    return tree


def uri_array(base_url: str, paths: Iterable[str]) -> Iterator[bytes]:
    """An array of absolute URIs, which ``occi_json.read_locations`` reads, in blocks of at least 32 KiB."""
    uris = (_encode(base_url + path) for path in paths)
    return _blocks(chain(("[", next(uris, "")), ("," + uri for uri in uris), ("]",)))


def _identifiers(actions: Sequence[Action]) -> list[str]:
    return [action.identifier for action in actions]


def _present(members: _Object) -> _Object:
    """Without what is None or empty, which the 1.2 schema forbids for arrays."""
    return {name: value for name, value in members.items() if value}


def _blocks(pieces: Iterable[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield "".join(waiting).encode()
            waiting.clear()
            size = 0
    if waiting:
        yield "".join(waiting).encode()

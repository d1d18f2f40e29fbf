"""What part of a listing a request asks for: filters (GFD.185 section 3.4.2.3) and pages (GFD.223)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import falcon

from gateway.model import InvalidRequest
from occi_gw.errors import TooLarge
from occi_gw.nouns.attributes import same
from occi_gw.rendering import read_headers
from occi_gw.rendering.values import Entity, Value
from occi_gw.resources.exchange import MAX_NAMED, Exchange
from occi_gw.scene import Scene, resolve

#: Largest page that is served (GFD.223, paging).
MAX_PAGE = MAX_NAMED


@dataclass(frozen=True, slots=True)
class Filter:
    """What a GET asks for by headers: all of it must hold (GFD.185 section 3.4.2.3)."""

    categories: frozenset[str]
    attributes: dict[str, Value]

    @classmethod
    def of(cls, exchange: Exchange) -> Filter:
        """Raises ParseError, NotFound for an unknown category."""
        headers = exchange.structures()
        if not headers:
            return _NO_FILTER
        message = read_headers(headers)
        found = frozenset(resolve(line, exchange.scene.tagged).identifier for line in message.categories)
        return cls(found, {n: _as_shown(exchange.scene, n, v) for n, v in message.attributes.items()})

    def matches(self, entity: Entity) -> bool:
        own = {entity.kind.identifier, *(mixin.identifier for mixin in entity.mixins)}
        if not self.categories <= own:
            return False
        shown: dict[str, Value | None] = {
            **entity.attributes,
            "occi.core.id": entity.id,
            "occi.core.title": entity.title,
            "occi.core.summary": entity.summary,
            "occi.core.source": entity.source,
            "occi.core.target": entity.target,
        }
        return all(name in shown and same(value, shown[name]) for name, value in self.attributes.items())

    def beyond(self, kind: str) -> bool:
        """Whether anything is left to ask of the members of a kind's own collection."""
        return bool(self.attributes) or bool(self.categories - {kind})


def _as_shown(scene: Scene, name: str, value: Value) -> Value:
    """The value of a filter for what has several names: the path of an end, the id without ``urn:uuid:``."""
    if not isinstance(value, str):
        return value
    if name == "occi.core.id":
        return value.removeprefix("urn:uuid:")
    return value.removeprefix(scene.authority) if name in ("occi.core.source", "occi.core.target") else value


_NO_FILTER = Filter(frozenset(), {})


@dataclass(frozen=True, slots=True)
class Page:
    """``page`` counts from 1, ``number`` is how many on each (GFD.223, paging)."""

    page: int
    number: int

    @classmethod
    def of(cls, req: falcon.Request) -> Page | None:
        """Raises InvalidRequest, TooLarge."""
        query = req.query_string.replace(";", "&")
        given = falcon.uri.parse_query_string(query, keep_blank=True)
        if "page" not in given and "number" not in given:
            return None
        page, number = _whole(given, "page", 1), _whole(given, "number", 100)
        if number > MAX_PAGE:
            raise TooLarge(f"number: at most {MAX_PAGE} entities make a page")
        return cls(page, number)

    def cut(self, members: Sequence[Any]) -> Sequence[Any]:
        return list(islice(members, (self.page - 1) * self.number, self.page * self.number))


def _whole(given: dict[str, Any], name: str, default: int) -> int:
    value = given.get(name, str(default))
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or not int(value[:12]) > 0:
        raise InvalidRequest(f"{name}: a whole number of at least 1", field=name)
    return int(value[:12])

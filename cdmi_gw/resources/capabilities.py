"""The capability tree (CDMI 1.1.1, 12): what is offered, readable by anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering.documents import uri
from cdmi_gw.rendering.ranges import Range
from cdmi_gw.resources.exchange import Exchange
from gateway.model import InvalidRequest, NotFound
from gateway.objects.identifier import EXAMPLE_ENTERPRISE, of_opaque

#: Path below the root of the tree -> what is offered.
TREE: Mapping[tuple[str, ...], v.Capabilities] = {
    (): v.SYSTEM,
    ("container",): v.OF_CONTAINERS,
    ("dataobject",): v.OF_DATA_OBJECTS,
    ("domain",): v.OF_DOMAINS,
    ("queue",): v.OF_QUEUES,
}


EXPORTS: Mapping[tuple[str, ...], v.Capabilities] = {
    (): v.SYSTEM_EXPORTS,
    ("container",): v.OF_EXPORTED_CONTAINERS,
}


def get(exchange: Exchange, resp: falcon.Response) -> None:
    """The entry at the place of the request, or the fields of it that are asked for."""
    below = exchange.names[1:]
    if below not in TREE:
        raise NotFound("no such capability object")
    exchange.require_accepted(v.CAPABILITY)
    selectors = exchange.selectors
    children = [path[-1] + "/" for path in TREE if path and path[:-1] == below]
    shown, within = _part(children, selectors.children)
    above = exchange.names[:-1]
    every: dict[str, Any] = {
        "objectType": v.CAPABILITY,
        "objectID": _id(below),
        "objectName": f"{exchange.names[-1]}/",
        "parentURI": uri(exchange.prefix, above, container=True),
        "parentID": _id(below[:-1]) if below else exchange.endpoint.objects.root_id(),
        "capabilities": _offered(exchange, below),
        "childrenrange": within,
        "children": shown,
    }
    document = {name: field for name, field in every.items() if selectors.has(name)}
    exchange.answer(resp, 200, document, v.CAPABILITY)


def _offered(exchange: Exchange, below: tuple[str, ...]) -> dict[str, str | list[str]]:
    """What an entry offers, with what depends on the back ends."""
    exports = exchange.endpoint.objects.exports
    exported = EXPORTS.get(below, {}) if exports is not None and exports.offered else {}
    return dict(sorted({**TREE[below], **exported}.items()))


def _part(children: list[str], wanted: Range | None) -> tuple[list[str], str]:
    if wanted is None:
        return children, f"0-{len(children) - 1}" if children else ""
    if wanted.first >= len(children):
        raise InvalidRequest("children: the range begins behind the last child", field="query")
    shown = children[wanted.first : wanted.last + 1]
    return shown, f"{wanted.first}-{wanted.first + len(shown) - 1}"


def _id(path: tuple[str, ...]) -> str:
    """An object ID that is the same on every node."""
    return of_opaque(EXAMPLE_ENTERPRISE, hashlib.sha256("/".join(path).encode()).digest()[:16])

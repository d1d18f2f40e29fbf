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
from gateway.objects.identifier import canonical, of_opaque
from gateway.policy.classes import StorageClass

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
    tree = _tree(exchange)
    if below not in tree:
        raise NotFound("no such capability object")
    exchange.require_accepted(v.CAPABILITY)
    selectors = exchange.selectors
    children = [path[-1] + "/" for path in tree if path and path[:-1] == below]
    shown, within = _part(children, selectors.children)
    above = exchange.names[:-1]
    every: dict[str, Any] = {
        "objectType": v.CAPABILITY,
        "objectID": _id(exchange, below),
        "objectName": f"{exchange.names[-1]}/",
        "parentURI": uri(exchange.prefix, above, container=True),
        "parentID": _id(exchange, below[:-1]) if below else exchange.endpoint.objects.root_id(),
        "capabilities": dict(sorted(tree[below].items())),
    }
    if len(below) > 1:
        every["metadata"] = _promised(exchange, exchange.endpoint.objects.classes[below[1]])
    every |= {"childrenrange": within, "children": shown}
    document = {name: field for name, field in every.items() if selectors.has(name)}
    exchange.answer(resp, 200, document, v.CAPABILITY)


def _tree(exchange: Exchange) -> Mapping[tuple[str, ...], v.Capabilities]:
    """All entries, with what depends on the back ends and on the classes of the site."""
    objects = exchange.endpoint.objects
    tree = dict(TREE)
    if objects.exports is not None and objects.exports.offered:
        tree |= {path: {**tree[path], **more} for path, more in EXPORTS.items()}
    if objects.classes:
        tree[()] = {**tree[()], **v.CLASSES}
    for one in objects.classes.values():
        for kind in one.kinds:
            promised = dict.fromkeys(one.metadata, "true")
            tree[kind.value, one.name] = {**tree[(kind.value,)], **v.OF_CLASSES, **promised}
    return tree


def _promised(exchange: Exchange, one: StorageClass) -> Mapping[str, Any]:
    """What a class gives, and which may follow it (the profile of INDIGO-DataCloud)."""
    kind = exchange.names[1]
    classes = exchange.endpoint.objects.classes
    allowed = [name for name in classes if one.allowed is None or name in one.allowed]
    after = [
        uri(exchange.prefix, (v.CAPABILITIES, kind, name), container=True)
        for name in allowed
        if kind in classes[name].kinds and name != one.name
    ]
    return {**one.metadata, "cdmi_capabilities_allowed": after}


def _part(children: list[str], wanted: Range | None) -> tuple[list[str], str]:
    if wanted is None:
        return children, f"0-{len(children) - 1}" if children else ""
    if wanted.first >= len(children):
        raise InvalidRequest("children: the range begins behind the last child", field="query")
    shown = children[wanted.first : wanted.last + 1]
    return shown, f"{wanted.first}-{wanted.first + len(shown) - 1}"


def _id(exchange: Exchange, path: tuple[str, ...]) -> str:
    """An object ID that is the same on every node."""
    opaque = hashlib.sha256("/".join(path).encode()).digest()[:16]
    return of_opaque(exchange.endpoint.objects.enterprise, opaque)


def is_one(exchange: Exchange) -> bool:
    """Whether the request is for an entry by its ID; its place is that of the path then."""
    id = canonical(exchange.names[1]) if len(exchange.names) == 2 else None
    for path in _tree(exchange):
        if id is not None and id == _id(exchange, path):
            exchange.names = (v.CAPABILITIES, *path)
            return True
    return False

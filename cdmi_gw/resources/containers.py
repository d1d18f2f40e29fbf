"""Containers (CDMI 7 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering.documents import fields
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.resources import exports, sources
from cdmi_gw.resources.common import (
    made,
    require_some,
    require_type,
    shown,
    source_of,
    status_of_read,
    wish_of,
)
from cdmi_gw.resources.exchange import Exchange
from gateway.model import (
    AceMask,
    Completion,
    GatewayError,
    InvalidRequest,
    ObjectKind,
    StoredObject,
    Unsupported,
    Wish,
)
from gateway.objects.names import Place, Seen

MAX_CHILDREN = 100_000

_SOURCES = ("copy", "move", "reference", "deserialize", "deserializevalue")
_MARKS = {
    ObjectKind.CONTAINER: "/",
    ObjectKind.DOMAIN: "/",
    ObjectKind.REFERENCE: "?",
}


def get(exchange: Exchange, resp: falcon.Response, seen: Seen, media_type: str = v.CONTAINER) -> None:
    """The document with the names of what is in it."""
    exchange.require_accepted(media_type)
    selectors = exchange.selectors
    require_some(exchange, selectors, seen)
    document = fields(shown(exchange, seen, selectors), selectors)
    if seen.rights & AceMask.READ_OBJECT and seen.object.completion is Completion.COMPLETE:
        document |= _children(exchange, selectors)
    exchange.answer(resp, status_of_read(seen), document, media_type)


def _children(exchange: Exchange, selectors: Selectors) -> Mapping[str, Any]:
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    wanted = selectors.children
    if not selectors.has("children"):
        if not selectors.has("childrenrange"):
            return {}
        number = objects.how_many_children(caller, place)
        return {"childrenrange": f"0-{number - 1}" if number else ""}
    first = wanted.first if wanted else 0
    number = min(wanted.length if wanted else MAX_CHILDREN, MAX_CHILDREN)
    found = objects.children(caller, place, first, number)
    if wanted and not found and (first or wanted.last):
        raise InvalidRequest("children: the range begins behind the last child", field="query")
    names = [name + _MARKS.get(kind, "") for name, kind in found]
    within = {"childrenrange": f"{first}-{first + len(names) - 1}" if names else ""}
    return (within if selectors.has("childrenrange") else {}) | {"children": names}


def create(exchange: Exchange, resp: falcon.Response) -> None:
    require_type(exchange, v.CONTAINER)
    found = exchange.json()
    source = source_of(found, _SOURCES)
    if "snapshot" in found:
        raise InvalidRequest("snapshot: of a container that is there", field="snapshot")
    exported = exports.wanted(exchange, found, None)
    if source == "reference":
        sources.refer(exchange, resp, found)
        return
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    wish = wish_of(exchange, found, None, exchange.selectors)
    wish.pop("mimetype", None)
    wish.pop("encoding", None)
    if source == "copy":
        made(
            exchange, resp, objects.copy_container(caller, place, sources.copied_from(exchange, found), wish)
        )
    elif source == "move":
        sources.move(exchange, resp, found, wish)
    elif source is not None:
        sources.restore(exchange, resp, sources.planned(exchange, found, ObjectKind.CONTAINER), wish)
    else:
        seen = objects.make_container(caller, place, wish)
        if exported is not None:
            seen = _exported(exchange, seen, exported)
        made(exchange, resp, seen, childrenrange="", children=[])


def _exported(exchange: Exchange, seen: Seen, wanted: Mapping[str, Sequence[str] | None]) -> Seen:
    """A new container with its exports; there is none where they cannot be."""
    try:
        return set_exports(exchange, Place(id=seen.object.id), wanted)
    except BaseException:
        with suppress(GatewayError):  # the first error is the one to tell
            exchange.endpoint.objects.remove(exchange.caller, Place(id=seen.object.id))
        raise


def set_exports(
    exchange: Exchange,
    place: Place,
    wanted: Mapping[str, Sequence[str] | None],
    decide: Callable[[StoredObject], Wish] = lambda _: {},
) -> Seen:
    """Raises Unsupported where there are no machines."""
    door = exchange.endpoint.objects.exports
    if door is None:
        raise Unsupported("exports: not offered here; no capability names it")
    return door.set(exchange.caller, place, wanted, decide)


def update(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    require_type(exchange, v.CONTAINER)
    found = exchange.json()
    source = source_of(found, ("copy", "deserialize", "deserializevalue"))
    exported = exports.wanted(exchange, found, seen.object)
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    selectors = exchange.selectors
    wish = wish_of(exchange, found, seen.object, selectors)
    _require_alone(source, exported, found, wish)

    def decide(now: StoredObject) -> Wish:
        return wish_of(exchange, found, now, selectors)

    if source == "copy":
        objects.copy_over(caller, place, sources.copied_from(exchange, found), wish)
    elif source is not None:
        plan = sources.planned(exchange, found, ObjectKind.CONTAINER)
        sources.require_same_id(plan, seen)
        objects.restore_over(caller, place, plan)
    elif "snapshot" in found:
        _snapshot(exchange, resp, found["snapshot"])
        return
    elif exported is not None:
        set_exports(exchange, place, exported, decide)
    elif wish:
        objects.change(caller, place, decide)
    exchange.answer(resp, 204)


def _require_alone(
    source: str | None, exported: object, found: Mapping[str, Any], wish: Mapping[str, Any]
) -> None:
    """Raises InvalidRequest for what cannot be done in one step, and so could be left half done."""
    if "snapshot" in found and (source or exported is not None or wish.keys() - {"condition"}):
        raise InvalidRequest("snapshot: takes a request of its own", field="snapshot")
    if source and exported is not None:
        raise InvalidRequest(f"exports: do not go with {source}", field="exports")


def _snapshot(exchange: Exchange, resp: falcon.Response, name: Any) -> None:
    kept = exchange.endpoint.objects.snapshot(exchange.caller, exchange.place, _snapshot_name(name))
    status = status_of_read(kept)
    if status == 202:
        resp.set_header("Location", exchange.uri(kept.path or (), container=True))
    exchange.answer(resp, 202 if status == 202 else 204)


def _snapshot_name(given: Any) -> str:
    if not isinstance(given, str):
        raise InvalidRequest("snapshot: not a name", field="snapshot")
    return given.removesuffix("/")

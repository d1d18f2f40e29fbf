"""Objects that are made of others: copy, move, reference, serialize, deserialize (CDMI 8.2, 9.2, 15)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import falcon

from cdmi_gw.rendering import serial
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.resources.common import again, made, shown, uri_of
from cdmi_gw.resources.exchange import MAX_JSON, Exchange
from gateway.model import Encoding, InvalidRequest, ObjectKind, Plan, Wish
from gateway.objects.names import Place, Seen
from gateway.objects.trees import Source
from gateway.objects.whole import Whole

_KINDS = {
    "application/cdmi-object": ObjectKind.DATA_OBJECT,
    "application/cdmi-container": ObjectKind.CONTAINER,
    "application/cdmi-queue": ObjectKind.QUEUE,
}


def copied_from(exchange: Exchange, found: Mapping[str, Any]) -> Source:
    """The source of ``copy``, with the fields that are selected on one of the two sides (8.2)."""
    place, there = exchange.source("copy", uri_of(found, "copy"))
    here = exchange.selectors
    if there.given and here.given:
        raise InvalidRequest("copy: fields are selected on one side only", field="copy")
    chosen: Selectors = there if there.given else here
    ranges = chosen.value
    if len(ranges) > 1:
        raise InvalidRequest("copy: one range at most", field="copy")
    names = frozenset(chosen.fields) - {"values"} | ({"value"} if chosen.values is not None else frozenset())
    return Source(
        place,
        names,
        ranges[0].first if ranges else 0,
        ranges[0].length if ranges else None,
        chosen.metadata,
        chosen.values if isinstance(chosen.values, int) else None,
    )


def refer(exchange: Exchange, resp: falcon.Response, found: Mapping[str, Any]) -> None:
    """Make a reference; it has no field but that one."""
    if len(found) > 1:
        raise InvalidRequest("reference: no other field goes with it", field="reference")
    target = uri_of(found, "reference")
    if not target.isascii() or ("://" not in target and not target.startswith("/")):
        raise InvalidRequest("reference: not an absolute URI", field="reference")
    seen = exchange.endpoint.objects.make_reference(exchange.caller, exchange.place, target)
    made(exchange, resp, seen)


def move(exchange: Exchange, resp: falcon.Response, found: Mapping[str, Any], wish: Wish) -> None:
    source, fields = exchange.source("move", uri_of(found, "move"))
    if fields.given:
        raise InvalidRequest("move: an object moves whole", field="move")
    made(exchange, resp, exchange.endpoint.objects.move(exchange.caller, exchange.place, source, wish))


def serialize(exchange: Exchange, resp: falcon.Response, found: Mapping[str, Any], wish: Wish) -> None:
    """Make a data object whose value is another object with all that is in it (15.2)."""
    source, fields = exchange.source("serialize", uri_of(found, "serialize"))
    if fields.given:
        raise InvalidRequest("serialize: an object is serialized whole", field="serialize")
    objects = exchange.endpoint.objects
    wish = {"mimetype": "application/json", **wish, "encoding": Encoding.UTF_8}

    def write() -> Seen:
        whole = objects.whole(exchange.caller, source)
        blocks = serial.written(_node(exchange, whole))
        return objects.write(exchange.caller, exchange.place, blocks, wish)[0]

    made(exchange, resp, again(write))


def _node(exchange: Exchange, whole: Whole) -> serial.Node:
    return serial.Node(
        shown(exchange, whole.seen),
        whole.value.blocks if whole.value is not None else None,
        [_node(exchange, child) for child in whole.children],
    )


def planned(exchange: Exchange, found: Mapping[str, Any], kind: ObjectKind) -> Plan:
    """What ``deserialize`` or ``deserializevalue`` says is to be made. Raises InvalidRequest."""
    name = "deserialize" if "deserialize" in found else "deserializevalue"
    text = uri_of(found, name) if name == "deserialize" else found[name]
    content = _stored(exchange, text) if name == "deserialize" else _given(text)
    try:
        plan = serial.read(content, lambda uri: exchange.source("domainURI", uri)[0].names)
    except serial.SerialError as error:
        raise InvalidRequest(f"{name}: {error}", field=name) from None
    if plan.kind is not kind:
        raise InvalidRequest(f"{name}: this is a {plan.kind.value}", field=name)
    return plan


def _stored(exchange: Exchange, text: str) -> bytes:
    place, _ = exchange.source("deserialize", text)
    try:
        return again(lambda: _content(exchange, place))
    except Exception as error:
        raise _of_source(error) from None


def _content(exchange: Exchange, place: Place) -> bytes:
    value = exchange.endpoint.objects.open(exchange.caller, place)
    if value.size > MAX_JSON:
        raise InvalidRequest(f"more than {MAX_JSON} bytes", field="deserialize", reason="too_large")
    return b"".join(value.blocks())


def _of_source(error: Exception) -> Exception:
    """Whatever keeps a source from being read makes a bad request (8.2.9)."""
    message = getattr(error, "message", None)
    if message is None:
        return error
    reason = "too_large" if getattr(error, "reason", None) == "too_large" else "source"
    return InvalidRequest(f"deserialize: {message}", field="deserialize", reason=reason)


def _given(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text).encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("deserializevalue: not base64", field="deserializevalue") from None


def restore(exchange: Exchange, resp: falcon.Response, plan: Plan, wish: Wish) -> None:
    seen = exchange.endpoint.objects.restore(exchange.caller, exchange.place, plan, wish)
    made(exchange, resp, seen)


def require_same_id(plan: Plan, seen: Seen) -> None:
    """Raises InvalidRequest where an update is of another object than the one that is there (8.6)."""
    if plan.id is not None and plan.id != seen.object.id:
        raise InvalidRequest("deserialize: the object ID is another one", field="deserialize")

"""Queues (CDMI 11); by plain HTTP they are read as documents too."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering import body, multipart
from cdmi_gw.rendering.documents import fields, readable
from cdmi_gw.rendering.ranges import Range
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.resources import parts, sources
from cdmi_gw.resources.common import (
    made,
    read,
    require_some,
    require_type,
    shown,
    source_of,
    status_of_read,
    uri_of,
    wish_of,
)
from cdmi_gw.resources.exchange import MAX_JSON, Exchange
from gateway.model import AceMask, Completion, Encoding, InvalidRequest, ObjectKind
from gateway.objects.names import Seen
from gateway.objects.queues import MAX_VALUES, Item, Waiting
from gateway.objects.values import Replaced

_SOURCES = ("copy", "move", "reference", "deserialize", "deserializevalue")
_LISTS = ("mimetype", "valuetransferencoding", "valuerange", "value")


def get(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    """The document with the oldest value, or with as many as are asked for."""
    selectors = exchange.selectors
    require_some(exchange, selectors, seen)
    document = fields(shown(exchange, seen, selectors), selectors)
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    ends = None
    if selectors.has("queueValues") and readable("queueValues", seen.rights):
        ends = objects.queue_range(caller, place)
        document["queueValues"] = f"{ends[0]}-{ends[1]}" if ends else ""
    waiting: Sequence[Waiting] = ()
    complete = seen.object.completion is Completion.COMPLETE
    if seen.rights & AceMask.READ_OBJECT and complete and _asks_for_values(selectors):
        waiting = objects.queue_read(caller, place, _how_many(selectors))
        if "queueValues" in document and not _agree(waiting, ends, _how_many(selectors)):
            raise Replaced("values have just been put in or taken out")
    if exchange.wants_parts:
        _answer_parts(exchange, resp, document, waiting, selectors)
        return
    exchange.require_accepted(v.QUEUE)
    if waiting:
        document |= _lists(waiting, selectors)
    exchange.answer(resp, status_of_read(seen), document, v.QUEUE)


def _agree(waiting: Sequence[Waiting], ends: tuple[int, int] | None, number: int) -> bool:
    """Whether values, so many at most, are the first of those that ``ends`` were read of."""
    if not waiting or ends is None:
        return not waiting and ends is None
    return waiting[0].designator == ends[0] and (
        waiting[-1].designator == ends[1] or (len(waiting) == number and waiting[-1].designator < ends[1])
    )


def _asks_for_values(selectors: Selectors) -> bool:
    return any(selectors.has(name) for name in (*_LISTS, "values"))


def _how_many(selectors: Selectors) -> int:
    if isinstance(selectors.values, Range):
        raise InvalidRequest("values: how many; designators are for taking values out", field="query")
    if len(selectors.value) > 1:
        raise InvalidRequest("value: one range at most", field="query")
    return 1 if selectors.values is None else min(selectors.values, MAX_VALUES)


def _lists(waiting: Sequence[Waiting], selectors: Selectors) -> Mapping[str, Any]:
    """The fields that have one item for each value (11.4); ``values`` asks for the values themselves."""
    asked = selectors.value[0] if selectors.value else None
    if sum(min(one.value.size, asked.length if asked else 1 << 62) for one in waiting) > MAX_JSON:
        raise InvalidRequest(
            f"the values are longer than {MAX_JSON} bytes; ask for fewer", reason="too_large"
        )
    found: dict[str, Any] = {}
    if selectors.has("mimetype"):
        found["mimetype"] = [one.mimetype for one in waiting]
    if selectors.has("valuetransferencoding"):
        found["valuetransferencoding"] = [one.encoding.value for one in waiting]
    if selectors.has("valuerange"):
        found["valuerange"] = [_within(one, asked) for one in waiting]
    if selectors.has("value") or selectors.has("values"):
        found["value"] = [_text(one, asked) for one in waiting]
    return found


def _within(one: Waiting, asked: Range | None) -> str:
    first, last = (asked.first, min(asked.last, one.value.size - 1)) if asked else (0, one.value.size - 1)
    return f"{first}-{last}" if first <= last else ""


def _text(one: Waiting, asked: Range | None) -> str:
    if asked is not None:
        return base64.b64encode(b"".join(one.value.blocks(asked.first, asked.length))).decode()
    content = b"".join(one.value.blocks())
    return content.decode() if one.encoding is Encoding.UTF_8 else base64.b64encode(content).decode()


def _answer_parts(
    exchange: Exchange,
    resp: falcon.Response,
    document: Mapping[str, Any],
    waiting: Sequence[Waiting],
    selectors: Selectors,
) -> None:
    lists = _lists(waiting, selectors) if waiting else {}
    described = {**document, **{name: item for name, item in lists.items() if name != "value"}}
    boundary = multipart.new_boundary()
    every: list[tuple[dict[str, str], Any]] = [({"Content-Type": v.QUEUE}, [json.dumps(described).encode()])]
    every += [
        ({"Content-Type": one.mimetype, "Content-Transfer-Encoding": "binary"}, one.value.blocks())
        for one in waiting
    ]
    exchange.answer(resp, 200)
    resp.content_type = f"{v.MULTIPART}; boundary={boundary}"
    resp.stream = multipart.written(boundary, every)


def create(exchange: Exchange, resp: falcon.Response) -> None:
    require_type(exchange, v.QUEUE)
    found = exchange.json()
    source = source_of(found, _SOURCES)
    if source == "reference":
        sources.refer(exchange, resp, found)
        return
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    wish = wish_of(exchange, found, None, exchange.selectors)
    wish.pop("mimetype", None)
    wish.pop("encoding", None)
    if source == "copy":
        made(exchange, resp, objects.copy_queue(caller, place, sources.copied_from(exchange, found), wish))
    elif source == "move":
        sources.move(exchange, resp, found, wish)
    elif source is not None:
        sources.restore(exchange, resp, sources.planned(exchange, found, ObjectKind.QUEUE), wish)
    else:
        made(exchange, resp, objects.make_queue(caller, place, wish), queueValues="")


def update(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    """Metadata, and values from elsewhere, which are added (11.5)."""
    require_type(exchange, v.QUEUE)
    found = exchange.json()
    source = source_of(found, ("copy", "move", "deserialize", "deserializevalue"))
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    selectors = exchange.selectors
    wish = wish_of(exchange, found, seen.object, selectors)
    if source is not None and wish.keys() - {"condition", "fields"}:
        raise InvalidRequest(f"{source}: takes a request without metadata", field=source)
    if source in ("copy", "move"):
        _pour(exchange, found, source)
    elif source is not None:
        plan = sources.planned(exchange, found, ObjectKind.QUEUE)
        sources.require_same_id(plan, seen)
        items = [Item(one.value, one.wish["mimetype"], one.wish["encoding"]) for one in plan.children]
        objects.queue_put(caller, place, items)
    elif wish:
        objects.change(caller, place, lambda now: wish_of(exchange, found, now, selectors))
    exchange.answer(resp, 204)


def enqueue(exchange: Exchange, resp: falcon.Response) -> None:
    """Put values in at the end (11.6)."""
    if exchange.content_type == v.MULTIPART:
        items = [Item(*value) for value in parts.values(exchange)]
        exchange.endpoint.objects.queue_put(exchange.caller, exchange.place, items)
        exchange.answer(resp, 204)
        return
    require_type(exchange, v.QUEUE, v.OBJECT)
    found = exchange.json()
    source = source_of(found, ("value", "copy", "move"))
    if source is None:
        raise InvalidRequest("one of value, copy and move is needed", field="value")
    if source == "value":
        values = read("value", lambda: body.enqueued(found)) or ()
        items = [Item(one.content, one.mimetype, one.encoding) for one in values]
        exchange.endpoint.objects.queue_put(exchange.caller, exchange.place, items)
    else:
        _pour(exchange, found, source)
    exchange.answer(resp, 204)


def _pour(exchange: Exchange, found: Mapping[str, Any], source: str) -> None:
    place, chosen = exchange.source(source, uri_of(found, source))
    if isinstance(chosen.values, Range) or len(chosen.value) > 1:
        raise InvalidRequest(f"{source}: how many values", field=source)
    part = chosen.value[0] if chosen.value else None
    exchange.endpoint.objects.queue_pour(
        exchange.caller,
        exchange.place,
        place,
        MAX_VALUES if chosen.values is None and not chosen.value else (chosen.values or 1),
        moving=source == "move",
        part=(part.first, part.length) if part else None,
    )


def dequeue(exchange: Exchange) -> None:
    """Take values out: the oldest, so many of the oldest, or those up to a designator (11.7)."""
    selectors = exchange.selectors
    if set(selectors.fields) - {"value", "values"} or selectors.value:
        raise InvalidRequest("only value and values can be taken out of a queue", field="query")
    wanted = selectors.values if "values" in selectors.fields else 1
    if wanted is None:
        raise InvalidRequest("values: how many, or which", field="query")

    def choose(lowest: int, highest: int) -> tuple[int, int]:
        if isinstance(wanted, int):
            return lowest, min(highest, lowest + wanted - 1)
        if wanted.first > lowest:
            raise InvalidRequest(f"values: the lowest is {lowest}", field="query")
        return lowest, min(wanted.last, highest)

    exchange.endpoint.objects.queue_take(exchange.caller, exchange.place, choose)

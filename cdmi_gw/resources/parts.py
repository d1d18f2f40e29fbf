"""Data objects and queue values as bodies of several parts (CDMI 8.2, 8.4, 11.6; RFC 1867 for forms)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering import body, multipart, ranges
from cdmi_gw.rendering.multipart import Headers, Part
from cdmi_gw.rendering.ranges import Range
from cdmi_gw.resources import dataobjects, sources
from cdmi_gw.resources.common import made, read, source_of, wish_of
from cdmi_gw.resources.exchange import MAX_JSON, Exchange
from gateway.model import DataObject, Encoding, InvalidRequest, ObjectKind, StoredObject
from gateway.objects.contents import Piece
from gateway.objects.names import Seen

_MAX_PARTS = 1000


def answer(
    exchange: Exchange,
    resp: falcon.Response,
    document: Mapping[str, Any],
    thing: DataObject,
    asked: Sequence[Range] | None,
) -> None:
    """The document, and behind it the value or the ranges of it that are asked for; None: no value."""
    boundary = multipart.new_boundary()
    described = ({"Content-Type": v.OBJECT}, [json.dumps(document, ensure_ascii=False).encode()])
    every = [described, *(_contents(exchange, thing, asked) if asked is not None else ())]
    exchange.answer(resp, 200)
    resp.content_type = f"{v.MULTIPART}; boundary={boundary}"
    resp.stream = multipart.written(boundary, every)


def _contents(
    exchange: Exchange, thing: DataObject, asked: Sequence[Range]
) -> list[tuple[dict[str, str], Any]]:
    value = exchange.endpoint.objects.open(exchange.caller, exchange.place, thing)
    headers = {"Content-Type": thing.mimetype, "Content-Transfer-Encoding": "binary"}
    if not asked:
        return [({**headers, "Content-Length": str(value.size)}, value.blocks())]
    found = []
    for part in asked:
        last = min(part.last, value.size - 1)
        if part.first <= last:
            within = {"Content-Range": f"bytes {part.first}-{last}/{value.size}"}
            found.append(({**headers, **within}, value.blocks(part.first, last - part.first + 1)))
    return found


def _parts(exchange: Exchange) -> Iterator[Part]:
    """The parts of the request. Raises InvalidRequest, also while they are read."""
    try:
        boundary = multipart.boundary_of(exchange.req.env.get("CONTENT_TYPE", ""))
        for number, part in enumerate(multipart.parts(exchange.blocks(), boundary)):
            if number >= _MAX_PARTS:
                raise InvalidRequest(f"body: more than {_MAX_PARTS} parts", field="body")
            headers, content = part
            yield headers, _read(content)
    except multipart.MultipartError as error:
        raise InvalidRequest(f"body: {error}", field="body") from None


def _read(content: Iterator[bytes]) -> Iterator[bytes]:
    """A content; that its end is missing is only seen there."""
    try:
        yield from content
    except multipart.MultipartError as error:
        raise InvalidRequest(f"body: {error}", field="body") from None


def document(exchange: Exchange, parts: Iterator[Part], *media_types: str) -> dict[str, Any]:
    """The JSON object of the first part. Raises InvalidRequest."""
    headers, content = next(parts, (None, None))
    if headers is None or content is None:
        raise InvalidRequest("body: has no part", field="body")
    kind = headers.get("content-type", media_types[0]).partition(";")[0].strip().lower().removesuffix("+json")
    if kind not in media_types:
        raise InvalidRequest(f"body: the first part is {media_types[0]}", field="body")
    found = b""
    for block in content:
        found += block
        if len(found) > MAX_JSON:
            raise InvalidRequest(f"body: the first part is longer than {MAX_JSON} bytes", reason="too_large")
    return read("body", lambda: body.read(found))


def create(exchange: Exchange, resp: falcon.Response) -> None:
    """Make a data object of a document and the value in the parts behind it (8.2)."""
    parts = _parts(exchange)
    found = document(exchange, parts, v.OBJECT)
    source = source_of(found, ("deserialize", "deserializevalue"))
    if source is not None:
        plan = sources.planned(exchange, found, ObjectKind.DATA_OBJECT)
        sources.restore(exchange, resp, plan, wish_of(exchange, found, None, exchange.selectors))
        return
    _write(exchange, resp, parts, found, None)


def update(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    """Change a data object, and of its value what the parts behind the document say (8.6)."""
    parts = _parts(exchange)
    found = document(exchange, parts, v.OBJECT)
    source_of(found, ())
    _write(exchange, resp, parts, found, seen.object)


def _write(
    exchange: Exchange,
    resp: falcon.Response,
    parts: Iterator[Part],
    found: Mapping[str, Any],
    present: StoredObject | None,
) -> None:
    wish = wish_of(exchange, found, present, exchange.selectors)
    first = next(parts, None)
    if exchange.is_partial:
        wish["partial"] = True
    if first is None:
        if present is None:
            dataobjects.write(exchange, resp, [], {"mimetype": "text/plain", **wish}, start=None)
        else:
            dataobjects.change(exchange, resp, found)
        return
    headers, _ = first
    if "encoding" not in wish:
        wish["encoding"] = _encoding(headers)
    if present is None:
        wish.setdefault("mimetype", _type(headers))
    selected = iter(exchange.selectors.value)
    in_part = bool(exchange.selectors.value) or (present is not None and _placed(headers) is not None)
    pieces = _pieces(chain([first], parts), selected)
    objects = exchange.endpoint.objects
    seen, was_made = objects.write_pieces(exchange.caller, exchange.place, pieces, wish, in_part=in_part)
    if was_made:
        made(exchange, resp, seen)
    else:
        exchange.answer(resp, 204)


def _pieces(parts: Iterable[Part], selected: Iterator[Range]) -> Iterator[Piece]:
    """Where each part belongs: where it says, where the query says, or behind the one before it (8.2).

    Raises InvalidRequest for one that is not as long as it says, and for ranges of the query without a part.
    """
    for headers, content in parts:
        wanted = next(selected, None)
        placed = _placed(headers) or wanted
        yield (
            (None, content) if placed is None else (placed.first, dataobjects.as_long(content, placed.length))
        )
    if next(selected, None) is not None:
        raise InvalidRequest("value: a range in the query has no part", field="query")


def _placed(headers: Headers) -> Range | None:
    given = headers.get("content-range")
    if given is None:
        return None
    placed = ranges.written(given)
    if placed is None:
        raise InvalidRequest("Content-Range: not one range such as bytes 0-9/20", field="body")
    return placed


def _type(headers: Headers) -> str:
    return dataobjects.typed(headers.get("content-type"))["mimetype"]


def _encoding(headers: Headers) -> Encoding:
    return dataobjects.typed(headers.get("content-type"))["encoding"]


def create_of_form(exchange: Exchange, resp: falcon.Response) -> None:
    """Make a data object of the first file of a form (RFC 1867); its name is taken where it is one."""
    for headers, content in _parts(exchange):
        message = multipart.parameters(headers.get("content-disposition", ""))
        if "filename" not in message:
            continue
        exchange.named(message["filename"].replace("\\", "/").rpartition("/")[2])
        wish = dataobjects.typed(headers.get("content-type"))
        dataobjects.write(exchange, resp, content, wish, start=None)
        return
    raise InvalidRequest("body: the form has no file", field="body")


def values(exchange: Exchange) -> list[tuple[bytes, str, Encoding]]:
    """What is to be put into a queue: a document, and behind it one part for each value (11.6)."""
    parts = _parts(exchange)
    found = document(exchange, parts, v.QUEUE, v.OBJECT)
    if found.keys() & {"value", "copy", "move"}:
        raise InvalidRequest("value: stands in the parts behind the document", field="value")
    given: list[tuple[bytes, Headers]] = []
    total = 0
    for headers, content in parts:
        value = b"".join(content)
        total += len(value)
        if total > MAX_JSON:
            raise InvalidRequest(f"the values are longer than {MAX_JSON} bytes", reason="too_large")
        given.append((value, headers))
    types = found.get("mimetype") or [_type(headers) for _, headers in given]
    encodings = found.get("valuetransferencoding") or [_encoding(headers).value for _, headers in given]
    described = {"value": [""] * len(given), "mimetype": types, "valuetransferencoding": encodings}
    checked = read("body", lambda: body.enqueued(described)) or ()
    return [(value, item.mimetype, item.encoding) for (value, _), item in zip(given, checked, strict=True)]

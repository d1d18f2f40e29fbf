"""Data objects, as CDMI documents, as documents of several parts, and as plain HTTP (CDMI 6 and 8)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering import body, multipart, ranges
from cdmi_gw.rendering.documents import fields
from cdmi_gw.rendering.ranges import Range
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.resources import parts, sources
from cdmi_gw.resources.common import (
    condition_of,
    etag,
    made,
    read,
    require_some,
    require_type,
    shown,
    source_of,
    status_of_read,
    wish_of,
)
from cdmi_gw.resources.exchange import MAX_JSON, Exchange
from gateway.model import (
    AceMask,
    Completion,
    DataObject,
    Encoding,
    InvalidRequest,
    NotFound,
    ObjectKind,
    StoredObject,
    Wish,
)
from gateway.objects.names import Seen
from gateway.objects.values import Value

#: Values in JSON are built in memory: longer ones are read by ranges, in parts or by plain HTTP.
MAX_VALUE = MAX_JSON

_DEFAULT_TYPE = "application/octet-stream"


def get(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    if exchange.is_cdmi or exchange.wants_parts:
        _get_document(exchange, resp, seen)
    else:
        _get_value(exchange, resp, seen)


def _get_document(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    selectors, thing = exchange.selectors, seen.object
    assert isinstance(thing, DataObject)
    require_some(exchange, selectors, seen)
    document = fields(shown(exchange, seen, selectors), selectors)
    complete = thing.completion is Completion.COMPLETE
    readable = bool(seen.rights & AceMask.READ_OBJECT) and complete
    if exchange.wants_parts:
        asked = selectors.value if readable and selectors.has("value") else None
        parts.answer(exchange, resp, document, thing, asked)
        return
    exchange.require_accepted(v.OBJECT)
    if len(selectors.value) > 1:
        raise InvalidRequest("value: several ranges take Accept: multipart/mixed", field="query")
    if readable:
        asked_range = selectors.value[0] if selectors.value else Range(0, max(0, thing.size - 1))
        if selectors.has("valuerange"):
            last = min(asked_range.last, thing.size - 1)
            document["valuerange"] = f"{asked_range.first}-{last}" if asked_range.first <= last else ""
        if selectors.has("value"):
            document["value"] = _value(exchange, thing, asked_range, in_part=bool(selectors.value))
    exchange.answer(resp, status_of_read(seen), document, v.OBJECT)


def _value(exchange: Exchange, thing: DataObject, asked: Range, *, in_part: bool) -> str:
    """A value as JSON has it; a part of one is always base64 (8.4)."""
    if min(asked.length, thing.size) > MAX_VALUE:
        raise InvalidRequest(
            f"the value is longer than {MAX_VALUE} bytes; read it by ranges or by plain HTTP",
            reason="too_large",
        )
    value = exchange.endpoint.objects.open(exchange.caller, exchange.place, thing)
    content = b"".join(value.blocks(asked.first, asked.length))
    if thing.encoding is Encoding.UTF_8 and not in_part:
        return content.decode()
    return base64.b64encode(content).decode()


def _get_value(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    thing = seen.object
    assert isinstance(thing, DataObject)
    tag, env = etag(thing), exchange.req.env
    resp.content_type = thing.mimetype
    resp.set_header("ETag", tag)
    resp.set_header("X-Content-Type-Options", "nosniff")  # it is what its writer says, nothing else
    resp.set_header("Last-Modified", format_datetime(thing.modified, usegmt=True))
    resp.set_header("Accept-Ranges", "bytes")
    value = exchange.endpoint.objects.open(exchange.caller, exchange.place, thing)
    if _is_had(env, tag, thing.modified):
        exchange.answer(resp, 304)
        return
    header, condition = env.get("HTTP_RANGE"), env.get("HTTP_IF_RANGE")
    asked: Sequence[Range] = ()
    if header is not None and condition in (None, tag):
        try:
            asked = ranges.requested(header, value.size)
        except LookupError:
            resp.set_header("Content-Range", f"bytes */{value.size}")
            raise InvalidRequest("Range: behind the end of the value", reason="range") from None
    exchange.answer(resp, 206 if asked else 200)
    if len(asked) > 1:
        _answer_ranges(exchange, resp, value, asked)
        return
    part = asked[0] if asked else None
    if part is not None:
        resp.set_header("Content-Range", f"bytes {part}/{value.size}")
    resp.content_length = part.length if part else value.size
    if exchange.req.method == "HEAD":
        return
    whole = value.file() if part is None else None
    resp.stream = whole or value.blocks(*((part.first, part.length) if part else (0, None)))


def _is_had(env: Mapping[str, Any], tag: str, modified: datetime) -> bool:
    """Whether the client says that it has this value already (RFC 9110 13.1)."""
    tags, since = env.get("HTTP_IF_NONE_MATCH"), env.get("HTTP_IF_MODIFIED_SINCE")
    if tags is not None:
        return tags.strip() != "*" and tag in tags
    if since is None:
        return False
    try:
        return modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError):  # no date, or one without a zone: it does not count
        return False


def _answer_ranges(exchange: Exchange, resp: falcon.Response, value: Value, asked: Sequence[Range]) -> None:
    """Several ranges, each a part of the answer (RFC 9110 14.6)."""
    boundary = multipart.new_boundary()
    every = [
        (
            {"Content-Type": str(resp.content_type), "Content-Range": f"bytes {part}/{value.size}"},
            value.blocks(part.first, part.length),
        )
        for part in asked
    ]
    resp.content_type = f"multipart/byteranges; boundary={boundary}"
    if exchange.req.method != "HEAD":
        resp.stream = multipart.written(boundary, every)


def create(exchange: Exchange, resp: falcon.Response) -> None:
    """Make a data object where nothing is, or under a name that the gateway gives it."""
    if exchange.content_type == v.OBJECT or (exchange.content_type is None and exchange.is_cdmi):
        require_type(exchange, v.OBJECT)
        _create_document(exchange, resp, exchange.json())
    elif exchange.content_type == v.MULTIPART:
        parts.create(exchange, resp)
    elif exchange.content_type == v.FORM and exchange.req.method == "POST":
        parts.create_of_form(exchange, resp)
    elif exchange.content_type in v.MEDIA_TYPES:
        raise InvalidRequest(f"Content-Type: a data object is {v.OBJECT}", field="content_type")
    else:
        _put_value(exchange, resp, None)


def update(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    if exchange.content_type == v.OBJECT or (exchange.content_type is None and exchange.version is not None):
        require_type(exchange, v.OBJECT)
        _update_document(exchange, resp, seen, exchange.json())
    elif exchange.content_type == v.MULTIPART:
        parts.update(exchange, resp, seen)
    elif exchange.content_type in v.MEDIA_TYPES:
        raise InvalidRequest(f"Content-Type: this is {v.OBJECT}", field="content_type")
    else:
        _put_value(exchange, resp, seen)


def _create_document(exchange: Exchange, resp: falcon.Response, found: Mapping[str, Any]) -> None:
    source = source_of(found, v.SOURCES)
    if source == "reference":
        sources.refer(exchange, resp, found)
        return
    selectors = exchange.selectors
    wish = _partial(exchange, wish_of(exchange, found, None, selectors))
    if source == "copy":
        from_ = sources.copied_from(exchange, found)
        if not from_.has("mimetype"):
            wish.setdefault("mimetype", "text/plain")
        if not from_.has("valuetransferencoding"):
            wish.setdefault("encoding", Encoding.UTF_8)
        seen, _ = exchange.endpoint.objects.copy_value(exchange.caller, exchange.place, from_, wish)
        made(exchange, resp, seen)
    elif source == "move":
        sources.move(exchange, resp, found, wish)
    elif source == "serialize":
        sources.serialize(exchange, resp, found, wish)
    elif source in ("deserialize", "deserializevalue"):
        sources.restore(exchange, resp, sources.planned(exchange, found, ObjectKind.DATA_OBJECT), wish)
    else:
        wish.setdefault("mimetype", "text/plain")
        encoding = _encoding(found, None, in_part=bool(selectors.value))
        content = read("value", lambda: body.value_of(found, encoding)) or b""
        wish.setdefault("encoding", Encoding.BASE64 if selectors.value else encoding)
        write(exchange, resp, [content], wish, start=_start(selectors, content))


def _start(selectors: Selectors, content: bytes | None) -> int | None:
    """Where a part is to be written; None for a whole value. Raises InvalidRequest."""
    if not selectors.value:
        return None
    if content is None or len(selectors.value) > 1 or len(content) != selectors.value[0].length:
        raise InvalidRequest("value: not as long as the range that is to be written", field="value")
    return selectors.value[0].first


def _partial(exchange: Exchange, wish: Wish) -> Wish:
    return {**wish, "partial": True} if exchange.is_partial else wish


def write(
    exchange: Exchange, resp: falcon.Response, blocks: Iterable[bytes], wish: Wish, *, start: int | None
) -> None:
    """Write a value, or a part of one, and answer; what is not there is made."""
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    seen, was_made = objects.write(caller, place, blocks, wish, start=start)
    if was_made:
        made(exchange, resp, seen)
    else:
        exchange.answer(resp, 204)


def _update_document(exchange: Exchange, resp: falcon.Response, seen: Seen, found: Mapping[str, Any]) -> None:
    source = source_of(found, ("value", "copy", "deserialize", "deserializevalue"))
    selectors, present = exchange.selectors, seen.object
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    wish = _partial(exchange, wish_of(exchange, found, present, selectors))
    if source == "copy":
        objects.copy_value(caller, place, sources.copied_from(exchange, found), wish)
    elif source in ("deserialize", "deserializevalue"):
        plan = sources.planned(exchange, found, ObjectKind.DATA_OBJECT)
        sources.require_same_id(plan, seen)
        objects.write(caller, place, [plan.value], {**plan.wish, **wish})
    elif source == "value":
        encoding = _encoding(found, present, in_part=bool(selectors.value))
        content = read("value", lambda: body.value_of(found, encoding)) or b""
        objects.write(caller, place, [content], wish, start=_start(selectors, content))
    elif selectors.value:
        raise InvalidRequest("value: is missing", field="value")
    else:
        change(exchange, resp, found)
    exchange.answer(resp, 204)


def change(exchange: Exchange, resp: falcon.Response, found: Mapping[str, Any]) -> None:
    """Change everything but the value."""
    selectors = exchange.selectors
    if found or selectors.given or exchange.is_partial or "HTTP_X_CDMI_PARTIAL" in exchange.req.env:
        exchange.endpoint.objects.change(
            exchange.caller,
            exchange.place,
            lambda now: _partial(exchange, wish_of(exchange, found, now, selectors)),
        )
    exchange.answer(resp, 204)


def _encoding(found: Mapping[str, Any], present: StoredObject | None, *, in_part: bool) -> Encoding:
    """How the value of a body is to be read: a part is always base64."""
    if in_part:
        return Encoding.BASE64
    given = read("valuetransferencoding", lambda: body.encoding_of(found))
    return given or (present.encoding if isinstance(present, DataObject) else Encoding.UTF_8)


def _put_value(exchange: Exchange, resp: falcon.Response, seen: Seen | None) -> None:
    env = exchange.req.env
    wish: Wish = {}
    if exchange.content_type is not None or seen is None:
        wish = typed(env.get("CONTENT_TYPE"))
    condition = condition_of(exchange)
    if condition is not None:
        wish["condition"] = condition
    header = env.get("HTTP_CONTENT_RANGE") or env.get("HTTP_RANGE")
    part = ranges.written(header) if header is not None else None
    if header is not None and part is None:
        raise InvalidRequest("Content-Range: not one range such as bytes 0-9/20", field="content_range")
    if part is not None and exchange.length not in (None, part.length):
        raise InvalidRequest("Content-Range: not as long as the body", field="content_range")
    if part is not None and seen is None and part.first:
        raise NotFound("no object to write a part of")
    blocks: Iterator[bytes] = exchange.blocks()
    if part is not None:
        blocks = as_long(blocks, part.length)
    write(exchange, resp, blocks, _partial(exchange, wish), start=part.first if part else None)


def as_long(blocks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """The blocks; raises InvalidRequest where they come to another length."""
    left = length
    for block in blocks:
        left -= len(block)
        if left < 0:
            break
        yield block
    if left:
        raise InvalidRequest("Content-Range: not as long as the body", field="content_range")


def typed(header: str | None) -> Wish:
    """Type and encoding that a ``Content-Type`` tells (6.2)."""
    kind, _, parameters = (header or "").partition(";")
    kind = kind.strip().lower()
    if len(kind) > body.MAX_MIMETYPE or not (kind.isascii() and kind.isprintable()):
        raise InvalidRequest("Content-Type: not a media type", field="content_type")
    charset = parameters.lower().replace(" ", "").partition("charset=")[2].partition(";")[0]
    encoding = Encoding.UTF_8 if charset.strip('"') == "utf-8" else Encoding.BASE64
    return {"mimetype": kind or _DEFAULT_TYPE, "encoding": encoding}

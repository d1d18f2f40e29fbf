"""Containers and data objects, as CDMI documents and as plain HTTP (CDMI 1.1.1, 6 to 9)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering import body, ranges
from cdmi_gw.rendering.documents import Shown, fields, readable, uri
from cdmi_gw.rendering.ranges import Range
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.resources.exchange import MAX_JSON, Exchange
from gateway.model import (
    AceMask,
    AlreadyExists,
    Container,
    DataObject,
    Encoding,
    Forbidden,
    InvalidRequest,
    NotFound,
    ObjectKind,
    StoredObject,
    Unsupported,
)
from gateway.objects.names import Seen, Wish

#: Values in JSON are built in memory: longer ones are read by ranges or by plain HTTP.
MAX_VALUE = MAX_JSON
MAX_CHILDREN = 100_000

_DEFAULT_TYPE = "application/octet-stream"


def get(exchange: Exchange, resp: falcon.Response) -> None:
    """Read an object; a place without, or with too much of, a slash is told the right one."""
    seen = _found(exchange)
    if isinstance(seen.object, Container):
        _get_container(exchange, resp, seen)
    elif exchange.is_cdmi:
        _get_document(exchange, resp, seen)
    else:
        _get_value(exchange, resp, seen)


def _found(exchange: Exchange) -> Seen:
    return exchange.endpoint.objects.get(exchange.caller, exchange.place)


def _is_moved(exchange: Exchange, resp: falcon.Response, seen: Seen) -> bool:
    container = isinstance(seen.object, Container)
    if exchange.slash == container:
        return False
    exchange.moved(resp, uri(exchange.prefix, exchange.names, container=container))
    return True


def _shown(exchange: Exchange, seen: Seen) -> Shown:
    return Shown(seen.object, seen.path, seen.rights, exchange.prefix)


def _require_some(selectors: Selectors, rights: AceMask) -> None:
    """Raises Forbidden where nothing of what is asked for may be seen."""
    wanted = selectors.fields or ("objectID", "metadata", "value", "children")
    if not any(readable(field, rights) for field in wanted):
        raise Forbidden("you may not read any of this")


def _get_container(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    if _is_moved(exchange, resp, seen):
        return
    exchange.require_accepted(v.CONTAINER)
    selectors = exchange.selectors
    _require_some(selectors, seen.rights)
    document = fields(_shown(exchange, seen), selectors)
    if seen.rights & AceMask.READ_OBJECT:
        document |= _children(exchange, selectors)
    exchange.answer(resp, 200, document, v.CONTAINER)


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
    names = [name + ("/" if kind is ObjectKind.CONTAINER else "") for name, kind in found]
    within = {"childrenrange": f"{first}-{first + len(names) - 1}" if names else ""}
    return (within if selectors.has("childrenrange") else {}) | {"children": names}


def _get_document(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    if _is_moved(exchange, resp, seen):
        return
    exchange.require_accepted(v.OBJECT)
    selectors, thing = exchange.selectors, seen.object
    assert isinstance(thing, DataObject)
    if len(selectors.value) > 1:
        raise InvalidRequest("value: several ranges are not offered; ask for one", field="query")
    _require_some(selectors, seen.rights)
    document = fields(_shown(exchange, seen), selectors)
    if seen.rights & AceMask.READ_OBJECT:
        asked = selectors.value[0] if selectors.value else Range(0, max(0, thing.size - 1))
        if selectors.has("valuerange"):
            last = min(asked.last, thing.size - 1)
            document["valuerange"] = f"{asked.first}-{last}" if asked.first <= last else ""
        if selectors.has("value"):
            document["value"] = _value(exchange, thing, asked, in_part=bool(selectors.value))
    exchange.answer(resp, 200, document, v.OBJECT)


def _value(exchange: Exchange, thing: DataObject, asked: Range, *, in_part: bool) -> str:
    """A value as JSON has it; a part of one is always base64 (8.4)."""
    if min(asked.length, thing.size) > MAX_VALUE:
        raise InvalidRequest(
            f"the value is longer than {MAX_VALUE} bytes; read it by ranges or by plain HTTP",
            reason="too_large",
        )
    value = exchange.endpoint.objects.open(exchange.caller, exchange.place)
    content = b"".join(value.blocks(asked.first, asked.length))
    if thing.encoding is Encoding.UTF_8 and not in_part:
        return content.decode()
    return base64.b64encode(content).decode()


def _get_value(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    if _is_moved(exchange, resp, seen):
        return
    thing = seen.object
    assert isinstance(thing, DataObject)
    value = exchange.endpoint.objects.open(exchange.caller, exchange.place)
    etag = f'"{thing.id}-{thing.changes}"'
    resp.content_type = thing.mimetype
    resp.set_header("ETag", etag)
    resp.set_header("Accept-Ranges", "bytes")
    header = exchange.req.env.get("HTTP_RANGE")
    condition = exchange.req.env.get("HTTP_IF_RANGE")
    part = None
    if header is not None and condition in (None, etag):
        try:
            part = ranges.requested(header, value.size)
        except LookupError:
            resp.set_header("Content-Range", f"bytes */{value.size}")
            raise InvalidRequest("Range: behind the end of the value", reason="range") from None
    exchange.answer(resp, 206 if part else 200)
    if part is not None:
        resp.set_header("Content-Range", f"bytes {part}/{value.size}")
    resp.content_length = part.length if part else value.size
    if exchange.req.method == "HEAD":
        return
    whole = value.file() if part is None else None
    resp.stream = whole or value.blocks(*((part.first, part.length) if part else (0, None)))


def put(exchange: Exchange, resp: falcon.Response) -> None:
    """Create or update what the place is to hold; what is there decides which."""
    try:
        seen = _found(exchange)
    except NotFound:
        seen = None
    _require_conditions(exchange, seen)
    container = isinstance(seen.object, Container) if seen else _wants_container(exchange)
    if seen is not None and _is_moved(exchange, resp, seen):
        return
    if container:
        _put_container(exchange, resp, seen)
    elif exchange.content_type == v.OBJECT:
        _put_document(exchange, resp, seen)
    else:
        _put_value(exchange, resp, seen)


def _wants_container(exchange: Exchange) -> bool:
    """What a PUT makes where nothing is. Raises InvalidRequest where type and slash do not agree."""
    if exchange.content_type == v.CONTAINER and not exchange.slash:
        raise InvalidRequest("the path of a container ends in a slash", field="path")
    if exchange.content_type == v.OBJECT and exchange.slash:
        raise InvalidRequest("the path of a data object does not end in a slash", field="path")
    return exchange.slash


def _require_conditions(exchange: Exchange, seen: Seen | None) -> None:
    """Raises what the preconditions of HTTP, and those of CDMI 1.0, come to."""
    env = exchange.req.env
    if env.get("HTTP_X_CDMI_NOCLOBBER", "").lower() == "true" and seen is not None:
        raise AlreadyExists("X-CDMI-NoClobber: there is an object here")
    if env.get("HTTP_X_CDMI_MUSTEXIST", "").lower() == "true" and seen is None:
        raise NotFound("X-CDMI-MustExist: there is no object here")
    etag = f'"{seen.object.id}-{seen.object.changes}"' if seen else None
    none_match, match = env.get("HTTP_IF_NONE_MATCH"), env.get("HTTP_IF_MATCH")
    if none_match is not None and etag is not None and _names_tag(none_match, etag):
        raise InvalidRequest("If-None-Match: there is such an object", reason="precondition")
    if match is not None and (etag is None or not _names_tag(match, etag)):
        raise InvalidRequest("If-Match: there is no such object", reason="precondition")


def _names_tag(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in (part.strip() for part in header.split(","))


def _require_type(exchange: Exchange, media_type: str) -> None:
    if exchange.content_type not in (media_type, None):
        raise InvalidRequest(f"Content-Type: this is {media_type}", field="content_type")
    if exchange.content_type is None and (exchange.length or 0) > 0:
        raise InvalidRequest("Content-Type is missing", field="content_type")


def _put_container(exchange: Exchange, resp: falcon.Response, seen: Seen | None) -> None:
    _require_type(exchange, v.CONTAINER)
    found = exchange.json()
    _require_offered(found, ("exports", "snapshot"))
    wish = _wish(found, seen.object if seen else None, exchange.selectors)
    if seen is not None:
        if wish:
            _change(exchange, found)
        exchange.answer(resp, 204)
        return
    made = exchange.endpoint.objects.make_container(exchange.caller, exchange.place, wish)
    resp.set_header("Location", exchange.uri(exchange.names, container=True))
    if not exchange.is_cdmi:
        exchange.answer(resp, 201)
        return
    document = fields(_shown(exchange, made), Selectors())
    exchange.answer(resp, 201, {**document, "childrenrange": "", "children": []}, v.CONTAINER)


def _put_document(exchange: Exchange, resp: falcon.Response, seen: Seen | None) -> None:
    found = exchange.json()
    _require_offered(found)
    selectors = exchange.selectors
    present = seen.object if seen else None
    encoding = _encoding(found, present, in_part=bool(selectors.value))
    try:
        content = body.value_of(found, encoding)
    except body.BodyError as error:
        raise InvalidRequest(str(error), field="value") from None
    wish = _wish(found, present, selectors)
    objects, caller, place = exchange.endpoint.objects, exchange.caller, exchange.place
    if selectors.value:
        if content is None or len(selectors.value) > 1 or len(content) != selectors.value[0].length:
            raise InvalidRequest("value: not as long as the range that is to be written", field="value")
        if seen is None:
            raise NotFound("no object to write a part of")
        objects.patch(caller, place, selectors.value[0].first, [content], wish)
    elif seen is not None and content is None:
        if wish:
            _change(exchange, found)
    else:
        wish.setdefault("mimetype", present.mimetype if isinstance(present, DataObject) else "text/plain")
        wish.setdefault("encoding", encoding)
        written, made = objects.write(caller, place, [content or b""], wish)
        if made:
            resp.set_header("Location", exchange.uri(exchange.names, container=False))
            document = fields(_shown(exchange, written), Selectors())
            del document["valuetransferencoding"]  # a create answers without all about the value (8.2.6)
            exchange.answer(resp, 201, document, v.OBJECT)
            return
    exchange.answer(resp, 204)


def _encoding(found: Mapping[str, Any], present: StoredObject | None, *, in_part: bool) -> Encoding:
    """How the value of a body is to be read: a part is always base64."""
    if in_part:
        return Encoding.BASE64
    try:
        given = body.encoding_of(found)
    except body.BodyError as error:
        raise InvalidRequest(str(error), field="valuetransferencoding") from None
    return given or (present.encoding if isinstance(present, DataObject) else Encoding.UTF_8)


def _put_value(exchange: Exchange, resp: falcon.Response, seen: Seen | None) -> None:
    env, objects = exchange.req.env, exchange.endpoint.objects
    wish: Wish = {}
    if exchange.content_type is not None or seen is None:
        wish["mimetype"] = exchange.content_type or _DEFAULT_TYPE
        charset = (env.get("CONTENT_TYPE") or "").lower().replace(" ", "").partition("charset=")[2]
        wish["encoding"] = Encoding.UTF_8 if charset.strip('"') == "utf-8" else Encoding.BASE64
    header = env.get("HTTP_CONTENT_RANGE") or env.get("HTTP_RANGE")
    if header is not None:
        part = ranges.written(header)
        if part is None:
            raise InvalidRequest("Content-Range: not one range such as bytes 0-9/20", field="content_range")
        if exchange.length is not None and exchange.length != part.length:
            raise InvalidRequest("Content-Range: not as long as the body", field="content_range")
        if seen is None:
            raise NotFound("no object to write a part of")
        objects.patch(exchange.caller, exchange.place, part.first, exchange.blocks(), wish)
        exchange.answer(resp, 204)
        return
    _, made = objects.write(exchange.caller, exchange.place, exchange.blocks(), wish)
    if made:
        resp.set_header("Location", exchange.uri(exchange.names, container=False))
    exchange.answer(resp, 201 if made else 204)


def delete(exchange: Exchange, resp: falcon.Response) -> None:
    """Remove an object, a container with all that is in it."""
    seen = _found(exchange)
    if _is_moved(exchange, resp, seen):
        return
    exchange.endpoint.objects.remove(exchange.caller, exchange.place)
    exchange.answer(resp, 204)


def _change(exchange: Exchange, found: Mapping[str, Any]) -> None:
    selectors = exchange.selectors
    exchange.endpoint.objects.change(
        exchange.caller, exchange.place, lambda present: _wish(found, present, selectors)
    )


def _require_offered(found: Mapping[str, Any], more: tuple[str, ...] = ()) -> None:
    """Raises Unsupported for a field whose capability is not published (12.1)."""
    for name in (*v.SOURCES, *more):
        if name in found:
            raise Unsupported(f"{name}: not offered here; no capability names it")


def _wish(found: Mapping[str, Any], present: StoredObject | None, selectors: Selectors) -> Wish:
    """What a body wants of an object besides its value. Raises InvalidRequest."""
    wish: Wish = {}
    try:
        metadata = body.metadata_of(found)
        mimetype, encoding = body.mimetype_of(found), body.encoding_of(found)
    except body.BodyError as error:
        raise InvalidRequest(str(error), field="body") from None
    if metadata is not None or "metadata" in selectors.fields:
        own, acl = metadata or ({}, None)
        if selectors.metadata and present is not None:
            kept = {n: item for n, item in present.metadata.items() if n not in selectors.metadata}
            own = kept | {n: own[n] for n in selectors.metadata if n in own}
        if own or present is None or present.metadata or acl is None:
            wish["metadata"] = own
        if acl is not None and (not selectors.metadata or v.ACL in selectors.metadata):
            wish["acl"] = acl
            if selectors.metadata == (v.ACL,):
                wish.pop("metadata", None)  # the right to the list alone is enough for it
    if mimetype is not None and not isinstance(present, Container):
        wish["mimetype"] = mimetype
    if encoding is not None and not isinstance(present, Container):
        wish["encoding"] = encoding
    return wish

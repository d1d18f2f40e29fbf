"""What all resources need: the wish of a body, preconditions, slashes, what is shown of an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering import body
from cdmi_gw.rendering.documents import Shown, fields, has_slash, readable, uri
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.resources import exports
from cdmi_gw.resources.exchange import Exchange
from gateway.model import (
    AlreadyExists,
    Completion,
    Condition,
    Container,
    DataObject,
    Forbidden,
    InvalidRequest,
    NotFound,
    StoredObject,
    Unsupported,
    Wish,
)
from gateway.objects.names import Seen
from gateway.objects.values import Replaced

R = TypeVar("R")

#: How often reading is begun anew.
_ATTEMPTS = 50


def again(work: Callable[[], R]) -> R:
    """What ``work`` gives, which is begun anew where others change what it reads."""
    for _ in range(_ATTEMPTS):
        with suppress(Replaced):
            return work()
    return work()


def read(field: str, work: Callable[[], R]) -> R:
    """What ``work`` reads of a body; what is wrong with it is a bad request."""
    try:
        return work()
    except body.BodyError as error:
        raise InvalidRequest(str(error), field=field) from None


def shown(exchange: Exchange, seen: Seen, selectors: Selectors | None = None) -> Shown:
    """An object as its document needs it; snapshots are looked up where they are asked for."""
    names: tuple[str, ...] = ()
    wanted = selectors is not None and selectors.has("snapshots")
    if wanted and isinstance(seen.object, Container) and seen.object.parent is not None:
        names = tuple(exchange.endpoint.objects.snapshots(exchange.caller, exchange.place))
    classes = exchange.endpoint.objects.classes
    found = classes.get(seen.object.storage_class or "")
    exported = exports.shown(exchange, seen.object) if selectors is None or selectors.has("exports") else None
    return Shown(
        seen.object,
        seen.path,
        seen.rights,
        exchange.prefix,
        seen.system,
        seen.domain,
        names,
        exported,
        found.metadata if found is not None else {},
    )


def etag(thing: StoredObject) -> str:
    return f'"{thing.id}-{thing.changes}"'


def is_moved(exchange: Exchange, resp: falcon.Response, seen: Seen) -> bool:
    """Whether the slash at the end is missing, or too much; then where the object is has been told."""
    container = has_slash(seen.object)
    if exchange.slash == container or (container and exchange.endpoint.slashless):
        return False
    exchange.moved(resp, uri(exchange.prefix, exchange.names, container=container))
    return True


def require_some(exchange: Exchange, selectors: Selectors, seen: Seen) -> None:
    """Raises Forbidden where nothing of what is asked for may be seen."""
    wanted = selectors.fields or ("objectID", "metadata", "value", "children")
    if not any(readable(field, seen.rights) for field in wanted):
        error = Forbidden("you may not read any of this")
        exchange.endpoint.objects.denied(exchange.caller, "object.read", error)
        raise error


def condition_of(exchange: Exchange) -> Condition | None:
    """What the preconditions of HTTP, and those of CDMI 1.0, come to; None where there are none."""
    env = exchange.req.env
    no_clobber = env.get("HTTP_X_CDMI_NOCLOBBER", "").lower() == "true"
    must_exist = env.get("HTTP_X_CDMI_MUSTEXIST", "").lower() == "true"
    none_match, match = env.get("HTTP_IF_NONE_MATCH"), env.get("HTTP_IF_MATCH")
    if not no_clobber and not must_exist and none_match is None and match is None:
        return None

    def condition(present: StoredObject | None) -> None:
        if no_clobber and present is not None:
            raise AlreadyExists("X-CDMI-NoClobber: there is an object here")
        if must_exist and present is None:
            raise NotFound("X-CDMI-MustExist: there is no object here")
        tag = etag(present) if present is not None else None
        if none_match is not None and tag is not None and names_tag(none_match, tag):
            raise InvalidRequest("If-None-Match: there is such an object", reason="precondition")
        if match is not None and (tag is None or not names_tag(match, tag)):
            raise InvalidRequest("If-Match: there is no such object", reason="precondition")

    return condition


def require_conditions(exchange: Exchange, seen: Seen | None) -> None:
    """Raises where a precondition does not hold before anything of the body is read."""
    condition = condition_of(exchange)
    if condition is not None:
        condition(seen.object if seen else None)


def names_tag(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in (part.strip() for part in header.split(","))


def require_type(exchange: Exchange, *media_types: str) -> None:
    """Raises InvalidRequest where the body is said to be of another kind (5.13.2)."""
    if exchange.content_type not in (*media_types, None):
        raise InvalidRequest(f"Content-Type: this is {media_types[0]}", field="content_type")
    if exchange.content_type is None and (exchange.length or 0) > 0:
        raise InvalidRequest("Content-Type is missing", field="content_type")


def source_of(found: Mapping[str, Any], allowed: tuple[str, ...]) -> str | None:
    """The one source that a body names. Raises InvalidRequest for two, or one that is of no use here."""
    given = [name for name in v.SOURCES if name in found]
    if len(given) > 1:
        raise InvalidRequest(f"{given[0]} and {given[1]}: one source at most", field=given[1])
    if given and given[0] not in allowed:
        raise Unsupported(f"{given[0]}: not possible here")
    return given[0] if given else None


def uri_of(found: Mapping[str, Any], name: str) -> str:
    """The URI that a field holds. Raises InvalidRequest."""
    given = found[name]
    if not isinstance(given, str) or not given or len(given) > 8192 or not given.isprintable():
        raise InvalidRequest(f"{name}: not a URI", field=name)
    return given


def wish_of(
    exchange: Exchange, found: Mapping[str, Any], present: StoredObject | None, selectors: Selectors
) -> Wish:
    """What a body wants of an object besides its value. Raises InvalidRequest."""
    wish: Wish = {}
    condition = condition_of(exchange)
    if condition is not None:
        wish["condition"] = condition
    metadata = read("body", lambda: body.metadata_of(found))
    if metadata is not None or "metadata" in selectors.fields:
        wish |= _metadata(metadata or body.Metadata(), present, selectors)
    if present is None or isinstance(present, DataObject):
        mimetype = read("body", lambda: body.mimetype_of(found))
        encoding = read("body", lambda: body.encoding_of(found))
        if mimetype is not None:
            wish["mimetype"] = mimetype
        if encoding is not None:
            wish["encoding"] = encoding
    wish |= _unknown(found)
    if found.get("capabilitiesURI") is not None:
        wish |= _class(exchange, uri_of(found, "capabilitiesURI"), present)
    if "domainURI" in found:
        place, _ = exchange.source("domainURI", uri_of(found, "domainURI"))
        wish["domain"] = place.names
    return wish


def _class(exchange: Exchange, uri: str, present: StoredObject | None) -> Wish:
    """The storage class that a URI of the capability tree names; that of the kind itself asks for nothing."""
    place, _ = exchange.source("capabilitiesURI", uri)
    names = place.names
    if names[:1] != (v.CAPABILITIES,) or not 2 <= len(names) <= 3:
        raise InvalidRequest("capabilitiesURI: not one of a class", field="capabilitiesURI")
    if present is not None and names[1] != present.kind.value:
        raise InvalidRequest(f"capabilitiesURI: this is a {present.kind.value}", field="capabilitiesURI")
    return {"storage_class": names[2]} if len(names) == 3 else {}


def _unknown(found: Mapping[str, Any]) -> Wish:
    """Fields that the standard does not know are kept and shown (8.1)."""
    fields = read("body", lambda: body.unknown_of(found))
    return {"fields": fields} if fields else {}


def _metadata(given: body.Metadata, present: StoredObject | None, selectors: Selectors) -> Wish:
    """Names in the query are set or removed; without any, everything is replaced (8.6, 16.1)."""
    names = selectors.metadata if present is not None else ()
    own, system = given.own, given.system
    if names and present is not None:
        own = _merged(present.metadata, own, names)
        system = _merged(present.system, system, names)
    wish: Wish = {"metadata": own, "system": system}
    if given.acl is not None and (not names or v.ACL in names):
        wish["acl"] = given.acl
    if given.owner is not None and present is not None and v.OWNER in names:
        wish["owner"] = given.owner
    return wish


def _merged(present: Mapping[str, Any], given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: item for name, item in present.items() if name not in names}
    return kept | {name: given[name] for name in names if name in given}


def made(exchange: Exchange, resp: falcon.Response, seen: Seen, **more: Any) -> None:
    """The answer to a create: 201, or 202 where a worker goes on with it; with the document for CDMI."""
    thing = seen.object
    names = seen.path if seen.path is not None else (v.OBJECT_ID, thing.id)
    resp.set_header("Location", exchange.uri(names, container=has_slash(thing)))
    status = 202 if thing.completion is Completion.PROCESSING and thing.percent is not None else 201
    if not exchange.is_cdmi:
        exchange.answer(resp, status)
        return
    document = fields(shown(exchange, seen), Selectors())
    document.pop("valuetransferencoding", None)  # a create answers without all about the value (8.2.6)
    exchange.answer(resp, status, {**document, **(more if status == 201 else {})}, document["objectType"])


def status_of_read(seen: Seen) -> int:
    """202 as long as an object is being made (8.4)."""
    thing = seen.object
    return 202 if thing.completion is Completion.PROCESSING and thing.percent is not None else 200

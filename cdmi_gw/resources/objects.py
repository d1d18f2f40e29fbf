"""What stands at a path decides which resource answers; where nothing stands, the request does."""

from __future__ import annotations

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.resources import capabilities, containers, dataobjects, domains, queues
from cdmi_gw.resources.common import condition_of, is_moved, require_conditions
from cdmi_gw.resources.exchange import Exchange
from gateway.model import Elsewhere, InvalidRequest, NotFound, ObjectKind
from gateway.objects.names import Seen

_RESOURCES = {
    ObjectKind.CONTAINER: containers,
    ObjectKind.DATA_OBJECT: dataobjects,
    ObjectKind.QUEUE: queues,
    ObjectKind.DOMAIN: domains,
}
_BY_TYPE = {
    v.CONTAINER: containers,
    v.OBJECT: dataobjects,
    v.QUEUE: queues,
    v.DOMAIN: domains,
}
#: Resources whose paths end in a slash.
_WITH_SLASH = (containers, domains)


def _found(exchange: Exchange) -> Seen:
    if exchange.place.is_new and exchange.req.method in ("PUT", "PATCH", "DELETE"):
        raise InvalidRequest("cdmi_objectid is neither made, changed nor removed", reason="reserved")
    if exchange.place.is_new:
        raise NotFound("objects are listed in containers, not here")
    return exchange.endpoint.objects.get(exchange.caller, exchange.place)


def get(exchange: Exchange, resp: falcon.Response) -> None:
    """Read an object; a place without, or with too much of, a slash is told the right one."""
    try:
        seen = _found(exchange)
    except Elsewhere:
        raise
    except NotFound:
        if exchange.names[:1] == (v.OBJECT_ID,) and capabilities.is_one(exchange):
            capabilities.get(exchange, resp)
            return
        raise
    if not is_moved(exchange, resp, seen):
        _RESOURCES[seen.object.kind].get(exchange, resp, seen)


def put(exchange: Exchange, resp: falcon.Response) -> None:
    """Create or update what the place is to hold; what is there decides which."""
    try:
        seen = _found(exchange)
    except Elsewhere:
        raise
    except NotFound:
        seen = None
    require_conditions(exchange, seen)
    if seen is not None:
        if not is_moved(exchange, resp, seen):
            _RESOURCES[seen.object.kind].update(exchange, resp, seen)
        return
    _wanted(exchange).create(exchange, resp)


def patch(exchange: Exchange, resp: falcon.Response) -> None:
    """Update, as CDMI 2.0 calls it; nothing is made."""
    seen = _found(exchange)
    require_conditions(exchange, seen)
    if not is_moved(exchange, resp, seen):
        _RESOURCES[seen.object.kind].update(exchange, resp, seen)


def _wanted(exchange: Exchange):  # type: ignore[no-untyped-def]  # one of the modules, which no type tells
    """What a PUT makes where nothing is. Raises InvalidRequest where type and slash do not agree."""
    default = containers if exchange.slash else dataobjects
    resource = _BY_TYPE.get(exchange.content_type or "", default)
    if exchange.names[:1] == (v.DOMAINS,) and exchange.slash and exchange.content_type is None:
        resource = domains
    if resource in _WITH_SLASH and not exchange.slash and not exchange.endpoint.slashless:
        raise InvalidRequest("the path of a container or domain ends in a slash", field="path")
    if resource not in _WITH_SLASH and exchange.slash:
        raise InvalidRequest("only paths of containers and domains end in a slash", field="path")
    return resource


def post(exchange: Exchange, resp: falcon.Response) -> None:
    """Create an object that the gateway names, or put values into a queue."""
    if exchange.place.is_new:
        _unnamed(exchange, resp)
        return
    seen = _found(exchange)
    if is_moved(exchange, resp, seen):
        return
    if seen.object.kind is ObjectKind.QUEUE:
        queues.enqueue(exchange, resp)
    elif seen.object.kind is ObjectKind.CONTAINER:
        _unnamed(exchange, resp)
    else:
        raise InvalidRequest("POST is for containers and queues", reason="method")


def _unnamed(exchange: Exchange, resp: falcon.Response) -> None:
    if exchange.content_type is None:
        raise InvalidRequest("Content-Type is missing", field="content_type")
    exchange.unnamed()
    if exchange.content_type == v.QUEUE:
        queues.create(exchange, resp)
    elif exchange.content_type in (v.CONTAINER, v.DOMAIN, v.CAPABILITY):
        raise InvalidRequest("only data objects and queues are made by POST", field="content_type")
    else:
        dataobjects.create(exchange, resp)


def delete(exchange: Exchange, resp: falcon.Response) -> None:
    """Remove an object, a container with all that is in it, or values of a queue."""
    objects, caller = exchange.endpoint.objects, exchange.caller
    try:
        seen = _found(exchange)
    except Elsewhere:
        seen = None  # the reference goes, not what it leads to
    if seen is not None and is_moved(exchange, resp, seen):
        return
    require_conditions(exchange, seen)
    if seen is not None and seen.object.kind is ObjectKind.QUEUE and exchange.selectors.given:
        queues.dequeue(exchange)
    else:
        objects.remove(caller, exchange.place, condition_of(exchange))
    exchange.answer(resp, 204)

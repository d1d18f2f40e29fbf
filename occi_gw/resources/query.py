"""The query interface (GFD.185 section 3.4.1, GFD.223 section 5.4.1): discovery and user-defined mixins."""

from __future__ import annotations

import re

import falcon

from gateway.model import AlreadyExists, Conflict, Forbidden, InvalidRequest, NotFound, shorten
from occi_gw.registry import Model, tag_mixin
from occi_gw.rendering import read_headers
from occi_gw.rendering.values import CategoryLine, Kind
from occi_gw.resources.exchange import Endpoint, Exchange
from occi_gw.scene import resolve

_LOCATION = re.compile(r"(/[A-Za-z0-9._~-]+)+/")


class QueryInterface:
    """``/-/`` and its well-known mirror."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The whole model, or the categories that headers name."""
        exchange = self._endpoint.exchange(req, anonymous=True)
        model = exchange.scene.tagged
        filters = exchange.structures()
        if filters:
            lines = read_headers(filters).categories
            found = {line.identifier: resolve(line, model) for line in lines}
            if found:
                exchange.answer(resp, exchange.outgoing.categories(found.values()))
                return
        rendered = model.rendered.get(exchange.outgoing)
        if rendered is None:
            rendered = exchange.outgoing.model(
                tuple(model.kinds.values()), tuple(model.mixins.values()), tuple(model.actions.values())
            )
            model.rendered[exchange.outgoing] = rendered
        exchange.answer(resp, rendered)

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Define a mixin: private to its owner, without attributes and actions."""
        exchange = self._endpoint.exchange(req)
        exchange.outgoing.require_structures()  # what the texts of one mixin may take fits into a header
        line = _one(exchange, "define")
        scene = exchange.scene
        if line.category_class not in (None, "mixin"):
            raise InvalidRequest(
                f"Category: only a mixin can be defined, not a {line.category_class}", field="category"
            )
        if line.attributes or line.actions:
            raise InvalidRequest(
                "Category: a user's mixin has neither attributes nor actions", field="category"
            )
        location = _location(scene.path_of(line.location) if line.location else "", scene.prefix)
        model = scene.tagged
        _check_free(line, location, model, scene.prefix)
        if scene.cloud.by_path(scene.caller, location.rstrip("/")) is not None:
            raise AlreadyExists(f"location {shorten(location)} is that of an entity")
        scene.cloud.tags.add(
            scene.caller.principal.user,
            scheme=line.scheme,
            term=line.term,
            title=line.title,
            rel=" ".join(line.rel) or None,
            location=location,
        )
        scene.forget()
        tag = scene.tagged.tags[line.identifier]
        exchange.answer(resp, exchange.outgoing.categories([tag_mixin(tag)]))

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Remove a mixin of the caller's, with all its uses."""
        exchange = self._endpoint.exchange(req)
        line = _one(exchange, "remove")
        model = exchange.scene.tagged
        tag = model.tags.get(line.identifier)
        if tag is None:
            known = {**model.kinds, **model.mixins, **model.actions}
            if line.identifier in known:
                raise Forbidden(f"Category: {shorten(line.identifier)} is the provider's; it stays")
            raise NotFound(f"Category: {shorten(line.identifier)} is not known here")
        exchange.scene.cloud.tags.remove(exchange.scene.caller.principal.user, tag)
        exchange.answer(resp, exchange.outgoing.ok())


def _one(exchange: Exchange, verb: str) -> CategoryLine:
    lines = exchange.read().categories
    if len(lines) != 1:
        raise InvalidRequest(
            f"Category: name exactly one mixin to {verb}, not {len(lines)}", field="category"
        )
    return lines[0]


def _location(path: str, prefix: str) -> str:
    """Where the collection of a user's mixin may be. Raises InvalidRequest."""
    if not path:
        raise InvalidRequest("location is missing; give a path such as /tags/mine/", field="location")
    if len(path) > 255 or _LOCATION.fullmatch(path) is None or {".", ".."} & set(path.split("/")):
        raise InvalidRequest(
            f"location {shorten(path)}: a path of letters, digits, '.', '_', '-' that begins and ends with /",
            field="location",
        )
    if prefix and not path.startswith(f"{prefix}/"):
        return prefix + path
    return path


def _check_free(line: CategoryLine, location: str, model: Model, prefix: str) -> None:
    """Raises AlreadyExists for a taken name or place, Conflict for a place inside a kind's."""
    if line.identifier in model.mixins or line.identifier in model.kinds or line.identifier in model.actions:
        raise AlreadyExists(f"Category: {shorten(line.identifier)} is defined already")
    taken = model.locations.get(location)
    if taken is not None:
        raise AlreadyExists(f"location {shorten(location)} is that of {taken.identifier}")
    kinds: list[Kind] = list(model.kinds.values())
    for kind in kinds:
        if kind.location is not None and location.startswith(kind.location):
            raise Conflict(f"location {shorten(location)} is inside that of {kind.identifier}")
    if location.removeprefix(prefix).startswith(("/-/", "/.well-known/")) or location == f"{prefix}/":
        raise Conflict(f"location {shorten(location)} is reserved")

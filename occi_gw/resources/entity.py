"""One entity (GFD.185 section 3.4.4, GFD.223 section 5.4.6): read, replace, change, act, delete."""

from __future__ import annotations

from typing import Any

import falcon

from gateway.model import InvalidRequest, NotFound, shorten
from occi_gw.nouns.base import Noun
from occi_gw.resources.collections import no_action, requested_action
from occi_gw.resources.exchange import Endpoint, Exchange


class EntityResource:
    """``/compute/{id}`` and every path that a client chose for an entity."""

    def __init__(self, endpoint: Endpoint, noun: Noun[Any]) -> None:
        self._endpoint = endpoint
        self._noun = noun

    def on_get(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:
        exchange = self._endpoint.exchange(req)
        noun, scene = self._noun, exchange.scene
        try:
            rendered = noun.show(scene, id.removeprefix("urn:uuid:"), exchange.outgoing)
        except NotFound:
            noun, chosen = self._chosen(exchange, id)
            rendered = noun.show(scene, chosen, exchange.outgoing)
        exchange.answer(resp, rendered)

    on_head = on_get

    def on_put(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:
        """Replace the entity, or make one at this path."""
        exchange = self._endpoint.exchange(req)
        path = self._noun.location + id
        found = self._find(exchange, id)
        put_entity(exchange, resp, path, found, self._noun)

    def on_post(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:
        exchange = self._endpoint.exchange(req)
        post_entity(exchange, req, resp, *self._required(exchange, id))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:
        exchange = self._endpoint.exchange(req)
        noun, own = self._required(exchange, id)
        noun.delete(exchange.scene, own)
        exchange.answer(resp, exchange.outgoing.ok())

    def _find(self, exchange: Exchange, id: str) -> tuple[Noun[Any], str] | None:
        own = id.removeprefix("urn:uuid:")
        try:
            self._noun.get(exchange.scene, own)
        except NotFound:
            try:
                return self._chosen(exchange, id)
            except NotFound:
                return None
        return self._noun, own

    def _required(self, exchange: Exchange, id: str) -> tuple[Noun[Any], str]:
        found = self._find(exchange, id)
        if found is None:
            raise NotFound(f"no {self._noun.kind.term} {shorten(id)}")
        return found

    def _chosen(self, exchange: Exchange, id: str) -> tuple[Noun[Any], str]:
        """The entity whose maker chose this path. Raises NotFound."""
        row = exchange.scene.cloud.by_path(exchange.scene.caller, self._noun.location + id)
        if row is None:
            raise NotFound(f"no {self._noun.kind.term} {shorten(id)}")
        return exchange.scene.noun_of(row), row.id


def put_entity(
    exchange: Exchange,
    resp: falcon.Response,
    path: str,
    found: tuple[Noun[Any], str] | None,
    home: Noun[Any] | None,
) -> None:
    """Replace what is at a path, or make the first thing there."""
    incoming = exchange.read_request()
    no_action(incoming)
    scene = exchange.scene
    if found is not None:
        noun, id = found
        exchange.outgoing.require_structures()
        exchange.changed(resp, noun.update(scene, id, incoming, full=True))
        return
    kind = incoming.require_kind()
    if home is not None and home.kind.identifier != kind.identifier:
        raise InvalidRequest(
            f"Category: {shorten(kind.identifier)} is not made below {home.location}", field="category"
        )
    exchange.created(resp, exchange.noun(kind.identifier).create(scene, incoming, path))


def post_entity(
    exchange: Exchange, req: falcon.Request, resp: falcon.Response, noun: Noun[Any], id: str
) -> None:
    """Act on the entity, or change what the request names."""
    scene = exchange.scene
    incoming = exchange.read_request()
    if "action" in req.params:
        outgoing, action = exchange.outgoing, requested_action(req, incoming)
        if noun.yields(action):
            outgoing.require_structures()
        yielded = noun.act(scene, id, action, incoming.attributes)
        exchange.answer(resp, outgoing.ok() if yielded is None else outgoing.categories([yielded]))
        return
    no_action(incoming)
    exchange.outgoing.require_structures()
    exchange.changed(resp, noun.update(scene, id, incoming, full=False))

"""Paths that no table can list: mixin collections, paths of a client's choice, unbound paths."""

from __future__ import annotations

from typing import Any

import falcon

from gateway.frontends import ROUTE
from gateway.model import NotFound, shorten
from occi_gw.rendering.values import Mixin
from occi_gw.resources.collections import MixinCollection, PathCollection
from occi_gw.resources.entity import post_entity, put_entity
from occi_gw.resources.exchange import Endpoint, Exchange

_COLLECTION_METHODS = ("GET", "HEAD", "POST", "DELETE")
_MIXIN_METHODS = (*_COLLECTION_METHODS, "PUT")
_ENTITY_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


class Anywhere:
    """A Falcon sink: the path decides what it is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._mixins = MixinCollection(endpoint)
        self._paths = PathCollection(endpoint)

    def __call__(self, req: falcon.Request, resp: falcon.Response, **groups: Any) -> None:
        path = self._endpoint.services.prefix + req.path
        exchange = self._endpoint.exchange(req)
        mixin = self._mixin(exchange, path)
        if mixin is not None:
            req.env[ROUTE] = "{mixin}"
            _require(req, _MIXIN_METHODS)
            self._dispatch_mixin(req, resp, mixin)
        elif path.endswith("/"):
            req.env[ROUTE] = "{path}/"
            _require(req, _COLLECTION_METHODS)
            self._dispatch_path(req, resp, path)
        else:
            req.env[ROUTE] = "{path}"
            _require(req, _ENTITY_METHODS)
            self._entity(exchange, req, resp, path)

    @staticmethod
    def _mixin(exchange: Exchange, path: str) -> Mixin | None:
        """The mixin whose collection is here; a missing slash at the end is forgiven."""
        locations = exchange.scene.tagged.locations
        return locations.get(path) or locations.get(f"{path}/")

    def _dispatch_mixin(self, req: falcon.Request, resp: falcon.Response, mixin: Mixin) -> None:
        respond = {
            "GET": self._mixins.on_get,
            "HEAD": self._mixins.on_get,
            "POST": self._mixins.on_post,
            "PUT": self._mixins.on_put,
            "DELETE": self._mixins.on_delete,
        }
        respond[req.method](req, resp, mixin)

    def _dispatch_path(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        respond = {
            "GET": self._paths.on_get,
            "HEAD": self._paths.on_get,
            "POST": self._paths.on_post,
            "DELETE": self._paths.on_delete,
        }
        respond[req.method](req, resp, path)

    @staticmethod
    def _entity(exchange: Exchange, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        scene = exchange.scene
        row = scene.cloud.by_path(scene.caller, path)
        found = (scene.noun_of(row), row.id) if row is not None else None
        if req.method == "PUT":
            put_entity(exchange, resp, path, found, None)
            return
        if found is None:
            raise NotFound(f"no entity at {shorten(path)}")
        noun, id = found
        if req.method == "POST":
            post_entity(exchange, req, resp, noun, id)
        elif req.method == "DELETE":
            noun.delete(scene, id)
            exchange.answer(resp, exchange.outgoing.ok())
        else:
            exchange.answer(resp, exchange.outgoing.entity(noun.get(scene, id)))


def _require(req: falcon.Request, methods: tuple[str, ...]) -> None:
    if req.method not in methods:
        raise falcon.HTTPMethodNotAllowed(methods)


class Root:
    """The root of the endpoint, the union of all collections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._paths = PathCollection(endpoint)
        self._path = endpoint.services.prefix + "/"

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._paths.on_get(req, resp, self._path)

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._paths.on_post(req, resp, self._path)

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._paths.on_delete(req, resp, self._path)

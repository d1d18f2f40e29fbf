"""One HTTP exchange: who asks, in which rendering, and how the answer is put on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import falcon

from gateway.frontends import Services
from gateway.model import InvalidRequest, NotAuthenticated, NotFound
from occi_gw.errors import NotAcceptable, NotImplementedVersion, TooLarge
from occi_gw.nouns.base import Made, Noun
from occi_gw.registry import Registry
from occi_gw.rendering import (
    READABLE,
    WRITABLE,
    HeaderTooLarge,
    Rendered,
    Rendering,
    client_version,
    negotiate,
    rendering,
    request_type,
)
from occi_gw.rendering.negotiation import TEXT_OCCI
from occi_gw.rendering.values import Entity, Message
from occi_gw.scene import Incoming, Scene
from occi_gw.vocabulary import VERSION

#: Entities that one request may name: as many as the largest page lists.
MAX_NAMED = 10_000

#: GFD.223: servers tell the media types they prefer; clients of the older JSON must not choose it here.
ACCEPT = "text/plain, text/occi, text/uri-list"
ACCEPT_JSON = f"{ACCEPT}, application/occi+json"

#: The structures in a WSGI environment; the second name of each is an alias that some servers write.
_STRUCTURES = {
    "HTTP_CATEGORY": "Category",
    "HTTP_X_OCCI_CATEGORY": "X-OCCI-Category",
    "HTTP_LINK": "Link",
    "HTTP_X_OCCI_LINK": "X-OCCI-Link",
    "HTTP_X_OCCI_ATTRIBUTE": "X-OCCI-Attribute",
    "HTTP_X_OCCI_LOCATION": "X-OCCI-Location",
    "HTTP_LOCATION": "Location",
}


class Endpoint:
    """What all resources share: services, registry, nouns."""

    def __init__(
        self,
        services: Services,
        registry: Registry,
        nouns: Mapping[str, Noun[Any]],
    ) -> None:
        self.services = services
        self.registry = registry
        self.nouns = nouns

    def exchange(self, req: falcon.Request, *, anonymous: bool = False) -> Exchange:
        """Begin an exchange: version, then identity, then rendering.

        Raises NotImplementedVersion, NotAuthenticated, NotAcceptable, InvalidRequest.
        """
        client = _client_version(req.env.get("HTTP_USER_AGENT"))
        if client is not None and client > VERSION:
            raise NotImplementedVersion(
                f"OCCI/{client[0]}.{client[1]} is not spoken here; OCCI/1.1 and OCCI/1.2 are"
            )
        services = self.services
        try:
            caller = services.caller(req.env, "occi")
        except NotAuthenticated:
            if not (anonymous and services.anonymous_model and "HTTP_AUTHORIZATION" not in req.env):
                raise
            caller = services.anonymous(req.env, "occi")
        if "\0" in req.path:  # PostgreSQL takes none, nobody is called so
            raise NotFound("no path has a NUL")
        authority, prefix = services.base(req.env)
        scene = Scene(
            services.cloud,
            caller,
            self.registry,
            self.nouns,
            authority=authority,
            prefix=prefix,
            idempotency_key=req.env.get("HTTP_IDEMPOTENCY_KEY"),
            homes=services.homes,
        )
        return Exchange(scene, _outgoing(req.env.get("HTTP_ACCEPT"), client), req, client, services.max_body)


#: What a client says of itself is the same in each of its requests.
_client_version = lru_cache(maxsize=256)(client_version)


def outgoing(req: falcon.Request) -> Rendering:
    """The rendering of the answer. Raises NotAcceptable."""
    return _outgoing(req.env.get("HTTP_ACCEPT"), _client_version(req.env.get("HTTP_USER_AGENT")))


@lru_cache(maxsize=256)
def _outgoing(accept: str | None, client: tuple[int, int] | None) -> Rendering:
    media_type = negotiate(accept)
    if media_type is None:
        raise NotAcceptable(f"Accept: nothing of it is written here; these are: {', '.join(WRITABLE)}")
    return rendering(media_type, client)


class Exchange:
    """A request being answered."""

    def __init__(
        self,
        scene: Scene,
        outgoing: Rendering,
        req: falcon.Request,
        client: tuple[int, int] | None,
        max_body: int,
    ) -> None:
        self.scene = scene
        self.outgoing = outgoing
        self.client = client
        self._req = req
        self._max_body = max_body

    def read(self) -> Message:
        """The structures of the request. Raises ParseError, NotAcceptable, TooLarge."""
        structures = self.structures()
        return self._incoming(structures).read(structures, self._body())

    def read_request(self) -> Incoming:
        """The structures, resolved against the caller's model."""
        message = self.read()
        model = self.scene.model
        known = all(model.knows(line.identifier) for line in message.categories)
        return Incoming.of(message, model if known else self.scene.tagged)

    def read_locations(self) -> tuple[str, ...]:
        """The entities that the request names, each once; none for a request without body and structures.

        What says something but names nothing (``[]``) is refused: without names a DELETE means everything.
        Raises ParseError, NotAcceptable, InvalidRequest, TooLarge.
        """
        structures = self.structures()
        body = self._body()
        incoming = self._incoming(structures)
        if incoming.media_type == TEXT_OCCI and body.strip() == b"OK":
            body = b""  # what clients send where headers carry everything
        if not body and not structures:
            return ()
        if not body.strip() and structures:
            incoming = rendering(TEXT_OCCI)
        named = tuple(dict.fromkeys(incoming.read_locations(structures, body)))
        if len(named) > MAX_NAMED:
            raise TooLarge(f"the request names {len(named)} entities; name at most {MAX_NAMED} at a time")
        if not named:
            raise InvalidRequest("the request names no entity; send no body to mean all", field="location")
        return named

    def structures(self) -> Mapping[str, str]:
        """The headers that carry structures; they filter a GET, whatever its Content-Type."""
        env = self._req.env
        if _STRUCTURES.keys().isdisjoint(env):
            return {}
        return {name: env[key] for key, name in _STRUCTURES.items() if key in env}

    def _incoming(self, structures: Mapping[str, str]) -> Rendering:
        content_type = self._req.env.get("CONTENT_TYPE")
        media_type = request_type(content_type, bool(structures))
        if media_type is None:
            raise NotAcceptable(
                f"Content-Type: not read here; these are: {', '.join(READABLE)}", reason="content_type"
            )
        return rendering(media_type, self.client)

    def _body(self) -> bytes:
        env = self._req.env
        length = env.get("CONTENT_LENGTH")
        if length:
            if re.fullmatch("[0-9]{1,18}", length) is None:
                raise InvalidRequest("Content-Length: not a number")
            if int(length) > self._max_body:
                raise TooLarge(f"the body has {length[:20]} bytes; at most {self._max_body} are read")
            body = self._read(int(length))
            if len(body) < int(length):
                raise InvalidRequest("the body is shorter than its Content-Length")
            return body
        if "HTTP_TRANSFER_ENCODING" not in env:
            return b""
        body = self._read(self._max_body + 1)
        if len(body) > self._max_body:
            raise TooLarge(f"the body has more than {self._max_body} bytes, the most that are read")
        return body

    def _read(self, size: int) -> bytes:
        try:
            body: bytes = self._req.env["wsgi.input"].read(size)
        except Exception as error:  # every server has its own for a chunk that is cut off or malformed
            raise InvalidRequest("the body breaks off or is not properly chunked") from error
        return body

    def answer(self, resp: falcon.Response, rendered: Rendered, status: int = 200) -> None:
        """Put a rendering on the wire."""
        put(resp, rendered, status, self.client)

    def changed(self, resp: falcon.Response, entity: Entity) -> None:
        """The entity after a change; where it does not fit into headers, that the change is done.

        How large it is shows only afterwards, and a refusal would say that nothing was changed.
        """
        try:
            rendered = self.outgoing.entity(entity)
        except HeaderTooLarge:
            rendered = self.outgoing.ok()
        self.answer(resp, rendered)

    def created(self, resp: falcon.Response, made: Made) -> None:
        entity = made.noun.get(self.scene, made.id) if self.outgoing.lists_entities else None
        self.answer(resp, self.outgoing.created(entity, self.scene.authority + made.path), 201)

    def listed(self, resp: falcon.Response, paths: Iterable[str]) -> None:
        self.answer(resp, self.outgoing.locations(self.scene.authority, paths))

    def noun(self, kind: str) -> Noun[Any]:
        """The noun of a kind. Raises NotFound for a kind without entities."""
        try:
            return self.scene.nouns[kind]
        except KeyError:
            raise NotFound(f"no entities of kind {kind} are made here") from None


def put(
    resp: falcon.Response, rendered: Rendered, status: int, client: tuple[int, int] | None = None
) -> None:
    """Status, headers and body of a rendering."""
    resp.status = status
    for name, value in rendered.headers:
        resp.set_header(name, value)
    resp.set_header("Accept", ACCEPT_JSON if client is not None and client < VERSION else ACCEPT)
    if isinstance(rendered.body, bytes):
        resp.data = rendered.body
    else:
        resp.stream = rendered.body

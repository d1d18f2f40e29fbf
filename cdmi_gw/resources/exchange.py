"""One HTTP exchange: who asks, for which place, in CDMI or plainly, and the bytes that came along."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.rendering import body, selectors
from cdmi_gw.rendering.documents import uri
from cdmi_gw.rendering.selectors import Selectors
from cdmi_gw.rendering.version import chosen
from gateway.frontends import Services
from gateway.identity import Caller
from gateway.model import InvalidRequest, NotAuthenticated, NotFound, shorten
from gateway.objects.names import Place, place_of
from gateway.objects.space import Objects
from gateway.objects.values import BLOCK

#: What JSON bodies may have at most; larger values go by plain HTTP.
MAX_JSON = 32 << 20

_LIBCDMI = "libcdmi-python/"


class Endpoint:
    """What all resources share."""

    def __init__(self, services: Services, *, slashless: bool = False) -> None:
        self.services = services
        #: Whether containers are served without the slash at the end of their paths too.
        self.slashless = slashless

    @property
    def objects(self) -> Objects:
        return self.services.cloud.objects


class Exchange:
    """A request being answered. Raises InvalidRequest, NotFound, NotAuthenticated while it is opened."""

    def __init__(self, endpoint: Endpoint, req: falcon.Request, *, anonymous: bool = False) -> None:
        self.endpoint, self.req = endpoint, req
        self.version = version_of(req.env)
        #: Why whoever asks is nobody; what nobody may not do takes signing in.
        self.unsigned: NotAuthenticated | None = None
        self.caller = self._signed_in(anonymous)
        services = endpoint.services
        self.authority, self.prefix = services.base(req.env)
        self.names, self.slash = _names(req.env)
        self.content_type = _media_type(req.env.get("CONTENT_TYPE"))

    def _signed_in(self, anonymous: bool) -> Caller:
        services, env = self.endpoint.services, self.req.env
        if anonymous:
            return services.anonymous(env, "cdmi")
        try:
            return services.caller(env, "cdmi")
        except NotAuthenticated as error:
            if error.reason != "auth.missing":
                raise
            self.unsigned = error
            return services.anonymous(env, "cdmi")

    @property
    def place(self) -> Place:
        """Raises NotFound for what is no object ID."""
        return place_of(self.names)

    def named(self, name: str) -> None:
        """What is made in the container of the request is called so, or by its ID with an empty name."""
        if not self.place.is_new:
            self.names = (*(self.names[:-1] if self.names[-1:] == ("",) else self.names), name)

    def unnamed(self) -> None:
        """What is made in the container of the request is called by its ID."""
        self.named("")

    @property
    def selectors(self) -> Selectors:
        try:
            return selectors.parse(self.req.env.get("QUERY_STRING", ""))
        except selectors.SelectorError as error:
            raise InvalidRequest(f"query: {error}", field="query") from None

    @property
    def is_cdmi(self) -> bool:
        """Whether this is a CDMI request (the decision is ours: real clients break both rules for it)."""
        env = self.req.env
        if self.version is not None or self.content_type in v.MEDIA_TYPES:
            return True
        accept = env.get("HTTP_ACCEPT", "")
        if any(media_type in accept for media_type in v.MEDIA_TYPES):
            return not env.get("HTTP_USER_AGENT", "").startswith(_LIBCDMI)
        plain = not accept or accept.strip() in ("*/*", "application/json")
        return self.req.method in ("GET", "HEAD") and plain and self._selects()

    def _selects(self) -> bool:
        query = self.req.env.get("QUERY_STRING", "")
        return bool(query) and all(
            part.partition(":")[0].removesuffix("/") in v.FIELDS for part in query.split(";") if part
        )

    @property
    def wants_parts(self) -> bool:
        """Whether the answer is to be ``multipart/mixed``."""
        accept = self.req.env.get("HTTP_ACCEPT", "")
        offered = (v.MULTIPART, v.OBJECT, v.QUEUE)
        preferred = self.req.client_prefers(offered) if v.MULTIPART in accept else None
        return str(preferred) == v.MULTIPART

    @property
    def is_partial(self) -> bool:
        """Whether the write is one of a series (``X-CDMI-Partial``). Raises InvalidRequest."""
        given = self.req.env.get("HTTP_X_CDMI_PARTIAL", "false").strip().lower()
        if given not in ("true", "false"):
            raise InvalidRequest("X-CDMI-Partial: true or false", field="X-CDMI-Partial")
        return bool(given == "true")

    def require_accepted(self, media_type: str) -> None:
        """Raises InvalidRequest (406) where the client takes no such document."""
        accept = self.req.env.get("HTTP_ACCEPT")
        kinds = ("application/json", media_type)
        if accept and not any(self.req.client_accepts(kind) for kind in kinds):
            raise InvalidRequest(f"Accept: this is {media_type}", reason="not_acceptable")

    def uri(self, names: tuple[str, ...], *, container: bool) -> str:
        """An absolute link."""
        return self.authority + uri(self.prefix, names, container=container)

    def json(self) -> dict[str, Any]:
        """The JSON object of the request. Raises InvalidRequest."""
        found = b"".join(self.blocks(MAX_JSON))
        try:
            return body.read(found)
        except body.BodyError as error:
            raise InvalidRequest(str(error), field="body") from None

    def source(self, name: str, text: str) -> tuple[Place, Selectors]:
        """Where a URI of a body leads, and what of it is meant. Raises InvalidRequest.

        It is absolute, with or without the root's own path, or relative to the root.
        """
        address, _, query = text.partition("?")
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]*", address)
        if scheme is not None:
            if scheme[0].lower() != self.authority.lower():
                raise InvalidRequest(f"{name}: {shorten(text)} is not of this server", field=name)
            address = address[scheme.end() :]
        if self.prefix and (address + "/").startswith(self.prefix + "/"):
            address = address[len(self.prefix) :]
        try:
            names = tuple(unquote_to_bytes(step).decode() for step in address.split("/") if step)
            return place_of(names), selectors.parse(query)
        except UnicodeDecodeError:
            raise InvalidRequest(f"{name}: not UTF-8", field=name) from None
        except NotFound as error:
            raise InvalidRequest(f"{name}: {error.message}", field=name, reason="source") from None
        except selectors.SelectorError as error:
            raise InvalidRequest(f"{name}: {error}", field=name) from None

    def blocks(self, most: int | None = None) -> Iterator[bytes]:
        """The body of the request in blocks. Raises InvalidRequest for one that breaks off or is too long."""
        length = self.length
        if most is not None and length is not None and length > most:
            raise InvalidRequest(f"the body is longer than {most} bytes", reason="too_large")
        stream, read = self.req.env["wsgi.input"], 0
        if length is None and "HTTP_TRANSFER_ENCODING" not in self.req.env:
            return
        while length is None or read < length:
            try:
                block = stream.read(BLOCK if length is None else min(BLOCK, length - read))
            except Exception as error:  # every server has its own for a body that is cut off
                raise InvalidRequest("the body breaks off or is not properly chunked") from error
            if not block:
                break
            read += len(block)
            if most is not None and read > most:
                raise InvalidRequest(f"the body is longer than {most} bytes", reason="too_large")
            yield block
        if length is not None and read < length:
            raise InvalidRequest("the body is shorter than its Content-Length")

    @property
    def length(self) -> int | None:
        given = self.req.env.get("CONTENT_LENGTH")
        if not given:
            return None
        if re.fullmatch("[0-9]{1,18}", given) is None:
            raise InvalidRequest("Content-Length: not a number")
        return int(given)

    def answer(self, resp: falcon.Response, status: int, document: Any = None, media_type: str = "") -> None:
        """Status, version and, where there is one, a CDMI document."""
        resp.status = status
        if self.version is not None:
            resp.set_header(v.VERSION_HEADER, self.version)
        if document is not None:
            resp.content_type = media_type
            resp.data = json.dumps(document, ensure_ascii=False).encode() + b"\n"

    def moved(self, resp: falcon.Response, path: str) -> None:
        """To the place with, or without, the slash at its end."""
        self.answer(resp, 301)
        query = self.req.env.get("QUERY_STRING")
        resp.set_header("Location", self.authority + path + (f"?{query}" if query else ""))

    def elsewhere(self, resp: falcon.Response, target: str) -> None:
        """To what a reference leads to (CDMI 5.12)."""
        self.answer(resp, 302)
        resp.set_header("Location", target)


def version_of(env: Mapping[str, Any]) -> str | None:
    """The version that is spoken, None where none is named. Raises InvalidRequest."""
    header = env.get("HTTP_X_CDMI_SPECIFICATION_VERSION")
    if header is None:
        return None
    found = chosen(header, v.VERSIONS)
    if found is None:
        raise InvalidRequest(f"{v.VERSION_HEADER}: none of these is spoken here; 1.0.2 and 1.1 are")
    return found


def _names(env: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """(names of the path, whether it ends in a slash). Raises InvalidRequest.

    Read from the raw target where the server tells it: there an escaped slash is no separator.
    """
    raw = env.get("RAW_URI")
    if raw is None:
        path = env["PATH_INFO"].encode("latin-1")
        parts = path.split(b"/")[1:]
    else:
        target = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?]*", "", raw).partition("?")[0]
        parts = [unquote_to_bytes(part) for part in target.split("/")[1:]]
        parts = parts[env.get("SCRIPT_NAME", "").count("/") :]
    try:
        names = [part.decode() for part in parts]
    except UnicodeDecodeError:
        raise InvalidRequest("path: not UTF-8", field="path") from None
    slash = not names or not names[-1]
    names = [name for name in names if name]  # clients join paths carelessly
    if any("/" in name for name in names):
        raise InvalidRequest("path: a name has no slash, not even an escaped one", field="path")
    return tuple(names), slash


def _media_type(header: str | None) -> str | None:
    """The type without parameters; the forms of CDMI with ``+json`` are the same (5.13.2)."""
    if header is None:
        return None
    media_type = header.partition(";")[0].strip().lower()
    plain = media_type.removesuffix("+json")
    return plain if plain in v.MEDIA_TYPES else media_type

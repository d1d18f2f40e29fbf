"""The URL table of CDMI, the only place that lists paths, and the application built from it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.errors import document, status_of
from cdmi_gw.resources import capabilities, objects
from cdmi_gw.resources.common import again
from cdmi_gw.resources.exchange import Endpoint, Exchange, version_of
from gateway.frontends import ERROR, REASON, REQUEST_ID, ROUTE
from gateway.model import Elsewhere, Forbidden, InvalidRequest, NotAuthenticated

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger("cdmi")

_Respond = Callable[[Exchange, falcon.Response], None]

#: First name of the path -> (route for metrics, method -> what answers it); any other is an object.
_RESERVED: dict[str, tuple[str, dict[str, _Respond]]] = {
    v.CAPABILITIES: ("/cdmi_capabilities/", {"GET": capabilities.get, "HEAD": capabilities.get}),
}
_OBJECTS: dict[str, _Respond] = {
    "GET": objects.get,
    "HEAD": objects.get,
    "PUT": objects.put,
    "PATCH": objects.patch,
    "POST": objects.post,
    "DELETE": objects.delete,
}


def application(endpoint: Endpoint) -> WSGIApplication:
    """The WSGI application of one endpoint."""
    app = falcon.App()
    app.req_options.strip_url_path_trailing_slash = False
    app.add_error_handler(Exception, _render_error)
    app.add_error_handler(falcon.HTTPError, _render_falcon_error)
    app.add_sink(_Everything(endpoint), "/")
    return app


class _Everything:
    """A Falcon sink: any path may be that of an object."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def __call__(self, req: falcon.Request, resp: falcon.Response, **groups: Any) -> None:
        first = req.path.lstrip("/").partition("/")[0]
        route, responders = _RESERVED.get(first, ("{path}", _OBJECTS))
        if first == v.OBJECT_ID:
            route = "/cdmi_objectid/{id}"
        req.env[ROUTE] = route
        if req.method == "OPTIONS":
            resp.set_header("Allow", ", ".join((*responders, "OPTIONS")))
            return
        if req.method not in responders:
            raise falcon.HTTPMethodNotAllowed((*responders, "OPTIONS"))
        exchange = Exchange(self._endpoint, req, anonymous=first == v.CAPABILITIES)
        try:
            if req.method in ("GET", "HEAD"):
                again(lambda: responders[req.method](exchange, resp))
            else:
                responders[req.method](exchange, resp)
        except Elsewhere as error:
            exchange.elsewhere(resp, error.target)
        except Forbidden:
            if exchange.unsigned is not None:
                raise exchange.unsigned from None  # somebody may, who has signed in
            raise


def _render_error(req: falcon.Request, resp: falcon.Response, error: Exception, params: Any) -> None:
    status = status_of(error)
    if status == 500:
        log.error("request failed", exc_info=error, extra={"fields": {"request_id": req.env.get(REQUEST_ID)}})
        line = f"internal error; request id {req.env.get(REQUEST_ID, '-')}"
    else:
        line = str(error)
    req.env[ERROR] = error
    _put_error(req, resp, status, line)
    if isinstance(error, NotAuthenticated) and error.challenge:
        resp.set_header("WWW-Authenticate", error.challenge)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        resp.set_header("Retry-After", str(retry_after))


def _render_falcon_error(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, params: Any
) -> None:
    """What Falcon itself refuses: no such method."""
    status = int(error.status.split()[0]) if isinstance(error.status, str) else int(error.status)
    headers = dict(error.headers or {})
    line = f"{req.method} is not defined here; allowed: {headers.get('Allow', '')}"
    _put_error(req, resp, status, line if status == 405 else error.title or "refused")
    for name, value in headers.items():
        resp.set_header(name, value)


def _put_error(req: falcon.Request, resp: falcon.Response, status: int, line: str) -> None:
    req.env[REASON] = line
    resp.status = status
    resp.stream = None
    resp.content_length = None
    resp.content_type = "application/json"
    resp.data = document(line)
    with suppress(InvalidRequest):
        spoken = version_of(req.env)
        if spoken is not None:
            resp.set_header(v.VERSION_HEADER, spoken)

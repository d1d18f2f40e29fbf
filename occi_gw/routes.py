"""The URL table of OCCI, the only place that lists paths, and the application built from it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import falcon

from gateway.frontends import ERROR, REASON, REQUEST_ID, ROUTE
from gateway.model import NotAuthenticated
from occi_gw.errors import NotAcceptable, message_of, status_of
from occi_gw.rendering import client_version, rendering
from occi_gw.resources.anywhere import Anywhere, Root
from occi_gw.resources.collections import KindCollection
from occi_gw.resources.entity import EntityResource
from occi_gw.resources.exchange import Endpoint, outgoing, put
from occi_gw.resources.query import QueryInterface
from occi_gw.vocabulary import QUERY_PATH, WELL_KNOWN_PATH

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger("occi")


def application(endpoint: Endpoint) -> WSGIApplication:
    """The WSGI application of one endpoint."""
    app = falcon.App(middleware=[_Route()])
    app.req_options.strip_url_path_trailing_slash = False
    app.resp_options.default_media_type = "text/plain"
    app.add_error_handler(Exception, _render_error)
    app.add_error_handler(falcon.HTTPError, _render_falcon_error)
    query = QueryInterface(endpoint)
    app.add_route(QUERY_PATH, query)
    app.add_route(QUERY_PATH.rstrip("/"), query)
    app.add_route(WELL_KNOWN_PATH, query)
    app.add_route("/", Root(endpoint))
    prefix = endpoint.services.prefix
    for noun in endpoint.nouns.values():
        location = noun.location.removeprefix(prefix)
        collection = KindCollection(endpoint, noun)
        app.add_route(location, collection)
        app.add_route(
            location.rstrip("/"), collection
        )  # clients forget the slash; a POST is never redirected
        app.add_route(f"{location}{{id}}", EntityResource(endpoint, noun))
    app.add_sink(Anywhere(endpoint), "/")
    return app


class _Route:
    """Says which line of the table a request took; what no line has, ``Anywhere`` names itself."""

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: object
    ) -> None:
        req.env[ROUTE] = req.uri_template


def _render_error(req: falcon.Request, resp: falcon.Response, error: Exception, params: Any) -> None:
    """Any error in the rendering that the client asked for, else in plain text."""
    client = client_version(req.env.get("HTTP_USER_AGENT"))
    status = status_of(error, client)
    if status == 500:
        log.error("request failed", exc_info=error, extra={"fields": {"request_id": req.env.get(REQUEST_ID)}})
        line = f"internal error; request id {req.env.get(REQUEST_ID, '-')}"
    else:
        line = message_of(error)
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
    """What Falcon itself refuses: no such method, a broken query string."""
    status = int(error.status.split()[0]) if isinstance(error.status, str) else int(error.status)
    line = error.description or error.title or "refused"
    if status == 405:
        allow = dict(error.headers or {}).get("Allow", "")
        line = f"{req.method} is not defined here; allowed: {allow}"
    _put_error(req, resp, status, line)
    for name, value in dict(error.headers or {}).items():
        resp.set_header(name, value)


def _put_error(req: falcon.Request, resp: falcon.Response, status: int, line: str) -> None:
    try:
        written = outgoing(req)
    except NotAcceptable:
        written = rendering("text/plain")
    req.env[REASON] = line
    resp.stream = None
    put(resp, written.error(status, line), status)

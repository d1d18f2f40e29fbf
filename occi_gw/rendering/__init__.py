"""OCCI renderings: bytes and headers on one side, plain values on the other (GFD.185, GFD.229, GFD.226).

``rendering(media_type, client)`` gives the :class:`Rendering` of a media type: one reader, and one writer for
each kind of answer. A resource calls these and never asks which media type it is::

    incoming = rendering(request_type(req.content_type, has_structures(req.headers)))
    outgoing = rendering(negotiate(req.get_header("Accept")), client_version(req.user_agent))
    message = incoming.read(req.headers, body)
    answer = outgoing.created(entity, base_url + entity.location)
    resp.set_headers(answer.headers)

``request_type`` and ``negotiate`` give None where the answer is 406. Reading raises :class:`ParseError` and
nothing else; writing raises :class:`HeaderTooLarge` and :class:`NotAListing`. Filters of GET stand in headers
whatever the Content-Type: :func:`read_headers`. All paths in values are those that clients use, including a
base path of the endpoint; ``base_url`` is scheme and authority (``http://gw.example:8787``).
"""

from __future__ import annotations

from occi_gw.rendering.negotiation import (
    JSON,
    OCCI_JSON,
    READABLE,
    TEXT_OCCI,
    TEXT_OCCI_PLAIN,
    TEXT_PLAIN,
    URI_LIST,
    WRITABLE,
    client_version,
    negotiate,
    request_type,
)
from occi_gw.rendering.occi_json_writer import EarlierJsonForm, JsonForm
from occi_gw.rendering.parse_error import ParseError
from occi_gw.rendering.rendered import HeaderTooLarge, NotAListing, Rendered, RenderingError
from occi_gw.rendering.renderings import HeaderText, Json, PlainText, Rendering, UriList
from occi_gw.rendering.text import has_structures, read_headers

__all__ = [
    "READABLE",
    "WRITABLE",
    "HeaderTooLarge",
    "NotAListing",
    "ParseError",
    "Rendered",
    "Rendering",
    "RenderingError",
    "client_version",
    "has_structures",
    "negotiate",
    "read_headers",
    "rendering",
    "request_type",
]

_RENDERINGS: dict[str, Rendering] = {
    TEXT_PLAIN: PlainText(TEXT_PLAIN),
    TEXT_OCCI_PLAIN: PlainText(TEXT_OCCI_PLAIN),
    TEXT_OCCI: HeaderText(TEXT_OCCI),
    URI_LIST: UriList(URI_LIST),
    OCCI_JSON: Json(OCCI_JSON, JsonForm()),
    JSON: Json(JSON, JsonForm()),
}

#: For clients that say OCCI/1.1, who know JSON only in the form before 1.2.
_EARLIER: dict[str, Rendering] = {
    OCCI_JSON: Json(OCCI_JSON, EarlierJsonForm()),
    JSON: Json(JSON, EarlierJsonForm()),
}


def rendering(media_type: str, client: tuple[int, int] | None = None) -> Rendering:
    """The rendering of ``media_type`` (one of WRITABLE) for a client of that OCCI version, None if unknown.

    The version matters for JSON only. Raises KeyError for other media types.
    """
    if client is not None and client < (1, 2) and media_type in _EARLIER:
        return _EARLIER[media_type]
    return _RENDERINGS[media_type]

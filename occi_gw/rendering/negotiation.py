"""Which rendering a request is in, which one its client wants, and which version of OCCI it speaks.

RFC 9110 sections 12.5.1 and 8.3, GFD.185 sections 3.6.5 and 3.6.6. Nothing here raises: what is malformed
counts as not sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

TEXT_PLAIN = "text/plain"
TEXT_OCCI_PLAIN = "text/occi+plain"
TEXT_OCCI = "text/occi"
URI_LIST = "text/uri-list"
OCCI_JSON = "application/occi+json"
JSON = "application/json"

#: Media types of requests; a uri-list is an answer only.
READABLE = (TEXT_PLAIN, TEXT_OCCI_PLAIN, TEXT_OCCI, OCCI_JSON, JSON)
#: Media types of answers; the first is the default.
WRITABLE = (TEXT_PLAIN, TEXT_OCCI_PLAIN, TEXT_OCCI, URI_LIST, OCCI_JSON, JSON)

#: The highest version that this gateway speaks.
SUPPORTED = (1, 2)

_MAX_RANGES = 100
_RANGE = re.compile(r"[ \t]*(\*|[\w!#$&^.+-]+)(?:/(\*|[\w!#$&^.+-]+))?[ \t]*(?:;|$)", re.ASCII)
_QUALITY = re.compile(
    r";[ \t]*q[ \t]*=[ \t]*([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})[ \t]*(?:;|$)", re.I | re.ASCII
)
_VERSION = re.compile(r"(?<![\w./-])OCCI/([0-9]{1,4})\.([0-9]{1,4})(?![\w./-])")


def negotiate(accept: str | None, offered: Sequence[str] = WRITABLE) -> str | None:
    """The member of ``offered`` that ``accept`` prefers, or None for 406.

    The most specific range that fits a type gives its quality; the highest quality wins, among equals the
    range named first, and for one range the type offered first. Without a usable range: the first offered.
    """
    if accept is None or accept in offered:
        return accept or offered[0]
    ranges = _ranges(accept)
    if not ranges:
        return offered[0]
    chosen, best = None, (0.0, 0)
    for candidate in offered:
        quality, order = _preference(candidate, ranges)
        if (quality, -order) > best:
            chosen, best = candidate, (quality, -order)
    return chosen


def _ranges(accept: str) -> dict[str, tuple[float, int]]:
    """Media range to quality and place; of a range named twice the higher quality."""
    ranges: dict[str, tuple[float, int]] = {}
    for order, part in enumerate(accept.split(",")[:_MAX_RANGES]):
        match = _RANGE.match(part)
        if match is None or (match[2] is None and match[1] != "*"):
            continue
        # A bare "*" is sent by the HTTP client of old Java releases.
        media_range = f"{match[1]}/{match[2] or '*'}".lower()
        quality = _QUALITY.search(part)
        value = min(float(quality[1]), 1.0) if quality else 1.0
        if media_range not in ranges or value > ranges[media_range][0]:
            ranges[media_range] = (value, order)
    return ranges


def _preference(candidate: str, ranges: dict[str, tuple[float, int]]) -> tuple[float, int]:
    for media_range in (candidate, candidate.partition("/")[0] + "/*", "*/*"):
        if media_range in ranges:
            return ranges[media_range]
    return 0.0, 0


def request_type(content_type: str | None, structures_in_headers: bool) -> str | None:
    """The member of READABLE that the request body is in, or None for 406.

    Of several types in one header (rOCCI-cli sends ``text/plain,text/occi``) the first known. Without a
    Content-Type text/occi if OCCI headers are there (``text.has_structures``), else text/plain.
    """
    named = [part.partition(";")[0].strip().lower() for part in (content_type or "").split(",")]
    known = next((name for name in named if name in READABLE), None)
    if known or any(named):
        return known
    return TEXT_OCCI if structures_in_headers else TEXT_PLAIN


def client_version(user_agent: str | None) -> tuple[int, int] | None:
    """The version in the ``OCCI/x.y`` token of a User-Agent, None without one (GFD.185 section 3.6.5).

    The token is a whole word: ``fooOCCI/9.9bar`` is none. Of several the highest that this gateway speaks,
    since the client offers each of them; when all are higher, the lowest.
    """
    versions = [(int(major), int(minor)) for major, minor in _VERSION.findall(user_agent or "")]
    spoken = [version for version in versions if version <= SUPPORTED]
    return max(spoken) if spoken else min(versions, default=None)

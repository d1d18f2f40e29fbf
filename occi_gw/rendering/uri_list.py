"""text/uri-list (RFC 2483 section 5): absolute URIs, each with CRLF; no comments, rOCCI would follow them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from occi_gw.rendering.text_lines import uri_blocks


def uri_lines(base_url: str, paths: Iterable[str]) -> Iterator[bytes]:
    """The same URIs as in X-OCCI-Location, in blocks of about 32 KiB."""
    return uri_blocks(base_url, paths, "\r\n")

"""Which paths a client may choose for what it makes (GFD.185 section 3.4.4, PUT)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.model import InvalidRequest, shorten
from occi_gw.scene import Scene

if TYPE_CHECKING:
    from occi_gw.nouns.base import Noun

#: Identifiers that servers make: a client's own must not look like one.
_SERVER_MADE = re.compile(r"[0-9]+|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|.*~.*|.*--.*")


def check_place(scene: Scene, noun: Noun[Any], path: str) -> None:
    """Raises InvalidRequest for a path that a client may not choose."""
    collection, _, id = path.rpartition("/")
    homes = {other.location for other in scene.nouns.values()}
    if f"{collection}/" in homes - {noun.location}:
        raise InvalidRequest(f"{shorten(path)} is a place of another kind", field="path")
    if f"{collection}/" == noun.location and _SERVER_MADE.fullmatch(id):
        raise InvalidRequest(
            f"{shorten(path)} looks like a path that the server makes; choose a name", field="path"
        )
    if re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._~-]{0,127}){1,8}", path) is None:
        raise InvalidRequest(
            f"{shorten(path)}: a path is at most 8 segments of letters, digits, '.', '_', '-'",
            field="path",
        )

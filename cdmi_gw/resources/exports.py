"""Exports of containers to machines: what a body wants, and how they are shown (CDMI 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdmi_gw.resources.exchange import Exchange
from gateway.model import Container, InvalidRequest, StoredObject

#: Where OCCI has its machines, below its own prefix.
_COMPUTES = "/compute/"


def shown(exchange: Exchange, thing: StoredObject) -> Mapping[str, Any] | None:
    """The field ``exports``; None where there is none."""
    exports = exchange.endpoint.objects.exports
    if exports is None or not isinstance(thing, Container) or not thing.exports:
        return None
    start = exchange.authority + exchange.endpoint.services.homes.get("occi", "") + _COMPUTES
    return {
        protocol: {"identifier": thing.id, "permissions": [start + id for id in computes]}
        for protocol, computes in exports.of(exchange.caller, thing).items()
    }


def wanted(
    exchange: Exchange, found: Mapping[str, Any], thing: StoredObject | None
) -> Mapping[str, Sequence[str] | None] | None:
    """Protocol -> machines (None: not named); None where a body has no exports. Raises InvalidRequest."""
    given = found.get("exports")
    if given is None and "exports" not in found:
        return None
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        raise InvalidRequest("exports: an object of objects", field="exports")
    return {protocol: _machines(exchange, protocol, one, thing) for protocol, one in given.items()}


def _machines(
    exchange: Exchange, protocol: str, given: Mapping[str, Any], thing: StoredObject | None
) -> Sequence[str] | None:
    at = f"exports.{protocol[:80]}"
    unknown = given.keys() - {"identifier", "permissions"}
    if unknown:
        raise InvalidRequest(f"{at}: {min(unknown)[:80]} is not known", field="exports")
    identifier = given.get("identifier")
    if identifier is not None and (thing is None or str(identifier).upper() != thing.id):
        raise InvalidRequest(f"{at}.identifier: is the ID of the container itself", field="exports")
    uris = given.get("permissions")
    if uris is None:
        return None
    if isinstance(uris, str):
        uris = [uris]
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise InvalidRequest(f"{at}.permissions: a list of URIs", field="exports")
    return [_machine(exchange, at, uri) for uri in uris]


def _machine(exchange: Exchange, at: str, uri: str) -> str:
    start = exchange.endpoint.services.homes.get("occi", "") + _COMPUTES
    path = uri.removeprefix(exchange.authority)
    id = path.removeprefix(start)
    if not path.startswith(start) or not id or "/" in id:
        raise InvalidRequest(f"{at}.permissions: {uri[:80]} is no machine of this gateway", field="exports")
    return id

"""Domains (CDMI 10)."""

from __future__ import annotations

import falcon

from cdmi_gw import vocabulary as v
from cdmi_gw.resources import containers
from cdmi_gw.resources.common import made, require_type, source_of, wish_of
from cdmi_gw.resources.exchange import Exchange
from gateway.model import InvalidRequest, StoredObject, Wish
from gateway.objects.names import Seen


def get(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    containers.get(exchange, resp, seen, v.DOMAIN)


def create(exchange: Exchange, resp: falcon.Response) -> None:
    require_type(exchange, v.DOMAIN)
    found = exchange.json()
    source_of(found, ())
    seen = exchange.endpoint.objects.make_domain(exchange.caller, exchange.place, _own(exchange, found, None))
    made(exchange, resp, seen, childrenrange="0-0", children=["cdmi_domain_members/"])


def update(exchange: Exchange, resp: falcon.Response, seen: Seen) -> None:
    require_type(exchange, v.DOMAIN)
    found = exchange.json()
    source_of(found, ())
    if found or exchange.selectors.given:
        exchange.endpoint.objects.change(
            exchange.caller, exchange.place, lambda now: _own(exchange, found, now)
        )
    exchange.answer(resp, 204)


def _own(exchange: Exchange, found: dict[str, object], present: StoredObject | None) -> Wish:
    """The wish of a body. Raises InvalidRequest: a domain is its own."""
    if "domainURI" in found:
        raise InvalidRequest("domainURI: a domain belongs to itself", field="domainURI")
    wish = wish_of(exchange, found, present, exchange.selectors)
    wish.pop("mimetype", None)
    wish.pop("encoding", None)
    return wish

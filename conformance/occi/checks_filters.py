"""Filters on collections: by category, by attribute, by both (GFD.185 3.4.2)."""

from __future__ import annotations

from conformance.exchange import Header, Response
from conformance.framework import Body, Level, expect, require
from conformance.occi import strict, tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Scalar, attribute, category

CLAUSE = "GFD.185 3.4.2, GFD.223 filtering"


def filtered(
    ctx: OcciContext, collection: str, *headers: Header, accept: str = v.PLAIN, content_type: str = v.OCCI
) -> Response:
    sent = (("Content-Type", content_type),) if content_type else ()
    return ctx.get(collection, accept, (*sent, *headers))


def finds(ctx: OcciContext, response: Response, inside: list[str], outside: list[str]) -> None:
    expect(response.ok, f"answered {response.status}")
    found = [ctx.path(uri) for uri in tolerant.listed(response)]
    missing = [path for path in inside if path not in found]
    expect(not missing, f"does not find {' '.join(missing)}")
    extra = [path for path in outside if path in found]
    expect(not extra, f"finds {' '.join(extra)} as well")


def by_category(identifier: str, class_: str = "kind") -> Header:
    return ("Category", category(identifier, class_))


def by_attribute(name: str, value: Scalar) -> Header:
    return ("X-OCCI-Attribute", attribute(name, value))


@check(
    "OCCI-FLT-001",
    "a collection filtered by its own kind is the collection",
    "pOCCI CORE/READ/002",
    Level.CLIENT,
)
def own_kind(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    finds(ctx, filtered(ctx, ctx.location(v.STORAGE), by_category(v.STORAGE)), [path], [])


@check("OCCI-FLT-002", "a collection filtered by a mixin holds its members only", CLAUSE, Level.CLIENT)
def by_tag(ctx: OcciContext) -> None:
    inside, outside = ctx.given(v.STORAGE), ctx.given(v.STORAGE)
    tag = ctx.given_tag(inside)
    require(ctx.listing(tag.location) == [inside], "association does not work")
    finds(ctx, filtered(ctx, ctx.location(v.STORAGE), by_category(tag.id, "mixin")), [inside], [outside])


@check("OCCI-FLT-003", "the root filtered by a kind holds that kind only", CLAUSE, Level.CLIENT)
def root_by_kind(ctx: OcciContext) -> None:
    inside, outside = ctx.shared(v.STORAGE), ctx.shared(v.NETWORK)
    require({inside, outside} <= set(ctx.listing("/")), "the root does not list both")
    finds(ctx, filtered(ctx, "/", by_category(v.STORAGE)), [inside], [outside])


def _pair(ctx: OcciContext, name: str, one: Scalar, other: Scalar) -> tuple[str, str]:
    kind = v.COMPUTE if name.startswith("occi.compute") else v.STORAGE
    inside, outside = ctx.given(kind, {name: one}), ctx.given(kind, {name: other})
    require(ctx.describe(inside).attributes.get(name), f"{name} is not rendered")
    return inside, outside


@check("OCCI-FLT-004", "a filter by a string matches exactly", "doyouspeakOCCI, WG suite", Level.CLIENT)
def by_string(ctx: OcciContext) -> None:
    host = f"{ctx.name('foo')} bar :: 1"
    inside, outside = _pair(ctx, "occi.core.summary", host, f"{host} more")
    finds(
        ctx,
        filtered(ctx, ctx.location(v.STORAGE), by_attribute("occi.core.summary", host)),
        [inside],
        [outside],
    )


@check("OCCI-FLT-005", "a filter by occi.compute.hostname works", "WG suite", Level.CLIENT)
def by_hostname(ctx: OcciContext) -> None:
    host = ctx.name("host")
    inside, outside = _pair(ctx, "occi.compute.hostname", host, ctx.name("host"))
    finds(
        ctx,
        filtered(ctx, ctx.location(v.COMPUTE), by_attribute("occi.compute.hostname", host)),
        [inside],
        [outside],
    )


def _by_number(text: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        inside, outside = _pair(ctx, "occi.storage.size", 2.0, 1.0)
        response = filtered(ctx, ctx.location(v.STORAGE), ("X-OCCI-Attribute", f"occi.storage.size={text}"))
        finds(ctx, response, [inside], [outside])

    return body


for number, (text, said) in enumerate({"2": "2", "2.0": "2.0", '"2"': "2 in quotes"}.items(), 6):
    check(
        f"OCCI-FLT-{number:03}",
        f"a filter by the number {said} compares by value",
        "clients quote numbers",
        Level.CLIENT,
    )(_by_number(text))


@check("OCCI-FLT-009", "several filters must all match", CLAUSE, Level.CLIENT)
def all_match(ctx: OcciContext) -> None:
    summary = ctx.name("both")
    inside = ctx.given(v.STORAGE, {"occi.core.summary": summary, "occi.storage.size": 2.0})
    outside = ctx.given(v.STORAGE, {"occi.core.summary": summary, "occi.storage.size": 1.0})
    headers = (by_attribute("occi.core.summary", summary), by_attribute("occi.storage.size", 2.0))
    finds(ctx, filtered(ctx, ctx.location(v.STORAGE), *headers), [inside], [outside])


@check("OCCI-FLT-010", "a category and an attribute must both match", CLAUSE, Level.CLIENT)
def category_and_attribute(ctx: OcciContext) -> None:
    inside, outside = _pair(ctx, "occi.core.summary", ctx.name("one"), "another")
    wanted = ctx.describe(inside).attributes["occi.core.summary"]
    headers = (by_category(v.STORAGE), by_attribute("occi.core.summary", wanted))
    finds(ctx, filtered(ctx, ctx.location(v.STORAGE), *headers), [inside], [outside])


@check("OCCI-FLT-011", "a filter that matches nothing is an empty listing", CLAUSE)
def no_match(ctx: OcciContext) -> None:
    ctx.shared(v.STORAGE)
    response = filtered(ctx, ctx.location(v.STORAGE), by_attribute("occi.core.title", ctx.name("nothing")))
    expect(response.status in (200, 204), f"answered {response.status}")


@check(
    "OCCI-FLT-012", "filter headers count also with Content-Type text/plain", "clients in use", Level.CLIENT
)
def plain_content_type(ctx: OcciContext) -> None:
    inside, outside = _pair(ctx, "occi.core.summary", ctx.name("one"), "another")
    wanted = ctx.describe(inside).attributes["occi.core.summary"]
    header = by_attribute("occi.core.summary", wanted)
    finds(ctx, filtered(ctx, ctx.location(v.STORAGE), header, content_type=v.PLAIN), [inside], [outside])


@check("OCCI-FLT-013", "filter headers count also without Content-Type", "clients in use", Level.CLIENT)
def no_content_type(ctx: OcciContext) -> None:
    inside, outside = _pair(ctx, "occi.core.summary", ctx.name("one"), "another")
    wanted = ctx.describe(inside).attributes["occi.core.summary"]
    header = by_attribute("occi.core.summary", wanted)
    finds(ctx, filtered(ctx, ctx.location(v.STORAGE), header, content_type=""), [inside], [outside])


@check("OCCI-FLT-014", "a filter works in text/uri-list", CLAUSE, Level.CLIENT)
def uri_list(ctx: OcciContext) -> None:
    inside, outside = _pair(ctx, "occi.core.summary", ctx.name("one"), "another")
    wanted = ctx.describe(inside).attributes["occi.core.summary"]
    header = by_attribute("occi.core.summary", wanted)
    response = filtered(ctx, ctx.location(v.STORAGE), header, accept=v.URI_LIST)
    strict.succeeded(response, v.URI_LIST)
    finds(ctx, response, [inside], [outside])


@check("OCCI-FLT-015", "a malformed filter is 400", "GFD.185 table 2")
def malformed(ctx: OcciContext) -> None:
    response = filtered(ctx, ctx.location(v.STORAGE), ("X-OCCI-Attribute", 'occi.core.title="open'))
    expect(response.status == 400, f"answered {response.status}")

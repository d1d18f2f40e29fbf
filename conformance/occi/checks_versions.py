"""Version headers: Server on every answer, User-Agent in requests (GFD.185 3.6.5)."""

from __future__ import annotations

import re

from conformance.exchange import Response
from conformance.framework import Level, Skipped, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, OcciContext
from conformance.occi.registry import check

CLAUSE = "GFD.185 3.6.5, GFD.223 versioning"
VERSION = re.compile(r"(?<!\S)OCCI/[0-9]+\.[0-9]+(?!\S)")


def names_version(response: Response) -> None:
    server = response.header("Server")
    expect(VERSION.search(server), f"Server is {server!r}: no OCCI/x.y")


def with_agent(ctx: OcciContext, agent: str) -> Response:
    return ctx.get(QUERY, headers=(("User-Agent", agent),))


@check("OCCI-VER-001", "Server names OCCI/x.y on the query interface", CLAUSE)
def on_query_interface(ctx: OcciContext) -> None:
    names_version(ctx.get(QUERY))


@check("OCCI-VER-002", "Server names OCCI/x.y on a collection", CLAUSE)
def on_collection(ctx: OcciContext) -> None:
    names_version(ctx.get(ctx.location(v.STORAGE)))


@check("OCCI-VER-003", "Server names OCCI/x.y on the root", CLAUSE)
def on_root(ctx: OcciContext) -> None:
    names_version(ctx.get("/"))


@check("OCCI-VER-004", "Server names OCCI/x.y on an entity", CLAUSE)
def on_entity(ctx: OcciContext) -> None:
    names_version(ctx.get(ctx.shared(v.STORAGE)))


@check("OCCI-VER-005", "Server names OCCI/x.y on a 404", CLAUSE)
def on_not_found(ctx: OcciContext) -> None:
    response = ctx.get(f"{ctx.location(v.COMPUTE)}{ctx.name()}")
    require(response.status == 404, f"an unknown entity is answered {response.status}")
    names_version(response)


@check("OCCI-VER-006", "Server names OCCI/x.y on a 406", CLAUSE)
def on_not_acceptable(ctx: OcciContext) -> None:
    response = ctx.get(QUERY, "image/png")
    require(response.status == 406, f"an unknown type is answered {response.status}")
    names_version(response)


@check("OCCI-VER-007", "Server names OCCI/x.y on a 401", CLAUSE)
def on_unauthorized(ctx: OcciContext) -> None:
    response = ctx.endpoint.send("GET", QUERY, (("Accept", v.PLAIN),), anonymous=True)
    if response.status != 401:
        raise Skipped(f"a request without credentials is answered {response.status}")
    names_version(response)


@check("OCCI-VER-008", "Server contains OCCI/1.1", "doyouspeakOCCI, WG suite 3.6.5", Level.CLIENT)
def names_1_1(ctx: OcciContext) -> None:
    server = ctx.get(QUERY).header("Server")
    expect("OCCI/1.1" in server, f"Server is {server!r}")


@check("OCCI-VER-009", "a client of OCCI/2.2 is answered 501", CLAUSE)
def higher_version(ctx: OcciContext) -> None:
    response = with_agent(ctx, "conformance OCCI/2.2")
    expect(response.status == 501, f"answered {response.status}")


@check("OCCI-VER-010", "OCCI/9.9 within another word is not a version", "ooi functional tests", Level.CLIENT)
def whole_word(ctx: OcciContext) -> None:
    response = with_agent(ctx, "conformance fooOCCI/9.9bar")
    expect(response.ok, f"answered {response.status}")


@check("OCCI-VER-011", "a client of OCCI/1.1 is served", CLAUSE)
def client_of_1_1(ctx: OcciContext) -> None:
    if not ctx.claims("1.1") and not ctx.claims("1.2"):
        raise Skipped("the Server header claims neither OCCI/1.1 nor OCCI/1.2")
    response = with_agent(ctx, "rOCCI-api/4.3.14 OCCI/1.1 ruby")
    expect(response.ok, f"answered {response.status}")


@check("OCCI-VER-012", "a client of OCCI/1.2 is served", CLAUSE)
def client_of_1_2(ctx: OcciContext) -> None:
    ctx.need_claim("1.2")
    response = with_agent(ctx, "conformance OCCI/1.2")
    expect(response.ok, f"answered {response.status}")


@check("OCCI-VER-013", "a client that names no version is served", CLAUSE)
def no_version(ctx: OcciContext) -> None:
    response = with_agent(ctx, "PycURL/7.43.0")
    expect(response.ok, f"answered {response.status}")

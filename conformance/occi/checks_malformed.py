"""Damaged and contradictory input: refused with the status of GFD.185 table 2, and nothing is made."""

from __future__ import annotations

import json

from conformance.framework import Body, Level, expect
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Request, plain

CLAUSE = "GFD.185 table 2 (400 Bad Request)"
STORAGE = f'Category: storage; scheme="{v.INFRA}"; class="kind"'
NETWORK = f'Category: network; scheme="{v.INFRA}"; class="kind"'
SIZE = "X-OCCI-Attribute: occi.storage.size=1.0"
TITLE = 'X-OCCI-Attribute: occi.core.title="sgc damaged"'


def _refused(request: Request, *statuses: int) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        if request.headers[0][1] == v.JSON:
            ctx.need_json()
        response, _ = ctx.create_raw(v.STORAGE, request.headers, request.body)
        expect(
            response.status in statuses, f"answered {response.status}, not {' or '.join(map(str, statuses))}"
        )

    return body


def _json(document: object) -> Request:
    return Request((("Content-Type", v.JSON),), json.dumps(document).encode())


def refused(
    number: int, title: str, request: Request, level: Level = Level.MUST, clause: str = CLAUSE
) -> None:
    check(f"OCCI-BAD-{number:03}", title, clause, level)(_refused(request, 400))


refused(
    1, "a quoted string without end is 400", plain(STORAGE, 'X-OCCI-Attribute: occi.core.title="sgc', SIZE)
)
refused(2, "a Category without scheme is 400", plain('Category: storage; class="kind"', TITLE, SIZE))
refused(3, "a create without Category is 400", plain(TITLE, SIZE))
refused(
    4, "an attribute without value is 400", plain(STORAGE, TITLE, SIZE, "X-OCCI-Attribute: occi.core.summary")
)
refused(5, "a body line that is no OCCI structure is 400", plain(STORAGE, TITLE, SIZE, "this is not OCCI"))
refused(6, "two kinds in one create are 400", plain(STORAGE, NETWORK, TITLE, SIZE))
refused(7, "an unknown class is 400", plain(STORAGE.replace('"kind"', '"sort"'), TITLE, SIZE))
refused(8, "a Link without angle brackets is 400", plain(STORAGE, TITLE, SIZE, 'Link: /storage/1; rel="x"'))
refused(9, "an empty create is 400", Request((("Content-Type", v.PLAIN),)))
refused(
    10, "storage without size is 400", plain(STORAGE, TITLE), clause="GFD.184, GFD.224 (size is required)"
)
refused(
    11,
    "a word where a number belongs is 400",
    plain(STORAGE, TITLE, 'X-OCCI-Attribute: occi.storage.size="big"'),
)
refused(
    12,
    "an unknown attribute of the occi. prefix is 400",
    plain(STORAGE, TITLE, SIZE, 'X-OCCI-Attribute: occi.storage.conformance="x"'),
    Level.SHOULD,
    "GFD.183 reserved prefix",
)
_NOT_UTF8 = Request((("Content-Type", v.PLAIN),), STORAGE.encode() + b"\n\xff\xfe\n")
refused(13, "a body that is not UTF-8 is 400", _NOT_UTF8, Level.SHOULD)
refused(14, "damaged JSON is 400", Request((("Content-Type", v.JSON),), b'{"kind": '))
refused(
    15, "JSON without kind is 400", _json({"title": "sgc damaged", "attributes": {"occi.storage.size": 1.0}})
)
refused(16, "JSON that is a string is 400", _json("storage"))
refused(
    17, "a JSON kind that is a number is 400", _json({"kind": 7, "attributes": {"occi.storage.size": 1.0}})
)
refused(
    18,
    "JSON attributes that are a list are 400",
    _json({"kind": v.STORAGE, "attributes": ["occi.storage.size"]}),
)


@check("OCCI-BAD-019", "a kind that is not published is 404 (1.1) or 400", "GFD.185 table 2")
def unknown_kind(ctx: OcciContext) -> None:
    category = 'Category: unheard; scheme="http://conformance.example.org/kinds#"; class="kind"'
    request = plain(category, TITLE)
    allowed = (404,) if ctx.claims("1.1") else (400, 404)
    _refused(request, *allowed)(ctx)


@check("OCCI-BAD-020", "a mixin that is not published is 404 (1.1) or 400", "GFD.185 table 2")
def unknown_mixin(ctx: OcciContext) -> None:
    category = 'Category: unheard; scheme="http://conformance.example.org/mixins#"; class="mixin"'
    allowed = (404,) if ctx.claims("1.1") else (400, 404)
    _refused(plain(STORAGE, category, TITLE, SIZE), *allowed)(ctx)


@check("OCCI-BAD-021", "a VLAN beyond 4095 is 400", "GFD.184 network", Level.SHOULD)
def vlan_range(ctx: OcciContext) -> None:
    request = plain(NETWORK, TITLE, "X-OCCI-Attribute: occi.network.vlan=5000")
    response, _ = ctx.create_raw(v.NETWORK, request.headers, request.body)
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-BAD-022", "damaged input makes nothing", "GFD.185 3.4.4")
def nothing_made(ctx: OcciContext) -> None:
    before = set(ctx.listing(ctx.location(v.STORAGE)))
    request = plain(STORAGE, SIZE, TITLE, 'X-OCCI-Attribute: occi.core.summary="open')
    response, _ = ctx.create_raw(v.STORAGE, request.headers, request.body)
    new = set(ctx.listing(ctx.location(v.STORAGE))) - before - ctx.made
    expect(response.ok or not new, f"refused with {response.status}, yet {len(new)} more are listed")

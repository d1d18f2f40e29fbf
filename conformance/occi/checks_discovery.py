"""Query interface: what it lists, where, in which order, and how it is filtered (GFD.185 3.4.1)."""

from __future__ import annotations

from conformance.exchange import Response
from conformance.framework import Blocked, Level, expect, fail, require
from conformance.occi import jsonform, strict, tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, WELL_KNOWN, OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import category

CLAUSE = "GFD.185 3.4.1, GFD.223 query interface"


def model_in(ctx: OcciContext, accept: str) -> Response:
    return strict.succeeded(ctx.get(QUERY, accept), accept)


def filtered(ctx: OcciContext, value: str, accept: str = v.PLAIN) -> Response:
    return ctx.get(QUERY, accept, (("Content-Type", v.OCCI), ("Category", value)))


def ids(response: Response) -> list[str]:
    return [found.id for found in tolerant.read(response).categories]


@check("OCCI-DISC-001", "GET /-/ answers 200 and lists categories", CLAUSE)
def lists_categories(ctx: OcciContext) -> None:
    response = ctx.get(QUERY)
    expect(response.status == 200, f"answered {response.status}")
    expect(tolerant.read(response).categories, "the answer has no Category")


@check(
    "OCCI-DISC-002", "each Category of the model follows the grammar in text/plain", "GFD.185 3.5, GFD.229 5"
)
def plain_model_well_formed(ctx: OcciContext) -> None:
    strict.well_formed(model_in(ctx, v.PLAIN), ("Category",))


@check(
    "OCCI-DISC-003", "each Category of the model follows the grammar in text/occi", "GFD.185 3.5, GFD.229 5"
)
def occi_model_well_formed(ctx: OcciContext) -> None:
    strict.well_formed(model_in(ctx, v.OCCI), ("Category",))


@check("OCCI-DISC-004", "the model in JSON has the members of OCCI 1.2 JSON and no others", "GFD.226 model")
def json_model_well_formed(ctx: OcciContext) -> None:
    ctx.need_json()
    jsonform.expect_shape(model_in(ctx, v.JSON), jsonform.MODEL)


@check("OCCI-DISC-005", "text/plain and text/occi list the same categories", "GFD.185 3.6.6")
def same_in_both_texts(ctx: OcciContext) -> None:
    plain, occi = (sorted(ids(model_in(ctx, accept))) for accept in (v.PLAIN, v.OCCI))
    differing = set(plain) ^ set(occi)
    expect(plain == occi, f"only in one of them: {' '.join(sorted(differing))[:300]}")


@check("OCCI-DISC-006", "JSON and text list the same categories", "GFD.226 model")
def same_in_json(ctx: OcciContext) -> None:
    ctx.need_json()
    document = jsonform.document(model_in(ctx, v.JSON))
    try:
        members = [member for name in ("kinds", "mixins", "actions") for member in document.get(name, [])]
        in_json = {member["scheme"] + member["term"] for member in members}
    except (AttributeError, KeyError, TypeError) as error:
        raise Blocked("the JSON model cannot be read") from error
    in_text = {found.id for found in ctx.model}
    expect(in_json == in_text, f"only in one of them: {' '.join(sorted(in_json ^ in_text))[:300]}")


@check("OCCI-DISC-007", "no category is listed twice", "GFD.183 category identity")
def listed_once(ctx: OcciContext) -> None:
    listed = [found.id for found in ctx.model]
    twice = sorted({identifier for identifier in listed if listed.count(identifier) > 1})
    expect(not twice, f"listed twice: {' '.join(twice)[:300]}")


@check(
    "OCCI-DISC-008",
    "the core kinds entity, resource and link are listed",
    "pOCCI DISCOVERY/001",
    Level.CLIENT,
)
def core_kinds_listed(ctx: OcciContext) -> None:
    missing = [kind for kind in (v.ENTITY, v.RESOURCE, v.LINK) if not ctx.publishes(kind)]
    expect(not missing, f"missing: {' '.join(missing)}")


@check("OCCI-DISC-009", "the well-known path answers with the model", "GFD.185 3.6.7")
def well_known_answers(ctx: OcciContext) -> None:
    response = ctx.endpoint.send("GET", ctx.endpoint.origin + WELL_KNOWN, (("Accept", v.PLAIN),))
    expect(response.status == 200, f"answered {response.status}")
    expect(tolerant.read(response).categories, "the answer has no Category")


def _mirrored(ctx: OcciContext, accept: str) -> tuple[Response, Response]:
    mirror = ctx.endpoint.send("GET", ctx.endpoint.origin + WELL_KNOWN, (("Accept", accept),))
    return model_in(ctx, accept), strict.succeeded(mirror, accept)


@check(
    "OCCI-DISC-010",
    "the well-known path mirrors /-/ byte for byte in text/plain",
    "GFD.185 3.6.7",
    Level.CLIENT,
)
def well_known_equal_plain(ctx: OcciContext) -> None:
    model, mirror = _mirrored(ctx, v.PLAIN)
    expect(model.body == mirror.body, "the bodies differ")


@check(
    "OCCI-DISC-011", "the well-known path mirrors the Category header of /-/", "WG suite 3.6.7", Level.CLIENT
)
def well_known_equal_occi(ctx: OcciContext) -> None:
    model, mirror = _mirrored(ctx, v.OCCI)
    expect(model.values("Category") == mirror.values("Category"), "the Category headers differ")


@check("OCCI-DISC-012", "two readings of the model have the same order", "WG suite 3.6.7", Level.CLIENT)
def order_is_stable(ctx: OcciContext) -> None:
    first, second = (ids(model_in(ctx, v.PLAIN)) for _ in range(2))
    require(sorted(first) == sorted(second), "the content changed between two readings")
    expect(first == second, "the order changed between two readings")


@check("OCCI-DISC-013", "filtering the model by compute returns compute", CLAUSE)
def filter_finds(ctx: OcciContext) -> None:
    ctx.category(v.COMPUTE)
    response = filtered(ctx, category(v.COMPUTE))
    expect(response.status == 200, f"answered {response.status}")
    expect(v.COMPUTE in ids(response), "compute is not in the answer")


@check("OCCI-DISC-014", "filtering the model by compute leaves out what is unrelated", CLAUSE)
def filter_excludes(ctx: OcciContext) -> None:
    ctx.category(v.COMPUTE)
    listed = ids(strict.succeeded(filtered(ctx, category(v.COMPUTE))))
    unrelated = [kind for kind in (v.STORAGE, v.NETWORK) if kind in listed]
    expect(not unrelated, f"the answer has {' '.join(unrelated)}")


@check(
    "OCCI-DISC-015",
    "a filter on compute in text/occi returns one Category without comma",
    "WG suite",
    Level.CLIENT,
)
def filter_returns_one(ctx: OcciContext) -> None:
    ctx.category(v.COMPUTE)
    response = strict.succeeded(filtered(ctx, category(v.COMPUTE), v.OCCI), v.OCCI)
    require(v.COMPUTE in ids(response), "compute is not in the answer")
    header = response.header("Category")
    expect("," not in header, f"{header.count(',')} commas in the Category header")


@check(
    "OCCI-DISC-016",
    "filtering the model by an action returns that action",
    "pOCCI DISCOVERY/002",
    Level.CLIENT,
)
def filter_by_action(ctx: OcciContext) -> None:
    action = next((found.id for found in ctx.model if found.class_ == "action"), "")
    require(action, "no action is published")
    response = filtered(ctx, category(action, "action"))
    expect(response.status == 200, f"answered {response.status}")
    expect(action in ids(response), f"{action} is not in the answer")


@check("OCCI-DISC-017", "filtering by an unknown category is 404 or an empty 200", "GFD.185 table 2")
def filter_unknown(ctx: OcciContext) -> None:
    response = filtered(ctx, category(f"http://conformance.example.org/unknown#{ctx.name()}", "mixin"))
    expect(response.status in (200, 204, 404), f"answered {response.status}")
    expect(not response.ok or not ids(response), f"{len(ids(response))} categories match an unknown one")


@check("OCCI-DISC-018", "a malformed filter is 400", "GFD.185 table 2")
def filter_malformed(ctx: OcciContext) -> None:
    response = filtered(ctx, 'compute; scheme="http://schemas.ogf.org')
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-DISC-019", "in text/occi the body of the model is OK or empty", "GFD.185 3.6.6", Level.CLIENT)
def occi_body(ctx: OcciContext) -> None:
    body = model_in(ctx, v.OCCI).text.strip()
    if body not in ("OK", ""):
        fail(f"the body is {body[:80]!r}")


@check(
    "OCCI-DISC-020", "in text/plain the model has one category per line", "rOCCI 4, pOCCI, ooi", Level.CLIENT
)
def one_per_line(ctx: OcciContext) -> None:
    response = model_in(ctx, v.PLAIN)
    lines = sum(line.lower().startswith("category:") for line in response.text.splitlines())
    found = len(ids(response))
    require(found, "the model lists nothing")
    expect(lines == found, f"{found} categories in {lines} lines")


@check(
    "OCCI-DISC-021",
    "in text/occi the model is one Category header joined by comma and blank",
    "suites",
    Level.CLIENT,
)
def one_joined_header(ctx: OcciContext) -> None:
    response = model_in(ctx, v.OCCI)
    headers = response.values("Category")
    require(headers, "no Category header")
    expect(len(headers) == 1, f"{len(headers)} Category headers")
    pieces = headers[0].split(", ")
    expect(len(pieces) == len(ids(response)), "the members are not separated by ', ' alone")

"""Reading an entity in each rendering (GFD.185 3.4.4, GFD.223 entity operations)."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.exchange import Response
from conformance.framework import Body, Level, expect, require
from conformance.occi import jsonform, strict, tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Scalar

CLAUSE = "GFD.185 3.4.4, GFD.223 entities"
KINDS = (v.COMPUTE, v.STORAGE, v.NETWORK)
RENDERINGS = (v.PLAIN, v.OCCI, v.JSON)
GIVEN: Mapping[str, Mapping[str, Scalar]] = {
    v.COMPUTE: {"occi.compute.cores": 1, "occi.compute.memory": 2.0, "occi.core.summary": "read back"},
    v.STORAGE: {"occi.storage.size": 2.0, "occi.core.summary": "read back"},
    v.NETWORK: {"occi.network.label": "conformance", "occi.core.summary": "read back"},
}


def same(found: str | None, wanted: Scalar) -> bool:
    """Strings exactly, numbers by value."""
    if isinstance(wanted, str) or found is None:
        return found == wanted
    try:
        return float(found) == float(wanted)
    except ValueError:
        return False


def has(rendering: tolerant.Rendering, attributes: Mapping[str, Scalar]) -> None:
    for name, wanted in attributes.items():
        found = rendering.attributes.get(name)
        expect(same(found, wanted), f"{name} is {found!r}, not {wanted!r}")


def read(ctx: OcciContext, path: str, accept: str = v.PLAIN) -> Response:
    return strict.succeeded(ctx.get(path, accept), accept)


def _well_formed(kind: str, accept: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(accept)
        response = read(ctx, ctx.shared(kind), accept)
        if accept == v.JSON:
            jsonform.expect_shape(response, jsonform.RESOURCE)
        else:
            strict.well_formed(response)

    return body


number = 0
for kind in KINDS:
    for accept in RENDERINGS:
        number += 1
        check(
            f"OCCI-READ-{number:03}",
            f"a {v.split(kind)[1]} in {accept} follows the grammar",
            "GFD.185 3.5, GFD.226, GFD.229",
        )(_well_formed(kind, accept))


def _reads_back(kind: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        attributes = {"occi.core.title": ctx.name(), **GIVEN[kind]}
        has(ctx.describe(ctx.given(kind, attributes)), attributes)

    return body


def _names_kind(kind: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        listed = ctx.describe(ctx.shared(kind)).category_ids
        expect(kind in listed, f"the rendering has no Category {kind}")

    return body


for number, kind in enumerate(KINDS, 11):
    term = v.split(kind)[1]
    check(f"OCCI-READ-{number:03}", f"the attributes given to a {term} are read back", CLAUSE)(
        _reads_back(kind)
    )
    check(f"OCCI-READ-{number + 3:03}", f"the rendering of a {term} names its kind", CLAUSE)(
        _names_kind(kind)
    )


@check("OCCI-READ-017", "a rendering has occi.core.id", "GFD.229 5.5.1, GFD.183 Entity.id")
def has_id(ctx: OcciContext) -> None:
    expect(ctx.describe(ctx.shared(v.STORAGE)).attributes.get("occi.core.id"), "no occi.core.id")


@check("OCCI-READ-018", "a rendering has the state", "GFD.184 (multiplicity 1)")
def has_state(ctx: OcciContext) -> None:
    for kind in KINDS:
        name = f"occi.{v.split(kind)[1]}.state"
        expect(ctx.describe(ctx.shared(kind)).attributes.get(name), f"no {name}")


@check(
    "OCCI-READ-019",
    "a resource in text/plain has only Category, Link and X-OCCI-Attribute lines",
    "pOCCI",
    Level.CLIENT,
)
def nothing_else(ctx: OcciContext) -> None:
    response = read(ctx, ctx.shared(v.COMPUTE))
    allowed = ("category", "link", "x-occi-attribute")
    lines = [line for line in response.text.splitlines() if line.strip()]
    other = [line for line in lines if line.partition(":")[0].strip().lower() not in allowed]
    expect(not other, f"a line {other[0][:160]!r}" if other else "")


@check(
    "OCCI-READ-020",
    "in text/plain each line holds one value",
    "rOCCI, pOCCI and ooi read one per line",
    Level.CLIENT,
)
def one_per_line(ctx: OcciContext) -> None:
    response = read(ctx, ctx.shared(v.COMPUTE))
    lines = [line for line in response.text.splitlines() if line.lower().startswith("x-occi-attribute")]
    found = len(tolerant.raw_values(response)["attribute"])
    require(found, "no attribute is rendered")
    expect(len(lines) == found, f"{found} attributes in {len(lines)} lines")


@check("OCCI-READ-021", "text/occi and text/plain show the same attributes", "GFD.185 3.6.6")
def same_in_both(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    first, second = (tolerant.read(read(ctx, path, accept)).attributes for accept in (v.PLAIN, v.OCCI))
    expect(set(first) == set(second), f"only in one: {' '.join(sorted(set(first) ^ set(second)))}")


@check("OCCI-READ-022", "in text/occi the body of an entity is OK or empty", "GFD.185 3.6.6.2", Level.CLIENT)
def occi_body(ctx: OcciContext) -> None:
    body = read(ctx, ctx.shared(v.STORAGE), v.OCCI).text.strip()
    expect(body in ("OK", ""), f"the body is {body[:80]!r}")


@check(
    "OCCI-READ-023",
    "a compute in text/occi has a Link header",
    "doyouspeakOCCI crashes without",
    Level.CLIENT,
)
def compute_has_link(ctx: OcciContext) -> None:
    expect(read(ctx, ctx.shared(v.COMPUTE), v.OCCI).header("Link"), "no Link header")


@check("OCCI-READ-024", "JSON shows the attributes of the text rendering", "GFD.226")
def same_in_json(ctx: OcciContext) -> None:
    ctx.need_json()
    path = ctx.shared(v.STORAGE)
    document = jsonform.document(read(ctx, path, v.JSON))
    require(
        isinstance(document, dict) and isinstance(document.get("attributes", {}), dict), "no entity object"
    )
    found = document.get("attributes", {}).get("occi.storage.size")
    wanted = ctx.describe(path).attributes.get("occi.storage.size")
    require(wanted, "text shows no occi.storage.size")
    expect(
        same(wanted, found) if isinstance(found, int | float) else False, f"JSON {found!r}, text {wanted!r}"
    )


@check("OCCI-READ-025", "an unknown entity is 404", "GFD.185 table 2")
def unknown_entity(ctx: OcciContext) -> None:
    response = ctx.get(f"{ctx.location(v.STORAGE)}{ctx.name()}")
    expect(response.status == 404, f"answered {response.status}")

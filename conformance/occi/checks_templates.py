"""OS and size templates (GFD.184, GFD.224 templates; GFD.222 profile)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.framework import Blocked, Level, Skipped, expect, require
from conformance.occi import jsonform, strict
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Message

CLAUSE = "GFD.184, GFD.224 templates"


def templates(ctx: OcciContext, parent: str, least: int = 1) -> list[str]:
    found = ctx.children(parent)
    if len(found) < least:
        raise Skipped(f"fewer than {least} templates of {v.split(parent)[1]} are published")
    return found


def sizes(ctx: OcciContext) -> Mapping[str, Mapping[str, Any]]:
    """Cores and memory by size template, as the JSON model or the profile states them."""
    found: dict[str, dict[str, Any]] = {}
    for identifier in templates(ctx, v.RESOURCE_TPL):
        scheme, term = v.split(identifier)
        if scheme == v.CRTP and term in v.CRTP_SIZES:
            cores, memory = v.CRTP_SIZES[term]
            found[identifier] = {"occi.compute.cores": cores, "occi.compute.memory": memory}
    if len(found) < 2:
        found |= _sizes_from_json(ctx)
    if len(found) < 2:
        raise Skipped("the sizes of fewer than two size templates are known")
    return found


def _sizes_from_json(ctx: OcciContext) -> dict[str, dict[str, Any]]:
    ctx.need_json()
    document = jsonform.document(strict.succeeded(ctx.get(QUERY, v.JSON)))
    names = ("occi.compute.cores", "occi.compute.memory")
    try:
        return {
            mixin["scheme"] + mixin["term"]: {name: mixin["attributes"][name]["default"] for name in names}
            for mixin in document["mixins"]
            if v.RESOURCE_TPL in mixin.get("depends", ())
            and all("default" in mixin.get("attributes", {}).get(name, {}) for name in names)
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise Blocked("the JSON model cannot be read") from error


def has_size(ctx: OcciContext, path: str, size: Mapping[str, Any]) -> None:
    found = ctx.describe(path).attributes
    for name, wanted in size.items():
        try:
            equal = float(found.get(name, "")) == float(wanted)
        except ValueError:
            equal = False
        expect(equal, f"{name} is {found.get(name)!r}, not {wanted}")


@check(
    "OCCI-TPL-001", "at least one OS template is published", "EGI probe, pOCCI INFRA/CREATE/004", Level.CLIENT
)
def os_templates(ctx: OcciContext) -> None:
    ctx.category(v.OS_TPL)
    expect(ctx.children(v.OS_TPL), f"no mixin names {v.OS_TPL} in rel")


@check(
    "OCCI-TPL-002",
    "at least one size template is published",
    "EGI probe, pOCCI INFRA/CREATE/004",
    Level.CLIENT,
)
def resource_templates(ctx: OcciContext) -> None:
    ctx.category(v.RESOURCE_TPL)
    expect(ctx.children(v.RESOURCE_TPL), f"no mixin names {v.RESOURCE_TPL} in rel")


@check("OCCI-TPL-003", "templates are mixins", "GFD.184 templates")
def class_mixin(ctx: OcciContext) -> None:
    named = {*templates(ctx, v.OS_TPL), *templates(ctx, v.RESOURCE_TPL)}
    wrong = [found.id for found in ctx.model if found.id in named and found.class_ != "mixin"]
    expect(not wrong, f"of another class: {' '.join(wrong)[:300]}")


def with_templates(ctx: OcciContext) -> tuple[str, tuple[str, str]]:
    """A compute made with the first OS and the first size template; Blocked when it cannot be made."""
    pair = (templates(ctx, v.OS_TPL)[0], templates(ctx, v.RESOURCE_TPL)[0])
    return ctx.given(v.COMPUTE, mixins=pair), pair


@check("OCCI-TPL-004", "a compute is created from an OS and a size template", CLAUSE)
def created(ctx: OcciContext) -> None:
    pair = (templates(ctx, v.OS_TPL)[0], templates(ctx, v.RESOURCE_TPL)[0])
    response, path = ctx.create(Message(v.COMPUTE, pair, attributes={"occi.core.title": ctx.name()}))
    expect(response.ok and path, f"answered {response.status}")


@check("OCCI-TPL-005", "a compute shows the templates it was made from", CLAUSE)
def shown(ctx: OcciContext) -> None:
    path, pair = with_templates(ctx)
    missing = set(pair) - ctx.describe(path).category_ids
    expect(not missing, f"not shown: {' '.join(sorted(missing))}")


@check("OCCI-TPL-006", "a size template sets cores and memory", CLAUSE)
def sets_size(ctx: OcciContext) -> None:
    known = sizes(ctx)
    template = list(known)[1]
    path = ctx.given(v.COMPUTE, mixins=(*ctx.children(v.OS_TPL)[:1], template))
    has_size(ctx, path, known[template])


@check("OCCI-TPL-007", "a size template prevails over the sizes of the client", "GFD.224 resource template")
def template_prevails(ctx: OcciContext) -> None:
    ctx.need_claim("1.2")
    known = sizes(ctx)
    (first, size), (_, other) = list(known.items())[:2]
    path = ctx.given(v.COMPUTE, dict(other), mixins=(*ctx.children(v.OS_TPL)[:1], first))
    has_size(ctx, path, size)


def _resized(ctx: OcciContext) -> tuple[str, str, str]:
    """A compute resized by mixin: its path, the old and the new template; Blocked when that is refused."""
    first, second = list(sizes(ctx))[:2]
    path = ctx.given(v.COMPUTE, mixins=(*ctx.children(v.OS_TPL)[:1], first))
    response = ctx.send("POST", path, Message(mixins=(second,)))
    require(response.ok, f"the update is answered {response.status}")
    return path, first, second


@check(
    "OCCI-TPL-008",
    "an update that names only another size template is accepted",
    "rOCCI-cli update -M",
    Level.CLIENT,
)
def resize_accepted(ctx: OcciContext) -> None:
    first, second = list(sizes(ctx))[:2]
    path = ctx.given(v.COMPUTE, mixins=(*ctx.children(v.OS_TPL)[:1], first))
    response = ctx.send("POST", path, Message(mixins=(second,)))
    expect(response.ok, f"answered {response.status}")


@check("OCCI-TPL-009", "another size template resizes the machine", "GFD.224 resource template")
def resize_takes_effect(ctx: OcciContext) -> None:
    path, _, second = _resized(ctx)
    has_size(ctx, path, sizes(ctx)[second])


@check("OCCI-TPL-010", "another size template replaces the old one", "GFD.224 resource template")
def resize_replaces(ctx: OcciContext) -> None:
    path, first, second = _resized(ctx)
    listed = ctx.describe(path).category_ids
    expect(second in listed, "the new template is not shown")
    expect(first not in listed, "the old template is still shown")


@check("OCCI-TPL-011", "a template that is not published is refused", "GFD.185 table 2")
def unknown(ctx: OcciContext) -> None:
    scheme = v.split(templates(ctx, v.OS_TPL)[0])[0]
    message = Message(v.COMPUTE, (f"{scheme}{ctx.name()}",), attributes={"occi.core.title": ctx.name()})
    response, _ = ctx.create(message)
    expect(response.status in (400, 404), f"answered {response.status}")


@check(
    "OCCI-TPL-012", "the collection of a template lists the machines made from it", "GFD.183 Mixin.entities"
)
def collection(ctx: OcciContext) -> None:
    path, (_, size) = with_templates(ctx)
    found = ctx.listing(ctx.location(size))
    expect(path in found, f"{path} is not in {ctx.location(size)}")

"""The published model against the tables of OCCI Core and Infrastructure (GFD.184, GFD.224)."""

from __future__ import annotations

from collections.abc import Callable

from conformance.framework import Blocked, Body, Level, Skipped, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, OcciContext
from conformance.occi.registry import check
from conformance.occi.strict import values
from conformance.occi.text import Category, Malformed, parse_category

CLAUSE = "GFD.184, GFD.224"
ACTIONS_WITH_METHOD = ("stop", "restart", "suspend")

KindBody = Callable[[OcciContext, str, v.Definition], None]


def missing_from(wanted: tuple[str, ...], listed: tuple[str, ...]) -> str:
    return " ".join(name for name in wanted if name not in listed)


def strict_category(ctx: OcciContext, identifier: str) -> Category:
    """The category with the properties of its attributes; Blocked when its line cannot be read."""
    ctx.category(identifier)
    for value in values(ctx.get(QUERY), "Category"):
        try:
            found = parse_category(value)
        except Malformed:
            continue
        if found.id == identifier:
            return found
    raise Blocked(f"the Category of {identifier} cannot be read")


def for_each_kind(
    first: int, title: str, clause: str, level: Level = Level.MUST
) -> Callable[[KindBody], KindBody]:
    """Register the body once for each infrastructure kind, from the number `first` on; `{}` is the term."""

    def register(body: KindBody) -> KindBody:
        for number, (term, definition) in enumerate(v.KINDS.items(), first):
            check(f"OCCI-MODEL-{number:03}", title.format(term), clause, level)(
                _bound(body, term, definition)
            )
        return body

    return register


def _bound(body: KindBody, term: str, definition: v.Definition) -> Body[OcciContext]:
    def bound(ctx: OcciContext, /) -> None:
        body(ctx, term, definition)

    return bound


@for_each_kind(1, "kind {} is published", "GFD.184; EGI probe", Level.CLIENT)
def kind_published(ctx: OcciContext, term: str, definition: v.Definition) -> None:
    found = [category for category in ctx.model if category.id == definition.id]
    expect(found, f"{definition.id} is not in the model")
    expect(found[0].class_ == "kind", f"its class is {found[0].class_!r}")


@for_each_kind(11, "kind {} names its parent in rel", "GFD.183, GFD.229 5.5.2")
def kind_parent(ctx: OcciContext, term: str, definition: v.Definition) -> None:
    rel = ctx.category(definition.id).rel
    expect(definition.parent in rel, f"rel is {' '.join(rel) or 'absent'}, not {definition.parent}")


@for_each_kind(21, "kind {} lists the attributes common to 1.1 and 1.2", CLAUSE)
def kind_attributes(ctx: OcciContext, term: str, definition: v.Definition) -> None:
    missing = missing_from(definition.both, ctx.category(definition.id).attributes)
    expect(not missing, f"missing: {missing}")


@for_each_kind(31, "kind {} lists the attributes of 1.2", "GFD.224")
def kind_attributes_of_1_2(ctx: OcciContext, term: str, definition: v.Definition) -> None:
    ctx.need_claim("1.2")
    missing = missing_from(definition.second, ctx.category(definition.id).attributes)
    expect(not missing, f"missing: {missing}")


@for_each_kind(41, "kind {} marks immutable and required attributes as the standard does", CLAUSE)
def kind_properties(ctx: OcciContext, term: str, definition: v.Definition) -> None:
    listed = strict_category(ctx, definition.id).attributes
    immutable = {attribute.name for attribute in listed if attribute.immutable}
    required = {attribute.name for attribute in listed if attribute.required}
    names = {attribute.name for attribute in listed}
    lacking = (definition.immutable & names) - immutable
    expect(not lacking, f"not marked immutable: {' '.join(sorted(lacking))}")
    lacking = (definition.required & names) - required
    expect(not lacking, f"not marked required: {' '.join(sorted(lacking))}")


@for_each_kind(
    51, "kind {} requires no attribute that clients cannot supply", "pOCCI table of names", Level.CLIENT
)
def kind_requires_little(ctx: OcciContext, term: str, definition: v.Definition) -> None:
    listed = strict_category(ctx, definition.id).attributes
    demanded = {item.name for item in listed if item.required and not item.immutable} - v.FILLABLE
    expect(not demanded, f"required: {' '.join(sorted(demanded))}")


def _actions_listed(kind: str, terms: tuple[str, ...]) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        listed = ctx.category(kind).actions
        missing = [term for term in terms if v.action(kind, term) not in listed]
        expect(not missing, f"missing in actions: {' '.join(missing)}")

    return body


def _actions_published(kind: str, terms: tuple[str, ...]) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.category(kind)
        published = {found.id for found in ctx.model if found.class_ == "action"}
        missing = [term for term in terms if v.action(kind, term) not in published]
        expect(not missing, f"no Category of class action: {' '.join(missing)}")

    return body


for number, name in enumerate(("compute", "network", "storage"), 1):
    kind = v.KINDS[name]
    check(f"OCCI-MODEL-{60 + number:03}", f"kind {name} lists its actions", CLAUSE)(
        _actions_listed(kind.id, kind.actions)
    )
    check(f"OCCI-MODEL-{70 + number:03}", f"the actions of {name} are published", CLAUSE)(
        _actions_published(kind.id, kind.actions)
    )


@check(
    "OCCI-MODEL-081",
    "storage has the actions backup, snapshot and resize of 1.1",
    "suites of 1.1",
    Level.CLIENT,
)
def storage_actions_of_1_1(ctx: OcciContext) -> None:
    storage = v.KINDS["storage"]
    _actions_listed(storage.id, storage.first_actions)(ctx)
    _actions_published(storage.id, storage.first_actions)(ctx)


@check("OCCI-MODEL-082", "compute lists occi.compute.speed of 1.1", "suites of 1.1", Level.CLIENT)
def compute_speed(ctx: OcciContext) -> None:
    listed = ctx.category(v.COMPUTE).attributes
    expect("occi.compute.speed" in listed, "occi.compute.speed is missing")


@check("OCCI-MODEL-083", "the actions stop, restart and suspend of compute list method", CLAUSE)
def actions_list_method(ctx: OcciContext) -> None:
    actions = [v.action(v.COMPUTE, term) for term in ACTIONS_WITH_METHOD]
    published = [found for found in ctx.model if found.id in actions]
    require(published, "none of the actions is published")
    lacking = [found.term for found in published if "method" not in found.attributes]
    expect(not lacking, f"without method: {' '.join(lacking)}")


@check("OCCI-MODEL-084", "the action resize of storage lists size", "GFD.184; suites of 1.1", Level.CLIENT)
def resize_lists_size(ctx: OcciContext) -> None:
    listed = ctx.category(v.action(v.STORAGE, "resize")).attributes
    expect("size" in listed, "size is missing")


@check("OCCI-MODEL-085", "compute has the action save of 1.2", "GFD.224")
def compute_save(ctx: OcciContext) -> None:
    ctx.need_claim("1.2")
    _actions_listed(v.COMPUTE, v.KINDS["compute"].second_actions)(ctx)
    _actions_published(v.COMPUTE, v.KINDS["compute"].second_actions)(ctx)


def _mixin_attributes(identifier: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        missing = missing_from(v.MIXIN_ATTRIBUTES[identifier], ctx.category(identifier).attributes)
        expect(not missing, f"missing: {missing}")

    return body


for number, identifier in enumerate(v.MIXIN_ATTRIBUTES, 91):
    short = identifier.removeprefix("http://")
    check(f"OCCI-MODEL-{number:03}", f"mixin {v.split(short)[1]} lists its attributes", f"{CLAUSE}; {short}")(
        _mixin_attributes(identifier)
    )


@check("OCCI-MODEL-101", "ipnetwork carries no rel", "WG suite, IaaS model test", Level.CLIENT)
def ipnetwork_without_rel(ctx: OcciContext) -> None:
    rel = ctx.category(v.IPNETWORK).rel
    expect(not rel, f"rel is {' '.join(rel)}")


@check("OCCI-MODEL-102", "the parent of each kind is published", "GFD.183 kind relations")
def parents_published(ctx: OcciContext) -> None:
    known = {found.id for found in ctx.model}
    unknown = {rel for found in ctx.model if found.class_ == "kind" for rel in found.rel} - known
    expect(not unknown, f"named in rel only: {' '.join(sorted(unknown))[:300]}")


@check("OCCI-MODEL-103", "each action that a kind or mixin names is published", "GFD.183 actions")
def named_actions_published(ctx: OcciContext) -> None:
    known = {found.id for found in ctx.model}
    unknown = {action for found in ctx.model for action in found.actions} - known
    expect(not unknown, f"named only: {' '.join(sorted(unknown))[:300]}")


@check("OCCI-MODEL-104", "the mixins os_tpl and resource_tpl are published", "EGI probe -I", Level.CLIENT)
def template_parents(ctx: OcciContext) -> None:
    missing = [mixin for mixin in (v.OS_TPL, v.RESOURCE_TPL) if not ctx.publishes(mixin)]
    expect(not missing, f"missing: {' '.join(missing)}")


@check("OCCI-MODEL-105", "a server that claims OCCI-CRTP publishes small, medium and large", "GFD.222")
def crtp_published(ctx: OcciContext) -> None:
    if "OCCI-CRTP" not in ctx.server:
        raise Skipped("the Server header does not claim OCCI-CRTP")
    terms = {
        found.term
        for found in ctx.model
        if found.scheme.startswith(f"{v.OGF}/infrastructure/compute/template/")
    }
    missing = set(v.CRTP_SIZES) - terms
    expect(not missing, f"missing: {' '.join(sorted(missing))}")


@check("OCCI-MODEL-106", "each kind and mixin has a location", "GFD.185 3.4.1, GFD.229 5.5")
def locations_present(ctx: OcciContext) -> None:
    lacking = [
        found.id
        for found in ctx.model
        if found.class_ in ("kind", "mixin") and not found.location and found.id != v.ENTITY
    ]
    expect(not lacking, f"without location: {' '.join(lacking)[:300]}")


@check("OCCI-MODEL-107", "each location ends with a slash", "GFD.185 3.4.2")
def locations_end_with_slash(ctx: OcciContext) -> None:
    wrong = [found.location for found in ctx.model if found.location and not found.location.endswith("/")]
    expect(not wrong, f"not ending with '/': {' '.join(wrong)[:300]}")


@check("OCCI-MODEL-108", "no two categories share a location", "GFD.185 3.4.1")
def locations_distinct(ctx: OcciContext) -> None:
    places = [found.location for found in ctx.model if found.location]
    twice = sorted({place for place in places if places.count(place) > 1})
    expect(not twice, f"shared: {' '.join(twice)[:300]}")

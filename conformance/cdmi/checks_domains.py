"""Domains: the tree, members, summaries, what becomes of their objects (10)."""

from __future__ import annotations

from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document
from conformance.framework import Skipped, expect, require

FIELDS = (
    "objectType",
    "objectID",
    "objectName",
    "parentURI",
    "parentID",
    "metadata",
    "childrenrange",
    "children",
)


def need_domains(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_domains")


def a_domain(ctx: CdmiContext) -> str:
    """The path of the domain of our own objects, or of the first that is listed."""
    need_domains(ctx)
    uri = ctx.read(ctx.box).get("domainURI")
    require(isinstance(uri, str) and uri, "our container has no domainURI")
    return ctx.endpoint.path(str(uri))


def given_domain(ctx: CdmiContext, **metadata: Any) -> str:
    """The path of a new domain below ours; Skipped where none can be made."""
    need_domains(ctx)
    ctx.need("domain", "cdmi_create_domain")
    path = f"{v.DOMAINS}{ctx.name('domain')}/"
    response = ctx.put(path, {"metadata": metadata}, v.DOMAIN)
    if response.status in (401, 403):
        raise Skipped("this account may not make domains")
    require(response.status == 201, f"cannot make a domain: {response.status}")
    return ctx.track(path)


@check("CDMI-DOM-001", "/cdmi_domains/ is listed as a container or a domain is", "10.1")
def tree(ctx: CdmiContext) -> None:
    need_domains(ctx)
    found = document(ctx.get(v.DOMAINS))
    expect(isinstance(found.get("children"), list), "it has no children")


@check("CDMI-DOM-002", "a domain has all mandatory fields", "10.3")
def fields(ctx: CdmiContext) -> None:
    found = document(ctx.get(a_domain(ctx)))
    missing = [name for name in FIELDS if name not in found]
    expect(not missing, f"{', '.join(missing)} missing")
    expect(found["objectType"] == v.DOMAIN, f"objectType is {found['objectType']!r}")


@check("CDMI-DOM-003", "a domain owns itself", "10.3")
def own(ctx: CdmiContext) -> None:
    path = a_domain(ctx)
    found = ctx.read(path).get("domainURI")
    expect(found == ctx.reference(path), f"domainURI is {found!r}")


@check("CDMI-DOM-004", "a domain has no completionStatus", "10.3")
def no_status(ctx: CdmiContext) -> None:
    expect("completionStatus" not in document(ctx.get(a_domain(ctx))), "it has one")


@check("CDMI-DOM-005", "a domain without its slash is 301", "10.1")
def slash(ctx: CdmiContext) -> None:
    answered(ctx.get(a_domain(ctx).rstrip("/")), 301)


@check("CDMI-DOM-006", "parentURI and objectName make the URI of a domain", "10.3")
def address(ctx: CdmiContext) -> None:
    path = a_domain(ctx)
    found = document(ctx.get(path))
    uri = f"{found.get('parentURI')}{found.get('objectName')}"
    expect(uri == ctx.reference(path), f"parentURI and objectName make {uri!r}")


@check("CDMI-DOM-007", "an object of a domain that is not there is not made", "8.2, 10")
def unknown(ctx: CdmiContext) -> None:
    need_domains(ctx)
    path = ctx.new()
    answered(ctx.put(path, {"domainURI": ctx.reference(f"{v.DOMAINS}{ctx.name()}/")}), 400, 403, 404)
    expect(not ctx.exists(path), "it was made")


@check("CDMI-DOM-008", "objects of one parent are of its domain", "8.2, 9.2")
def of_parent(ctx: CdmiContext) -> None:
    wanted = ctx.reference(a_domain(ctx))
    for path in (ctx.given(), ctx.given_container()):
        found = ctx.read(path).get("domainURI")
        expect(found == wanted, f"domainURI is {found!r}")


@check("CDMI-DOM-009", "a domain is made disabled unless it says otherwise", "10.2")
def disabled(ctx: CdmiContext) -> None:
    found = ctx.metadata(given_domain(ctx)).get("cdmi_domain_enabled")
    expect(found in (None, "false"), f"cdmi_domain_enabled is {found!r}")


@check("CDMI-DOM-010", "a domain is updated", "10.4")
def update(ctx: CdmiContext) -> None:
    path = given_domain(ctx, cdmi_domain_enabled="true", a="1")
    answered(ctx.put(f"{path}?metadata:a", {"metadata": {"a": "2"}}, v.DOMAIN), 204)
    found = ctx.metadata(path)
    expect((found.get("a"), found.get("cdmi_domain_enabled")) == ("2", "true"), f"metadata are {found}")


@check("CDMI-DOM-011", "an empty domain is deleted", "10.5")
def delete(ctx: CdmiContext) -> None:
    path = given_domain(ctx)
    answered(ctx.delete(path), 204)
    answered(ctx.get(path), 404)


@check("CDMI-DOM-012", "a domain create without slash is 400", "10.2")
def create_without(ctx: CdmiContext) -> None:
    need_domains(ctx)
    ctx.need("domain", "cdmi_create_domain")
    answered(ctx.put(f"{v.DOMAINS}{ctx.name()}", {}, v.DOMAIN), 400)


@check("CDMI-DOM-013", "a domain has its container of members", "10.1.1 (cdmi_domain_members)")
def members(ctx: CdmiContext) -> None:
    need_domains(ctx)
    ctx.need("domain", "cdmi_domain_members")
    path = a_domain(ctx)
    response = ctx.get(f"{path}cdmi_domain_members/")
    if response.status == 403:
        raise Skipped("this account may not see the members")
    expect(isinstance(document(response).get("children"), list), "it has no children")


@check("CDMI-DOM-014", "a domain has its summary", "10.1.2 (cdmi_domain_summary)")
def summary(ctx: CdmiContext) -> None:
    need_domains(ctx)
    ctx.need("domain", "cdmi_domain_summary")
    path = a_domain(ctx)
    response = ctx.get(f"{path}cdmi_domain_summary/")
    if response.status == 403:
        raise Skipped("this account may not see the summary")
    expect("cumulative" in document(response).get("children", []), "there is no cumulative summary")
    value = ctx.http("GET", f"{path}cdmi_domain_summary/cumulative").json()
    missing = {"cdmi_domainURI", "cdmi_summary_start", "cdmi_summary_end"} - set(value)
    expect(not missing, f"{', '.join(sorted(missing))} missing")
    expect(all(isinstance(item, str) for item in value.values()), "a value is no string")


@check("CDMI-DOM-015", "objects of a disabled domain are refused", "10.1, 8")
def forbidden(ctx: CdmiContext) -> None:
    domain = given_domain(
        ctx, cdmi_domain_enabled="true", cdmi_domain_delete_reassign=ctx.reference(a_domain(ctx))
    )
    path = ctx.new()
    response = ctx.put(path, {"value": "x", "domainURI": ctx.reference(domain)})
    if response.status in (400, 403):
        raise Skipped("this account may not make objects across domains")
    require(response.status == 201, f"cannot make an object of it: {response.status}")
    switch = f"{domain}?metadata:cdmi_domain_enabled"
    require(
        ctx.put(switch, {"metadata": {"cdmi_domain_enabled": "false"}}, v.DOMAIN).status == 204,
        "cannot switch",
    )
    answered(ctx.get(path), 403)
    answered(ctx.put(switch, {"metadata": {"cdmi_domain_enabled": "true"}}, v.DOMAIN), 204)
    answered(ctx.get(path), 200)


@check("CDMI-DOM-016", "a domain with objects goes only when they are reassigned", "10.5")
def reassign(ctx: CdmiContext) -> None:
    domain = given_domain(ctx, cdmi_domain_enabled="true")
    path = ctx.new()
    response = ctx.put(path, {"value": "x", "domainURI": ctx.reference(domain)})
    if response.status in (400, 403):
        raise Skipped("this account may not make objects across domains")
    answered(ctx.delete(domain), 400)
    heir = ctx.reference(a_domain(ctx))
    wish = {"metadata": {"cdmi_domain_delete_reassign": heir}}
    answered(ctx.put(f"{domain}?metadata:cdmi_domain_delete_reassign", wish, v.DOMAIN), 204)
    answered(ctx.delete(domain), 204)
    expect(ctx.read(path).get("domainURI") == heir, "the object has another domain")

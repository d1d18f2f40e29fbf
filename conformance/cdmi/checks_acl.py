"""Access control lists: their forms, inheritance, and what they let a second account do (16.1)."""

from __future__ import annotations

from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document
from conformance.framework import Body, Level, expect, require

CLAUSE = "16.1"
MEMBERS = ("acetype", "identifier", "aceflags", "acemask")
Ace = dict[str, str]


def ace(mask: str, who: str = "EVERYONE@", kind: str = "ALLOW", flags: str = "NO_FLAGS") -> Ace:
    return {"acetype": kind, "identifier": who, "aceflags": flags, "acemask": mask}


OWNER = ace("ALL_PERMS", "OWNER@", flags="OBJECT_INHERIT, CONTAINER_INHERIT")


def need_acl(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_acl")


def acl_of(ctx: CdmiContext, path: str) -> list[Ace]:
    found = ctx.metadata(path).get("cdmi_acl")
    expect(isinstance(found, list), f"cdmi_acl is {found!r}")
    return list(found or [])


def _stored(*entries: Ace) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        need_acl(ctx)
        wanted = [OWNER, *entries]
        found = acl_of(ctx, ctx.given(metadata={"cdmi_acl": wanted}))
        expect(found == wanted, f"cdmi_acl is {found}")

    return run


@check("CDMI-ACL-001", "a new object has a list whose entries have four texts", CLAUSE)
def default(ctx: CdmiContext) -> None:
    need_acl(ctx)
    for path in (ctx.given(), ctx.given_container()):
        found = acl_of(ctx, path)
        expect(found, "the list is empty")
        for entry in found:
            texts = [entry.get(name) for name in MEMBERS]
            expect(all(isinstance(text, str) for text in texts), f"an entry is {entry}")


check("CDMI-ACL-002", "names of rights come back", CLAUSE)(_stored(ace("READ_OBJECT, READ_METADATA")))
check("CDMI-ACL-003", "hexadecimal entries come back as written", "grnet suite", Level.CLIENT)(
    _stored({"acetype": "0x0", "identifier": "EVERYONE@", "aceflags": "0x00000000", "acemask": "0x0000000b"})
)
check("CDMI-ACL-004", "the order of the entries is kept", CLAUSE)(
    _stored(ace("READ_OBJECT", kind="DENY"), ace("READ_OBJECT"), ace("WRITE_OBJECT", kind="DENY"))
)


def _understood(entry: Ace) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        need_acl(ctx)
        found = acl_of(ctx, ctx.given(metadata={"cdmi_acl": [OWNER, entry]}))
        expect(len(found) == 2, f"cdmi_acl is {found}")

    return run


check("CDMI-ACL-005", "the long names of constants, joined by |, are understood", "16.1.5", Level.CLIENT)(
    _understood(
        {
            "acetype": "CDMI_ACE_ACCESS_ALLOW",
            "identifier": "EVERYONE@",
            "aceflags": "0x0",
            "acemask": "CDMI_ACE_READ_OBJECT | CDMI_ACE_READ_METADATA",
        }
    )
)
check("CDMI-ACL-006", "rights of containers have names of their own", CLAUSE)(
    _understood(ace("LIST_CONTAINER, ADD_OBJECT, ADD_SUBCONTAINER, TRAVERSE_CONTAINER"))
)
check("CDMI-ACL-007", "AUDIT entries are stored", CLAUSE)(_understood(ace("ALL_PERMS", kind="AUDIT")))


def _refused(wrong: Any) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        need_acl(ctx)
        path = ctx.new()
        answered(ctx.put(path, {"metadata": {"cdmi_acl": wrong}}), 400)
        expect(not ctx.exists(path), "the object was made")

    return run


_WRONG = {
    "an unknown type": [ace("READ_OBJECT", kind="PERHAPS")],
    "an unknown right": [ace("FLY")],
    "an unknown flag": [ace("READ_OBJECT", flags="SOMETIMES")],
    "a missing member": [{"acetype": "ALLOW", "identifier": "EVERYONE@"}],
    "no list": {"acetype": "ALLOW"},
    "a number for a mask": [{**OWNER, "acemask": 31}],
}
for _number, (_word, _entries) in enumerate(_WRONG.items(), 8):
    check(f"CDMI-ACL-{_number:03}", f"{_word} is 400", CLAUSE)(_refused(_entries))


@check("CDMI-ACL-014", "?metadata:cdmi_acl changes the list alone", "16.1, 8.4")
def alone(ctx: CdmiContext) -> None:
    need_acl(ctx)
    path = ctx.given(metadata={"a": "1"})
    wanted = [OWNER, ace("READ_OBJECT")]
    answered(ctx.put(f"{path}?metadata:cdmi_acl", {"metadata": {"cdmi_acl": wanted}}), 204)
    expect(acl_of(ctx, path) == wanted, "the list was not changed")
    expect(ctx.metadata(path).get("a") == "1", "the other metadata are gone")


@check("CDMI-ACL-015", "new metadata without a list keep the list", "16.1, 8.4", Level.SHOULD)
def kept(ctx: CdmiContext) -> None:
    need_acl(ctx)
    wanted = [OWNER, ace("READ_OBJECT")]
    path = ctx.given(metadata={"cdmi_acl": wanted})
    answered(ctx.put(path, {"metadata": {"a": "1"}}), 204)
    expect(acl_of(ctx, path) == wanted, f"the list is {acl_of(ctx, path)}")


def inherited(ctx: CdmiContext, flags: str, child: str) -> list[str]:
    """The flags of the entries for EVERYONE@ on a child of a container that has one with these flags."""
    need_acl(ctx)
    path = ctx.given_container(metadata={"cdmi_acl": [OWNER, ace("READ_OBJECT", flags=flags)]})
    require(ctx.put(path + child, {}).status == 201, "cannot make a child")
    return [entry["aceflags"] for entry in acl_of(ctx, path + child) if entry["identifier"] == "EVERYONE@"]


@check("CDMI-ACL-016", "OBJECT_INHERIT passes an entry to data objects, marked INHERITED", "16.1.4")
def to_objects(ctx: CdmiContext) -> None:
    found = inherited(ctx, "OBJECT_INHERIT", "a")
    expect(found and ("INHERITED" in found[0] or found[0].lower() == "0x80"), f"flags are {found}")


@check("CDMI-ACL-017", "CONTAINER_INHERIT alone does not pass to data objects", "16.1.4")
def not_to_objects(ctx: CdmiContext) -> None:
    expect(not inherited(ctx, "CONTAINER_INHERIT", "a"), "it was passed on")


@check("CDMI-ACL-018", "CONTAINER_INHERIT passes an entry to containers", "16.1.4")
def to_containers(ctx: CdmiContext) -> None:
    expect(inherited(ctx, "CONTAINER_INHERIT", "a/"), "it was not passed on")


@check("CDMI-ACL-019", "an entry without flags is not passed on", "16.1.4")
def not_inherited(ctx: CdmiContext) -> None:
    expect(not inherited(ctx, "NO_FLAGS", "a"), "a data object has it")
    expect(not inherited(ctx, "NO_FLAGS", "a/"), "a container has it")


# What the second account may do


def open_to(ctx: CdmiContext, mask: str, *more: Ace, value: str = "secret") -> str:
    """A data object in a container that everybody may pass, with the rights of everybody on it."""
    place = opened(ctx, "TRAVERSE_CONTAINER")
    path = f"{place}object"
    given = [*more, OWNER, *([ace(mask)] if mask else [])]
    response = ctx.put(path, {"value": value, "metadata": {"cdmi_acl": given, "colour": "red"}})
    require(response.status == 201, f"cannot make a data object with a list: {response.status}")
    return path


def opened(ctx: CdmiContext, mask: str) -> str:
    """A container in the root on which everybody has these rights."""
    ctx.need("", "cdmi_security_access_control")
    need_acl(ctx)
    ctx.need_second()
    path = f"/{ctx.name('open')}/"
    response = ctx.put(path, {"metadata": {"cdmi_acl": [OWNER, ace(mask)]}})
    require(response.status == 201, f"cannot make a container with a list: {response.status}")
    return ctx.track(path)


@check("CDMI-ACL-020", "without any right an object is refused", "16.1.3")
def nothing(ctx: CdmiContext) -> None:
    path = open_to(ctx, "")
    for method, body in (("GET", None), ("PUT", {"value": "x"}), ("DELETE", None)):
        answered(ctx.other(method, path, body), 403, 404)
    expect(ctx.content(path) == b"secret", "the value has changed")


@check("CDMI-ACL-021", "by HTTP a value is refused without READ_OBJECT", "16.1.3")
def http_read(ctx: CdmiContext) -> None:
    path = open_to(ctx, "READ_METADATA, READ_ATTRIBUTES")
    answered(ctx.http("GET", path, credentials=ctx.need_second()), 403)


@check("CDMI-ACL-022", "READ_OBJECT lets the value be read, and no more", "16.1.3")
def read_only(ctx: CdmiContext) -> None:
    path = open_to(ctx, "READ_OBJECT")
    response = answered(ctx.http("GET", path, credentials=ctx.need_second()), 200)
    expect(response.body == b"secret", "another value")
    answered(ctx.other("PUT", path, {"value": "x"}), 403)
    answered(ctx.other("DELETE", path), 403)


@check("CDMI-ACL-023", "fields that may not be read are left out", "16.1.3")
def left_out(ctx: CdmiContext) -> None:
    found = document(ctx.other("GET", open_to(ctx, "READ_ATTRIBUTES, READ_METADATA")))
    expect("value" not in found and "objectID" in found, f"the fields are {', '.join(found)}")
    expect(found.get("metadata", {}).get("colour") == "red", "the metadata are missing")
    found = document(ctx.other("GET", open_to(ctx, "READ_ATTRIBUTES, READ_OBJECT")))
    expect(found.get("value") == "secret", "the value is missing")
    expect("colour" not in found.get("metadata", {}), "metadata are shown")


@check("CDMI-ACL-024", "a request for nothing but what may not be read is 403", "16.1.3")
def only_denied(ctx: CdmiContext) -> None:
    answered(ctx.other("GET", open_to(ctx, "READ_ATTRIBUTES") + "?value"), 403)
    answered(ctx.other("GET", open_to(ctx, "READ_ATTRIBUTES, READ_OBJECT") + "?metadata"), 403)


@check("CDMI-ACL-025", "a list is shown with READ_ACL only", "16.1.3")
def read_acl(ctx: CdmiContext) -> None:
    found = document(ctx.other("GET", open_to(ctx, "READ_ATTRIBUTES, READ_METADATA")))
    expect("cdmi_acl" not in found.get("metadata", {}), "it is shown without")
    found = document(ctx.other("GET", open_to(ctx, "READ_ACL") + "?metadata:cdmi_acl"))
    expect("cdmi_acl" in found.get("metadata", {}), "it is not shown with it")


@check("CDMI-ACL-026", "the first entry that names a right decides", "16.1.3")
def order(ctx: CdmiContext) -> None:
    denied = open_to(ctx, "READ_OBJECT", ace("READ_OBJECT", ctx.need_second().user, "DENY"))
    answered(ctx.http("GET", denied, credentials=ctx.need_second()), 403)
    late = open_to(ctx, "READ_OBJECT", ace("READ_OBJECT"), ace("READ_OBJECT", kind="DENY"))
    answered(ctx.http("GET", late, credentials=ctx.need_second()), 200)


@check("CDMI-ACL-027", "an entry for somebody else does not matter", "16.1.3")
def others(ctx: CdmiContext) -> None:
    path = open_to(ctx, "READ_OBJECT", ace("READ_OBJECT", ctx.name("nobody"), "DENY"))
    answered(ctx.http("GET", path, credentials=ctx.need_second()), 200)


@check("CDMI-ACL-028", "an AUDIT entry neither grants nor denies", "16.1.3")
def audit(ctx: CdmiContext) -> None:
    path = open_to(ctx, "", ace("READ_OBJECT", kind="AUDIT"))
    answered(ctx.http("GET", path, credentials=ctx.need_second()), 403, 404)


@check("CDMI-ACL-029", "WRITE_OBJECT lets the value be written, not the metadata", "16.1.3")
def write(ctx: CdmiContext) -> None:
    path = open_to(ctx, "WRITE_OBJECT, APPEND_DATA")
    answered(ctx.other("PUT", path, {"metadata": {"colour": "blue"}}), 403)
    answered(ctx.other("PUT", path, {"value": "overwritten"}), 204)
    expect(ctx.metadata(path).get("colour") == "red", "the metadata have changed")
    expect(ctx.content(path) == b"overwritten", "the value is the old one")


@check("CDMI-ACL-030", "WRITE_METADATA lets metadata be written, not the list", "16.1.3")
def write_metadata(ctx: CdmiContext) -> None:
    path = open_to(ctx, "WRITE_METADATA")
    answered(ctx.other("PUT", f"{path}?metadata:colour", {"metadata": {"colour": "blue"}}), 204)
    wish = {"metadata": {"cdmi_acl": [ace("ALL_PERMS")]}}
    answered(ctx.other("PUT", f"{path}?metadata:cdmi_acl", wish), 403)
    expect(ctx.metadata(path).get("colour") == "blue", "the metadata are the old ones")


@check("CDMI-ACL-031", "WRITE_ACL alone is enough for the list", "16.1.3")
def write_acl(ctx: CdmiContext) -> None:
    path = open_to(ctx, "WRITE_ACL")
    wish = {"metadata": {"cdmi_acl": [OWNER, ace("READ_OBJECT")]}}
    answered(ctx.other("PUT", f"{path}?metadata:cdmi_acl", wish), 204)
    answered(ctx.http("GET", path, credentials=ctx.need_second()), 200)


@check("CDMI-ACL-032", "a container that may not be passed hides what is below", "16.1.3")
def traverse(ctx: CdmiContext) -> None:
    place = opened(ctx, "LIST_CONTAINER, READ_ATTRIBUTES")
    body = {"value": "x", "metadata": {"cdmi_acl": [OWNER, ace("ALL_PERMS")]}}
    require(ctx.put(f"{place}object", body).status == 201, "cannot make a data object")
    answered(ctx.other("GET", f"{place}object"), 403, 404)


@check("CDMI-ACL-033", "an ID does not lead around a container that may not be passed", "16.1.3, 5.10")
def traverse_by_id(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_object_access_by_ID")
    place = opened(ctx, "LIST_CONTAINER, READ_ATTRIBUTES")
    body = {"value": "x", "metadata": {"cdmi_acl": [OWNER, ace("ALL_PERMS")]}}
    require(ctx.put(f"{place}object", body).status == 201, "cannot make a data object")
    answered(ctx.other("GET", v.BY_ID + ctx.identifier(f"{place}object")), 403, 404)


@check("CDMI-ACL-034", "children are shown with LIST_CONTAINER only", "16.1.3")
def listing(ctx: CdmiContext) -> None:
    found = document(ctx.other("GET", opened(ctx, "READ_ATTRIBUTES, READ_METADATA")))
    expect("children" not in found, "they are shown")
    answered(ctx.other("GET", opened(ctx, "READ_ATTRIBUTES") + "?children"), 403)
    expect(
        "children" in document(ctx.other("GET", opened(ctx, "LIST_CONTAINER, READ_ATTRIBUTES"))), "not shown"
    )


@check("CDMI-ACL-035", "ADD_OBJECT and ADD_SUBCONTAINER let each its own be made", "16.1.3")
def adding(ctx: CdmiContext) -> None:
    place = opened(ctx, "TRAVERSE_CONTAINER, ADD_OBJECT")
    answered(ctx.other("PUT", f"{place}a", {}), 201)
    answered(ctx.other("PUT", f"{place}b/", {}), 403)
    place = opened(ctx, "TRAVERSE_CONTAINER, ADD_SUBCONTAINER")
    answered(ctx.other("PUT", f"{place}b/", {}), 201)
    answered(ctx.other("PUT", f"{place}a", {}), 403)


@check("CDMI-ACL-036", "the owner of what is made is its maker", "16.3, 16.1")
def owner(ctx: CdmiContext) -> None:
    place = opened(ctx, "TRAVERSE_CONTAINER, ADD_OBJECT")
    found = document(ctx.other("PUT", f"{place}a", {}), 201)["metadata"].get("cdmi_owner")
    expect(found and found != ctx.metadata(place).get("cdmi_owner"), f"cdmi_owner is {found!r}")


@check("CDMI-ACL-037", "DELETE lets an object be deleted", "16.1.3")
def delete(ctx: CdmiContext) -> None:
    path = open_to(ctx, "DELETE, DELETE_OBJECT, READ_ATTRIBUTES")
    place = path.rpartition("/")[0] + "/"
    wish = {"metadata": {"cdmi_acl": [OWNER, ace("TRAVERSE_CONTAINER, DELETE_OBJECT")]}}
    require(ctx.put(f"{place}?metadata:cdmi_acl", wish).status == 204, "cannot change the list")
    answered(ctx.other("DELETE", path), 204)


@check("CDMI-ACL-038", "what is private to its maker is refused to others", "16.1.6")
def private(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_security_access_control")
    path = ctx.given("private")
    answered(ctx.other("GET", path), 403, 404)
    answered(ctx.http("GET", path, credentials=ctx.need_second()), 403, 404)

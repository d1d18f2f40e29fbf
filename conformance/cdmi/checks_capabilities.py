"""The capability tree: readable by anybody, texts only, no name that the standard does not know (12)."""

from __future__ import annotations

from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import VERSIONED, CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document
from conformance.framework import Body, Level, Skipped, expect

FIELDS = (
    *("objectType", "objectID", "objectName", "parentURI", "parentID"),
    *("capabilities", "childrenrange", "children"),
)
ENTRIES = (v.SYSTEM, *v.TYPES)


def place(entry: str) -> str:
    return f"{v.CAPABILITIES}{entry}/" if entry else v.CAPABILITIES


def need_entry(ctx: CdmiContext, entry: str) -> None:
    if entry and not ctx.entries[entry]:
        raise Skipped(f"there is no entry {place(entry)}")


def _for_each(number: int, title: str, clause: str, body: Any, level: Level = Level.MUST) -> None:
    """One check for each entry of the tree; `body` is given the context and the name of the entry."""

    def made(entry: str) -> Body[CdmiContext]:
        def run(ctx: CdmiContext, /) -> None:
            need_entry(ctx, entry)
            body(ctx, entry)

        return run

    for offset, entry in enumerate(ENTRIES):
        check(f"CDMI-CAP-{number + offset:03}", f"{place(entry)}: {title}", clause, level)(made(entry))


def _fields(ctx: CdmiContext, entry: str) -> None:
    found = document(ctx.get(place(entry)))
    missing = [name for name in FIELDS if name not in found]
    expect(not missing, f"{', '.join(missing)} missing")
    expect(found["objectType"] == v.CAPABILITY, f"objectType is {found['objectType']!r}")
    expect(isinstance(found["children"], list), "children is no array")


def _texts(ctx: CdmiContext, entry: str) -> None:
    for name, value in document(ctx.get(place(entry)))["capabilities"].items():
        texts = value if isinstance(value, list) else [value]
        expect(all(isinstance(text, str) for text in texts), f"{name} is {value!r}, no string")


def _known(ctx: CdmiContext, entry: str) -> None:
    known = v.KNOWN[entry] | (v.STORED if entry else frozenset(v.QOS))
    unknown = [name for name in ctx.entries[entry] if name.startswith("cdmi_") and name not in known]
    expect(not unknown, f"{', '.join(unknown)}: the standard knows no such name here")


def _addressed(ctx: CdmiContext, entry: str) -> None:
    found = document(ctx.get(place(entry)))
    uri = f"{found.get('parentURI')}{found.get('objectName')}"
    expect(uri == ctx.reference(place(entry)), f"parentURI and objectName make {uri!r}")


_for_each(1, "all mandatory fields", "12.2", _fields)
_for_each(6, "values are strings or arrays of strings", "12.1", _texts)
_for_each(11, "no name that the standard does not have", "12.1.1 to 12.1.7", _known)
_for_each(16, "parentURI and objectName make its URI", "12.2", _addressed)


@check("CDMI-CAP-021", "capabilities are readable without credentials", "12.2; onedata", Level.CLIENT)
def anonymous(ctx: CdmiContext) -> None:
    ctx.need_users()
    answered(ctx.endpoint.send("GET", v.CAPABILITIES, VERSIONED, anonymous=True), 200)


@check("CDMI-CAP-022", "capabilities are readable without a version header", "12.2; grnet", Level.CLIENT)
def unversioned(ctx: CdmiContext) -> None:
    found = document(ctx.http("GET", v.CAPABILITIES))
    expect(isinstance(found.get("capabilities"), dict), "no capabilities in the answer")


@check("CDMI-CAP-023", "the tree without the slash is answered or redirected", "12.2, 9.1")
def without_slash(ctx: CdmiContext) -> None:
    answered(ctx.get(v.CAPABILITIES.rstrip("/")), 200, 301)


@check(
    "CDMI-CAP-024", "the tree is read with 200 without its slash too", "SNIA tests, cdmi-client", Level.CLIENT
)
def without_slash_directly(ctx: CdmiContext) -> None:
    answered(ctx.get(v.CAPABILITIES.rstrip("/")), 200)


@check("CDMI-CAP-025", "the media type is application/cdmi-capability", "12.2, RFC 6208")
def media_type(ctx: CdmiContext) -> None:
    response = answered(ctx.get(v.CAPABILITIES), 200)
    expect(response.media_type == v.CAPABILITY, f"Content-Type is {response.media_type!r}")


def _not_writable(method: str) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        body = None if method == "DELETE" else {"metadata": {"a": "b"}}
        answered(ctx.cdmi(method, v.CAPABILITIES, body, kind=v.CAPABILITY), 400, 405)

    return run


for _number, _method in enumerate(("PUT", "POST", "DELETE"), 26):
    check(f"CDMI-CAP-{_number:03}", f"{_method} of capabilities is refused", "12.1")(_not_writable(_method))


@check("CDMI-CAP-029", "each child of the root is an entry that can be read", "12.2")
def children(ctx: CdmiContext) -> None:
    for child in document(ctx.get(v.CAPABILITIES))["children"]:
        found = document(ctx.get(v.CAPABILITIES + str(child)))
        expect("capabilities" in found, f"{child} has no capabilities")


@check("CDMI-CAP-030", "children of the tree end in a slash", "12.2")
def children_marked(ctx: CdmiContext) -> None:
    bare = [child for child in document(ctx.get(v.CAPABILITIES))["children"] if not child.endswith("/")]
    expect(not bare, f"{', '.join(bare)} without a slash")


@check("CDMI-CAP-031", "an entry exists for each type that is offered", "12.1")
def entries_of_types(ctx: CdmiContext) -> None:
    found = document(ctx.get(v.CAPABILITIES))["children"]
    wanted = {"container/"} | ({"dataobject/"} if ctx.published("", "cdmi_dataobjects") else set())
    wanted |= {"queue/"} if ctx.published("", "cdmi_queues") else set()
    wanted |= {"domain/"} if ctx.published("", "cdmi_domains") else set()
    expect(wanted <= set(found), f"children are {found}, without {sorted(wanted - set(found))}")


@check("CDMI-CAP-032", "selectors apply to capabilities", "12.2")
def selected(ctx: CdmiContext) -> None:
    found = document(ctx.get(f"{v.CAPABILITIES}?capabilities"))
    expect(set(found) == {"capabilities"}, f"the fields are {', '.join(found)}")


@check("CDMI-CAP-033", "a range of the children of the tree", "12.2")
def children_range(ctx: CdmiContext) -> None:
    every = document(ctx.get(v.CAPABILITIES))["children"]
    found = document(ctx.get(f"{v.CAPABILITIES}?childrenrange;children:0-0"))
    expect(found == {"childrenrange": "0-0", "children": every[:1]}, f"answered {found}")


@check("CDMI-CAP-034", "an unknown entry is 404", "12.2")
def unknown(ctx: CdmiContext) -> None:
    answered(ctx.get(f"{v.CAPABILITIES}{ctx.name()}/"), 404)


@check("CDMI-CAP-035", "an item of data systems implies its system-wide capability", "12.1.3")
def implied(ctx: CdmiContext) -> None:
    for entry in v.TYPES:
        for name, system in v.IMPLIED.items():
            if ctx.published(entry, name) is not None:
                expect(ctx.published("", system) is not None, f"{name} of {entry} without {system}")


@check("CDMI-CAP-036", "capabilitiesURI of an object leads to an entry", "12.1, 8.2, 9.2")
def of_objects(ctx: CdmiContext) -> None:
    for path in (ctx.box, ctx.given()):
        uri = ctx.read(path).get("capabilitiesURI")
        expect(isinstance(uri, str) and uri, f"capabilitiesURI is {uri!r}")
        expect("capabilities" in document(ctx.get(str(uri))), f"{uri} has no capabilities")


@check("CDMI-CAP-037", "limits are numbers as strings", "12.1.1")
def limits(ctx: CdmiContext) -> None:
    for name in ("cdmi_metadata_maxitems", "cdmi_metadata_maxsize", "cdmi_metadata_maxtotalsize"):
        value = ctx.published("", name)
        expect(value is None or str(value).isdigit(), f"{name} is {value!r}")


@check("CDMI-CAP-038", "capability objects have IDs of their own", "12.2, 5.10")
def identified(ctx: CdmiContext) -> None:
    found = [document(ctx.get(place(entry)))["objectID"] for entry in ENTRIES if ctx.entries[entry]]
    expect(len(set(found)) == len(found), f"an ID occurs twice among {found}")


@check("CDMI-CAP-039", "HTTP export capabilities name a protocol that the system has too", "12.1.1, 13.2")
def exports(ctx: CdmiContext) -> None:
    for protocol, system in (("cifs", "cifs"), ("nfs", "nfs"), ("iscsi", "iscsi"), ("webdav", "webdav")):
        if ctx.published("container", f"cdmi_export_container_{protocol}") is not None:
            expect(ctx.published("", f"cdmi_export_{system}") is not None, f"no cdmi_export_{system}")

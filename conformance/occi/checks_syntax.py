"""What a server must read: quoting, separators, numbers, line ends, joined headers (GFD.185 3.5)."""

from __future__ import annotations

import re

from conformance.exchange import Header
from conformance.framework import Body, Level, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.strict import values
from conformance.occi.wire import Message, Scalar, plain, quote

CLAUSE = "GFD.185 3.5, GFD.229 5"
COMPUTE = f'compute; scheme="{v.INFRA}"; class="kind"'
STORAGE = f'storage; scheme="{v.INFRA}"; class="kind"'
SIZE = "X-OCCI-Attribute: occi.storage.size=1.0"


def created(ctx: OcciContext, kind: str, headers: tuple[Header, ...], body: bytes = b"") -> str:
    """Create with exactly this message; Failed unless it is read. Answers the path."""
    response, path = ctx.create_raw(kind, headers, body)
    expect(response.ok, f"answered {response.status}")
    require(path, "the answer does not tell what was made")
    return path


def created_by_lines(ctx: OcciContext, *lines: str, kind: str = v.STORAGE, end: str = "\n") -> str:
    request = plain(*lines, end=end)
    return created(ctx, kind, request.headers, request.body)


def has(ctx: OcciContext, path: str, name: str, wanted: str) -> None:
    found = ctx.describe(path).attributes.get(name)
    expect(found == wanted, f"{name} is {found!r}, not {wanted!r}")


def has_number(ctx: OcciContext, path: str, name: str, wanted: float) -> None:
    found = ctx.describe(path).attributes.get(name, "")
    try:
        equal = float(found) == wanted
    except ValueError:
        equal = False
    expect(equal, f"{name} is {found!r}, not {wanted}")


def _title_survives(title: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        whole = f"{ctx.name()} {title}"
        path = created_by_lines(
            ctx, f"Category: {STORAGE}", f"X-OCCI-Attribute: occi.core.title={quote(whole)}", SIZE
        )
        has(ctx, path, "occi.core.title", whole)

    return body


for number, (about, title) in enumerate(
    {
        "a comma": "one, two",
        "a semicolon": "one; two",
        "an equals sign": "one=two",
        "angle brackets": "<one> two",
        "an escaped quote": 'one "two" three',
        "an escaped backslash": "one\\two \\",
        "an apostrophe": "one's two",
    }.items(),
    1,
):
    check(f"OCCI-SYN-{number:03}", f"{about} within a quoted string is part of it", CLAUSE)(
        _title_survives(title)
    )


@check("OCCI-SYN-008", "UTF-8 in a text/plain body survives", "de facto; RFC 8259 for JSON", Level.CLIENT)
def utf8(ctx: OcciContext) -> None:
    _title_survives("Größe \N{SNOWMAN}")(ctx)


@check("OCCI-SYN-009", "a joined header splits at commas outside quotes only", "doyouspeakOCCI, WG suite 3.5")
def joined_attributes(ctx: OcciContext) -> None:
    title = f'{ctx.name()} ", occi.compute.memory=1.0'
    joined = f"occi.compute.memory=3.6, occi.core.title={quote(title)}"
    headers = (("Content-Type", v.OCCI), ("Category", COMPUTE), ("X-OCCI-Attribute", joined))
    path = created(ctx, v.COMPUTE, headers)
    has(ctx, path, "occi.core.title", title)
    has_number(ctx, path, "occi.compute.memory", 3.6)


def _two_values(*fields: str) -> Body[OcciContext]:
    """Title and summary in these X-OCCI-Attribute fields arrive; `{}` is the title."""

    def body(ctx: OcciContext, /) -> None:
        title = ctx.name()
        sent = tuple(("X-OCCI-Attribute", field.format(title)) for field in fields)
        path = created(ctx, v.STORAGE, (("Content-Type", v.OCCI), ("Category", STORAGE), *sent))
        has(ctx, path, "occi.core.title", title)
        has(ctx, path, "occi.core.summary", "short")

    return body


check("OCCI-SYN-010", "repeated X-OCCI-Attribute headers are all read", "GFD.185 3.6.6.2")(
    _two_values("occi.storage.size=1.0", 'occi.core.title="{}"', 'occi.core.summary="short"')
)
check("OCCI-SYN-011", "one X-OCCI-Attribute header joined by commas is read", "GFD.185 3.6.6.2")(
    _two_values('occi.storage.size=1.0, occi.core.title="{}", occi.core.summary="short"')
)
check("OCCI-SYN-012", "commas without blank separate as well", "RFC 9110 5.6.1")(
    _two_values('occi.storage.size=1.0,occi.core.title="{}",occi.core.summary="short"')
)


@check("OCCI-SYN-013", "several values in one text/plain line are read", "GFD.185 3.6.6.1")
def joined_line(ctx: OcciContext) -> None:
    title = ctx.name()
    line = f'X-OCCI-Attribute: occi.storage.size=1.0, occi.core.title="{title}", occi.core.summary="short"'
    path = created_by_lines(ctx, f"Category: {STORAGE}", line)
    has(ctx, path, "occi.core.title", title)
    has(ctx, path, "occi.core.summary", "short")


def _readable(*lines: str, end: str = "\n") -> Body[OcciContext]:
    """These lines create a storage with the title; `{}` is the title."""

    def body(ctx: OcciContext, /) -> None:
        title = ctx.name()
        path = created_by_lines(ctx, *(line.replace("{}", title) for line in lines), end=end)
        has(ctx, path, "occi.core.title", title)

    return body


_CATEGORY, _TITLE = f"Category: {STORAGE}", 'X-OCCI-Attribute: occi.core.title="{}"'
_BARE_CLASS = f'Category: storage; scheme="{v.INFRA}"; class=kind'

check("OCCI-SYN-014", "lines may end with CR LF", CLAUSE)(_readable(_CATEGORY, _TITLE, SIZE, end="\r\n"))
check("OCCI-SYN-015", "lines may end with LF CR", "pOCCI CREATE/005", Level.CLIENT)(
    _readable(_CATEGORY, _TITLE, SIZE, end="\n\r")
)
check("OCCI-SYN-016", "empty lines are skipped", "pyssf renders them", Level.CLIENT)(
    _readable("", _CATEGORY, "", _TITLE, SIZE, "")
)
check("OCCI-SYN-017", "class may stand without quotes", "GFD.185 3.5")(_readable(_BARE_CLASS, _TITLE, SIZE))
check("OCCI-SYN-018", "class may be absent", "doyouspeakOCCI", Level.CLIENT)(
    _readable(f'Category: storage; scheme="{v.INFRA}"', _TITLE, SIZE)
)
check("OCCI-SYN-019", "a semicolon may end a Category", "clients in use", Level.CLIENT)(
    _readable(_CATEGORY + ";", _TITLE, SIZE)
)
check("OCCI-SYN-020", "no blank is needed after a semicolon", CLAUSE)(
    _readable(_CATEGORY.replace("; ", ";"), _TITLE, SIZE)
)
check("OCCI-SYN-021", "structure names are case-insensitive in body lines", CLAUSE)(
    _readable(
        _CATEGORY.replace("Category", "category"),
        _TITLE.replace("X-OCCI", "x-occi"),
        SIZE.replace("X-OCCI-Attribute", "X-OCCI-ATTRIBUTE"),
    )
)
check("OCCI-SYN-022", "no blank is needed after the colon of a line", CLAUSE)(
    _readable(_CATEGORY.replace(": ", ":", 1), _TITLE.replace(": ", ":", 1), SIZE)
)
check("OCCI-SYN-023", "attributes may stand before the Category", CLAUSE)(_readable(_TITLE, SIZE, _CATEGORY))


@check(
    "OCCI-SYN-024",
    "a Category may repeat its title, location and attributes",
    "GFD.185 3.5; pOCCI",
    Level.CLIENT,
)
def full_category(ctx: OcciContext) -> None:
    rest = f'title="Storage"; rel="{v.RESOURCE}"; location="/storage/"; attributes="occi.storage.size"'
    title = f'X-OCCI-Attribute: occi.core.title="{ctx.name()}"'
    created_by_lines(ctx, f"Category: {STORAGE}; {rest}", title, SIZE)


def _number_read(text: str, wanted: float) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        line = f"X-OCCI-Attribute: occi.compute.memory={text}"
        title = f'X-OCCI-Attribute: occi.core.title="{ctx.name()}"'
        path = created_by_lines(ctx, f"Category: {COMPUTE}", title, line, kind=v.COMPUTE)
        has_number(ctx, path, "occi.compute.memory", wanted)

    return body


check("OCCI-SYN-025", "a number without fraction is read", CLAUSE)(_number_read("2", 2))
check("OCCI-SYN-026", "a number with fraction is read", CLAUSE)(_number_read("1.5", 1.5))
check("OCCI-SYN-027", "a quoted number is read", "clients in use quote them", Level.SHOULD)(
    _number_read('"2.0"', 2)
)


@check("OCCI-SYN-028", "a bare token is read as a string", "GFD.185 3.5, example", Level.SHOULD)
def bare_token(ctx: OcciContext) -> None:
    host = ctx.name("host")
    title = f'X-OCCI-Attribute: occi.core.title="{ctx.name()}"'
    line = f"X-OCCI-Attribute: occi.compute.hostname={host}"
    path = created_by_lines(ctx, f"Category: {COMPUTE}", title, line, kind=v.COMPUTE)
    has(ctx, path, "occi.compute.hostname", host)


def _raw_attribute(ctx: OcciContext, kind: str, name: str) -> str:
    path = ctx.shared(kind) if kind == v.STORAGE else ctx.given_compute({"occi.compute.memory": 2.0})
    response = ctx.get(path)
    require(response.ok, f"cannot read: {response.status}")
    for value in values(response, "X-OCCI-Attribute"):
        if re.match(rf"{re.escape(name)}\s*=", value):
            return value.partition("=")[2].strip()
    require(False, f"{name} is not rendered")
    return ""


@check("OCCI-SYN-029", "numbers are written without quotes, sign and exponent", "GFD.185 3.5; rOCCI 4")
def numbers_written(ctx: OcciContext) -> None:
    value = _raw_attribute(ctx, v.COMPUTE, "occi.compute.memory")
    expect(re.fullmatch(r"[0-9]+(\.[0-9]+)?", value), f"occi.compute.memory is written {value[:40]!r}")


@check("OCCI-SYN-030", "strings are written in double quotes", "GFD.185 3.5; rOCCI 4")
def strings_written(ctx: OcciContext) -> None:
    value = _raw_attribute(ctx, v.STORAGE, "occi.storage.state")
    expect(re.fullmatch(r'"[^"]*"', value), f"occi.storage.state is written {value[:40]!r}")


@check("OCCI-SYN-031", "quotes and backslashes in strings are written escaped", CLAUSE)
def escapes_written(ctx: OcciContext) -> None:
    title = f'{ctx.name()} "q" \\ b'
    path = ctx.given(v.STORAGE, {"occi.core.title": title})
    response = ctx.get(path)
    require(response.ok, f"cannot read: {response.status}")
    lines = [line for line in response.text.splitlines() if "occi.core.title" in line]
    escaped = any(quote(title) in line for line in lines)
    require(escaped or any(f'"{title}"' in line for line in lines), "the title is not rendered as given")
    expect(escaped, f"the title is written {lines[0][:160]!r}")


@check("OCCI-SYN-032", "a JSON string with line feed and quote survives", "GFD.226, RFC 8259")
def json_string(ctx: OcciContext) -> None:
    ctx.need_json()
    summary = 'first\nsecond "quoted" \N{SNOWMAN}'
    attributes: dict[str, Scalar] = {"occi.core.summary": summary, "occi.storage.size": 1.0}
    response, path = ctx.create(Message(v.STORAGE, attributes=attributes), rendering=v.JSON)
    require(path, f"cannot create: {response.status}")
    response = ctx.get(path, v.JSON)
    require(response.ok and response.media_type == v.JSON, f"cannot read: {response.status}")
    found = response.json().get("summary")
    expect(found == summary, f"summary is {found!r}")

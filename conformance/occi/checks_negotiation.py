"""Content negotiation: Accept and Content-Type (GFD.185 3.6.6)."""

from __future__ import annotations

from conformance.exchange import Headers
from conformance.framework import Body, Level, Skipped, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Message, Scalar, structures

CLAUSE = "GFD.185 3.6.6, GFD.223 content negotiation"
STRANGE = "image/png"


def _answers(accept: str, wanted: str) -> Body[OcciContext]:
    """A request for the model with this Accept is answered in that type."""

    def body(ctx: OcciContext, /) -> None:
        response = ctx.get(QUERY, accept)
        expect(response.ok, f"answered {response.status}")
        expect(response.media_type == wanted, f"Content-Type is {response.media_type!r}, not {wanted}")

    return body


DEFAULTS = {"": "no Accept", "*/*": "Accept */*", "text/*": "Accept text/*"}
for number, (accept, said) in enumerate(DEFAULTS.items(), 1):
    check(f"OCCI-NEG-{number:03}", f"{said} is answered in text/plain", CLAUSE)(_answers(accept, v.PLAIN))

check("OCCI-NEG-004", "text/plain is answered in text/plain", CLAUSE)(_answers(v.PLAIN, v.PLAIN))
check("OCCI-NEG-005", "text/occi is answered in text/occi", CLAUSE)(_answers(v.OCCI, v.OCCI))
check("OCCI-NEG-006", "rOCCI's first Accept is answered in text/plain", "rOCCI-api 4.3", Level.CLIENT)(
    _answers("text/plain,text/occi;q=0.2", v.PLAIN)
)
check("OCCI-NEG-007", "the type with the higher q-value is chosen", "RFC 9110 12.5.1")(
    _answers("text/plain;q=0.2, text/occi;q=0.9", v.OCCI)
)
check("OCCI-NEG-008", "of equal q-values the first named is chosen", "rOCCI-api 4.3, pyssf", Level.CLIENT)(
    _answers("text/occi, text/plain", v.OCCI)
)
check("OCCI-NEG-009", "a known type is chosen from a list with unknown ones", "RFC 9110 12.5.1")(
    _answers(f"{STRANGE}, text/occi;q=0.5", v.OCCI)
)


@check("OCCI-NEG-010", "a type with q=0 is not chosen", "RFC 9110 12.4.2")
def refused_type(ctx: OcciContext) -> None:
    response = ctx.get(QUERY, "text/plain;q=0, text/*")
    expect(response.ok, f"answered {response.status}")
    expect(response.media_type != v.PLAIN, "the answer is text/plain")


@check("OCCI-NEG-011", "text/occi+plain is answered in text/occi+plain", "GFD.229 media type")
def occi_plain(ctx: OcciContext) -> None:
    ctx.need_claim("1.2")
    response = ctx.get(QUERY, v.OCCI_PLAIN)
    expect(response.ok, f"answered {response.status}")
    expect(response.media_type == v.OCCI_PLAIN, f"Content-Type is {response.media_type!r}")


@check("OCCI-NEG-012", "application/occi+json is answered in application/occi+json", "GFD.226 media type")
def occi_json(ctx: OcciContext) -> None:
    ctx.need_claim("1.2")
    response = ctx.get(QUERY, v.JSON)
    if response.status == 406:
        raise Skipped("no JSON rendering: 406")
    expect(response.ok, f"answered {response.status}")
    expect(response.media_type == v.JSON, f"Content-Type is {response.media_type!r}")


@check("OCCI-NEG-013", "application/json is answered in application/json", "convenience", Level.MAY)
def bare_json(ctx: OcciContext) -> None:
    response = ctx.get(QUERY, v.BARE_JSON)
    expect(response.ok, f"answered {response.status}")
    expect(response.media_type == v.BARE_JSON, f"Content-Type is {response.media_type!r}")


@check("OCCI-NEG-014", "a type that is not offered is 406", CLAUSE)
def not_acceptable(ctx: OcciContext) -> None:
    response = ctx.get(QUERY, STRANGE)
    expect(response.status == 406, f"answered {response.status}")


@check("OCCI-NEG-015", "a type that is not offered is 406 on a collection", CLAUSE)
def not_acceptable_listing(ctx: OcciContext) -> None:
    response = ctx.get(ctx.location(v.STORAGE), STRANGE)
    expect(response.status == 406, f"answered {response.status}")


@check("OCCI-NEG-016", "text/uri-list on the query interface is 400", "GFD.185 3.6.6.4")
def uri_list_of_model(ctx: OcciContext) -> None:
    response = ctx.get(QUERY, v.URI_LIST)
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-NEG-017", "text/uri-list on an entity is 400", "GFD.185 3.6.6.4")
def uri_list_of_entity(ctx: OcciContext) -> None:
    response = ctx.get(ctx.shared(v.STORAGE), v.URI_LIST)
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-NEG-018", "text/uri-list on a collection is answered in text/uri-list", "GFD.185 3.6.6.4")
def uri_list_of_collection(ctx: OcciContext) -> None:
    ctx.shared(v.STORAGE)
    response = ctx.get(ctx.location(v.STORAGE), v.URI_LIST)
    expect(response.ok, f"answered {response.status}")
    expect(response.media_type == v.URI_LIST, f"Content-Type is {response.media_type!r}")


def _entity_answers(accept: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(accept)
        response = ctx.get(ctx.shared(v.STORAGE), accept)
        expect(response.ok, f"answered {response.status}")
        expect(response.media_type == accept, f"Content-Type is {response.media_type!r}, not {accept}")

    return body


def _create_answers(accept: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(accept)
        attributes: dict[str, Scalar] = {"occi.core.title": ctx.name(), "occi.storage.size": 1.0}
        response, _ = ctx.create(Message(v.STORAGE, attributes=attributes), accept=accept)
        require(response.ok, f"cannot create: {response.status}")
        expect(response.media_type == accept, f"Content-Type is {response.media_type!r}, not {accept}")

    return body


for number, accept in enumerate((v.PLAIN, v.OCCI, v.JSON), 19):
    check(f"OCCI-NEG-{number:03}", f"an entity asked for in {accept} comes in it", CLAUSE)(
        _entity_answers(accept)
    )
    check(
        f"OCCI-NEG-{number + 3:03}",
        f"a create answer asked for in {accept} comes in it",
        "pOCCI INFRA/CREATE",
        Level.CLIENT,
    )(_create_answers(accept))


def _storage(ctx: OcciContext) -> Message:
    return Message(v.STORAGE, attributes={"occi.core.title": ctx.name(), "occi.storage.size": 1.0})


def _lines(message: Message) -> bytes:
    return "".join(f"{name}: {value}\n" for name, value in structures(message)).encode()


def _created(ctx: OcciContext, headers: Headers, body: bytes) -> None:
    response, path = ctx.create_raw(v.STORAGE, headers, body)
    expect(response.ok and path, f"answered {response.status}")


@check(
    "OCCI-NEG-025",
    "Content-Type 'text/plain,text/occi' with a body is read as text/plain",
    "rOCCI-cli 4",
    Level.CLIENT,
)
def two_content_types(ctx: OcciContext) -> None:
    _created(ctx, (("Content-Type", "text/plain,text/occi"),), _lines(_storage(ctx)))


@check("OCCI-NEG-026", "without Content-Type OCCI headers are read", "doyouspeakOCCI", Level.CLIENT)
def headers_without_type(ctx: OcciContext) -> None:
    _created(ctx, tuple(structures(_storage(ctx))), b"")


@check(
    "OCCI-NEG-027", "without Content-Type a body is read as text/plain", "GFD.185 3.6.6 default", Level.CLIENT
)
def body_without_type(ctx: OcciContext) -> None:
    _created(ctx, (), _lines(_storage(ctx)))


@check("OCCI-NEG-028", "a charset parameter of Content-Type is tolerated", "RFC 9110 8.3")
def charset_parameter(ctx: OcciContext) -> None:
    _created(ctx, (("Content-Type", "text/plain; charset=utf-8"),), _lines(_storage(ctx)))


@check("OCCI-NEG-029", "an unknown Content-Type is 406 or 415", "RFC 9110 15.5.16; ooi", Level.CLIENT)
def unknown_content_type(ctx: OcciContext) -> None:
    response, _ = ctx.create_raw(v.STORAGE, (("Content-Type", STRANGE),), _lines(_storage(ctx)))
    expect(response.status in (406, 415), f"answered {response.status}")


@check("OCCI-NEG-030", "text/uri-list is refused as Content-Type", "GFD.185 3.6.6.4")
def uri_list_as_input(ctx: OcciContext) -> None:
    response, _ = ctx.create_raw(v.STORAGE, (("Content-Type", v.URI_LIST),), b"http://www.example.org/1\r\n")
    expect(response.status in (400, 405, 406, 415), f"answered {response.status}")


@check("OCCI-NEG-031", "the answer to GET /-/ says in Accept which types are served", "GFD.223", Level.SHOULD)
def accept_header(ctx: OcciContext) -> None:
    accept = ctx.get(QUERY).header("Accept")
    expect(v.PLAIN in accept, f"the Accept header is {accept!r}")

"""Errors: their status, their type, one readable line and nothing of the inside (GFD.185 3.6, RFC 9110)."""

from __future__ import annotations

import re

from conformance.exchange import Credentials, Response
from conformance.framework import Level, Skipped, expect, require
from conformance.occi import jsonform
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import plain

CLAUSE = "GFD.185 table 2, GFD.223"
INSIDE = re.compile(
    r'Traceback \(most recent|File "[^"]+", line \d+|\.py\b|\bat [\w.$]+\([\w.]+:\d+\)|<html', re.I
)
# rOCCI and pOCCI match the whole header; a second challenge breaks them.
CHALLENGE = re.compile(r"""Basic realm="[^"]*"(?:, ?charset="UTF-8")?|Digest [^\r\n]+|Keystone uri='[^']+'""")


def not_found(ctx: OcciContext, accept: str = v.PLAIN) -> Response:
    response = ctx.get(f"{ctx.location(v.STORAGE)}{ctx.name()}", accept)
    require(400 <= response.status < 600, f"an unknown entity is answered {response.status}")
    return response


def damaged(ctx: OcciContext) -> Response:
    request = plain(
        f'Category: storage; scheme="{v.INFRA}"; class="kind"', 'X-OCCI-Attribute: occi.core.title="open'
    )
    response, _ = ctx.create_raw(v.STORAGE, request.headers, request.body)
    require(400 <= response.status < 600, f"damaged input is answered {response.status}")
    return response


def unauthorized(ctx: OcciContext, credentials: Credentials | None = None) -> Response:
    """A request without or with false credentials; Skipped when the endpoint lets everybody in."""
    sent = (("Accept", v.PLAIN),)
    anonymous = ctx.endpoint.send("GET", QUERY, sent, anonymous=True)
    if anonymous.ok:
        raise Skipped("the endpoint answers without credentials")
    if credentials is None:
        return anonymous
    return ctx.endpoint.send("GET", QUERY, sent, credentials=credentials)


def one_line(response: Response) -> None:
    lines = response.text.strip("\r\n").splitlines()
    expect(len(lines) == 1 and lines[0].strip(), f"{len(lines)} lines")


@check("OCCI-ERR-001", "a request without credentials is 401", "GFD.185 3.6.1, RFC 9110 11")
def no_credentials(ctx: OcciContext) -> None:
    response = unauthorized(ctx)
    expect(response.status == 401, f"answered {response.status}")


@check("OCCI-ERR-002", "a 401 carries WWW-Authenticate", "RFC 9110 11.6.1")
def challenge_present(ctx: OcciContext) -> None:
    response = unauthorized(ctx)
    require(response.status == 401, f"answered {response.status}")
    expect(response.values("WWW-Authenticate"), "no WWW-Authenticate")


@check(
    "OCCI-ERR-003",
    "a 401 offers exactly one challenge, which clients can read",
    "rOCCI-api, pOCCI",
    Level.CLIENT,
)
def challenge_form(ctx: OcciContext) -> None:
    challenges = unauthorized(ctx).values("WWW-Authenticate")
    require(challenges, "no WWW-Authenticate")
    expect(len(challenges) == 1, f"{len(challenges)} challenges")
    expect(CHALLENGE.fullmatch(challenges[0]), f"WWW-Authenticate is {challenges[0][:160]!r}")


@check("OCCI-ERR-004", "a wrong password is 401", "GFD.185 3.6.1")
def wrong_password(ctx: OcciContext) -> None:
    own = ctx.endpoint.credentials
    if not own.user:
        raise Skipped("no user name is in use")
    response = unauthorized(ctx, Credentials(own.user, own.password + "x"))
    expect(response.status == 401, f"answered {response.status}")


@check("OCCI-ERR-005", "a 401 has one of the OCCI types", "pOCCI", Level.CLIENT)
def unauthorized_type(ctx: OcciContext) -> None:
    response = unauthorized(ctx)
    expect(response.media_type in v.OCCI_TYPES, f"Content-Type is {response.media_type!r}")


@check("OCCI-ERR-006", "a method that a path does not have is 405", CLAUSE)
def not_allowed(ctx: OcciContext) -> None:
    response = ctx.send("PUT", QUERY, headers=(("Content-Type", v.PLAIN),), body=b"")
    expect(response.status in (405, 501), f"answered {response.status}")


@check("OCCI-ERR-007", "a 405 carries Allow", "RFC 9110 15.5.6")
def allow(ctx: OcciContext) -> None:
    response = ctx.send("PUT", QUERY, headers=(("Content-Type", v.PLAIN),), body=b"")
    require(response.status == 405, f"answered {response.status}")
    methods = {method.strip() for method in response.header("Allow").split(",")}
    expect("GET" in methods, f"Allow is {response.header('Allow')!r}")
    expect("PUT" not in methods, "Allow names the refused method")


@check("OCCI-ERR-008", "a 404 has one of the OCCI types", "pOCCI (wrong content type)", Level.CLIENT)
def not_found_type(ctx: OcciContext) -> None:
    response = not_found(ctx)
    expect(response.media_type in v.OCCI_TYPES, f"Content-Type is {response.media_type!r}")


@check("OCCI-ERR-009", "a 400 has one of the OCCI types", "pOCCI (wrong content type)", Level.CLIENT)
def damaged_type(ctx: OcciContext) -> None:
    response = damaged(ctx)
    expect(response.media_type in v.OCCI_TYPES, f"Content-Type is {response.media_type!r}")


@check("OCCI-ERR-010", "a 406 has one of the OCCI types", "pOCCI (wrong content type)", Level.CLIENT)
def not_acceptable_type(ctx: OcciContext) -> None:
    response = ctx.get(QUERY, "image/png")
    require(response.status == 406, f"answered {response.status}")
    expect(response.media_type in v.OCCI_TYPES, f"Content-Type is {response.media_type!r}")


@check(
    "OCCI-ERR-011", "the body of a 404 in text/plain is one line", "rOCCI prints it as it is", Level.CLIENT
)
def not_found_line(ctx: OcciContext) -> None:
    one_line(not_found(ctx))


@check(
    "OCCI-ERR-012", "the body of a 400 in text/plain is one line", "rOCCI prints it as it is", Level.CLIENT
)
def damaged_line(ctx: OcciContext) -> None:
    one_line(damaged(ctx))


@check(
    "OCCI-ERR-013", "an error in text/occi has the type text/occi", "pOCCI (wrong content type)", Level.CLIENT
)
def error_occi(ctx: OcciContext) -> None:
    response = not_found(ctx, v.OCCI)
    expect(response.media_type == v.OCCI, f"Content-Type is {response.media_type!r}")


@check("OCCI-ERR-014", "an error in text/occi carries X-OCCI-Error", "ooi, rOCCI-server", Level.SHOULD)
def error_header(ctx: OcciContext) -> None:
    expect(not_found(ctx, v.OCCI).header("X-OCCI-Error"), "no X-OCCI-Error")


@check("OCCI-ERR-015", "an error in JSON is a JSON object", "GFD.226", Level.CLIENT)
def error_json(ctx: OcciContext) -> None:
    ctx.need_json()
    response = not_found(ctx, v.JSON)
    expect(response.media_type in (v.JSON, v.BARE_JSON), f"Content-Type is {response.media_type!r}")
    document = jsonform.document(response)
    expect(isinstance(document, dict) and document, "the body is no JSON object")


@check(
    "OCCI-ERR-016",
    "no error shows the inside of the server",
    "security; rOCCI prints it as it is",
    Level.CLIENT,
)
def no_inside(ctx: OcciContext) -> None:
    odd = ctx.get(f"{ctx.location(v.STORAGE)}%00%ff'\"<x>/../{ctx.name()}")
    for response in (not_found(ctx), damaged(ctx), odd, ctx.get(QUERY, "image/png")):
        found = INSIDE.search(response.text) if response.status >= 400 else None
        expect(not found, f"the body of a {response.status} has {found.group() if found else ''!r}")


@check("OCCI-ERR-017", "an odd path is an error of the client, not of the server", "RFC 9110 15.5")
def odd_path(ctx: OcciContext) -> None:
    response = ctx.get(f"{ctx.location(v.STORAGE)}%00%ff%0d%0a{ctx.name()}")
    expect(400 <= response.status < 500, f"answered {response.status}")


@check("OCCI-ERR-018", "an unknown path is 404", "GFD.185 table 2")
def unknown_path(ctx: OcciContext) -> None:
    response = ctx.get(f"/{ctx.name()}")
    expect(response.status == 404, f"answered {response.status}")


@check("OCCI-ERR-019", "a method that HTTP does not know is 400, 405 or 501", "RFC 9110 15.5.6")
def unknown_method(ctx: OcciContext) -> None:
    response = ctx.send("CONFORM", ctx.location(v.STORAGE))
    expect(response.status in (400, 405, 501), f"answered {response.status}")

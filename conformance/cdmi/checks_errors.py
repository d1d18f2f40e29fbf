"""Damaged input, statuses by cause, and what is not published and so must be refused (4, 5.13, 12.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import VERSIONED, CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, encoded
from conformance.exchange import Credentials, Response
from conformance.framework import Body, Level, Skipped, expect

INSIDE = re.compile(r'Traceback \(most recent|File "[^"]+", line \d+|\.py\b|\bat [\w.$]+\([\w.]+:\d+\)', re.I)

#: Bodies that are no JSON object, or none that may be stored.
DAMAGED: dict[str, bytes] = {
    "no JSON": b"value=x",
    "JSON that breaks off": b'{"value": "x"',
    "an array": b'["value"]',
    "a string": b'"value"',
    "null": b"null",
    "a number that JSON does not have": b'{"metadata": {"a": NaN}}',
    "bytes that are no UTF-8": b'{"value": "\xff\xfe"}',
    "half a surrogate pair": b'{"value": "\\ud800"}',
    "a value that is no string": b'{"value": 7}',
    "a mimetype that is no string": b'{"mimetype": 7}',
    "a line break in a mimetype": b'{"mimetype": "text/plain\\r\\nX-Evil: 1"}',
    "metadata that are no object": b'{"metadata": "x"}',
    "nesting without end": b'{"metadata": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
}


def _damaged(body: bytes) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        path = ctx.new()
        answered(ctx.put(path, body), 400)
        expect(not ctx.exists(path), "something was made")

    return run


for _number, (_word, _body) in enumerate(DAMAGED.items(), 1):
    check(f"CDMI-BAD-{_number:03}", f"{_word}: 400, and nothing made", "5.13.2, 8.2")(_damaged(_body))


@check("CDMI-BAD-016", "a name twice in a body is 400", "8.2; grnet suite", Level.CLIENT)
def twice(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.put(path, b'{"value": "x", "value": "y"}'), 400)
    expect(not ctx.exists(path), "something was made")


@check("CDMI-BAD-017", "a damaged update changes nothing", "8.4, 8.1.2")
def damaged_update(ctx: CdmiContext) -> None:
    path = ctx.given("kept")
    for body in DAMAGED.values():
        answered(ctx.put(path, body), 400)
    expect(ctx.read(path).get("value") == "kept", "the value has changed")


@check("CDMI-BAD-018", "a damaged body of a container is 400 and makes nothing", "9.2")
def damaged_container(ctx: CdmiContext) -> None:
    for body in (b"{", b"[]", b'{"metadata": 7}', b'{"metadata": {}, "metadata": {}}'):
        path = ctx.new_container()
        answered(ctx.put(path, body), 400)
        expect(not ctx.exists(path), f"{body!r}: it was made")


@check("CDMI-BAD-019", "a NUL in a value or in metadata is no server error", "8.2")
def nul(ctx: CdmiContext) -> None:
    for body in ({"value": "a\0b"}, {"metadata": {"a": "b\0c"}}, {"metadata": {"a\0": "b"}}):
        path = ctx.new()
        answered(ctx.put(path, body), 201, 400)


@check("CDMI-BAD-020", "a number beyond all bounds is no server error", "8.2, 9.3")
def huge(ctx: CdmiContext) -> None:
    path, far = ctx.given(), "9" * 40
    for response in (
        ctx.get(f"{path}?value:0-{far}"),
        ctx.get(f"{path}?value:{far}-{far}"),
        ctx.get(f"{ctx.box}?children:{far}-{far}"),
        ctx.put(f"{path}?value:{far}-{far}", {"value": encoded(b"x")}),
        ctx.put(ctx.new(), f'{{"metadata": {{"a": {far}e{far}}}}}'.encode()),
    ):
        expect(response.status < 500, f"answered {response.status}")


@check("CDMI-BAD-021", "a long path is no server error", "5.13.6")
def long_path(ctx: CdmiContext) -> None:
    for path in (ctx.box + "n" * 5000, ctx.box + "d/" * 1500):
        response = ctx.get(path)
        expect(400 <= response.status < 500, f"answered {response.status}")


# Statuses


@check("CDMI-ERR-001", "a request without credentials is 401 with a challenge, or served", "18, RFC 2617")
def unauthenticated(ctx: CdmiContext) -> None:
    ctx.need_users()
    response = ctx.endpoint.send("GET", ctx.given(), VERSIONED, anonymous=True)
    if response.ok:
        raise Skipped("the endpoint answers without credentials")
    answered(response, 401)
    expect(response.header("WWW-Authenticate"), "no WWW-Authenticate")


@check("CDMI-ERR-002", "a wrong password is 401", "18")
def wrong_password(ctx: CdmiContext) -> None:
    own = ctx.endpoint.credentials
    if not own.user:
        raise Skipped("no user name is in use")
    answered(ctx.cdmi("GET", "/", credentials=Credentials(own.user, own.password + "x")), 401)


@check("CDMI-ERR-003", "nothing is made without credentials", "18")
def anonymous_create(ctx: CdmiContext) -> None:
    ctx.need_users()
    path = ctx.new()
    headers = (*VERSIONED, ("Content-Type", v.OBJECT))
    response = ctx.endpoint.send("PUT", path, headers, b"{}", anonymous=True)
    answered(response, 401, 403)
    expect(not ctx.exists(path), "it was made")


def errors(ctx: CdmiContext) -> tuple[Response, ...]:
    """Answers to requests that must fail, each in another way."""
    path = ctx.given()
    answers = (
        ctx.get(ctx.new()),
        ctx.put(ctx.new(), b"{"),
        ctx.get(path, v.CONTAINER),
        ctx.http("TRACE", path),
        ctx.get(f"{path}?value:x"),
    )
    return tuple(response for response in answers if response.status >= 400)


@check("CDMI-ERR-004", "no error shows the inside of the server", "security")
def inside(ctx: CdmiContext) -> None:
    for response in errors(ctx):
        found = INSIDE.search(response.text)
        expect(not found, f"the body of a {response.status} has {found.group() if found else ''!r}")


@check("CDMI-ERR-005", "an error in a CDMI exchange is JSON with one line", "onedata", Level.SHOULD)
def form(ctx: CdmiContext) -> None:
    for response in errors(ctx):
        if response.status == 501:
            continue
        found = response.json()
        expect(isinstance(found, dict) and found.get("error"), f"a {response.status} has no error")
        expect("\n" not in str(found["error"]).strip(), f"a {response.status} has several lines")


@check("CDMI-ERR-006", "no error is called a CDMI object", "5.13.2")
def type_of_errors(ctx: CdmiContext) -> None:
    for response in errors(ctx):
        kind = response.media_type
        expect(not kind.startswith("application/cdmi"), f"a {response.status} is {kind}")


@check(
    "CDMI-ERR-007", "a method that the standard does not have is 405 or 501", "contract of HTTP", Level.SHOULD
)
def unknown_method(ctx: CdmiContext) -> None:
    answered(ctx.cdmi("CONFORM", ctx.given()), 400, 405, 501)


@check("CDMI-ERR-008", "a queue operation on a data object is refused", "8.5, 11.6")
def queue_on_object(ctx: CdmiContext) -> None:
    path = ctx.given("kept")
    response = ctx.cdmi("POST", path, {"value": ["x"]}, kind=v.QUEUE)
    expect(400 <= response.status < 500, f"answered {response.status}")
    expect(ctx.read(path).get("value") == "kept", "the value has changed")


# What is not published is 400, and nothing is made (12.1)

Attempt = Callable[[CdmiContext], tuple[Response, str]]


def gate(number: int, title: str, entry: str, *names: str) -> Callable[[Attempt], Attempt]:
    """A check that a request is refused where one of the capabilities that it needs is not published."""

    def register(attempt: Attempt) -> Attempt:
        def run(ctx: CdmiContext, /) -> None:
            ctx.need_not(entry, *names)
            response, path = attempt(ctx)
            answered(response, 400)
            expect(not path or not ctx.exists(path), "something was made")

        check(f"CDMI-GATE-{number:03}", f"{title} without {names[-1]} is 400", "12.1")(run)
        return attempt

    return register


def _source(number: int, field: str, capability: str, what: str, value: Callable[[CdmiContext], Any]) -> None:
    container = what == "container"

    @gate(number, f"a {what} by {field}", "container", capability)
    def attempt(ctx: CdmiContext) -> tuple[Response, str]:
        path = ctx.new_container() if container else ctx.new()
        return ctx.put(path, {field: value(ctx)}), path


def _an_object(ctx: CdmiContext) -> str:
    return ctx.reference(ctx.given())


def _a_container(ctx: CdmiContext) -> str:
    return ctx.reference(ctx.given_container())


_source(1, "copy", "cdmi_copy_dataobject", "data object", _an_object)
_source(2, "move", "cdmi_move_dataobject", "data object", _an_object)
_source(3, "reference", "cdmi_create_reference", "data object", _an_object)
_source(4, "serialize", "cdmi_serialize_dataobject", "data object", _an_object)
_source(5, "deserialize", "cdmi_deserialize_dataobject", "data object", _an_object)
_source(6, "deserializevalue", "cdmi_deserialize_dataobject", "data object", lambda ctx: encoded(b"{}"))
_source(7, "copy", "cdmi_copy_container", "container", _a_container)
_source(8, "move", "cdmi_move_container", "container", _a_container)
_source(9, "reference", "cdmi_create_reference", "container", _a_container)
_source(10, "deserialize", "cdmi_deserialize_container", "container", _an_object)
_source(11, "deserializevalue", "cdmi_deserialize_container", "container", lambda ctx: encoded(b"{}"))


@gate(12, "a queue", "container", "cdmi_create_queue")
def a_queue(ctx: CdmiContext) -> tuple[Response, str]:
    path = ctx.new()
    return ctx.cdmi("PUT", path, {}, kind=v.QUEUE, accept=v.QUEUE), path


@gate(13, "a domain", "domain", "cdmi_create_domain")
def a_domain(ctx: CdmiContext) -> tuple[Response, str]:
    path = f"{v.DOMAINS}{ctx.name('domain')}/"
    return ctx.put(path, {}, v.DOMAIN), path


@gate(14, "a snapshot", "container", "cdmi_snapshot")
def a_snapshot(ctx: CdmiContext) -> tuple[Response, str]:
    path = ctx.given_container()
    return ctx.put(path, {"snapshot": "first"}), f"{path}cdmi_snapshots/"


@gate(15, "a multi-part create", "", "cdmi_multipart_mime")
def a_multipart(ctx: CdmiContext) -> tuple[Response, str]:
    path = ctx.new()
    body = f"--b\r\nContent-Type: {v.OBJECT}\r\n\r\n{{}}\r\n--b\r\n\r\nx\r\n--b--\r\n".encode()
    return ctx.cdmi("PUT", path, body, kind=f"{v.MULTIPART}; boundary=b"), path


@gate(16, "a range at creation", "container", "cdmi_create_value_range")
def a_range(ctx: CdmiContext) -> tuple[Response, str]:
    path = ctx.new()
    return ctx.put(f"{path}?value:0-1", {"value": encoded(b"ab")}), path


def _export(number: int, key: str, capability: str) -> None:
    @gate(number, f"an export {key}", "container", capability)
    def attempt(ctx: CdmiContext) -> tuple[Response, str]:
        path = ctx.new_container()
        return ctx.put(path, {"exports": {key: {"permissions": []}}}), path


_export(17, "OCCI/iSCSI", "cdmi_export_container_occi")
_export(18, "Network/NFSv4", "cdmi_export_container_nfs")
_export(19, "Network/WebDAV", "cdmi_export_container_webdav")
_export(20, "Network/iSCSI", "cdmi_export_container_iscsi")


def _posted(number: int, place: str, kind: str, entry: str, capability: str) -> None:
    @gate(number, f"a POST of {kind} to {place or 'a container'}", entry, capability)
    def attempt(ctx: CdmiContext) -> tuple[Response, str]:
        target = place or ctx.box
        response = ctx.cdmi("POST", target, {}, kind=kind)
        if not place:
            expect(ctx.read(ctx.box)["children"] == [], "something was made")
        # 405 says the same where no POST at all is defined; the text has no word for it.
        return (Response(400, "", (), b"") if response.status == 405 else response), ""


_posted(21, "", v.OBJECT, "container", "cdmi_post_dataobject")
_posted(22, "", v.QUEUE, "container", "cdmi_post_queue")
_posted(23, v.BY_ID, v.OBJECT, "", "cdmi_post_dataobject_by_ID")
_posted(24, v.BY_ID, v.QUEUE, "", "cdmi_post_queue_by_ID")

"""HTTP as gunicorn and the gateway together speak it: headers, limits, bodies, connections."""

from __future__ import annotations

import json
import re
from itertools import chain

import pytest
import requests

from tests.client import COMPUTE
from tests.interop.raw import Closed, Reply, Wire, once, request
from tests.server.conftest import HOST, SIGNED_IN, ask, basic
from tests.serving import Server, eventually

TEXT = ("Content-Type", "text/plain")
CREATE = f'Category: {COMPUTE}\nX-OCCI-Attribute: occi.core.title="made"\n'.encode()


def machines(server: Server) -> list[str]:
    return ask(server, "GET", "/compute/", ("Accept", "text/uri-list")).text.split()


@pytest.fixture
def machine(shared: Server) -> str:
    return shared.create("compute")


# The Server header


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/-/", 200),
        ("GET", "/compute/", 200),
        ("GET", "/compute/none", 404),
        ("GET", "/no/such/thing", 404),
        ("PUT", "/compute/", 405),
        ("PATCH", "/compute/", 405),
        ("POST", "/compute/", 400),
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("HEAD", "/-/", 200),
    ],
)
def test_every_answer_tells_the_versions(shared: Server, method: str, path: str, status: int) -> None:
    reply = ask(shared, method, path)
    assert (reply.status, "OCCI/1.1 OCCI/1.2" in (reply.header("Server") or "")) == (status, True)


def test_an_answer_to_nobody_tells_the_versions(shared: Server) -> None:
    reply = ask(shared, "GET", "/-/", signed_in=False)
    assert (reply.status, "OCCI/1.1 OCCI/1.2" in (reply.header("Server") or "")) == (401, True)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET /-/ HTTP/9.9\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /-/ HTTP/1.1\r\nHost: h\r\nno colon here\r\n\r\n",
        b"GET /-/ HTTP/1.1\r\nHost: h\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
    ids=["version", "line", "field", "long"],
)
class TestWhatIsNotHttp:
    def test_is_refused_with_the_versions_told(self, shared: Server, garbage: bytes) -> None:
        reply = once(shared.port, garbage)
        assert (reply.status // 100, "OCCI/1.1 OCCI/1.2" in (reply.header("Server") or "")) == (4, True)

    def test_is_refused_with_a_request_identifier_that_the_log_has_too(
        self, shared: Server, garbage: bytes
    ) -> None:
        reply = once(shared.port, garbage)
        made = reply.header("X-Request-Id") or ""
        assert re.fullmatch(r"[0-9a-f]{32}", made)
        line = eventually(lambda: next((x for x in shared.told().splitlines() if made in x), None))
        assert json.loads(str(line))["status"] == reply.status
        assert made in reply.text

    def test_is_refused_in_a_type_that_occi_clients_read(self, shared: Server, garbage: bytes) -> None:
        assert once(shared.port, garbage).media_type == "text/plain"


# Limits of headers


def _with_user_data(size: int) -> bytes:
    fields = [*SIGNED_IN, ("Content-Type", "text/occi"), ("Content-Length", "0"), ("Category", COMPUTE)]
    mixin = 'user_data; scheme="http://schemas.openstack.org/compute/instance#"; class="mixin"'
    value = f'org.openstack.compute.user_data="{"QUFB" * (size // 4)}"'
    return request("POST", "/compute/", [*fields, ("Category", mixin), ("X-OCCI-Attribute", value)])


def test_a_header_field_of_60_000_bytes_is_read(shared: Server) -> None:
    assert once(shared.port, _with_user_data(60_000)).status == 201


def test_a_header_field_beyond_the_limit_is_refused_with_431(shared: Server) -> None:
    assert once(shared.port, _with_user_data(66_000)).status == 431


def test_repeated_headers_count_as_one_joined_by_commas(shared: Server) -> None:
    reply = ask(
        shared,
        "POST",
        "/compute/",
        ("Content-Type", "text/occi"),
        ("Content-Length", "0"),
        ("Category", COMPUTE),
        ("X-OCCI-Attribute", 'occi.core.title="first, and only"'),
        ("X-OCCI-Attribute", "occi.compute.cores=3"),
    )
    text = ask(shared, "GET", _path(reply)).text
    assert ('occi.core.title="first, and only"' in text, "occi.compute.cores=3" in text) == (True, True)


def _path(reply: Reply) -> str:
    return "/" + (reply.header("Location") or "").split("/", 3)[3]


# Request identifiers


def test_the_clients_request_identifier_comes_back(shared: Server) -> None:
    assert ask(shared, "GET", "/-/", ("X-Request-Id", "mine-1.2_3")).header("X-Request-Id") == "mine-1.2_3"


@pytest.mark.parametrize("given", [[], [("X-Request-Id", "no blanks, please")], [("X-Request-Id", "x" * 65)]])
def test_a_request_without_a_usable_identifier_gets_one(shared: Server, given: list[tuple[str, str]]) -> None:
    made = ask(shared, "GET", "/-/", *given).header("X-Request-Id") or ""
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_a_refusal_carries_the_request_identifier_too(shared: Server) -> None:
    reply = ask(shared, "GET", "/-/", ("X-Request-Id", "refused"), signed_in=False)
    assert (reply.status, reply.header("X-Request-Id")) == (401, "refused")


# Methods and pages


@pytest.mark.parametrize("path", ["/-/", "/compute/", "/", "/compute/none", "/healthz"])
def test_head_is_get_without_the_body(shared: Server, path: str) -> None:
    with Wire(shared.port) as wire:
        wire.send(request("HEAD", path, SIGNED_IN))
        head = wire.receive(head=True)
        wire.send(request("GET", path, SIGNED_IN))
        get = wire.receive()
    seen = [(r.status, r.header("Content-Type"), r.header("Content-Length")) for r in (head, get)]
    assert seen[0] == seen[1]


def test_a_method_that_is_not_defined_names_those_that_are(shared: Server) -> None:
    allowed = ask(shared, "PUT", "/compute/").header("Allow") or ""
    assert set(allowed.split(", ")) >= {"GET", "POST", "DELETE"}


def test_pages_put_together_are_the_list(shared: Server) -> None:
    for _ in range(5):
        shared.create("storage", "occi.storage.size=1.0")
    accept = ("Accept", "text/uri-list")
    whole = ask(shared, "GET", "/storage/", accept).text.split()
    pages = [ask(shared, "GET", f"/storage/?page={n}&number=2", accept).text.split() for n in (1, 2, 3, 4)]
    assert ([len(page) for page in pages], [*chain(*pages)]) == ([2, 2, 1, 0], whole)


# Connections and bodies


def _chunked(*blocks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in blocks)


CHUNKED = request("POST", "/compute/", [*SIGNED_IN, TEXT, ("Transfer-Encoding", "chunked")])


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (request("GET", "/compute/none", SIGNED_IN), 404),
        (request("PUT", "/compute/", [*SIGNED_IN, TEXT], CREATE), 405),
        (request("POST", "/compute/", [HOST, TEXT], CREATE), 401),
        (request("POST", "/compute/", [HOST, basic("admin", "wrong"), TEXT], CREATE), 401),
        (request("POST", "/compute/", [*SIGNED_IN, TEXT], b"Category: ((("), 400),
        (request("POST", "/compute/", [*SIGNED_IN, ("Content-Type", "image/png")], CREATE), 406),
        (request("POST", "/metrics", SIGNED_IN, b"x" * 5000), 405),
    ],
    ids=["404", "405", "401", "wrong password", "400", "406", "own path"],
)
def test_a_connection_serves_on_after_an_error(shared: Server, bad: bytes, status: int) -> None:
    with Wire(shared.port) as wire:
        wire.send(bad)
        refused = wire.receive().status
        wire.send(request("GET", "/healthz", [HOST]))
        assert (refused, wire.receive().status) == (status, 200)


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(shared: Server) -> None:
    fields = [*SIGNED_IN, TEXT, ("Content-Length", str(2 << 20))]
    assert once(shared.port, request("POST", "/compute/", fields)).status == 413


LONG = [TEXT, ("Content-Length", str(2 << 20))]


@pytest.mark.parametrize(
    ("long", "status"),
    [
        (request("POST", "/compute/", [*SIGNED_IN, *LONG]), 413),
        (request("POST", "/compute/", [HOST, *LONG]), 401),
        (request("POST", "/healthz", [HOST, *LONG]), 405),
    ],
    ids=["too long", "nobody", "own path"],
)
def test_an_answer_before_a_long_body_says_that_the_connection_ends(
    shared: Server, long: bytes, status: int
) -> None:
    with Wire(shared.port) as wire:
        wire.send(long)
        reply = wire.receive()
        assert (reply.status, reply.header("Connection"), wire.closed()) == (status, "close", True)


@pytest.mark.parametrize(
    ("blocks", "status"),
    [(b"5\r\nCateg\r\nzz\r\n", 400), (b"101000\r\n" + b"x" * 0x101000 + b"\r\n", 413)],
    ids=["malformed", "too long"],
)
def test_an_answer_before_the_end_of_a_chunked_body_says_that_the_connection_ends(
    shared: Server, blocks: bytes, status: int
) -> None:
    with Wire(shared.port) as wire:
        wire.send(CHUNKED + blocks)
        reply = wire.receive()
        assert (reply.status, reply.header("Connection"), wire.closed()) == (status, "close", True)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_connection_serves_on_after_a_long_body_that_was_read(shared: Server, chunked: bool) -> None:
    body = CREATE + b'X-OCCI-Attribute: occi.core.summary="' + b"x" * 100_000 + b'"\n'
    whole = (
        CHUNKED + _chunked(body, b"") if chunked else request("POST", "/compute/", [*SIGNED_IN, TEXT], body)
    )
    with Wire(shared.port) as wire:
        wire.send(whole)
        refused = wire.receive()
        wire.send(request("GET", "/healthz", [HOST]))
        told = (refused.status, b"summary" in refused.body)
        assert (*told, refused.header("Connection"), wire.receive().status) == (400, True, "keep-alive", 200)


def test_requests_sent_in_one_breath_are_answered_in_order(shared: Server) -> None:
    with Wire(shared.port) as wire:
        wire.send(request("GET", "/compute/none", SIGNED_IN) + request("GET", "/healthz", [HOST]))
        assert [wire.receive().status, wire.receive().status] == [404, 200]


@pytest.mark.parametrize("length", ["abc", "-1", "+5", "1e3", "0x10", "5, 6", "९"])
def test_a_content_length_that_is_no_number_is_refused(shared: Server, length: str) -> None:
    before = machines(shared)
    fields = [*SIGNED_IN, TEXT, ("Content-Length", length)]
    reply = once(shared.port, request("POST", "/compute/", fields) + CREATE)
    assert (reply.status, machines(shared)) == (400, before)


def test_a_length_beside_a_chunked_body_is_refused(shared: Server) -> None:
    fields = [*SIGNED_IN, TEXT, ("Content-Length", "5"), ("Transfer-Encoding", "chunked")]
    assert once(shared.port, request("POST", "/compute/", fields, b"0\r\n\r\n")).status == 400


def test_a_chunked_body_is_read_whole(shared: Server) -> None:
    reply = once(shared.port, CHUNKED + _chunked(CREATE[:10], CREATE[10:25], CREATE[25:], b""))
    assert (reply.status, 'occi.core.title="made"' in ask(shared, "GET", _path(reply)).text) == (201, True)


@pytest.mark.parametrize(
    "cut",
    [
        request("POST", "/compute/", [*SIGNED_IN, TEXT, ("Content-Length", str(len(CREATE) + 50))], CREATE),
        CHUNKED + _chunked(CREATE),
        CHUNKED + _chunked(CREATE) + b"zz\r\nno size\r\n",
        CHUNKED + b"ffff\r\n" + CREATE,
    ],
    ids=["length", "no last chunk", "bad chunk", "short chunk"],
)
def test_a_body_that_is_cut_off_makes_nothing(shared: Server, cut: bytes) -> None:
    before = machines(shared)
    with Wire(shared.port) as wire:
        wire.send(cut)
        wire.half_close()
        try:
            status = wire.receive().status
        except Closed:
            status = 400
    assert (status, machines(shared)) == (400, before)


def test_a_client_that_goes_away_in_its_request_does_no_harm(shared: Server) -> None:
    for part in (b"GET /-/ HT", b"GET /-/ HTTP/1.1\r\nHost: h", CHUNKED + b"5\r\nCa"):
        with Wire(shared.port) as wire:
            wire.send(part)
    assert ask(shared, "GET", "/healthz").status == 200


def test_a_client_that_goes_away_before_the_answer_does_no_harm(shared: Server) -> None:
    for _ in range(20):
        with Wire(shared.port) as wire:
            wire.send(request("GET", "/-/", SIGNED_IN))
    assert eventually(lambda: requests.get(f"{shared.url}/readyz", timeout=5).status_code == 200)


def test_a_connection_that_the_client_wants_closed_is_closed(shared: Server) -> None:
    with Wire(shared.port) as wire:
        wire.send(request("GET", "/healthz", [HOST, ("Connection", "close")]))
        assert (wire.receive().status, wire.closed()) == (200, True)

"""What operators see: request log and metrics."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any

import pytest

from tests.client import COMPUTE
from tests.interop.raw import Wire, request
from tests.server.conftest import SIGNED_IN, ask, basic
from tests.serving import Server, eventually

TEXT = ("Content-Type", "text/plain")
SCRAPER = ("Authorization", "Bearer scraper-token")


def _line(server: Server, request_id: str) -> dict[str, Any]:
    """The log line of a request."""

    def look() -> dict[str, Any] | None:
        for line in server.told().splitlines():
            if request_id in line and line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                if found.get("logger") == "request":
                    return found
        return None

    found = eventually(look)
    assert found is not None
    return found


# The log


def test_a_request_is_one_line_with_what_support_asks_for(shared: Server) -> None:
    path = shared.create("compute")
    ask(shared, "GET", path, ("X-Request-Id", "log-1"))
    line = _line(shared, "log-1")
    assert {name: line[name] for name in ("request_id", "route", "status", "user", "tenant", "protocol")} == {
        "request_id": "log-1",
        "route": "/compute/{id}",
        "status": 200,
        "user": "admin",
        "tenant": "admin",
        "protocol": "occi",
    }


def test_a_line_tells_how_long_it_took(shared: Server) -> None:
    ask(shared, "GET", "/-/", ("X-Request-Id", "log-2"))
    assert 0 < _line(shared, "log-2")["duration_ms"] < 60_000


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/-/", "/-/", 200),
        ("GET", "/compute/", "/compute/", 200),
        ("GET", "/compute/nothing", "/compute/{id}", 404),
        ("GET", "/whatever/path/", "{path}/", 200),
        ("PUT", "/compute/", "/compute/", 405),
        ("OPTIONS", "/compute/", "/compute/", 200),
    ],
)
def test_the_route_is_a_template_and_never_the_path(
    shared: Server, method: str, path: str, route: str, status: int
) -> None:
    request_id = f"log-3-{method}{re.sub('[^a-z]', '', path)}"
    ask(shared, method, path, ("X-Request-Id", request_id))
    line = _line(shared, request_id)
    assert (line["route"], line["status"]) == (route, status)


def test_a_refused_sign_in_is_logged_with_its_reason_and_without_a_user(shared: Server) -> None:
    ask(shared, "GET", "/-/", ("X-Request-Id", "log-4"), signed_in=False)
    line = _line(shared, "log-4")
    assert (line["status"], line["user"], bool(line["reason"])) == (401, None, True)


def test_a_request_writes_one_line_and_no_more(shared: Server) -> None:
    ask(shared, "GET", "/-/", ("X-Request-Id", "log-5"))
    _line(shared, "log-5")
    assert shared.told().count("log-5") == 1


def test_control_characters_of_a_path_do_not_forge_lines(shared: Server) -> None:
    ask(shared, "GET", "/a%0a%7b%22forged%22:1%7d%1b[31m", ("X-Request-Id", "log-6"))
    _line(shared, "log-6")
    assert not [line for line in shared.told().splitlines() if line.startswith('{"forged"') or "\x1b" in line]


def test_no_secret_reaches_the_log(shared: Server) -> None:
    token = b64encode(b"admin:a-wrong-password").decode()
    data = b64encode(b"user-data-of-mine").decode()
    ask(shared, "GET", "/-/", basic("admin", "a-wrong-password"), signed_in=False)
    ask(shared, "GET", "/-/", ("X-Auth-Token", "a-token-of-mine"), signed_in=False)
    ask(shared, "GET", "/metrics", SCRAPER, signed_in=False)
    mixin = 'user_data; scheme="http://schemas.openstack.org/compute/instance#"; class="mixin"'
    body = (
        f'Category: {COMPUTE}\nCategory: {mixin}\nX-OCCI-Attribute: org.openstack.compute.user_data="{data}"'
    )
    ask(shared, "POST", "/compute/", TEXT, ("X-Request-Id", "log-7"), body=body.encode())
    _line(shared, "log-7")
    secrets = (
        token,
        basic()[1],
        "a-wrong-password",
        "a-token-of-mine",
        "scraper-token",
        data,
        "user-data-of-mine",
    )
    assert [secret for secret in secrets if secret in shared.told()] == []


# Metrics


def _metrics(server: Server) -> str:
    return ask(server, "GET", "/metrics", SCRAPER, signed_in=False).text


def _count(server: Server, route: str) -> float:
    """Answered requests of a route, over all codes."""
    pattern = rf'^stratusgate_http_requests_total{{[^}}]*route="{re.escape(route)}"[^}}]*}} (\S+)$'
    return sum(float(number) for number in re.findall(pattern, _metrics(server), re.MULTILINE))


def test_metrics_need_a_role_or_the_token(shared: Server) -> None:
    shared.add_user("nobody")
    shared.add_user("watcher", "--role", "monitor")
    statuses = [
        ask(shared, "GET", "/metrics", *given, signed_in=False).status
        for given in (
            [],
            [("Authorization", "Bearer guess")],
            [basic("nobody")],
            [basic("watcher")],
            [SCRAPER],
        )
    ]
    assert statuses == [401, 401, 401, 200, 200]


def test_counters_are_sums_over_all_workers(shared: Server) -> None:
    before = _count(shared, "/network/")
    for _ in range(3):
        wires = [Wire(shared.port) for _ in range(8)]
        for wire in wires:
            wire.send(request("GET", "/network/", SIGNED_IN))
        for wire in wires:
            with wire:
                wire.receive()
    assert eventually(lambda: _count(shared, "/network/") - before >= 24)
    assert _count(shared, "/network/") - before == 24


def test_a_refused_request_is_counted_by_its_code(shared: Server) -> None:
    ask(shared, "PUT", "/network/")
    counted = r'requests_total{code="405",method="PUT",[^}]*route="/network/"'
    assert eventually(lambda: re.search(counted, _metrics(shared)))


def test_no_path_and_no_user_is_a_label(shared: Server) -> None:
    path = shared.create("compute")
    before = _count(shared, "/compute/{id}")
    ask(shared, "GET", path)
    assert eventually(lambda: _count(shared, "/compute/{id}") > before)
    text = _metrics(shared)
    assert (path in text, path.rpartition("/")[2] in text, "admin" in text) == (False, False, False)


def test_nothing_is_in_progress_when_nothing_is(shared: Server) -> None:
    with Wire(shared.port) as wire:  # a client that goes away in the middle of its body
        wire.send(request("POST", "/compute/", [*SIGNED_IN, TEXT, ("Content-Length", "50")], b"Category"))
    assert eventually(lambda: 'http_requests_in_progress{protocol="occi"} 0.0' in _metrics(shared))


@pytest.mark.parametrize(
    "name",
    [
        "stratusgate_build_info",
        "stratusgate_backend_up",
        "stratusgate_resources",
        "stratusgate_http_request_duration_seconds_bucket",
        "stratusgate_backend_requests_total",
        "stratusgate_auth_attempts_total",
    ],
)
def test_the_families_that_dashboards_use_are_there(shared: Server, name: str) -> None:
    shared.create("compute")
    assert eventually(lambda: re.search(rf"^{name}{{", _metrics(shared), re.MULTILINE))

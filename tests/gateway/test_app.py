"""What every request has in common: mounting, health, request ids, the last resort, metrics, the log."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import afterwards, frontends, logs
from gateway.app import Application, Gateway, _Body
from gateway.config import ConfigError, load
from gateway.frontends import Services
from gateway.metrics import Metrics
from tests.client import COMPUTE, Answer, Client
from tests.conftest import Site

Make = Callable[..., Site]


class Failing:
    """A front end that fails in every way a WSGI application can."""

    name = "failing"
    title = "Failing"
    default_prefix = "/failing"
    well_known = ()

    def build(self, services: Services, options: dict[str, Any]) -> Any:
        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/stream":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return self._stream()
            if environ["PATH_INFO"] == "/echo":
                body = f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode()
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [body]
            raise ValueError("a secret detail")

        return application

    @staticmethod
    def _stream() -> Iterator[bytes]:
        yield b"begun"
        raise ValueError("a secret detail")

    def server_tokens(self, cloud: Any) -> tuple[str, ...]:
        return ()


failing = Failing()


@pytest.fixture
def broken(make_site: Make, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with OCCI at the root and the failing front end beside it."""
    entry = EntryPoint("failing", f"{__name__}:failing", frontends.GROUP)
    real = frontends.entry_points
    monkeypatch.setattr(frontends, "entry_points", lambda group: [*real(group=group), entry])
    return make_site(frontends={"occi": {"prefix": "/occi"}, "failing": {}})


def test_the_last_resort_is_500_with_the_request_id_and_no_trace(broken: Site) -> None:
    answer = broken.client().get("/failing/x", X_Request_Id="my-id")
    assert (answer.status, answer.lines) == (500, ["internal error; request id my-id"])
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-request-id"] == "my-id"


def test_the_trace_of_a_bug_is_in_the_log_with_its_request_id(
    broken: Site, caplog: pytest.LogCaptureFixture
) -> None:
    broken.client().get("/failing/x", X_Request_Id="my-id")
    [record] = [record for record in caplog.records if record.name == "gateway"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.fields["request_id"] == "my-id"  # type: ignore[attr-defined]  # put there by "extra"


def test_a_stream_that_breaks_is_passed_on_as_broken(broken: Site) -> None:
    with pytest.raises(ValueError, match="a secret detail"):
        broken.client().get("/failing/stream")


def test_a_front_end_sees_its_own_part_of_the_path(broken: Site) -> None:
    assert broken.client().get("/failing/echo").body == b"/failing|/echo"


def test_where_no_protocol_is_mounted_there_is_404(broken: Site) -> None:
    for path in ("/", "/nothing", "/failingX", "/occi2/-/", "/-/"):
        answer = broken.client().get(path)
        assert (answer.status, answer.lines) == (404, ["no protocol is served at this path"])
        assert answer.headers["x-request-id"]


def test_a_disabled_front_end_is_not_served_and_an_unknown_one_is_told(make_site: Make) -> None:
    site = make_site(frontends={"occi": {"enabled": False}})
    assert site.client().get("/-/").status == 404
    with pytest.raises(ConfigError, match="no such front end; known: cdmi, occi"):
        make_site(frontends={"cimi": {}})


@pytest.mark.parametrize(
    ("path", "line"), [("/healthz", "ok"), ("/readyz", "ready"), ("/startupz", "started")]
)
def test_health_is_told_to_anybody(site: Site, path: str, line: str) -> None:
    nobody = Client(site.application, "")
    answer = nobody.get(path)
    assert (answer.status, answer.lines) == (200, [line])
    assert answer.headers["cache-control"] == "no-store"
    head = nobody.request("HEAD", path)
    assert (head.status, head.body, head.headers["content-length"]) == (
        200,
        b"",
        answer.headers["content-length"],
    )
    for method in ("POST", "PUT", "DELETE"):
        refused = nobody.request(method, path)
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


def test_a_draining_worker_is_not_ready_but_alive(site: Site) -> None:
    site.application.draining = True
    assert (site.client().get("/readyz").status, site.client().get("/healthz").status) == (503, 200)


def test_readiness_in_detail_is_for_monitors(make_site: Make) -> None:
    site = make_site(metrics={"token": "m3trics"})
    for user in ("admin", "watch"):
        told = json.loads(site.client(user).get("/readyz?verbose=1").body)
        assert told["ready"] is True
        assert [check["name"] for check in told["checks"]] == ["store", "backend default", "draining"]
    bearer = {"Authorization": "Bearer m3trics"}
    assert json.loads(Client(site.application, "").get("/readyz?verbose=1", **bearer).body)["ready"]
    for client in (
        site.client("ada"),
        Client(site.application, ""),
        Client(site.application, "admin", "wrong"),
    ):
        assert client.get("/readyz?verbose=1").lines == ["ready"]


def _gateway(url: str, tmp_path: Any) -> Application:
    return Application(Gateway(load(None, data=tmp_path, environ={}, overrides={"store": {"url": url}})))


def test_a_store_without_a_schema_is_not_ready(tmp_path: Any, store_url: str) -> None:
    application = _gateway(store_url, tmp_path)
    client = Client(application, "")
    assert [client.get(path).status for path in ("/healthz", "/readyz", "/startupz")] == [200, 503, 503]
    application.gateway.database.close()


def test_a_store_that_is_gone_is_not_ready_and_requests_are_503(tmp_path: Any) -> None:
    client = Client(_gateway("postgresql://gw@127.0.0.1:1/gw", tmp_path), "ada")
    assert [client.get(path).status for path in ("/healthz", "/readyz", "/startupz")] == [200, 503, 503]
    answer = client.get("/compute/")
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.lines == ["the gateway's store cannot be reached now"]


@pytest.fixture
def measured(tmp_path: Any, make_site: Make, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site that counts."""
    site = make_site(metrics={"token": "m3trics"})
    site.gateway = Gateway(site.config, metrics=Metrics("1.2"))
    site.application = Application(site.gateway)
    return site


def _samples(answer: Answer) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_count_requests_by_route_and_never_by_path(measured: Site) -> None:
    ada = measured.client("ada")
    machine = ada.create(COMPUTE)
    for path in (machine, "/compute/nobody", "/vms/x", "/vms/", "/mixin/os_tpl/", "/-/", "/compute/"):
        ada.get(path)
    ada.request("BREW", "/compute/")
    answer = measured.client("watch").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = _samples(answer)
    counted = {
        tuple(dict(labels)[name] for name in ("method", "route", "code")): value
        for (name, labels), value in found.items()
        if name == "stratusgate_http_requests_total"
    }
    assert counted[("GET", "/compute/{id}", "200")] == 1
    assert counted[("GET", "/compute/{id}", "404")] == 1
    assert counted[("POST", "/compute/", "201")] == 1
    assert (
        counted[("GET", "{path}", "404")]
        == counted[("GET", "{path}/", "200")]
        == counted[("GET", "{mixin}", "200")]
        == 1
    )
    assert any(method == "other" for method, _, _ in counted)
    assert machine.rpartition("/")[2] not in answer.text
    assert "ada" not in answer.text.replace("metadata", "")
    assert found[("stratusgate_backend_up", (("backend", "default"),))] == 1
    assert found[("stratusgate_resources", (("backend", "default"), ("kind", "compute")))] == 1
    created = [
        labels
        for name, labels in found
        if name == "stratusgate_backend_requests_total" and ("operation", "compute.create") in labels
    ]
    assert created
    assert [
        value for (name, _), value in found.items() if name == "stratusgate_http_requests_in_progress"
    ] == [0]


def test_metrics_count_sign_ins_by_outcome(measured: Site) -> None:
    measured.client("ada").get("/-/")
    Client(measured.application, "ada", "wrong").get("/-/")
    Client(measured.application, "").get("/-/")
    counted = {
        dict(labels)["outcome"]: value
        for (name, labels), value in _samples(measured.client().get("/metrics")).items()
        if name == "stratusgate_auth_attempts_total"
    }
    assert counted == {"success": 1, "auth.fail": 1, "auth.missing": 1}


def _received(site: Site) -> float:
    """The sum of the sizes of bodies."""
    found = _samples(site.client("watch").get("/metrics"))
    return sum(
        value for (name, _), value in found.items() if name == "stratusgate_http_request_size_bytes_sum"
    )


def test_metrics_count_the_bytes_of_bodies_that_were_read(measured: Site) -> None:
    body = f"Category: {COMPUTE}\n".encode()
    measured.client("ada").request("POST", "/compute/", body, {"Content-Type": "text/plain"})
    chunked = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked", "Content-Length": ""}
    measured.client("ada").request("POST", "/compute/", body, chunked)
    assert _received(measured) == 2 * len(body)


def test_metrics_do_not_believe_what_a_stranger_says_of_the_size_of_a_body(measured: Site) -> None:
    stranger = Client(measured.application, "")
    fields = {"Content-Type": "text/plain", "Content-Length": "999999999999999999"}
    assert stranger.request("POST", "/compute/", b"", fields).status == 401
    assert _received(measured) == 0


@pytest.mark.parametrize(
    "read",
    [
        lambda body: body.read(),
        lambda body: b"".join(iter(partial(body.read, 3), b"")),
        lambda body: b"".join(iter(body.readline, b"")),
        lambda body: b"".join(body.readlines()),
        b"".join,
    ],
    ids=["read", "blocks", "readline", "readlines", "lines"],
)
def test_a_body_is_counted_however_a_front_end_reads_it(read: Callable[[Any], bytes]) -> None:
    body = _Body(io.BytesIO(b"one\ntwo\n"))
    assert (read(body), body.size) == (b"one\ntwo\n", 8)


def test_metrics_are_open_on_the_private_listener_only(make_site: Make) -> None:
    site = make_site(server={"bind": "127.0.0.1:8787", "admin_bind": "127.0.0.1:09100"})
    application = Application(Gateway(site.config, metrics=Metrics("1.2")))
    statuses: list[str] = []
    for port in ("8787", "9100"):
        environ = {"SERVER_PORT": port, "PATH_INFO": "/metrics", "REQUEST_METHOD": "GET"}
        application(environ, lambda status, headers, *_: statuses.append(status[:3]))
    assert statuses == ["401", "200"]


def test_metrics_are_not_for_everybody(measured: Site) -> None:
    for client in (measured.client("ada"), Client(measured.application, "")):
        answer = client.get("/metrics")
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer realm="metrics"')
    nobody = Client(measured.application, "")
    assert nobody.get("/metrics", Authorization="Bearer m3trics").status == 200
    assert nobody.get("/metrics", Authorization="Bearer wrong").status == 401
    assert nobody.get("/metrics", Authorization="Bearer \xe9").status == 401
    assert measured.client("ada").request("POST", "/metrics").status == 405


def test_metrics_are_told_without_a_store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {"store": {"url": "postgresql://gw@127.0.0.1:1/gw"}, "metrics": {"token": "m3trics"}}
    config = load(None, data=tmp_path, environ={}, overrides=tables)
    application = Application(Gateway(config, metrics=Metrics("1.2")))
    answer = Client(application, "").get("/metrics", Authorization="Bearer m3trics")
    assert (answer.status, "stratusgate_build_info" in answer.text) == (200, True)


def test_metrics_that_are_switched_off_are_404(site: Site) -> None:
    assert site.client().get("/metrics").status == 404


def _logged(
    site: Site, form: str, work: Callable[[Client], object], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    stream = io.StringIO()
    site.application._log = logs.RequestLog(as_json=form == "json")
    monkeypatch.setattr(sys, "stderr", stream)
    work(site.client("ada"))
    afterwards.flush()
    return stream.getvalue().split("\n")[:-1]


def test_each_request_is_one_json_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = _logged(site, "json", lambda ada: ada.get("/compute/nobody", X_Request_Id="my-id"), monkeypatch)
    told = json.loads(line)
    expected = {
        "level": "info",
        "logger": "request",
        "msg": "GET /compute/nobody",
        "request_id": "my-id",
        "user": "ada",
    }
    expected |= {"tenant": "bio", "route": "/compute/{id}", "protocol": "occi", "client": "192.0.2.1"}
    assert expected.items() <= told.items()
    assert (told["status"], told["reason"]) == (404, "no compute nobody")
    assert told["duration_ms"] > 0
    assert told["bytes"] > 0


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "path", ["/%0Alevel=error", "/%0D%0A{", "/%1B[31m", "/%C2%9B", "/%22%20user=admin", "/%E2%80%A8", "/%FF"]
)
def test_nothing_in_a_path_breaks_out_of_its_log_line(
    site: Site, monkeypatch: pytest.MonkeyPatch, form: str, path: str
) -> None:
    [line] = _logged(site, form, lambda ada: ada.get(path), monkeypatch)
    assert line.isprintable()
    if form == "json":
        assert json.loads(line)["user"] == "ada"
    else:
        assert " user=ada " in line
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert (outside.count(" user="), "level=error" in outside) == (1, False)


def test_text_lines_are_keys_and_values_and_leave_out_what_is_not_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = _logged(site, "text", lambda ada: ada.get("/-/"), monkeypatch)
    assert ' logger=request msg="GET /-/" ' in line
    assert " reason=" not in line
    assert " status=200 " in line


def test_credentials_are_in_no_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _logged(site, "json", lambda ada: ada.get("/-/"), monkeypatch)
    assert "Basic" not in "".join(lines)
    assert "secret" not in "".join(lines)


def test_the_request_log_can_be_switched_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    site.client("ada").get("/-/")
    afterwards.flush()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_an_event_of_the_program_is_one_line_with_its_fields(as_json: bool) -> None:
    try:
        raise ValueError("line one\nline two")
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("gateway", logging.ERROR, "f", 1, "failed: %s", ("a\nb",), info)
    record.fields = {"request_id": "my-id"}
    line = logs.Formatter(as_json=as_json).format(record)
    assert "\n" not in line
    assert "my-id" in line
    if as_json:
        told = json.loads(line)
        assert (told["level"], told["logger"], told["msg"]) == ("error", "gateway", "failed: a\nb")
        assert "ValueError: line one" in told["trace"]


@pytest.mark.parametrize(("form", "expected"), [("json", True), ("text", False), ("auto", True)])
def test_the_form_of_the_log_is_told_or_guessed(
    form: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert logs.as_json(form) is expected

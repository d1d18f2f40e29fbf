"""The command against a server on loopback: exit status, selection, reports, secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from conformance.cli import main
from tests.conformance.conftest import Recorder

MODEL = (
    b'Category: entity; scheme="http://schemas.ogf.org/occi/core#"; class="kind"; title="Entity"\n'
    b'Category: resource; scheme="http://schemas.ogf.org/occi/core#"; class="kind"; title="Resource"; '
    b'rel="http://schemas.ogf.org/occi/core#entity"\n'
)
PLAIN = [("Content-Type", "text/plain"), ("Server", "test OCCI/1.1")]


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """The test's output is the command's alone."""


@pytest.fixture
def server() -> Iterator[WSGIServer]:
    recorder = Recorder({("GET", "/-/"): ("200 OK", PLAIN, MODEL)})
    with make_server("127.0.0.1", 0, recorder, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def url(server: WSGIServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def application(server: WSGIServer) -> Recorder:
    recorder = server.get_app()
    assert isinstance(recorder, Recorder)
    return recorder


def test_passing_checks_give_0(url: str) -> None:
    assert main(["occi", url, "--only", "OCCI-DISC-001"]) == 0


def test_a_failing_must_gives_1(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["occi", url, "--only", "OCCI-MODEL-104"]) == 1
    assert "FAIL  OCCI-MODEL-104" in capsys.readouterr().out


def test_a_failing_should_gives_0(url: str) -> None:
    assert main(["occi", url, "--only", "OCCI-NEG-031"]) == 0


def test_an_unreachable_endpoint_gives_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["occi", "http://127.0.0.1:1", "--timeout", "2"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "cannot reach" in output.err


def test_refused_credentials_give_2(server: WSGIServer, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    application(server).answers["GET", "/-/"] = ("401 Unauthorized", PLAIN, b"")
    assert main(["occi", url]) == 2
    assert "credentials refused" in capsys.readouterr().err


def test_another_protocol_gives_2(server: WSGIServer, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    application(server).answers["GET", "/-/"] = ("200 OK", [("Content-Type", "text/html")], b"<html>")
    assert main(["occi", url]) == 2
    assert "not an OCCI endpoint" in capsys.readouterr().err


def test_a_missing_password_gives_2(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STRATUSGATE_PASSWORD", raising=False)
    assert main(["occi", url, "--user", "alice"]) == 2
    assert "STRATUSGATE_PASSWORD is not set" in capsys.readouterr().err


def test_a_missing_url_gives_2() -> None:
    assert main(["occi"]) == 2


def test_an_unknown_check_gives_2(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["occi", url, "--only", "OCCI-NONE"]) == 2
    assert "no check is called" in capsys.readouterr().err


def test_credentials_come_from_the_named_variables(
    server: WSGIServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "secret")
    monkeypatch.setenv("MY_TOKEN", "t0ken")
    variables = ["--user", "a", "--password-env", "MY_PASSWORD", "--token-env", "MY_TOKEN"]
    main(["occi", url, *variables, "--only", "OCCI-DISC-001"])
    environ = application(server).environs[0]
    assert environ["HTTP_AUTHORIZATION"] == "Basic YTpzZWNyZXQ="
    assert environ["HTTP_X_AUTH_TOKEN"] == "t0ken"


@pytest.mark.parametrize("form", ["text", "json", "junit", "html"])
def test_no_report_shows_a_secret(
    url: str, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRATUSGATE_PASSWORD", "wonderland")
    main(["occi", url, "--user", "alice", "--only", "OCCI-MODEL-104", "--report", form])
    output = capsys.readouterr().out
    assert "OCCI-MODEL-104" in output
    assert "wonderland" not in output
    assert "YWxpY2U6d29uZGVybGFuZA" not in output


def test_the_report_goes_to_the_file(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.json"
    main(["occi", url, "--only", "OCCI-DISC-001", "--report", "json", "--output", str(target)])
    assert capsys.readouterr().out == ""
    assert [check["id"] for check in json.loads(target.read_text())["checks"]] == ["OCCI-DISC-001"]


def test_a_file_that_cannot_be_written_gives_2(url: str, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "report.txt"
    assert main(["occi", url, "--only", "OCCI-DISC-001", "--output", str(target)]) == 2


def test_list_needs_no_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["occi", "--list", "--only", "OCCI-DISC-00"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("OCCI-DISC-001")
    assert len(lines) == 9


def test_the_module_runs_alone() -> None:
    command = [sys.executable, "-m", "conformance", "occi", "--list"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert "OCCI-LINK-001" in finished.stdout


CAPABILITIES = b'{"objectType": "application/cdmi-capability", "capabilities": {}}'
CAPABILITY = [("Content-Type", "application/cdmi-capability")]


@pytest.fixture
def cdmi(server: WSGIServer, url: str) -> str:
    application(server).answers["GET", "/cdmi_capabilities/"] = ("200 OK", CAPABILITY, CAPABILITIES)
    return url


def test_the_cdmi_suite_runs(cdmi: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cdmi", cdmi, "--only", "CDMI-CAP-025"]) == 0
    assert "CDMI conformance of" in capsys.readouterr().out


def test_a_failing_cdmi_check_gives_1(cdmi: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cdmi", cdmi, "--only", "CDMI-CAP-001"]) == 1
    assert "FAIL  CDMI-CAP-001" in capsys.readouterr().out


def test_what_is_not_published_is_skipped_with_its_name(
    cdmi: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cdmi", cdmi, "--only", "CDMI-QUEUE-001"]) == 0
    assert "cdmi_queues is not published" in capsys.readouterr().out


def test_an_endpoint_without_capabilities_gives_2(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cdmi", url]) == 2
    assert "not a CDMI endpoint" in capsys.readouterr().err


def test_cdmi_credentials_that_are_refused_give_2(
    server: WSGIServer, cdmi: str, capsys: pytest.CaptureFixture[str]
) -> None:
    application(server).answers["GET", "/"] = ("401 Unauthorized", PLAIN, b"")
    assert main(["cdmi", cdmi]) == 2
    assert "credentials refused" in capsys.readouterr().err


def test_a_missing_password_of_the_second_account_gives_2(
    cdmi: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STRATUSGATE_SECOND_PASSWORD", raising=False)
    assert main(["cdmi", cdmi, "--second-user", "bob"]) == 2
    assert "STRATUSGATE_SECOND_PASSWORD is not set" in capsys.readouterr().err


def test_the_checks_of_cdmi_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cdmi", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("CDMI-CAP-001")
    assert len(lines) >= 180

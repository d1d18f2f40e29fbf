"""The suite against the gateway, whole and with one defect each: the check that names a defect catches it."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

import pytest

from conformance import framework
from conformance.exchange import Credentials, Endpoint
from conformance.framework import Check, Outcome, Run
from conformance.occi import SUITE
from conformance.occi.context import OcciContext
from gateway.app import Application, Gateway
from gateway.auth import passwords
from gateway.cli.serve import reconcile_now, server_header
from gateway.cli.users import users_of
from gateway.config import Config, load
from gateway.store.users import User
from tests.conformance.alter import broken
from tests.conformance.broken import DEFECTS
from tests.conformance.wsgi import WSGIAdapter

URL = "http://gateway.test"
CREDENTIALS = Credentials("admin", "secret")
#: All checks for every defect take minutes; without it one in SAMPLE of the unconcerned ones runs.
EVERYTHING = "STRATUSGATE_EVERY_CHECK"
SAMPLE = 12


def configuration(data: Path, prefix: str = "") -> Config:
    overrides: dict[str, dict[str, Any]] = {
        "log": {"access": False},
        "frontends": {"occi": {"prefix": prefix} if prefix else {}},
    }
    return load(None, data=data, environ={}, overrides=overrides)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with its store migrated and one user."""
    data = tmp_path_factory.mktemp("prepared")
    config = configuration(data)
    users_of(config).add(User("admin", "admin", (), ("admin",), passwords.hashed("secret")))
    return data


def served(data: Path, prefix: str = "") -> WSGIApplication:
    """The gateway with the Server header, which the web server adds."""
    config = configuration(data, prefix)
    reconcile_now(config)
    application = Application(Gateway(config))
    server = server_header(config, application)

    def with_server(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ("Server", server)], exc_info)

        return application(environ, start)

    return with_server


@pytest.fixture(scope="module")
def healthy(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the gateway itself fails, which another test is about."""
    data = tmp_path_factory.mktemp("healthy") / "data"
    return failed(conform(served(Path(shutil.copytree(prepared, data))), SUITE.registry.checks))


@pytest.fixture
def application(prepared: Path, tmp_path: Path) -> WSGIApplication:
    return served(Path(shutil.copytree(prepared, tmp_path / "data")))


def conform(application: WSGIApplication, checks: Iterable[Check[OcciContext]], prefix: str = "") -> Run:
    endpoint = Endpoint(URL + prefix, CREDENTIALS, adapter=WSGIAdapter(application))
    return framework.run("OCCI", SUITE.context(endpoint, settle=0.3), checks)


def failed(run: Run) -> set[str]:
    return {result.id for result in run.results if result.outcome in (Outcome.FAIL, Outcome.ERROR)}


def concerned(name: str) -> list[Check[OcciContext]]:
    """Every check of the sections that the defect is about, and a sample of the others that varies."""
    defect = DEFECTS[name]
    sections = {identifier.rpartition("-")[0] for identifier in (defect.caught_by, *defect.also)}
    offset = zlib.crc32(name.encode())
    return [
        check
        for number, check in enumerate(SUITE.registry.checks, offset)
        if check.section in sections or number % SAMPLE == 0 or os.environ.get(EVERYTHING)
    ]


def test_the_gateway_conforms(application: WSGIApplication) -> None:
    run = conform(application, SUITE.registry.checks)
    assert failed(run) == set()


def test_the_gateway_conforms_below_a_base_path(prepared: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(prepared, tmp_path / "data"))
    run = conform(served(data, "/clouds/occi"), SUITE.registry.checks, "/clouds/occi")
    assert failed(run) == set()


def test_a_run_leaves_nothing_behind(application: WSGIApplication) -> None:
    endpoint = Endpoint(URL, CREDENTIALS, adapter=WSGIAdapter(application))
    before = endpoint.send("GET", "/", (("Accept", "text/uri-list"),)).text
    run = conform(application, SUITE.registry.checks)
    assert run.leftovers == ()
    assert endpoint.send("GET", "/", (("Accept", "text/uri-list"),)).text == before


def test_a_run_leaves_what_others_have_made(application: WSGIApplication) -> None:
    endpoint = Endpoint(URL, CREDENTIALS, adapter=WSGIAdapter(application))
    made = []
    for kind in ("compute", "storage", "network"):
        category = f'{kind}; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"'
        headers = (
            ("Content-Type", "text/occi"),
            ("Category", category),
            ("X-OCCI-Attribute", "occi.storage.size=1.0"),
        )
        sent = headers if kind == "storage" else headers[:2]
        made.append(endpoint.send("POST", f"/{kind}/", sent).header("Location"))
    conform(application, SUITE.registry.checks)
    assert [endpoint.send("GET", uri).status for uri in made] == [200, 200, 200]


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_a_defect_is_caught_by_the_check_that_names_it(
    name: str, application: WSGIApplication, healthy: set[str]
) -> None:
    defect = DEFECTS[name]
    run = conform(broken(application, defect.behaviour()), concerned(name))
    assert failed(run) | healthy == {defect.caught_by, *defect.also} | healthy

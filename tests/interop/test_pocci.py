"""pOCCI 1.0.3 of CESNET, unmodified, against a running gateway: all 17 tests in both media types."""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.interop.provision import Missing, Pocci, pocci
from tests.serving import PASSWORD, Server

TESTS = (
    "OCCI/CORE/CREATE/001",
    "OCCI/CORE/CREATE/006",
    "OCCI/CORE/DELETE/001",
    "OCCI/CORE/DISCOVERY/001",
    "OCCI/CORE/DISCOVERY/002",
    "OCCI/CORE/MISC/001",
    "OCCI/CORE/READ/001",
    "OCCI/CORE/READ/002",
    "OCCI/CORE/READ/007",
    "OCCI/CORE/UPDATE/001",
    "OCCI/INFRA/CREATE/001",
    "OCCI/INFRA/CREATE/002",
    "OCCI/INFRA/CREATE/003",
    "OCCI/INFRA/CREATE/004",
    "OCCI/INFRA/CREATE/005",
    "OCCI/INFRA/CREATE/006",
    "OCCI/INFRA/CREATE/007",
)
RUN_SECONDS = 120


@pytest.fixture(scope="module")
def program() -> Pocci:
    try:
        return pocci()
    except Missing as missing:
        warnings.warn(f"pOCCI does not run: {missing}", stacklevel=1)
        pytest.skip(str(missing))


class Run:
    """What one run of the program told."""

    def __init__(self, told: subprocess.CompletedProcess[str]) -> None:
        self.text = told.stdout + told.stderr
        found = re.findall(r"^(OCCI/\S+)\s+(.*\S)\s*$", told.stdout, re.MULTILINE)
        self.verdicts: Mapping[str, str] = dict(found)


@pytest.fixture(scope="module", params=["text/plain", "text/occi"])
def run(
    request: pytest.FixtureRequest, program: Pocci, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """One run of all tests on a fresh gateway that has one machine, as READ/007 asks for."""
    server = Server(tmp_path_factory.mktemp("pocci"))
    server.start()
    try:
        server.create("compute")
        yield Run(_run(program, server.url, request.param))
    finally:
        server.stop()


def _run(program: Pocci, url: str, media_type: str) -> subprocess.CompletedProcess[str]:
    command = [str(program.python), str(Path("pOCCI") / "pOCCI.py"), "-e", url, "-a", "basic"]
    command += ["-u", "admin", "-p", PASSWORD, "-m", media_type, "-f", "plain", "-t", ",".join(TESTS)]
    return subprocess.run(
        command,
        cwd=program.folder,
        env={**os.environ, "PYTHONPATH": str(program.libraries)},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )


@pytest.mark.parametrize("name", TESTS)
def test_pocci_is_satisfied(run: Run, name: str) -> None:
    assert run.verdicts.get(name) == "OK", run.text


def test_no_test_of_the_program_is_left_out(program: Pocci) -> None:
    told = subprocess.run(
        [str(program.python), str(Path("pOCCI") / "pOCCI.py"), "-l"],
        cwd=program.folder,
        env={**os.environ, "PYTHONPATH": str(program.libraries)},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert tuple(told.stdout.split()) == TESTS

"""The examples of the documents do what the documents say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.app import Application, Gateway
from gateway.config import load
from tests.docs.markdown import DOCUMENTS, ROOT, Fence, fences, name
from tests.serving import PASSWORD, Server

#: What curl exits with when ``fail-with-body`` is set and the answer is an error.
REFUSED = 22

TOML = [
    *[
        (name(path), fence.line, fence.text)
        for path in DOCUMENTS
        for fence in fences(path)
        if fence.language == "toml"
    ],
    ("deploy/stratusgate.toml", 1, (ROOT / "deploy" / "stratusgate.toml").read_text(encoding="utf-8")),
]
PYTHON = [(name(path), fence) for path in DOCUMENTS for fence in fences(path) if fence.is_a("python", "run")]
PYTEST = [(name(path), fence) for path in DOCUMENTS for fence in fences(path) if fence.is_a("python", "test")]
WITH_SHELL = [path for path in DOCUMENTS if any(fence.is_a("sh", "run") for fence in fences(path))]


def _executable(path: Path, *command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    words = " ".join(f"'{word}'" for word in command)
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _workplace(folder: Path, server: Server) -> dict[str, str]:
    """A folder as the documents suppose it, a clone beside a running gateway; the environment to run in."""
    programs = folder / "programs"
    _executable(folder / ".venv" / "bin" / "stratusgate", sys.executable, "-m", "gateway.cli")
    _executable(programs / "stratusgate", sys.executable, "-m", "gateway.cli")
    if shutil.which("curl") is None:
        _executable(programs / "curl", sys.executable, str(Path(__file__).with_name("curl.py")))
    (folder / "stratusgate-data").symlink_to(server.folder / "data")
    (folder / ".curlrc").write_text("fail-with-body\n", encoding="utf-8")
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CURL_HOME": str(folder),
        "URL": server.url,
        "STRATUSGATE_PASSWORD": PASSWORD,
    }


def _script(blocks: list[Fence]) -> str:
    """All blocks of a document in one shell, the output of each in a file named by its line."""
    lines = ["set -euo pipefail"]
    for block in blocks:
        group = f"{{\n{block.text}\n}} > {block.line}.out 2>&1"
        if "refused" in block.words:
            group = f"set +e\n{group}\nstatus=$?\nset -e\ntest $status = {REFUSED}"
        lines.append(f"{group}\necho {block.line}")
    return "\n".join(lines)


def _matches(expected: str, printed: str) -> bool:
    parts = expected.rstrip("\n").replace("\n...\n", "...").split("...")
    pattern = ".*".join(re.escape(part) for part in parts)
    return re.search(pattern, printed.replace("\r", ""), re.DOTALL) is not None


@pytest.mark.parametrize("document", WITH_SHELL, ids=name)
def test_shell_examples_work_one_after_the_other_against_a_new_gateway(
    document: Path, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    found = fences(document)
    blocks = [fence for fence in found if fence.is_a("sh", "run")]
    done = subprocess.run(
        ["bash", "-c", _script(blocks)],
        cwd=folder,
        env=_workplace(folder, server),
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    reached = done.stdout.split()
    if done.returncode:
        failed = blocks[len(reached)].line
        told = (folder / f"{failed}.out").read_text(encoding="utf-8")
        pytest.fail(f"{name(document)}, line {failed}:\n{told}\n{done.stderr}")
    for block, following in pairwise(found):
        if "output" in following.words:
            printed = (folder / f"{block.line}.out").read_text(encoding="utf-8")
            assert _matches(following.text, printed), f"line {following.line}; printed was:\n{printed}"


@pytest.mark.parametrize(("document", "line", "text"), TOML, ids=[f"{d}:{line}" for d, line, _ in TOML])
def test_configuration_examples_are_valid(
    document: str, line: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for secret in ("METRICS_TOKEN", "S3_SECRET_KEY"):
        monkeypatch.setenv(secret, "a-secret")
    file = tmp_path / "stratusgate.toml"
    file.write_text(text, encoding="utf-8")
    gateway = Gateway(load(file, data=tmp_path, environ={}))
    assert Application(gateway).mounts


@pytest.mark.parametrize(("document", "fence"), PYTHON, ids=[f"{d}:{fence.line}" for d, fence in PYTHON])
def test_python_examples_run(document: str, fence: Fence, tmp_path: Path) -> None:
    done = _python(["-c", fence.text], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("document", "fence"), PYTEST, ids=[f"{d}:{fence.line}" for d, fence in PYTEST])
def test_examples_of_tests_pass(document: str, fence: Fence, tmp_path: Path) -> None:
    for other in fences(ROOT / document):
        if "file" in other.words:
            (tmp_path / other.words[-1]).write_text(other.text, encoding="utf-8")
    (tmp_path / "test_example.py").write_text(fence.text, encoding="utf-8")
    done = _python(["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"], tmp_path)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def _python(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{folder}"},
        capture_output=True,
        text=True,
        timeout=300,
    )

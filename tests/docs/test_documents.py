"""What the documents say of each other and of the tree is so."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import requests

from gateway.cli import parser
from tests.docs.markdown import DOCUMENTS, ROOT, anchors, fences, links, name
from tests.serving import Server, eventually


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """``docs/generate.py`` as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_the_option_tables_are_up_to_date(generate: ModuleType) -> None:
    assert list(generate.difference()) == []


def test_ci_runs_the_second_command_of_the_readme() -> None:
    commands = [fence.text for fence in fences(ROOT / "README.md") if fence.language == "sh"]
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == commands[1].strip()


def test_ci_can_be_executed() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Server]:
    """A gateway with a quota."""
    server = Server(tmp_path, '[quotas.tenant."*"]\ninstances = 5\n')
    server.start()
    yield server
    server.stop()


def test_every_metric_that_is_described_is_served(limited: Server) -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(stratusgate_\w+)` \|", operations, re.MULTILINE))
    requests.get(f"{limited.url}/compute/", auth=("admin", "wrong"), timeout=30)
    limited.create("compute")

    def missing() -> set[str]:
        page = limited.session().get(f"{limited.url}/metrics", timeout=30).text
        return {name for name in described if not re.search(rf"^{name}(_count)?\{{", page, re.MULTILINE)}

    assert eventually(lambda: missing() <= {"stratusgate_rate_limited_total"})


def test_every_command_is_described() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert [word for word in commands or () if f"`stratusgate {word}" not in operations] == []

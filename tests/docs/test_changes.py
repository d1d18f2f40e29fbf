"""News fragments are named as their rule says."""

from __future__ import annotations

import re

from tests.docs.markdown import ROOT

KINDS = "feature|fix|change|removal|security"


def test_fragments_are_named_by_topic_and_kind() -> None:
    names = {path.name for path in (ROOT / "docs" / "changes").iterdir()} - {"README.md"}
    wrong = [name for name in names if not re.fullmatch(rf"[A-Za-z0-9-]+\.({KINDS})\.md", name)]
    assert wrong == []

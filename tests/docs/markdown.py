"""The parts of a Markdown document that can be true or false: fenced examples, links, headings.

The word after the language of a fence says what a test does with it: ``run`` runs it, ``run refused`` runs it
and expects the gateway to refuse it, ``output`` must be in what the block before it has printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")],
    key=lambda path: path.relative_to(ROOT).as_posix(),
)

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Fence:
    """One fenced example."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    def is_a(self, language: str, word: str) -> bool:
        return self.language == language and word in self.words


def name(document: Path) -> str:
    """What a test of the document is called."""
    return document.relative_to(ROOT).as_posix()


def fences(document: Path) -> list[Fence]:
    text = document.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, *words = match[1].split() or [""]
        found.append(Fence(language, tuple(words), match[2], text.count("\n", 0, match.start()) + 1))
    return found


def links(document: Path) -> Iterator[str]:
    """The targets of links inside this repository."""
    for match in _LINK.finditer(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", match[1]):
            yield match[1]


def anchors(document: Path) -> set[str]:
    """The anchors of the headings, as the usual renderers make them."""
    headings = _HEADING.findall(_FENCE.sub("", document.read_text(encoding="utf-8")))
    return {_NOT_IN_ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in headings}

"""Each report form holds every check, parses as what it claims to be, and lets nothing through unescaped."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from conformance.exchange import Exchange, Response
from conformance.framework import Level, Outcome, Result, Run
from conformance.report import REPORTS, exchange_lines, html_report, json_report, junit_report, text_report

TITLE = 'a <b> & "c"'
NASTY = 'a <b> & "c" \x1b[31m \x00 ]]> é'
EXCHANGE = Exchange(
    "POST",
    "http://endpoint.test/compute/",
    (("Authorization", "***"), ("Content-Type", "text/plain")),
    b"Category: compute\r\n" + NASTY.encode(),
    Response(500, "Oops", (("Content-Type", "text/html"),), NASTY.encode() + b"\xff"),
    "",
    0.01,
)
UNANSWERED = Exchange("GET", "http://endpoint.test/", (), b"", None, "reset by peer", 0.5)


def result(number: int, level: Level, outcome: Outcome, reason: str = "") -> Result:
    section = "ONE" if number < 4 else "TWO"
    return Result(
        f"TEST-{section}-{number:03}",
        TITLE,
        "GFD.1 <2>",
        level,
        outcome,
        reason,
        0.25,
        (EXCHANGE, UNANSWERED),
    )


RUN = Run(
    "TEST",
    "http://endpoint.test",
    (
        result(1, Level.MUST, Outcome.PASS),
        result(2, Level.MUST, Outcome.FAIL, NASTY),
        result(3, Level.CLIENT, Outcome.ERROR, "reset"),
        result(4, Level.SHOULD, Outcome.FAIL, "not so nice"),
        result(5, Level.MAY, Outcome.SKIP, "not published"),
    ),
    ("/storage/1",),
)


@pytest.mark.parametrize("form", sorted(REPORTS))
def test_every_form_names_every_check(form: str) -> None:
    report = REPORTS[form](RUN)
    assert [result.id for result in RUN.results if result.id not in report] == []


@pytest.mark.parametrize("form", sorted(REPORTS))
def test_no_form_lets_a_terminal_escape_through(form: str) -> None:
    assert "\x1b" not in REPORTS[form](RUN)


def test_text_shows_the_exchange_of_a_failed_check() -> None:
    report = text_report(RUN)
    assert "> POST http://endpoint.test/compute/" in report
    assert "< 500 Oops" in report
    assert "! reset by peer" in report


def test_text_shows_no_exchange_of_a_passed_check() -> None:
    assert "> POST" not in text_report(Run("TEST", "http://x", RUN.results[:1]))


def test_text_ends_with_the_verdict() -> None:
    assert text_report(RUN).endswith("does not conform: 2 MUST and CLIENT checks failed\n")


def test_an_exchange_is_shown_line_by_line() -> None:
    assert exchange_lines(UNANSWERED) == ["> GET http://endpoint.test/", "! reset by peer"]


def test_json_counts_by_level_and_outcome() -> None:
    document = json.loads(json_report(RUN))
    assert document["summary"]["MUST"] == {"pass": 1, "fail": 1, "skip": 0, "error": 0}
    assert document["exit_status"] == 1
    assert document["leftovers"] == ["/storage/1"]


def test_json_holds_the_exchange_of_a_failed_check() -> None:
    failed = json.loads(json_report(RUN))["checks"][1]
    assert failed["exchanges"][0]["response"]["status"] == 500
    assert failed["exchanges"][1]["problem"] == "reset by peer"


def test_junit_is_xml_with_the_counted_failures_only() -> None:
    root = ET.fromstring(junit_report(RUN))
    assert [suite.get("name") for suite in root] == ["TEST-ONE", "TEST-TWO"]
    assert len(root.findall(".//failure")) == 1
    assert len(root.findall(".//error")) == 1
    assert [skipped.get("message") for skipped in root.findall(".//skipped")] == [
        "SHOULD not met: not so nice",
        "not published",
    ]


def test_junit_attributes_count_what_the_suite_holds() -> None:
    suite = ET.fromstring(junit_report(RUN))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")


class Tags(HTMLParser):
    """Notes the open elements and every element that was ever opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_balanced_and_escaped() -> None:
    tags = Tags()
    tags.feed(html_report(RUN))
    assert tags.open == []
    assert "b" not in tags.seen


def test_html_needs_nothing_from_elsewhere() -> None:
    assert not any(word in html_report(RUN) for word in ("src=", "<link", "<script", "@import"))

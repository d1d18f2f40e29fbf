"""A finished run as text, JSON, JUnit XML or one HTML page."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from conformance.exchange import Exchange, Headers
from conformance.framework import Level, Outcome, Result, Run

BODY_LIMIT = 8000
# What neither a terminal nor XML 1.0 can carry; tab stays.
UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def visible(text: str) -> str:
    """One line of text without control characters: each is shown as an escape."""
    return UNSAFE.sub(_escape, text)


def _head_and_body(first: str, headers: Headers, body: bytes, mark: str) -> list[str]:
    lines = [first, *(f"{name}: {value}" for name, value in headers)]
    if body:
        text = body.decode("utf-8", "replace")
        clipped = text[:BODY_LIMIT]
        lines += ["", *clipped.removesuffix("\n").split("\n")]
        if len(text) > BODY_LIMIT:
            lines.append(f"... {len(text) - BODY_LIMIT} more characters")
    return [f"{mark} {visible(line)}".rstrip() for line in lines]


def exchange_lines(exchange: Exchange) -> list[str]:
    """The exchange in the manner of `curl -v`: `>` for what was sent, `<` for what came."""
    sent = _head_and_body(f"{exchange.method} {exchange.url}", exchange.headers, exchange.body, ">")
    answer = exchange.response
    if answer is None:
        return [*sent, f"! {visible(exchange.problem)}"]
    status = f"{answer.status} {answer.reason}".rstrip()
    return [*sent, *_head_and_body(status, answer.headers, answer.body, "<")]


def result_lines(result: Result) -> list[str]:
    """One line for the check; for one that did not pass the reason, and for a failed one its exchanges."""
    lines = [f"{result.outcome.upper():5} {result.id:14} {result.level:6} {result.title}"]
    if result.reason:
        lines.append(f"      {visible(result.reason)}")
    if result.outcome in (Outcome.FAIL, Outcome.ERROR):
        lines.append(f"      {result.clause}")
        for exchange in result.exchanges:
            lines += ["", *(f"      {line}" for line in exchange_lines(exchange))]
        lines.append("")
    return lines


def tally(results: Iterable[Result]) -> Mapping[Level, Counter[Outcome]]:
    counts: dict[Level, Counter[Outcome]] = {level: Counter() for level in Level}
    for result in results:
        counts[result.level][result.outcome] += 1
    return counts


def summary_lines(run: Run) -> list[str]:
    """A table of outcomes by level, what was left behind, and the verdict."""
    lines = [
        f"{run.standard} conformance of {run.url}",
        f"{'':8}" + "".join(f"{o.value:>7}" for o in Outcome),
    ]
    for level, counts in tally(run.results).items():
        lines.append(f"{level.value:8}" + "".join(f"{counts[outcome]:7}" for outcome in Outcome))
    lines += [f"not removed: {visible(name)}" for name in run.leftovers]
    failed = sum(result.counted for result in run.results)
    lines.append("conforms" if not failed else f"does not conform: {failed} MUST and CLIENT checks failed")
    return lines


def text_report(run: Run) -> str:
    lines = [line for result in run.results for line in result_lines(result)]
    return "\n".join([*lines, "", *summary_lines(run)]) + "\n"


def _exchange_object(exchange: Exchange) -> dict[str, object]:
    answer = exchange.response
    return {
        "method": exchange.method,
        "url": exchange.url,
        "headers": exchange.headers,
        "body": exchange.body.decode("utf-8", "replace"),
        "seconds": round(exchange.seconds, 3),
        "problem": exchange.problem or None,
        "response": answer
        and {
            "status": answer.status,
            "reason": answer.reason,
            "headers": answer.headers,
            "body": answer.text,
        },
    }


def json_report(run: Run) -> str:
    """An object with standard, url, exit_status, summary by level, leftovers and every check."""
    checks = [
        {
            "id": result.id,
            "title": result.title,
            "clause": result.clause,
            "level": result.level.value,
            "outcome": result.outcome.value,
            "reason": result.reason or None,
            "seconds": round(result.seconds, 3),
            "exchanges": [
                _exchange_object(exchange)
                for exchange in result.exchanges
                if result.outcome in (Outcome.FAIL, Outcome.ERROR)
            ],
        }
        for result in run.results
    ]
    summary = {level: {o.value: counts[o] for o in Outcome} for level, counts in tally(run.results).items()}
    document = {
        "standard": run.standard,
        "url": run.url,
        "exit_status": run.exit_status,
        "summary": summary,
        "leftovers": run.leftovers,
        "checks": checks,
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _junit_case(result: Result) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=result.section,
        name=f"{result.id} {visible(result.title)}",
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.PASS:
        return case
    # A SHOULD or MAY that is not met must not turn a build red: it is shown as skipped, with its reason.
    tag = {Outcome.FAIL: "failure", Outcome.ERROR: "error"}[result.outcome] if result.counted else "skipped"
    prefix = "" if result.counted or result.outcome is Outcome.SKIP else f"{result.level} not met: "
    ET.SubElement(case, tag, message=prefix + visible(result.reason), type=result.level.value)
    if result.outcome is not Outcome.SKIP:
        lines = [f"{result.level} {result.clause}"]
        for exchange in result.exchanges:
            lines += ["", *exchange_lines(exchange)]
        ET.SubElement(case, "system-out").text = "\n".join(visible(line) for line in lines)
    return case


def junit_report(run: Run) -> str:
    """JUnit XML, one test suite per section of the standard."""
    root = ET.Element("testsuites", name=f"{run.standard} {run.url}")
    for section, group in groupby(run.results, key=lambda result: result.section):
        results = list(group)
        cases = [_junit_case(result) for result in results]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=section,
            tests=str(len(cases)),
            failures=str(sum(case.find("failure") is not None for case in cases)),
            errors=str(sum(case.find("error") is not None for case in cases)),
            skipped=str(sum(case.find("skipped") is not None for case in cases)),
            time=f"{sum(result.seconds for result in results):.3f}",
        )
        suite.extend(cases)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1c2530 }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1.6rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #dde2e8 }
td.id, td.level, td.outcome { white-space: nowrap; font-variant-numeric: tabular-nums }
.pass .outcome { color: #1b7a3d } .skip .outcome { color: #6a7380 }
.fail .outcome, .error .outcome { color: #b3261e; font-weight: 600 }
.clause, .reason { color: #55606d; font-size: .92em } summary { cursor: pointer }
pre { background: #f4f6f8; padding: .7rem; overflow-x: auto; font-size: 12.5px }
.verdict { font-size: 1.15em; font-weight: 600 }
"""


def _html_row(result: Result) -> str:
    reason = f'<div class="reason">{html.escape(visible(result.reason))}</div>' if result.reason else ""
    details = ""
    if result.outcome in (Outcome.FAIL, Outcome.ERROR) and result.exchanges:
        shown = "\n\n".join("\n".join(exchange_lines(exchange)) for exchange in result.exchanges)
        details = f"<details><summary>exchanges</summary><pre>{html.escape(shown)}</pre></details>"
    return (
        f'<tr class="{result.outcome}"><td class="outcome">{result.outcome}</td>'
        f'<td class="id">{result.id}</td><td class="level">{result.level}</td>'
        f'<td>{html.escape(result.title)}<div class="clause">{html.escape(result.clause)}</div>'
        f"{reason}{details}</td></tr>"
    )


def html_report(run: Run) -> str:
    """One page that needs nothing else: style inside, exchanges of failures folded below their check."""
    title = html.escape(f"{run.standard} conformance of {run.url}")
    head = "".join(f"<th>{outcome}</th>" for outcome in Outcome)
    rows = "".join(
        f"<tr><th>{level}</th>" + "".join(f"<td>{counts[outcome]}</td>" for outcome in Outcome) + "</tr>"
        for level, counts in tally(run.results).items()
    )
    sections = "".join(
        f"<h2>{section}</h2><table>{''.join(_html_row(result) for result in group)}</table>"
        for section, group in groupby(run.results, key=lambda result: result.section)
    )
    left = "".join(f"<p>not removed: {html.escape(visible(name))}</p>" for name in run.leftovers)
    verdict = html.escape(summary_lines(run)[-1])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<style>{STYLE}</style></head><body><h1>{title}</h1><p class="verdict">{verdict}</p>{left}'
        f"<table><tr><th></th>{head}</tr>{rows}</table>{sections}</body></html>\n"
    )


REPORTS: Mapping[str, Callable[[Run], str]] = {
    "text": text_report,
    "json": json_report,
    "junit": junit_report,
    "html": html_report,
}

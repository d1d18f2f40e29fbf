"""The exact bytes of the model that the parsers of clients in use depend on."""

from __future__ import annotations

import re

from conformance.exchange import Response
from conformance.framework import Level, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.checks_discovery import model_in
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.strict import values
from conformance.occi.text import CATEGORY_PARAMETERS

# Names of parameters outside quotes, in order.
NAMED = re.compile(r'([A-Za-z][\w.-]*)\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;"]*)')
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
TITLE = re.compile(r'title="((?:[^"\\]|\\.)*)"')
# What doyouspeakOCCI and the working group's suite match the second category with.
SUITES = re.compile(r'\w+; scheme=[a-z:./#"]+; class="\w+"')
ROCCI_TERM = re.compile(r"[a-z0-9][a-z0-9_-]*")


def _lines(ctx: OcciContext) -> list[str]:
    found = values(model_in(ctx, v.PLAIN), "Category")
    require(found, "the model lists nothing")
    return found


def _none(wrong: list[str], about: str) -> None:
    expect(not wrong, f"{len(wrong)} categories {about}, first {wrong[0][:160]!r}" if wrong else "")


def _parameters(line: str) -> list[str]:
    return NAMED.findall(line.partition(";")[2])


@check(
    "OCCI-SHAPE-001",
    "parameters stand in the order that rOCCI 4 reads",
    "rOCCI-core 4.3 parser",
    Level.CLIENT,
)
def parameter_order(ctx: OcciContext) -> None:
    def ordered(line: str) -> bool:
        places = [
            CATEGORY_PARAMETERS.index(name) for name in _parameters(line) if name in CATEGORY_PARAMETERS
        ]
        return places == sorted(places)

    _none([line for line in _lines(ctx) if not ordered(line)], "have them out of order")


@check("OCCI-SHAPE-002", "after class come no parameters but the known ones", "pOCCI", Level.CLIENT)
def known_parameters(ctx: OcciContext) -> None:
    wrong = [line for line in _lines(ctx) if not set(CATEGORY_PARAMETERS).issuperset(_parameters(line))]
    _none(wrong, "have an unknown parameter")


@check(
    "OCCI-SHAPE-003",
    "parameters are separated by semicolon and one blank",
    "suites' expression",
    Level.CLIENT,
)
def separators(ctx: OcciContext) -> None:
    def clean(line: str) -> bool:
        bare = QUOTED.sub('""', line)
        return (
            all(part[:1] == " " and part[1:2] not in (" ", "") for part in bare.split(";")[1:])
            and " ;" not in bare
        )

    _none([line for line in _lines(ctx) if not clean(line)], "are separated otherwise")


@check("OCCI-SHAPE-004", "class is in double quotes", "suites' expression", Level.CLIENT)
def class_quoted(ctx: OcciContext) -> None:
    _none(
        [line for line in _lines(ctx) if re.search(r'class\s*=\s*[^"\s]', QUOTED.sub('""', line))],
        "do not quote it",
    )


@check("OCCI-SHAPE-005", "no parameter is empty", "pOCCI crashes on an empty quoted value", Level.CLIENT)
def no_empty_values(ctx: OcciContext) -> None:
    _none([line for line in _lines(ctx) if '=""' in line], "have an empty one")


@check("OCCI-SHAPE-006", "titles contain neither semicolon nor comma", "pOCCI, rOCCI, suites", Level.CLIENT)
def titles_plain(ctx: OcciContext) -> None:
    wrong = [line for line in _lines(ctx) if any(re.search("[;,]", title) for title in TITLE.findall(line))]
    _none(wrong, "have such a title")


@check("OCCI-SHAPE-007", "rel names at most one category", "pOCCI compares rel for equality", Level.CLIENT)
def one_rel(ctx: OcciContext) -> None:
    wrong = [line for line in _lines(ctx) if re.search(r'rel="[^" ]+ [^"]', line)]
    _none(wrong, "name several")


@check("OCCI-SHAPE-008", "actions and the kind entity carry no rel", "GFD.229 5.5.2", Level.CLIENT)
def no_rel_where_none(ctx: OcciContext) -> None:
    wrong = [
        found.id for found in ctx.model if found.rel and (found.class_ == "action" or found.id == v.ENTITY)
    ]
    _none(wrong, "carry one")


@check("OCCI-SHAPE-009", "locations are paths", "pOCCI joins endpoint and location", Level.CLIENT)
def locations_are_paths(ctx: OcciContext) -> None:
    wrong = [found.location for found in ctx.model if found.location and not found.location.startswith("/")]
    _none(wrong, "have another form")


@check("OCCI-SHAPE-010", "actions carry no location", "GFD.229 5.5", Level.CLIENT)
def actions_without_location(ctx: OcciContext) -> None:
    _none([found.id for found in ctx.model if found.class_ == "action" and found.location], "have one")


@check("OCCI-SHAPE-011", "terms are lower case and without dot", "rOCCI 4 aborts otherwise", Level.CLIENT)
def terms_for_rocci(ctx: OcciContext) -> None:
    _none([found.id for found in ctx.model if not ROCCI_TERM.fullmatch(found.term)], "have another term")


@check(
    "OCCI-SHAPE-012", "attribute names have no capital letters", "rOCCI-cli 4 aborts otherwise", Level.CLIENT
)
def attribute_names_lower(ctx: OcciContext) -> None:
    _none(
        [name for found in ctx.model for name in found.attributes if name != name.lower()], "have such a name"
    )


def second_matches(line: str) -> bool:
    return SUITES.match(line) is not None


@check(
    "OCCI-SHAPE-013",
    "the second line of the model is as the suites of 1.1 match it",
    "doyouspeakOCCI",
    Level.CLIENT,
)
def second_line(ctx: OcciContext) -> None:
    lines = model_in(ctx, v.PLAIN).text.split("\n")
    require(len(lines) > 1, "the model has fewer than two lines")
    expect(second_matches(lines[1].partition(":")[2].strip()), f"the second line is {lines[1][:160]!r}")


@check("OCCI-SHAPE-014", "text/plain bodies end with a line feed", "style of all servers met", Level.SHOULD)
def ends_with_newline(ctx: OcciContext) -> None:
    response: Response = model_in(ctx, v.PLAIN)
    expect(response.body.endswith(b"\n"), "no line feed at the end")

"""Strict reader of the OCCI text renderings (GFD.185 3.5, GFD.229 5): anchored, names columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# GFD.229 5.3: letters of both cases, digits, `-`, `_`, `.`, first a letter or digit (1.1 is a subset of it).
TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9][A-Za-z0-9_-]*)*")
# GFD.185 3.5: digits with an optional fraction; neither sign nor exponent.
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
BOOLEAN = re.compile(r"true|false")
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
QUOTED = re.compile(r'"((?:[^"\\\x00-\x1f\x7f]|\\.)*)"')
BLANKS = re.compile(r"[ \t]*")
SEPARATOR = re.compile(r"[ \t]*;[ \t]*")
EQUALS = re.compile(r"=")
PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>]+")
URI_REFERENCE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|/)[^\s\"<>,;]*")
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>#]+#[A-Za-z0-9][A-Za-z0-9_.-]*")
ATTRIBUTE_DEFINITION = re.compile(rf"({ATTRIBUTE_NAME.pattern})(?:\{{([a-z]+(?: [a-z]+)*)\}})?")

CATEGORY_PARAMETERS = ("scheme", "class", "title", "rel", "location", "attributes", "actions")
CLASSES = frozenset({"kind", "mixin", "action"})
PROPERTIES = frozenset({"immutable", "required"})
STRUCTURES = ("Category", "Link", "X-OCCI-Attribute", "X-OCCI-Location")


class Malformed(ValueError):
    """A line does not follow the grammar; `column` counts from 1."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        self.column = position + 1
        super().__init__(f"column {self.column}: expected {expected} in {text[:200]!r}")


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    name: str
    immutable: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Category:
    """A Category structure; `parameters` are the names in the order in which they stand."""

    term: str
    scheme: str
    class_: str = ""
    title: str = ""
    rel: tuple[str, ...] = ()
    location: str = ""
    attributes: tuple[AttributeDefinition, ...] = ()
    actions: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute value: `kind` is string, number or boolean, `text` what stands there, unescaped."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    target: str
    rel: tuple[str, ...]
    self_: str = ""
    category: tuple[str, ...] = ()
    attributes: tuple[tuple[str, Value], ...] = ()

    @property
    def is_action(self) -> bool:
        return "?action=" in self.target


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def take(self, pattern: re.Pattern[str], expected: str) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise Malformed(self.text, self.position, expected)
        self.position = match.end()
        return match.group()

    def accepts(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match.group()

    def quoted(self, expected: str) -> str:
        return unescape(self.take(QUOTED, f"{expected} in double quotes")[1:-1])

    @property
    def done(self) -> bool:
        return self.position == len(self.text)

    def end(self) -> None:
        if not self.done:
            raise Malformed(self.text, self.position, "the end of the value")


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _words(text: str, pattern: re.Pattern[str], expected: str) -> tuple[str, ...]:
    """The members of a list separated by single blanks, each matching the pattern as a whole."""
    scanner = _Scanner(text)
    words = [scanner.take(pattern, expected)]
    while not scanner.done:
        scanner.take(re.compile(" "), "one blank")
        words.append(scanner.take(pattern, expected))
    return tuple(words)


def _whole(text: str, pattern: re.Pattern[str], expected: str) -> str:
    scanner = _Scanner(text)
    taken = scanner.take(pattern, expected)
    scanner.end()
    return taken


def _definitions(text: str) -> tuple[AttributeDefinition, ...]:
    definitions = []
    scanner = _Scanner(text)
    while True:
        taken = scanner.take(ATTRIBUTE_DEFINITION, "an attribute definition")
        name, _, properties = taken.rstrip("}").partition("{")
        words = properties.split(" ") if properties else []
        if len(set(words)) != len(words) or not PROPERTIES.issuperset(words):
            raise Malformed(text, scanner.position, "the properties immutable and required, each once")
        definitions.append(AttributeDefinition(name, "immutable" in words, "required" in words))
        if scanner.done:
            return tuple(definitions)
        scanner.take(re.compile(" "), "one blank")


def parse_category(text: str) -> Category:
    """Read one Category value; raises Malformed."""
    scanner = _Scanner(text)
    term = scanner.take(TERM, "a term")
    found: dict[str, str] = {}
    while not scanner.done:
        scanner.take(SEPARATOR, "';'")
        start = scanner.position
        name = scanner.take(PARAMETER, "a parameter name")
        if name not in CATEGORY_PARAMETERS or name in found:
            raise Malformed(text, start, f"one of {' '.join(CATEGORY_PARAMETERS)}, each once")
        scanner.take(EQUALS, "'='")
        if name == "class" and not text.startswith('"', scanner.position):
            found[name] = scanner.take(TOKEN, "kind, mixin or action")
        else:
            found[name] = scanner.quoted(f"the value of {name}")
    if "scheme" not in found:
        raise Malformed(text, len(text), "scheme")
    if found.get("class", "kind") not in CLASSES:
        raise Malformed(text, text.index("class"), "class kind, mixin or action")
    scheme = _whole(found["scheme"], URI, "a URI")
    if not scheme.endswith("#"):
        raise Malformed(scheme, len(scheme), "'#' at the end of the scheme")
    return Category(
        term=term,
        scheme=scheme,
        class_=found.get("class", ""),
        title=found.get("title", ""),
        rel=_words(found["rel"], IDENTIFIER, "a category identifier") if "rel" in found else (),
        location=_whole(found["location"], URI_REFERENCE, "a URI reference") if "location" in found else "",
        attributes=_definitions(found["attributes"]) if "attributes" in found else (),
        actions=_words(found["actions"], IDENTIFIER, "an action identifier") if "actions" in found else (),
        parameters=tuple(found),
    )


def _value(scanner: _Scanner) -> Value:
    """A quoted string, a number or a boolean."""
    start = scanner.position
    if scanner.text.startswith('"', start):
        return Value("string", scanner.quoted("a value"))
    for kind, pattern in (("number", NUMBER), ("boolean", BOOLEAN)):
        taken = scanner.accepts(pattern)
        if taken is not None:
            return Value(kind, taken)
    raise Malformed(scanner.text, start, "a quoted string, a number without sign and exponent, true or false")


def parse_attribute(text: str) -> tuple[str, Value]:
    """Read one X-OCCI-Attribute value; raises Malformed."""
    scanner = _Scanner(text)
    name = scanner.take(ATTRIBUTE_NAME, "an attribute name")
    scanner.take(EQUALS, "'='")
    value = _value(scanner)
    scanner.end()
    return name, value


def parse_link(text: str) -> Link:
    """Read one Link value, to a resource or to an action; raises Malformed."""
    scanner = _Scanner(text)
    scanner.take(re.compile("<"), "'<'")
    target = scanner.take(re.compile(r"[^\s<>\"]+"), "a URI reference")
    scanner.take(re.compile(">"), "'>'")
    named: dict[str, tuple[str, ...]] = {}
    attributes: list[tuple[str, Value]] = []
    while not scanner.done:
        scanner.take(SEPARATOR, "';'")
        start = scanner.position
        name = scanner.take(ATTRIBUTE_NAME, "a parameter name")
        scanner.take(EQUALS, "'='")
        if name == "category" and not text.startswith('"', scanner.position):
            named[name] = (scanner.take(IDENTIFIER, "a category identifier"),)
        elif name in ("rel", "category"):
            named[name] = _words(scanner.quoted(name), IDENTIFIER, "a category identifier")
        elif name == "self":
            named[name] = (_whole(scanner.quoted(name), URI_REFERENCE, "a URI reference"),)
        else:
            attributes.append((name, _value(scanner)))
        if not named:
            raise Malformed(text, start, "rel")
    if "rel" not in named:
        raise Malformed(text, len(text), "rel")
    self_ = named.get("self", ("",))[0]
    return Link(target, named["rel"], self_, named.get("category", ()), tuple(attributes))


def parse_location(text: str) -> str:
    """Read one X-OCCI-Location value; raises Malformed."""
    return _whole(text, URI_REFERENCE, "a URI reference")


PARSERS: Mapping[str, Callable[[str], object]] = {
    "Category": parse_category,
    "Link": parse_link,
    "X-OCCI-Attribute": parse_attribute,
    "X-OCCI-Location": parse_location,
}


def split_values(header: str) -> list[str]:
    """The members of a field value: commas inside quotes and inside `<...>` do not separate."""
    parts: list[str] = []
    start = position = 0
    skip = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^>]*>?|[^",<]+')
    while position < len(header):
        match = skip.match(header, position)
        if match is not None:
            position = match.end()
        else:
            parts.append(header[start:position])
            position = start = position + 1
    return [part.strip(" \t") for part in (*parts, header[start:])]


LINE = re.compile(r"([A-Za-z-]+):[ \t]*(.*?)[ \t]*")


def body_lines(body: str) -> list[tuple[str, str]]:
    """The structures of a text/plain body, (name as STRUCTURES spells it, value); raises Malformed.

    Lines end with LF or CRLF; empty lines are skipped (GFD.185 3.6.6).
    """
    names = {name.lower(): name for name in STRUCTURES}
    found = []
    for line in body.replace("\r\n", "\n").split("\n"):
        if not line.strip(" \t"):
            continue
        match = LINE.fullmatch(line)
        if match is None or match[1].lower() not in names:
            raise Malformed(line, 0, f"one of {', '.join(STRUCTURES)} and ':'")
        found.append((names[match[1].lower()], match[2]))
    return found

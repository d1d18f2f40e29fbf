"""Writing of the four text structures, byte for byte in the shape that every client met can read.

GFD.185 section 3.5, GFD.229 section 5. The order of parameters, ``; `` with one blank, quotes around every
string and plain decimals are what rOCCI 4, pOCCI and the OCCI 1.1 suites match by regular expressions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import quote

from occi_gw.rendering.assembly import FORBIDDEN
from occi_gw.rendering.rendered import MAX_HEADER, HeaderTooLarge
from occi_gw.rendering.values import (
    Action,
    AttributeDefinition,
    Category,
    CategoryLine,
    Entity,
    Kind,
    LinkLine,
    LinkRendering,
    Mixin,
    Value,
    core_id,
)

_TO_REPLACE = re.compile(rf'["\\{FORBIDDEN}]')
_NOT_IN_URI = re.compile(rf'[\x20\x09"<>{FORBIDDEN}]+')
_CUT_BY_CLIENTS = re.compile(r"[ \t]*[,;][ \t]*")
_BLOCK = 32 * 1024


class Lines(NamedTuple):
    """Values of an answer by structure, each without its name, in the order in which they are written."""

    categories: Sequence[str] = ()
    links: Sequence[str] = ()
    attributes: Sequence[str] = ()
    locations: Sequence[str] = ()


_NAMES = ("Category", "Link", "X-OCCI-Attribute", "X-OCCI-Location")


def to_plain(lines: Lines) -> bytes:
    """A text/plain body, one value a line, ended by LF; empty without lines."""
    parts = [
        f"{name}: " + f"\n{name}: ".join(values) + "\n"
        for name, values in zip(_NAMES, lines, strict=True)
        if values
    ]
    return "".join(parts).encode()


def to_headers(lines: Lines) -> tuple[tuple[str, str], ...]:
    """text/occi headers, one a structure, values joined with comma and blank, as latin-1 strings for WSGI.

    Raises HeaderTooLarge when one would pass 60 KiB.
    """
    return tuple((name, _header(name, values)) for name, values in zip(_NAMES, lines, strict=True) if values)


def _header(name: str, values: Sequence[str]) -> str:
    value = wsgi_string(", ".join(values))
    if len(value) > MAX_HEADER:
        raise HeaderTooLarge(name, len(value))
    return value


def wsgi_string(text: str) -> str:
    """``text`` as WSGI wants a header value: its UTF-8 bytes, each as one latin-1 character."""
    return text if text.isascii() else text.encode().decode("latin-1")


def category_line(category: Category) -> CategoryLine:
    """What the text renderings say of a Kind, Mixin or Action: GFD.229 section 5.5.2.

    ``rel`` is the parent of a kind and the first ``depends`` of a mixin; ``applies`` has no text form.
    """
    category_class = "action"
    rel: tuple[str, ...] = ()
    location: str | None = None
    actions: tuple[Action, ...] = ()
    if isinstance(category, Kind):
        category_class, location, actions = "kind", category.location, category.actions
        rel = (category.parent,) if category.parent else ()
    elif isinstance(category, Mixin):
        category_class, location, actions = "mixin", category.location, category.actions
        rel = category.depends[:1]
    return CategoryLine(
        term=category.term,
        scheme=category.scheme,
        category_class=category_class,
        title=category.title,
        rel=rel,
        location=location,
        attributes=category.attributes,
        actions=tuple(action.identifier for action in actions),
    )


def category_value(line: CategoryLine) -> str:
    """``line`` in full: the order of rOCCI 4's expression, absent and empty parameters left out.

    ``,`` and ``;`` in the title become blanks: pOCCI and the suites cut there in spite of the quotes.
    """
    title = _CUT_BY_CLIENTS.sub(" ", line.title).strip(" ") if line.title else None
    parameters = (
        ("scheme", line.scheme),
        ("class", line.category_class),
        ("title", title),
        ("rel", " ".join(line.rel)),
        ("location", line.location),
        ("attributes", " ".join(map(_definition, line.attributes))),
        ("actions", " ".join(line.actions)),
    )
    return line.term + "".join(f"; {name}={quoted(text)}" for name, text in parameters if text)


def _definition(definition: AttributeDefinition) -> str:
    properties = " ".join(
        name
        for name, holds in (("immutable", not definition.mutable), ("required", definition.required))
        if holds
    )
    return f"{definition.name}{{{properties}}}" if properties else definition.name


@lru_cache(maxsize=4096)
def type_value(term: str, scheme: str, category_class: str) -> str:
    """The short Category value by which an entity names its kind and mixins: term, scheme and class."""
    return f"{term}; scheme={quoted(scheme)}; class={quoted(category_class)}"


def link_value(link: LinkLine) -> str:
    """``<target>; rel=...; self=...; category=...`` and the attributes; absent parameters left out."""
    parameters = (
        ("rel", " ".join(link.rel)),
        ("self", link.self_uri),
        ("category", " ".join(link.category)),
    )
    return (
        f"<{safe_uri(link.target)}>"
        + "".join(f"; {name}={quoted(text)}" for name, text in parameters if text)
        + "".join(f"; {attribute_value(name, value)}" for name, value in link.attributes.items())
    )


def attribute_value(name: str, value: Value) -> str:
    """``name=value``: numbers as plain decimals, everything else but booleans in quotes.

    A list or object, which only JSON can carry, is written as quoted JSON text. Raises ValueError for NaN
    and infinities.
    """
    if isinstance(value, str):
        return f"{name}={quoted(value)}"
    if isinstance(value, bool):
        return f"{name}={'true' if value else 'false'}"
    if isinstance(value, int):
        return f"{name}={value}"
    if isinstance(value, float):
        return f"{name}={_decimal(value)}"
    return f"{name}={quoted(json.dumps(value, ensure_ascii=False, allow_nan=False))}"


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no OCCI rendering")
    text = repr(value)
    if "e" not in text:
        return text
    plain = format(Decimal(text), "f")
    return plain if "." in plain else plain + ".0"


def quoted(text: str) -> str:
    """``text`` as a quoted string; what no structure can carry (line ends, controls) becomes a blank."""
    return f'"{_TO_REPLACE.sub(_replaced, text)}"'


def _replaced(match: re.Match[str]) -> str:
    return "\\" + match[0] if match[0] in '"\\' else " "


def safe_uri(uri: str) -> str:
    """``uri`` with every character that cannot stand between ``<`` and ``>`` percent-encoded."""
    return _NOT_IN_URI.sub(lambda match: quote(match[0], errors="replace"), uri)


def entity_lines(entity: Entity) -> Lines:
    """A Resource or Link (GFD.229 section 5.1): kind and mixins, links, attributes; no location.

    Action links come first, relative, ``start`` in front: the suites use the first link they find.
    """
    kind = entity.kind
    return Lines(
        categories=[
            type_value(kind.term, kind.scheme, "kind"),
            *(type_value(mixin.term, mixin.scheme, "mixin") for mixin in entity.mixins),
        ],
        links=[*_action_links(entity), *(link_value(_link_line(link)) for link in entity.links)],
        attributes=[
            f"occi.core.id={quoted(core_id(entity.id))}",
            *(
                f"{name}={quoted(text)}"
                for name, text in (
                    ("occi.core.title", entity.title),
                    ("occi.core.summary", entity.summary),
                    ("occi.core.source", entity.source),
                    ("occi.core.target", entity.target),
                )
                if text
            ),
            *(attribute_value(name, value) for name, value in entity.attributes.items()),
        ],
    )


def _action_links(entity: Entity) -> Iterator[str]:
    location = safe_uri(entity.location)
    for action in sorted(entity.actions, key=lambda action: action.term != "start"):
        yield f"<{location}?action={action.term}>; rel={quoted(action.identifier)}"


def _link_line(link: LinkRendering) -> LinkLine:
    return LinkLine(
        target=link.target,
        rel=(link.target_kind,),
        self_uri=link.location,
        category=(link.kind.identifier, *(mixin.identifier for mixin in link.mixins)),
        attributes=link.attributes,
    )


def location_values(base_url: str, paths: Iterable[str]) -> list[str]:
    """Absolute URIs; ``base_url`` is scheme and authority, without a slash at the end."""
    return [base_url + path for path in paths]


def location_lines(base_url: str, paths: Iterable[str]) -> Iterator[bytes]:
    """``X-OCCI-Location`` lines in blocks of about 32 KiB."""
    return uri_blocks(f"X-OCCI-Location: {base_url}", paths, "\n")


def uri_blocks(prefix: str, paths: Iterable[str], line_end: str) -> Iterator[bytes]:
    """Lines of ``prefix`` and a path in blocks of about 32 KiB, sized by the first path of each block."""
    remaining = iter(paths)
    separator = line_end + prefix
    for first in remaining:
        lines = _BLOCK // (len(separator) + len(first)) + 1
        block = chain((first,), islice(remaining, lines - 1))
        yield f"{prefix}{separator.join(block)}{line_end}".encode()

"""Values, spellings and damage for the property tests of the renderings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from occi_gw.rendering.parse_error import ParseError
from occi_gw.rendering.values import (
    Action,
    AttributeDefinition,
    CategoryLine,
    Entity,
    Kind,
    LinkLine,
    LinkRendering,
    Mixin,
)

_CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"))

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,11}", fullmatch=True)
components = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)
nested_names = st.lists(components, min_size=2, max_size=4).map(".".join)

#: Everything that a quoted string can carry.
texts = st.text(_CHARACTERS | st.sampled_from('\t"\\,;<>='), max_size=20)
#: No blanks, so that lists of them can be told apart.
uris = st.text(_CHARACTERS.filter(lambda char: char not in " \t"), min_size=1, max_size=15)
identifiers = st.builds("http://{}#{}".format, components, names)
bracketed = st.text(_CHARACTERS.filter(lambda char: char not in ' \t"<>'), min_size=1, max_size=15)
titles = texts.map(lambda text: text.replace(",", "").replace(";", "").strip(" \t")).filter(bool)
scalars = (
    texts
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.just(10**399)
)

definitions = st.builds(AttributeDefinition, name=names, mutable=st.booleans(), required=st.booleans())
category_lines = st.builds(
    CategoryLine,
    term=names,
    scheme=uris,
    category_class=st.none() | st.sampled_from(["kind", "mixin", "action"]),
    title=st.none() | titles,
    rel=st.lists(uris, max_size=2).map(tuple),
    location=st.none() | uris,
    attributes=st.lists(definitions, max_size=3).map(tuple),
    actions=st.lists(uris, max_size=2).map(tuple),
)
link_lines = st.builds(
    LinkLine,
    target=bracketed,
    rel=st.lists(uris, min_size=1, max_size=2).map(tuple),
    self_uri=st.none() | uris,
    category=st.lists(uris, max_size=2).map(tuple),
    attributes=st.dictionaries(
        names.filter(lambda name: name.lower() not in ("rel", "self", "category")), scalars, max_size=3
    ),
)
locations = st.text(_CHARACTERS.filter(lambda char: char not in ' \t"<>,'), min_size=1, max_size=15)

_json_values = st.recursive(
    texts | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


def _category_parts(**more: Any) -> dict[str, Any]:
    return {
        "term": names,
        "scheme": components.map("http://{}#".format),
        "title": st.none() | titles,
        "attributes": st.lists(_full_definitions, max_size=2, unique_by=lambda item: item.name).map(tuple),
        **more,
    }


_full_definitions = st.builds(
    AttributeDefinition,
    name=names,
    type=st.sampled_from(["string", "number", "boolean", "array", "object"]),
    mutable=st.booleans(),
    required=st.booleans(),
    pattern=st.none() | st.just({"enum": ["x86", "x64"]}) | st.just({"pattern": "^a$"}),
    default=st.none() | _json_values,
    description=st.none() | titles,
)
actions = st.builds(Action, **_category_parts())
kinds = st.builds(
    Kind,
    **_category_parts(
        parent=st.none() | identifiers,
        actions=st.lists(actions, max_size=2).map(tuple),
        location=st.none() | components.map("/{}/".format),
    ),
)
mixins = st.builds(
    Mixin,
    **_category_parts(
        depends=st.lists(identifiers, max_size=2).map(tuple),
        applies=st.lists(identifiers, max_size=2).map(tuple),
        actions=st.lists(actions, max_size=2).map(tuple),
        location=components.map("/{}/".format),
    ),
)
_paths = st.lists(components, min_size=1, max_size=2).map(lambda parts: "/" + "/".join(parts))
_attributes = st.dictionaries(
    nested_names.filter(lambda name: not name.startswith("occi.core.")), scalars, max_size=3
)
link_renderings = st.builds(
    LinkRendering,
    id=components,
    location=_paths,
    kind=kinds,
    mixins=st.lists(mixins, max_size=1).map(tuple),
    source=_paths,
    source_kind=identifiers,
    target=_paths,
    target_kind=identifiers,
    attributes=_attributes,
)
_entity_parts: dict[str, Any] = {
    "id": components | st.uuids().map(str),
    "location": _paths,
    "kind": kinds,
    "mixins": st.lists(mixins, max_size=2).map(tuple),
    "title": st.none() | titles,
    "attributes": _attributes,
    "actions": st.lists(actions, max_size=2).map(tuple),
}
resources = st.builds(
    Entity,
    **_entity_parts,
    summary=st.none() | titles,
    links=st.lists(link_renderings, max_size=2).map(tuple),
)
links = st.builds(
    Entity,
    **_entity_parts,
    source=_paths,
    source_kind=st.none() | identifiers,
    target=_paths,
    target_kind=st.none() | identifiers,
)

_BLANKS = st.text(" \t", max_size=2)
_SPECIAL = st.sampled_from("\",;<>\\={} \t'\x00\n\r\x7f\x85\xa0é\u2028\ud800-#") | st.sampled_from(
    ["1e999", "nan", "true", 'class="kind"', "immutable", ";;", ",,"]
)


def _spelled(quoted: st.SearchStrategy[str], bare: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return quoted.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"') | bare


_numbers = st.from_regex(r"[+-]?[0-9]{1,3}(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
_tokens = st.text("abcXYZ019!#$%&'()*+-./:=?@[]^_`{|}~\\", min_size=1, max_size=8)
_values = _spelled(texts, _numbers | _tokens | st.sampled_from(["true", "false"]))
_equals = st.builds("{}={}".format, _BLANKS, _BLANKS)
_assignments = st.builds("{}{}{}".format, names, _equals, _values)
_separators = st.builds("{};{}".format, _BLANKS, st.text(" \t;", max_size=3))
_tails = st.text(" \t;", max_size=3)
_definition_texts = st.builds(
    "{}{}{}".format,
    names,
    _BLANKS,
    st.sampled_from(["", "{immutable}", "{ required }", "{immutable required}", "{required\timmutable}"]),
)
_category_parameters = st.builds(
    "{}{}{}".format,
    st.sampled_from(["title", "rel", "location", "actions", "TITLE", "unknown"]),
    _equals,
    _values,
) | st.builds(
    "attributes{}{}".format,
    _equals,
    _spelled(st.lists(_definition_texts, max_size=2).map(" ".join), names),
)


@st.composite
def _members(draw: st.DrawFn, head: str, parameters: list[st.SearchStrategy[str]]) -> str:
    """``head`` and the parameters, each after a separator, in any order."""
    text = head
    for parameter in draw(st.permutations(parameters)):
        text += draw(_separators) + draw(parameter)
    return text + draw(_tails)


_class_parameters = st.builds(
    "class{}{}".format, _equals, st.sampled_from(["kind", '"mixin"', "action", "Kind", '""'])
)
_scheme_parameters = st.builds("scheme{}{}".format, _equals, _spelled(uris, _tokens))
_rel_parameters = st.builds("rel{}{}".format, _equals, _spelled(uris, _tokens))
_category_members = st.lists(_category_parameters, max_size=2).flatmap(
    lambda more: names.flatmap(
        lambda term: _members(term, [_scheme_parameters, _class_parameters, *map(st.just, more)])
    )
)
_link_members = st.lists(_assignments, max_size=2).flatmap(
    lambda more: bracketed.flatmap(
        lambda target: _members(f"<{target}>", [_rel_parameters, *map(st.just, more)])
    )
)


def _lists(members: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        "{}{}{}".format,
        st.text(" ,", max_size=2),
        st.lists(members, max_size=3).map(", ".join),
        st.text(" ,\t", max_size=2),
    )


#: Values as clients may spell them, by structure; nearly all are in the language.
spellings = {
    "categories": _lists(_category_members),
    "links": _lists(_link_members),
    "attributes": _lists(st.builds("{}{}".format, _assignments, _tails)),
    "locations": _lists(locations),
    "definitions": st.lists(_definition_texts, max_size=3).map(" ".join),
}


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A value with some characters dropped, doubled, moved or put in."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 8)))
        piece = text[start:end]
        rest = text[:start] + text[end:]
        place = draw(st.integers(0, len(rest)))
        match draw(st.sampled_from(["insert", "delete", "truncate", "double", "move"])):
            case "insert":
                text = text[:start] + draw(_SPECIAL) + text[start:]
            case "delete":
                text = rest
            case "truncate":
                text = text[:start]
            case "double":
                text = text[:end] + piece + text[end:]
            case "move":
                text = rest[:place] + piece + rest[place:]
    return text


def complaint(read: Callable[[], object]) -> str:
    """The text of the ParseError that ``read`` raises, empty if it raises none; other errors pass."""
    try:
        read()
    except ParseError as error:
        return str(error)
    return ""

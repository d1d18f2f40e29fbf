"""Reading of the JSON rendering, 1.2 and earlier."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occi_gw.rendering.occi_json import read_json, read_locations
from occi_gw.rendering.values import AttributeDefinition, CategoryLine, LinkLine, Message
from tests.occi_gw.rendering.strategies import complaint

_KIND = "http://schemas.ogf.org/occi/infrastructure#compute"
_COMPUTE = CategoryLine("compute", "http://schemas.ogf.org/occi/infrastructure#", "kind")
_SMALL = CategoryLine("small", "http://site.example/size#", "mixin")
_LINK = {
    "kind": "http://a#storagelink",
    "id": "l1",
    "target": {"location": "/storage/1", "kind": "http://a#storage"},
}
_LINK_LINE = LinkLine("/storage/1", ("http://a#storage",), "l1", ("http://a#storagelink",))


def _read(document: Any) -> Message:
    return read_json(json.dumps(document).encode())


def _refusal(document: Any) -> str:
    return complaint(lambda: _read(document))


_RESOURCE = {
    "kind": _KIND,
    "id": "urn:uuid:7",
    "title": "web",
    "summary": "first",
    "mixins": ["http://site.example/size#small"],
    "attributes": {"occi.compute.cores": 2, "occi.compute.state": "active"},
    "actions": ["http://a#start"],
    "links": [_LINK],
}
_RESOURCE_MESSAGE = Message(
    categories=(_COMPUTE, _SMALL),
    links=(_LINK_LINE,),
    attributes={
        "occi.compute.cores": 2,
        "occi.compute.state": "active",
        "occi.core.id": "urn:uuid:7",
        "occi.core.title": "web",
        "occi.core.summary": "first",
    },
)


def test_a_resource_of_1_2_is_read() -> None:
    assert _read(_RESOURCE) == _RESOURCE_MESSAGE


def test_a_wrapped_resource_says_the_same() -> None:
    assert _read({"resources": [_RESOURCE]}) == _RESOURCE_MESSAGE


def test_a_resource_of_rocci_4_says_the_same() -> None:
    document = {
        "resources": [
            {
                "kind": _KIND,
                "mixins": ["http://site.example/size#small"],
                "attributes": {
                    "occi": {
                        "compute": {"cores": 2, "state": "active"},
                        "core": {"id": "urn:uuid:7", "title": "web", "summary": "first"},
                    }
                },
                "id": "urn:uuid:7",
                "links": [
                    {
                        "kind": "http://a#storagelink",
                        "id": "l1",
                        "target": "/storage/1",
                        "rel": "http://a#storage",
                    }
                ],
            }
        ]
    }
    assert _read(document) == _RESOURCE_MESSAGE


def test_links_beside_the_only_resource_are_its_links() -> None:
    resource = {**_RESOURCE, "links": ["/storagelink/l1"]}
    assert _read({"resources": [resource], "links": [_LINK]}) == _RESOURCE_MESSAGE


def test_a_link_that_is_a_string_is_kept_as_its_own_uri() -> None:
    message = _read({"kind": _KIND, "links": ["/storagelink/1"]})
    assert message.links == (LinkLine("/storagelink/1", (), "/storagelink/1"),)


def test_links_in_and_beside_the_resource_are_both_read() -> None:
    beside = {"kind": "http://a#other", "target": "/n/1"}
    message = _read({"resources": [_RESOURCE], "links": [beside]})
    assert message.links == (_LINK_LINE, LinkLine("/n/1", (), None, ("http://a#other",)))


def test_an_inline_link_has_mixins_title_and_attributes() -> None:
    link = {
        **_LINK,
        "mixins": ["http://b#ip"],
        "title": "disk",
        "summary": "of mine",
        "source": "/compute/1",
        "attributes": {"occi": {"storagelink": {"deviceid": "/dev/vdb"}}},
    }
    (line,) = _read({"kind": _KIND, "links": [link]}).links
    assert line == LinkLine(
        "/storage/1",
        ("http://a#storage",),
        "l1",
        ("http://a#storagelink", "http://b#ip"),
        {"occi.storagelink.deviceid": "/dev/vdb", "occi.core.title": "disk", "occi.core.summary": "of mine"},
    )


def test_the_kind_of_the_target_counts_before_rel() -> None:
    (line,) = _read({"kind": _KIND, "links": [{**_LINK, "rel": "http://other#x"}]}).links
    assert line.rel == ("http://a#storage",)


def test_an_end_need_not_tell_its_kind() -> None:
    (line,) = _read({"kind": _KIND, "links": [{**_LINK, "target": {"location": "/storage/1"}}]}).links
    assert (line.target, line.rel) == ("/storage/1", ())


@pytest.mark.parametrize("wrap", [False, True])
def test_a_link_entity_shows_its_ends_and_their_kinds_as_attributes(wrap: bool) -> None:
    link = {**_LINK, "source": {"location": "/compute/1", "kind": _KIND}, "attributes": {"a.b": 1}}
    message = _read({"links": [link]} if wrap else link)
    assert message == Message(
        categories=(CategoryLine("storagelink", "http://a#", "kind"),),
        attributes={
            "a.b": 1,
            "occi.core.id": "l1",
            "occi.core.source": "/compute/1",
            "occi.core.source.kind": _KIND,
            "occi.core.target": "/storage/1",
            "occi.core.target.kind": "http://a#storage",
        },
    )


def test_a_link_entity_of_rocci_4_has_strings_and_rel() -> None:
    link = {"kind": "http://a#l", "source": "/compute/1", "target": "/storage/1", "rel": "http://a#storage"}
    assert _read({"links": [link]}).attributes == {
        "occi.core.source": "/compute/1",
        "occi.core.target": "/storage/1",
        "occi.core.target.kind": "http://a#storage",
    }


def test_rel_does_not_replace_the_kind_of_the_target() -> None:
    attributes = _read({**_LINK, "rel": "http://other#x"}).attributes
    assert attributes["occi.core.target.kind"] == "http://a#storage"


def test_a_partial_update_has_no_kind() -> None:
    document = {"mixins": ["http://site.example/size#small"], "attributes": {"occi.compute.cores": 4}}
    assert _read(document) == Message(categories=(_SMALL,), attributes={"occi.compute.cores": 4})


def test_null_counts_as_not_sent() -> None:
    document = {
        **dict.fromkeys(
            ("kind", "id", "title", "summary", "mixins", "actions", "links", "source", "target", "rel")
        ),
        "attributes": {"a.b": None, "c": {"d": None}, "e.f": 1},
    }
    assert _read(document) == Message(attributes={"e.f": 1})


@pytest.mark.parametrize(
    "document", [{}, {"attributes": {}}, {"attributes": None}, {"mixins": []}, [], {"resources": []}]
)
def test_nothing_says_nothing(document: Any) -> None:
    assert _read(document) == Message()


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_says_nothing(body: bytes) -> None:
    assert (read_json(body), read_locations(body)) == (Message(), ())


@pytest.mark.parametrize(
    ("attributes", "flat"),
    [
        ({"a.b": 1}, {"a.b": 1}),
        ({"a": {"b": {"c": 1}, "d": "x"}}, {"a.b.c": 1, "a.d": "x"}),
        ({"a": {"b.c": 1}}, {"a.b.c": 1}),
        ({"a.b": 1, "a": {"c": 2}}, {"a.b": 1, "a.c": 2}),
        ({"a": 1}, {"a": 1}),
        ({"a": {}}, {}),
        ({"a.b": {"c": 1}}, {"a.b": {"c": 1}}),
        ({"a": {"b": [{"c": {"d": 1}}]}}, {"a.b": [{"c": {"d": 1}}]}),
        ({"a.b": [1, "x", None]}, {"a.b": [1, "x", None]}),
        ({"a.b": "x\r\ny"}, {"a.b": "x\r\ny"}),
        ({"a.b": True, "c.d": 2.5}, {"a.b": True, "c.d": 2.5}),
    ],
)
def test_attributes_are_flat_or_nested(attributes: dict[str, Any], flat: dict[str, Any]) -> None:
    assert repr(_read({"attributes": attributes}).attributes) == repr(flat)


def test_an_action_is_invoked_with_its_attributes() -> None:
    document = {"action": "http://a/action#stop", "attributes": {"method": "graceful"}}
    assert _read(document) == Message(
        categories=(CategoryLine("stop", "http://a/action#", "action"),), attributes={"method": "graceful"}
    )


def test_an_action_needs_no_attributes() -> None:
    assert _read({"action": "http://a#stop"}).categories == (CategoryLine("stop", "http://a#", "action"),)


_TAG = {"term": "red", "scheme": "http://tags#", "location": "/tag/red/"}
_TAG_LINE = CategoryLine("red", "http://tags#", "mixin", location="/tag/red/")


@pytest.mark.parametrize("document", [_TAG, {"mixins": [_TAG]}])
def test_a_tag_is_defined_bare_or_in_a_collection(document: Any) -> None:
    assert _read(document) == Message(categories=(_TAG_LINE,))


def test_a_model_is_read_as_its_categories() -> None:
    document = {
        "actions": [{"term": "start", "scheme": "http://c#"}],
        "mixins": [_TAG],
        "kinds": [
            {
                "term": "a",
                "scheme": "http://a#",
                "title": "A",
                "parent": "http://p#q",
                "actions": ["http://c#start"],
            }
        ],
    }
    assert _read(document).categories == (
        CategoryLine("a", "http://a#", "kind", "A", ("http://p#q",), actions=("http://c#start",)),
        _TAG_LINE,
        CategoryLine("start", "http://c#", "action"),
    )


@pytest.mark.parametrize(
    ("members", "rel"),
    [
        ({"depends": ["http://a#b", "http://c#d"]}, ("http://a#b",)),
        ({"related": ["http://a#b"]}, ("http://a#b",)),
        ({"depends": [], "related": ["http://a#b"]}, ("http://a#b",)),
        ({"depends": ["http://a#b"], "related": ["http://c#d"]}, ("http://a#b",)),
        ({"parent": "http://a#b", "related": ["http://c#d"]}, ("http://a#b",)),
        ({"parent": "", "depends": ["http://c#d"]}, ("http://c#d",)),
        ({"applies": ["http://a#b"]}, ()),
        ({"title": "", "location": ""}, ()),
    ],
)
def test_a_category_has_one_relation(members: dict[str, Any], rel: tuple[str, ...]) -> None:
    assert _read({"term": "a", "scheme": "s#", **members}).categories == (
        CategoryLine("a", "s#", "mixin", rel=rel),
    )


def test_attribute_descriptions_are_read_in_full() -> None:
    description = {
        "mutable": True,
        "required": True,
        "type": "number",
        "pattern": {"minimum": 1},
        "default": 2,
        "description": "how many",
    }
    (category,) = _read({"term": "a", "scheme": "s#", "attributes": {"x.y": description}}).categories
    assert category.attributes == (
        AttributeDefinition("x.y", "number", True, True, {"minimum": 1}, 2, "how many"),
    )


def test_attribute_descriptions_have_the_defaults_of_json() -> None:
    (category,) = _read({"term": "a", "scheme": "s#", "attributes": {"x": {}}}).categories
    assert category.attributes == (AttributeDefinition("x", "string", mutable=False, required=False),)


def test_a_pattern_of_the_form_before_1_2_is_a_string() -> None:
    (category,) = _read({"term": "a", "scheme": "s#", "attributes": {"x": {"pattern": "^a"}}}).categories
    assert category.attributes[0].pattern == {"pattern": "^a"}


@pytest.mark.parametrize(
    ("document", "locations"),
    [
        (["http://h/a", "/b"], ("http://h/a", "/b")),
        ({"resources": [{"id": "a"}, {"id": "b", "title": "x"}]}, ("a", "b")),
        ({"links": [{"id": "c"}], "resources": [{"id": "a"}]}, ("a", "c")),
        ({"links": [{"id": "c"}]}, ("c",)),
    ],
)
def test_entities_without_a_kind_are_named_only(document: Any, locations: tuple[str, ...]) -> None:
    assert _read(document) == Message(locations=locations)


@pytest.mark.parametrize(
    ("document", "locations"),
    [
        (["http://h/a", "/b"], ("http://h/a", "/b")),
        ([], ()),
        ({"resources": []}, ()),
        ({"resources": None, "links": None}, ()),
        ({"resources": [_RESOURCE]}, ("urn:uuid:7",)),
        ({"resources": [{"id": "a"}, _RESOURCE], "links": [_LINK]}, ("a", "urn:uuid:7", "l1")),
        (_RESOURCE, ("urn:uuid:7",)),
        ({"id": "a"}, ("a",)),
    ],
)
def test_an_association_names_entities_by_uri_or_id(document: Any, locations: tuple[str, ...]) -> None:
    assert read_locations(json.dumps(document).encode()) == locations


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("a", "$: expected an object, found a string"),
        ([1], "$[0]: expected a string, found a number"),
        ({}, '$: member "id" is missing'),
        ({"id": 1}, "$.id: expected a string, found a number"),
        ({"resources": [{}]}, '$.resources[0]: member "id" is missing'),
        (
            {"resources": [{"id": "a", "x": 1}]},
            '$.resources[0]: unknown member "x", expected kind, id, title, '
            "summary, mixins, attributes, actions, links, source, target, rel",
        ),
        ({"links": ["a"]}, "$.links[0]: expected an object, found a string"),
        ({"resources": [], "kinds": []}, '$: unknown member "kinds", expected resources, links'),
        ({"resources": {}}, "$.resources: expected an array, found an object"),
    ],
)
def test_a_broken_association_is_refused_with_its_path(document: Any, message: str) -> None:
    assert complaint(lambda: read_locations(json.dumps(document).encode())) == message


_MEMBERS = "kind, id, title, summary, mixins, attributes, actions, links, source, target, rel"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (1, "$: expected an object, found a number"),
        ("a", "$: expected an object, found a string"),
        ([{}], "$[0]: expected a string, found an object"),
        ({"atributes": {}}, f'$: unknown member "atributes", expected {_MEMBERS}'),
        ({"kind": 1}, "$.kind: expected a string, found a number"),
        ({"kind": "compute"}, '$.kind: "compute" is not a type identifier (scheme#term)'),
        ({"kind": "http://a b#c"}, '$.kind: "http://a b#c" is not a type identifier (scheme#term)'),
        ({"kind": "http://a#"}, '$.kind: "http://a#" is not a type identifier (scheme#term)'),
        ({"kind": "http://a#b/c"}, '$.kind: "http://a#b/c" is not a type identifier (scheme#term)'),
        ({"kind": "http://a#b\n"}, '$.kind: "http://a#b\\u000a" is not a type identifier (scheme#term)'),
        ({"mixins": "http://a#b"}, "$.mixins: expected an array, found a string"),
        ({"mixins": ["http://a#b", "c"]}, '$.mixins[1]: "c" is not a type identifier (scheme#term)'),
        ({"id": 1}, "$.id: expected a string, found a number"),
        ({"title": 1}, "$.title: expected a string, found a number"),
        ({"summary": []}, "$.summary: expected a string, found an array"),
        ({"rel": 1}, "$.rel: expected a string, found a number"),
        ({"attributes": []}, "$.attributes: expected an object, found an array"),
        ({"attributes": {"": 1}}, '$.attributes[""]: "" is not an attribute name'),
        ({"attributes": {"a b": 1}}, '$.attributes["a b"]: "a b" is not an attribute name'),
        ({"attributes": {"a": {"-b": 1}}}, '$.attributes.a["-b"]: "-b" is not an attribute name'),
        ({"attributes": {"a\n": None}}, '$.attributes["a\\u000a"]: "a\\u000a" is not an attribute name'),
        ({"links": {}}, "$.links: expected an array, found an object"),
        ({"kind": _KIND, "links": {}}, "$.links: expected an array, found an object"),
        ({"kind": _KIND, "links": [1]}, "$.links[0]: expected an object, found a number"),
        ({"kind": _KIND, "links": [{"kind": "http://a#b"}]}, '$.links[0]: member "target" is missing'),
        (
            {"kind": _KIND, "links": [{**_LINK, "target": 1}]},
            "$.links[0].target: expected an object, found a number",
        ),
        ({"kind": _KIND, "links": [{"target": "/a"}]}, '$.links[0]: member "kind" is missing'),
        (
            {"kind": _KIND, "links": [{**_LINK, "x": 1}]},
            f'$.links[0]: unknown member "x", expected {_MEMBERS}',
        ),
        (
            {"kind": _KIND, "links": [{**_LINK, "kind": "b"}]},
            '$.links[0].kind: "b" is not a type identifier (scheme#term)',
        ),
        (
            {"kind": _KIND, "links": [{**_LINK, "target": "/a", "rel": 1}]},
            "$.links[0].rel: expected a string, found a number",
        ),
        ({"kind": _KIND, "links": [{**_LINK, "id": 1}]}, "$.links[0].id: expected a string, found a number"),
        (
            {"kind": _KIND, "links": [{**_LINK, "mixins": ["b"]}]},
            '$.links[0].mixins[0]: "b" is not a type identifier (scheme#term)',
        ),
        ({"target": 1}, "$.target: expected an object, found a number"),
        ({"source": {}}, '$.source: member "location" is missing'),
        ({"source": {"location": 1}}, "$.source.location: expected a string, found a number"),
        (
            {"source": {"location": "/a", "kind": "b"}},
            '$.source.kind: "b" is not a type identifier (scheme#term)',
        ),
        ({"target": {"location": "/a", "x": 1}}, '$.target: unknown member "x", expected location, kind'),
        ({"action": 1}, "$.action: expected a string, found a number"),
        ({"action": "start"}, '$.action: "start" is not a type identifier (scheme#term)'),
        ({"action": "http://a#b", "x": 1}, '$: unknown member "x", expected action, attributes'),
        ({"resources": [], "x": []}, '$: unknown member "x", expected resources, links'),
        ({"resources": {}}, "$.resources: expected an array, found an object"),
        ({"resources": [1]}, "$.resources[0]: expected an object, found a number"),
        ({"resources": [{"kind": _KIND}, {"kind": _KIND}]}, "$: 2 entities in one request; send one"),
        ({"resources": [{"kind": _KIND}, {"id": "a"}]}, "$: 2 entities in one request; send one"),
        ({"links": [_LINK, _LINK, _LINK]}, "$: 3 entities in one request; send one"),
        ({"kinds": [{"scheme": "a#"}]}, '$.kinds[0]: member "term" is missing'),
        ({"resources": [{"kind": _KIND}], "links": [{}]}, '$.links[0]: member "target" is missing'),
        ({"resources": [{"title": "a"}]}, '$.resources[0]: member "id" is missing'),
        (
            {"resources": [{"kind": _KIND, "attributes": {"a": {"b c": 1}}}]},
            '$.resources[0].attributes.a["b c"]: "b c" is not an attribute name',
        ),
        ({"term": "a"}, '$: member "scheme" is missing'),
        ({"term": "a", "scheme": 1}, "$.scheme: expected a string, found a number"),
        ({"term": 1, "scheme": "s#"}, "$.term: expected a string, found a number"),
        ({"term": "a b", "scheme": "s#"}, '$.term: "a b" is not a term'),
        ({"term": "a", "scheme": "s t#"}, '$.scheme: "s t#" is not one URI'),
        ({"term": "a", "scheme": ""}, '$.scheme: "" is not one URI'),
        (
            {"term": "a", "scheme": "s#", "x": 1},
            '$: unknown member "x", expected term, scheme, title, location, attributes, actions, '
            "parent, related, depends, applies",
        ),
        ({"term": "a", "scheme": "s#", "title": 1}, "$.title: expected a string, found a number"),
        ({"term": "a", "scheme": "s#", "location": 1}, "$.location: expected a string, found a number"),
        ({"term": "a", "scheme": "s#", "parent": 1}, "$.parent: expected a string, found a number"),
        ({"term": "a", "scheme": "s#", "depends": [1]}, "$.depends[0]: expected a string, found a number"),
        ({"term": "a", "scheme": "s#", "related": "b"}, "$.related: expected an array, found a string"),
        ({"term": "a", "scheme": "s#", "actions": [1]}, "$.actions[0]: expected a string, found a number"),
        ({"term": "a", "scheme": "s#", "attributes": []}, "$.attributes: expected an object, found an array"),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": 1}},
            "$.attributes.b: expected an object, found a number",
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"?": {}}},
            '$.attributes["?"]: "?" is not an attribute name',
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": {"x": 1}}},
            '$.attributes.b: unknown member "x", '
            "expected mutable, required, type, pattern, default, description",
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": {"mutable": 1}}},
            "$.attributes.b.mutable: expected true or false, found a number",
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": {"required": "x"}}},
            "$.attributes.b.required: expected true or false, found a string",
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": {"type": 1}}},
            "$.attributes.b.type: expected a string, found a number",
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": {"pattern": 1}}},
            "$.attributes.b.pattern: expected an object, found a number",
        ),
        (
            {"term": "a", "scheme": "s#", "attributes": {"b": {"description": 1}}},
            "$.attributes.b.description: expected a string, found a number",
        ),
        ({"mixins": [_TAG, {"term": "a"}]}, '$.mixins[1]: member "scheme" is missing'),
        ({"mixins": [_TAG, "a"]}, "$.mixins[1]: expected an object, found a string"),
        ({"kinds": [_TAG], "mixins": {}}, "$.mixins: expected an array, found an object"),
        ({"kinds": []}, f'$: unknown member "kinds", expected {_MEMBERS}'),
    ],
)
def test_a_broken_document_is_refused_with_its_path(document: Any, message: str) -> None:
    assert _refusal(document) == message


def test_json_that_is_not_strict_is_refused() -> None:
    assert (
        complaint(lambda: read_json(b'{"attributes": {"a": NaN}}'))
        == "$.attributes.a: NaN is not a JSON number"
    )


def test_an_association_that_is_not_strict_is_refused() -> None:
    assert (
        complaint(lambda: read_locations(b'["\\ud800"]'))
        == "$[0]: character U+D800 is not allowed in a string"
    )


_members = st.sampled_from(
    [
        *("kind", "id", "title", "summary", "mixins", "attributes", "actions", "links", "source", "target"),
        *(
            "rel",
            "resources",
            "kinds",
            "action",
            "term",
            "scheme",
            "location",
            "parent",
            "related",
            "depends",
        ),
        *("applies", "mutable", "required", "type", "pattern", "default", "description", "a.b"),
    ]
)
_documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "a", "http://a#b", "/c", "\0", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_members | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(_documents)
def test_reading_any_document_raises_nothing_but_parse_error(document: Any) -> None:
    body = json.dumps(document).encode()
    assert complaint(lambda: read_json(body)).isprintable()
    assert complaint(lambda: read_locations(body)).isprintable()


@settings(max_examples=100, deadline=None)
@given(st.binary())
def test_reading_any_bytes_raises_nothing_but_parse_error(body: bytes) -> None:
    assert complaint(lambda: read_json(body)).isprintable()
    assert complaint(lambda: read_locations(body)).isprintable()

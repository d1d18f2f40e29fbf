"""Writing of the JSON rendering, 1.2 and earlier."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occi_gw.rendering.occi_json import read_json, read_locations
from occi_gw.rendering.occi_json_writer import (
    EarlierJsonForm,
    JsonForm,
    error_object,
    to_json,
    uri_array,
)
from occi_gw.rendering.text_lines import category_line
from occi_gw.rendering.values import Category, Entity, LinkLine, LinkRendering, core_id, entity_urn
from tests.occi_gw.rendering.samples import (
    COMPUTE,
    COMPUTE_ACTIONS,
    DEBIAN,
    ENTITY,
    INTERFACE_ENTITY,
    IP_INTERFACE,
    MACHINE,
    OGF,
    START,
    STOP,
)
from tests.occi_gw.rendering.strategies import actions, kinds, links, mixins, resources

_NEW = JsonForm()
_OLD = EarlierJsonForm()

_MACHINE_MEMBERS = {
    "kind": f"{OGF}/infrastructure#compute",
    "id": "7",
    "title": "web 1",
    "summary": "first",
    "mixins": ["http://site.example/os#debian"],
    "actions": [f"{COMPUTE_ACTIONS}stop", f"{COMPUTE_ACTIONS}start"],
}
_LINK_MEMBERS = {
    "kind": f"{OGF}/infrastructure#networkinterface",
    "id": "n1",
    "mixins": [f"{OGF}/infrastructure/networkinterface#ipnetworkinterface"],
}


#: What the ids of 1.2 are where the entity's own is no UUID.
_MACHINE_URN = "urn:uuid:25aa9a57-0aff-5a81-bb3f-836af006d11b"
_LINK_URN = "urn:uuid:240a20ea-9867-504b-9822-b85c8ef1f748"


def test_a_resource_of_1_2_has_flat_attributes_and_link_objects() -> None:
    assert _NEW.entity(MACHINE) == {
        **_MACHINE_MEMBERS,
        "id": _MACHINE_URN,
        "attributes": {"occi.compute.cores": 2, "occi.compute.memory": 2.0, "occi.compute.state": "active"},
        "links": [
            {
                **_LINK_MEMBERS,
                "id": _LINK_URN,
                "attributes": {"occi.networkinterface.mac": "00:11", "occi.networkinterface.vlan": 4},
                "source": {"location": "/compute/7", "kind": f"{OGF}/infrastructure#compute"},
                "target": {"location": "/network/3", "kind": f"{OGF}/infrastructure#network"},
            }
        ],
    }


def test_an_earlier_resource_has_nested_attributes_and_ends_as_strings() -> None:
    assert _OLD.entity(MACHINE) == {
        **_MACHINE_MEMBERS,
        "attributes": {
            "occi": {
                "core": {"id": "7", "title": "web 1", "summary": "first"},
                "compute": {"cores": 2, "memory": 2.0, "state": "active"},
            }
        },
        "links": [
            {
                **_LINK_MEMBERS,
                "attributes": {"occi": {"networkinterface": {"mac": "00:11", "vlan": 4}}},
                "source": "/compute/7",
                "target": "/network/3",
                "rel": f"{OGF}/infrastructure#network",
            }
        ],
    }


def test_a_link_of_1_2_has_its_ends_as_members() -> None:
    assert _NEW.entity(INTERFACE_ENTITY) == {
        "kind": f"{OGF}/infrastructure#networkinterface",
        "id": _LINK_URN,
        "title": "eth0",
        "attributes": {"occi.networkinterface.mac": "00:11"},
        "source": {"location": "/compute/7", "kind": f"{OGF}/infrastructure#compute"},
        "target": {"location": "http://elsewhere.example/network/3"},
    }


def test_an_earlier_link_has_its_ends_as_attributes_too() -> None:
    assert _OLD.entity(INTERFACE_ENTITY) == {
        "kind": f"{OGF}/infrastructure#networkinterface",
        "id": "n1",
        "title": "eth0",
        "attributes": {
            "occi": {
                "core": {
                    "id": "n1",
                    "title": "eth0",
                    "source": "/compute/7",
                    "target": "http://elsewhere.example/network/3",
                },
                "networkinterface": {"mac": "00:11"},
            }
        },
        "source": "/compute/7",
        "target": "http://elsewhere.example/network/3",
    }


def test_empty_arrays_are_left_out_but_attributes_stay() -> None:
    bare = Entity(id="7", location="/compute/7", kind=COMPUTE)
    assert _NEW.entity(bare) == {"kind": COMPUTE.identifier, "id": _MACHINE_URN, "attributes": {}}


def test_an_id_that_is_a_uuid_becomes_a_urn() -> None:
    machine = dataclasses.replace(MACHINE, id="0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10")
    assert _NEW.entity(machine)["id"] == "urn:uuid:0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10"


def test_the_same_id_of_two_kinds_gives_two_urns() -> None:
    other = dataclasses.replace(MACHINE, kind=INTERFACE_ENTITY.kind)
    assert _NEW.entity(MACHINE)["id"] != _NEW.entity(other)["id"]


def test_one_entity_is_bare_in_1_2() -> None:
    assert _NEW.single(MACHINE) == _NEW.entity(MACHINE)


def test_one_entity_is_wrapped_before_1_2() -> None:
    assert _OLD.single(MACHINE) == {"resources": [_OLD.entity(MACHINE)]}


def test_one_link_is_wrapped_among_links_before_1_2() -> None:
    assert _OLD.single(INTERFACE_ENTITY) == {"links": [_OLD.entity(INTERFACE_ENTITY)]}


@pytest.mark.parametrize(
    ("attributes", "nested"),
    [
        ({"a.b": 1, "a.c.d": 2, "e": 3}, {"a": {"b": 1, "c": {"d": 2}}, "e": 3}),
        ({"a.state": "x", "a.state.message": "y"}, {"a": {"state": "x"}}),
        ({"a.state.message": "y", "a.state": "x"}, {"a": {"state": "x"}}),
        ({"a": 1, "a.b.c": 2}, {"a": 1}),
        ({"a.b": {"c": 1}, "a.d": 2}, {"a": {"b": {"c": 1}, "d": 2}}),
        ({}, {}),
    ],
)
def test_nested_attributes_have_no_place_below_another(
    attributes: dict[str, Any], nested: dict[str, Any]
) -> None:
    entity = Entity(id="7", location="/compute/7", kind=COMPUTE, attributes=attributes)
    written = _OLD.entity(entity)["attributes"]
    assert {name: value for name, value in written.items() if name != "occi"} == nested


_DESCRIPTIONS = {
    "occi.compute.architecture": {
        "mutable": True,
        "required": False,
        "type": "string",
        "pattern": {"enum": ["x86", "x64"]},
        "default": "x64",
        "description": "CPU architecture",
    },
    "occi.compute.cores": {"mutable": True, "required": True, "type": "number"},
    "occi.compute.state": {"mutable": False, "required": False, "type": "string"},
    "occi.compute.id": {"mutable": False, "required": True, "type": "string", "pattern": {"pattern": "^i-"}},
}
_COMPUTE_MEMBERS = {
    "term": "compute",
    "scheme": f"{OGF}/infrastructure#",
    "title": "Compute Resource",
    "attributes": _DESCRIPTIONS,
    "parent": f"{OGF}/core#resource",
    "actions": [f"{COMPUTE_ACTIONS}stop", f"{COMPUTE_ACTIONS}start"],
    "location": "/compute/",
}
_DEBIAN_MEMBERS = {
    "term": "debian",
    "scheme": "http://site.example/os#",
    "title": "Debian 12",
    "depends": [f"{OGF}/infrastructure#os_tpl", "http://other.example/a#b"],
    "applies": [f"{OGF}/infrastructure#compute"],
    "location": "/mixin/os_tpl/debian/",
}
_IP_INTERFACE_MEMBERS = {
    "term": "ipnetworkinterface",
    "scheme": f"{OGF}/infrastructure/networkinterface#",
    "actions": [f"{COMPUTE_ACTIONS}start"],
    "location": "/ipnetworkinterface/",
}


def test_the_model_of_1_2_has_the_members_of_the_standard_and_no_others() -> None:
    assert _NEW.categories([COMPUTE, STOP, ENTITY, DEBIAN, START, IP_INTERFACE]) == {
        "kinds": [_COMPUTE_MEMBERS, {"term": "entity", "scheme": f"{OGF}/core#"}],
        "mixins": [_DEBIAN_MEMBERS, _IP_INTERFACE_MEMBERS],
        "actions": [
            {
                "term": "stop",
                "scheme": COMPUTE_ACTIONS,
                "title": "Stop",
                "attributes": {"method": {"mutable": True, "required": False, "type": "string"}},
            },
            {"term": "start", "scheme": COMPUTE_ACTIONS},
        ],
    }


def test_the_earlier_model_has_related_depends_and_patterns_as_strings() -> None:
    architecture = {**_DESCRIPTIONS["occi.compute.architecture"]}
    del architecture["pattern"]
    descriptions = {
        **_DESCRIPTIONS,
        "occi.compute.architecture": architecture,
        "occi.compute.id": {**_DESCRIPTIONS["occi.compute.id"], "pattern": "^i-"},
    }
    assert _OLD.categories([COMPUTE, ENTITY, DEBIAN, IP_INTERFACE]) == {
        "kinds": [
            {**_COMPUTE_MEMBERS, "attributes": descriptions, "related": [f"{OGF}/core#resource"]},
            {"term": "entity", "scheme": f"{OGF}/core#", "related": []},
        ],
        "mixins": [_DEBIAN_MEMBERS, {**_IP_INTERFACE_MEMBERS, "depends": []}],
    }


def test_groups_without_categories_are_left_out() -> None:
    assert _NEW.categories([START]) == {"actions": [{"term": "start", "scheme": COMPUTE_ACTIONS}]}


def test_a_default_of_false_zero_or_empty_is_shown() -> None:
    definitions = tuple(
        dataclasses.replace(COMPUTE.attributes[1], name=name, default=default)
        for name, default in (("a", False), ("b", 0), ("c", ""))
    )
    (kind,) = _NEW.categories([dataclasses.replace(COMPUTE, attributes=definitions)])["kinds"]
    assert [description["default"] for description in kind["attributes"].values()] == [False, 0, ""]


def _collection(form: JsonForm, entities: list[Entity], *, of_links: bool = False) -> bytes:
    return b"".join(form.collection(iter(entities), of_links=of_links))


@pytest.mark.parametrize(("of_links", "text"), [(False, b'{"resources":[]}'), (True, b'{"links":[]}')])
@pytest.mark.parametrize("form", [_NEW, _OLD])
def test_an_empty_collection_says_of_what(form: JsonForm, of_links: bool, text: bytes) -> None:
    assert _collection(form, [], of_links=of_links) == text


@pytest.mark.parametrize("form", [_NEW, _OLD])
def test_a_collection_holds_whole_entities(form: JsonForm) -> None:
    text = _collection(form, [MACHINE, MACHINE])
    assert json.loads(text) == {"resources": [form.entity(MACHINE)] * 2}


def test_a_collection_of_links_holds_links() -> None:
    text = _collection(_NEW, [INTERFACE_ENTITY, INTERFACE_ENTITY], of_links=True)
    assert json.loads(text) == {"links": [_NEW.entity(INTERFACE_ENTITY)] * 2}


@pytest.mark.parametrize(
    ("of_links", "order"), [(False, ["resources", "links"]), (True, ["links", "resources"])]
)
def test_a_mixed_collection_holds_both(of_links: bool, order: list[str]) -> None:
    document = json.loads(_collection(_NEW, [INTERFACE_ENTITY, MACHINE, INTERFACE_ENTITY], of_links=of_links))
    assert list(document) == order
    assert document == {
        "resources": [_NEW.entity(MACHINE)],
        "links": [_NEW.entity(INTERFACE_ENTITY)] * 2,
    }


def test_collections_come_in_blocks_of_thirty_two_kibibytes() -> None:
    *full, last = (len(block) for block in _NEW.collection([MACHINE] * 1000))
    entity = len(to_json(_NEW.entity(MACHINE)))
    assert full
    assert all(32 * 1024 <= size < 32 * 1024 + entity + 2 for size in full)
    assert 0 < last < 32 * 1024 + entity + 2


def test_entities_are_taken_as_they_are_needed() -> None:
    taken = 0

    def entities() -> Iterator[Entity]:
        nonlocal taken
        while True:
            taken += 1
            yield MACHINE

    next(_NEW.collection(entities()))
    assert taken < 100


def test_an_array_of_uris_is_absolute() -> None:
    assert b"".join(uri_array("http://h", ["/a", "/b", "/c"])) == b'["http://h/a","http://h/b","http://h/c"]'


def test_an_empty_array_of_uris_is_an_array() -> None:
    assert b"".join(uri_array("http://h", [])) == b"[]"


def test_an_array_of_uris_comes_in_blocks() -> None:
    blocks = list(uri_array("http://h", [f"/compute/{number}" for number in range(10_000)]))
    assert len(blocks) > 5
    assert len(json.loads(b"".join(blocks))) == 10_000


def test_an_array_of_uris_is_read_back_as_an_association() -> None:
    assert read_locations(b"".join(uri_array("http://h", ["/a", "/b"]))) == ("http://h/a", "http://h/b")


def test_an_error_has_code_and_message() -> None:
    assert error_object(404, "no such") == {"code": 404, "message": "no such"}


def test_json_is_compact_ascii() -> None:
    assert to_json({"a": ["\u00eb\ud800", 1.5]}) == b'{"a":["\\u00eb\\ud800",1.5]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(value)


@settings(max_examples=100, deadline=None)
@given(resources | links, st.sampled_from([_NEW, _OLD]))
def test_an_entity_is_read_back_as_far_as_a_message_carries_it(entity: Entity, form: JsonForm) -> None:
    message = read_json(to_json(form.single(entity)))
    members = {
        "occi.core.id": _id_of(form, entity),
        "occi.core.title": entity.title,
        "occi.core.summary": entity.summary,
        "occi.core.source": entity.source,
        "occi.core.source.kind": entity.source_kind if form is _NEW else None,
        "occi.core.target": entity.target,
        "occi.core.target.kind": entity.target_kind,
    }
    core = {name: value for name, value in members.items() if value}
    placed = {
        name: value
        for name, value in entity.attributes.items()
        if form is _NEW or not any(name.startswith(f"{other}.") for other in entity.attributes)
    }
    assert {name: repr(value) for name, value in message.attributes.items()} == {
        name: repr(value) for name, value in (core | placed).items()
    }
    assert [line.identifier for line in message.categories] == [
        category.identifier for category in (entity.kind, *entity.mixins)
    ]
    assert [_ends_of(link) for link in message.links] == [
        (_id_of(form, link), link.target, (link.target_kind,), link.kind.identifier) for link in entity.links
    ]


def _id_of(form: JsonForm, thing: Entity | LinkRendering) -> str:
    return entity_urn(thing.kind.identifier, thing.id) if form is _NEW else core_id(thing.id)


def _ends_of(link: LinkLine) -> tuple[str | None, str, tuple[str, ...], str]:
    return link.self_uri, link.target, link.rel, link.category[0]


@settings(max_examples=100, deadline=None)
@given(kinds | mixins | actions, st.sampled_from([_NEW, _OLD]))
def test_a_category_is_read_back_as_the_text_renderings_say_it(category: Category, form: JsonForm) -> None:
    (line,) = read_json(to_json(form.categories([category]))).categories
    expected = category_line(category)
    assert dataclasses.replace(line, attributes=()) == dataclasses.replace(expected, attributes=())
    assert [definition.name for definition in line.attributes] == [
        definition.name for definition in expected.attributes
    ]


@settings(max_examples=100, deadline=None)
@given(kinds | mixins | actions)
def test_attribute_descriptions_of_1_2_are_read_back_unchanged(category: Category) -> None:
    (line,) = read_json(to_json(_NEW.categories([category]))).categories
    assert repr(line.attributes) == repr(category.attributes)


def test_no_block_is_empty() -> None:
    path = "/" + "x" * (32 * 1024 - len('["http://h/"]'))
    assert [len(block) for block in uri_array("http://h", [path])] == [32 * 1024]

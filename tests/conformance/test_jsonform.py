"""Tables of the strict JSON shapes."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.occi import jsonform

K = "http://schemas.ogf.org/occi/infrastructure#compute"
RESOURCE: dict[str, Any] = {"kind": K, "id": "urn:uuid:1"}
LINK: dict[str, Any] = {**RESOURCE, "source": {"location": "/a/1"}, "target": {"location": "/b/1", "kind": K}}
KIND: dict[str, Any] = {"term": "compute", "scheme": "http://x.example/y#"}
MIXIN: dict[str, Any] = {**KIND, "location": "/mixin/x/"}


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (jsonform.RESOURCE, RESOURCE),
        (
            jsonform.RESOURCE,
            {**RESOURCE, "title": "t", "summary": "s", "mixins": [K], "actions": [K], "links": [LINK]},
        ),
        (
            jsonform.RESOURCE,
            {**RESOURCE, "attributes": {"occi.compute.cores": 2, "occi.securitygroup.rules": [{}]}},
        ),
        (jsonform.LINK, LINK),
        (jsonform.KIND, {**KIND, "parent": K, "location": "/compute/", "actions": [K], "title": "x"}),
        (jsonform.KIND, {**KIND, "attributes": {"a.b": {"mutable": True, "type": "number", "default": 1}}}),
        (jsonform.MIXIN, {**MIXIN, "depends": [K], "applies": [K]}),
        (jsonform.ACTION, KIND),
        (jsonform.MODEL, {"kinds": [KIND], "mixins": [MIXIN], "actions": [KIND]}),
        (jsonform.MODEL, {}),
        (jsonform.RESOURCES, {"resources": []}),
        (jsonform.LINKS, {"links": [LINK]}),
    ],
)
def test_a_value_of_the_shape_is_accepted(shape: jsonform.Shape, value: object) -> None:
    shape(value, "$")


@pytest.mark.parametrize(
    ("shape", "value", "path"),
    [
        (jsonform.RESOURCE, [], "$: not an object"),
        (jsonform.RESOURCE, {"kind": K}, "$: id is missing"),
        (jsonform.RESOURCE, {"id": "1"}, "$: kind is missing"),
        (jsonform.RESOURCE, {**RESOURCE, "kind": "compute"}, "$.kind"),
        (jsonform.RESOURCE, {**RESOURCE, "state": "active"}, "$: 'state' has no place here"),
        (
            jsonform.RESOURCE,
            {**RESOURCE, "attributes": {"occi": {"compute": {"cores": 2}}}},
            "$.attributes.occi",
        ),
        (jsonform.RESOURCE, {**RESOURCE, "attributes": {"a b": 1}}, "$.attributes"),
        (jsonform.RESOURCE, {**RESOURCE, "attributes": {"a": None}}, "$.attributes.a: null"),
        (jsonform.RESOURCE, {**RESOURCE, "links": [{}]}, r"$.links[0]: kind is missing"),
        (jsonform.RESOURCE, {**RESOURCE, "mixins": K}, "$.mixins: not an array"),
        (jsonform.LINK, {**LINK, "source": "/a/1"}, "$.source: not an object"),
        (jsonform.LINK, {**LINK, "target": {}}, "$.target: location is missing"),
        (jsonform.KIND, {**KIND, "related": [K]}, "$: 'related' has no place here"),
        (jsonform.KIND, {**KIND, "scheme": "http://x.example/y"}, "$.scheme"),
        (
            jsonform.KIND,
            {**KIND, "attributes": {"a": {"mutable": "yes"}}},
            "$.attributes.a.mutable: not a boolean",
        ),
        (jsonform.MIXIN, KIND, "$: location is missing"),
        (jsonform.MODEL, {"kind": []}, "$: 'kind' has no place here"),
        (jsonform.RESOURCES, [], "$: not an object"),
    ],
)
def test_another_value_is_refused_with_its_path(shape: jsonform.Shape, value: object, path: str) -> None:
    with pytest.raises(jsonform.Misshapen) as caught:
        shape(value, "$")
    assert str(caught.value).startswith(path)

"""How much one request may ask for, and how long what it says may be."""

from __future__ import annotations

import pytest

from tests.client import COMPUTE, Client, action

TAG = 'red; scheme="http://site.example/tags#"; class="mixin"; location="/red/"'


@pytest.mark.parametrize(("attribute", "most"), [("title", 255), ("summary", 4096)])
def test_a_text_that_is_too_long_is_refused_and_named(ada: Client, attribute: str, most: int) -> None:
    name = f"X-OCCI-Attribute: occi.core.{attribute}"
    refused = ada.post("/compute/", f"Category: {COMPUTE}", f'{name}="{"x" * (most + 1)}"')
    assert (refused.status, refused.text.startswith(f"{attribute}: {most + 1} characters")) == (400, True)
    assert ada.get("/compute/").text == ""
    assert ada.post("/compute/", f"Category: {COMPUTE}", f'{name}="{"x" * most}"').status == 201


def test_an_update_with_a_text_that_is_too_long_changes_nothing(ada: Client) -> None:
    machine = ada.create(COMPUTE, 'occi.core.title="old"')
    long = f'X-OCCI-Attribute: occi.core.title="{"x" * 256}"'
    assert ada.post(machine, long, "X-OCCI-Attribute: com.example.a=1").status == 400
    assert ada.put(machine, f"Category: {COMPUTE}", long).status == 400
    shown = ada.get(machine).attributes
    assert (shown["occi.core.title"], "com.example.a" in shown) == ('"old"', False)


def test_the_name_of_a_saved_image_leaves_the_model_fit_for_headers(ada: Client, admin: Client) -> None:
    machine, before = ada.create(COMPUTE), admin.get("/-/").text
    save = (f"{machine}?action=save", f"Category: {action('compute', 'save')}")
    refused = ada.post(*save, f'X-OCCI-Attribute: name="{"n" * 62000}"')
    assert (refused.status, refused.text.startswith("name: 62000 characters")) == (400, True)
    assert admin.get("/-/").text == before
    assert ada.post(*save, f'X-OCCI-Attribute: name="{"n" * 255}"').status == 200
    assert admin.get("/-/", Accept="text/occi").status == 200


@pytest.mark.parametrize("text", ["title", "rel"])
def test_a_mixin_with_a_text_that_is_too_long_is_not_defined(ada: Client, text: str) -> None:
    refused = ada.post("/-/", f'Category: {TAG}; {text}="{"http://x/#" + "x" * 1024}"')
    assert (refused.status, refused.text.startswith(f"{text}: 1034 characters")) == (400, True)
    assert ada.get("/-/", Category=TAG).status == 404


@pytest.mark.parametrize("length", [256, 3000, 900_000])
@pytest.mark.parametrize("prefix", ["", "/compute/", "/", "http://gw.example:8787/compute/"])
def test_an_id_longer_than_any_is_not_there(ada: Client, prefix: str, length: int) -> None:
    machine = ada.create(COMPUTE)
    answer = ada.delete("/compute/", f"X-OCCI-Location: {prefix}{'a' * length}", Content_Type="text/plain")
    assert (answer.status, len(answer.text) < 200) == (404, True)
    assert ada.get(machine).status == 200

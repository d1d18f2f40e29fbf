"""What every media type answers, and how a rendering is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from occi_gw.rendering import (
    READABLE,
    WRITABLE,
    HeaderTooLarge,
    NotAListing,
    ParseError,
    Rendered,
    Rendering,
    RenderingError,
    rendering,
)
from occi_gw.rendering.occi_json_writer import EarlierJsonForm, JsonForm, to_json
from occi_gw.rendering.rendered import as_body
from occi_gw.rendering.text_lines import category_line, category_value, entity_lines, to_headers, to_plain
from occi_gw.rendering.values import CategoryLine, Message
from tests.occi_gw.rendering.samples import COMPUTE, DEBIAN, INTERFACE_ENTITY, MACHINE, START

_PLAIN = ["text/plain", "text/occi+plain"]
_JSON = ["application/occi+json", "application/json"]
plain = pytest.mark.parametrize("media_type", _PLAIN)
jsons = pytest.mark.parametrize("media_type", _JSON)

_URI = "http://gw.example:8787/compute/7"
_BODY = b'Category: compute; scheme="http://a#"; class="kind"\n'
_HEADERS = {"CATEGORY": 'network; scheme="http://a#"; class="kind"'}
_COMPUTE_MESSAGE = Message(categories=(CategoryLine("compute", "http://a#", "kind"),))
_NETWORK_MESSAGE = Message(categories=(CategoryLine("network", "http://a#", "kind"),))


def _typed(media_type: str, body: bytes, *headers: tuple[str, str]) -> Rendered:
    return Rendered((("Content-Type", media_type), *headers), body)


def _whole(answer: Rendered) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)


@plain
def test_plain_text_reads_the_body(media_type: str) -> None:
    assert rendering(media_type).read(_HEADERS, _BODY) == _COMPUTE_MESSAGE


def test_text_occi_reads_the_headers() -> None:
    assert rendering("text/occi").read(_HEADERS, _BODY) == _NETWORK_MESSAGE


@jsons
def test_json_reads_the_body(media_type: str) -> None:
    assert rendering(media_type).read(_HEADERS, b'{"kind": "http://a#compute"}') == _COMPUTE_MESSAGE


def test_a_uri_list_is_no_request() -> None:
    with pytest.raises(ParseError) as caught:
        rendering("text/uri-list").read(_HEADERS, _BODY)
    assert str(caught.value) == "text/uri-list is no media type of a request; send text/plain"


@pytest.mark.parametrize(
    ("media_type", "headers", "body"),
    [
        ("text/plain", {}, b"X-OCCI-Location: /a\nX-OCCI-Location: /b"),
        ("text/occi", {"X-OCCI-Location": "/a, /b"}, b"OK"),
        ("application/occi+json", {}, b'["/a", "/b"]'),
        ("application/json", {}, b'{"resources": [{"kind": "http://a#b", "id": "/a"}, {"id": "/b"}]}'),
    ],
)
def test_an_association_names_entities(media_type: str, headers: dict[str, str], body: bytes) -> None:
    assert rendering(media_type).read_locations(headers, body) == ("/a", "/b")


@pytest.mark.parametrize(
    "line",
    [b'Category: a; scheme="s#"', b"Link: </a>; rel=b", b"X-OCCI-Attribute: a=1"],
)
def test_an_association_holds_nothing_else(line: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        rendering("text/plain").read_locations({}, b"X-OCCI-Location: /a\n" + line)
    assert str(caught.value) == "only X-OCCI-Location values are expected here"


@plain
def test_plain_text_shows_an_entity_as_lines(media_type: str) -> None:
    assert rendering(media_type).entity(MACHINE) == _typed(media_type, to_plain(entity_lines(MACHINE)))


def test_text_occi_shows_an_entity_as_headers() -> None:
    assert rendering("text/occi").entity(MACHINE) == _typed(
        "text/occi", b"OK", *to_headers(entity_lines(MACHINE))
    )


@jsons
def test_json_shows_an_entity_bare(media_type: str) -> None:
    assert rendering(media_type).entity(MACHINE) == _typed(media_type, to_json(JsonForm().entity(MACHINE)))


@jsons
def test_earlier_json_shows_an_entity_wrapped(media_type: str) -> None:
    answer = rendering(media_type, (1, 1)).entity(MACHINE)
    assert answer == _typed(media_type, to_json({"resources": [EarlierJsonForm().entity(MACHINE)]}))


_VALUES = [category_value(category_line(category)) for category in (COMPUTE, START, DEBIAN)]


@plain
def test_the_model_lists_kinds_actions_and_mixins_as_given(media_type: str) -> None:
    answer = rendering(media_type).model([COMPUTE], [DEBIAN], [START])
    assert answer == _typed(media_type, "".join(f"Category: {value}\n" for value in _VALUES).encode())


def test_the_model_in_headers_is_one_header() -> None:
    answer = rendering("text/occi").model([COMPUTE], [DEBIAN], [START])
    assert answer == _typed("text/occi", b"OK", ("Category", ", ".join(_VALUES)))


def test_the_model_has_no_comma_within_a_category() -> None:
    (_, (_, value)) = rendering("text/occi").categories([COMPUTE]).headers
    assert "," not in value


@jsons
def test_the_model_in_json_has_three_groups(media_type: str) -> None:
    answer = rendering(media_type).model([COMPUTE], [DEBIAN], [START])
    assert answer == _typed(media_type, to_json(JsonForm().categories([COMPUTE, DEBIAN, START])))


@jsons
def test_the_model_in_earlier_json_has_related(media_type: str) -> None:
    answer = rendering(media_type, (1, 1)).categories([COMPUTE])
    assert answer == _typed(media_type, to_json(EarlierJsonForm().categories([COMPUTE])))


@pytest.mark.parametrize(
    "ask",
    [
        lambda writer: writer.model([COMPUTE], [], []),
        lambda writer: writer.categories([COMPUTE]),
        lambda writer: writer.entity(MACHINE),
    ],
)
def test_a_uri_list_shows_listings_only(ask: Callable[[Rendering], Rendered]) -> None:
    with pytest.raises(NotAListing) as caught:
        ask(rendering("text/uri-list"))
    assert str(caught.value) == "text/uri-list shows lists of entities only; ask for Accept: text/plain"


_PATHS = ["/compute/7", "/networkinterface/n1"]
_LISTINGS = [
    *(
        (
            media_type,
            b"X-OCCI-Location: http://h/compute/7\nX-OCCI-Location: http://h/networkinterface/n1\n",
            (),
        )
        for media_type in _PLAIN
    ),
    ("text/occi", b"OK", (("X-OCCI-Location", "http://h/compute/7, http://h/networkinterface/n1"),)),
    ("text/uri-list", b"http://h/compute/7\r\nhttp://h/networkinterface/n1\r\n", ()),
]


@pytest.mark.parametrize(("media_type", "body", "headers"), _LISTINGS)
def test_a_listing_of_paths_is_absolute(
    media_type: str, body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    assert rendering(media_type).locations("http://h", iter(_PATHS)) == _typed(media_type, body, *headers)


@pytest.mark.parametrize(("media_type", "body", "headers"), _LISTINGS)
def test_a_listing_of_entities_in_text_is_one_of_their_paths(
    media_type: str, body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    answer = rendering(media_type).entities("http://h", iter([MACHINE, INTERFACE_ENTITY]))
    assert answer == _typed(media_type, body, *headers)


@jsons
def test_a_listing_of_paths_in_json_is_an_array_of_uris(media_type: str) -> None:
    answer = rendering(media_type).locations("http://h", _PATHS)
    assert answer == _typed(media_type, b'["http://h/compute/7","http://h/networkinterface/n1"]')


@jsons
@pytest.mark.parametrize(("version", "form"), [(None, JsonForm()), ((1, 1), EarlierJsonForm())])
def test_a_listing_of_entities_in_json_holds_them_whole(
    media_type: str, version: tuple[int, int] | None, form: JsonForm
) -> None:
    answer = rendering(media_type, version).entities("http://h", iter([MACHINE]))
    assert answer.headers == (("Content-Type", media_type),)
    assert json.loads(_whole(answer)) == {"resources": [form.entity(MACHINE)]}


@pytest.mark.parametrize(
    ("media_type", "listed"),
    [(media_type, media_type in _JSON) for media_type in WRITABLE],
)
def test_only_json_needs_entities_for_a_listing(media_type: str, listed: bool) -> None:
    assert rendering(media_type).lists_entities is listed


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/plain", b""),
        ("text/occi+plain", b""),
        ("text/occi", b"OK"),
        ("text/uri-list", b""),
        ("application/occi+json", b'{"resources":[]}'),
        ("application/json", b'{"resources":[]}'),
    ],
)
def test_an_empty_listing_has_no_structure_at_all(media_type: str, body: bytes) -> None:
    answer = rendering(media_type).entities("http://h", [])
    assert (answer.headers, _whole(answer)) == ((("Content-Type", media_type),), body)


@jsons
@pytest.mark.parametrize("version", [None, (1, 1)])
def test_an_empty_listing_of_links_says_so_in_json(media_type: str, version: tuple[int, int] | None) -> None:
    answer = rendering(media_type, version).entities("http://h", [], of_links=True)
    assert _whole(answer) == b'{"links":[]}'


@pytest.mark.parametrize("media_type", [*_PLAIN, "text/uri-list", *_JSON])
def test_a_long_listing_is_streamed(media_type: str) -> None:
    answer = rendering(media_type).locations("http://h", (f"/compute/{number}" for number in range(10_000)))
    assert not isinstance(answer.body, bytes)
    body = b"".join(answer.body)
    assert (body.count(b"http://h/compute/"), body.count(b"/compute/9999")) == (10_000, 1)


@jsons
def test_a_long_listing_of_entities_is_streamed(media_type: str) -> None:
    answer = rendering(media_type).entities("http://h", [MACHINE] * 100)
    assert not isinstance(answer.body, bytes)
    assert len(json.loads(b"".join(answer.body))["resources"]) == 100


def test_a_listing_too_long_for_a_header_is_refused() -> None:
    with pytest.raises(HeaderTooLarge) as caught:
        rendering("text/occi").locations("http://h", ["/compute/1"] * 5000)
    assert str(caught.value) == (
        "header X-OCCI-Location would take 99998 bytes, more than 61440; ask for Accept: text/plain"
    )


@pytest.mark.parametrize("error", [HeaderTooLarge, NotAListing])
def test_what_cannot_be_written_is_a_rendering_error(error: type[RenderingError]) -> None:
    assert issubclass(error, RenderingError)
    assert issubclass(error, ValueError)


@plain
def test_plain_text_tells_the_location_of_what_was_created(media_type: str) -> None:
    assert rendering(media_type).created(MACHINE, _URI) == _typed(
        media_type, f"X-OCCI-Location: {_URI}\n".encode(), ("Location", _URI)
    )


def test_text_occi_tells_the_location_of_what_was_created() -> None:
    assert rendering("text/occi").created(MACHINE, _URI) == _typed(
        "text/occi", b"OK", ("Location", _URI), ("X-OCCI-Location", _URI)
    )


def test_a_uri_list_tells_the_location_of_what_was_created() -> None:
    assert rendering("text/uri-list").created(MACHINE, _URI) == _typed(
        "text/uri-list", f"{_URI}\r\n".encode(), ("Location", _URI)
    )


@jsons
@pytest.mark.parametrize(("version", "form"), [(None, JsonForm()), ((1, 1), EarlierJsonForm())])
def test_json_shows_what_was_created(
    media_type: str, version: tuple[int, int] | None, form: JsonForm
) -> None:
    answer = rendering(media_type, version).created(MACHINE, _URI)
    assert answer == _typed(media_type, to_json(form.single(MACHINE)), ("Location", _URI))


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/plain", b"OK"),
        ("text/occi+plain", b"OK"),
        ("text/occi", b"OK"),
        ("text/uri-list", b""),
        ("application/occi+json", b"{}"),
        ("application/json", b"{}"),
    ],
)
def test_success_with_nothing_to_show(media_type: str, body: bytes) -> None:
    assert rendering(media_type).ok() == _typed(media_type, body)


@plain
def test_plain_text_tells_an_error_in_one_line(media_type: str) -> None:
    answer = rendering(media_type).error(404, "no such\r\n compute\0 Zo\u00eb \u2028")
    assert answer == _typed(media_type, "no such compute Zo\u00eb\n".encode())


def test_text_occi_tells_an_error_in_header_and_body() -> None:
    answer = rendering("text/occi").error(404, "no such\r\nX: Zo\u00eb")
    assert answer == _typed(
        "text/occi", "no such X: Zo\u00eb".encode(), ("X-OCCI-Error", "no such X: Zo\xc3\xab")
    )


def test_an_error_for_a_uri_list_is_plain_text() -> None:
    assert rendering("text/uri-list").error(400, "bad") == _typed("text/plain", b"bad\n")


@jsons
def test_json_tells_an_error_with_its_code(media_type: str) -> None:
    assert rendering(media_type).error(404, "no\nsuch") == _typed(
        media_type, b'{"code":404,"message":"no\\nsuch"}'
    )


def test_a_long_error_is_cut() -> None:
    assert rendering("text/plain").error(400, "x" * 1001) == _typed("text/plain", b"x" * 1000 + b"\n")


@pytest.mark.parametrize("media_type", WRITABLE)
def test_every_media_type_has_its_rendering(media_type: str) -> None:
    assert rendering(media_type).media_type == media_type


@pytest.mark.parametrize("media_type", [*_PLAIN, "text/occi", "text/uri-list"])
def test_the_version_of_the_client_matters_for_json_only(media_type: str) -> None:
    assert rendering(media_type, (1, 1)) is rendering(media_type)


@jsons
@pytest.mark.parametrize("version", [None, (1, 2), (2, 0)])
def test_clients_of_1_2_get_the_form_of_1_2(media_type: str, version: tuple[int, int] | None) -> None:
    assert rendering(media_type, version) is rendering(media_type)


@jsons
@pytest.mark.parametrize("version", [(1, 0), (1, 1)])
def test_earlier_clients_get_the_earlier_form(media_type: str, version: tuple[int, int]) -> None:
    earlier = rendering(media_type, version)
    assert earlier is not rendering(media_type)
    assert earlier.media_type == media_type


def test_an_unknown_media_type_has_no_rendering() -> None:
    with pytest.raises(KeyError):
        rendering("text/html")


def test_whatever_is_read_can_be_written() -> None:
    assert set(READABLE) < set(WRITABLE)


def test_no_block_is_an_empty_body() -> None:
    assert as_body(iter([])) == b""


def test_one_block_is_the_body() -> None:
    assert as_body(iter([b"a"])) == b"a"


def test_several_blocks_stay_an_iterator() -> None:
    body = as_body(iter([b"a", b"b", b"c"]))
    assert isinstance(body, Iterator)
    assert list(body) == [b"a", b"b", b"c"]

"""The nine tests of doyouspeakOCCI, as separate questions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.suites import (
    CATEGORY,
    COMPUTE,
    NETWORK,
    NETWORKINTERFACE,
    START,
    STORAGE,
    Suite,
)
from tests.serving import Server

AGENT = "doyouspeakOCCI/1.0 OCCI/1.1"
TAG = 'dyso; scheme="http://doyouspeakocci.appspot.com/mixin#"'
REL = "http://doyouspeakocci.appspot.com/mixin#do_you"
FOREIGN = 'com.appspot.doyouspeakocci.do_you="i_do"'


@pytest.fixture
def suite(gateway: Server) -> Suite:
    return Suite(gateway.port, "resident", AGENT)


@pytest.fixture
def machine(suite: Suite) -> Iterator[str]:
    path = suite.create(COMPUTE)
    yield path
    suite.call("DELETE", path)


@pytest.fixture
def machines(suite: Suite) -> Iterator[list[str]]:
    """The first two that the collection lists after two were made."""
    made = [suite.create(COMPUTE), suite.create(COMPUTE)]
    yield suite.locations("/compute/")[:2]
    for path in made:
        suite.call("DELETE", path)


@pytest.fixture
def tag(suite: Suite) -> Iterator[str]:
    """A tag, made as the suites do: probed first, deleted if it seems to be there, then added."""
    if suite.call("GET", "/-/", Category=TAG).status == 200:
        suite.call("DELETE", "/-/", Category=TAG)
    reply = suite.call(
        "POST", "/-/", Category=f'{TAG}; class="mixin"; rel="{REL}"; location="{suite.endpoint}/dyso/"'
    )
    assert reply.status == 200, reply.text
    yield "/dyso/"
    suite.call("DELETE", "/-/", Category=TAG)


# 1: query interface


def test_the_well_known_path_gives_the_same_model(suite: Suite) -> None:
    there = suite.call("GET", "/.well-known/org/ogf/occi/-/").header("Category")
    assert there == suite.call("GET", "/-/").header("Category")


def test_the_second_line_of_the_text_model_has_the_shape(suite: Suite) -> None:
    assert CATEGORY.search(suite.call("GET", "/-/", "text/plain").text.split("\n")[1])


def test_the_first_value_of_the_header_model_has_the_shape(suite: Suite) -> None:
    header = suite.call("GET", "/-/").header("Category")
    assert header is not None
    assert CATEGORY.match(header.split(",")[0])


def test_a_model_filtered_by_compute_is_one_category_without_a_comma(suite: Suite) -> None:
    header = suite.call("GET", "/-/", Category=COMPUTE).header("Category")
    assert header is not None
    assert (header.startswith("compute; "), "," in header) == (True, False)


def test_an_added_tag_is_in_the_model_with_its_unknown_relation(suite: Suite, tag: str) -> None:
    header = suite.call("GET", "/-/", Category=TAG).header("Category")
    assert header is not None
    assert REL in header


def test_a_tag_is_removed_by_a_category_without_class(suite: Suite, tag: str) -> None:
    assert suite.call("DELETE", "/-/", Category=TAG).status == 200


# 2: paths of the name space


def test_the_root_lists_what_exists(suite: Suite, machine: str) -> None:
    assert machine in suite.locations("/")


def test_a_machine_is_made_at_a_path_of_the_clients_choice(suite: Suite) -> None:
    made = suite.call("PUT", "/123", Category=COMPUTE, X_OCCI_Attribute=FOREIGN)
    again = suite.call("PUT", "/123", Category=COMPUTE, X_OCCI_Attribute=FOREIGN)
    gone = suite.call("DELETE", "/123")
    assert (made.status, again.status, gone.status) == (201, 200, 200)


def test_deleting_a_collection_answers_200(suite: Suite, machine: str) -> None:
    assert suite.call("DELETE", "/compute/").status == 200


# 3: mixins and kinds


def test_two_machines_are_listed_in_one_header(suite: Suite, machines: list[str]) -> None:
    assert len(machines) == 2


def test_a_tag_is_put_on_a_machine(suite: Suite, machines: list[str], tag: str) -> None:
    first = suite.endpoint + machines[0]
    suite.call("POST", tag, X_OCCI_Location=first)
    assert suite.call("GET", tag).header("X-OCCI-Location") == first


def test_the_rendering_of_a_tagged_machine_shows_the_tag(suite: Suite, machines: list[str], tag: str) -> None:
    suite.call("POST", tag, X_OCCI_Location=suite.endpoint + machines[0])
    assert "dyso" in (suite.call("GET", machines[0]).header("Category") or "")


def test_the_members_of_a_tag_are_replaced(suite: Suite, machines: list[str], tag: str) -> None:
    suite.call("POST", tag, X_OCCI_Location=suite.endpoint + machines[0])
    suite.call("PUT", tag, X_OCCI_Location=suite.endpoint + machines[1])
    assert suite.locations(tag) == [machines[1]]


def test_a_tag_is_taken_off_and_the_machine_stays(suite: Suite, machines: list[str], tag: str) -> None:
    suite.call("POST", tag, X_OCCI_Location=suite.endpoint + machines[0])
    suite.call("DELETE", tag, X_OCCI_Location=suite.endpoint + machines[0])
    assert (suite.locations(tag), suite.call("GET", machines[0]).status) == ([], 200)


def test_machines_are_filtered_by_a_tag(suite: Suite, machines: list[str], tag: str) -> None:
    suite.call("POST", tag, X_OCCI_Location=suite.endpoint + machines[0])
    assert suite.locations("/compute/", Category=TAG) == [machines[0]]


def test_machines_are_filtered_by_a_hostname_with_blanks_and_colons(suite: Suite) -> None:
    hostname = 'occi.compute.hostname="foo :: bar baz"'
    path = suite.create(COMPUTE, X_OCCI_Attribute=hostname)
    found = suite.locations("/compute/", X_OCCI_Attribute=hostname)
    suite.call("DELETE", path)
    assert found == [path]


def test_all_machines_are_started_at_once(suite: Suite, machines: list[str]) -> None:
    assert suite.call("POST", "/compute/?action=start", Category=START).status == 200


# 4: instances


def test_an_attribute_is_changed_by_a_partial_update(suite: Suite, machine: str) -> None:
    reply = suite.call("POST", machine, X_OCCI_Attribute="occi.compute.memory=2.0")
    assert (reply.status, suite.attributes(machine)["occi.compute.memory"]) == (200, "2.0")


def test_a_machine_is_replaced(suite: Suite, machine: str) -> None:
    reply = suite.call("PUT", machine, Category=COMPUTE, X_OCCI_Attribute=f"{FOREIGN}, occi.compute.cores=2")
    assert (reply.status, suite.attributes(machine)["occi.compute.cores"]) == (200, "2")


def test_a_deleted_machine_is_not_found(suite: Suite) -> None:
    path = suite.create(COMPUTE)
    assert (suite.call("DELETE", path).status, suite.call("GET", path).status) == (200, 404)


def test_the_action_links_of_a_running_machine_can_be_followed(suite: Suite, machine: str) -> None:
    first = suite.action_links(machine)[0].removeprefix(suite.endpoint)
    term = first.partition("?action=")[2]
    category = f'{term}; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"'
    assert suite.call("POST", first, Category=category).status == 200


def test_the_first_action_link_of_a_stopped_machine_starts_it(suite: Suite, machine: str) -> None:
    stop = 'stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"'
    suite.call("POST", f"{machine}?action=stop", Category=stop)
    assert suite.action_links(machine)[0] == f"{suite.endpoint}{machine}?action=start"


# 5: links


def test_a_link_between_absolute_ends_shows_both(suite: Suite, machine: str) -> None:
    network = suite.create(NETWORK)
    source, target = suite.endpoint + machine, suite.endpoint + network
    ends = f'occi.core.source="{source}", occi.core.target="{target}"'
    link = suite.create(NETWORKINTERFACE, X_OCCI_Attribute=ends)
    shown = suite.attributes(link)
    assert (shown["occi.core.source"].strip('"'), shown["occi.core.target"].strip('"')) == (machine, network)


def test_a_network_can_be_deleted_after_the_machine_that_was_linked_to_it(suite: Suite) -> None:
    network = suite.create(NETWORK)
    machine = suite.create(
        COMPUTE, Link=f'<{network}>; rel="http://schemas.ogf.org/occi/infrastructure#network"'
    )
    assert [suite.call("DELETE", path).status for path in (machine, network)] == [200, 200]


def test_a_volume_is_made_at_the_bare_endpoint(suite: Suite) -> None:
    path = suite.create(STORAGE, X_OCCI_Attribute="occi.storage.size=1.0")
    assert (path.startswith("/storage/"), suite.call("DELETE", path).status) == (True, 200)


# 6 to 9: syntax, versions, types


def test_commas_and_quotes_inside_a_value_do_not_end_it(suite: Suite) -> None:
    value = r'occi.compute.memory=3.6, occi.core.title="it' + r"'" + r's a \"test\", occi.compute.memory=1.0"'
    path = suite.create(COMPUTE, X_OCCI_Attribute=value)
    text = suite.call("GET", path, "text/plain").text
    suite.call("DELETE", path)
    assert "occi.compute.memory=3.6\n" in text


@pytest.mark.parametrize("path", ["/-/", "/", "/compute/", "/nowhere"])
def test_the_server_header_tells_the_version(suite: Suite, path: str) -> None:
    assert "OCCI/1.1" in (suite.call("GET", path).header("Server") or "")


@pytest.mark.parametrize("media_type", ["text/plain", "text/occi"])
def test_the_media_type_asked_for_is_given(suite: Suite, media_type: str) -> None:
    assert suite.call("GET", "/-/", media_type).media_type == media_type


def test_the_uri_list_is_what_the_locations_are(suite: Suite, machine: str) -> None:
    uris = suite.call("GET", "/compute/", "text/uri-list").text.split()
    assert uris == [suite.endpoint + path for path in suite.locations("/compute/")]

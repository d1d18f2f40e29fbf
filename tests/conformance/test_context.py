"""What an OCCI check is given: preconditions block, and nothing is touched that the run has not made."""

from __future__ import annotations

import pytest

from conformance.exchange import Endpoint
from conformance.framework import Blocked, CannotRun, Skipped
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext, Tag
from tests.conformance.conftest import URL, Recorder

TYPE = [("Content-Type", "text/plain"), ("Server", "test OCCI/1.1")]
MODEL = (
    f'Category: compute; scheme="{v.INFRA}"; class="kind"; location="/compute/"\n'
    f'Category: storage; scheme="{v.INFRA}"; class="kind"; location="{URL}/disks/"\n'
    f'Category: debian; scheme="http://site.example/os#"; class="mixin"; rel="{v.OS_TPL}"; location="/os/"\n'
).encode()


@pytest.fixture
def context(endpoint: Endpoint, recorder: Recorder) -> OcciContext:
    recorder.answers["GET", "/-/"] = ("200 OK", TYPE, MODEL)
    recorder.answers["GET", "/"] = ("200 OK", TYPE, f"X-OCCI-Location: {URL}/compute/old\n".encode())
    context = OcciContext(endpoint, settle=0.1)
    context.preflight()
    recorder.requests.clear()
    return context


def created(recorder: Recorder, collection: str, location: str) -> None:
    recorder.answers["POST", collection] = ("201 Created", [*TYPE, ("Location", location)], b"")


def test_what_was_made_is_deleted_after_the_check(context: OcciContext, recorder: Recorder) -> None:
    created(recorder, "/compute/", f"{URL}/compute/new")
    context.given_compute()
    context.after_check()
    assert recorder.requests[-1] == ("DELETE", "/compute/new")


def test_what_was_there_before_the_run_is_never_deleted(context: OcciContext, recorder: Recorder) -> None:
    created(recorder, "/compute/", f"{URL}/compute/old")
    with pytest.raises(Blocked):
        context.given_compute()
    context.close()
    assert not [request for request in recorder.requests if request[0] == "DELETE"]


@pytest.mark.parametrize("location", [f"{URL}/compute/", f"{URL}/", f"{URL}", "nonsense"])
def test_a_collection_is_never_deleted(context: OcciContext, recorder: Recorder, location: str) -> None:
    created(recorder, "/compute/", location)
    with pytest.raises(Blocked):
        context.given_compute()
    context.close()
    assert not [request for request in recorder.requests if request[0] == "DELETE"]


def test_something_made_without_a_uri_is_reported(context: OcciContext, recorder: Recorder) -> None:
    recorder.answers["POST", "/compute/"] = ("201 Created", TYPE, b"")
    with pytest.raises(Blocked):
        context.given_compute()
    context.close()
    assert context.leftovers == ["a compute whose URI the answer to its creation does not tell"]


def test_the_location_of_a_kind_is_taken_from_the_model(context: OcciContext, recorder: Recorder) -> None:
    created(recorder, "/disks/", "/disks/1")
    assert context.given(v.STORAGE) == "/disks/1"


def test_a_compute_is_made_from_templates_where_they_are_needed(
    endpoint: Endpoint, recorder: Recorder
) -> None:
    recorder.answers["GET", "/-/"] = ("200 OK", TYPE, MODEL)
    context = OcciContext(endpoint)
    context.preflight()
    recorder.refuse["POST", "/compute/"] = lambda body: b"debian" not in body
    created(recorder, "/compute/", "/compute/new")
    assert context.given_compute() == "/compute/new"


def test_a_refused_precondition_blocks(context: OcciContext, recorder: Recorder) -> None:
    recorder.answers["POST", "/disks/"] = ("500 Oops", TYPE, b"")
    with pytest.raises(Blocked, match="cannot make a storage: 500"):
        context.given(v.STORAGE)


def test_a_wrong_authority_does_not_block(context: OcciContext, recorder: Recorder) -> None:
    created(recorder, "/disks/", "http://inside.example:8080/disks/1")
    assert context.given(v.STORAGE) == "/disks/1"


def test_a_shared_entity_is_made_once(context: OcciContext, recorder: Recorder) -> None:
    created(recorder, "/disks/", "/disks/1")
    assert context.shared(v.STORAGE) == context.shared(v.STORAGE)
    assert recorder.requests.count(("POST", "/disks/")) == 1


def test_a_shared_entity_that_is_gone_is_made_again(context: OcciContext, recorder: Recorder) -> None:
    created(recorder, "/disks/", "/disks/1")
    context.shared(v.STORAGE)
    recorder.answers["GET", "/disks/1"] = ("404 Not Found", TYPE, b"")
    context.shared(v.STORAGE)
    assert recorder.requests.count(("POST", "/disks/")) == 2


def test_entities_of_others_in_a_collection_skip(context: OcciContext, recorder: Recorder) -> None:
    recorder.answers["GET", "/compute/"] = ("200 OK", TYPE, f"X-OCCI-Location: {URL}/compute/old\n".encode())
    with pytest.raises(Skipped, match="holds 1 entities"):
        context.only_ours("/compute/")


@pytest.mark.parametrize("status", ["405 Method Not Allowed", "501 Not Implemented"])
def test_an_endpoint_without_user_defined_mixins_skips(
    context: OcciContext, recorder: Recorder, status: str
) -> None:
    recorder.answers["POST", "/-/"] = (status, TYPE, b"")
    with pytest.raises(Skipped, match="no user-defined mixins"):
        context.given_tag()


def test_an_added_mixin_is_removed(context: OcciContext, recorder: Recorder) -> None:
    context.add_tag(Tag("http://x.example/tags#red", "/red/"))
    context.after_check()
    assert recorder.requests == [("POST", "/-/"), ("DELETE", "/-/")]
    assert recorder.environs[-1]["HTTP_CATEGORY"] == 'red; scheme="http://x.example/tags#"; class="mixin"'


def test_json_is_asked_of_servers_of_1_2_only(context: OcciContext) -> None:
    with pytest.raises(Skipped, match=r"does not claim OCCI/1\.2"):
        context.need_json()


def test_an_endpoint_without_json_skips(endpoint: Endpoint, recorder: Recorder) -> None:
    headers = [("Content-Type", "text/plain"), ("Server", "test OCCI/1.1 OCCI/1.2")]
    recorder.answers["GET", "/-/"] = ("406 Not Acceptable", headers, b"")
    context = OcciContext(endpoint)
    context.preflight()
    with pytest.raises(Skipped, match="406"):
        context.need_json()


@pytest.mark.parametrize(
    ("server", "claims"),
    [
        ("x/1 OCCI/1.1 OCCI/1.2", True),
        ("OCCI/1.2", True),
        ("OCCI/1.20", False),
        ("fooOCCI/1.2", False),
        ("", False),
    ],
)
def test_a_claim_is_a_whole_word_of_the_server_header(endpoint: Endpoint, server: str, claims: bool) -> None:
    context = OcciContext(endpoint)
    context.server = server
    assert context.claims("1.2") is claims


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_refused_credentials_cannot_run(endpoint: Endpoint, recorder: Recorder, status: str) -> None:
    recorder.answers["GET", "/-/"] = (status, TYPE, b"")
    with pytest.raises(CannotRun, match="credentials refused"):
        OcciContext(endpoint).preflight()


def test_a_broken_query_interface_of_an_occi_server_can_run(endpoint: Endpoint, recorder: Recorder) -> None:
    recorder.answers["GET", "/-/"] = ("500 Oops", TYPE, b"")
    OcciContext(endpoint).preflight()
    assert ("GET", "/-/") in recorder.requests


def test_a_state_that_is_not_reached_is_told_in_time(context: OcciContext, recorder: Recorder) -> None:
    line = b'X-OCCI-Attribute: occi.compute.state="inactive"\n'
    recorder.answers["GET", "/compute/1"] = ("200 OK", TYPE, line)
    assert context.reaches("/compute/1", "inactive")
    assert not context.reaches("/compute/1", "active")

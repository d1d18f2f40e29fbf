"""The client of the suites: exact headers, recorded and masked exchanges, references resolved."""

from __future__ import annotations

import socket

import pytest

from conformance.exchange import MASK, Endpoint, Response, TransportError
from tests.conformance.conftest import URL, MakeEndpoint, Recorder


def test_credentials_are_sent(endpoint: Endpoint, recorder: Recorder) -> None:
    endpoint.send("GET", "/x")
    assert recorder.environs[0]["HTTP_AUTHORIZATION"] == "Basic YWxpY2U6d29uZGVybGFuZA=="
    assert recorder.environs[0]["HTTP_X_AUTH_TOKEN"] == "t0ken"


def test_recorded_credentials_are_masked(endpoint: Endpoint) -> None:
    endpoint.send("GET", "/x")
    headers = dict(endpoint.exchanges[0].headers)
    assert headers["Authorization"] == headers["X-Auth-Token"] == MASK


def test_an_anonymous_request_carries_no_credentials(endpoint: Endpoint, recorder: Recorder) -> None:
    endpoint.send("GET", "/x", anonymous=True)
    assert not {"HTTP_AUTHORIZATION", "HTTP_X_AUTH_TOKEN"} & set(recorder.environs[0])


def test_headers_are_sent_as_they_are_given(endpoint: Endpoint, recorder: Recorder) -> None:
    endpoint.send("GET", "/x", (("Category", "a"), ("Category", "b")))
    environ = recorder.environs[0]
    assert environ["HTTP_CATEGORY"] == "a,b"
    assert "HTTP_ACCEPT" not in environ
    assert "CONTENT_TYPE" not in environ


def test_repeated_headers_stay_repeated_in_the_record(endpoint: Endpoint) -> None:
    endpoint.send("GET", "/x", (("Category", "a"), ("Category", "b")))
    assert [value for name, value in endpoint.exchanges[0].headers if name == "Category"] == ["a", "b"]


def test_repeated_response_headers_stay_repeated(endpoint: Endpoint, recorder: Recorder) -> None:
    recorder.answers["GET", "/x"] = ("200 OK", [("Link", "a"), ("Link", "b")], b"")
    response = endpoint.send("GET", "/x")
    assert response.values("link") == ("a", "b")
    assert response.header("Link") == "a, b"


def test_credentials_are_not_sent_to_another_origin(endpoint: Endpoint, recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="is not below"):
        endpoint.send("GET", "http://elsewhere.test/x")
    assert recorder.requests == []


def test_an_origin_that_begins_like_the_endpoint_is_another(endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match="is not below"):
        endpoint.send("GET", f"{URL}.evil.example/x")


def test_a_refused_connection_is_a_transport_error_and_recorded() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = Endpoint(f"http://127.0.0.1:{unused.getsockname()[1]}", timeout=2)
        with pytest.raises(TransportError):
            endpoint.send("GET", "/")
    assert endpoint.exchanges[0].response is None
    assert endpoint.exchanges[0].problem


@pytest.mark.parametrize("url", ["ftp://host/", "host:80", "http:///path", "http://user:secret@host/"])
def test_an_unfit_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        Endpoint(url)


@pytest.mark.parametrize(
    ("base", "reference", "resolved"),
    [
        (URL, "/compute/1", f"{URL}/compute/1"),
        (f"{URL}/", "/compute/1", f"{URL}/compute/1"),
        (f"{URL}/occi", "/compute/1", f"{URL}/occi/compute/1"),
        (f"{URL}/occi", "/occi/compute/1", f"{URL}/occi/compute/1"),
        (f"{URL}/occi", "/occident/1", f"{URL}/occi/occident/1"),
        (URL, f"{URL}/compute/1", f"{URL}/compute/1"),
    ],
)
def test_references_are_resolved(endpoint_at: MakeEndpoint, base: str, reference: str, resolved: str) -> None:
    assert endpoint_at(base).resolve(reference) == resolved


@pytest.mark.parametrize(
    ("base", "reference", "path"),
    [
        (URL, f"{URL}/compute/1", "/compute/1"),
        (f"{URL}/occi", f"{URL}/occi/compute/1", "/compute/1"),
        (f"{URL}/occi", "/occi/compute/1", "/compute/1"),
        (URL, "http://elsewhere.test/compute/1", "http://elsewhere.test/compute/1"),
    ],
)
def test_paths_are_below_the_endpoint(
    endpoint_at: MakeEndpoint, base: str, reference: str, path: str
) -> None:
    assert endpoint_at(base).path(reference) == path


def test_the_media_type_is_without_parameters() -> None:
    response = Response(200, "OK", (("content-type", "Text/Plain; charset=utf-8"),), b"")
    assert response.media_type == "text/plain"

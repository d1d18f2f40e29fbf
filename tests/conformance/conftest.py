"""A small endpoint in the same process, whose answers a test decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse

import pytest

from conformance.exchange import Credentials, Endpoint
from tests.conformance.wsgi import WSGIAdapter

URL = "http://endpoint.test"


@dataclass
class Recorder:
    """A WSGI application that notes requests and answers 200 unless `answers` or `refuse` differ."""

    answers: dict[tuple[str, str], tuple[str, list[tuple[str, str]], bytes]] = field(default_factory=dict)
    refuse: dict[tuple[str, str], Callable[[bytes], bool]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    environs: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        key = (environ["REQUEST_METHOD"], environ["PATH_INFO"])
        self.requests.append(key)
        self.environs.append(environ)
        refused = self.refuse.get(key)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if refused is not None and refused(body):
            start_response("400 Bad Request", [("Content-Type", "text/plain")])
            return [b"refused\n"]
        status, headers, answer = self.answers.get(
            key, ("200 OK", [("Content-Type", "text/plain")], b"fine\n")
        )
        start_response(status, list(headers))
        return [answer]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def endpoint(recorder: Recorder) -> Endpoint:
    return Endpoint(URL, Credentials("alice", "wonderland", "t0ken"), adapter=WSGIAdapter(recorder))


MakeEndpoint = Callable[[str], Endpoint]


@pytest.fixture
def endpoint_at(recorder: Recorder) -> MakeEndpoint:
    return lambda url: Endpoint(url, adapter=WSGIAdapter(recorder))

"""Requests of no sense: each gets an answer, none a 5xx, and the gateway goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cdmi_gw.conftest import CONTAINER, DOMAIN, OBJECT, QUEUE, Cdmi
from tests.conftest import Site

NAMES = st.sampled_from(["lab", "a", "q", "ref", "c", "new", "é", "%2F", "..", "cdmi_x", "%00", "x" * 300])
TOPS = st.sampled_from(
    ["", "cdmi_objectid/", "cdmi_domains/", "cdmi_capabilities/", "lab/", "lab/c/cdmi_snapshots/"]
)
PATHS = st.builds(
    lambda top, names, end: f"/{top}{'/'.join(names)}{end}",
    TOPS,
    st.lists(NAMES, max_size=3),
    st.sampled_from(["", "/"]),
)
SELECTORS = st.sampled_from(
    [
        "value",
        "value:0-3",
        "value:3-0",
        "values:2",
        "values:0-1",
        "children:0-1",
        "metadata",
        "metadata:a",
        "exports:x",
        "queueValues",
        "snapshots",
        "=",
        "%",
        "value:-1",
        "children:9-99999999999999999999",
        "&",
        "objectID",
    ]
)
QUERIES = st.lists(SELECTORS, max_size=3).map(lambda parts: f"?{';'.join(parts)}" if parts else "")
URIS = st.sampled_from(
    ["/lab/a", "/lab/", "/lab/q", "/lab/q?values:1", "/lab/ref", "/cdmi_domains/default/", "", "x?value:0-1"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | URIS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "value",
        "copy",
        "move",
        "reference",
        "serialize",
        "deserialize",
        "deserializevalue",
        "metadata",
        "mimetype",
        "x",
        "objectID",
        "valuetransferencoding",
        "domainURI",
        "exports",
        "snapshot",
        "capabilitiesURI",
    ]
)
#: But for holds: nobody could ever take them off again.
SYSTEM = st.sampled_from(
    [
        "cdmi_acl",
        "cdmi_owner",
        "cdmi_retention_period",
        "cdmi_value_hash",
        "cdmi_assignedsize",
        "cdmi_size",
        "a",
    ]
)
METADATA = st.dictionaries(SYSTEM, JSON, max_size=3)
DOCUMENTS = st.dictionaries(FIELDS, JSON | URIS | METADATA, max_size=3).map(lambda d: json.dumps(d).encode())
BODIES = (
    DOCUMENTS
    | st.binary(max_size=60)
    | st.sampled_from([b"", b"{", b"--z\r\n\r\nx\r\n--z--", b'{"value": ["a"]}'])
)
PARTS = ("multipart/mixed; boundary=z", "multipart/form-data; boundary=z")
TYPES = st.sampled_from([OBJECT, CONTAINER, QUEUE, DOMAIN, "text/plain", "x", *PARTS])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": TYPES,
        "X-CDMI-Specification-Version": st.sampled_from(["1.1", "1.0.2, 9", "9", ""]),
        "Accept": st.sampled_from([OBJECT, "*/*", "multipart/mixed", "image/png", "q=;"]),
        "Range": st.sampled_from(["bytes=0-1", "bytes=-1", "bytes=1-0,2-2", "x"]),
        "Content-Range": st.sampled_from(["bytes 0-3/9", "bytes 5-5/*", "9-1", "x"]),
        "If-Match": st.sampled_from(["*", '"x"']),
        "X-CDMI-Partial": st.sampled_from(["true", "false", "x"]),
    },
)
METHODS = st.sampled_from(["GET", "GET", "PUT", "PUT", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"])


@pytest.fixture(scope="module")
def cdmi(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One gateway for all requests, as a user of it."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    site = Site({"frontends": {"occi": {}, "cdmi": {}}}, folder)
    yield Cdmi(site.client("ada"))
    site.close()


def furnished(cdmi: Cdmi) -> None:
    """Something of each kind, again where it is gone."""
    cdmi.cdmi("PUT", "/lab/", {})
    for name, document in (("a", {"value": "0123456789"}), ("ref", {"reference": "http://x.example/"})):
        cdmi.cdmi("PUT", f"/lab/{name}", document)
    cdmi.queue("PUT", "/lab/q", {})
    cdmi.queue("POST", "/lab/q", {"value": ["one"]})
    cdmi.cdmi("PUT", "/lab/c/", {})


@given(st.lists(st.tuples(METHODS, PATHS, QUERIES, HEADERS, BODIES), min_size=1, max_size=6))
@settings(max_examples=120, deadline=None)
def test_no_request_is_answered_with_5xx(
    cdmi: Cdmi, requests: list[tuple[str, str, str, dict[str, str], bytes]]
) -> None:
    furnished(cdmi)
    for method, path, query, headers, body in requests:
        answer = cdmi.client.request(method, f"/cdmi{path}{query}", body, headers)
        assert answer.status < 500, (method, path, query, headers, body, answer.text)

"""What the two CDMI clients for Java send, byte for byte, and what they need of the answers.

jclouds CDMI 2.x, and libcdmi-java.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.interop.raw import Reply, Wire, request
from tests.serving import PASSWORD, Server

OBJECT, CONTAINER = "application/cdmi-object", "application/cdmi-container"


class Java:
    """One connection as ada; each client has its own header fields."""

    def __init__(self, server: Server, fields: Sequence[tuple[str, str]]) -> None:
        self._wire = Wire(server.port)
        token = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
        self._always = [("Host", f"127.0.0.1:{server.port}"), ("Authorization", f"Basic {token}"), *fields]
        self.box = f"/cdmi/java {uuid.uuid4().hex}/".replace(" ", "%20")

    def ask(self, method: str, path: str, body: bytes = b"", **fields: str) -> Reply:
        named = [(name.replace("_", "-"), value) for name, value in fields.items()]
        self._wire.send(request(method, path, [*self._always, *named], body))
        return self._wire.receive(head=method == "HEAD")

    def close(self) -> None:
        self._wire.__exit__()


def _document(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reply.body)
    return found


# jclouds


class Jclouds(Java):
    """``TID`` besides Basic; version 1.0.1; for what is plain no version."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, [("TID", "bio"), ("User-Agent", "jclouds/2.0 java/1.8")])

    def cdmi(self, method: str, path: str, document: Any = None, kind: str = OBJECT) -> Reply:
        body = b"" if document is None else json.dumps(document).encode()
        more = {"Content_Type": kind} if body else {}
        return self.ask(method, path, body, X_CDMI_Specification_Version="1.0.1", Accept=kind, **more)

    def make(self) -> Reply:
        """A container with no body at all."""
        version = "1.0.1"
        return self.ask(
            "PUT", self.box, X_CDMI_Specification_Version=version, Accept=CONTAINER, Content_Length="0"
        )


@pytest.fixture
def jclouds(cdmi: Server) -> Iterator[Jclouds]:
    client = Jclouds(cdmi)
    made = client.make()
    assert made.status == 201, made.text
    yield client
    client.close()


def test_jclouds_makes_a_container_without_a_body(jclouds: Jclouds) -> None:
    wanted = {"objectType", "objectID", "objectName", "parentURI", "children", "metadata"}
    read = jclouds.cdmi("GET", jclouds.box, kind=CONTAINER)
    assert (read.status, read.media_type, wanted - _document(read).keys()) == (200, CONTAINER, set())


def test_jclouds_reads_the_root_with_two_slashes(jclouds: Jclouds) -> None:
    assert jclouds.cdmi("GET", "/cdmi//", kind=CONTAINER).status == 200


def test_jclouds_reads_fields_with_a_semicolon_at_the_end(jclouds: Jclouds) -> None:
    read = _document(jclouds.cdmi("GET", f"{jclouds.box}?parentURI;objectName;", kind=CONTAINER))
    assert read == {"objectName": jclouds.box[6:].replace("%20", " "), "parentURI": "/cdmi/"}


def test_jclouds_reads_fields_plainly_and_without_a_version(jclouds: Jclouds) -> None:
    jclouds.cdmi("PUT", f"{jclouds.box}o", {"value": "text", "metadata": {"one": "1"}})
    read = jclouds.ask("GET", f"{jclouds.box}o?objectName;metadata:one;", Accept="application/json")
    assert (read.status, _document(read)) == (200, {"objectName": "o", "metadata": {"one": "1"}})


def test_jclouds_tells_its_own_metadata_from_the_size(jclouds: Jclouds) -> None:
    jclouds.cdmi("PUT", f"{jclouds.box}o", {"value": "text", "metadata": {"one": "1"}})
    metadata = _document(jclouds.cdmi("GET", f"{jclouds.box}o"))["metadata"]
    own = {name: item for name, item in metadata.items() if not name.startswith("cdmi_")}
    assert (own, metadata["cdmi_size"]) == ({"one": "1"}, "4")


def test_jclouds_is_told_404_of_what_is_not_there(jclouds: Jclouds) -> None:
    paths = (f"{jclouds.box}nothing", f"{jclouds.box}nothing/")
    assert [jclouds.cdmi("GET", path).status for path in paths] == [404, 404]


def test_jclouds_sends_text_plainly_and_reads_it_as_a_document(jclouds: Jclouds) -> None:
    put = jclouds.ask(
        "PUT",
        f"{jclouds.box}o",
        "Größe".encode(),
        Content_Type="text/plain;charset=utf-8",
        Accept="*/*",
    )
    read = _document(jclouds.cdmi("GET", f"{jclouds.box}o"))
    assert (put.status, read["value"], read["valuetransferencoding"], read["mimetype"]) == (
        201,
        "Größe",
        "utf-8",
        "text/plain",
    )


def test_jclouds_sends_a_value_in_two_parts(jclouds: Jclouds) -> None:
    kind, path = "application/octet-stream", f"{jclouds.box}o"
    first = jclouds.ask("PUT", path, b"12345", Content_Type=kind, X_CDMI_Partial="true")
    between = _document(jclouds.cdmi("GET", f"{path}?completionStatus;"))
    second = jclouds.ask(
        "PUT", path, b"678", Content_Type=kind, Content_Range="bytes 5-7/8", X_CDMI_Partial="false"
    )
    after = jclouds.cdmi("GET", f"{path}?completionStatus;")
    assert (first.status, between, second.status) == (201, {"completionStatus": "Processing"}, 204)
    assert _document(after) == {"completionStatus": "Complete"}
    assert jclouds.ask("GET", path, Accept="*/*").body == b"12345678"


def test_jclouds_removes_a_container(jclouds: Jclouds) -> None:
    removed = jclouds.cdmi("DELETE", jclouds.box, kind=CONTAINER)
    assert (removed.status, jclouds.cdmi("GET", jclouds.box, kind=CONTAINER).status) == (204, 404)


# libcdmi-java


class LibcdmiJava(Java):
    """Version 1.0.1h; a media type with every request, also where there is no body."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, [("User-Agent", "Apache-HttpClient/4.1 (java 1.5)")])

    def cdmi(self, method: str, path: str, document: Any = None, kind: str = OBJECT) -> Reply:
        body = b"" if document is None else json.dumps(document).encode()
        return self.ask(
            method, path, body, X_CDMI_Specification_Version="1.0.1h", Accept=kind, Content_Type=kind
        )


@pytest.fixture
def libcdmi(cdmi: Server) -> Iterator[LibcdmiJava]:
    client = LibcdmiJava(cdmi)
    made = client.cdmi("PUT", client.box, {"metadata": {}}, CONTAINER)
    assert (made.status, made.header("X-CDMI-Specification-Version")) == (201, "1.0.1h"), made.text
    yield client
    client.close()


def test_libcdmi_java_gets_back_the_very_base64_that_it_sent(libcdmi: LibcdmiJava) -> None:
    """It does not say that it is base64."""
    text, path = base64.b64encode(bytes(range(256))).decode(), f"{libcdmi.box}o"
    document = {"value": text, "mimetype": "application/octet-stream", "metadata": {}}
    assert libcdmi.cdmi("PUT", path, document).status == 201
    assert _document(libcdmi.cdmi("GET", path))["value"] == text


def test_libcdmi_java_has_names_with_blanks(libcdmi: LibcdmiJava) -> None:
    libcdmi.cdmi("PUT", f"{libcdmi.box}two%20words", {"value": "x"})
    assert _document(libcdmi.cdmi("GET", libcdmi.box, kind=CONTAINER))["children"] == ["two words"]


def test_libcdmi_java_is_told_204_of_a_delete_and_404_of_the_next(libcdmi: LibcdmiJava) -> None:
    libcdmi.cdmi("PUT", f"{libcdmi.box}o", {"value": "x"})
    told = [libcdmi.cdmi(method, f"{libcdmi.box}o").status for method in ("DELETE", "DELETE", "GET")]
    assert told == [204, 404, 404]


def test_libcdmi_java_removes_a_container_with_the_type_of_an_object(libcdmi: LibcdmiJava) -> None:
    assert libcdmi.cdmi("DELETE", libcdmi.box).status == 204


def test_libcdmi_java_lists_plainly_with_a_slash_behind_the_field(libcdmi: LibcdmiJava) -> None:
    libcdmi.cdmi("PUT", f"{libcdmi.box}o", {"value": "x"})
    read = libcdmi.ask("GET", f"{libcdmi.box}?children/")
    assert (read.status, _document(read)["children"]) == (200, ["o"])


def test_libcdmi_java_writes_and_reads_plainly(libcdmi: LibcdmiJava) -> None:
    content, path = bytes(range(256)), f"{libcdmi.box}raw"
    put = libcdmi.ask("PUT", path, content, Content_Type="application/octet-stream")
    again = libcdmi.ask("PUT", path, content, Content_Type="application/octet-stream")
    read = libcdmi.ask("GET", path)
    # It would have 200 for the second; the standard says 204.
    assert (put.status, again.status, read.body) == (201, 204, content)


def test_libcdmi_java_is_refused_a_container_without_the_slash(libcdmi: LibcdmiJava) -> None:
    assert libcdmi.cdmi("PUT", f"{libcdmi.box}inner", {"metadata": {}}, CONTAINER).status == 400

"""libcdmi 0.1.2, unmodified, against a running gateway: as nobody, which is all that it can be.

Its Digest set-up never meets a realm, so a container is open to everybody here. Where it cannot work with a
server that keeps to the standard, a test says how it fails.
"""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interop.provision import Installed, Missing, libcdmi
from tests.serving import Server

_PROGRAM = """
import json, sys
from StringIO import StringIO
from libcdmi.cdmi import CDMIConnection
c = CDMIConnection(sys.argv[1], {'user': 'nobody', 'password': 'nothing'})
box, containers, blobs = sys.argv[2], c.container_proxy, c.blob_proxy
def refused(work, *arguments, **named):
    try:
        work(*arguments, **named)
    except Exception as error:
        return [error.__class__.__name__, getattr(error, 'code', None)]
told = []
%s
print(json.dumps(told))
"""

#: The lines of a program -> what it has put into ``told``.
Run = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def client() -> Installed:
    try:
        return libcdmi()
    except Missing as missing:
        warnings.warn(f"libcdmi does not run: {missing}", stacklevel=1)
        pytest.skip(str(missing))


@pytest.fixture
def run(client: Installed, cdmi: Server) -> Run:
    """Runs lines of Python 2; ``box`` is the path of a container that it may make."""
    box = f"/public/{uuid.uuid4().hex}/"

    def run(*lines: str) -> list[Any]:
        told = client.run("-c", _PROGRAM % "\n".join(lines), f"{cdmi.url}/cdmi", box)
        assert told.returncode == 0, told.stderr
        found: list[Any] = json.loads(told.stdout)
        return found

    return run


def test_it_makes_a_container_and_reads_what_is_in_it(run: Run) -> None:
    made, read = run(
        "told.append(json.loads(containers.create(box, {'run': '17'})))",
        "blobs.create(StringIO('beam on'), box + 'notes')",
        "told.append(containers.read(box))",
    )
    assert (made["objectType"], made["metadata"]["run"]) == ("application/cdmi-container", "17")
    assert (read["objectID"], read["children"]) == (made["objectID"], ["notes"])


def test_it_follows_to_a_container_that_was_asked_for_without_the_slash(run: Run) -> None:
    made, read = run(
        "told.append(json.loads(containers.create(box)))", "told.append(containers.read(box[:-1]))"
    )
    assert read["objectID"] == made["objectID"]


def test_it_is_refused_a_container_without_the_slash(run: Run) -> None:
    assert run("told.append(refused(containers.create, box[:-1]))") == [["HTTPError", 400]]


def test_it_changes_the_metadata_of_a_container(run: Run) -> None:
    answer, read = run(
        "containers.create(box, {'run': '17'})",
        "told.append(containers.update(box, {'run': '18'}))",
        "told.append(containers.read(box))",
    )
    assert (answer, read["metadata"]["run"]) == ("", "18")


@pytest.mark.parametrize("path", ["box", "box[:-1]"])
def test_it_deletes_a_container_with_what_is_in_it(run: Run, path: str) -> None:
    [after] = run(
        "containers.create(box)",
        "blobs.create(StringIO('x'), box + 'x')",
        f"containers.delete({path})",
        "told.append(refused(containers.read, box))",
    )
    assert after == ["HTTPError", 404]


def test_it_makes_a_blob_and_reads_it(run: Run) -> None:
    made, read = run(
        "containers.create(box)",
        "told.append(blobs.create(StringIO('beam on'), box + 'notes', 'text/plain', metadata={'run': '17'}))",
        "told.append(blobs.read(box + 'notes'))",
    )
    assert made["objectType"] == "application/cdmi-object"
    assert (read["value"], read["mimetype"], read["metadata"]["run"]) == ("beam on", "text/plain", "17")


def test_it_changes_a_blob_and_then_misses_a_document_in_the_answer(run: Run) -> None:
    """An update is answered by 204; what it wanted has happened all the same."""
    failed, read = run(
        "containers.create(box)",
        "blobs.create(StringIO('one'), box + 'notes')",
        "told.append(refused(blobs.update, StringIO('two'), box + 'notes', 'text/plain'))",
        "told.append(blobs.read(box + 'notes'))",
    )
    assert (failed, read["value"]) == (["ValueError", None], "two")


def test_it_deletes_a_blob(run: Run) -> None:
    [after] = run(
        "containers.create(box)",
        "blobs.create(StringIO('x'), box + 'x')",
        "blobs.delete(box + 'x')",
        "told.append(refused(blobs.read, box + 'x'))",
    )
    assert after == ["HTTPError", 404]


def test_what_it_writes_and_reads_plainly_are_the_bytes(run: Run) -> None:
    """It asks for the bytes with the media type of a document, and without a version."""
    wanted, found, other = run(
        "containers.create(box)",
        "bytes = ''.join(map(chr, range(256)))",
        "blobs.create(StringIO(bytes), box + 'raw', 'application/x-raw', cdmi_object=False)",
        "told.append(bytes.encode('base64'))",
        "told.append(blobs.read(box + 'raw', cdmi_object=False).encode('base64'))",
        "blobs.update(StringIO('short'), box + 'raw', 'text/plain', cdmi_object=False)",
        "told.append(blobs.read(box + 'raw', cdmi_object=False))",
    )
    assert (found, other) == (wanted, "short")


def test_it_deletes_plainly_also_with_the_version_of_the_request_before(run: Run) -> None:
    """Its requests share one dictionary of headers."""
    [after] = run(
        "containers.create(box)",
        "blobs.create(StringIO('x'), box + 'x')",
        "blobs.create(StringIO('y'), box + 'y')",
        "blobs.delete(box + 'x')",
        "blobs.delete(box + 'y', cdmi_object=False)",
        "told.append(containers.read(box)['children'])",
    )
    assert after == []


def test_it_downloads_what_is_in_a_container(run: Run, tmp_path: Path) -> None:
    """With two slashes in each path."""
    run(
        "containers.create(box)",
        "containers.create(box + 'inner/')",
        "blobs.create(StringIO('one'), box + 'a')",
        "blobs.create(StringIO('two'), box + 'b')",
        f"c.get_container_files(box, {str(tmp_path)!r})",
    )
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a": "one", "b": "two"}

"""The directory store: the contract of all value stores, and what is its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.suite.values import ValueStoreSuite
from backends.values import BLOCK, DirectoryStore, ValueStore
from gateway.model import BackendError, BackendUnavailable, InvalidRequest


class TestDirectory(ValueStoreSuite):
    @pytest.fixture
    def values(self, tmp_path: Path) -> Iterator[ValueStore]:
        with DirectoryStore(tmp_path / "objects") as values:
            yield values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "objects"


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_another_process_reads_what_one_has_written(folder: Path) -> None:
    key = DirectoryStore(folder).write([b"across"]).key
    assert b"".join(DirectoryStore(folder).read(key)) == b"across"


def test_nobody_else_on_the_machine_can_read_values(folder: Path) -> None:
    DirectoryStore(folder).write([b"private"])
    assert [path for path in [folder, *folder.rglob("*")] if path.stat().st_mode & 0o077] == []


def test_a_full_disk_is_told_and_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = DirectoryStore(folder)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(BackendError) as caught:
        values.write([b"x"])
    assert (caught.value.reason, _files(folder)) == ("no_space", [])


def test_a_short_write_of_the_system_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:7]))
    values = DirectoryStore(folder)
    key = values.write([b"longer than seven bytes", b" and more"]).key
    monkeypatch.undo()
    assert b"".join(values.read(key)) == b"longer than seven bytes and more"


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BackendUnavailable):
        DirectoryStore(tmp_path / "file" / "objects")


def test_a_folder_that_has_gone_is_unavailable(folder: Path) -> None:
    values = DirectoryStore(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(BackendUnavailable):
        values.check()
    with pytest.raises(BackendUnavailable):
        values.write([b"x"])


KILLED = """
import os, signal, sys
from backends.values import DirectoryStore

def blocks():
    yield b"x" * 100_000
    os.kill(os.getpid(), signal.SIGKILL)

DirectoryStore(sys.argv[1]).write(blocks())
"""


def test_what_a_killed_writer_has_left_is_no_value_and_is_swept(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, timeout=60)
    values, later = DirectoryStore(folder), datetime.now(UTC) + timedelta(days=1)
    assert list(values.keys(later)) == []
    assert values.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert (values.sweep(later), _files(folder)) == (1, [])


def test_a_write_in_progress_is_not_swept_as_long_as_it_goes_on(folder: Path) -> None:
    values = DirectoryStore(folder)
    begun = datetime.now(UTC)

    def blocks() -> Iterator[bytes]:
        yield b"first"
        time.sleep(0.02)
        yield b"second"
        assert values.sweep(begun) == 0
        yield b"third"

    assert b"".join(values.read(values.write(blocks()).key)) == b"firstsecondthird"


def test_what_others_put_into_the_folder_is_left_alone(folder: Path) -> None:
    values = DirectoryStore(folder)
    (folder / "00" / "README").write_text("not a value")
    assert list(values.keys(datetime.now(UTC) + timedelta(days=1))) == []


@pytest.mark.parametrize(
    ("options", "field"), [({"path": 7}, "path"), ({"path": ""}, "path"), ({"paht": "x"}, "paht")]
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DirectoryStore.from_options(options, data=str(tmp_path))
    assert caught.value.field == field


def test_the_folder_lies_in_the_data_folder_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    DirectoryStore.from_options({}, data=str(tmp_path)).write([b"x"])
    DirectoryStore.from_options({"path": str(tmp_path / "big")}, data="/nowhere").write([b"x"])
    assert len(_files(tmp_path / "objects")) == len(_files(tmp_path / "big")) == 1


def test_a_value_passes_in_blocks(folder: Path) -> None:
    """64 MiB go in and out of a process that may use 24 MiB more than an idle one."""
    program = f"""
import resource, sys
from backends.values import DirectoryStore
values = DirectoryStore(sys.argv[1])
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
key = values.write(bytes({BLOCK}) for _ in range(64)).key
size = sum(len(block) for block in values.read(key))
assert size == 64 * {BLOCK}, size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle)
"""
    told = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(told.stdout) < 24 * 1024

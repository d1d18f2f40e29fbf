"""The tests that any object value store must pass.

A driver's own test is a fixture and a subclass::

    class TestMyStore(ValueStoreSuite):
        @pytest.fixture
        def values(self, tmp_path):
            with MyStore(tmp_path) as values:
                yield values
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from backends.values import BLOCK, ValueStore
from gateway.model import GatewayError, NotFound

#: Further away than any clock of a store is wrong.
_LATER = timedelta(days=2)


def _content(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def _cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


class ValueStoreSuite:
    """All tests. A subclass brings a fixture ``values``, a store that is empty or holds other things."""

    @pytest.mark.parametrize("size", [0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
    def test_what_is_written_is_read(self, values: ValueStore, size: int) -> None:
        content = _content(size)
        stored = values.write(_cut(content, 70_001))
        assert stored.size == size
        assert b"".join(values.read(stored.key)) == content

    def test_empty_blocks_and_no_blocks_are_fine(self, values: ValueStore) -> None:
        assert b"".join(values.read(values.write([]).key)) == b""
        assert b"".join(values.read(values.write([b"", b"a", b"", b"b"]).key)) == b"ab"

    @pytest.mark.parametrize("start", [0, 1, 499, 500, 999, 1000, 5000])
    @pytest.mark.parametrize("length", [0, 1, 500, 1000, 5000, None])
    def test_a_part_is_read(self, values: ValueStore, start: int, length: int | None) -> None:
        content = _content(1000)
        key = values.write([content]).key
        expected = content[start:] if length is None else content[start : start + length]
        assert b"".join(values.read(key, start, length)) == expected

    def test_a_part_across_blocks_is_read(self, values: ValueStore) -> None:
        content = _content(2 * BLOCK + 100)
        key = values.write(_cut(content, BLOCK)).key
        part = b"".join(values.read(key, BLOCK - 10, BLOCK + 20))
        assert part == content[BLOCK - 10 : 2 * BLOCK + 10]

    def test_a_value_is_read_in_blocks_of_a_bounded_size(self, values: ValueStore) -> None:
        key = values.write(_cut(_content(5 * BLOCK), BLOCK)).key
        assert max(len(block) for block in values.read(key)) <= BLOCK

    def test_the_same_content_twice_is_two_values(self, values: ValueStore) -> None:
        one, two = values.write([b"same"]), values.write([b"same"])
        values.delete(one.key)
        assert b"".join(values.read(two.key)) == b"same"

    def test_a_key_is_fit_for_a_database_and_a_log(self, values: ValueStore) -> None:
        key = values.write([b"x"]).key
        assert 8 <= len(key) <= 200
        assert key.isascii()
        assert key.isprintable()

    def test_a_deleted_value_is_not_there(self, values: ValueStore) -> None:
        key = values.write([b"x"]).key
        values.delete(key)
        with pytest.raises(NotFound):
            values.read(key)
        with pytest.raises(NotFound):
            values.file(key) or values.read(key)

    def test_deleting_what_is_not_there_is_no_error(self, values: ValueStore) -> None:
        key = values.write([b"x"]).key
        values.delete(key)
        values.delete(key)

    @pytest.mark.parametrize(
        "key", ["", "nothing", "..", "../../etc/passwd", "a/b", "0" * 32, "\0", "é", "x" * 5000]
    )
    def test_a_key_that_the_store_has_not_made_finds_nothing(self, values: ValueStore, key: str) -> None:
        with pytest.raises(NotFound):
            values.read(key)
        values.delete(key)

    def test_a_file_is_the_value(self, values: ValueStore) -> None:
        content = _content(BLOCK + 5)
        file = values.file(values.write([content]).key)
        if file is None:
            pytest.skip("values are no files of the operating system here")
        with file:
            assert file.read() == content
            assert file.fileno() >= 0

    def test_a_write_that_breaks_off_leaves_nothing(self, values: ValueStore) -> None:
        def broken() -> Iterator[bytes]:
            yield _content(BLOCK)
            raise ConnectionResetError("the client went away")

        before = set(values.keys(datetime.now(UTC) + _LATER))
        with pytest.raises(ConnectionResetError):
            values.write(broken())
        assert set(values.keys(datetime.now(UTC) + _LATER)) == before

    def test_keys_are_those_of_values_that_were_complete_then(self, values: ValueStore) -> None:
        kept, gone = values.write([b"kept"]).key, values.write([b"gone"]).key
        values.delete(gone)
        found = list(values.keys(datetime.now(UTC) + _LATER))
        assert (found.count(kept), found.count(gone)) == (1, 0)
        assert kept not in set(values.keys(datetime.now(UTC) - _LATER))

    def test_a_sweep_takes_no_value(self, values: ValueStore) -> None:
        key = values.write([b"kept"]).key
        values.sweep(datetime.now(UTC) + _LATER)
        assert b"".join(values.read(key)) == b"kept"

    def test_a_store_that_works_says_so(self, values: ValueStore) -> None:
        values.check()

    def test_many_threads_write_read_and_delete(self, values: ValueStore) -> None:
        failures: list[BaseException] = []

        def work(seed: int) -> None:
            try:
                for number in range(10):
                    content = _content(10_000 + number, seed)
                    key = values.write(_cut(content, 3000)).key
                    assert _digest(values, key) == hashlib.sha256(content).hexdigest()
                    values.delete(key)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    def test_a_reader_of_a_deleted_value_gets_right_bytes_or_an_error(self, values: ValueStore) -> None:
        content = _content(4 * BLOCK)
        key = values.write(_cut(content, BLOCK)).key
        reader = values.read(key)
        got = [next(reader)]
        values.delete(key)
        with suppress(GatewayError):
            got += reader
        assert content.startswith(b"".join(got))


def _digest(values: ValueStore, key: str) -> str:
    digest = hashlib.sha256()
    blocks: Sequence[bytes] = list(values.read(key))
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()

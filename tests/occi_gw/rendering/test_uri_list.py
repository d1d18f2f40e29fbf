"""text/uri-list."""

from __future__ import annotations

import pytest

from occi_gw.rendering.uri_list import uri_lines


def test_uris_are_absolute_one_a_line() -> None:
    assert b"".join(uri_lines("http://h", ["/a", "/b"])) == b"http://h/a\r\nhttp://h/b\r\n"


def test_no_uris_are_no_blocks() -> None:
    assert list(uri_lines("http://h", [])) == []


@pytest.mark.parametrize("count", [1, 600, 10_000])
def test_every_uri_is_there_once(count: int) -> None:
    paths = [f"/compute/{number}" for number in range(count)]
    lines = b"".join(uri_lines("http://h", iter(paths))).split(b"\r\n")
    assert lines == [*(b"http://h" + path.encode() for path in paths), b""]


def test_blocks_have_sixteen_to_sixty_four_kibibytes() -> None:
    *full, _ = (len(block) for block in uri_lines("http://h", ["/compute/1234"] * 10_000))
    assert full
    assert all(16 * 1024 <= size <= 64 * 1024 for size in full)

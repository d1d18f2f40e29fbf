"""Object identifiers: form, check sum, what is taken for one (CDMI 5.10)."""

from __future__ import annotations

import pytest

from gateway.objects.identifier import canonical, crc16, new_id

VALID = [
    "00007ED90010D891022876A8DE0BC0FD",
    "00006FFD0010AA33D8CEF9711E0835CA",
    "0000706D0010B84FAD185C425D8B537E",
]


def test_the_check_sum_is_that_of_the_standard() -> None:
    assert crc16(b"123456789") == 0xBB3D


@pytest.mark.parametrize("id", VALID)
def test_published_identifiers_have_their_check_sum(id: str) -> None:
    data = bytes.fromhex(id)
    assert crc16(data[:6] + b"\0\0" + data[8:]) == int.from_bytes(data[6:8])


@pytest.mark.parametrize("enterprise", [1, 32473, 0xFFFFFF])
def test_a_new_identifier_has_all_its_parts(enterprise: int) -> None:
    data = bytes.fromhex(new_id(enterprise))
    assert (data[0], int.from_bytes(data[1:4]), data[4], data[5]) == (0, enterprise, 0, len(data))
    assert 8 < len(data) <= 40
    assert crc16(data[:6] + b"\0\0" + data[8:]) == int.from_bytes(data[6:8])


def test_identifiers_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("id", [*VALID, "00007E7F00100C435125A61B4C289455"])
def test_identifiers_are_known_in_either_case_and_with_a_wrong_check_sum(id: str) -> None:
    assert canonical(id.lower()) == canonical(id) == id


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "00", "00007ED9", "../etc", "zz" * 16, "0" * 5000, "\uff10" * 32),
        "00007ED90010D891022876A8DE0BC0F",
        "01007ED90010D891022876A8DE0BC0FD",
        "00007ED90110D891022876A8DE0BC0FD",
        "00007ED90011D891022876A8DE0BC0FD",
        "00 07ED90010D891022876A8DE0BC0FD",
    ],
)
def test_what_is_no_identifier_is_none(text: str) -> None:
    assert canonical(text) is None

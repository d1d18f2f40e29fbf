"""Readings of answers that fail instead of guessing, and the grammar of values that CDMI fixes."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

from conformance.exchange import Response
from conformance.framework import expect, fail

Document = dict[str, Any]

TIME = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]\.[0-9]{6}Z")
RANGE = re.compile(r"([0-9]+)-([0-9]+)")
HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")
SHORTEST, LONGEST = 9, 40  # bytes of an object ID (5.10)


def answered(response: Response, *statuses: int) -> Response:
    """The response; Failed unless its status is one of these."""
    wanted = " or ".join(str(status) for status in statuses)
    expect(response.status in statuses, f"answered {response.status}, not {wanted}")
    return response


def unique(pairs: list[tuple[str, Any]]) -> Document:
    """A JSON object whose names differ; raises ValueError for one that has a name twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def document(response: Response, *statuses: int) -> Document:
    """The JSON object of an answer with one of these statuses (200 unless given); Failed otherwise."""
    answered(response, *(statuses or (200,)))
    try:
        found = json.loads(response.body.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        fail(f"the body is no JSON in UTF-8: {error}")
    expect(isinstance(found, dict), "the body is no JSON object")
    return dict(found)


def decoded(text: object) -> bytes:
    """The bytes of base64; Failed for anything else."""
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        fail(f"{str(text)[:80]!r} is not base64")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def time_of(text: object) -> datetime:
    """A time as 5.14 writes it; Failed for any other form."""
    expect(
        isinstance(text, str) and TIME.fullmatch(text), f"{str(text)[:80]!r} is no time such as 5.14 wants"
    )
    return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """A time as 5.14 writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def crc16(content: bytes) -> int:
    """CRC-16 with the polynomial 0x8005, reflected, from 0 (5.11)."""
    register = 0
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register


def object_id(text: object) -> bytes:
    """The bytes of an object ID; Failed where it is none (5.10, 5.11)."""
    expect(isinstance(text, str) and HEXADECIMAL.fullmatch(text), f"{str(text)[:80]!r} is not hexadecimal")
    found = bytes.fromhex(str(text))
    expect(SHORTEST <= len(found) <= LONGEST, f"{text}: {len(found)} bytes")
    expect(found[0] == 0 and found[4] == 0, f"{text}: bytes 0 and 4 are not both zero")
    expect(found[5] == len(found), f"{text}: byte 5 says {found[5]}, the length is {len(found)}")
    expect(any(found[1:4]), f"{text}: no enterprise number")
    expected = crc16(found[:6] + b"\0\0" + found[8:])
    expect(int.from_bytes(found[6:8], "big") == expected, f"{text}: the CRC should be {expected:04X}")
    return found

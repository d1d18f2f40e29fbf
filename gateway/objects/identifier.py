"""Object identifiers (CDMI 5.10): enterprise number, length and check sum in front of an opaque part."""

from __future__ import annotations

import secrets

#: The number that is reserved for documentation (RFC 5612).
EXAMPLE_ENTERPRISE = 32473

_HEAD = 8
_OPAQUE = 16
_LONGEST = 40


def _table() -> tuple[int, ...]:
    """CRC-16 with polynomial 0x8005, reflected, a byte at a time."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def crc16(data: bytes) -> int:
    """The check sum of CDMI 5.11.

    >>> hex(crc16(b"123456789"))
    '0xbb3d'
    """
    sum = 0
    for byte in data:
        sum = sum >> 8 ^ _TABLE[(sum ^ byte) & 0xFF]
    return sum


def new_id(enterprise: int = EXAMPLE_ENTERPRISE) -> str:
    """An identifier that nobody has; upper-case Base16."""
    return of_opaque(enterprise, secrets.token_bytes(_OPAQUE))


def of_opaque(enterprise: int, opaque: bytes) -> str:
    """The identifier with this opaque part of 1 to 32 bytes."""
    head = b"\0" + enterprise.to_bytes(3) + b"\0" + bytes([_HEAD + len(opaque)])
    return (head + crc16(head + b"\0\0" + opaque).to_bytes(2) + opaque).hex().upper()


def canonical(text: str) -> str | None:
    """The identifier in upper case; None for what is none, whoever made it.

    Wrong check sums pass: other servers are known to mint them.
    """
    try:
        data = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        return None
    if not _HEAD < len(data) <= _LONGEST or data[0] or data[4] or data[5] != len(data):
        return None
    return text.upper()

"""The words of CDMI and the common model: kinds, what each right shows, access control lists (16.1).

The members of an entry are names or hexadecimal numbers, long or short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntFlag
from typing import Any, TypeVar

from cdmi_gw import vocabulary as v
from gateway.model import Ace, AceFlag, AceMask, AceType, ObjectKind

F = TypeVar("F", bound=IntFlag)

OF_KIND: Mapping[ObjectKind, str] = {
    ObjectKind.DATA_OBJECT: v.OBJECT,
    ObjectKind.CONTAINER: v.CONTAINER,
    ObjectKind.QUEUE: v.QUEUE,
    ObjectKind.DOMAIN: v.DOMAIN,
    ObjectKind.REFERENCE: v.OBJECT,
}

#: Which right shows a field; all others need READ_ATTRIBUTES.
RIGHTS: Mapping[str, AceMask] = {
    "metadata": AceMask.READ_METADATA | AceMask.READ_ACL,
    "value": AceMask.READ_OBJECT,
    "valuerange": AceMask.READ_OBJECT,
    "valuetransferencoding": AceMask.READ_ATTRIBUTES,
    "children": AceMask.READ_OBJECT,
    "childrenrange": AceMask.READ_OBJECT,
    "queueValues": AceMask.READ_ATTRIBUTES,
}

#: Entries of a list; every child inherits them.
MAX_ENTRIES = 256

_MEMBERS = ("acetype", "identifier", "aceflags", "acemask")
_HEX = re.compile("0[xX][0-9A-Fa-f]{1,8}")
_BY_NUMBER = {0: AceType.ALLOW, 1: AceType.DENY, 2: AceType.AUDIT}

_MASKS: Mapping[str, int] = {
    "ALL_PERMS": 0x1F07FF,
    "RW_ALL": 0x601DF,
    "READ": 0x200A9,
    "RW": 0x1F,
    "READ_ALL": 0x09,
    "LIST_CONTAINER": 0x1,
    "ADD_OBJECT": 0x2,
    "ADD_SUBCONTAINER": 0x4,
    "TRAVERSE_CONTAINER": 0x20,
    "DELETE_SUBCONTAINER": 0x40,
    **{str(bit.name): int(bit) for bit in AceMask},
}
_FLAGS: Mapping[str, int] = {"NO_FLAGS": 0, **{str(bit.name): int(bit) for bit in AceFlag}}
_ALL_FLAGS = sum(AceFlag)

#: Names of bits from the largest on; those of containers differ.
_OF_OBJECTS = ("ALL_PERMS", "RW_ALL", "RW", "READ_ALL", *(str(bit.name) for bit in AceMask))
_CONTAINER_NAMES = {
    "READ_OBJECT": "LIST_CONTAINER",
    "WRITE_OBJECT": "ADD_OBJECT",
    "APPEND_DATA": "ADD_SUBCONTAINER",
    "EXECUTE": "TRAVERSE_CONTAINER",
    "DELETE_OBJECT": "DELETE_SUBCONTAINER",
}


class AceError(ValueError):
    """An entry is wrong; the message says which and why."""


def read_acl(value: Any) -> Sequence[Ace]:
    """Raises AceError."""
    if not isinstance(value, list):
        raise AceError("cdmi_acl: a list of entries")
    if len(value) > MAX_ENTRIES:
        raise AceError(f"cdmi_acl: {len(value)} entries, more than {MAX_ENTRIES}")
    return tuple(_ace(number, entry) for number, entry in enumerate(value))


def _ace(number: int, entry: Any) -> Ace:
    where = f"cdmi_acl[{number}]"
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _MEMBERS):
        raise AceError(f"{where}: an object with the texts {', '.join(_MEMBERS)}")
    if not entry["identifier"] or len(entry["identifier"]) > 255 or "\0" in entry["identifier"]:
        raise AceError(f"{where}.identifier: 1 to 255 characters")
    spelling = {name: entry[name] for name in _MEMBERS}
    return Ace(
        _type(f"{where}.acetype", entry["acetype"]),
        entry["identifier"],
        AceFlag(_bits(f"{where}.aceflags", entry["aceflags"], _FLAGS, _ALL_FLAGS)),
        AceMask(_bits(f"{where}.acemask", entry["acemask"], _MASKS, _MASKS["ALL_PERMS"])),
        spelling,
    )


def _type(where: str, text: str) -> AceType:
    if _HEX.fullmatch(text) and int(text, 16) in _BY_NUMBER:
        return _BY_NUMBER[int(text, 16)]
    name = text.strip().upper().removeprefix("CDMI_ACE_ACCESS_").removeprefix("CDMI_ACE_")
    if name not in AceType.__members__:
        raise AceError(f"{where}: {text[:40]!r} is not ALLOW, DENY or AUDIT")
    return AceType(name)


def _bits(where: str, text: str, names: Mapping[str, int], every: int) -> int:
    if _HEX.fullmatch(text):
        if int(text, 16) & ~every:
            raise AceError(f"{where}: {text} has bits that nothing stands for")
        return int(text, 16)
    bits = 0
    for part in re.split("[,|]", text):
        name = part.strip().upper().removeprefix("CDMI_ACE_").removeprefix("FLAGS_")
        if name and name not in names:
            raise AceError(f"{where}: {part.strip()[:40]!r} is not known")
        bits |= names.get(name, 0)
    return bits


def write_acl(acl: Sequence[Ace], *, container: bool) -> list[dict[str, str]]:
    """The entries as their writer spelt them; ours in names."""
    return [dict(ace.spelling) if ace.spelling else _written(ace, container) for ace in acl]


def _written(ace: Ace, container: bool) -> dict[str, str]:
    left, names = int(ace.mask), []
    for name in _OF_OBJECTS:
        if _MASKS[name] & left == _MASKS[name] and left:
            names.append(_CONTAINER_NAMES.get(name, name) if container else name)
            left &= ~_MASKS[name]
    flags = ", ".join(str(bit.name) for bit in AceFlag if bit in ace.flags)
    return {
        "acetype": ace.type.value,
        "identifier": ace.who,
        "aceflags": flags or "NO_FLAGS",
        "acemask": ", ".join(names),
    }

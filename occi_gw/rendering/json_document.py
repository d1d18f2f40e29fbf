"""Strict JSON (RFC 8259, I-JSON) from untrusted bytes: what passes here is safe to walk, keep and render.

Refused: duplicate members, numbers that are not finite or have more than 400 digits, characters that no
back end can keep (NUL and other controls but TAB, LF, CR; lone surrogates), nesting deeper than 50, more than
100 000 values.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from occi_gw.rendering.assembly import MAX_NUMBER
from occi_gw.rendering.parse_error import ParseError, shown

MAX_DEPTH = 50
MAX_NODES = 100_000

_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BRACKETS_AND_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_PLAIN_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_.#-]*")


class Path:
    """Where a value stands in the document; the text is made only when an error needs it."""

    __slots__ = ("parent", "step")

    def __init__(self, parent: Path | None = None, step: str | int = "") -> None:
        self.parent = parent
        self.step = step

    def __truediv__(self, step: str | int) -> Path:
        return Path(self, step)

    def __str__(self) -> str:
        if self.parent is None:
            return "$"
        if isinstance(self.step, int):
            return f"{self.parent}[{self.step}]"
        if _PLAIN_MEMBER.fullmatch(self.step) and len(self.step) <= 80:
            return f"{self.parent}.{self.step}"
        return f"{self.parent}[{shown(self.step)}]"

    def refuse(self, message: str) -> NoReturn:
        raise ParseError(message, str(self))


ROOT = Path()


class _Refused:
    """Stands in the loaded document where a value was that cannot be kept, until its path is known."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message


def load(body: bytes) -> Any:
    """The value in ``body``, made of dict, list, str, int, float, bool and None.

    Raises ParseError, ``where`` being a JSON path or, for a syntax error, ``body line N``.
    """
    text = _decode(body)
    if _depth_exceeds(text):
        raise ParseError(f"nested deeper than {MAX_DEPTH}", "body")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=lambda name: _Refused(f"{name} is not a JSON number"),
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError as error:
        raise ParseError(f"not JSON: {error.msg}", f"body line {error.lineno}", error.colno) from None
    _check(document)
    return document


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ParseError(f"byte 0x{body[error.start]:02X} is not UTF-8", f"body line {line}") from None


def _depth_exceeds(text: str) -> bool:
    """Whether brackets nest too deep; asked before loading, because the loader recurses."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _BRACKETS_AND_STRINGS.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif match[0] in "]}":
            depth -= 1
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    times = Counter(name for name, _ in pairs)
    return _Refused(f"member {shown(next(name for name in times if times[name] > 1))} is given twice")


def _integer(digits: str) -> int | _Refused:
    if len(digits) > MAX_NUMBER:
        return _Refused(f"number of {len(digits)} digits, at most {MAX_NUMBER} are read")
    return int(digits)


def _float(digits: str) -> float | _Refused:
    if len(digits) > MAX_NUMBER:
        return _Refused(f"number of {len(digits)} digits, at most {MAX_NUMBER} are read")
    value = float(digits)
    return value if math.isfinite(value) else _Refused(f"number {shown(digits)} is out of range")


def _check(document: Any) -> None:
    """Raise for the first value, in document order, that cannot be kept."""
    waiting: list[tuple[Path, Any]] = [(ROOT, document)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        count += 1
        if count > MAX_NODES:
            raise ParseError(f"more than {MAX_NODES} values; send fewer at a time", "body")
        if isinstance(value, str):
            _check_text(path, value)
        elif isinstance(value, dict):
            _check_names(path, value)
            waiting.extend((path / name, member) for name, member in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend((path / index, value[index]) for index in reversed(range(len(value))))
        elif isinstance(value, _Refused):
            path.refuse(value.message)


def _check_text(path: Path, text: str) -> None:
    unsendable = _UNSENDABLE.search(text)
    if unsendable:
        path.refuse(f"character U+{ord(unsendable[0]):04X} is not allowed in a string")


def _check_names(path: Path, members: dict[str, Any]) -> None:
    for name in members:
        _check_text(path, name)


def object_at(value: Any, path: Path) -> Mapping[str, Any]:
    """``value``, which must be an object."""
    return value if isinstance(value, dict) else _mismatch(value, path, "an object")


def array_at(value: Any, path: Path) -> list[Any]:
    """``value``, which must be an array; None is an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else _mismatch(value, path, "an array")


def string_at(value: Any, path: Path) -> str:
    """``value``, which must be a string."""
    return value if isinstance(value, str) else _mismatch(value, path, "a string")


def strings_at(value: Any, path: Path) -> tuple[str, ...]:
    """The members of ``value``, which must be an array of strings; None is an empty one."""
    return tuple(string_at(member, path / index) for index, member in enumerate(array_at(value, path)))


def boolean_at(value: Any, path: Path) -> bool:
    """``value``, which must be true or false."""
    return value if isinstance(value, bool) else _mismatch(value, path, "true or false")


def needed(members: Mapping[str, Any], name: str, path: Path) -> Any:
    """The member ``name``, which must be there and not null."""
    value = members.get(name)
    return path.refuse(f"member {shown(name)} is missing") if value is None else value


def only(members: Mapping[str, Any], known: Sequence[str], path: Path) -> None:
    """Refuse members that are not among ``known``."""
    for name in members:
        if name not in known:
            path.refuse(f"unknown member {shown(name)}, expected {', '.join(known)}")


_NAMES = ((bool, "true or false"), (str, "a string"), (list, "an array"), (dict, "an object"))


def _mismatch(value: Any, path: Path, expected: str) -> NoReturn:
    found = next((name for kind, name in _NAMES if isinstance(value, kind)), "a number")
    path.refuse(f"expected {expected}, found {'null' if value is None else found}")

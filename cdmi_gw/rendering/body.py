"""The JSON of a request: what a client wants of an object."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cdmi_gw import vocabulary as v
from cdmi_gw.mapping import AceError, read_acl
from gateway.model import Ace, Encoding, Json

MAX_MIMETYPE = 255


class BodyError(ValueError):
    """The body is wrong; the message says where."""


def read(body: bytes) -> dict[str, Any]:
    """The object of a body; an empty one is ``{}``. Raises BodyError."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_float)
    except BodyError:
        raise
    except (ValueError, RecursionError) as error:
        raise BodyError(f"body: not JSON: {str(error)[:100]}") from None
    if not isinstance(found, dict):
        raise BodyError("body: not a JSON object")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in pairs:
        if name in found:
            raise BodyError(f"body: {name[:80]!r} stands there twice")
        found[name] = item
    return found


def _no_constant(name: str) -> Any:
    raise BodyError(f"body: {name} is no JSON")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise BodyError(f"body: {text[:40]} is too large a number")
    return number


def text_of(found: Mapping[str, Any], name: str) -> str | None:
    """A field that is a text. Raises BodyError."""
    given = found.get(name)
    if given is not None and not isinstance(given, str):
        raise BodyError(f"{name}: not a text")
    return given


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a body, by who decides about it."""

    own: Mapping[str, Json] = field(default_factory=dict)  # the user's
    system: Mapping[str, Json] = field(default_factory=dict)  # names of the standard, as they were sent
    acl: Sequence[Ace] | None = None
    owner: str | None = None


def metadata_of(found: Mapping[str, Any]) -> Metadata | None:
    """None where a body has none. Raises BodyError."""
    given = found.get("metadata")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise BodyError("metadata: not a JSON object")
    own = {name: item for name, item in given.items() if not name.startswith(v.PREFIX)}
    system = {name: item for name, item in given.items() if name.startswith(v.PREFIX)}
    _require_limits(own)
    try:
        json.dumps(given, ensure_ascii=False).encode()
        acl = read_acl(system.pop(v.ACL)) if v.ACL in system else None
    except UnicodeEncodeError:
        raise BodyError("metadata: half a surrogate pair") from None
    except AceError as error:
        raise BodyError(f"metadata.{error}") from None
    owner = system.pop(v.OWNER, None)
    if owner is not None and not (isinstance(owner, str) and 0 < len(owner) <= 255 and "\0" not in owner):
        raise BodyError("metadata.cdmi_owner: a text of 1 to 255 characters")
    return Metadata(own, system, acl, owner)


def _require_limits(own: Mapping[str, Json]) -> None:
    if len(own) > v.MAX_METADATA_ITEMS:
        raise BodyError(f"metadata: {len(own)} items, more than {v.MAX_METADATA_ITEMS}")
    total = 0
    for name, item in own.items():
        size = len(json.dumps(item))
        total += len(name) + size
        if not name or "\0" in name or len(name) > 255:
            raise BodyError(f"metadata: {name[:80]!r} is no name of 1 to 255 characters")
        if size > v.MAX_METADATA_ITEM:
            raise BodyError(f"metadata.{name[:80]}: longer than {v.MAX_METADATA_ITEM} bytes")
    if total > v.MAX_METADATA:
        raise BodyError(f"metadata: longer than {v.MAX_METADATA} bytes")


def unknown_of(found: Mapping[str, Any]) -> Mapping[str, Json]:
    """The fields that the standard does not know. Raises BodyError where they are too much."""
    fields = {name: item for name, item in found.items() if name not in v.FIELDS | v.SENT}
    if any(not name or len(name) > 255 or "\0" in name for name in fields):
        raise BodyError("body: a field has no name of 1 to 255 characters")
    try:
        size = len(json.dumps(fields, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        raise BodyError("body: half a surrogate pair") from None
    if size > v.MAX_METADATA:
        raise BodyError(f"body: unknown fields are longer than {v.MAX_METADATA} bytes")
    return fields


def encoding_of(found: Mapping[str, Any]) -> Encoding | None:
    given = found.get("valuetransferencoding")
    return None if given is None else _encoding(given)


def _encoding(given: Any) -> Encoding:
    try:
        return Encoding(given)
    except ValueError:
        raise BodyError(f"valuetransferencoding: {str(given)[:40]!r} is not utf-8 or base64") from None


def mimetype_of(found: Mapping[str, Any]) -> str | None:
    given = found.get("mimetype")
    return None if given is None else _mimetype(given)


def _mimetype(given: Any) -> str:
    """It goes into a header field."""
    fits = isinstance(given, str) and 0 < len(given) <= MAX_MIMETYPE
    if not fits or not (given.isascii() and given.isprintable()):
        raise BodyError(f"mimetype: a text of 1 to {MAX_MIMETYPE} printable ASCII characters")
    return str(given).lower()


def value_of(found: Mapping[str, Any], encoding: Encoding) -> bytes | None:
    """The bytes of ``value``. Raises BodyError."""
    given = found.get("value")
    return None if given is None else decoded(given, encoding)


def decoded(given: Any, encoding: Encoding) -> bytes:
    """The bytes of a value. Raises BodyError."""
    if not isinstance(given, str):
        raise BodyError("value: not a text")
    try:
        if encoding is Encoding.BASE64:
            return base64.b64decode(given.encode("ascii"), validate=True)
        return given.encode()
    except (binascii.Error, ValueError):
        raise BodyError(f"value: not {encoding}") from None


@dataclass(frozen=True, slots=True)
class Enqueued:
    """One value that is to be put into a queue."""

    content: bytes
    mimetype: str
    encoding: Encoding


def enqueued(found: Mapping[str, Any]) -> Sequence[Enqueued] | None:
    """The values of a body (11.6); None where it has none. Raises BodyError."""
    values = found.get("value")
    if values is None:
        return None
    if not isinstance(values, list):
        raise BodyError("value: not a list")
    types = _as_long(found, "mimetype", values, "text/plain")
    encodings = _as_long(found, "valuetransferencoding", values, "utf-8")
    return [
        Enqueued(decoded(value, _encoding(encoding)), _mimetype(mimetype), _encoding(encoding))
        for value, mimetype, encoding in zip(values, types, encodings, strict=True)
    ]


def _as_long(found: Mapping[str, Any], name: str, values: Sequence[Any], default: str) -> Sequence[Any]:
    given = found.get(name)
    if given is None:
        return [default] * len(values)
    if not isinstance(given, list) or len(given) != len(values):
        raise BodyError(f"{name}: not a list as long as value")
    return given

"""The JSON of a request: what a client wants of an object."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cdmi_gw import vocabulary as v
from cdmi_gw.mapping import AceError, read_acl
from gateway.model import Ace, Encoding, Json

#: It goes into a header field.
_MIMETYPE = re.compile("[ -~]{1,255}")


class BodyError(ValueError):
    """The body is wrong; the message says where."""


def read(body: bytes) -> dict[str, Any]:
    """The object of a body; an empty one is ``{}``. Raises BodyError."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except BodyError:
        raise
    except (ValueError, RecursionError) as error:
        raise BodyError(f"body: not JSON: {str(error)[:100]}") from None
    if not isinstance(found, dict):
        raise BodyError("body: not a JSON object")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise BodyError(f"body: {twice[:80]!r} stands there twice")
    return found


def _no_constant(name: str) -> Any:
    raise BodyError(f"body: {name} is no JSON")


def metadata_of(found: Mapping[str, Any]) -> tuple[dict[str, Json], Sequence[Ace] | None] | None:
    """(the user's metadata, the access control list where one is given); None where there is none.

    What else begins with ``cdmi_`` is the storage's to write and left out. Raises BodyError.
    """
    given = found.get("metadata")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise BodyError("metadata: not a JSON object")
    own = {name: item for name, item in given.items() if not name.startswith(v.PREFIX)}
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
    try:
        json.dumps(own, ensure_ascii=False).encode()
        acl = read_acl(given[v.ACL]) if v.ACL in given else None
    except UnicodeEncodeError:
        raise BodyError("metadata: half a surrogate pair") from None
    except AceError as error:
        raise BodyError(f"metadata.{error}") from None
    return own, acl


def encoding_of(found: Mapping[str, Any]) -> Encoding | None:
    given = found.get("valuetransferencoding")
    if given is None:
        return None
    try:
        return Encoding(given)
    except ValueError:
        raise BodyError(f"valuetransferencoding: {str(given)[:40]!r} is not utf-8 or base64") from None


def mimetype_of(found: Mapping[str, Any]) -> str | None:
    given = found.get("mimetype")
    if given is None:
        return None
    if (
        not isinstance(given, str)
        or not 0 < len(given) <= 255
        or not (given.isascii() and given.isprintable())
    ):
        raise BodyError("mimetype: a text of 1 to 255 printable ASCII characters")
    return given.lower()


def value_of(found: Mapping[str, Any], encoding: Encoding) -> bytes | None:
    """The bytes of ``value``. Raises BodyError."""
    given = found.get("value")
    if given is None:
        return None
    if not isinstance(given, str):
        raise BodyError("value: not a text")
    try:
        if encoding is Encoding.BASE64:
            return base64.b64decode(given.encode("ascii"), validate=True)
        return given.encode()
    except (binascii.Error, ValueError):
        raise BodyError(f"value: not {encoding}") from None

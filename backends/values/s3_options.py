"""The options of the S3 store: one table of names, each with its default, its meaning and its reader."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from gateway.model import InvalidRequest, shorten

_MIB = 1 << 20
_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": _MIB, "GiB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"\s*([0-9]{1,12})\s*([A-Za-z]*)\s*")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("a text")
    return value


def _bucket(value: object) -> str:
    """Names as S3 has them; older and other servers have taken capitals and underscores too."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}", value):
        raise ValueError("the name of a bucket, 3 to 255 letters, digits, dots, dashes and underscores")
    return value


def _region(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,63}", value):
        raise ValueError("the name of a region, letters, digits and dashes")
    return value


def _endpoint(value: object) -> str:
    if not isinstance(value, str) or (value and not _is_url(value)):
        raise ValueError('a URL such as "https://s3.site.example"')
    return value


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, for one
        return False
    return complete and text.isprintable() and not (parts.username or parts.query or parts.fragment)


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([A-Za-z0-9._-]+/)*[A-Za-z0-9._-]*", value):
        raise ValueError('the beginning of a key, such as "stratusgate/"')
    if len(value) > 500:
        raise ValueError("500 characters at most")
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise ValueError("a number of seconds, more than 0 and at most 3600")
    return float(value)


def _attempts(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 20:
        raise ValueError("a whole number from 1 to 20")
    return value


def _part_size(value: object) -> int:
    """Of all parts but the last S3 wants 5 MiB to 5 GiB; one is held in memory for each upload."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match and match[2] in _UNITS:
        value = int(match[1]) * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int) or not 5 * _MIB <= value <= 1 << 30:
        raise ValueError("a size from 5MiB to 1GiB")
    return value


def _option(default: object, read: Callable[[object], Any], help: str) -> Any:
    return field(default=default, metadata={"read": read, "help": help})


@dataclass(frozen=True, slots=True)
class S3Options:
    """What ``S3Store`` can be told. Times in seconds, sizes in bytes."""

    bucket: str = field(
        metadata={"read": _bucket, "help": "the bucket; it must exist, the gateway makes none"}
    )
    endpoint: str = _option("", _endpoint, "URL of the server; empty = Amazon, by the region")
    region: str = _option("us-east-1", _region, "region that requests are signed for")
    access_key: str = _option(
        "", _text, "access key; empty = what the AWS SDK finds: environment, profile, role of the machine"
    )
    secret_key: str = _option("", _text, "the key to it; best read from a file")
    prefix: str = _option("", _prefix, "what keys begin with, where the bucket holds other things too")
    path_style: bool = _option(
        True, _switch, "bucket in the path of the URL; false = in the name of the host"
    )
    verify: bool = _option(True, _switch, "check the server's certificate")
    ca_file: str = _option("", _text, "PEM file of authorities to trust; empty = the usual ones")
    connect_timeout: float = _option(5.0, _seconds, "seconds to wait for a connection")
    read_timeout: float = _option(60.0, _seconds, "seconds to wait for the next bytes of an answer")
    attempts: int = _option(3, _attempts, "how often a request is tried that failed on the way or with 5xx")
    part_size: int = _option(
        8 * _MIB,
        _part_size,
        "longer values go up in parts of this size, 10000 at most; memory of each upload",
    )


def read_options(given: Mapping[str, Any]) -> S3Options:
    """The options of a table. Raises InvalidRequest naming the first one that is wrong."""
    known = {entry.name: entry.metadata["read"] for entry in fields(S3Options)}
    read = {}
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise InvalidRequest(f"unknown key; {hint}", field=shorten(name))
        try:
            read[name] = known[name](value)
        except ValueError as error:
            told = "" if name == "secret_key" else f"{shorten(repr(value))} is not "
            raise InvalidRequest(f"{told}{error}", field=name) from None
    if "bucket" not in read:
        raise InvalidRequest("is missing", field="bucket")
    if bool(read.get("access_key")) != bool(read.get("secret_key")):
        absent = "secret_key" if read.get("access_key") else "access_key"
        raise InvalidRequest("is missing; give both keys or none", field=absent)
    return S3Options(**read)

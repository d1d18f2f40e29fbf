"""The options of the configuration: what each key of a fixed section takes, its default and its meaning.

The table is what files and environment are read by, and what ``docs/configuration.md`` is made of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_UNITS = {"": 1, "B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGTP", 1)
    for suffix, base in (("iB", 1024), ("B", 1000), ("", 1024))
}


_SIZE = re.compile(r"\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([A-Za-z]*)\s*")


def size(value: Any) -> int:
    """Bytes from an integer or a text such as ``4GiB``, ``500 MB``, ``1.5GiB``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] not in _UNITS:
        raise ValueError('a number of bytes or a text such as "4GiB"')
    return int(float(match[1]) * _UNITS[match[2]])


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def integer(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a whole number")
    return value


def positive(value: Any) -> int:
    number = integer(value)
    if number < 1:
        raise ValueError("a whole number of at least 1")
    return number


def natural(value: Any) -> int:
    number = integer(value)
    if number < 0:
        raise ValueError("a whole number of at least 0")
    return number


def switch(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError("a list of texts")
    return tuple(value)


#: A name, an IPv4 address, or an IPv6 address in brackets; gunicorn takes "unix" for the beginning of a path.
_HOST = re.compile(r"(?!unix$)[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?\]")


def address(value: Any) -> str:
    host, _, port = text(value).rpartition(":")
    if not _HOST.fullmatch(host) or not re.fullmatch("[0-9]{1,5}", port) or not int(port) < 65536:
        raise ValueError('HOST:PORT, for example "127.0.0.1:8787" or "[::1]:8787"')
    return str(value)


def port_of(address: str) -> int:
    """The port of a listener as ``address`` reads it."""
    return int(address.rpartition(":")[2])


#: Its path is printable ASCII without "?" and "#": it goes into header fields.
_URL = re.compile(r'https?://[A-Za-z0-9.\-\[\]:]+(/[!"$->@-~]*)?')


def url(value: Any) -> str:
    if value and not _URL.fullmatch(text(value)):
        raise ValueError('a URL such as "https://cloud.site.example"')
    return str(value).rstrip("/")


def store_url(value: Any) -> str:
    if text(value):
        try:
            parsed = make_url(value)
        except (ArgumentError, ValueError):
            parsed = None
        if parsed is None or not _is_store(parsed):
            raise ValueError('a URL such as "sqlite:////var/lib/x/store.db" or "postgresql://user@host/name"')
    return str(value)


def _is_store(url: URL) -> bool:
    if url.drivername == "sqlite":  # what is in memory is of one process, and gone with it
        return url.database not in (None, "", ":memory:")
    return url.drivername in ("postgresql", "postgresql+psycopg")


def header_text(value: Any) -> str:
    """What can go into a header field as it stands; beyond ASCII servers and clients disagree."""
    if not text(value).isascii() or not value.isprintable():
        raise ValueError("a text of printable ASCII characters")
    return str(value)


def quotable(value: Any) -> str:
    if not text(value).isascii() or not value.isprintable() or '"' in value or "\\" in value:
        raise ValueError("a text of printable ASCII characters without quotes and backslashes")
    return str(value)


def mode(value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"[0-7]{3}", value):
        raise ValueError('three octal digits as a text, for example "640"')
    return int(value, 8)


def one_of(*words: str) -> Callable[[Any], str]:
    def chosen(value: Any) -> str:
        if value not in words:
            raise ValueError(" or ".join(f'"{word}"' for word in words))
        return str(value)

    return chosen


@dataclass(frozen=True, slots=True)
class Option:
    """One key of one section."""

    read: Callable[[Any], Any]
    default: Any
    help: str
    secret: bool = False


#: Fixed sections whose other keys are options of the driver that they name.
OF_A_DRIVER = frozenset({"objects"})

#: The fixed sections. Those named by the user (back ends, types, quotas) follow below.
OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "server": {
        "bind": Option(address, "127.0.0.1:8787", "listener, HOST:PORT"),
        "admin_bind": Option(
            lambda v: address(v) if v else "", "", "a second listener with metrics; keep it private"
        ),
        "public_url": Option(url, "", "base of every link; empty = scheme and Host of the request"),
        "workers": Option(positive, 2, "worker processes"),
        "threads": Option(positive, 4, "threads of each worker"),
        "timeout": Option(positive, 120, "seconds after which a silent worker is replaced"),
        "graceful_timeout": Option(positive, 30, "seconds that requests in flight have at a stop"),
        "trusted_proxies": Option(texts, ("127.0.0.1", "::1"), "peers whose forwarded headers count"),
        "max_body": Option(size, 1 << 20, "largest body of a model request"),
        "server_name": Option(header_text, "", "product token put first in the Server header"),
    },
    "store": {
        "url": Option(
            store_url, "", "sqlite:///FILE or postgresql://...; empty = store.db in the data folder"
        ),
    },
    "objects": {
        "driver": Option(text, "directory", "where values are kept: directory, s3, or a driver of others"),
        "enterprise": Option(positive, 32473, "IANA enterprise number in object IDs; this one is an example"),
        "copy_at_once": Option(
            positive, 2000, "objects that a request copies at most; more are copied by the worker, after it"
        ),
    },
    "auth": {
        "methods": Option(texts, ("basic",), "modes of authentication"),
        "realm": Option(quotable, "stratusgate", "realm of the Basic challenge"),
        "anonymous_model": Option(switch, False, "let anybody read the discovery documents"),
        "failures_per_minute": Option(natural, 10, "failed sign-ins of one address before 429; 0 = no limit"),
    },
    "tenancy": {
        "umask": Option(mode, "177", "bits taken from 777 for what is made"),
        "collection_delete": Option(
            one_of("owner", "off"),
            "owner",
            "deleting a collection deletes what the caller owns, or is refused",
        ),
        "import": Option(
            one_of("none", "admin"),
            "admin",
            "machines and volumes found in a back end: ignored, or given to the admin role",
        ),
    },
    "defaults": {
        "instance_type": Option(text, "", "type of a machine that names none; empty = the first"),
        "image": Option(text, "", "image of a machine that names none; empty = the first"),
        "cores": Option(positive, 1, "cores of a machine that gives only its memory"),
        "memory": Option(size, 1 << 30, "memory of a machine that gives only its cores"),
        "templates_required": Option(switch, False, "refuse a machine that names no image and type"),
    },
    "log": {
        "format": Option(one_of("auto", "json", "text"), "auto", "auto = text on a terminal, else json"),
        "level": Option(one_of("debug", "info", "warning", "error"), "info", "least level written"),
        "access": Option(switch, True, "one line for each request"),
    },
    "audit": {
        "file": Option(text, "", "also append every record to this file, one JSON object a line"),
    },
    "metrics": {
        "enabled": Option(switch, True, "collect metrics, served on /metrics"),
        "quotas": Option(switch, True, "also limits and use of each tenant; the tenant's name is a label"),
        "token": Option(
            text, "", "bearer token that may read /metrics besides admin and monitor", secret=True
        ),
    },
}

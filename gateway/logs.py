"""Logging: one event a line on standard error, JSON or key=value text."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def _printable(line: str) -> str:
    """The line with what steers terminals or ends lines escaped; it stands inside JSON strings only."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


#: Kept because ``json.dumps`` with options makes a new one at each call.
_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode


def _json(fields: Mapping[str, Any]) -> str:
    # An encoder is set up anew for each structure that it is given; texts and numbers need none.
    pairs = [f'"{name}": {_WRITERS.get(type(value), _encode)(value)}' for name, value in fields.items()]
    return _printable(f"{{{', '.join(pairs)}}}")


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    float: float.__repr__,
    type(None): lambda value: "null",
}


def _text(fields: Mapping[str, Any]) -> str:
    return _printable(
        " ".join(
            f"{name}={_encode(value) if _quoted(value) else value}"
            for name, value in fields.items()
            if value is not None
        )
    )


def _quoted(value: Any) -> bool:
    return isinstance(value, str) and (not value or any(c in ' "=' or not c.isprintable() for c in value))


class Formatter(logging.Formatter):
    """``time level logger msg`` and whatever the call added under ``extra={"fields": {...}}``."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._write = _json if as_json else _text

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return self._write(fields)


class RequestLog:
    """One line for each request, without the cost of a ``LogRecord``."""

    def __init__(self, *, as_json: bool, enabled: bool = True) -> None:
        self._write = _json if as_json else _text
        self.enabled = enabled

    def line(self, nanoseconds: int, fields: Mapping[str, Any]) -> str:
        """The line of a request that ended then (since 1970); empty where nobody wants any."""
        if not self.enabled:
            return ""
        seconds, rest = divmod(nanoseconds, 1_000_000_000)
        stamp = f"{_second(seconds)}.{rest // 1_000_000:03d}+00:00"
        return self._write({"time": stamp, "level": "info", "logger": "request", **fields}) + "\n"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def as_json(format: str) -> bool:
    """Whether the configured format means JSON here; ``auto`` is text on a terminal only."""
    return format == "json" or (format == "auto" and not sys.stderr.isatty())


def configure(format: str, level: str) -> None:
    """Send everything that uses ``logging`` to standard error in the configured form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json=as_json(format)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    logging.getLogger("alembic").setLevel(logging.WARNING)

"""Logging: one event a line on standard error, JSON or key=value text."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
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
    return _printable(_encode(fields))


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

    def line(self, **fields: Any) -> None:
        if self.enabled:
            stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
            sys.stderr.write(
                self._write({"time": stamp, "level": "info", "logger": "request", **fields}) + "\n"
            )


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

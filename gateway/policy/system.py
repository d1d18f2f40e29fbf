"""Data system metadata: what clients wish of storage, its forms, and what it forbids (CDMI 16.4, 17).

An item of a wrong form is not used, but for those whose clause names an error. Retention and holds bind
everybody, whatever their roles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.model import Forbidden, InvalidRequest, Json

RETENTION_ID = "cdmi_retention_id"
RETENTION_PERIOD = "cdmi_retention_period"
RETENTION_AUTODELETE = "cdmi_retention_autodelete"
HOLD_ID = "cdmi_hold_id"
VALUE_HASH = "cdmi_value_hash"
ASSIGNED_SIZE = "cdmi_assignedsize"
DOMAIN_ENABLED = "cdmi_domain_enabled"
DOMAIN_REASSIGN = "cdmi_domain_delete_reassign"

#: Whoever writes one of these needs the right to retention (13.2).
RETENTION = frozenset({RETENTION_ID, RETENTION_PERIOD, RETENTION_AUTODELETE})

#: Algorithms as the standard spells them -> as hashlib does.
HASHES: Mapping[str, str] = {"SHA160": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}

#: What an object does not get from the containers above it, and a copy not from its source.
_OWN = frozenset({ASSIGNED_SIZE, DOMAIN_ENABLED, DOMAIN_REASSIGN})
NOT_COPIED = RETENTION | {HOLD_ID}

MAX_TEXT = 1024
MAX_HOLDS = 256
MAX_PLACES = 300

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_INTERVAL = re.compile(f"({_TIME})/({_TIME})")
_PLACE = re.compile(r"!?(?:[A-Z]{2}(?:-[A-Z0-9]{1,3})?|\*)|\*")


@dataclass(frozen=True, slots=True)
class Protection:
    """What retention and holds of one object come to."""

    until: datetime | None = None  # the end of its retention
    expires: datetime | None = None  # when it is to be removed by itself
    holds: int = 0


def interval(text: object) -> tuple[datetime, datetime] | None:
    """(start, end) of ``start/end``; None for what is none (5.14).

    >>> interval("2026-01-01T00:00:00.000000Z/2026-02-01T00:00:00.000000Z")[1].month
    2
    """
    found = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        start, end = (
            datetime.strptime(part, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC) for part in found.groups()
        )
    except ValueError:
        return None
    return (start, end) if start <= end else None


def protection_of(system: Mapping[str, Json]) -> Protection:
    """What an object's own items say; they have been read by ``read``."""
    if not system:
        return _NONE
    period = interval(system.get(RETENTION_PERIOD))
    until = period[1] if period else None
    removes = system.get(RETENTION_AUTODELETE) == "true"
    return Protection(until, until if removes else None, len(system.get(HOLD_ID, ())))


_NONE = Protection()


def _number(value: Json) -> Json | None:
    return value if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value) else None


def _text(value: Json) -> Json | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TEXT and "\0" not in value else None


def _truth(value: Json) -> Json | None:
    return value if value in ("true", "false") else None


def _one_of(names: Iterable[str]) -> Callable[[Json], Json | None]:
    known = frozenset(names)
    return lambda value: value if isinstance(value, str) and value in known else None


def _texts(value: Json) -> Json | None:
    if isinstance(value, list) and len(value) <= MAX_HOLDS and all(_text(one) for one in value):
        return value
    return None


def _period(value: Json) -> Json:
    if interval(value) is None:
        raise InvalidRequest(
            f"{RETENTION_PERIOD}: not start/end, each such as 2026-01-01T00:00:00.000000Z",
            field=RETENTION_PERIOD,
        )
    return value


def _holds(value: Json) -> Json:
    """Both forms of the text are read: a list of names, or an object whose members they are."""
    names = list(value) if isinstance(value, dict) else value
    if _texts(names) is None:
        raise InvalidRequest(f"{HOLD_ID}: a list of at most {MAX_HOLDS} texts", field=HOLD_ID)
    return list(dict.fromkeys(names))


def _places(value: Json) -> Json:
    name = "cdmi_geographic_placement"
    fits = isinstance(value, list) and len(value) <= MAX_PLACES
    if not fits or not all(isinstance(one, str) and _PLACE.fullmatch(one) for one in value):
        raise InvalidRequest(f"{name}: a list of country codes such as DE, !US, *", field=name)
    return value


#: Name -> what gives the item to be kept; None where its form is wrong.
FORMS: Mapping[str, Callable[[Json], Json | None]] = {
    "cdmi_data_redundancy": _number,
    "cdmi_immediate_redundancy": _truth,
    ASSIGNED_SIZE: _number,
    "cdmi_infrastructure_redundancy": _number,
    "cdmi_data_dispersion": _number,
    "cdmi_geographic_placement": _places,
    RETENTION_ID: _text,
    RETENTION_PERIOD: _period,
    RETENTION_AUTODELETE: _truth,
    HOLD_ID: _holds,
    "cdmi_encryption": _text,
    VALUE_HASH: _one_of(HASHES),
    "cdmi_latency": _number,
    "cdmi_throughput": _number,
    "cdmi_sanitization_method": _text,
    "cdmi_RPO": _number,
    "cdmi_RTO": _number,
}

#: Of domains alone.
DOMAIN_FORMS: Mapping[str, Callable[[Json], Json | None]] = {
    DOMAIN_ENABLED: _truth,
    DOMAIN_REASSIGN: _text,
}


def read(given: Mapping[str, Json], *, domain: bool = False) -> dict[str, Json]:
    """The items that are to be kept of what a client sent. Raises InvalidRequest."""
    forms = DOMAIN_FORMS if domain else FORMS
    kept = {name: forms[name](value) for name, value in given.items() if name in forms}
    return {name: value for name, value in kept.items() if value is not None}


def effective(own: Mapping[str, Json], above: Iterable[Mapping[str, Json]]) -> Mapping[str, Json]:
    """An object's items with those that it has from the containers above it, the root's first."""
    found: dict[str, Json] = {}
    for items in above:
        found.update(items)
    for name in _OWN & found.keys():
        del found[name]
    return {**found, **own}


def require_lasting(present: Mapping[str, Json], wanted: Mapping[str, Json]) -> None:
    """Raises Forbidden where retention would end earlier or a hold would go (16.4)."""
    before, after = interval(present.get(RETENTION_PERIOD)), interval(wanted.get(RETENTION_PERIOD))
    if before is not None and (after is None or after[1] < before[1]):
        raise Forbidden(f"{RETENTION_PERIOD}: may not end earlier than before")
    lost = set(present.get(HOLD_ID, ())) - set(wanted.get(HOLD_ID, ()))
    if lost:
        raise Forbidden(f"{HOLD_ID}: {min(lost)[:80]} may not be removed")


def only_lengthens(present: Mapping[str, Json], wanted: Mapping[str, Json]) -> bool:
    """Whether two sets of items differ in nothing but a longer retention and more holds."""
    allowed = {RETENTION_PERIOD, HOLD_ID}
    names = present.keys() | wanted.keys()
    return all(present.get(name) == wanted.get(name) for name in names - allowed)

"""How long the texts may be that callers send, whichever front end they come through.

What has no limit of its own here has that of names. The limits are those of the clouds behind: 255
characters is what OpenStack keeps of a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from gateway.model import InvalidRequest, shorten

#: Characters of an identifier, a name, a title and everything else that is not told below.
NAME = 255
#: Characters of a path; PostgreSQL takes no more than 2704 bytes into an index.
PATH = 2048

#: Field of the common model -> characters.
LIMITS: Mapping[str, int] = {
    "summary": 4096,
    "data": 16384,  # of a public key: one of RSA with 16384 bits takes 3 KiB, certificates more
    "public_key": 16384,
    "scheme": 1024,
    "rel": 1024,
    "path": PATH,
    "location": PATH,
}


def check(asked: Any) -> None:
    """Look at every text of a specification or a mapping of fields, and of what is inside of it.

    Raises InvalidRequest naming the field of the first that is too long.
    """
    for name, value in _texts("", asked):
        limit = LIMITS.get(name, NAME)
        if len(value) > limit:
            raise InvalidRequest(
                f"{shorten(name)}: {len(value)} characters are too many; at most {limit} are taken",
                field=shorten(name),
                reason="too_long",
            )


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a value, with the name of the field that it stands in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _texts(name, one)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(str(key), key)
            yield from _texts(str(key), one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(field.name, getattr(value, field.name))

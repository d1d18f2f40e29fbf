"""Counters that tell every worker whether what it remembers still holds: one read for each request."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select, update

from .database import Database, Query
from .schema import generations

#: Where the WSGI environment keeps what was read at the beginning of the request.
KEY = "stratusgate.generations"


class Generations(NamedTuple):
    """What was derived of a thing holds as long as its number stands."""

    users: int
    catalogue: int  # images
    tags: int  # user-defined mixins
    domains: int  # of stored objects, and their members


_c = generations.c
_READ = Query(select(_c.users, _c.catalogue, _c.tags, _c.domains))
BUMP_USERS = Query(update(generations).values(users=_c.users + 1))
BUMP_CATALOGUE = Query(update(generations).values(catalogue=_c.catalogue + 1))
BUMP_TAGS = Query(update(generations).values(tags=_c.tags + 1))
BUMP_DOMAINS = Query(update(generations).values(domains=_c.domains + 1))


def read(database: Database) -> Generations:
    return database.recall(_READ, lambda: Generations(*database.read(_READ)[0]))

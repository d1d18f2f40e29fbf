"""User-defined mixins: private labels that their owner puts on what the owner may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select

from gateway import lengths
from gateway.model import AlreadyExists, NotFound

from .database import Constraint, Database, Query, Transaction
from .generations import BUMP_TAGS
from .overlay import now
from .schema import resources, tagged, tags

_c = tags.c
_LIST = Query(
    select(_c.seq, _c.scheme, _c.term, _c.title, _c.rel, _c.location)
    .where(_c.owner == bindparam("user"))
    .order_by(_c.seq)
)
_NAMES = ("owner", "scheme", "term", "title", "rel", "location", "created")
_ADD = Query(insert(tags).values({name: bindparam(name) for name in _NAMES}))
_REMOVE = Query(delete(tags).where(_c.owner == bindparam("user"), _c.seq == bindparam("tag")))
_PUT = Query(insert(tagged).values(tag=bindparam("tag"), resource=bindparam("resource")))
_TAKE = Query(delete(tagged).where(tagged.c.tag == bindparam("t"), tagged.c.resource == bindparam("r")))
_CLEAR = Query(delete(tagged).where(tagged.c.tag == bindparam("t")))
_HAS = Query(select(tagged.c.tag).where(tagged.c.tag == bindparam("t"), tagged.c.resource == bindparam("r")))
_KINDS = Query(
    select(resources.c.kind)
    .distinct()
    .join(tagged, tagged.c.resource == resources.c.seq)
    .where(tagged.c.tag == bindparam("t"))
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A user-defined mixin (GFD.185 section 3.4.1): no attributes, no actions."""

    seq: int
    scheme: str
    term: str
    title: str | None
    rel: str | None  # kept and shown as given, never resolved
    location: str

    @property
    def identifier(self) -> str:
        return self.scheme + self.term


class Tags:
    """The tags of one store, always those of one owner."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def list(self, user: str) -> Sequence[Tag]:
        return [Tag(*row) for row in self.database.read(_LIST, user=user)]

    def add(
        self, user: str, *, scheme: str, term: str, title: str | None, rel: str | None, location: str
    ) -> None:
        """Raises InvalidRequest for what is too long, AlreadyExists where identifier or location is taken."""
        values = {"scheme": scheme, "term": term, "title": title, "rel": rel, "location": location}
        lengths.check(values)
        try:
            with self.database.write() as tx:
                tx.run(_ADD, owner=user, created=now(), **values)
                tx.run(BUMP_TAGS)
        except Constraint:
            raise AlreadyExists(f"mixin {scheme}{term} or location {location} is defined already") from None

    def remove(self, user: str, tag: Tag) -> None:
        """Take the tag and all its uses away. Raises NotFound."""
        with self.database.write() as tx:
            if tx.run(_REMOVE, user=user, tag=tag.seq) == 0:
                raise NotFound(f"no mixin {tag.identifier}")
            tx.run(BUMP_TAGS)

    def kinds(self, tag: Tag) -> Sequence[str]:
        """The kinds of resources that have the tag."""
        return [row[0] for row in self.database.read(_KINDS, t=tag.seq)]

    def put(self, tx: Transaction, tag: int, resources: Iterable[int]) -> None:
        """Put the tag on resources (by seq); those that have it keep it."""
        for resource in resources:
            if not tx.rows(_HAS, t=tag, r=resource):
                tx.run(_PUT, tag=tag, resource=resource)

    def take(self, tx: Transaction, tag: int, resources: Iterable[int]) -> None:
        for resource in resources:
            tx.run(_TAKE, t=tag, r=resource)

    def clear(self, tx: Transaction, tag: int) -> None:
        """Take the tag off everything."""
        tx.run(_CLEAR, t=tag)

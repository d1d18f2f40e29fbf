"""The tables of the store: what no back end can remember.

Only integers and texts, so that a row read by either database is the same tuple. Times are microseconds
since 1970 UTC. ``resources.seq`` is the order of creation and the key of paging.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

#: Texts that are listed in the order of their bytes, as SQLite has them anyway.
_Bytewise = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite gives out row numbers by itself only for a column that is exactly INTEGER.
_Serial = BigInteger().with_variant(Integer(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("groups", Text, nullable=False),  # JSON list
    Column("roles", Text, nullable=False),  # JSON list
    Column("password", Text, nullable=False),  # argon2 string
    Column("disabled", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
)

#: One row of counters. A worker's cache is good as long as the counter it was filled under stands.
generations = Table(
    "generations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("users", BigInteger, nullable=False),
    Column("catalogue", BigInteger, nullable=False),  # images
    Column("tags", BigInteger, nullable=False),
    Column("domains", BigInteger, nullable=False, server_default="0"),  # of stored objects
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("address", Text, primary_key=True),
    Column("minute", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
)

_HAS_PATH = text("path IS NOT NULL")
_HAS_KEY = text("key IS NOT NULL")

#: Ownership of everything, and the ledger of quotas: a row is written before the back end is called
#: (``state`` "making") and what it holds counts from then on.
resources = Table(
    "resources",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),  # the token while "making"
    Column("zone", Text, nullable=False),
    Column("state", Text, nullable=False),  # "making" or "live"
    Column("token", Text, nullable=False),  # the back end keeps it too
    Column("key", Text),  # what may exist only once: an idempotency key, a link, an adoption
    Column("owner", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("group_name", Text, nullable=False),
    Column("mode", Integer, nullable=False),  # nine bits, owner/group/other x use/manage/admin
    Column("other_tenants", Integer, nullable=False),
    Column("path", Text),  # where a client chose it
    Column("extra", Text),  # JSON object: what the back end cannot hold
    Column("vcpus", BigInteger, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("instance_type", Text),
    Column("fingerprint", Text),  # of the request, where it carried an idempotency key
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("kind", "id", name="uq_resources_kind_id"),
    Index("ix_resources_owner", "kind", "owner", "seq"),
    Index("ix_resources_tenant", "kind", "tenant", "seq"),
    # Every index costs each create; most rows have neither path nor key.
    Index("uq_resources_path", "path", unique=True, sqlite_where=_HAS_PATH, postgresql_where=_HAS_PATH),
    Index("uq_resources_key", "key", unique=True, sqlite_where=_HAS_KEY, postgresql_where=_HAS_KEY),
)

#: User-defined mixins without attributes and actions: private labels of their owner.
tags = Table(
    "tags",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("owner", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("term", Text, nullable=False),
    Column("title", Text),
    Column("rel", Text),
    Column("location", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    UniqueConstraint("owner", "scheme", "term", name="uq_tags_identifier"),
    UniqueConstraint("owner", "location", name="uq_tags_location"),
)

tagged = Table(
    "tagged",
    metadata,
    Column("tag", _Serial, ForeignKey("tags.seq", ondelete="CASCADE"), primary_key=True),
    Column("resource", _Serial, ForeignKey("resources.seq", ondelete="CASCADE"), primary_key=True),
    Index("ix_tagged_resource", "resource"),
)

#: Written with every change and read by operators now and then: no index, each would cost every change.
audit = Table(
    "audit",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("time", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("resource_id", Text),
    Column("record", Text, nullable=False),  # JSON object, the whole record
)

#: Work that exactly one process of all nodes does at a time.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

#: The tree of stored objects. The root is the one row with an empty name and no parent; a row without a name
#: is reached by its ID only.
objects = Table(
    "objects",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),  # CDMI object ID
    Column("kind", Text, nullable=False),
    Column("parent", _Serial, ForeignKey("objects.seq")),
    Column("name", _Bytewise),
    Column("owner", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("group_name", Text, nullable=False),
    Column("acl", Text, nullable=False),  # JSON list
    Column("metadata", Text, nullable=False),  # JSON object
    Column("completion", Text, nullable=False),
    Column("mimetype", Text),
    Column("encoding", Text),
    Column("size", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("domain", _Serial, ForeignKey("objects.seq")),  # NULL: of domains, which are their own
    Column("system", Text, nullable=False, server_default="{}"),  # JSON object: data system metadata
    Column("exports", Text, nullable=False, server_default="{}"),  # JSON object; of containers
    Column("storage_class", Text),
    Column("classed", BigInteger),  # since when it is in its class
    Column("fields", Text, nullable=False, server_default="{}"),  # JSON object: what no standard knows
    Column("target", Text),  # URI; of references
    Column("digest", Text),  # of data objects whose values are hashed
    Column("next", BigInteger, nullable=False, server_default="0"),  # designator; of queues
    Column("accessed", BigInteger),
    Column("reads", BigInteger, nullable=False, server_default="0"),
    Column("percent", Integer),  # done of a delayed create
    Column("failure", Text, nullable=False, server_default=""),
    Column("retained", BigInteger),  # the end of its retention
    Column("expires", BigInteger),  # when it is to be removed
    Column("held", Integer, nullable=False, server_default="0"),  # how many holds there are on it
    UniqueConstraint("parent", "name", name="uq_objects_parent_name"),
    Index("ix_objects_domain", "domain"),
    Index("ix_objects_tenant", "tenant", "size"),
    Index("ix_objects_group_name", "group_name", "size"),
    Index("ix_objects_owner", "owner", "size"),
    Index("ix_objects_expires", "expires"),
)

#: Every value that some object may have; a value that is written and has no row belongs to nobody yet.
object_values = Table(
    "object_values",
    metadata,
    Column("key", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
)

#: The value of an object is its extents one after another. A key that is referred to cannot be given up.
extents = Table(
    "extents",
    metadata,
    Column("object", _Serial, ForeignKey("objects.seq", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True),  # where in the object's value it begins
    Column("length", BigInteger, nullable=False),
    Column("key", Text, ForeignKey("object_values.key"), nullable=False),
    Column("offset", BigInteger, nullable=False),  # where in the stored value it begins
    Index("ix_extents_key", "key"),
)

#: Creates that go on after their request: what is being made, of what, for whom.
jobs = Table(
    "jobs",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=True),
    Column("object", _Serial, ForeignKey("objects.seq", ondelete="CASCADE"), nullable=False, unique=True),
    Column("source", Text, nullable=False),  # object ID
    Column("principal", Text, nullable=False),  # JSON object
    Column("as_it_is", Integer, nullable=False),  # 1: with owners and lists, as in a snapshot
    Column("begun", BigInteger, nullable=False),
)

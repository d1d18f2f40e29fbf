"""Stored objects: their tree, and the extents of their values"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent", _SERIAL, nullable=True),
        sa.Column("name", _BYTEWISE, nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("acl", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("completion", sa.Text(), nullable=False),
        sa.Column("mimetype", sa.Text(), nullable=True),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent"], ["objects.seq"], name=op.f("fk_objects_parent")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_objects")),
        sa.UniqueConstraint("id", name=op.f("uq_objects_id")),
        sa.UniqueConstraint("parent", "name", name="uq_objects_parent_name"),
    )
    op.create_table(
        "object_values",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_object_values")),
    )
    op.create_table(
        "extents",
        sa.Column("object", _SERIAL, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["object"], ["objects.seq"], name=op.f("fk_extents_object"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["key"], ["object_values.key"], name=op.f("fk_extents_key")),
        sa.PrimaryKeyConstraint("object", "start", name=op.f("pk_extents")),
    )
    op.create_index("ix_extents_key", "extents", ["key"])


def downgrade() -> None:
    op.drop_table("extents")
    op.drop_table("object_values")
    op.drop_table("objects")

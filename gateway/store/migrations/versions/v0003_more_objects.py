"""Queues, domains, references, retention and delayed creates"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ADDED = (
    ("system", sa.Text(), "{}"),
    ("exports", sa.Text(), "{}"),
    ("storage_class", sa.Text(), None),
    ("classed", sa.BigInteger(), None),
    ("fields", sa.Text(), "{}"),
    ("target", sa.Text(), None),
    ("digest", sa.Text(), None),
    ("next", sa.BigInteger(), "0"),
    ("accessed", sa.BigInteger(), None),
    ("reads", sa.BigInteger(), "0"),
    ("percent", sa.Integer(), None),
    ("failure", sa.Text(), ""),
    ("retained", sa.BigInteger(), None),
    ("expires", sa.BigInteger(), None),
    ("held", sa.Integer(), "0"),
)


#: What quotas are counted by.
_OWNING = ("tenant", "group_name", "owner")


def upgrade() -> None:
    op.add_column("generations", sa.Column("domains", sa.BigInteger(), nullable=False, server_default="0"))
    with op.batch_alter_table("objects") as table:
        table.add_column(sa.Column("domain", _SERIAL, nullable=True))
        for name, type, default in _ADDED:
            nullable = default is None
            table.add_column(sa.Column(name, type, nullable=nullable, server_default=default))
        table.create_foreign_key(op.f("fk_objects_domain"), "objects", ["domain"], ["seq"])
    op.create_index("ix_objects_domain", "objects", ["domain"])
    op.create_index("ix_objects_expires", "objects", ["expires"])
    for name in _OWNING:
        op.create_index(f"ix_objects_{name}", "objects", [name, "size"])
    op.create_table(
        "jobs",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("object", _SERIAL, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("as_it_is", sa.Integer(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["object"], ["objects.seq"], name=op.f("fk_jobs_object"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_jobs")),
        sa.UniqueConstraint("object", name=op.f("uq_jobs_object")),
    )


def downgrade() -> None:
    op.drop_column("generations", "domains")
    op.drop_table("jobs")
    op.drop_index("ix_objects_expires", "objects")
    for name in _OWNING:
        op.drop_index(f"ix_objects_{name}", "objects")
    op.drop_index("ix_objects_domain", "objects")
    with op.batch_alter_table("objects") as table:
        table.drop_constraint(op.f("fk_objects_domain"), type_="foreignkey")
        for name, _, _ in reversed(_ADDED):
            table.drop_column(name)
        table.drop_column("domain")
    # An earlier version knows none of these; what is in them goes along.
    op.execute(
        "WITH RECURSIVE gone AS (SELECT seq FROM objects WHERE kind NOT IN ('container', 'dataobject')"
        " UNION SELECT objects.seq FROM objects JOIN gone ON objects.parent = gone.seq)"
        " DELETE FROM objects WHERE seq IN (SELECT seq FROM gone)"
    )
    op.execute("DELETE FROM extents WHERE object NOT IN (SELECT seq FROM objects)")

"""Rankers and fusers are versions of one table, and so are the decisions about them.

A fuser's version gets a number after the rankers', and whatever carries its name is renamed with it.

Revision 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Row = dict[str, Any]


def upgrade() -> None:
    connection = op.get_bind()
    rankers, fusers = _read(connection, "ranker_version"), _read(connection, "fuser_version")
    decisions, of_fusers = _read(connection, "promotion"), _read(connection, "fuser_promotion")
    offset = max((row["id"] for row in rankers), default=0)
    after = max((row["id"] for row in decisions), default=0)
    _drop_old_tables()
    versions, promotions = _create_versions(), _create_promotions()
    _insert(connection, versions, [{**row, "role": "ranker"} for row in rankers])
    moved = [_shift(row, offset, "id", "parent_id") for row in fusers]
    _insert(connection, versions, [{**row, "role": "fuser", "kind": "fuser"} for row in moved])
    _insert(connection, promotions, [_name_version(row, "ranker_version_id") for row in decisions])
    moved = [
        _shift(_name_version(row, "fuser_version_id"), offset, "version_id", "previous_id")
        for row in of_fusers
    ]
    _insert(connection, promotions, [_shift(row, after, "id") for row in moved])
    with op.batch_alter_table("ranking") as batch_op:
        batch_op.create_foreign_key(
            op.f("fk_ranking_ranker_version_id"), "model_version", ["ranker_version_id"], ["id"]
        )
    _rename_fusers(connection, {row["id"]: row["id"] + offset for row in fusers})
    if connection.dialect.name == "postgresql":
        for table in ("model_version", "promotion"):
            _go_on_counting(table)


def _read(connection: sa.Connection, name: str) -> list[Row]:
    table = sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
    return [dict(row) for row in connection.execute(table.select().order_by(table.c.id)).mappings()]


def _insert(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    if rows:
        connection.execute(table.insert(), rows)


def _shift(row: Row, offset: int, *names: str) -> Row:
    return {**row, **{name: row[name] + offset for name in names if row[name] is not None}}


def _name_version(row: Row, old_name: str) -> Row:
    return {("version_id" if name == old_name else name): value for name, value in row.items()}


def _drop_old_tables() -> None:
    with op.batch_alter_table("ranking") as batch_op:
        batch_op.drop_constraint(op.f("fk_ranking_ranker_version_id"), type_="foreignkey")
    for table in ("promotion", "fuser_promotion", "fuser_version", "ranker_version"):
        op.drop_table(table)


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _create_versions() -> sa.Table:
    table = op.create_table(
        "model_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", _words("modelrole", "ranker", "fuser"), nullable=False),
        sa.Column("kind", _words("modelkind", "fast", "joint", "pointwise", "fuser"), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("base_model", sa.String(length=512), nullable=False),
        sa.Column("base_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("cut_off_preference_id", sa.Integer(), nullable=False),
        sa.Column("n_train", sa.Integer(), nullable=False),
        sa.Column("n_held_out", sa.Integer(), nullable=False),
        sa.Column("hyper_parameters", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "(role = 'fuser') = (kind = 'fuser')", name=op.f("ck_model_version_kind_suits_role")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["training_job.id"], name=op.f("fk_model_version_job_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["model_version.id"], name=op.f("fk_model_version_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("job_id", name=op.f("uq_model_version_job_id")),
    )
    op.create_index(
        "uq_model_version_active",
        "model_version",
        ["role"],
        unique=True,
        sqlite_where=sa.text("is_active"),
        postgresql_where=sa.text("is_active"),
    )
    return table


def _create_promotions() -> sa.Table:
    table = op.create_table(
        "promotion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["annotator.id"], name=op.f("fk_promotion_decided_by_id")),
        sa.ForeignKeyConstraint(["previous_id"], ["model_version.id"], name=op.f("fk_promotion_previous_id")),
        sa.ForeignKeyConstraint(["version_id"], ["model_version.id"], name=op.f("fk_promotion_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
    )
    op.create_index(op.f("ix_promotion_version_id"), "promotion", ["version_id"])
    return table


def _rename_fusers(connection: sa.Connection, numbers: dict[int, int]) -> None:
    """Fusions and the members that they are credited to carry a fuser's name; the highest number goes first."""
    for old, new in sorted(numbers.items(), reverse=True):
        if old == new:
            continue
        for table, column in (("fusion", "fuser"), ("member", "name"), ("member", "model")):
            where = f"{column} = :old OR {column} LIKE '% ' || :old"
            if table == "member":
                where = f"backend = 'fusion' AND ({where})"
            connection.execute(
                sa.text(f"UPDATE {table} SET {column} = replace({column}, :old, :new) WHERE {where}"),
                {"old": f"fuser version {old}", "new": f"fuser version {new}"},
            )


def _go_on_counting(table: str) -> None:
    op.execute(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
        f"COALESCE((SELECT MAX(id) FROM {table}), 0) + 1, false)"
    )

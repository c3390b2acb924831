"""Trainings and generations are jobs of one table.

Trainings keep their numbers, because versions, curves and checkpoints' folders carry them. A generation gets
a number after the trainings'.

Revision 0010.
"""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

Row = dict[str, Any]
REFERRING = (("model_version", "fk_model_version_job_id"), ("training_point", "fk_training_point_job_id"))
_OF_A_GENERATION = {"kind": "generation", "options": {}, "cut_off_preference_id": 0}
_OF_A_TRAINING = {"n_total": 0, "n_done": 0, "n_failed": 0}


def upgrade() -> None:
    connection = op.get_bind()
    trainings, generations = _read(connection, "training_job"), _read(connection, "generation_job")
    offset = max((row["id"] for row in trainings), default=0)
    is_sqlite = connection.dialect.name == "sqlite"
    op.drop_table("generation_job")
    if is_sqlite:
        # SQLite turns what refers to a table when it is renamed, and only then.
        op.rename_table("training_job", "job")
        op.drop_table("job")
    else:
        for table, constraint in REFERRING:
            op.drop_constraint(constraint, table, type_="foreignkey")
        op.drop_table("training_job")
    jobs = _create_jobs()
    # Two statements, because a generation has no columns of a training to name.
    for rows in (
        [{**row, **_OF_A_TRAINING} for row in trainings],
        [_turn_generation(row, offset) for row in generations],
    ):
        if rows:
            connection.execute(jobs.insert(), rows)
    if not is_sqlite:
        for table, constraint in REFERRING:
            op.create_foreign_key(constraint, table, "job", ["job_id"], ["id"])
        op.execute(
            "SELECT setval(pg_get_serial_sequence('job', 'id'), "
            "COALESCE((SELECT MAX(id) FROM job), 0) + 1, false)"
        )


def _read(connection: sa.Connection, name: str) -> list[Row]:
    table = sa.Table(name, sa.MetaData(), autoload_with=connection, resolve_fks=False)
    return [dict(row) for row in connection.execute(table.select().order_by(table.c.id)).mappings()]


def _turn_generation(row: Row, offset: int) -> Row:
    n_ended = row["n_done"] + row["n_failed"]
    return {
        **row,
        **_OF_A_GENERATION,
        "id": row["id"] + offset,
        "workflow_id": uuid4().hex,
        "phase": row["status"],
        "progress": n_ended / row["n_total"] if row["n_total"] else 0.0,
        "progressed_at": row["heartbeat_at"],
    }


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _create_jobs() -> sa.Table:
    statuses = ("waiting", "running", "complete", "failed", "cancelled")
    table = op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.String(length=64), nullable=False),
        sa.Column(
            "kind", _words("jobkind", "fast", "joint", "pointwise", "fuser", "generation"), nullable=False
        ),
        sa.Column("status", _words("jobstatus", *statuses), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=True),
        sa.Column("cut_off_preference_id", sa.Integer(), nullable=False),
        sa.Column("n_total", sa.Integer(), nullable=False),
        sa.Column("n_done", sa.Integer(), nullable=False),
        sa.Column("n_failed", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("remaining_seconds", sa.Float(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("progressed_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name=op.f("ck_job_progress_is_a_share")),
        sa.CheckConstraint(
            "n_done >= 0 AND n_failed >= 0 AND n_done + n_failed <= n_total",
            name=op.f("ck_job_counts_within_total"),
        ),
        sa.CheckConstraint(
            "(kind = 'generation') = (project_id IS NOT NULL)", name=op.f("ck_job_project_suits_kind")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_job_project_id")),
        sa.ForeignKeyConstraint(["requested_by_id"], ["annotator.id"], name=op.f("fk_job_requested_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_job_workflow_id")),
    )
    op.create_index(op.f("ix_job_status"), "job", ["status"])
    op.create_index(
        "uq_job_unfinished_generation",
        "job",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('waiting', 'running')"),
        postgresql_where=sa.text("status IN ('waiting', 'running')"),
    )
    return table

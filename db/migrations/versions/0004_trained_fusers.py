"""Versions of trained fusers, jobs that make them, and how a fusion's spans were found.

Revision 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _let_jobs_train_fusers()
    _create_versions()
    with op.batch_alter_table("fusion") as batch_op:
        batch_op.add_column(sa.Column("attributed_by", sa.String(length=32), nullable=True))
    op.execute("UPDATE fusion SET attributed_by = 'alignment' WHERE candidate_id IS NOT NULL")


def _let_jobs_train_fusers() -> None:
    with op.batch_alter_table("training_job") as batch_op:
        batch_op.drop_constraint(op.f("ck_training_job_rankerkind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_training_job_jobkind"), "kind IN ('fast', 'joint', 'pointwise', 'fuser')"
        )


def _create_versions() -> None:
    op.create_table(
        "fuser_version",
        sa.Column("id", sa.Integer(), nullable=False),
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
        sa.ForeignKeyConstraint(["job_id"], ["training_job.id"], name=op.f("fk_fuser_version_job_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["fuser_version.id"], name=op.f("fk_fuser_version_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fuser_version")),
        sa.UniqueConstraint("job_id", name=op.f("uq_fuser_version_job_id")),
    )
    with op.batch_alter_table("fuser_version", schema=None) as batch_op:
        batch_op.create_index(
            "uq_fuser_version_active",
            ["is_active"],
            unique=True,
            sqlite_where=sa.text("is_active"),
            postgresql_where=sa.text("is_active"),
        )
    op.create_table(
        "fuser_promotion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fuser_version_id", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["annotator.id"], name=op.f("fk_fuser_promotion_decided_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["fuser_version_id"], ["fuser_version.id"], name=op.f("fk_fuser_promotion_fuser_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["fuser_version.id"], name=op.f("fk_fuser_promotion_previous_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fuser_promotion")),
    )
    with op.batch_alter_table("fuser_promotion", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_fuser_promotion_fuser_version_id"), ["fuser_version_id"], unique=False
        )

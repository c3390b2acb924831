"""Keys that programs send, and how much each was used.

Revision 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("start", sa.String(length=16), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "annotator",
                "researcher",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("requests_a_minute", sa.Integer(), nullable=False),
        sa.Column("tokens_a_day", sa.Integer(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("length(secret_hash) = 64", name=op.f("ck_api_key_secret_is_hashed")),
        sa.CheckConstraint("length(trim(name)) > 0", name=op.f("ck_api_key_name_not_blank")),
        sa.CheckConstraint(
            "requests_a_minute >= 1 AND tokens_a_day >= 1", name=op.f("ck_api_key_limits_are_positive")
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_api_key_annotator_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["annotator.id"], name=op.f("fk_api_key_made_by_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_api_key_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("annotator_id", name=op.f("uq_api_key_annotator_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
    )
    op.create_table(
        "key_use",
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("n_requests", sa.Integer(), nullable=False),
        sa.Column("n_tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_key_use_key_id")),
        sa.PrimaryKeyConstraint("key_id", "day", name=op.f("pk_key_use")),
    )

"""Ballots: several answers of one prompt shown at once, and the pairs that follow from what was said.

Every project goes on asking pairs. Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ASKS = ("pair", "order", "best_worst", "best")


def upgrade() -> None:
    op.create_table(
        "ballot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column(
            "ask",
            sa.Enum(*_ASKS, name="ask", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("shown_seed", sa.Integer(), nullable=False),
        sa.Column("places", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=True),
        sa.Column("retracted_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("ask <> 'pair'", name=op.f("ck_ballot_asks_for_more_than_a_pair")),
        sa.CheckConstraint(
            "(places IS NULL) = (given_at IS NULL) AND (idempotency_key IS NULL) = (given_at IS NULL)",
            name=op.f("ck_ballot_given_as_a_whole"),
        ),
        sa.CheckConstraint(
            "retracted_at IS NULL OR given_at IS NOT NULL", name=op.f("ck_ballot_only_what_was_given")
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_ballot_annotator_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_ballot_prompt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ballot")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_ballot_idempotency_key")),
    )
    op.create_index("ix_ballot_annotator_given", "ballot", ["annotator_id", "given_at"])
    op.create_index(op.f("ix_ballot_prompt_id"), "ballot", ["prompt_id"])
    for table in ("lease", "preference"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("ballot_id", sa.Integer(), nullable=True))
            batch_op.create_foreign_key(f"fk_{table}_ballot_id", "ballot", ["ballot_id"], ["id"])
    has_ballot = sa.text("ballot_id IS NOT NULL")
    for name, table, columns in (
        ("ix_lease_ballot", "lease", ["ballot_id"]),
        ("ix_preference_ballot", "preference", ["annotator_id", "retracted_at", "ballot_id"]),
    ):
        op.create_index(name, table, columns, sqlite_where=has_ballot, postgresql_where=has_ballot)
    asks = sa.Enum(*_ASKS, name="ask", native_enum=False, length=32)
    with op.batch_alter_table("project") as batch_op:
        batch_op.add_column(sa.Column("ask", asks, nullable=False, server_default="pair"))
        batch_op.add_column(sa.Column("n_answers", sa.Integer(), nullable=False, server_default="4"))
        batch_op.create_check_constraint(
            op.f("ck_project_ask"), "ask IN ('pair', 'order', 'best_worst', 'best')"
        )
        batch_op.create_check_constraint(
            op.f("ck_project_n_answers_can_be_shown"), "n_answers >= 3 AND n_answers <= 8"
        )
    # From now on a row says itself what is asked.
    with op.batch_alter_table("project") as batch_op:
        batch_op.alter_column("ask", existing_type=asks, server_default=None)
        batch_op.alter_column("n_answers", existing_type=sa.Integer(), server_default=None)

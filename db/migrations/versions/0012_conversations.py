"""A prompt has a history, and may go on from an answer; old prompts are conversations of one turn.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("prompt") as batch_op:
        batch_op.add_column(sa.Column("history", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("first_turn_fingerprint", sa.String(length=64), nullable=True))
    # From now on a row says itself what came before it.
    with op.batch_alter_table("prompt") as batch_op:
        batch_op.alter_column("history", existing_type=sa.JSON(), server_default=None)
    op.create_table(
        "continuation",
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_continuation_candidate_id")
        ),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_continuation_prompt_id")),
        sa.PrimaryKeyConstraint("prompt_id", name=op.f("pk_continuation")),
    )
    op.create_index(op.f("ix_continuation_candidate_id"), "continuation", ["candidate_id"])

"""Links to rounds, and those that were taken back.

Revision 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_round",
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("n_revoked", sa.Integer(), nullable=False),
        sa.Column("shared_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_shared_round_prompt_id")),
        sa.PrimaryKeyConstraint("prompt_id", name=op.f("pk_shared_round")),
    )

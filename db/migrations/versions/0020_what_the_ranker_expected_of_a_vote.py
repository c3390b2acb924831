"""What the ranker expected of a vote before it came.

Revision 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bet",
        sa.Column("lease_id", sa.Integer(), nullable=False),
        sa.Column("ranking_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lease_id"], ["lease.id"], name=op.f("fk_bet_lease_id")),
        sa.ForeignKeyConstraint(["ranking_id"], ["ranking.id"], name=op.f("fk_bet_ranking_id")),
        sa.PrimaryKeyConstraint("lease_id", name=op.f("pk_bet")),
    )
    with op.batch_alter_table("bet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bet_ranking_id"), ["ranking_id"], unique=False)

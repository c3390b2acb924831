"""What versions in shadow say of new votes.

Revision 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_bet",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("logit", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_id"], ["comparison.id"], name=op.f("fk_shadow_bet_comparison_id")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["model_version.id"], name=op.f("fk_shadow_bet_version_id")),
        sa.PrimaryKeyConstraint("version_id", "comparison_id", name=op.f("pk_shadow_bet")),
    )

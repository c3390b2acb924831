"""An index that has all that counts of preferences by prompt ask for.

It begins with the comparison, so the index on that column alone goes. Revision 0009, after 0006.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_preference_comparison_id", table_name="preference")
    op.create_index(
        "ix_preference_comparison_standing",
        "preference",
        ["comparison_id", "retracted_at", "annotator_id", "outcome"],
    )

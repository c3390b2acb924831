"""The probability with which a chooser had an answer's member asked.

Answers so far were not chosen: NULL. Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("candidate", sa.Column("propensity", sa.Float(), nullable=True))

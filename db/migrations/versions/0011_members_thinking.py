"""What a member thought before it answered has a column of its own.

Answers and failures of before have none: their thinking was not kept.

Revision 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("candidate", "candidate_failure"):
        op.add_column(table, sa.Column("thinking", sa.String(), nullable=False, server_default=""))

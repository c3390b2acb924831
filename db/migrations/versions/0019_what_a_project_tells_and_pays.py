"""When a project tells who wrote what, what it pays, and why a gold pair's answer is right.

Revision 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    reveals = sa.Enum("vote", "end", "never", name="reveal", native_enum=False, length=32)
    with op.batch_alter_table("project") as batch_op:
        batch_op.add_column(sa.Column("reveal", reveals, nullable=False, server_default="vote"))
        batch_op.add_column(sa.Column("pay", sa.Float(), nullable=True))
        batch_op.create_check_constraint(op.f("ck_project_reveal"), "reveal IN ('vote', 'end', 'never')")
        batch_op.create_check_constraint(op.f("ck_project_pay_not_negative"), "pay IS NULL OR pay >= 0")
    # From now on a row says itself when it tells.
    with op.batch_alter_table("project") as batch_op:
        batch_op.alter_column("reveal", existing_type=reveals, server_default=None)
    # Not in a batch, which would copy a million comparisons.
    op.add_column("comparison", sa.Column("gold_reason", sa.Text(), nullable=True))

"""Webhooks are told of drift.

Revision 0024, after 0023.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook_message") as batch_op:
        batch_op.drop_constraint(op.f("ck_webhook_message_webhookevent"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_webhook_message_webhookevent"),
            "event IN ('version.promoted', 'queue.empty', 'member.failing', 'drift.found', 'test')",
        )

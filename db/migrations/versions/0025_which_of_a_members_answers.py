"""Which of a member's answers to a prompt one is.

Revision 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Before, a generation of several answers a member left them in the order of their ids.
NUMBER = """
    UPDATE candidate SET sample = (
        SELECT count(*) FROM candidate AS other
        WHERE other.prompt_id = candidate.prompt_id
          AND other.member_id = candidate.member_id
          AND other.id <= candidate.id
    )
    WHERE member_id IN (SELECT id FROM member WHERE backend IN ('llama_cpp', 'transformers', 'openai'))
      AND EXISTS (
        SELECT 1 FROM candidate AS other
        WHERE other.prompt_id = candidate.prompt_id
          AND other.member_id = candidate.member_id
          AND other.id < candidate.id
    )
"""


def upgrade() -> None:
    for table in ("candidate", "candidate_failure"):
        op.add_column(table, sa.Column("sample", sa.Integer(), nullable=False, server_default="1"))
    op.execute(NUMBER)

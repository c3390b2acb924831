"""The default project asks in a balanced random order, as new ones do (docs/policies.md).

Revision 0006.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE project SET policy = 'balanced_random' WHERE id = 1 AND policy = 'most_informative'")

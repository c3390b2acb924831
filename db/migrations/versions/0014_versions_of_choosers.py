"""Versions of choosers of members, and jobs that train them.

Revision 0014, after 0013.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("model_version") as batch_op:
        batch_op.drop_constraint(op.f("ck_model_version_modelrole"), type_="check")
        batch_op.drop_constraint(op.f("ck_model_version_modelkind"), type_="check")
        batch_op.drop_constraint(op.f("ck_model_version_kind_suits_role"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_model_version_modelrole"), "role IN ('ranker', 'fuser', 'chooser')"
        )
        batch_op.create_check_constraint(
            op.f("ck_model_version_modelkind"), "kind IN ('fast', 'joint', 'pointwise', 'fuser', 'chooser')"
        )
        batch_op.create_check_constraint(
            op.f("ck_model_version_kind_suits_role"),
            "(role = 'fuser') = (kind = 'fuser') AND (role = 'chooser') = (kind = 'chooser')",
        )
    with op.batch_alter_table("job") as batch_op:
        batch_op.drop_constraint(op.f("ck_job_jobkind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_job_jobkind"),
            "kind IN ('fast', 'joint', 'pointwise', 'fuser', 'chooser', 'generation')",
        )

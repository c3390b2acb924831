"""Accounts, projects and gold pairs; what was there belongs to the default project.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=True),
        sa.Column("hub_name", sa.String(length=128), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("length(trim(username)) > 0", name=op.f("ck_account_username_not_blank")),
        sa.CheckConstraint(
            "password_hash IS NOT NULL OR hub_name IS NOT NULL", name=op.f("ck_account_can_sign_in")
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_account_annotator_id")),
        sa.PrimaryKeyConstraint("annotator_id", name=op.f("pk_account")),
        sa.UniqueConstraint("hub_name", name=op.f("uq_account_hub_name")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_audit_event_annotator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_event_annotator_id"), ["annotator_id"], unique=False)
        batch_op.create_index("ix_audit_event_object", ["object_type", "object_id"], unique=False)

    op.create_table(
        "project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("guidelines", sa.String(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("gold_share", sa.Float(), nullable=False),
        sa.Column("attention_share", sa.Float(), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("random_share", sa.Float(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column(
            "audience",
            sa.Enum(
                "everybody", "members", name="audience", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "gold_share + attention_share <= 0.5", name=op.f("ck_project_most_turns_are_labels")
        ),
        sa.CheckConstraint(
            "gold_share >= 0 AND attention_share >= 0", name=op.f("ck_project_shares_not_negative")
        ),
        sa.CheckConstraint("length(trim(name)) > 0", name=op.f("ck_project_name_not_blank")),
        sa.CheckConstraint("overlap >= 1", name=op.f("ck_project_overlap_is_positive")),
        sa.CheckConstraint(
            "random_share > 0 AND random_share <= 1", name=op.f("ck_project_random_share_is_a_share")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["annotator.id"], name=op.f("fk_project_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "annotator",
                "researcher",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("n_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("length(token_hash) = 64", name=op.f("ck_invitation_token_is_hashed")),
        sa.CheckConstraint("n_left >= 0", name=op.f("ck_invitation_n_left_not_negative")),
        sa.ForeignKeyConstraint(["made_by_id"], ["annotator.id"], name=op.f("fk_invitation_made_by_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_invitation_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_table(
        "project_member",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["annotator.id"], name=op.f("fk_project_member_added_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_project_member_annotator_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_project_member_project_id")),
        sa.PrimaryKeyConstraint("project_id", "annotator_id", name=op.f("pk_project_member")),
    )
    with op.batch_alter_table("project_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_member_annotator_id"), ["annotator_id"], unique=False)

    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("length(token_hash) = 64", name=op.f("ck_sign_in_token_is_hashed")),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["account.annotator_id"], name=op.f("fk_sign_in_annotator_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_annotator_id"), ["annotator_id"], unique=False)

    # Ahead of the rows that point at it; on PostgreSQL the next project's id must come after.
    op.execute(
        "INSERT INTO project (name, guidelines, overlap, gold_share, attention_share, policy, random_share,"
        " questions, audience, created_at) VALUES ('Default project', '', 1, 0, 0, 'most_informative', 0.2,"
        " '{}', 'everybody', CURRENT_TIMESTAMP)"
    )

    with op.batch_alter_table("prompt") as batch_op:
        batch_op.add_column(sa.Column("project_id", sa.Integer(), nullable=False, server_default="1"))
        batch_op.drop_constraint("uq_prompt_source_external_id", type_="unique")
        batch_op.create_unique_constraint("uq_prompt_id_project_id", ["id", "project_id"])
        batch_op.create_unique_constraint(
            "uq_prompt_project_id_source_external_id", ["project_id", "source", "external_id"]
        )
        batch_op.create_foreign_key("fk_prompt_project_id", "project", ["project_id"], ["id"])

    purposes = sa.Enum("label", "gold", "attention", name="purpose", native_enum=False, length=32)
    outcomes = sa.Enum("left", "right", "tie", "both_bad", name="outcome", native_enum=False, length=32)
    with op.batch_alter_table("comparison") as batch_op:
        batch_op.add_column(sa.Column("project_id", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("purpose", purposes, nullable=False, server_default="label"))
        batch_op.add_column(sa.Column("gold_outcome", outcomes, nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_comparison_purpose"), "purpose IN ('label', 'gold', 'attention')"
        )
        batch_op.create_check_constraint(
            op.f("ck_comparison_outcome"), "gold_outcome IN ('left', 'right', 'tie', 'both_bad')"
        )
        batch_op.create_check_constraint(
            op.f("ck_comparison_gold_is_known"), "(purpose = 'label') = (gold_outcome IS NULL)"
        )
        batch_op.drop_index("ix_comparison_information")
        batch_op.create_index(
            "ix_comparison_information", ["project_id", "purpose", "is_open", "information"]
        )
        batch_op.drop_index("ix_comparison_queue")
        batch_op.create_index(
            "ix_comparison_queue", ["project_id", "purpose", "is_open", "n_taken", "priority"]
        )
        batch_op.drop_constraint("fk_comparison_prompt_id", type_="foreignkey")
        batch_op.create_foreign_key(
            "fk_comparison_prompt_id_project_id", "prompt", ["prompt_id", "project_id"], ["id", "project_id"]
        )

    with op.batch_alter_table("preference") as batch_op:
        batch_op.add_column(sa.Column("criteria", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("spans", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("superseded_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            "fk_preference_superseded_by_id", "preference", ["superseded_by_id"], ["id"]
        )
        batch_op.create_check_constraint(
            op.f("ck_preference_superseded_by_a_later_one"),
            "superseded_by_id IS NULL OR (retracted_at IS NOT NULL AND superseded_by_id > id)",
        )

    # From now on a row says itself whose it is.
    with op.batch_alter_table("prompt") as batch_op:
        batch_op.alter_column("project_id", existing_type=sa.Integer(), server_default=None)
    with op.batch_alter_table("comparison") as batch_op:
        batch_op.alter_column("project_id", existing_type=sa.Integer(), server_default=None)
        batch_op.alter_column("purpose", existing_type=purposes, server_default=None)

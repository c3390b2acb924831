"""The first schema.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "annotator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "human", "judge", name="annotatorkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
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
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotator")),
        sa.UniqueConstraint("key", name=op.f("uq_annotator_key")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("backend", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=512), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("name", "fingerprint", name=op.f("uq_member_name_fingerprint")),
    )
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_member_name"), ["name"], unique=False)

    op.create_table(
        "prompt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instruction", sa.String(), nullable=False),
        sa.Column("input", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=True),
        sa.Column("external_id", sa.String(length=256), nullable=True),
        sa.Column("licence", sa.String(length=128), nullable=True),
        sa.Column("lang", sa.String(length=32), nullable=True),
        sa.Column("category", sa.String(length=128), nullable=True),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("record_fingerprint", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "length(trim(instruction)) + length(trim(input)) > 0", name=op.f("ck_prompt_not_blank")
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["annotator.id"], name=op.f("fk_prompt_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_prompt_source_external_id")),
    )
    with op.batch_alter_table("prompt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_prompt_fingerprint"), ["fingerprint"], unique=False)

    op.create_table(
        "training_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "fast",
                "joint",
                "pointwise",
                name="rankerkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "running",
                "complete",
                "failed",
                "cancelled",
                name="jobstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=True),
        sa.Column("cut_off_preference_id", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("remaining_seconds", sa.Float(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "progress >= 0 AND progress <= 1", name=op.f("ck_training_job_progress_is_a_share")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["annotator.id"], name=op.f("fk_training_job_requested_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_job")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_training_job_workflow_id")),
    )
    with op.batch_alter_table("training_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_training_job_status"), ["status"], unique=False)

    op.create_table(
        "candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("finish_reason", sa.String(length=32), nullable=True),
        sa.Column("n_prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("n_tokens", sa.Integer(), nullable=True),
        sa.Column("first_token_seconds", sa.Float(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_candidate_member_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_candidate_prompt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate")),
    )
    with op.batch_alter_table("candidate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_candidate_member_id"), ["member_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_candidate_prompt_id"), ["prompt_id"], unique=False)

    op.create_table(
        "candidate_failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "unreachable",
                "refused",
                "rate_limited",
                "timeout",
                "crashed",
                "out_of_memory",
                "bad_response",
                "empty",
                "stopped",
                name="failurekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("partial_text", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_candidate_failure_member_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_candidate_failure_prompt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_failure")),
    )
    with op.batch_alter_table("candidate_failure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_candidate_failure_member_id"), ["member_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_candidate_failure_prompt_id"), ["prompt_id"], unique=False)

    op.create_table(
        "ranker_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "fast",
                "joint",
                "pointwise",
                name="rankerkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("base_model", sa.String(length=512), nullable=False),
        sa.Column("base_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("cut_off_preference_id", sa.Integer(), nullable=False),
        sa.Column("n_train", sa.Integer(), nullable=False),
        sa.Column("n_held_out", sa.Integer(), nullable=False),
        sa.Column("hyper_parameters", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["training_job.id"], name=op.f("fk_ranker_version_job_id")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["ranker_version.id"], name=op.f("fk_ranker_version_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranker_version")),
        sa.UniqueConstraint("job_id", name=op.f("uq_ranker_version_job_id")),
    )
    with op.batch_alter_table("ranker_version", schema=None) as batch_op:
        batch_op.create_index(
            "uq_ranker_version_active",
            ["is_active"],
            unique=True,
            sqlite_where=sa.text("is_active"),
            postgresql_where=sa.text("is_active"),
        )

    op.create_table(
        "seen_prompt",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_seen_prompt_annotator_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_seen_prompt_prompt_id")),
        sa.PrimaryKeyConstraint("annotator_id", "prompt_id", name=op.f("pk_seen_prompt")),
    )
    op.create_table(
        "training_point",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("loss", sa.Float(), nullable=False),
        sa.Column("accuracy", sa.Float(), nullable=False),
        sa.Column("held_out_loss", sa.Float(), nullable=True),
        sa.Column("held_out_accuracy", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["training_job.id"], name=op.f("fk_training_point_job_id")),
        sa.PrimaryKeyConstraint("job_id", "step", name=op.f("pk_training_point")),
    )
    op.create_table(
        "comparison",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("left_id", sa.Integer(), nullable=False),
        sa.Column("right_id", sa.Integer(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "blend",
                "queue",
                "import",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("side_seed", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.Column("information", sa.Float(), nullable=True),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("n_taken", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "is_open = (n_taken < overlap)", name=op.f("ck_comparison_open_while_places_are_left")
        ),
        sa.CheckConstraint("left_id <> right_id", name=op.f("ck_comparison_two_candidates")),
        sa.CheckConstraint(
            "n_taken >= 0 AND n_taken <= overlap", name=op.f("ck_comparison_n_taken_within_overlap")
        ),
        sa.ForeignKeyConstraint(["left_id"], ["candidate.id"], name=op.f("fk_comparison_left_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_comparison_prompt_id")),
        sa.ForeignKeyConstraint(["right_id"], ["candidate.id"], name=op.f("fk_comparison_right_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison")),
        sa.UniqueConstraint("left_id", "right_id", name=op.f("uq_comparison_left_id_right_id")),
    )
    with op.batch_alter_table("comparison", schema=None) as batch_op:
        batch_op.create_index("ix_comparison_information", ["is_open", "information"], unique=False)
        batch_op.create_index(batch_op.f("ix_comparison_left_id"), ["left_id"], unique=False)
        batch_op.create_index("ix_comparison_prompt_open", ["prompt_id", "is_open", "n_taken"], unique=False)
        batch_op.create_index("ix_comparison_queue", ["is_open", "n_taken", "priority"], unique=False)
        batch_op.create_index(batch_op.f("ix_comparison_right_id"), ["right_id"], unique=False)

    op.create_table(
        "promotion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ranker_version_id", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["annotator.id"], name=op.f("fk_promotion_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["ranker_version.id"], name=op.f("fk_promotion_previous_id")
        ),
        sa.ForeignKeyConstraint(
            ["ranker_version_id"], ["ranker_version.id"], name=op.f("fk_promotion_ranker_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotion")),
    )
    with op.batch_alter_table("promotion", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_promotion_ranker_version_id"), ["ranker_version_id"], unique=False
        )

    op.create_table(
        "ranking",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("ranker_version_id", sa.Integer(), nullable=False),
        sa.Column("refitted_preference_id", sa.Integer(), nullable=True),
        sa.Column("policy", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_ranking_prompt_id")),
        sa.ForeignKeyConstraint(
            ["ranker_version_id"], ["ranker_version.id"], name=op.f("fk_ranking_ranker_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ranking")),
    )
    with op.batch_alter_table("ranking", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ranking_prompt_id"), ["prompt_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ranking_ranker_version_id"), ["ranker_version_id"], unique=False)

    op.create_table(
        "reading",
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("reader_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_reading_candidate_id")),
        sa.PrimaryKeyConstraint("candidate_id", "reader_fingerprint", name=op.f("pk_reading")),
    )
    op.create_table(
        "fusion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("ranking_id", sa.Integer(), nullable=True),
        sa.Column("fuser", sa.String(length=512), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidate.id"], name=op.f("fk_fusion_candidate_id")),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name=op.f("fk_fusion_prompt_id")),
        sa.ForeignKeyConstraint(["ranking_id"], ["ranking.id"], name=op.f("fk_fusion_ranking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fusion")),
        sa.UniqueConstraint("candidate_id", name=op.f("uq_fusion_candidate_id")),
    )
    with op.batch_alter_table("fusion", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fusion_prompt_id"), ["prompt_id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "answered",
                "skipped",
                "expired",
                name="leasestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "propensity > 0 AND propensity <= 1", name=op.f("ck_lease_propensity_is_a_probability")
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_lease_annotator_id")),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name=op.f("fk_lease_comparison_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
        sa.UniqueConstraint(
            "comparison_id", "annotator_id", name=op.f("uq_lease_comparison_id_annotator_id")
        ),
    )
    with op.batch_alter_table("lease", schema=None) as batch_op:
        batch_op.create_index("ix_lease_annotator_ended", ["annotator_id", "ended_at"], unique=False)
        batch_op.create_index("ix_lease_annotator_status", ["annotator_id", "status"], unique=False)
        batch_op.create_index("ix_lease_expiry", ["status", "expires_at"], unique=False)

    op.create_table(
        "pairwise_logit",
        sa.Column("ranking_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("logit", sa.Float(), nullable=False),
        sa.Column("uncertainty", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["first_id"], ["candidate.id"], name=op.f("fk_pairwise_logit_first_id")),
        sa.ForeignKeyConstraint(["ranking_id"], ["ranking.id"], name=op.f("fk_pairwise_logit_ranking_id")),
        sa.ForeignKeyConstraint(["second_id"], ["candidate.id"], name=op.f("fk_pairwise_logit_second_id")),
        sa.PrimaryKeyConstraint("ranking_id", "first_id", "second_id", name=op.f("pk_pairwise_logit")),
    )
    op.create_table(
        "ranking_entry",
        sa.Column("ranking_id", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_ranking_entry_candidate_id")
        ),
        sa.ForeignKeyConstraint(["ranking_id"], ["ranking.id"], name=op.f("fk_ranking_entry_ranking_id")),
        sa.PrimaryKeyConstraint("ranking_id", "candidate_id", name=op.f("pk_ranking_entry")),
    )
    op.create_table(
        "fusion_source",
        sa.Column("fusion_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidate.id"], name=op.f("fk_fusion_source_candidate_id")
        ),
        sa.ForeignKeyConstraint(["fusion_id"], ["fusion.id"], name=op.f("fk_fusion_source_fusion_id")),
        sa.PrimaryKeyConstraint("fusion_id", "position", name=op.f("pk_fusion_source")),
    )
    op.create_table(
        "fusion_span",
        sa.Column("fusion_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["fusion_id"], ["fusion.id"], name=op.f("fk_fusion_span_fusion_id")),
        sa.ForeignKeyConstraint(["source_id"], ["candidate.id"], name=op.f("fk_fusion_span_source_id")),
        sa.PrimaryKeyConstraint("fusion_id", "start", name=op.f("pk_fusion_span")),
    )
    op.create_table(
        "preference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "left",
                "right",
                "tie",
                "both_bad",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("strength", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("retracted_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "strength IS NULL OR (strength > 0 AND strength <= 1)",
            name=op.f("ck_preference_strength_in_range"),
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_preference_annotator_id")),
        sa.ForeignKeyConstraint(
            ["comparison_id"], ["comparison.id"], name=op.f("fk_preference_comparison_id")
        ),
        sa.ForeignKeyConstraint(["lease_id"], ["lease.id"], name=op.f("fk_preference_lease_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_preference_idempotency_key")),
    )
    with op.batch_alter_table("preference", schema=None) as batch_op:
        batch_op.create_index(
            "ix_preference_annotator_standing",
            ["annotator_id", "retracted_at", "created_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_preference_comparison_id"), ["comparison_id"], unique=False)
        batch_op.create_index(
            "uq_preference_standing",
            ["comparison_id", "annotator_id"],
            unique=True,
            sqlite_where=sa.text("retracted_at IS NULL"),
            postgresql_where=sa.text("retracted_at IS NULL"),
        )

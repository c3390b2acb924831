"""A database as the first schema left it, with a row of each kind that a person cares about."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Engine, MetaData, text

from db.migrations import alembic_config, locked

NOW = "2026-01-01 00:00:00"
ROWS = (
    "INSERT INTO annotator (key, name, kind, role, created_at) "
    f"VALUES ('k', 'Ada', 'human', 'admin', '{NOW}')",
    "INSERT INTO member (name, backend, model, options, fingerprint, created_at) "
    f"VALUES ('a', 'import', 'a', '{{}}', 'a', '{NOW}'), ('b', 'import', 'b', '{{}}', 'b', '{NOW}')",
    f"INSERT INTO prompt (instruction, input, fingerprint, created_at) VALUES ('Why?', '', 'f', '{NOW}')",
    "INSERT INTO candidate (prompt_id, member_id, text, created_at) "
    f"VALUES (1, 1, 'So.', '{NOW}'), (1, 2, 'No.', '{NOW}')",
    "INSERT INTO comparison (prompt_id, left_id, right_id, origin, priority, overlap, n_taken, is_open, "
    f"created_at) VALUES (1, 1, 2, 'queue', 0, 1, 1, false, '{NOW}')",
    "INSERT INTO preference (comparison_id, annotator_id, outcome, idempotency_key, created_at) "
    f"VALUES (1, 1, 'both_bad', 'a', '{NOW}')",
)
KEPT = (1, "Default project", "balanced_random", "label", None, "both_bad", None, None, "[]", None)
"""What ``read_kept`` finds of them after every migration."""


def make_first_schema(engine: Engine) -> None:
    """Bring an empty database to revision 0001 and write the rows."""
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        for statement in ROWS:
            connection.execute(text(statement))


def read_kept(engine: Engine) -> tuple[object, ...]:
    """The one vote, its pair and its project, as the newest schema has them."""
    columns = (
        "project.id, project.name, project.policy, comparison.purpose, comparison.gold_outcome, "
        "preference.outcome, preference.criteria, preference.superseded_by_id, "
        "CAST(prompt.history AS VARCHAR), prompt.first_turn_fingerprint"
    )
    joins = (
        "preference JOIN comparison ON comparison.id = preference.comparison_id "
        "JOIN prompt ON prompt.id = comparison.prompt_id AND prompt.project_id = comparison.project_id "
        "JOIN project ON project.id = comparison.project_id"
    )
    with engine.connect() as connection:
        (row,) = connection.execute(text(f"SELECT {columns} FROM {joins}"))
    return tuple(row)


BEFORE_ONE_TABLE_OF_VERSIONS = "0006"
"""The last revision in which rankers and fusers have a table each, and trainings and generations, too."""

_VERSION = (
    "base_model, base_fingerprint, fingerprint, path, cut_off_preference_id, n_train, n_held_out, "
    "hyper_parameters, metrics, code_version, is_active, created_at"
)


def _version(path: str, *, active: bool) -> str:
    """Values of a version in the order of ``_VERSION``."""
    return f"""'m', 'b', 'f', '{path}', 1, 2, 3, '{{"seed": 1}}', '{{"n": 2}}', '0', {active}, '{NOW}'"""


VERSIONS = (
    f"INSERT INTO ranker_version (id, parent_id, kind, {_VERSION}) "
    f"VALUES (1, NULL, 'fast', {_version('r1', active=False)}), "
    f"(3, 1, 'joint', {_version('r3', active=True)})",
    f"INSERT INTO fuser_version (id, parent_id, {_VERSION}) "
    f"VALUES (1, NULL, {_version('f1', active=False)}), (2, 1, {_version('f2', active=True)})",
    "INSERT INTO promotion (ranker_version_id, previous_id, promoted, reason, decided_by_id, created_at) "
    f"VALUES (1, NULL, true, 'first', NULL, '{NOW}'), (3, 1, true, 'better', 1, '{NOW}')",
    "INSERT INTO fuser_promotion "
    "(fuser_version_id, previous_id, promoted, reason, decided_by_id, created_at) "
    f"VALUES (1, NULL, true, 'first fuser', NULL, '{NOW}'), (2, 1, true, 'better fuser', 1, '{NOW}')",
    "INSERT INTO ranking (prompt_id, ranker_version_id, policy, created_at) "
    f"VALUES (1, 3, 'max_logits', '{NOW}')",
    "INSERT INTO member (name, backend, model, options, fingerprint, created_at) VALUES "
    f"('Fused by fuser version 1', 'fusion', 'fuser version 1', '{{}}', 'x', '{NOW}'), "
    f"('Fused by fuser version 2', 'fusion', 'fuser version 2', '{{}}', 'y', '{NOW}')",
    f"INSERT INTO fusion (prompt_id, fuser, created_at) VALUES (1, 'fuser version 2', '{NOW}')",
)
"""Two rankers, two fusers and what names them, in the schema of ``BEFORE_ONE_TABLE_OF_VERSIONS``."""


def add_versions(engine: Engine) -> None:
    """Bring a database of the first schema to 0006 and write the versions."""
    with locked(engine) as connection:
        command.upgrade(alembic_config(connection), BEFORE_ONE_TABLE_OF_VERSIONS)
    with engine.begin() as connection:
        for statement in VERSIONS:
            # A colon is JSON here and no parameter.
            connection.exec_driver_sql(statement)


def read_versions(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Versions, decisions and what names them, as the newest schema has them."""
    queries = {
        "versions": "SELECT id, role, kind, parent_id, path, is_active FROM model_version ORDER BY id",
        "decisions": "SELECT version_id, previous_id, reason, decided_by_id FROM promotion ORDER BY id",
        "rankings": "SELECT prompt_id, ranker_version_id FROM ranking",
        "fusions": "SELECT fuser FROM fusion",
        "members": "SELECT name, model FROM member WHERE backend = 'fusion' ORDER BY id",
    }
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(text(query))] for name, query in queries.items()
        }


KEPT_VERSIONS = {
    "versions": [
        (1, "ranker", "fast", None, "r1", False),
        (3, "ranker", "joint", 1, "r3", True),
        (4, "fuser", "fuser", None, "f1", False),
        (5, "fuser", "fuser", 4, "f2", True),
    ],
    "decisions": [
        (1, None, "first", None),
        (3, 1, "better", 1),
        (4, None, "first fuser", None),
        (5, 4, "better fuser", 1),
    ],
    "rankings": [(1, 3)],
    "fusions": [("fuser version 5",)],
    "members": [
        ("Fused by fuser version 4", "fuser version 4"),
        ("Fused by fuser version 5", "fuser version 5"),
    ],
}
"""What ``read_versions`` finds of them after every migration."""


JOBS = (
    "INSERT INTO training_job (id, workflow_id, kind, status, options, requested_by_id, "
    "cut_off_preference_id, phase, progress, error, created_at, heartbeat_at) "
    f"""VALUES (2, 'w2', 'joint', 'complete', '{{"a": "b"}}', 1, 1, 'complete', 1, NULL, '{NOW}', NULL), """
    f"(5, 'w5', 'fuser', 'failed', '{{}}', NULL, 1, 'failed', 0.5, 'memory ran out', '{NOW}', '{NOW}')",
    "INSERT INTO training_point (job_id, step, loss, accuracy, created_at) "
    f"VALUES (2, 1, 0.5, 0.75, '{NOW}'), (2, 2, 0.25, 1, '{NOW}')",
    "UPDATE ranker_version SET job_id = 2 WHERE id = 3",
    "INSERT INTO generation_job (id, project_id, status, n_total, n_done, n_failed, error, requested_by_id, "
    "created_at, heartbeat_at) "
    f"VALUES (1, 1, 'failed', 4, 1, 1, 'no disk', 1, '{NOW}', '{NOW}'), "
    f"(2, 1, 'waiting', 3, 0, 0, NULL, NULL, '{NOW}', NULL)",
)
"""Trainings with a curve and a version, and generations, each kind in a table of its own."""


def add_jobs(engine: Engine) -> None:
    """Write the jobs into a database that ``add_versions`` left."""
    with engine.begin() as connection:
        for statement in JOBS:
            connection.exec_driver_sql(statement)


def read_jobs(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Jobs and what names them, as the newest schema has them."""
    queries = {
        "jobs": "SELECT id, kind, status, project_id, n_total, n_done, n_failed, cut_off_preference_id, "
        "progress, phase, error, requested_by_id FROM job ORDER BY id",
        "points": "SELECT job.kind, step, loss, accuracy FROM training_point "
        "JOIN job ON job.id = training_point.job_id ORDER BY step",
        "versions": "SELECT model_version.id, job.kind FROM model_version JOIN job ON job.id = job_id",
        "names": "SELECT workflow_id FROM job WHERE id IN (2, 5) ORDER BY id",
        "distinct names": "SELECT count(DISTINCT workflow_id) FROM job",
    }
    with engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(text(query))] for name, query in queries.items()
        }


KEPT_JOBS = {
    "jobs": [
        (2, "joint", "complete", None, 0, 0, 0, 1, 1, "complete", None, 1),
        (5, "fuser", "failed", None, 0, 0, 0, 1, 0.5, "failed", "memory ran out", None),
        (6, "generation", "failed", 1, 4, 1, 1, 0, 0.5, "failed", "no disk", 1),
        (7, "generation", "waiting", 1, 3, 0, 0, 0, 0, "waiting", None, None),
    ],
    "points": [("joint", 1, 0.5, 0.75), ("joint", 2, 0.25, 1)],
    "versions": [(3, "joint")],
    "names": [("w2",), ("w5",)],
    "distinct names": [(4,)],
}
"""What ``read_jobs`` finds of them after every migration."""


OTHERS = (
    "INSERT INTO account (annotator_id, username, password_hash, created_at) "
    f"VALUES (1, 'ada', 'h', '{NOW}')",
    "INSERT INTO sign_in (token_hash, annotator_id, expires_at, created_at) "
    f"VALUES ('{'0' * 64}', 1, '{NOW}', '{NOW}')",
    "INSERT INTO invitation (token_hash, role, n_left, expires_at, created_at) "
    f"VALUES ('{'1' * 64}', 'annotator', 2, '{NOW}', '{NOW}')",
    f"INSERT INTO project_member (project_id, annotator_id, created_at) VALUES (1, 1, '{NOW}')",
    "INSERT INTO audit_event (annotator_id, action, object_type, object_id, created_at) "
    f"VALUES (1, 'project.change', 'project', '1', '{NOW}')",
    "INSERT INTO adjudication (comparison_id, outcome, reason, decided_by_id, created_at) "
    f"VALUES (1, 'left', 'It says why.', 1, '{NOW}')",
    "INSERT INTO candidate_failure (prompt_id, member_id, kind, message, partial_text, seconds, created_at) "
    f"VALUES (1, 2, 'timeout', 'late', 'N', 0.5, '{NOW}')",
    "INSERT INTO lease (comparison_id, annotator_id, status, policy, propensity, expires_at, created_at) "
    f"VALUES (1, 1, 'skipped', 'balanced_random', 0.5, '{NOW}', '{NOW}')",
    "INSERT INTO fusion_source (fusion_id, position, candidate_id, share) VALUES (1, 0, 2, 0.75)",
    """INSERT INTO fusion_span (fusion_id, start, "end", source_id) VALUES (1, 0, 3, 2)""",
    "INSERT INTO ranking_entry (ranking_id, candidate_id, score, rank) VALUES (1, 2, 0.5, 1)",
    "INSERT INTO pairwise_logit (ranking_id, first_id, second_id, logit) VALUES (1, 1, 2, -0.25)",
    "INSERT INTO reading (candidate_id, reader_fingerprint, vector, created_at) "
    f"VALUES (1, 'f', CAST('v' AS {{bytes}}), '{NOW}')",
    f"INSERT INTO seen_prompt (annotator_id, prompt_id, created_at) VALUES (1, 1, '{NOW}')",
)
"""A row in each table that has none yet."""
MERGED = {
    "ranker_version": "model_version",
    "fuser_version": "model_version",
    "fuser_promotion": "promotion",
    "training_job": "job",
    "generation_job": "job",
}
"""Tables that became one; ``KEPT_VERSIONS`` and ``KEPT_JOBS`` say what became of their rows."""
RENUMBERED = {("fusion", "fuser"), ("member", "name"), ("member", "model")}
"""Columns that name a fuser's version, whose number changed with its table."""

Rows = dict[str, list[dict[str, object]]]


def make_previous_release(engine: Engine) -> None:
    """A database of 0006 with at least one row in each of its tables."""
    make_first_schema(engine)
    add_versions(engine)
    add_jobs(engine)
    with engine.begin() as connection:
        for statement in OTHERS:
            name = "BYTEA" if engine.dialect.name == "postgresql" else "BLOB"
            connection.exec_driver_sql(statement.replace("{bytes}", name))


def read_all(engine: Engine) -> Rows:
    """Every row of every table, by the table's name, in the order of the keys."""
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row._mapping) for row in connection.execute(table.select().order_by(*table.primary_key))
            ]
            for table in tables.tables.values()
            if table.name != "alembic_version"
        }


def find_lost(before: Rows, after: Rows) -> list[str]:
    """What the old rows had and the new ones do not, in words; columns that were dropped aside."""
    lost = []
    n_merged: dict[str, int] = {}
    for name, rows in before.items():
        if name in MERGED or name in MERGED.values():
            merged = MERGED.get(name, name)
            n_merged[merged] = n_merged.get(merged, 0) + len(rows)
        elif len(rows) != len(after[name]):
            lost.append(f"{name}: {len(rows)} rows became {len(after[name])}")
        else:
            for old, new in zip(rows, after[name], strict=True):
                lost += [
                    f"{name}.{column}: {value!r} became {new[column]!r}"
                    for column, value in old.items()
                    if column in new and new[column] != value and (name, column) not in RENUMBERED
                ]
    lost += [
        f"{name}: {n} rows became {len(after[name])}" for name, n in n_merged.items() if n != len(after[name])
    ]
    return lost

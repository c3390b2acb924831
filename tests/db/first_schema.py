"""A database as the first schema left it, with a row of each kind that a person cares about."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Engine, text

from db.migrations import alembic_config

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
KEPT = (1, "Default project", "balanced_random", "label", None, "both_bad", None, None)
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
        "preference.outcome, preference.criteria, preference.superseded_by_id"
    )
    joins = (
        "preference JOIN comparison ON comparison.id = preference.comparison_id "
        "JOIN prompt ON prompt.id = comparison.prompt_id AND prompt.project_id = comparison.project_id "
        "JOIN project ON project.id = comparison.project_id"
    )
    with engine.connect() as connection:
        (row,) = connection.execute(text(f"SELECT {columns} FROM {joins}"))
    return tuple(row)

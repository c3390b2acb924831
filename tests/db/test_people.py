"""The database itself refuses what must never be true of people, projects and checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db.migrations import migrate
from tests.builders.stores import add_prompts, make_store

NOW = "2026-01-01 00:00:00"
HASH = "0" * 64
SHARES = "guidelines, overlap, policy, questions, ask, n_answers, audience, reveal, created_at"
TERMS = f"'', 1, 'balanced_random', '{{}}', 'pair', 4, 'everybody', 'vote', '{NOW}'"
JOB = "options, cut_off_preference_id, phase, progress, created_at"
JOB_TERMS = f"'[]', 0, 'waiting', 0, '{NOW}'"

REFUSED = [
    (
        f"INSERT INTO account (annotator_id, username, created_at) VALUES (1, 'ada', '{NOW}')",
        "can_sign_in",
    ),
    (
        "INSERT INTO account (annotator_id, username, password_hash, created_at) "
        f"VALUES (1, ' ', 'h', '{NOW}')",
        "username_not_blank",
    ),
    (
        "INSERT INTO account (annotator_id, username, password_hash, created_at) "
        f"VALUES (99, 'ada', 'h', '{NOW}')",
        "FOREIGN KEY",
    ),
    (
        "INSERT INTO invitation (token_hash, role, n_left, expires_at, created_at) "
        f"VALUES ('a token itself', 'admin', 1, '{NOW}', '{NOW}')",
        "token_is_hashed",
    ),
    (
        "INSERT INTO invitation (token_hash, role, n_left, expires_at, created_at) "
        f"VALUES ('{HASH}', 'admin', -1, '{NOW}', '{NOW}')",
        "n_left_not_negative",
    ),
    (
        "INSERT INTO invitation (token_hash, role, n_left, expires_at, created_at) "
        f"VALUES ('{HASH}', 'king', 1, '{NOW}', '{NOW}')",
        "role",
    ),
    (
        f"INSERT INTO project (name, gold_share, attention_share, random_share, {SHARES}) "
        f"VALUES ('x', 0.4, 0.2, 0.2, {TERMS})",
        "most_turns_are_labels",
    ),
    (
        f"INSERT INTO project (name, gold_share, attention_share, random_share, {SHARES}) "
        f"VALUES ('x', 0, 0, 0, {TERMS})",
        "random_share_is_a_share",
    ),
    (
        f"INSERT INTO project (name, gold_share, attention_share, random_share, {SHARES}) "
        f"VALUES ('Default project', 0, 0, 0.2, {TERMS})",
        "UNIQUE",
    ),
    ("UPDATE comparison SET purpose = 'gold' WHERE id = 1", "gold_is_known"),
    ("UPDATE comparison SET gold_outcome = 'left' WHERE id = 1", "gold_is_known"),
    ("UPDATE comparison SET purpose = 'gold', gold_outcome = 'up' WHERE id = 1", "outcome"),
    ("UPDATE comparison SET project_id = 2 WHERE id = 1", "FOREIGN KEY"),
    (
        f"INSERT INTO job (workflow_id, kind, project_id, status, n_total, n_done, n_failed, {JOB}) "
        f"VALUES ('w', 'generation', 1, 'running', 1, 1, 1, {JOB_TERMS})",
        "counts_within_total",
    ),
    (
        f"INSERT INTO job (workflow_id, kind, project_id, status, n_total, n_done, n_failed, {JOB}) "
        f"VALUES ('w', 'generation', NULL, 'waiting', 1, 0, 0, {JOB_TERMS})",
        "project_suits_kind",
    ),
]
"""Statements that the database itself refuses, and what SQLite names then."""


def add_pair(engine: Engine) -> None:
    """An annotator, and a pair to label."""
    add_prompts(engine, n_prompts=2)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO annotator (id, key, name, kind, role, created_at) "
                f"VALUES (1, 'k', 'n', 'human', 'annotator', '{NOW}')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO comparison (id, prompt_id, project_id, left_id, right_id, origin, priority, "
                "overlap, n_taken, is_open, purpose, created_at) "
                f"VALUES (1, 1, 1, 1, 2, 'queue', 0, 1, 0, true, 'label', '{NOW}')"
            )
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    engine = make_store(tmp_path_factory.mktemp("store"))
    add_pair(engine)
    return engine


@pytest.mark.parametrize(("statement", "names"), REFUSED)
def test_the_database_refuses(engine: Engine, statement: str, names: str) -> None:
    with pytest.raises(IntegrityError, match=names), engine.begin() as connection:
        connection.execute(text(statement))


def test_a_later_answer_supersedes_only_a_retracted_one(engine: Engine) -> None:
    columns = "comparison_id, annotator_id, outcome, idempotency_key, created_at"
    with engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO preference (id, {columns}, retracted_at) "
                f"VALUES (1, 1, 1, 'left', 'a', '{NOW}', '{NOW}')"
            )
        )
        connection.execute(
            text(f"INSERT INTO preference (id, {columns}) VALUES (2, 1, 1, 'tie', 'b', '{NOW}')")
        )
        connection.execute(text("UPDATE preference SET superseded_by_id = 2 WHERE id = 1"))
    for wrong in (
        "UPDATE preference SET superseded_by_id = 1 WHERE id = 2",
        "UPDATE preference SET retracted_at = NULL WHERE id = 1",
    ):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(wrong))


def test_a_project_has_one_unfinished_generation(engine: Engine) -> None:
    insert = (
        f"INSERT INTO job (workflow_id, kind, project_id, status, n_total, n_done, n_failed, {JOB}) "
        f"VALUES ('{{0}}', 'generation', 1, '{{0}}', 1, 0, 0, {JOB_TERMS})"
    )
    with engine.begin() as connection:
        connection.execute(text(insert.format("complete")))
        connection.execute(text(insert.format("running")))
    with pytest.raises(IntegrityError, match="UNIQUE"), engine.begin() as connection:
        connection.execute(text(insert.format("waiting")))


def test_the_default_project_is_there_from_the_start(tmp_path: Path) -> None:
    engine = make_store(tmp_path)
    assert not migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, name FROM project")).all() == [(1, "Default project")]

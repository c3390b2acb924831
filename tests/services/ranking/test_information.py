from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import select

from blender_ui.pairing.policy import MOST_INFORMATIVE
from blender_ui.services.ranking import information
from blender_ui.services.ranking.information import measure_information, measure_open_comparisons
from blender_ui.values import FloatArray
from db.engine import transaction
from db.models import (
    DEFAULT_PROJECT_ID,
    Candidate,
    Comparison,
    Outcome,
    Project,
    Prompt,
    Purpose,
    Reading,
    utc_now,
)
from tests.builders.stores import Clock, add_prompts, make_labeling, make_store

READER = "reader"


class EvenRanker:
    """One to which every pair is a toss-up."""

    def pairwise_logits(
        self, readings: FloatArray, members: Any, prompt: Any, *, evidence: Any
    ) -> FloatArray:
        return np.zeros((len(readings), len(readings)))

    def uncertainty(self, readings: FloatArray, members: Any, prompt: Any, *, evidence: Any) -> FloatArray:
        return np.ones((len(readings), len(readings)))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Five prompts, the last two of another project, each with one open pair that was read; two fit."""
    monkeypatch.setattr(information, "N_PROMPTS", 2)
    engine = make_store(tmp_path)
    labeling = make_labeling(engine, Clock())
    prompt_ids = add_prompts(engine, n_prompts=5)
    with transaction(engine, immediate=True) as session:
        session.get_one(Project, DEFAULT_PROJECT_ID).policy = MOST_INFORMATIVE
        other = Project(name="other", policy=MOST_INFORMATIVE)
        session.add(other)
        session.flush()
        for prompt_id in prompt_ids[3:]:
            session.get_one(Prompt, prompt_id).project_id = other.id or 0
        for candidate_id in session.exec(select(Candidate.id)):
            session.add(Reading(candidate_id=candidate_id, reader_fingerprint=READER, vector=bytes(4)))
    for prompt_id in prompt_ids:
        labeling.queue_prompt(prompt_id=prompt_id)
    return engine


def list_measured(engine: Engine) -> list[int]:
    ranker: Any = EvenRanker()
    return sorted(measure_open_comparisons(engine, ranker, fingerprint=READER))


def test_a_toss_up_with_deviation_two_is_worth_half_ln_two() -> None:
    # p (1 - p) s^2 = 1/4 * 4 = 1, so the gain is 0.5 ln(1 + 1).
    gain = measure_information(np.array([0.0]), np.array([2.0]))
    assert gain[0] == pytest.approx(0.5 * math.log(2))


def test_what_is_known_teaches_nothing_and_what_is_decided_teaches_little() -> None:
    gain = measure_information(np.array([0.0, 0.0, 6.0, 1000.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert gain[0] == 0
    assert gain[1] > gain[2] > gain[3] >= 0
    assert np.isfinite(gain).all()


def test_the_prompts_that_wait_longest_are_measured(engine: Engine) -> None:
    assert list_measured(engine) == [1, 2]


def test_a_check_takes_no_place(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        pair = session.get_one(Comparison, 1)
        pair.purpose, pair.gold_outcome, pair.overlap = Purpose.GOLD, Outcome.LEFT, 1_000_000
    assert list_measured(engine) == [2, 3]


def test_a_pair_of_which_an_answer_was_not_read_takes_no_place(engine: Engine) -> None:
    with transaction(engine, immediate=True) as session:
        session.get_one(Reading, (1, READER)).reader_fingerprint = "another"
        session.delete(session.get_one(Reading, (4, READER)))
    assert list_measured(engine) == [3, 4]


@pytest.mark.parametrize(
    ("policy", "archived_at"), [("balanced_random", None), (MOST_INFORMATIVE, utc_now())]
)
def test_a_project_that_asks_nothing_by_information_takes_no_place(
    engine: Engine, policy: str, archived_at: datetime | None
) -> None:
    with transaction(engine, immediate=True) as session:
        project = session.get_one(Project, DEFAULT_PROJECT_ID)
        project.policy, project.archived_at = policy, archived_at
    assert list_measured(engine) == [4, 5]

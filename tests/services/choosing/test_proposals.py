from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import Engine

from blender_ui.services.choosing.proposals import Proposals
from tests.builders import choosers as builders
from tests.builders.stores import make_store
from tests.tasks.prompts import make_tasks

ONE_KIND = "word1003 word1011 word1018 word1000 word1007 word1012 word1005 word1016"
"""A prompt of the kind on which "first" is best."""


class ScriptedEnsemble:
    """Members by name and price; none of them can really be asked."""

    def __init__(self, *names: str) -> None:
        self.configs = [SimpleNamespace(name=name, price=None, samples=1, n_at_once=1) for name in names]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def propose_from(engine: Engine, home: Path, *names: str, seed: int = 1) -> Proposals:
    return Proposals(
        engine,
        choosers_path=home,
        encoder_path=home,
        members=ScriptedEnsemble(*names),
        make_rng=lambda: np.random.default_rng(seed),
    )


def activate_chooser(engine: Engine, home: Path) -> None:
    builders.activate_chooser(engine, choosers_path=home, encoder_path=home)


def test_without_an_active_chooser_nothing_is_proposed(engine: Engine, tmp_path: Path) -> None:
    assert propose_from(engine, tmp_path, "first").propose(instruction="word1000") is None


@pytest.mark.slow
def test_the_best_for_this_prompt_are_proposed_with_why(engine: Engine, tmp_path: Path) -> None:
    activate_chooser(engine, tmp_path)
    proposals = propose_from(engine, tmp_path, "third", "second", "first")
    tasks, kinds = make_tasks(20, seed=4)
    n_right = 0
    for task, kind in zip(tasks, kinds, strict=True):
        found = proposals.propose(instruction=task.instruction, k=1)
        assert found is not None
        n_right += found.asked[0].name == ("first", "second")[int(kind)]
        assert found.asked[0].low < found.asked[0].quality < found.asked[0].high
        assert found.asked[0].name in found.describe()
        assert found.kind in found.describe()
        assert len(found.left_out) == 2
        assert sum(found.propensities.values()) == pytest.approx(0.9)
    assert n_right >= 18


@pytest.mark.slow
def test_a_new_member_gets_its_chance_with_its_propensity(engine: Engine, tmp_path: Path) -> None:
    activate_chooser(engine, tmp_path)
    asked = {}
    for seed in range(60):
        found = propose_from(engine, tmp_path, "first", "new", seed=seed).propose(instruction=ONE_KIND, k=1)
        assert found is not None
        asked[found.asked[0].name] = found.asked[0].propensity
        if found.is_explored:
            assert "drawn at random" in found.describe()
    assert asked == {"first": pytest.approx(0.9), "new": pytest.approx(0.1)}


def test_more_members_than_there_are_asks_all(engine: Engine, tmp_path: Path) -> None:
    activate_chooser(engine, tmp_path)
    found = propose_from(engine, tmp_path, "first", "second").propose(instruction=ONE_KIND, k=9)
    assert found is not None
    assert found.propensities == {"first": 1.0, "second": 1.0}
    assert not found.left_out


def test_a_chooser_that_knows_none_of_the_members_proposes_nobody(engine: Engine, tmp_path: Path) -> None:
    activate_chooser(engine, tmp_path)
    assert propose_from(engine, tmp_path, "other").propose(instruction=ONE_KIND) is None


@pytest.mark.slow
def test_rewording_a_prompt_draws_nothing_anew(engine: Engine, tmp_path: Path) -> None:
    activate_chooser(engine, tmp_path)
    proposals = propose_from(engine, tmp_path, "first", "second", "third")
    tasks, _ = make_tasks(12, seed=4)
    explored = [
        {
            found.is_explored
            for task in tasks
            if (found := proposals.propose(instruction=task.instruction, k=1, seed=seed))
        }
        for seed in range(40)
    ]
    assert all(len(one) == 1 for one in explored)
    assert {True} in explored

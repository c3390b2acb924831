from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from blender_ui.services.choosing.kept import KeptChoices
from tests.builders.stores import add_prompts, make_store
from tests.services.choosing.test_proposals import ONE_KIND, activate_chooser, propose_from


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_store(tmp_path)


def test_a_proposal_comes_back_as_it_was_shown(engine: Engine, tmp_path: Path) -> None:
    activate_chooser(engine, tmp_path)
    shown = propose_from(engine, tmp_path, "third", "second", "first").propose(instruction=ONE_KIND, k=2)
    assert shown is not None
    (prompt_id,) = add_prompts(engine, n_prompts=1)
    choices = KeptChoices(engine)
    choices.keep(prompt_id=prompt_id, names=shown.names, proposal=shown)
    kept = choices.find(prompt_id)
    assert kept is not None
    assert (kept.names, kept.proposal) == (shown.names, shown)


def test_a_choice_by_hand_has_names_and_expects_nothing(engine: Engine) -> None:
    first, second = add_prompts(engine, n_prompts=2)
    choices = KeptChoices(engine)
    choices.keep(prompt_id=first, names=("b", "a"))
    kept = choices.find(first)
    assert kept is not None
    assert (kept.names, kept.proposal) == (("b", "a"), None)
    assert choices.find(second) is None

"""Texts that nobody wrote, asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from blender_ui.engine.process import JOINT, READER, EngineProcess
from blender_ui.errors import MalformedInput
from blender_ui.services.inspecting.what_if import MOST_CHARACTERS, Pair, WhatIf, split_sentences
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.values import RankingPrompt
from db.models import ModelKind
from tests.builders.stores import make_store
from tests.builders.trained import copy_trained_store, versions_of
from tests.ranking.scripted_reader import CountingLengthRanker, ScriptedReader

PAIR = Pair(prompt=RankingPrompt(instruction="Question?"), answers=("good good one. so so.", "bad. worse."))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WhatIf, VersionView]]:
    home = tmp_path_factory.mktemp("home")
    good = copy_trained_store(home).good
    engine = make_store(home)
    process = EngineProcess({READER: ScriptedReader, JOINT: CountingLengthRanker})
    versions = versions_of(engine).list_versions()
    (version,) = (one for one in versions if one.id == good)
    yield WhatIf(process=process, rankers_path=home / "rankers"), version
    process.close()
    engine.dispose()


@pytest.mark.parametrize(
    "text", ["", "One.", "One. Two! Three?", "A list:\n- one\n- two\n\nEnd", "3.14 is pi. e.g. this", "  x  "]
)
def test_sentences_together_are_the_text(text: str) -> None:
    parts = split_sentences(text)
    assert "".join(parts) == text
    assert all(parts)


def test_sentences_end_where_a_reader_ends_them() -> None:
    assert split_sentences("One is 3.5. Two!\n- three") == ["One is 3.5. ", "Two!\n", "- three"]


def test_groups_add_up_to_the_logit_and_swapping_turns_it_round(store: tuple[WhatIf, VersionView]) -> None:
    what_if, version = store
    opinion = what_if.compare(version, PAIR)
    assert sum(value for _, value in opinion.by_group) == pytest.approx(opinion.logit, rel=1e-12)
    assert opinion.logit > 0
    assert what_if.compare(version, PAIR.swapped()).mean == pytest.approx(-opinion.mean)
    assert opinion.position_gain == 0


def test_a_better_text_moves_the_logit(store: tuple[WhatIf, VersionView]) -> None:
    what_if, version = store
    better = replace(PAIR, answers=("good good one. good good good.", "bad. worse."))
    assert what_if.compare(version, better).logit > what_if.compare(version, PAIR).logit


def test_the_sentence_that_carried_the_decision_is_found(store: tuple[WhatIf, VersionView]) -> None:
    what_if, version = store
    effects = what_if.drop_sentences(version, PAIR, side=0)
    assert [one.text for one in effects] == ["good good one. ", "so so."]
    without = replace(PAIR, answers=("so so.", PAIR.answers[1]))
    moved = what_if.compare(version, PAIR).mean - what_if.compare(version, without).mean
    assert effects[0].effect == pytest.approx(moved)
    assert effects[0].effect > abs(effects[1].effect)


def test_a_joint_version_is_asked_in_both_orders(store: tuple[WhatIf, VersionView]) -> None:
    what_if, version = store
    joint = replace(version, kind=ModelKind.JOINT)
    opinion = what_if.compare(joint, PAIR)
    gap = (len(PAIR.answers[0]) - len(PAIR.answers[1])) / 10
    assert (opinion.logit, opinion.swapped) == (pytest.approx(gap), pytest.approx(gap))
    assert opinion.by_group == ()
    effects = what_if.drop_sentences(joint, PAIR, side=1)
    # The longer text wins here, so a sentence is worth its length, for its own answer.
    assert [one.effect for one in effects] == pytest.approx([len(one.text) / 10 for one in effects])


def test_texts_and_sentences_have_a_limit(store: tuple[WhatIf, VersionView]) -> None:
    what_if, version = store
    with pytest.raises(MalformedInput, match="characters"):
        what_if.compare(version, replace(PAIR, answers=("x" * (MOST_CHARACTERS + 1), "y")))
    with pytest.raises(MalformedInput, match="sentences"):
        what_if.drop_sentences(version, replace(PAIR, answers=("a. " * 50, "y")), side=0)

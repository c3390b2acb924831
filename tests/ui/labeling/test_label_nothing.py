"""What the label page says where no pair is left: true, and with ways that are open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blender_ui.services.labeling.leftover import Leftover
from blender_ui.services.people.access import Access, Mode
from blender_ui.ui.labeling.forms import Way
from blender_ui.ui.labeling.nothing import draw_nothing, say_why
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store

NOTHING = Leftover(
    n_prompts=0, n_pairs=0, n_mine=0, n_lent=0, n_skipped=0, n_seen=0, n_by_others=0, back_seconds=None
)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "Safety has no prompts yet."),
        (
            {"n_prompts": 1},
            "Safety has 1 prompt and no pairs yet: a pair needs two different answers to one prompt.",
        ),
        ({"n_prompts": 2, "n_pairs": 3, "n_mine": 3}, "You have answered all 3 pairs of Safety. Thank you."),
        (
            {"n_prompts": 2, "n_pairs": 3, "n_lent": 3, "back_seconds": 61.0},
            "Safety has 3 pairs, and none is free for you now. Of these, 3 are lent to others at the moment. "
            "What is not answered comes back; look again within 2 minutes.",
        ),
        (
            {"n_prompts": 9, "n_pairs": 9, "n_mine": 4, "n_by_others": 2, "n_skipped": 1, "n_seen": 2},
            "You have answered 4 of 9 pairs of Safety. Of the rest, 2 were answered by others, 1 you skipped "
            "and 2 are of prompts whose models you have seen.",
        ),
    ],
)
def test_the_reason_is_the_one_that_was_counted(counts: dict[str, int], said: str) -> None:
    assert say_why(replace(NOTHING, **counts), "Safety") == said


def test_the_way_on_is_another_project_that_has_pairs(tmp_path: Path) -> None:
    engine, clock = make_store(tmp_path), Clock()
    access = Access(engine, mode=Mode.OPEN, clock=clock)
    told = draw_nothing(
        replace(NOTHING, n_prompts=1, n_pairs=1, n_mine=1),
        access=access,
        project_id=2,
        project="Safety",
        others={3: "Poems"},
    )
    assert told.ways[0] == Way(title="Poems", address="./label?project=3", rest=" has pairs for you.")
    assert "A researcher brings more in" not in told.text


def test_only_projects_that_have_something_for_the_person_are_ways_on(tmp_path: Path) -> None:
    engine, clock = make_store(tmp_path), Clock()
    labeling = make_labeling(engine, clock)
    for prompt_id in add_prompts(engine, n_prompts=1):
        labeling.queue_prompt(prompt_id=prompt_id)
    me = labeling.sign_in(key=key_of(1)).id
    assert labeling.list_with_pairs(annotator_id=me, project_ids=[1, 2]) == [1]
    assert labeling.next_pair(annotator_id=me) is not None
    assert labeling.list_with_pairs(annotator_id=me, project_ids=[1, 2]) == []

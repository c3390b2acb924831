"""What the label page says where no pair is left: true, and with ways that are open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blender_ui.services.labeling.leftover import Leftover
from blender_ui.ui.labeling.nothing import say_why

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
            "You have answered 0 of 3 pairs of Safety. Of the rest, 3 are lent to others at the moment. "
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

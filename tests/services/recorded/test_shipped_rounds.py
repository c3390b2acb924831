"""The rounds of the package: whole, and ranked by the start ranker that is in it."""

from __future__ import annotations

import pytest

from blender_ui.ranking.start import read_card
from blender_ui.services.recorded.file import SHIPPED_PATH, Round, read_rounds

SHIPPED = read_rounds()
ANSWERED = [one for one in SHIPPED.rounds if one.answers]


def test_the_start_ranker_of_the_package_ranked_them() -> None:
    remedy = "rank them anew: blender-ui record blender_ui/services/recorded/rounds.json"
    assert SHIPPED.made_with["ranker"] == read_card().fingerprint, remedy
    assert SHIPPED.made_with["reader"] == read_card().reader_fingerprint, remedy


def test_there_are_enough_to_choose_among_and_the_file_is_small() -> None:
    assert len(ANSWERED) >= 10
    assert len({one.id for one in SHIPPED.rounds}) == len(SHIPPED.rounds)
    assert SHIPPED_PATH.stat().st_size < 500_000


@pytest.mark.parametrize("one", ANSWERED, ids=lambda one: one.id)
def test_a_round_is_answered_ranked_and_fused(one: Round) -> None:
    assert len({answer.writer for answer in one.answers}) == 3
    assert one.ranked is not None
    assert one.fused is not None
    assert SHIPPED.writers[one.fused.answer.writer].backend == "fusion"


def test_it_says_how_each_text_was_made() -> None:
    assert {"app", "day", "packages", "weights"} <= set(SHIPPED.made_with)
    members = [one for one in SHIPPED.writers if one.backend != "fusion"]
    assert {one.model for one in members} == set(SHIPPED.made_with["weights"])
    assert all("seed" in one.options for one in members)

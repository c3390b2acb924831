from __future__ import annotations

import pytest

from blender_ui.fusion.shown import Shown, choose_shown, heed_votes, strong_sources, usable_sources

SOURCES = ("a", "b")


@pytest.mark.parametrize(
    ("scores", "fused", "expected"),
    [
        ({"a": 1.0, "b": 2.0, "f": 3.0}, "f", Shown("b", is_judged=True, is_fused=True)),
        ({"a": 1.0, "b": 2.0, "f": 2.0}, "f", Shown("b", is_judged=True, is_fused=True)),
        ({"a": 1.0, "b": 2.0, "f": 1.5}, "f", Shown("b", is_judged=True, is_fused=False)),
        ({"a": 1.0, "b": 2.0, "f": 2.5, "not fused": 3.0}, "f", Shown("b", is_judged=True, is_fused=True)),
        ({"b": 2.0, "f": 1.0}, "f", Shown("b", is_judged=True, is_fused=False)),
        ({}, "f", Shown("a", is_judged=False, is_fused=True)),
        ({"a": 1.0, "b": 2.0}, "f", Shown("a", is_judged=False, is_fused=True)),
        ({"a": 1.0, "b": 2.0}, None, Shown("a", is_judged=False, is_fused=False)),
    ],
)
def test_a_fused_answer_is_shown_unless_a_source_of_it_ranks_above_it(
    scores: dict[str, float], fused: str | None, expected: Shown[str]
) -> None:
    assert choose_shown(scores, fused=fused, sources=SOURCES) == expected


@pytest.mark.parametrize(
    ("obedient", "expected"),
    [
        ({"f"}, Shown("b", is_judged=True, is_fused=False)),
        ({"f", "b"}, Shown("a", is_judged=True, is_fused=False)),
        ({"b"}, Shown("a", is_judged=True, is_fused=True)),
        ({"a", "b", "f"}, Shown("b", is_judged=True, is_fused=True)),
    ],
)
def test_an_answer_that_obeys_an_order_is_shown_only_where_all_sources_do(
    obedient: set[str], expected: Shown[str]
) -> None:
    scores = {"a": 1.0, "b": 2.0, "f": 3.0}
    assert choose_shown(scores, fused="f", sources=SOURCES, obedient=obedient) == expected


def test_obedient_answers_are_no_sources_where_two_others_are_left() -> None:
    assert usable_sources(["a", "b", "c"], {"a"}) == ["b", "c"]
    assert usable_sources(["a", "b"], {"a"}) == ["b", "a"]
    assert usable_sources(["a", "b"], set()) == ["a", "b"]


def test_sources_that_hardly_beat_the_best_are_left_out_while_two_are_left() -> None:
    assert strong_sources(["a", "b", "c", "d"], [0.5, 0.4, 0.1, 0.3]) == ["a", "b", "d"]
    assert strong_sources(["a", "b", "c"], [0.5, 0.1, 0.05]) == ["a", "b"]


def test_what_people_preferred_stands_before_what_they_preferred_it_to() -> None:
    assert heed_votes(["a", "b", "c", "d"], [("c", "a")]) == ["c", "a", "b", "d"]
    assert heed_votes(["a", "b", "c"], [("a", "c"), ("x", "a")]) == ["a", "b", "c"]
    assert heed_votes(["a", "b", "c"], [("c", "b"), ("b", "a")]) == ["c", "b", "a"]
    assert sorted(heed_votes(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")])) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("won", "expected"),
    [
        ([("a", "b")], Shown("a", is_judged=True, is_fused=False)),
        ([("f", "b")], Shown("b", is_judged=True, is_fused=True)),
        ([("b", "a")], Shown("b", is_judged=True, is_fused=False)),
    ],
)
def test_a_vote_decides_against_the_scores(won: list[tuple[str, str]], expected: Shown[str]) -> None:
    scores = {"a": 1.0, "b": 3.0, "f": 2.0}
    assert choose_shown(scores, fused="f", sources=SOURCES, won=won) == expected

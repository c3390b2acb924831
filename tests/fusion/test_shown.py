from __future__ import annotations

import pytest

from blender_ui.fusion.shown import Shown, choose_shown

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

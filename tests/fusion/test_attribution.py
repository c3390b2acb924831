from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from blender_ui.fusion import attribution as attribution_module
from blender_ui.fusion.attribution import Attribution, attribute_spans

TEA = "Warm the pot first. Use one spoon of leaves per cup, and pour water that has just boiled."
MILK = "Milk goes in last so that you can judge the colour. Let it stand for four minutes."
SUGAR = "Never stir sugar in before tasting; a good leaf is sweet enough by itself."


def owned(fused: str, attribution: Attribution) -> list[tuple[str, int | None]]:
    return [(fused[span.start : span.end], span.source) for span in attribution.spans]


def test_a_fusion_spliced_from_known_sources_is_attributed_exactly() -> None:
    pieces = [
        ("Use one spoon of leaves per cup, ", 0),
        ("Let it stand for four minutes. ", 1),
        ("Then, perhaps unexpectedly: ", None),
        ("a good leaf is sweet enough by itself. ", 2),
        ("Warm the pot first.", 0),
    ]
    fused = "".join(text for text, _ in pieces)
    attribution = attribute_spans(fused, [TEA, MILK, SUGAR])
    assert owned(fused, attribution) == pieces
    characters = [sum(len(text) for text, source in pieces if source == index) for index in range(3)]
    assert attribution.shares == pytest.approx([count / len(fused) for count in characters])
    assert 1 - sum(attribution.shares) == pytest.approx(len(pieces[2][0]) / len(fused))


@pytest.mark.parametrize("seed", range(20))
def test_random_splices_of_sources_without_common_words_are_recovered(seed: int) -> None:
    draw = random.Random(seed)
    sources = [[f"{letter}{number}" for number in range(60)] for letter in "abc"]
    words: list[str] = []
    truth: list[int | None] = []
    for _ in range(12):
        owner = draw.choice([0, 1, 2, None])
        length = draw.randint(3, 9)
        at = draw.randrange(60 - length)
        stretch = sources[owner][at : at + length] if owner is not None else [f"x{draw.random()}"]
        words += stretch
        truth += [owner] * len(stretch)
    fused = " ".join(words)
    found = attribute_spans(fused, [" ".join(source) for source in sources])
    starts = itertools.accumulate((len(word) + 1 for word in words), initial=0)
    by_word = [
        next(span.source for span in found.spans if span.start <= start < span.end)
        for start, _ in zip(starts, words, strict=False)
    ]
    assert by_word == truth


def test_what_several_sources_have_goes_to_the_best_ranked() -> None:
    fused = "Water boils at one hundred degrees."
    assert attribute_spans(fused, ["Nothing alike.", fused, fused.upper()]).shares == (0.0, 1.0, 0.0)


def test_the_words_at_a_seam_go_to_the_best_ranked_of_the_two() -> None:
    fused = "red green yellow blue and so on one two three four"
    left, right = "red green yellow blue and so on", "blue and so on one two three four"
    assert attribute_spans(fused, [left, right]).spans[0].end == len("red green yellow blue and so on ")
    assert attribute_spans(fused, [right, left]).spans[0].end == len("red green yellow ")


def test_a_long_run_is_not_cut_by_short_ones_of_a_better_source() -> None:
    fused = "the cat sat on the mat by the open door all night"
    attribution = attribute_spans(fused, ["He sat on the mat. It was by the open window.", fused])
    assert owned(fused, attribution) == [(fused, 1)]


def test_case_accents_plurals_and_punctuation_do_not_hide_a_match() -> None:
    fused = "the CAFÉS close, early on Sunday’s eve"
    assert attribute_spans(fused, ["The cafe closes early on Sunday eve!"]).shares == (1.0,)
    assert attribute_spans("it isn't so", ["It isn’t so."]).shares == (1.0,)


def test_runs_shorter_than_three_words_are_the_fusers_own() -> None:
    fused = "It is one of many"
    assert attribute_spans(fused, ["one of them"]).spans == ((0, len(fused), None),)


def test_a_short_source_counts_where_it_appears_whole() -> None:
    fused = "The capital is Paramaribo."
    assert owned(fused, attribute_spans(fused, ["Paramaribo"])) == [
        ("The capital is ", None),
        ("Paramaribo.", 0),
    ]


def test_a_short_answer_counts_where_a_source_contains_it() -> None:
    assert attribute_spans("42", ["The answer is 42, as ever."]).shares == (1.0,)


def test_text_without_spaces_is_compared_by_character() -> None:
    fused = "水在一百度沸腾。天空是蓝色的。"
    attribution = attribute_spans(fused, ["水在一百度沸腾。", "天空是蓝色的。"])
    assert [source for _, source in owned(fused, attribution)] == [0, 1]


@pytest.mark.parametrize("fused", ["", "?!", "one", "a b\n\n- c\n", "no match anywhere"])
def test_spans_partition_any_text(fused: str) -> None:
    for sources in ([], [""], ["…"], ["one two three"]):
        attribution = attribute_spans(fused, sources)
        assert "".join(text for text, _ in owned(fused, attribution)) == fused
        assert len(attribution.shares) == len(sources)
        assert 0 <= sum(attribution.shares) <= 1 + 1e-9


def test_a_bullet_belongs_to_the_line_it_opens() -> None:
    fused = "first of all things\n- then come other things"
    sources = ["first of all things", "then come other things"]
    assert owned(fused, attribute_spans(fused, sources)) == [
        ("first of all things\n", 0),
        ("- then come other things", 1),
    ]


def _best_worth(words: list[str], sources: list[list[str]], least: list[int]) -> int:
    """Most covered words less ``least - 1`` a run, by trying every run of every source."""
    best = [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        best[end] = best[end - 1]
        for start, (source, shortest) in itertools.product(range(end), zip(sources, least, strict=True)):
            run = words[start:end]
            places = range(len(source) - len(run) + 1)
            if len(run) >= shortest and any(source[at : at + len(run)] == run for at in places):
                best[end] = max(best[end], best[start] + len(run) - shortest + 1)
    return best[-1]


@pytest.mark.parametrize("seed", range(60))
def test_no_other_cover_is_worth_more(seed: int) -> None:
    draw = random.Random(seed)
    sources = [draw.choices("abcd", k=draw.randint(1, 14)) for _ in range(3)]
    words = draw.choices("abcd", k=draw.randint(1, 14))
    least = [min(3, len(source), len(words)) for source in sources]
    fused = " ".join(words)
    attribution = attribute_spans(fused, [" ".join(source) for source in sources])
    worth = sum(
        _best_worth(text.split(), [sources[source]], [least[source]])
        for text, source in owned(fused, attribution)
        if source is not None
    )
    assert worth == _best_worth(words, sources, least)


def test_work_grows_with_the_text_not_with_its_square() -> None:
    def lines_run(n_words: int) -> int:
        """Lines of the module's code that one attribution runs: unlike seconds, always the same."""
        draw = random.Random(0)
        sources = [" ".join(str(draw.randrange(50)) for _ in range(n_words)) for _ in range(3)]
        fused = " ".join(str(draw.randrange(50)) for _ in range(n_words))
        count = 0

        def on_event(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
            nonlocal count
            if frame.f_code.co_filename != attribution_module.__file__:
                return None
            count += event == "line"
            return on_event

        before = sys.gettrace()
        sys.settrace(on_event)
        try:
            attribute_spans(fused, sources)
        finally:
            sys.settrace(before)
        return count

    few, many = lines_run(500), lines_run(2_000)
    assert few > 500
    assert many < 6 * few

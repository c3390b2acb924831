from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from blender_ui.errors import FusionError, RankerError
from blender_ui.fusion.protocol import FusedPiece
from blender_ui.services.fusing.records import FusionRecord
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.result_drawing import (
    OWN_WORDS,
    draw_attributed,
    draw_fusion_notice,
    draw_ranking,
    draw_record,
    draw_shares,
)
from blender_ui.ui.asking.results import Results, compare, first_to_compare, shown_text
from blender_ui.ui.asking.views import ResultView, Visit
from blender_ui.ui.asking.wiring import build_blend
from tests.builders.recorded import keep, record
from tests.builders.scripted_members import ScriptedMember, failing, saying
from tests.ui.scripted_services import ScriptedFuser, build_page, build_scripted_services

ANSWERS = {
    "Ada": "Warm the pot first. Then wait.",
    "Brahms": "Pour water that has just boiled over the leaves. Let it stand for four minutes.",
    "Curie": "Tea is a drink.",
}


class Asked:
    """A prompt with every answer in."""

    def __init__(self, folder: Path, **scripts: Any) -> None:
        members = [ScriptedMember(name, scripts.get(name, saying(text))) for name, text in ANSWERS.items()]
        self.services = build_scripted_services(folder, *members)
        self.results = Results(self.services)
        self.blend = blend = Blend(self.services)
        self.visit = blend.ask(blend.open(None).visit, "How do I make tea?", "").visit
        for number in range(3):
            list(blend.stream(self.visit, number))
        self.visit = blend.settle(self.visit)
        self.revealed: Visit = blend.reveal(self.visit).visit


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


def test_before_the_names_are_shown_the_answers_are_ranked_and_nothing_is_given_out(asked: Asked) -> None:
    asked.services.ranking.train()
    assert list(asked.results.follow(asked.visit)) == []
    assert asked.services.ranking.n_ranked == 1


def test_with_a_ranker_the_answers_are_ranked_and_then_fused(asked: Asked) -> None:
    asked.services.ranking.train()
    views = list(asked.results.follow(asked.revealed))
    last = views[-1]
    assert [entry.member for entry in last.ranking.entries] == ["Brahms", "Ada", "Curie"]  # type: ignore[union-attr]
    assert last.is_done
    assert last.fused_text.startswith("Pour water")
    assert [view.is_done for view in views] == [False] * (len(views) - 1) + [True]


def test_from_the_vote_to_the_fused_text_each_request_reads_the_answers_once(asked: Asked) -> None:
    asked.services.ranking.train()
    read: list[str] = []

    @event.listens_for(asked.services.engine, "before_cursor_execute")
    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "candidate.text" in statement and "WHERE candidate.prompt_id = ?" in statement:
            read.append(statement)

    asked.blend.page(asked.revealed)
    last = list(asked.results.follow(asked.revealed))[-1]
    assert last.fusion is not None
    # For the page; for ranking, fusing and judging; and inside the transaction that queues the new pairs.
    assert len(read) == 3


def test_without_a_ranker_the_page_says_what_is_needed_and_still_fuses(asked: Asked) -> None:
    last = list(asked.results.follow(asked.revealed))[-1]
    assert last.ranking is None
    assert "50 votes are needed, 12 are there" in last.ranking_notice
    assert [title for title, _ in last.ways] == ["Label pairs", "Import votes", "Train"]
    assert last.fusion is not None
    drawn = draw_ranking(last)
    assert 'href="./label"' in drawn
    assert 'href="./data"' in drawn


def test_a_ranker_that_fails_does_not_keep_the_fused_answer_away(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rank(answers: object) -> None:
        raise RankerError("the reader's process ended; try again")

    monkeypatch.setattr(asked.services.ranking, "rank_answers", rank)
    last = list(asked.results.follow(asked.revealed))[-1]
    assert "the reader's process ended; try again" in last.ranking_notice
    assert last.fusion is not None


def test_a_fused_answer_is_not_made_twice(asked: Asked) -> None:
    first = list(asked.results.follow(asked.revealed))[-1]
    again = list(asked.results.follow(asked.revealed))[-1]
    assert first.fusion is not None
    assert again.fusion is not None
    assert first.fusion.fusion_id == again.fusion.fusion_id


def test_with_one_answer_there_is_nothing_to_rank(tmp_path: Path) -> None:
    broken = failing("timeout", "too slow")
    asked = Asked(tmp_path, Ada=broken, Brahms=broken)
    views = list(asked.results.follow(asked.revealed))
    assert len(views) == 1
    assert "fewer than two models answered" in views[0].ranking_notice


def test_the_ranking_says_who_beat_whom_how_surely_and_who_decided(asked: Asked) -> None:
    asked.services.ranking.train()
    drawn = draw_ranking(list(asked.results.follow(asked.revealed))[-1])
    # Brahms' answer is 79 characters long and Ada's 30, so the scripted logit is 0.49 and the
    # probability 1 / (1 + exp(-0.49)) = 0.62; with a deviation of 0.4 it goes from 0.43 to 0.78.
    assert "Brahms before Ada: 62% (43% to 78%) sure." in drawn
    assert "2 of 2" in drawn
    assert "Version 1 (fast, scripted) decided, trained on 420 votes and refitted with the latest." in drawn
    assert "Brahms before Ada: logit +0.49 ± 0.40" in drawn


def test_spans_carry_the_colours_and_shares_of_their_sources(asked: Asked) -> None:
    asked.services.ranking.train()
    last = list(asked.results.follow(asked.revealed))[-1]
    attributed, shares = draw_attributed(last.fusion), draw_shares(last.fusion)
    for number, name in enumerate(("Brahms", "Ada", "Curie"), start=1):
        assert f'bu-source-{number}" title="{name}"' in attributed
        assert name in shares
    assert "own words" in shares


def test_what_is_shown_is_compared_with_a_member_that_is_not_shown_itself(asked: Asked) -> None:
    asked.services.ranking.train()
    last = list(asked.results.follow(asked.revealed))[-1]
    assert last.fusion is not None
    assert last.fusion.shown == "fused"
    assert first_to_compare(last) == "Brahms"
    parts = compare(last, "Ada")
    assert "".join(part.text for part in parts if part.change != "gone") == shown_text(last)
    assert "".join(part.text for part in parts if part.change != "new") == ANSWERS["Ada"]


@pytest.mark.parametrize("member", [None, "Nobody", 7, ["Ada"]])
def test_comparing_with_what_is_not_a_member_gives_nothing(asked: Asked, member: object) -> None:
    last = list(asked.results.follow(asked.revealed))[-1]
    assert compare(last, member) == ()
    assert compare(None, "Ada") == ()


def test_waiting_is_shown_as_waiting() -> None:
    assert "bu-busy" in draw_fusion_notice(ResultView(fusion_notice="Fusing the best answers …"))
    assert "bu-busy" not in draw_fusion_notice(ResultView(fusion_notice="There is none.", is_done=True))


LONG = "Pour. Use water that has just boiled, all of it over the leaves, and let it stand for four minutes."


def drawn_card(asked: Asked) -> dict[str, Any]:
    """The card's components after the names are shown, by their ids."""
    fns = build_page(asked.services, build_blend).fns.values()
    listener = next(fn for fn in fns if fn.api_name == "blend_show_results")
    assert listener.fn is not None
    *_, last = listener.fn(asked.revealed)
    return {part.elem_id: value for part, value in last.items() if getattr(part, "elem_id", None)}


def text_of(drawn: str) -> str:
    """The text whose stretches are coloured."""
    found = re.search(r'<div class="bu-text bu-attributed">(.*?)</div>', drawn, re.DOTALL)
    assert found is not None
    return unescape(re.sub("<[^>]+>", "", found[1]))


def written_in(drawn: str) -> str:
    """The text of an answer as its member wrote it."""
    found = re.search(r"<pre>\n?(.*?)</pre>", drawn, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_a_fused_answer_that_is_shown_stands_with_its_own_provenance(asked: Asked) -> None:
    asked.services.ranking.train()
    card = drawn_card(asked)
    assert "The fused answer" in card["blend-fused-title"]
    assert text_of(card["blend-attributed"]) == written_in(card["blend-fused"])
    assert "Nobody has voted on an answer fused by" in card["blend-record"]
    assert card["blend-below-tab"]["visible"] is False
    assert card["blend-below"] == ""


def test_a_best_answer_and_the_fused_one_below_it_each_stand_with_their_own_provenance(
    tmp_path: Path,
) -> None:
    asked = Asked(tmp_path, Brahms=saying(LONG))
    asked.services.ranking.train()
    card = drawn_card(asked)
    assert "Best answer: Brahms (the fused one ranked below it)" in card["blend-fused-title"]
    assert written_in(card["blend-fused"]) == LONG
    assert text_of(card["blend-attributed"]) == LONG
    assert re.findall(r">([^<>]+) <b>(\d+%)</b>", card["blend-shares"]) == [("Brahms", "100%")]
    assert card["blend-record"] == ""
    assert card["blend-below-tab"]["visible"] is True
    assert text_of(card["blend-below"]) == "Pour. Warm the pot first. Tea is a drink."
    assert unescape(re.findall(r">([^<>]+) <b>\d+%</b>", card["blend-below"])[-1]) == OWN_WORDS
    assert "fused by Fuser" in card["blend-below"]


def test_where_nothing_was_fused_the_card_says_whose_answer_it_shows(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> Generator[FusedPiece]:
        yield FusedPiece("Half", 1)
        raise FusionError("memory ran out")

    monkeypatch.setattr(ScriptedFuser, "stream", broken)
    asked.services.ranking.train()
    card = drawn_card(asked)
    assert "Brahms&#x27;s answer (there is no fused one)" in card["blend-fused-title"]
    assert written_in(card["blend-fused"]) == text_of(card["blend-attributed"]) == ANSWERS["Brahms"]
    assert card["blend-below-tab"]["visible"] is False


def test_people_s_votes_on_a_fuser_are_told_with_an_interval(asked: Asked) -> None:
    asked.services.ranking.train()
    fusion = list(asked.results.follow(asked.revealed))[-1].fusion
    assert fusion is not None
    assert "Nobody has voted on an answer fused by Fuser yet" in draw_record(fusion)
    record = FusionRecord(fuser="Fuser", n_votes=40, win_rate=0.55, low=0.398, high=0.693)
    said = draw_record(replace(fusion, record=record))
    assert "in 55% of 40 blind votes" in said
    assert "40% to 69%" in said


def test_stretches_carry_their_member_and_how_they_were_found(asked: Asked) -> None:
    asked.services.ranking.train()
    fusion = list(asked.results.follow(asked.revealed))[-1].fusion
    assert fusion is not None
    assert fusion.attributed_by == "alignment"
    drawn = draw_attributed(fusion)
    assert 'tabindex="0" data-light-member="Brahms"' in drawn
    assert "matching runs of words confirm 93% of it" in draw_attributed(replace(fusion, agreement=0.93))


def test_a_second_round_is_refused_before_the_names_are_shown_and_a_third_always(asked: Asked) -> None:
    assert list(asked.results.fuse_again(asked.visit, rounds=2)) == []
    last = list(asked.results.fuse_again(asked.revealed, rounds=3))[-1]
    assert last.is_done
    assert "expected one or two rounds" in last.fusion_notice


@pytest.mark.parametrize(
    "begins", ["blend_ask", "blend_go_on", "blend_ask_also", "blend_past_press", "blend_example"]
)
def test_another_round_ends_whatever_still_draws_a_result(asked: Asked, tmp_path: Path, begins: str) -> None:
    asked.services.ranking.train()
    keep(asked.services, record(asked.services), tmp_path)  # else there are no examples to press
    fns = {fn._id: fn for fn in build_page(asked.services, build_blend).fns.values()}
    (begun,) = (fn for fn in fns.values() if fn.api_name == begins)
    ended = {fns[key].api_name for fn in fns.values() if fn.targets == begun.targets for key in fn.cancels}
    names = {str(fn.api_name) for fn in fns.values()}
    drawing = {name for name in names if name.startswith("blend_") and name.endswith("_results")}
    assert {"blend_past_results", "blend_example_results"} < drawing
    assert ended == {*drawing, "blend_fuse_again"}


def test_where_answers_agree_is_shown_with_the_ranking_and_without(tmp_path: Path) -> None:
    asked = Asked(tmp_path, **{name: saying("The answer is 4.") for name in ("Ada", "Curie")})
    unranked = list(asked.results.follow(asked.revealed))[-1]
    assert unranked.ranking is None
    assert "2 of 3 agree" in draw_ranking(unranked)
    same = Asked(tmp_path / "same", **{name: saying("The answer is 4.") for name in ANSWERS})
    same.services.ranking.train()
    assert "All 3 agree" in draw_ranking(list(same.results.follow(same.revealed))[-1])


def test_the_page_says_that_strangers_taught_the_start_ranker(asked: Asked) -> None:
    asked.services.ranking.train()
    last = list(asked.results.follow(asked.revealed))[-1]
    assert last.ranking is not None
    assert "Strangers" not in draw_ranking(last)
    start = replace(last.ranking.version, hyper_parameters={"origin": "start"})
    drawn = unescape(
        draw_ranking(replace(last, ranking=replace(last.ranking, version=start, refitted_preference_id=None)))
    )
    assert "Strangers' votes taught it" in drawn
    assert "it moves with the votes here" in drawn
    moved = replace(last.ranking, version=start, refitted_preference_id=3)
    assert "it has moved with the votes here" in draw_ranking(replace(last, ranking=moved))


def test_a_ranking_by_another_version_than_the_active_one_says_why(asked: Asked) -> None:
    asked.services.ranking.train()
    last = list(asked.results.follow(asked.revealed))[-1]
    assert last.ranking is not None
    plain = draw_ranking(last)
    drawn = draw_ranking(replace(last, ranking=replace(last.ranking, notice="The checkpoint is <damaged>.")))
    assert "The checkpoint is &lt;damaged&gt;." in drawn
    assert "damaged" not in plain

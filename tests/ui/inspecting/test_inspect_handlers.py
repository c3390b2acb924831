from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from sqlmodel import select

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.ui.inspecting.decisions import answers, drawing
from blender_ui.ui.inspecting.decisions.handlers import InspectHandlers, logits_csv, votes_csv
from blender_ui.ui.inspecting.decisions.wiring import build_inspect
from db.engine import transaction
from db.models import Candidate, Outcome, Prompt, Ranking
from tests.builders.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services


class DecisionTab:
    """The handlers over a real store, with a ranker that prefers longer answers."""

    def __init__(self, folder: Path) -> None:
        self.services: Any = build_scripted_services(folder)
        self.handlers = InspectHandlers(
            self.services.inspection,
            self.services.ranking,
            explaining=self.services.explaining,
            access=self.services.access,
        )
        (self.prompt_id,) = add_prompts(self.services.engine, n_prompts=1)
        with transaction(self.services.engine, immediate=True) as session:
            for candidate in session.exec(select(Candidate)):
                candidate.text = "x" * (300 if candidate.member_id == 1 else 100)

    def vote(self, *, for_longer: bool, reason: str | None = None) -> None:
        labeling = self.services.labeling
        labeling.queue_prompt(prompt_id=self.prompt_id)
        annotator = labeling.sign_in(key=key_of(1))
        pair = labeling.next_pair(annotator_id=annotator.id)
        is_left_longer = len(pair.left_text) > len(pair.right_text)
        outcome = Outcome.LEFT if is_left_longer == for_longer else Outcome.RIGHT
        labeling.submit(
            annotator_id=annotator.id,
            lease_id=pair.lease_id,
            outcome=outcome,
            idempotency_key="k",
            reason=reason,
        )

    def add_newer_prompt(self) -> int:
        """One whose text holds the number of the first."""
        with transaction(self.services.engine, immediate=True) as session:
            prompt = Prompt(instruction=f"Is #{self.prompt_id}5aaff a blue?", fingerprint="f")
            session.add(prompt)
            session.flush()
            assert prompt.id is not None
            return prompt.id

    def count_rankings(self) -> int:
        with transaction(self.services.engine) as session:
            return len(session.exec(select(Ranking)).all())

    def send(self, endpoint: str, *inputs: object) -> dict[str, Any]:
        """What a listener of the page changes, by its component's id."""
        with gr.Blocks() as page:
            build_inspect(self.services, page)
        (handle,) = [event.fn for event in page.fns.values() if event.api_name == endpoint]
        assert handle is not None
        return {component.elem_id: value for component, value in handle(*inputs).items()}

    def open(self, **address: object) -> dict[str, Any]:
        """What the decision's tab shows of an address."""
        parameters = {name: str(value) for name, value in address.items()}
        return self.send("inspect_open", SimpleNamespace(query_params=parameters))


@pytest.fixture
def decision_tab(tmp_path: Path) -> Iterator[DecisionTab]:
    decision_tab = DecisionTab(tmp_path)
    yield decision_tab
    decision_tab.services.engine.dispose()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_before_a_ranker_the_votes_are_shown_and_the_ranking_is_not(decision_tab: DecisionTab) -> None:
    decision_tab.vote(for_longer=True)
    decision = decision_tab.handlers.get_decision(decision_tab.prompt_id)
    assert decision.ranking is None
    (judged,) = decision.votes
    assert (judged.probability, judged.agrees) == (None, None)
    assert "not ranked yet" in drawing.draw_ranks(decision)
    assert decision_tab.handlers.rank(decision_tab.prompt_id).notice.startswith("No ranker has been trained")
    assert decision_tab.handlers.rank(None).notice == "Choose a prompt first."


def test_a_decision_says_which_members_conclude_the_same(decision_tab: DecisionTab) -> None:
    with transaction(decision_tab.services.engine, immediate=True) as session:
        for candidate in session.exec(select(Candidate)):
            candidate.text = f"So the answer is 42{'.' * (candidate.member_id or 0)}"
    drawn = drawing.draw_ranks(decision_tab.handlers.get_decision(decision_tab.prompt_id))
    assert "All 2 agree" in drawn
    assert "<q>42</q>" in drawn


@pytest.mark.parametrize("for_longer", [True, False])
def test_a_vote_stands_beside_what_the_ranker_says_of_its_pair(
    decision_tab: DecisionTab, for_longer: bool
) -> None:
    decision_tab.vote(for_longer=for_longer)
    decision_tab.services.ranking.train()
    ranked = decision_tab.handlers.rank(decision_tab.prompt_id)
    decision = decision_tab.handlers.get_decision(decision_tab.prompt_id, ranked.ranking_id)
    (judged,) = decision.votes
    assert judged.agrees is for_longer
    # The scripted logit is the length gap over 100: two, for the longer answer.
    longer = 1 / (1 + math.exp(-2))
    said_left = judged.vote.outcome is Outcome.LEFT
    assert judged.probability == pytest.approx(longer if said_left == for_longer else 1 - longer)
    assert f"agrees with {int(for_longer)} of 1" in drawing.draw_votes(decision)


def test_the_latest_ranking_is_shown_first_and_an_older_one_on_request(decision_tab: DecisionTab) -> None:
    decision_tab.services.ranking.train()
    first, second = (decision_tab.handlers.rank(decision_tab.prompt_id).ranking_id for _ in range(2))
    latest = decision_tab.handlers.get_decision(decision_tab.prompt_id).ranking
    older = decision_tab.handlers.get_decision(decision_tab.prompt_id, first).ranking
    assert latest is not None
    assert older is not None
    assert (latest.ranking_id, older.ranking_id) == (second, first)


def test_a_ranking_of_another_prompt_is_refused(decision_tab: DecisionTab) -> None:
    decision_tab.services.ranking.train()
    ranking_id = decision_tab.handlers.rank(decision_tab.prompt_id).ranking_id
    with transaction(decision_tab.services.engine, immediate=True) as session:
        session.add(Prompt(instruction="Another?", fingerprint="f"))
    with pytest.raises(MalformedInput, match="of prompt"):
        decision_tab.handlers.get_decision(decision_tab.prompt_id + 1, ranking_id)


@pytest.mark.parametrize("prompt_id", [None, "", "x", True, -1, 1.0])
def test_what_is_no_id_is_refused(decision_tab: DecisionTab, prompt_id: object) -> None:
    with pytest.raises(MalformedInput):
        decision_tab.handlers.get_decision(prompt_id)
    with pytest.raises(NotFound):
        decision_tab.handlers.get_decision(999)


def test_saved_logits_hold_both_orders_with_their_rows(decision_tab: DecisionTab) -> None:
    decision_tab.services.ranking.train()
    decision_tab.handlers.rank(decision_tab.prompt_id)
    ranking = decision_tab.handlers.get_decision(decision_tab.prompt_id).ranking
    assert ranking is not None
    rows = read_csv(logits_csv(ranking))
    assert [(row["first"], row["second"], float(row["logit"])) for row in rows] == [
        ("member-0", "member-1", 2.0),
        ("member-1", "member-0", -2.0),
    ]
    assert {row["ranking_id"] for row in rows} == {str(ranking.ranking_id)}
    assert {row["first_candidate_id"] for row in rows} == {"1", "2"}
    drawn = drawing.draw_logits(ranking)
    assert "+2.000" in drawn
    assert "data:text/csv" in drawn


def test_saved_votes_are_text_to_a_spreadsheet_and_name_their_rows(decision_tab: DecisionTab) -> None:
    decision_tab.vote(for_longer=True, reason="=HYPERLINK(1)")
    (row,) = read_csv(votes_csv(decision_tab.handlers.get_decision(decision_tab.prompt_id)))
    assert row["reason"] == "'=HYPERLINK(1)"
    assert (row["preference_id"], row["comparison_id"]) == ("1", "1")


def test_answers_are_drawn_as_text_that_does_nothing(decision_tab: DecisionTab) -> None:
    with transaction(decision_tab.services.engine, immediate=True) as session:
        for candidate in session.exec(select(Candidate)):
            candidate.text = "<script>alert(1)</script> ![x](http://elsewhere.test/x.png)"
    drawn = answers.draw_texts(decision_tab.handlers.get_decision(decision_tab.prompt_id))
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_thinking_can_be_unfolded_and_is_no_part_of_the_answer(decision_tab: DecisionTab) -> None:
    with transaction(decision_tab.services.engine, immediate=True) as session:
        for candidate in session.exec(select(Candidate)):
            candidate.thinking = "Which <one>?"
    drawn = answers.draw_texts(decision_tab.handlers.get_decision(decision_tab.prompt_id))
    assert "Thinking, which nobody judges" in drawn
    assert "Which &lt;one&gt;?" in drawn


def test_a_link_to_a_decision_has_the_version_rank_its_own_prompt(decision_tab: DecisionTab) -> None:
    decision_tab.services.ranking.train()
    decision_tab.add_newer_prompt()
    shown = decision_tab.open(tab="decision", prompt=decision_tab.prompt_id, version=1)
    assert shown["inspect-prompt"]["value"] == decision_tab.prompt_id
    assert f"Prompt {decision_tab.prompt_id} " in shown["inspect-texts"]
    assert decision_tab.count_rankings() == 1


@pytest.mark.parametrize(
    "address", [{"tab": "members"}, {"tab": "what-if", "prompt": 1}, {"tab": "decision"}, {}]
)
def test_a_link_that_asks_for_no_decision_ranks_nothing(
    decision_tab: DecisionTab, address: dict[str, object]
) -> None:
    decision_tab.services.ranking.train()
    shown = decision_tab.open(**address, version=1)
    assert "not ranked yet" in shown["inspect-ranks"]
    assert decision_tab.count_rankings() == 0


def test_a_link_to_a_prompt_that_is_gone_shows_no_other_one(decision_tab: DecisionTab) -> None:
    newer = decision_tab.add_newer_prompt()
    with transaction(decision_tab.services.engine, immediate=True) as session:
        session.add(Prompt(instruction=f"And #{newer + 9}?", fingerprint="g"))
    shown = decision_tab.open(prompt=newer + 9)
    assert shown["inspect-prompt"]["value"] is None
    assert "No prompt was found" in shown["inspect-notice"]


def test_a_search_that_finds_nothing_leaves_no_decision_up(decision_tab: DecisionTab) -> None:
    decision_tab.vote(for_longer=True)
    decision_tab.services.ranking.train()
    decision_tab.handlers.rank(decision_tab.prompt_id)
    full = decision_tab.send("inspect_search", "question")
    empty = decision_tab.send("inspect_search", "nothing like it")
    assert set(empty) == set(full)
    texts = [name for name, value in full.items() if isinstance(value, str) and name != "inspect-notice"]
    assert len(texts) == 7
    assert all(full[name] and not empty[name] for name in texts)
    assert (empty["inspect-ranking"]["choices"], empty["inspect-ranking"]["value"]) == ([], None)
    assert empty["inspect-heat"]["visible"] is False

"""The history of a prompt is folded above its last turn on every page that shows answers to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blender_ui.services.candidates import prompt_columns
from blender_ui.services.labeling.lending import SetView
from blender_ui.services.quality.agreement import DisagreementCounts
from blender_ui.ui.history import draw_history
from blender_ui.ui.inspecting.decisions.answers import draw_texts
from blender_ui.ui.inspecting.decisions.handlers import Decision
from blender_ui.ui.labeling import forms
from blender_ui.ui.people.projects import drawing as projects
from blender_ui.ui.quality import drawing as quality
from blender_ui.ui.quality.handlers import RulingQueue
from blender_ui.values import Message, RankingPrompt
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Ask, Outcome, Prompt, utc_now
from tests.builders.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services

LATER = RankingPrompt(
    instruction="And in winter?",
    history=(
        Message("system", "Be brief."),
        Message("user", "How warm?", "Oslo"),
        Message("assistant", "<b>Not</b> very."),
        Message("tool", "21 degrees"),
    ),
)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Any]:
    services = build_scripted_services(tmp_path)
    (prompt_id,) = add_prompts(services.engine, n_prompts=1)
    with transaction(services.engine) as session:
        for name, value in prompt_columns(LATER).items():
            setattr(session.get_one(Prompt, prompt_id), name, value)
    services.labeling.queue_prompt(prompt_id=prompt_id)
    yield services
    services.engine.dispose()


def check(drawn: str) -> None:
    words = ["The conversation so far (1 turn)", "Be brief.", "How warm?", "Oslo", "very.", "21 degrees"]
    places = [drawn.index(word) for word in words]
    assert places == sorted(places)
    assert "<b>" not in drawn
    assert drawn.count("<details") >= 1
    assert "<details open" not in drawn


def test_a_prompt_without_history_has_no_fold() -> None:
    assert draw_history(()) == ""


def test_label_and_ones_own_answers_show_it(services: Any) -> None:
    person = services.labeling.sign_in(key=key_of(1)).id
    pair = services.labeling.next_pair(annotator_id=person)
    drawn = forms.draw_pair(pair)
    check(drawn.history)
    assert "winter" in drawn.instruction
    assert "winter" not in drawn.history
    services.labeling.submit(
        annotator_id=person, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="1"
    )
    (past,) = services.relabeling.list_mine(annotator_id=person, project_id=DEFAULT_PROJECT_ID)
    check(forms.draw_past(past).history)


def test_researchers_see_it_beside_checks_disagreements_and_decisions(services: Any) -> None:
    (known,) = services.checks.list_pairs(project_id=DEFAULT_PROJECT_ID)
    check(projects.draw_pair(known))
    prompt = services.inspection.get_prompt(1)
    check(draw_texts(Decision(prompt=prompt, ranking=None, votes=())))
    shown = quality.Disagreement(
        comparison_id=1, instruction="And in winter?", input="", history=LATER.history,
        left_text="a", right_text="b", votes=(),
    )  # fmt: skip
    check(quality.draw_next(RulingQueue(shown=shown, counts=DisagreementCounts(1, 0))))


def test_answers_that_are_judged_at_once_show_it(services: Any) -> None:
    drawn = forms.draw_lent(
        SetView(
            lease_id=1, ballot_id=1, ask=Ask.ORDER, instruction="And in winter?", input="",
            history=LATER.history, texts=("a", "b", "c"), candidate_ids=(1, 2, 3), policy="", propensity=1.0,
            expires_at=utc_now(),
        )
    )  # fmt: skip
    check(drawn.history)

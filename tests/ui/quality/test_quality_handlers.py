"""The quality page's logic and what it draws, over a real store."""

from html import unescape
from pathlib import Path

import pytest

from blender_ui.services.quality.agreement import Quality
from blender_ui.ui.plots import agreement_plot
from blender_ui.ui.quality import drawing
from blender_ui.ui.quality.handlers import QualityHandlers
from db.engine import transaction
from db.models import Adjudication, Outcome
from tests.builders.stores import key_of, make_labeling
from tests.services.quality.test_quality import Store

MEMORY = {"annotator": key_of(9)}


class Page:
    """The handlers over a store in which a test says who says what."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder, n_prompts=45)
        labeling = make_labeling(self.store.engine, self.store.clock)
        self.handlers = QualityHandlers(Quality(self.store.engine, clock=self.store.clock), labeling)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_an_empty_store_says_what_to_do(page: Page) -> None:
    view = page.handlers.view()
    assert "Nobody has labelled anything yet" in drawing.draw_overall(view)
    assert "Nobody yet" in drawing.draw_annotators(view.annotators)
    assert "No disagreement waits" in drawing.draw_next(page.handlers.next_disagreement())
    assert drawing.list_figures(view)["alpha"] == {"value": None, "low": None, "high": None}


def test_one_person_alone_agrees_with_nobody(page: Page) -> None:
    page.store.say("ada", 0, Outcome.LEFT)
    view = page.handlers.view()
    assert "No pair has labels of two people yet" in drawing.draw_overall(view)
    assert "Two people must have labelled" in drawing.draw_pairs(view.pairs)


def test_agreement_and_annotators_are_drawn_as_text(page: Page) -> None:
    for place in range(40):
        page.store.say("<b>ada", place, [Outcome.LEFT, Outcome.RIGHT][place % 2])
        page.store.say("bob", place, [Outcome.LEFT, Outcome.RIGHT][(place + (place < 10)) % 2])
    view = page.handlers.view()
    assert "0.500" in drawing.draw_overall(view) or "0.5" in drawing.draw_overall(view)
    drawn = drawing.draw_annotators(view.annotators)
    assert "<b>ada" not in drawn
    assert "<b>ada" in unescape(drawn)
    assert "75% (60% to 86%) of 40" in drawn
    pairs = unescape(drawing.draw_pairs(view.pairs))
    assert "40 pairs, Cohen's kappa 0.500" in pairs
    figure = agreement_plot(view.windows)
    assert list(figure.data[0].x) == [20, 40]
    assert list(figure.data[0].y) == [window.alpha.value for window in view.windows]


def test_a_ruling_goes_into_the_store_and_the_next_pair_comes(page: Page) -> None:
    for place in (0, 1):
        page.store.say("ada", place, Outcome.LEFT)
        page.store.say("bob", place, Outcome.RIGHT)
    waiting = page.handlers.next_disagreement()
    assert waiting.shown is not None
    assert (waiting.counts.n, waiting.counts.n_waiting) == (2, 2)
    drawn = drawing.draw_next(waiting)
    assert "left is better" in drawn
    assert "member-" not in drawn.replace("Answer of member-", ""), "no member is named beside its answer"
    said = page.handlers.rule(
        MEMORY, comparison_id=waiting.shown.comparison_id, outcome="both_bad", reason="neither answers"
    )
    assert said == ""
    with transaction(page.store.engine) as session:
        ruling = session.get(Adjudication, 1)
        assert ruling is not None
        assert (ruling.outcome, ruling.reason) == (Outcome.BOTH_BAD, "neither answers")
        assert ruling.decided_by_id is not None
    following = page.handlers.next_disagreement()
    assert (following.counts.n, following.counts.n_ruled) == (2, 1)
    assert "2 pairs on which people differ: 1 with a ruling, 1 waiting" in drawing.draw_next(following)
    assert following.shown is not None
    assert following.shown.comparison_id != waiting.shown.comparison_id


def test_a_pair_that_was_passed_over_waits_behind(page: Page) -> None:
    for place in (0, 1):
        page.store.say("ada", place, Outcome.LEFT)
        page.store.say("bob", place, Outcome.RIGHT)
    first = page.handlers.next_disagreement().shown
    assert first is not None
    second = page.handlers.next_disagreement([first.comparison_id]).shown
    assert second is not None
    assert second.comparison_id != first.comparison_id
    assert page.handlers.next_disagreement([first.comparison_id, second.comparison_id, "x"]).shown is None


@pytest.mark.parametrize(
    ("comparison_id", "outcome", "reason", "said"),
    [
        (None, "tie", "why", "no pair to rule on"),
        ("1", "tie", "why", "no pair to rule on"),
        (999, "tie", "why", "no comparison 999"),
        (1, None, "why", "choose what counts"),
        (1, "perhaps", "why", "choose what counts"),
        (1, "tie", "", "needs a reason"),
        (1, "tie", None, "needs a reason"),
        (1, "tie", "x" * 2001, "needs a reason"),
    ],
)
def test_what_cannot_be_ruled_is_a_sentence(
    page: Page, comparison_id: object, outcome: object, reason: object, said: str
) -> None:
    assert said in page.handlers.rule(MEMORY, comparison_id=comparison_id, outcome=outcome, reason=reason)

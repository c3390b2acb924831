"""Member choice: what is offered, said, asked and kept; and who is asked afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.services.choosing.proposal import ExpectedMember, Proposal
from blender_ui.ui.asking.choosing.late import AFTER_THE_VOTE
from blender_ui.ui.asking.choosing.planning import (
    NO_CHOOSER,
    NONE_TICKED,
    NOT_WRITTEN,
    MemberChoice,
    Plan,
    say_proposal,
)
from blender_ui.ui.asking.views import Choice
from db.engine import transaction
from db.models import Candidate, Comparison
from tests.builders.choosers import activate_chooser
from tests.builders.scripted_members import ScriptedMember, saying
from tests.services.choosing.test_proposals import ONE_KIND
from tests.ui.asking.test_blend_handlers import Page

FIVE = ("first", "second", "third", "fourth", "fifth")


def open_page(folder: Path, *names: str, has_chooser: bool = True) -> Page:
    page = Page(folder, *(ScriptedMember(name, saying(f"{name} says", " this.")) for name in names))
    if has_chooser:
        settings = page.services.settings
        for path in (settings.choosers_path, settings.prompt_encoder_path):
            path.mkdir(parents=True, exist_ok=True)
        activate_chooser(
            page.services.engine,
            choosers_path=settings.choosers_path,
            encoder_path=settings.prompt_encoder_path,
        )
    return page


def look(
    page: Page, way: MemberChoice, text: str = ONE_KIND, *, ticked: Any = (), before: Plan | None = None
) -> Plan:
    return page.blend.plan(page.visit, way.value, [*ticked], (text, ""), before)


def ask(page: Page, plan: Plan) -> str:
    turn = page.blend.ask(page.visit, *plan.texts, plan=plan)
    page.visit = turn.visit
    page.memory = dict(page.blend.remember(turn.visit, page.memory))
    for number in range(len(page.visit.columns)):
        page.stream(number)
    return turn.notice


def test_these_tests_leave_the_users_prompt_encoder_alone(tmp_path: Path) -> None:
    settings = open_page(tmp_path, *FIVE).services.settings
    assert settings.prompt_encoder_path.is_relative_to(tmp_path)


def test_the_best_are_the_default_as_soon_as_a_chooser_is_active(tmp_path: Path) -> None:
    page = open_page(tmp_path, *FIVE, has_chooser=False)
    before = page.blend.planning.offer()
    assert (before.value, before.line) == ("all", NO_CHOOSER)
    plan = look(page, MemberChoice.BEST)
    assert (plan.names, plan.line, plan.is_everybody) == (FIVE, NO_CHOOSER, True)
    page = open_page(tmp_path / "other", *FIVE)
    after = page.blend.planning.offer()
    assert (after.value, after.line) == ("best", NOT_WRITTEN)
    assert [title for title, _ in after.choices] == ["The best 3 for this", "All 5", "By hand"]


def test_what_is_shown_is_what_is_asked_and_kept_with_its_propensities(tmp_path: Path) -> None:
    page = open_page(tmp_path, *FIVE)
    shown = look(page, MemberChoice.BEST)
    assert look(page, MemberChoice.BEST, before=shown) is shown
    assert look(page, MemberChoice.BEST) == shown  # a look under way at the time of asking draws the same
    assert shown.proposal is not None
    assert shown.line == say_proposal(shown.proposal)
    assert ask(page, shown) == ""
    assert set(page.visit.columns) == set(shown.names)
    assert len(page.blend.page(page.visit).columns) == 3
    kept = page.services.choices.find(page.visit.prompt_id)
    assert kept.proposal == shown.proposal
    with transaction(page.services.engine) as session:
        told = sorted(one.propensity for one in session.exec(select(Candidate)))
    assert told == sorted(shown.proposal.propensities.values())
    assert page.blend.planning.offer(page.visit.prompt_id).line == shown.line
    assert set(page.reload().columns) == set(shown.names)


def test_the_line_tells_no_members_own_time_or_cost() -> None:
    def expect(name: str, **told: Any) -> ExpectedMember:
        return ExpectedMember(name=name, quality=0.7, low=0.5, high=0.9, propensity=0.1, **told)

    line = say_proposal(
        Proposal(
            version_id=4,
            kind="code, python",
            asked=(expect("one", cost=0.25, seconds=3.0), expect("two", cost=0.5, seconds=17.0)),
            left_out=(),
            is_explored=True,
            value=0.8,
            all_value=0.85,
        )
    )
    assert line == (
        "Kind of task: code, python. Asks one 0.70 (0.50 to 0.90), and two 0.70 (0.50 to 0.90), drawn at "
        "random (probability 0.10) to learn more of it. Expected of the best answer: 0.80, with all asked "
        "0.85. Together cost about 0.7500, about 17 s."
    )


def test_by_hand_those_ticked_are_asked_and_nobody_else(tmp_path: Path) -> None:
    page = open_page(tmp_path, *FIVE, has_chooser=False)
    nobody = look(page, MemberChoice.HAND, ticked=["a stranger"])
    assert (nobody.names, ask(page, nobody)) == ((), NONE_TICKED)
    assert page.visit.prompt_id is None
    ask(page, look(page, MemberChoice.HAND, ticked=["fifth", "first"]))
    assert set(page.visit.columns) == {"first", "fifth"}
    assert set(page.reload().columns) == {"first", "fifth"}
    page.take(page.blend.reveal)
    way = page.blend.page(page.visit).ways.choices[0][1]
    page.take(lambda visit: page.blend.go_on(visit, way, "And then?"))
    assert set(page.visit.columns) == {"first", "fifth"}


def test_before_the_vote_one_more_joins_unnamed_and_can_be_voted_on(tmp_path: Path) -> None:
    joined = set()
    for number in range(8):
        page = open_page(tmp_path / str(number), *FIVE, has_chooser=False)
        ask(page, look(page, MemberChoice.HAND, ticked=FIVE[:3]))
        pair = page.visit.pair
        late = page.blend.page(page.visit).late
        assert (late.names, late.can_ask) == ((), True)
        assert page.take(lambda visit, page=page: page.blend.ask_also(visit, "fifth")) == ""
        assert page.blend.page(page.visit).pair == pair  # which can be voted on meanwhile
        page.stream(3)
        joined.add(page.visit.columns[3])
        view = page.blend.page(page.visit)
        assert view.columns[3].text
        assert not any(column.name for column in view.columns)
        assert page.visit.pair is not None
        assert pair is not None
        assert page.visit.pair.lease_id == pair.lease_id
        with transaction(page.services.engine) as session:
            assert len(session.exec(select(Comparison)).all()) == 6
            assert session.exec(select(Candidate).where(Candidate.propensity != None)).all() == []  # noqa: E711
    assert joined == {"fourth", "fifth"}  # whatever name was posted


def test_a_single_one_left_out_is_asked_by_name_after_the_vote(tmp_path: Path) -> None:
    page = open_page(tmp_path, *FIVE[:3], has_chooser=False)
    ask(page, look(page, MemberChoice.HAND, ticked=FIVE[:2]))
    assert page.blend.page(page.visit).late.notice == AFTER_THE_VOTE
    assert page.take(page.blend.ask_also, "third") == AFTER_THE_VOTE
    page.take(page.blend.vote, Choice.FIRST)
    again = tuple(f"{name} (2)" for name in FIVE[:2])
    assert page.blend.page(page.visit).late.names == ("third", *again)
    assert "Choose the model" in page.take(page.blend.ask_also, "first")
    assert page.take(page.blend.ask_also, "third") == ""
    page.stream(2)
    view = page.blend.page(page.visit)
    assert (view.columns[2].name, view.columns[2].text) == ("third", "third says this.")
    with transaction(page.services.engine) as session:
        assert len(session.exec(select(Comparison)).all()) == 3  # others vote on the late answer


@pytest.mark.parametrize("way", ["nobody", None, 3])
def test_a_way_that_is_none_asks_nobody_and_says_so(tmp_path: Path, way: object) -> None:
    page = open_page(tmp_path, *FIVE[:2], has_chooser=False)
    plan = page.blend.plan(page.visit, way, [], ("Why?", ""), None)
    assert plan.names == ()
    assert "expected best, all or hand" in ask(page, plan)

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from blender_ui.errors import MalformedInput
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.projects.projects import Projects
from blender_ui.services.projects.workspaces import Workspaces
from blender_ui.ui.identity import recognise, welcome
from blender_ui.ui.labeling.forms import Pair, Turn, read_vote
from blender_ui.ui.labeling.handlers import LabelHandlers
from db.models import Outcome, Preference
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store

KEY, OTHER = key_of(1), key_of(2)


class LabelPage:
    """The handlers over a real store."""

    def __init__(self, folder: Path, *, n_prompts: int) -> None:
        self.engine: Engine = make_store(folder)
        self.clock = Clock()
        self.labeling = make_labeling(self.engine, self.clock)
        for prompt_id in add_prompts(self.engine, n_prompts=n_prompts):
            self.labeling.queue_prompt(prompt_id=prompt_id)
        projects = Projects(self.engine, clock=self.clock)
        self.handlers = LabelHandlers(
            self.labeling,
            relabeling=Relabeling(self.engine, clock=self.clock),
            projects=projects,
            workspaces=Workspaces(self.engine, projects=projects, clock=self.clock),
            access=Access(self.engine, mode=Mode.OPEN, clock=self.clock),
        )

    def pair(self, key: str = KEY) -> Pair:
        pair = self.handlers.open(key).turn.pair
        assert pair is not None
        return pair

    def vote(self, pair: Pair, *, key: str = KEY, token: str = "token", **sent: object) -> Turn:
        return self.handlers.vote(key, {"lease_id": pair.lease_id, "outcome": "left", "token": token, **sent})

    def preferences(self) -> list[Preference]:
        with Session(self.engine) as session:
            return list(session.exec(select(Preference)).all())


@pytest.fixture
def label_page(tmp_path: Path) -> Iterator[LabelPage]:
    label_page = LabelPage(tmp_path, n_prompts=3)
    yield label_page
    label_page.engine.dispose()


def test_a_vote_is_stored_and_the_next_pair_comes_with_it(label_page: LabelPage) -> None:
    pair = label_page.pair()
    turn = label_page.vote(pair, outcome="tie", reason=" both fine ", seconds=2.5)
    assert turn.pair is not None
    assert turn.pair.lease_id != pair.lease_id
    (stored,) = label_page.preferences()
    assert (stored.outcome, stored.reason, stored.seconds) == (Outcome.TIE, "both fine", 2.5)


def test_names_come_only_with_the_vote_and_are_of_the_pair_before(label_page: LabelPage) -> None:
    pair = label_page.pair()
    assert "member-" not in repr(pair).replace("Answer of member-", "")
    turn = label_page.vote(pair)
    assert turn.reveal is not None
    assert {turn.reveal.left_member, turn.reveal.right_member} == {"member-0", "member-1"}
    assert f"Answer of {turn.reveal.left_member}" in pair.left


def test_the_same_vote_sent_twice_counts_once(label_page: LabelPage) -> None:
    pair = label_page.pair()
    first, again = label_page.vote(pair), label_page.vote(pair)
    assert first.pair == again.pair
    assert len(label_page.preferences()) == 1


def test_a_second_vote_on_a_pair_that_is_gone_is_refused_with_the_pair_to_vote_on(
    label_page: LabelPage,
) -> None:
    pair = label_page.pair()
    shown = label_page.vote(pair, token="first").pair
    turn = label_page.vote(pair, token="second", outcome="right")
    assert turn.pair == shown
    assert turn.notice.startswith("Not counted")
    assert [stored.outcome for stored in label_page.preferences()] == [Outcome.LEFT]


def test_another_annotators_lease_cannot_be_voted_on_or_skipped(label_page: LabelPage) -> None:
    pair = label_page.pair()
    assert label_page.vote(pair, key=OTHER).notice.startswith("Not counted")
    assert label_page.handlers.skip(OTHER, pair.lease_id).notice.startswith("Not skipped")
    assert not label_page.handlers.keep(OTHER, pair.lease_id)
    assert label_page.preferences() == []
    assert label_page.pair() == pair


def test_opening_again_gives_the_same_pair(label_page: LabelPage) -> None:
    assert label_page.pair() == label_page.pair()


def test_undo_brings_the_pair_of_the_last_vote_back(label_page: LabelPage) -> None:
    pair = label_page.pair()
    label_page.vote(pair)
    assert label_page.handlers.undo(KEY).pair == pair
    label_page.vote(pair, token="again", outcome="right")
    standing = [stored.outcome for stored in label_page.preferences() if stored.retracted_at is None]
    assert standing == [Outcome.RIGHT]


def test_undo_before_any_vote_says_so_and_keeps_the_pair(label_page: LabelPage) -> None:
    pair = label_page.pair()
    turn = label_page.handlers.undo(KEY)
    assert (turn.pair, turn.notice) == (pair, "There is nothing to take back.")


def test_nothing_left_is_no_pair_and_no_error(label_page: LabelPage) -> None:
    for number in range(3):
        turn = label_page.vote(label_page.pair(), token=str(number))
    assert turn.pair is None
    assert turn.reveal is not None


def test_a_skipped_pair_goes_to_somebody_else(label_page: LabelPage) -> None:
    seen = set()
    for _ in range(3):
        pair = label_page.pair()
        seen.add(pair.lease_id)
        label_page.handlers.skip(KEY, pair.lease_id)
    assert len(seen) == 3
    assert label_page.handlers.open(KEY).turn.pair is None
    assert label_page.handlers.open(OTHER).turn.pair is not None


def test_the_progress_counts_what_was_voted(label_page: LabelPage) -> None:
    label_page.vote(label_page.pair())
    progress = label_page.handlers.progress(KEY)
    assert (progress.n_mine, progress.n_mine_today, progress.n_standing) == (1, 1, 1)


def test_an_annotator_may_change_their_name(label_page: LabelPage) -> None:
    assert label_page.handlers.rename(KEY, " Ada ") == "Ada"
    assert label_page.handlers.open(KEY).name == "Ada"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        {"lease_id": "1", "outcome": "left", "token": "t"},
        {"lease_id": True, "outcome": "left", "token": "t"},
        {"lease_id": 1, "outcome": "middle", "token": "t"},
        {"lease_id": 1, "outcome": ["left"], "token": "t"},
        {"lease_id": 1, "outcome": "left"},
        {"lease_id": 1, "outcome": "left", "token": "t", "reason": 5},
        {"lease_id": 1, "outcome": "left", "token": "t", "reason": "x" * 4001},
        {"lease_id": 1, "outcome": "left", "token": "t", "seconds": float("nan")},
        {"lease_id": 1, "outcome": "left", "token": "t", "seconds": "2"},
    ],
)
def test_a_vote_of_another_form_is_refused(sent: object) -> None:
    with pytest.raises(MalformedInput):
        read_vote(sent)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "middle"}, "vote outcome: expected 'left', 'right', 'tie' or 'both_bad'; came 'middle'"),
        ({"reason": "x" * 4001}, "vote reason: expected at most 4000 characters; came 'xxx"),
        ({"token": None}, "vote token: expected a valid string; came None"),
        ({"places": [1, "2"]}, "ballot places 1: expected a valid integer; came '2'"),
    ],
)
def test_a_refusal_names_the_field_what_was_expected_and_what_came(
    change: dict[str, object], said: str
) -> None:
    with pytest.raises(MalformedInput, match=re.escape(said)):
        read_vote({"lease_id": 1, "outcome": "left", "token": "t"} | change)


@pytest.mark.parametrize("key", [None, "", "short", 7, "x" * 300])
def test_a_request_without_a_key_is_refused(label_page: LabelPage, key: object) -> None:
    with pytest.raises(MalformedInput, match="key"):
        recognise(label_page.labeling, key)


@pytest.mark.parametrize("memory", [None, [], {}, {"annotator": 3}, {"annotator": "short"}])
def test_a_browser_without_a_key_is_a_new_visitor(label_page: LabelPage, memory: object) -> None:
    visitor = welcome(label_page.labeling, memory)
    assert recognise(label_page.labeling, visitor.memory["annotator"]) == visitor.annotator


def test_a_browser_keeps_its_annotator_and_the_rest_of_its_memory(label_page: LabelPage) -> None:
    visitor = welcome(label_page.labeling, {"annotator": KEY, "prompt_id": 4})
    assert visitor.annotator.id == label_page.labeling.sign_in(key=KEY).id
    assert visitor.memory == {"annotator": KEY, "prompt_id": 4}

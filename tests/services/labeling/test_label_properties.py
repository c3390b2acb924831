"""Any order of lending, voting, repeating, skipping and undoing, while time passes or goes back."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlmodel import col, select

from blender_ui.errors import LeaseLost
from db.engine import transaction
from db.models import Comparison, Outcome, Preference
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, make_store
from tests.properties import n_examples

N_PEOPLE, N_PROMPTS, OVERLAP = 3, 3, 2
people = st.integers(0, N_PEOPLE - 1)


class Labelling(RuleBasedStateMachine):
    """Three people at three pairs, each for two of them, with leases of a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.engine, self.clock = make_store(Path(self._folder.name)), Clock()
        self.labeling = make_labeling(self.engine, self.clock, overlap=OVERLAP)
        for prompt_id in add_prompts(self.engine, n_prompts=N_PROMPTS):
            self.labeling.queue_prompt(prompt_id=prompt_id)
        self.ids = [self.labeling.sign_in(key=key_of(number)).id for number in range(N_PEOPLE)]
        self.held: dict[int, int] = {}
        """By person the lease that they looked at last; they may send it whatever has become of it."""
        self.sent: list[tuple[int, int, Outcome, int]] = []
        """Person, lease, outcome and preference of every vote that was acknowledged."""
        self.taken_back: set[int] = set()

    def teardown(self) -> None:
        self.engine.dispose()
        self._folder.cleanup()

    @rule(person=people)
    def look(self, person: int) -> None:
        pair = self.labeling.next_pair(annotator_id=self.ids[person])
        if pair is not None:
            self.held[person] = pair.lease_id

    @rule(person=people, outcome=st.sampled_from(Outcome))
    def vote(self, person: int, outcome: Outcome) -> None:
        lease = self.held.get(person)
        if lease is None:
            return
        try:
            told = self.labeling.submit(
                annotator_id=self.ids[person],
                lease_id=lease,
                outcome=outcome,
                idempotency_key=f"{lease} {len(self.sent)}",
            )
        except LeaseLost:
            return
        self.key_of_last = (person, lease, outcome, f"{lease} {len(self.sent)}", told.preference_id)
        self.sent.append((person, lease, outcome, told.preference_id))

    @rule()
    def repeat_the_last_vote(self) -> None:
        """As an outbox does that never heard the answer."""
        if not self.sent:
            return
        person, lease, outcome, key, preference_id = self.key_of_last
        told = self.labeling.submit(
            annotator_id=self.ids[person], lease_id=lease, outcome=outcome, idempotency_key=key
        )
        assert told.preference_id == preference_id

    @rule(person=people)
    def skip(self, person: int) -> None:
        if person in self.held:
            try:
                self.labeling.skip(annotator_id=self.ids[person], lease_id=self.held[person])
            except LeaseLost:
                return

    @rule(person=people)
    def undo(self, person: int) -> None:
        before = self._standing()
        try:
            pair = self.labeling.undo(annotator_id=self.ids[person])
        except LeaseLost:
            pair = None
        gone = before - self._standing()
        assert len(gone) <= 1, "one undo took several votes back"
        own = {preference_id for who, _, _, preference_id in self.sent if who == person}
        assert gone <= own, "an undo took somebody else's vote back"
        self.taken_back |= gone
        if pair is not None:
            self.held[person] = pair.lease_id

    @rule(seconds=st.integers(-7200, 120))
    def let_time_pass_or_set_the_clock_back(self, seconds: int) -> None:
        self.clock.pass_by(seconds)

    @invariant()
    def every_acknowledged_vote_stands_as_it_was_said_unless_it_was_taken_back(self) -> None:
        with transaction(self.engine) as session:
            stored = {row.id: row for row in session.scalars(select(Preference)).all()}
        assert set(stored) == {preference_id for *_, preference_id in self.sent}
        for person, lease, outcome, preference_id in self.sent:
            row = stored[preference_id]
            assert (row.annotator_id, row.lease_id, row.outcome) == (self.ids[person], lease, outcome)
            assert (row.retracted_at is not None) == (preference_id in self.taken_back)

    @invariant()
    def nobody_counts_twice_and_no_pair_has_more_votes_than_it_asked_for(self) -> None:
        with transaction(self.engine) as session:
            standing = session.scalars(select(Preference).where(col(Preference.retracted_at).is_(None))).all()
            pairs = session.scalars(select(Comparison)).all()
        assert (
            max(Counter((row.comparison_id, row.annotator_id) for row in standing).values(), default=0) <= 1
        )
        by_pair = Counter(row.comparison_id for row in standing)
        for pair in pairs:
            assert by_pair[pair.id] <= pair.overlap

    def _standing(self) -> set[int | None]:
        with transaction(self.engine) as session:
            rows = session.scalars(select(Preference).where(col(Preference.retracted_at).is_(None))).all()
            return {row.id for row in rows}


TestLabelling = Labelling.TestCase
TestLabelling.settings = settings(
    max_examples=n_examples(25),
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

"""The label loop: lend a blind pair or several blind answers at once, take what is said, undo.

Invariant: each method is one write transaction, so at any moment a comparison is lent to or
answered by at most ``overlap`` people, an annotator is never lent the same one twice, and an
acknowledged outcome is in the store. An annotator's pair stays the same, in every tab and after
a reload, until they answer or skip it; when its lease expires its place is open to others, and
until one of them takes it the pair is still this annotator's. What is shown at once is lent, answered,
skipped and taken back as a whole, by the leases on its pairs. Non-goals: names before the vote,
and who may label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from blender_ui.errors import LeaseLost
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.labeling.answers import (
    NO_MARKS,
    Answer,
    AnsweredView,
    BallotAnswer,
    Marks,
    SubmittedBallot,
    SubmittedView,
    check_answer,
    take_answer,
)
from blender_ui.services.labeling.ballots import take_back, take_ballot
from blender_ui.services.labeling.leftover import Leftover
from blender_ui.services.labeling.leftover import measure as measure_leftover
from blender_ui.services.labeling.lending import Lender, has_open, skip_practice
from blender_ui.services.labeling.progress import ProgressView
from blender_ui.services.labeling.progress import measure as measure_progress
from blender_ui.services.labeling.queueing import PairQueue
from blender_ui.services.labeling.telling import is_told
from blender_ui.services.labeling.views import PairView, SetView, read_lent
from blender_ui.services.people import signing_in
from blender_ui.services.people.access import Access
from blender_ui.services.people.signing_in import AnnotatorView, lock_annotator
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, LeaseStatus, Outcome, Prompt, SeenPrompt
from db.queries import leases
from db.queries.queue import Scope


class Labeling(PairQueue):
    """The label loop over one store, and the queue that it lends from.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        seed: Decides every side, order and random turn; a secret, because it reveals them.
        lease_seconds: How long a pair stays an annotator's without a sign of life.
        overlap: How many people are asked each pair that is queued from here.
        random_share: Share of turns, in (0, 1], that stay random when a ranker orders the queue; None
            for what each project says.
        access: Recognises people who sign in; None where every key is an anonymous browser's.
        after_vote: Called when an outcome came or was taken back.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime],
        seed: int,
        lease_seconds: int,
        overlap: int,
        random_share: float | None = None,
        access: Access | None = None,
        after_vote: AfterVote | None = None,
    ) -> None:
        super().__init__(engine, clock=clock, seed=seed, overlap=overlap)
        self._access = access
        self._after_vote = after_vote or AfterVote()
        self._lender = Lender(
            seed=seed,
            lease_time=timedelta(seconds=lease_seconds),
            random_share=random_share,
            visitors=access.visitors if access is not None else None,
        )

    def sign_in(self, *, key: str, name: str = "", address: str = "") -> AnnotatorView:
        """Get the annotator who keeps a secret; see ``services.people``."""
        if self._access is not None:
            return self._access.recognise(key, address=address)
        return signing_in.sign_in(self._engine, key=key, name=name, now=self._clock())

    def rename(self, *, annotator_id: int, name: str) -> AnnotatorView:
        """Call an annotator something else; see ``services.people.signing_in``."""
        return signing_in.rename(self._engine, annotator_id=annotator_id, name=name)

    def keep_annotator(self, *, annotator_id: int) -> None:
        """Keep a visitor's row for what is about to be stored with it; see ``services.people.visitors``."""
        if self._access is not None and self._access.visitors is not None:
            with transaction(self._engine, immediate=True) as session:
                self._lender.keep_annotator(session, annotator_id)

    def next_pair(
        self,
        *,
        annotator_id: int,
        project_id: int = DEFAULT_PROJECT_ID,
        prompt_id: int | None = None,
        besides: int | None = None,
    ) -> PairView | None:
        """Lend the annotator a pair: the one they hold, else the one the policy chooses; never a set.

        Args:
            annotator_id: From ``sign_in``.
            project_id: Whose pairs.
            prompt_id: Ask for a pair of this prompt only.
            besides: The lease that is on the screen: give the pair after it, so that it is there
                before the answer is.

        Returns:
            The pair, or None where nothing is left for this annotator.

        Raises:
            NotFound: If there is no such annotator.
        """
        now = self._clock()
        scope = Scope(project_id, prompt_id)
        with transaction(self._engine, immediate=True) as session:
            lock_annotator(session, annotator_id)
            lent = self._lender.next(
                session, annotator_id, scope, besides=besides or 0, now=now, with_ballots=False
            )
            return lent if isinstance(lent, PairView) else None

    def next_turn(
        self, *, annotator_id: int, project_id: int = DEFAULT_PROJECT_ID, besides: int | None = None
    ) -> PairView | SetView | None:
        """Lend the annotator what their project asks for: a pair, or several answers at once.

        Arguments and errors as of ``next_pair``.
        """
        now, scope = self._clock(), Scope(project_id)
        with transaction(self._engine, immediate=True) as session:
            lock_annotator(session, annotator_id)
            return self._lender.next(
                session, annotator_id, scope, besides=besides or 0, now=now, with_ballots=True
            )

    def end_practice(self, *, annotator_id: int, project_id: int) -> PairView | SetView | None:
        """Skip what is left of a person's practice in a project, and lend them what is to be labelled."""
        now, scope = self._clock(), Scope(project_id)
        with transaction(self._engine, immediate=True) as session:
            lock_annotator(session, annotator_id)
            skip_practice(session, annotator_id=annotator_id, project_id=project_id, now=now)
            return self._lender.next(
                session, annotator_id, scope, besides=None, now=now, with_ballots=True, in_practice=False
            )

    def read_lent(self, *, annotator_id: int, lease_id: int) -> PairView | SetView:
        """What a lease of one's own shows, with its texts as they were written.

        Raises:
            LeaseLost: If it is not this annotator's.
        """
        with transaction(self._engine) as session:
            lease = self._lender.get_own(session, annotator_id=annotator_id, lease_id=lease_id)
            return read_lent(session, lease, self._clock())

    def list_with_pairs(self, *, annotator_id: int, project_ids: Sequence[int]) -> list[int]:
        """Of some projects, those in which something is open to an annotator."""
        with transaction(self._engine) as session:
            return [
                one for one in project_ids if has_open(session, annotator_id=annotator_id, project_id=one)
            ]

    def submit(
        self,
        *,
        annotator_id: int,
        lease_id: int,
        outcome: Outcome,
        idempotency_key: str,
        reason: str | None = None,
        strength: float | None = None,
        marks: Marks = NO_MARKS,
        seconds: float | None = None,
    ) -> SubmittedView:
        """Take an outcome for a lent pair; only now are the names told. See ``Answer``.

        A lease whose time is over still counts while nobody else has taken its place.

        Raises:
            LeaseLost: If the pair is not this annotator's to answer any more.
            MalformedInput: If the key, strength or seconds are out of range, or a mark was not asked for.
        """
        answer = Answer(
            lease_id=lease_id,
            outcome=outcome,
            idempotency_key=idempotency_key,
            reason=reason,
            strength=strength,
            marks=marks,
            seconds=seconds,
        )
        check_answer(answer)
        with transaction(self._engine, immediate=True, durable=True) as session:
            self._lender.keep_annotator(session, annotator_id)
            submitted = take_answer(
                session, answer, lender=self._lender, annotator_id=annotator_id, now=self._clock()
            )
        self._after_vote()
        return submitted

    def answer(
        self,
        answer: Answer | BallotAnswer,
        *,
        annotator_id: int,
        project_id: int = DEFAULT_PROJECT_ID,
        besides: int | None = None,
    ) -> AnsweredView:
        """Take an outcome or a ballot and lend what comes next, in one transaction.

        An answer that comes too late is not taken, and the next pair comes all the same.

        Raises:
            NotFound: If there is no such annotator.
            MalformedInput: As in ``submit``; then no pair is lent, either.
        """
        check_answer(answer)
        with transaction(self._engine, immediate=True, durable=True) as session:
            lock_annotator(session, annotator_id)
            self._lender.keep_annotator(session, annotator_id)
            now, refusal = self._clock(), ""
            submitted: SubmittedView | SubmittedBallot | None = None
            try:
                if isinstance(answer, BallotAnswer):
                    submitted = take_ballot(
                        session, answer, lender=self._lender, annotator_id=annotator_id, now=now
                    )
                else:
                    submitted = take_answer(
                        session, answer, lender=self._lender, annotator_id=annotator_id, now=now
                    )
            except LeaseLost as error:  # raised before anything was written
                refusal = str(error)
            pair = self._lender.next(
                session, annotator_id, Scope(project_id), besides, now, with_ballots=True
            )
            is_revealed = submitted is not None and is_told(session, submitted.told, annotator_id)
        if submitted is not None:
            self._after_vote()
        return AnsweredView(submitted=submitted, refusal=refusal, pair=pair, is_revealed=is_revealed)

    def skip(self, *, annotator_id: int, lease_id: int) -> None:
        """Hand a pair back for others to answer; this annotator is not shown it again.

        Skipping what has been skipped does nothing.

        Raises:
            LeaseLost: If the pair has been answered, or is not this annotator's.
        """
        with transaction(self._engine, immediate=True, durable=True) as session:
            lease = self._lender.get_own(session, annotator_id=annotator_id, lease_id=lease_id)
            self._lender.keep_annotator(session, annotator_id)
            together = leases.list_beside(session, lease=lease)
            if lease.status is LeaseStatus.ACTIVE:
                leases.end_unanswered(session, leases=together, status=LeaseStatus.SKIPPED, now=self._clock())
            elif lease.status is LeaseStatus.EXPIRED:
                leases.end(session, leases=together, status=LeaseStatus.SKIPPED, now=self._clock())
            elif lease.status is LeaseStatus.ANSWERED:
                raise LeaseLost("this pair has been answered already; undo takes the answer back")

    def heartbeat(self, *, annotator_id: int, lease_id: int) -> bool:
        """Keep all pairs that an annotator holds for as long again as a new lease.

        Returns:
            Whether the pair of this lease is still theirs.
        """
        with transaction(self._engine, immediate=True) as session:
            expires_at = self._lender.end(session, annotator_id, self._clock())
            held = leases.extend_active(session, annotator_id=annotator_id, expires_at=expires_at)
            return lease_id in held

    def undo(
        self,
        *,
        annotator_id: int,
        project_id: int = DEFAULT_PROJECT_ID,
        prompt_id: int | None = None,
        lease_id: int | None = None,
    ) -> PairView | SetView | None:
        """Take back the annotator's last outcome, ballot or skip, and lend them that pair or set again.

        The outcome is retracted, not deleted. A pair they hold there at this moment is put back and
        comes to them again afterwards, unless somebody else takes it.

        A pair whose names this annotator has seen outside of the vote is not lent again: its
        outcome is retracted, and its place is open to others.

        Args:
            annotator_id: From ``sign_in``.
            project_id: Where to look.
            prompt_id: Look at the pairs of this prompt only.
            lease_id: Take this one back and no other.

        Returns:
            The pair; None where it is not lent again, or there was nothing to take back.

        Raises:
            LeaseLost: If the skipped pair has been given to others since, or another step than that
                of ``lease_id`` was the last.
        """
        now = self._clock()
        scope = Scope(project_id, prompt_id)
        with transaction(self._engine, immediate=True, durable=True) as session:
            lock_annotator(session, annotator_id)
            lease = leases.find_last_ended(session, annotator_id=annotator_id, scope=scope)
            if lease is None:
                return None
            together = leases.list_beside(session, lease=lease)
            if lease_id is not None and lease_id not in {one.id for one in together}:
                raise LeaseLost("you voted or skipped once more on this prompt since, so this step stands")
            leases.expire_active(session, annotator_id=annotator_id, scope=scope, now=now)
            pair = take_back(session, lease, lender=self._lender, now=now)
        if lease.status is LeaseStatus.ANSWERED:
            self._after_vote()
        return pair

    def progress(self, *, annotator_id: int, project_id: int = DEFAULT_PROJECT_ID) -> ProgressView:
        """Count what has been labelled, by this annotator and by all."""
        with transaction(self._engine) as session:
            return measure_progress(
                session, annotator_id=annotator_id, project_id=project_id, now=self._clock()
            )

    def leftover(self, *, annotator_id: int, project_id: int = DEFAULT_PROJECT_ID) -> Leftover:
        """Why no pair of a project is left for somebody, in counts; takes no write lock."""
        now, scope = self._clock(), Scope(project_id)
        with transaction(self._engine) as session:
            return measure_leftover(
                session,
                annotator_id=annotator_id,
                project_id=project_id,
                now=now,
                refusal=self._lender.find_refusal(session, annotator_id, scope, now),
            )

    def has_seen(self, *, annotator_id: int, prompt_id: int) -> bool:
        """Whether an annotator has been shown the names of a prompt; see ``mark_seen``."""
        with transaction(self._engine) as session:
            return session.get(SeenPrompt, (annotator_id, prompt_id)) is not None

    def mark_seen(self, *, annotator_id: int, prompt_id: int) -> None:
        """Never lend this annotator a pair of a prompt whose names they have been shown."""
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            self._lender.keep_annotator(session, annotator_id)
            if session.get(SeenPrompt, (annotator_id, prompt_id)) is None:
                session.add(SeenPrompt(annotator_id=annotator_id, prompt_id=prompt_id, created_at=now))
            prompt = session.get(Prompt, prompt_id)
            scope = None if prompt is None else Scope(prompt.project_id, prompt_id)
            leases.expire_active(session, annotator_id=annotator_id, scope=scope, now=now)

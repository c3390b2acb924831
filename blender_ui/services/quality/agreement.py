"""How good the labels are: agreement, each annotator beside the others, and rulings on disagreements.

Invariant: figures are of one state of the store, kept until it changes; a ruling never changes a label, and
the latest one counts. Non-goals: who may look and rule (the page asks for the role), and what a ruling
counts for (``db.queries.rulings``).
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.errors import MalformedInput, NotFound
from blender_ui.language import tr
from blender_ui.services.after_vote import AfterVote
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.quality.label_figures import (
    AnnotatorFigures,
    Latest,
    Overall,
    PairMatrix,
    measure_annotators,
    measure_overall,
    measure_pairs,
    measure_windows,
    warn,
)
from blender_ui.services.quality.vote_log import VoteLog
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.values import IntArray, Message
from blender_ui.votes.labels import Labels, count_choices, find_labels
from db.columns import row_id
from db.engine import transaction
from db.models import Adjudication, Comparison, Outcome
from db.queries import labels, rulings
from db.queries.labels import Vote

LONGEST_REASON = 2_000


@dataclass(frozen=True, kw_only=True)
class TimedWindow:
    """Agreement on items that were last labelled about the same time, until ``at``."""

    at: datetime
    n_items: int
    alpha: Estimate


@dataclass(frozen=True, kw_only=True)
class QualityView:
    """Everything the dashboard shows of one state of the store."""

    n_labels: int
    overall: Overall
    windows: tuple[TimedWindow, ...]
    annotators: tuple[AnnotatorFigures, ...]
    pairs: PairMatrix


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Two answers that people see differently, and what each of them says, by this comparison's sides."""

    comparison_id: int
    instruction: str
    input: str
    history: tuple[Message, ...]
    left_text: str
    right_text: str
    votes: tuple[Vote, ...]


class DisagreementCounts(NamedTuple):
    """Pairs that people see differently.

    Attributes:
        n: As many as the figures say.
        n_ruled: Of these, with a ruling; the others wait for one.
    """

    n: int
    n_ruled: int

    @property
    def n_waiting(self) -> int:
        """Those without a ruling."""
        return self.n - self.n_ruled


class Quality:
    """The quality of one store's labels.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
        log: The store's votes; None makes one.
        after_vote: Called when a ruling changed what votes count as.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime],
        log: VoteLog | None = None,
        after_vote: AfterVote | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._after_vote = after_vote or AfterVote()
        self._log = log or VoteLog(engine)
        self._lock = threading.Lock()
        self._labels: dict[int | None, Labels] = {}
        self._views: dict[int | None, tuple[Hashable, QualityView]] = {}

    def read_ahead(self) -> None:
        """Read the labels and measure them, so that a later first request need not."""
        self.view()

    def view(self, *, project_id: int | None = None) -> QualityView:
        """The figures of now, of one project or of all."""
        log = self._find_labels(project_id)
        with self._lock:
            known = self._views.get(project_id)
            if known is None or known[0] != log.version:
                self._views[project_id] = known = log.version, self._measure(log)
            return known[1]

    def warn(self, *, annotator_id: int) -> str:
        """A gentle sentence for an annotator whose latest labels look odd, else nothing; quick."""
        with transaction(self._engine) as session:
            latest = labels.list_latest(session, annotator_id=annotator_id)
        outcome, is_side_drawn, milliseconds, gold = latest[:, ::-1]
        seconds = np.where(milliseconds < 0, np.nan, milliseconds / 1000)
        return warn(Latest(outcome, is_side_drawn.astype(bool), seconds, gold))

    def list_disagreements(
        self, *, project_id: int | None = None, limit: int = 20
    ) -> tuple[Disagreement, ...]:
        """Pairs without a ruling on which people differ, the most evenly split first."""
        log = self._find_labels(project_id)
        with transaction(self._engine) as session:
            ruled = _find_ruled(session)
            chosen = _most_split(log, ruled, limit)
            comparisons = {item: _comparisons_of(log, item) for item in chosen}
            every = [int(key) for keys in comparisons.values() for key in keys]
            texts = labels.list_texts(session, comparison_ids=every)
            votes: dict[int, list[Vote]] = defaultdict(list)
            for vote in labels.list_votes(session, comparison_ids=every):
                votes[vote.comparison_id].append(vote)
        return tuple(_disagreement([texts[int(key)] for key in keys], votes) for keys in comparisons.values())

    def count_disagreements(self, *, project_id: int | None = None) -> DisagreementCounts:
        """How many pairs people see differently, and how many of these were ruled on."""
        log = self._find_labels(project_id)
        with transaction(self._engine) as session:
            ruled = _find_ruled(session)
        split = _list_split(log)
        return DisagreementCounts(n=len(split), n_ruled=sum(_pair_of(log, item) in ruled for item in split))

    def rule(self, *, comparison_id: int, outcome: Outcome, reason: str, decided_by_id: int | None) -> int:
        """Store what counts for two candidates that people see differently; give the ruling's id.

        Args:
            comparison_id: Whose candidates; its sides say what left and right are.
            outcome: What counts from now on.
            reason: Why, in the researcher's words; not blank.
            decided_by_id: The researcher.

        Raises:
            NotFound: If there is no such comparison.
            MalformedInput: If there is no reason, or it is too long.
        """
        if not 0 < len(reason.strip()) <= LONGEST_REASON:
            raise MalformedInput(
                tr(
                    "a ruling needs a reason of 1 to {longest_reason} characters",
                    longest_reason=LONGEST_REASON,
                )
            )
        with transaction(self._engine, immediate=True, durable=True) as session:
            if session.get(Comparison, comparison_id) is None:
                raise NotFound(tr("there is no comparison {comparison_id}", comparison_id=comparison_id))
            ruling = Adjudication(
                comparison_id=comparison_id,
                outcome=outcome,
                reason=reason.strip(),
                decided_by_id=decided_by_id,
                created_at=self._clock(),
            )
            session.add(ruling)
            session.flush()
            change = Change(
                by=decided_by_id,
                action="adjudication.rule",
                object_id=comparison_id,
                after={"outcome": outcome.value, "reason": ruling.reason},
            )
            record_change(session, change, now=self._clock())
            ruling_id = row_id(ruling)
        self._after_vote()
        return ruling_id

    def _find_labels(self, project_id: int | None) -> Labels:
        votes, known = self._log.of_project(project_id), self._labels.get(project_id)
        if known is None or known.version != votes.version:
            self._labels[project_id] = known = find_labels(votes)
        return known

    def _measure(self, log: Labels) -> QualityView:
        counts = count_choices(log)
        windows = measure_windows(log, counts)
        with transaction(self._engine) as session:
            times = labels.times_of(session, preference_ids=[w.last_preference_id for w in windows])
        return QualityView(
            n_labels=len(log),
            overall=measure_overall(log, counts),
            windows=tuple(
                TimedWindow(at=times[w.last_preference_id], n_items=w.n_items, alpha=w.alpha) for w in windows
            ),
            annotators=tuple(measure_annotators(log, counts)),
            pairs=measure_pairs(log, counts),
        )


def _find_ruled(session: Session) -> set[frozenset[int]]:
    """The two candidates of each ruling."""
    return {frozenset((row.left_id, row.right_id)) for row in rulings.list_rulings(session)}


def _most_split(log: Labels, ruled: set[frozenset[int]], limit: int) -> list[int]:
    """Items whose labels differ: the more against the most frequent choice the earlier, then the older."""
    waiting = (item for item in _list_split(log) if _pair_of(log, item) not in ruled)
    return list(itertools.islice(waiting, limit))


def _list_split(log: Labels) -> list[int]:
    """All items whose labels differ, in that order."""
    counts = count_choices(log)
    against = counts.sum(axis=1) - counts.max(axis=1, initial=0)
    differing = np.flatnonzero(against)
    order: list[int] = differing[np.argsort(-against[differing], kind="stable")].tolist()
    return order


def _pair_of(log: Labels, item: int) -> frozenset[int]:
    return frozenset((int(log.low_id[item]), int(log.high_id[item])))


def _comparisons_of(log: Labels, item: int) -> IntArray:
    """The comparisons of an item: one, or two where both orders were asked."""
    comparisons: IntArray = np.unique(log.comparison_id[log.item == item])
    return comparisons


def _disagreement(shown: list[labels.ComparedTexts], votes: dict[int, list[Vote]]) -> Disagreement:
    first = shown[0]
    told = list(votes[first.comparison_id])
    for other in shown[1:]:
        told += [vote._replace(outcome=vote.outcome.turned) for vote in votes[other.comparison_id]]
    return Disagreement(
        comparison_id=first.comparison_id,
        instruction=first.instruction,
        input=first.input,
        history=read_history(first.history),
        left_text=first.left,
        right_text=first.right,
        votes=tuple(told),
    )

"""Takes prompts out of the store as records, with pseudonyms and the names that may be told.

Which of the standing preferences are asked for, a ``Selection`` says: by time, by person, by agreement.
Invariants: a record holds every candidate of its prompt, and the preferences that stand and were asked for;
nothing is chosen by an answer's member, so a selection tells no name.
Non-goal: the files that are made of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple

from sqlmodel import Session

from blender_ui.conversations import read_history
from blender_ui.exchange import CandidateRecord, LabelRecord, PromptRecord
from blender_ui.exchange.records import Kind
from blender_ui.services.data.records import (
    OWN_SOURCE,
    WINNER_BY_OUTCOME,
    WORD_BY_KIND,
    annotator_label,
    own_id,
)
from blender_ui.services.labeling.blinding import Blinding
from db.models import Outcome, Prompt
from db.queries import bulk
from db.queries.bulk import StoredLabel
from db.queries.rulings import Ruling, list_rulings

PROMPTS_AT_ONCE = 500
_TURNED = {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is asked of a preference.

    Attributes:
        since: At this time or later, aware; None for any.
        until: Before this time, aware; None for any.
        annotator_ids: Of one of these; empty for anybody's.
        agreement: Share, in [0, 1], of the preferences on a pair that say what most on it say. A pair that
            was judged once has none and is left out; 0 asks nothing.
    """

    since: datetime | None = None
    until: datetime | None = None
    annotator_ids: frozenset[int] = frozenset()
    agreement: float = 0.0

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked."""
        return self == Selection()

    @property
    def is_of_anybody(self) -> bool:
        """Whether only the agreement is asked about, which a ruling has no part in."""
        return self.since is None and self.until is None and not self.annotator_ids

    def take(self, labels: Sequence[StoredLabel]) -> list[StoredLabel]:
        """Those that are asked for, in their order.

        Args:
            labels: All of one prompt; the agreement on a pair is that of everybody at any time.
        """
        agreed = _agreement(labels) if self.agreement > 0 else {}
        return [
            one
            for one in labels
            if (self.since is None or one.created_at >= self.since)
            and (self.until is None or one.created_at < self.until)
            and (not self.annotator_ids or one.annotator_id in self.annotator_ids)
            and (self.agreement <= 0 or agreed.get(_pair(one), 0.0) >= self.agreement)
        ]


def _pair(label: StoredLabel) -> tuple[int, int]:
    return min(label.left_id, label.right_id), max(label.left_id, label.right_id)


def _agreement(labels: Sequence[StoredLabel]) -> dict[tuple[int, int], float]:
    """Of each pair with two preferences or more, the share of the commonest outcome."""
    said: dict[tuple[int, int], Counter[Outcome]] = defaultdict(Counter)
    for one in labels:
        is_turned = one.left_id > one.right_id
        said[_pair(one)][_TURNED.get(one.outcome, one.outcome) if is_turned else one.outcome] += 1
    return {
        pair: max(outcomes.values()) / outcomes.total()
        for pair, outcomes in said.items()
        if outcomes.total() > 1
    }


class Taken(NamedTuple):
    """A prompt that is exported, as the store and as files have it; its labels are in the record's order."""

    prompt_id: int
    record: PromptRecord
    candidates: Sequence[bulk.StoredCandidate]
    labels: Sequence[bulk.StoredLabel]


def list_taken(
    session: Session, project_id: int | None, blinding: Blinding, selection: Selection
) -> Iterator[Taken]:
    """The prompts of a project, or of all, with what is about them, by ascending id."""
    annotators = {
        annotator_id: (annotator_label(row.key, row.name), WORD_BY_KIND[row.kind])
        for annotator_id, row in bulk.annotators_by_id(session).items()
    }
    after_id = 0
    written: dict[str, set[str]] = defaultdict(set)
    list_after = partial(bulk.list_prompts_after, session, project_id=project_id, limit=PROMPTS_AT_ONCE)
    while prompts := list_after(after_id=after_id):
        bounds = {"first_id": after_id + 1, "last_id": prompts[-1].id or 0}
        candidates = defaultdict(list)
        for candidate in bulk.list_candidates_between(session, **bounds):
            candidates[candidate.prompt_id].append(candidate)
        for prompt in prompts:
            candidates[prompt.id or 0] = [
                one._replace(member=blinding.name(one.member, project_id=prompt.project_id))
                for one in candidates[prompt.id or 0]
            ]
        labels = defaultdict(list)
        for label in bulk.list_labels_between(session, **bounds):
            labels[label.prompt_id].append(label)
        rulings = defaultdict(list)
        for ruling in list_rulings(session, **bounds):
            rulings[ruling.prompt_id].append(ruling)
        for prompt in prompts:
            key = prompt.id or 0
            taken = selection.take(labels[key])
            if not selection.is_of_anybody:
                rulings[key] = []  # a ruling is nobody's preference, of no time
            if not (selection.is_everything or taken or rulings[key]):
                continue
            record = _record(prompt, candidates[key], taken, annotators)
            record = replace(record, id=_make_distinct(record.id, written[record.source]))
            written[record.source].add(record.id)
            if rulings[key]:
                record = _with_rulings(record, candidates[key], rulings[key])
            yield Taken(key, record, candidates[key], taken)
        session.expunge_all()
        after_id = bounds["last_id"]


def _make_distinct(id_: str, taken: Set[str]) -> str:
    """The id, or one like it: each project may have imported the same file, and a file has an id once."""
    if id_ not in taken:
        return id_
    # Short enough for what reads it again, with a number of up to 15 digits.
    return next(name for number in count(2) if (name := f"{id_[:240]}~{number}") not in taken)


def _record(
    prompt: Prompt,
    candidates: list[bulk.StoredCandidate],
    labels: list[bulk.StoredLabel],
    annotators: dict[int, tuple[str, Kind]],
) -> PromptRecord:
    index_of = {candidate.candidate_id: index for index, candidate in enumerate(candidates)}
    ballots = sorted({row.ballot_id for row in labels if row.ballot_id is not None})
    return PromptRecord(
        id=prompt.external_id or own_id(prompt.id or 0, prompt.fingerprint),
        source=prompt.source or OWN_SOURCE,
        prompt=prompt.instruction,
        input=prompt.input,
        history=read_history(prompt.history),
        candidates=tuple(CandidateRecord(model=row.member, text=row.text) for row in candidates),
        labels=tuple(
            LabelRecord(
                annotator=annotators[row.annotator_id][0],
                a=index_of[row.left_id],
                b=index_of[row.right_id],
                winner=WINNER_BY_OUTCOME[row.outcome],
                kind=annotators[row.annotator_id][1],
                strength=row.strength,
                reason=row.reason,
                seconds=row.seconds,
                at=row.created_at.isoformat(),
                criteria=tuple(
                    (name, WINNER_BY_OUTCOME[Outcome(said)]) for name, said in (row.criteria or {}).items()
                ),
                ballot=None if row.ballot_id is None else str(ballots.index(row.ballot_id) + 1),
            )
            for row in labels
        ),
        licence=prompt.licence,
        lang=prompt.lang,
        category=prompt.category,
    )


def _with_rulings(
    record: PromptRecord, candidates: list[bulk.StoredCandidate], rulings: list[Ruling]
) -> PromptRecord:
    index_of = {candidate.candidate_id: index for index, candidate in enumerate(candidates)}
    ruled = tuple(
        LabelRecord(
            annotator="ruling",
            a=index_of[row.left_id],
            b=index_of[row.right_id],
            winner=WINNER_BY_OUTCOME[row.outcome],
            kind="human",
        )
        for row in rulings
    )
    return replace(record, rulings=ruled)

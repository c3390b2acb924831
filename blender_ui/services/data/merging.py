"""Merge records into prompts that are in the store: what is new comes in, what is known is counted.

A vote is known if its annotator said the same of the same two answers. Votes of people whom a file does not
name are known as far as as many of them say the same. Invariant: a vote that stands in the store is retracted
only by a later vote of the same annotator on the same pair. Non-goal: prompts whose question differs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmodel import Session

from blender_ui.exchange.gathering import UNNAMED, is_someone, name_the_unnamed
from blender_ui.exchange.records import LabelRecord, PromptRecord, standing_labels
from blender_ui.services.data.import_ballots import Told, write_ballots
from blender_ui.services.data.import_rows import (
    Names,
    QueuePlan,
    Rows,
    Written,
    comparison_row,
    preference_row,
    queue_rows,
    write_candidates,
    write_preferences,
)
from blender_ui.services.data.records import OUTCOME_BY_WINNER, WORD_BY_KIND, imported_key
from db.models import Comparison, Origin, Outcome
from db.queries import bulk, merges


@dataclass
class _Stored:
    """What is in the store of one prompt: ids of candidates in the record's order, comparisons, votes."""

    record: PromptRecord
    prompt_id: int
    candidate_ids: list[int]
    n_new_candidates: int
    comparisons: dict[tuple[int, int], merges.StoredComparison] = field(default_factory=dict)
    votes: list[tuple[tuple[int, int], merges.StoredVote]] = field(default_factory=list)


@dataclass
class _Verdict:
    """Which of a record's votes are new, how many are known, and which stored ones they replace."""

    new: list[LabelRecord] = field(default_factory=list)
    n_known: int = 0
    replaced: list[int] = field(default_factory=list)


def merge_records(
    session: Session,
    *,
    records: Sequence[tuple[PromptRecord, int]],
    plan: QueuePlan,
    names: Names,
    now: datetime,
) -> Written:
    """Bring into stored prompts what their records have beside what is there; say how many rows that were.

    Args:
        session: In a transaction.
        records: Each with the id of its prompt, whose question is the same.
        plan: Which of the pairs that are new people are asked.
        names: Of annotators and members.
        now: When.
    """
    stored = _look_up(session, records, names, now)
    verdicts = [_compare(one, names.own_people) for one in stored]
    planned = [
        (one, verdict, _plan_comparisons(one, verdict, plan, now))
        for one, verdict in zip(stored, verdicts, strict=True)
    ]
    rows = [row for _, _, own in planned for row in own]
    ids = bulk.insert_rows(session, model=Comparison, rows=rows)
    by_sides = {(row["left_id"], row["right_id"]): id_ for row, id_ in zip(rows, ids, strict=True)}
    by_sides |= {sides: known.comparison_id for one in stored for sides, known in one.comparisons.items()}
    merges.retract_votes(session, [id_ for verdict in verdicts for id_ in verdict.replaced], now=now)
    if not plan.ask_labelled:
        merges.close_comparisons(session, [id_ for one, told, _ in planned for id_ in _done(one, told)])
    annotators = names.annotators(session, [(one.record, told.new) for one, told, _ in planned], now)
    told_anew = [Told(one.record, one.prompt_id, one.candidate_ids, told.new) for one, told, _ in planned]
    ballots = write_ballots(session, told_anew, annotators, now)
    preferences = [
        preference_row(one, label, by_sides, annotators, ballots, now, stands=True)
        for one in told_anew
        for label in one.labels
    ]
    write_preferences(session, preferences)
    merges.set_digests(session, {one.prompt_id: one.record.fingerprint for one in stored})
    return Written(
        n_candidates=sum(one.n_new_candidates for one in stored),
        n_comparisons=len(rows),
        n_queued=sum(row["is_open"] for row in rows),
        n_preferences=len(preferences) + sum(len(told.replaced) for told in verdicts),
        n_replaced=sum(len(told.replaced) for told in verdicts),
        n_known=sum(told.n_known for told in verdicts),
        n_merged=sum(bool(one.n_new_candidates or told.new) for one, told, _ in planned),
    )


def _look_up(
    session: Session, records: Sequence[tuple[PromptRecord, int]], names: Names, now: datetime
) -> list[_Stored]:
    """Find what is stored of each record, and write the candidates that are new."""
    prompt_ids = [prompt_id for _, prompt_id in records]
    held: defaultdict[int, dict[tuple[str, str, int], int]] = defaultdict(dict)
    seen: Counter[tuple[int, str, str]] = Counter()
    for row in merges.list_candidates_of(session, prompt_ids):
        n = seen[row.prompt_id, row.member, row.text]
        seen[row.prompt_id, row.member, row.text] += 1
        held[row.prompt_id][row.member, row.text, n] = row.candidate_id
    missing = []
    for record, prompt_id in records:
        new = [
            candidate
            for key, candidate in zip(_keys(record), record.candidates, strict=True)
            if key not in held[prompt_id]
        ]
        missing.append(replace(record, candidates=tuple(new), labels=()))
    written = write_candidates(session, missing, prompt_ids, names, now)
    stored = []
    for (record, prompt_id), new_ids in zip(records, written, strict=True):
        fresh = iter(new_ids)
        own = [held[prompt_id][key] if key in held[prompt_id] else next(fresh) for key in _keys(record)]
        stored.append(_Stored(record, prompt_id, own, len(new_ids)))
    _add_votes(session, stored)
    return stored


def _keys(record: PromptRecord) -> Iterator[tuple[str, str, int]]:
    seen: Counter[tuple[str, str]] = Counter()
    for candidate in record.candidates:
        key = (candidate.model, candidate.text)
        yield (*key, seen[key])
        seen[key] += 1


def _add_votes(session: Session, stored: Sequence[_Stored]) -> None:
    by_prompt = {one.prompt_id: one for one in stored}
    sides_of: dict[int, tuple[int, tuple[int, int]]] = {}
    for row in merges.list_comparisons_of(session, list(by_prompt)):
        by_prompt[row.prompt_id].comparisons[row.left_id, row.right_id] = row
        sides_of[row.comparison_id] = (row.prompt_id, (row.left_id, row.right_id))
    for vote in merges.list_votes_of(session, list(by_prompt)):
        prompt_id, sides = sides_of[vote.comparison_id]
        by_prompt[prompt_id].votes.append((sides, vote))


def _compare(stored: _Stored, own_people: Set[str]) -> _Verdict:
    verdict = _Verdict()
    named = {(sides, vote.key): vote for sides, vote in stored.votes}
    strangers = Counter(
        (_said(sides, vote.outcome), vote.kind, when)
        for sides, vote in stored.votes
        if is_someone(vote.name)
        for when in (None, vote.created_at)
    )
    for label in (label for label, stands in standing_labels(stored.record.labels) if stands):
        if label.annotator in own_people:
            # An export of this very store, which has its people's votes itself, changed or undone.
            verdict.n_known += 1
            continue
        sides, outcome = _sides(stored, label), OUTCOME_BY_WINNER[label.winner]
        if is_someone(label.annotator):
            when = None if label.at is None else datetime.fromisoformat(label.at)
            said = next(
                (key for key in strangers if key[0] == _said(sides, outcome) and key[2] == when
                 and WORD_BY_KIND[key[1]] == label.kind),
                None,
            )  # fmt: skip
            if said is not None and strangers[said] > 0:
                strangers[said] -= 1
                verdict.n_known += 1
            else:
                verdict.new.append(replace(label, annotator=UNNAMED))
            continue
        known = named.get((sides, imported_key(stored.record.source, label.annotator, label.kind)))
        if known is None:
            verdict.new.append(label)
        elif known.outcome is outcome or (label.at and known.created_at > datetime.fromisoformat(label.at)):
            verdict.n_known += 1
        else:
            verdict.replaced.append(known.preference_id)
            verdict.new.append(label)
    verdict.new = _name_new(stored, verdict.new)
    return verdict


def _name_new(stored: _Stored, new: Sequence[LabelRecord]) -> list[LabelRecord]:
    """Name the votes of new unnamed people as none of those is called who voted on their pair before."""
    place_of = {candidate_id: place for place, candidate_id in enumerate(stored.candidate_ids)}
    before = [
        LabelRecord(
            annotator=vote.name,
            a=place_of[left],
            b=place_of[right],
            winner="tie",
            kind=WORD_BY_KIND[vote.kind],
        )
        for (left, right), vote in stored.votes
        if left in place_of and right in place_of
    ]
    return list(name_the_unnamed((*before, *new)))[len(before) :]


def _said(sides: tuple[int, int], outcome: Outcome) -> tuple[tuple[int, int], int | Outcome]:
    """What a vote says, whichever answer stood left: the winner's id, or the outcome without one."""
    winner = {Outcome.LEFT: sides[0], Outcome.RIGHT: sides[1]}.get(outcome)
    return (min(sides), max(sides)), outcome if winner is None else winner


def _sides(stored: _Stored, label: LabelRecord) -> tuple[int, int]:
    return stored.candidate_ids[label.a], stored.candidate_ids[label.b]


def _done(stored: _Stored, verdict: _Verdict) -> Iterator[int]:
    """Open comparisons of pairs that people have now compared."""
    done = {frozenset(_sides(stored, label)) for label in verdict.new if label.kind == "human"}
    for sides, known in stored.comparisons.items():
        if known.is_open and frozenset(sides) in done:
            yield known.comparison_id


def _plan_comparisons(stored: _Stored, verdict: _Verdict, plan: QueuePlan, now: datetime) -> Rows:
    rows = {}
    for label in verdict.new:
        sides = _sides(stored, label)
        if sides not in stored.comparisons:
            rows[sides] = comparison_row(stored.prompt_id, *sides, origin=Origin.IMPORT, plan=plan, now=now)
    if stored.n_new_candidates:
        asked = {frozenset(sides) for sides in stored.comparisons}
        room = max(plan.n_pairs - len(asked), 0)
        queue_rows(
            rows,
            stored.record,
            stored.prompt_id,
            stored.candidate_ids,
            replace(plan, n_pairs=room),
            now,
            skip=asked,
        )
    return list(rows.values())

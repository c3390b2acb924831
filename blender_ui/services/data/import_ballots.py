"""Ballots of imported labels: what was judged at once counts once here, too.

Invariant: labels of one annotator that name the same ballot become preferences of one ballot. Non-goal: the
order in which the answers were shown, which a file does not tell; they stand in the file's order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from sqlmodel import Session

from blender_ui.exchange.records import LabelRecord, PromptRecord
from blender_ui.services.data.records import imported_key
from db.models import Ask, Ballot
from db.queries import bulk

UNKNOWN_SEED = 0
"""Of answers that were shown elsewhere."""


class Told(NamedTuple):
    """What a record says that is to be stored; its prompt, and its candidates in the record's order."""

    record: PromptRecord
    prompt_id: int
    candidate_ids: Sequence[int]
    labels: Sequence[LabelRecord]


class Key(NamedTuple):
    """What tells a ballot from the others."""

    prompt_id: int
    annotator_id: int
    name: str


def write_ballots(
    session: Session, told: Iterable[Told], annotators: Mapping[str, int], now: datetime
) -> dict[Key, int]:
    """Write the ballots that labels name; give their ids."""
    by_ballot: dict[Key, list[LabelRecord]] = defaultdict(list)
    candidates: dict[int, Sequence[int]] = {}
    for one in told:
        for label in one.labels:
            if label.ballot is not None:
                by_ballot[key_of(one.record, one.prompt_id, label, annotators)].append(label)
                candidates[one.prompt_id] = one.candidate_ids
    rows = [_row(key, labels, candidates[key.prompt_id], now) for key, labels in by_ballot.items()]
    return dict(zip(by_ballot, bulk.insert_rows(session, model=Ballot, rows=rows), strict=True))


def key_of(record: PromptRecord, prompt_id: int, label: LabelRecord, annotators: Mapping[str, int]) -> Key:
    """The ballot of a label that names one."""
    annotator_id = annotators[imported_key(record.source, label.annotator, label.kind)]
    return Key(prompt_id, annotator_id, label.ballot or "")


def _row(
    key: Key, labels: Sequence[LabelRecord], candidate_ids: Sequence[int], now: datetime
) -> dict[str, Any]:
    """A ballot as its labels tell it: what was asked follows from how many pairs were told apart."""
    shown = sorted({index for label in labels for index in (label.a, label.b)})
    losses = dict.fromkeys(shown, 0)
    for label in labels:
        if label.winner in ("a", "b"):
            losses[label.b if label.winner == "a" else label.a] += 1
    n = len(shown)
    pairs = {frozenset((label.a, label.b)) for label in labels}
    ask = {n * (n - 1) // 2: Ask.ORDER, n - 1: Ask.BEST, 2 * n - 3: Ask.BEST_WORST}.get(len(pairs), Ask.ORDER)
    lowest = 3 if ask is Ask.BEST_WORST else n
    first = labels[0]
    given_at = now if first.at is None else datetime.fromisoformat(first.at)
    return {
        "prompt_id": key.prompt_id,
        "annotator_id": key.annotator_id,
        "ask": ask,
        "shown": [candidate_ids[index] for index in shown],
        "shown_seed": UNKNOWN_SEED,
        "places": [min(1 + losses[index], lowest) for index in shown],
        "reason": first.reason,
        "seconds": first.seconds,
        "idempotency_key": f"import:{uuid4().hex}",
        "created_at": given_at,
        "given_at": given_at,
        "retracted_at": None,
    }

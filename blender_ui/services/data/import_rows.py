"""Turn records into rows, many at once, inside the caller's transaction.

Invariant: the records are new to the store. Non-goals: deciding which are, and prompts that are there
already (``services.data.merging``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from blender_ui.exchange.records import LabelRecord, PromptRecord, standing_labels
from blender_ui.pairing.draws import draw_sides, uniform
from blender_ui.pairing.schedule import draw_pairs
from blender_ui.services.candidates import prompt_columns
from blender_ui.services.data.import_ballots import Key, Told, key_of, write_ballots
from blender_ui.services.data.records import KIND_BY_WORD, OUTCOME_BY_WINNER, annotator_label, imported_key
from db.models import Annotator, Candidate, Comparison, Member, Origin, Preference, Prompt, Role
from db.queries import bulk

Rows = list[dict[str, Any]]
Sides = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Written:
    """How many rows were written.

    Attributes:
        n_known: Votes that were in the store already.
        n_merged: Prompts that were in the store and got new candidates or votes.
    """

    n_candidates: int = 0
    n_comparisons: int = 0
    n_queued: int = 0
    n_preferences: int = 0
    n_replaced: int = 0
    n_known: int = 0
    n_merged: int = 0

    def __add__(self, other: Written) -> Written:
        """The counts of both."""
        return Written(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True, kw_only=True)
class QueuePlan:
    """Which pairs of a prompt people are to be asked.

    Attributes:
        n_pairs: At most so many a prompt.
        overlap: How many people each.
        ask_labelled: Whether pairs that people have compared already count among them.
        seed: Decides pairs, sides and order.
        project_id: Whose prompts and comparisons they are.
    """

    n_pairs: int
    overlap: int
    ask_labelled: bool
    seed: int
    project_id: int


class Names:
    """Ids of members and annotators, looked up once and kept through an import."""

    def __init__(self, session: Session) -> None:
        self._members = bulk.ids_by_member(session, backend="import")
        self._annotators = bulk.ids_by_key(session)
        self.own_people = {
            pseudonym
            for row in bulk.annotators_by_id(session).values()
            if (pseudonym := annotator_label(row.key, row.name)) != row.name
        }
        """Pseudonyms under which people of this store leave in exports."""

    def members(self, session: Session, models: Iterable[str], now: datetime) -> dict[str, int]:
        """Ids by name; members that are new are written."""
        strangers = sorted(set(models) - self._members.keys())
        rows = [_member(model, now) for model in strangers]
        self._members |= dict(zip(strangers, bulk.insert_rows(session, model=Member, rows=rows), strict=True))
        return self._members

    def annotators(
        self, session: Session, votes: Iterable[tuple[PromptRecord, Sequence[LabelRecord]]], now: datetime
    ) -> dict[str, int]:
        """Ids by stored key; annotators that are new are written."""
        wanted = {
            imported_key(record.source, label.annotator, label.kind): label
            for record, labels in votes
            for label in labels
        }
        strangers = [key for key in wanted if key not in self._annotators]
        rows = [
            {
                "key": key,
                "name": wanted[key].annotator,
                "kind": KIND_BY_WORD[wanted[key].kind],
                "role": Role.ANNOTATOR,
                "created_at": now,
            }
            for key in strangers
        ]
        ids = bulk.insert_rows(session, model=Annotator, rows=rows)
        self._annotators |= dict(zip(strangers, ids, strict=True))
        return self._annotators


def write_records(
    session: Session, *, records: Sequence[PromptRecord], plan: QueuePlan, names: Names, now: datetime
) -> Written:
    """Write records whose prompts are not in the store; say how many rows that were."""
    prompt_ids = bulk.insert_rows(
        session, model=Prompt, rows=[_prompt(record, plan, now) for record in records]
    )
    candidate_ids = write_candidates(session, records, prompt_ids, names, now)
    planned = [
        comparison
        for record, prompt_id, ids in zip(records, prompt_ids, candidate_ids, strict=True)
        for comparison in _plan_comparisons(record, prompt_id, ids, plan, now)
    ]
    comparison_ids = bulk.insert_rows(session, model=Comparison, rows=planned)
    id_by_sides = {
        (row["left_id"], row["right_id"]): comparison_id
        for row, comparison_id in zip(planned, comparison_ids, strict=True)
    }
    annotators = names.annotators(session, [(record, record.labels) for record in records], now)
    told = [
        Told(record, prompt_id, ids, record.labels)
        for record, prompt_id, ids in zip(records, prompt_ids, candidate_ids, strict=True)
    ]
    ballots = write_ballots(session, told, annotators, now)
    preferences = [
        preference_row(one, label, id_by_sides, annotators, ballots, now, stands=stands)
        for one in told
        for label, stands in standing_labels(one.labels)
    ]
    write_preferences(session, preferences)
    return Written(
        n_candidates=sum(map(len, candidate_ids)),
        n_comparisons=len(planned),
        n_queued=sum(row["is_open"] for row in planned),
        n_preferences=len(preferences),
        n_replaced=sum(row["retracted_at"] is not None for row in preferences),
    )


def write_preferences(session: Session, rows: Rows) -> None:
    """Write votes, each under a key of its own; keys that lie side by side are quick to index."""
    batch = uuid4().hex
    for number, row in enumerate(rows):
        row["idempotency_key"] = f"import:{batch}-{number}"
    bulk.insert_rows(session, model=Preference, rows=rows)


def _prompt(record: PromptRecord, plan: QueuePlan, now: datetime) -> dict[str, Any]:
    return {
        "project_id": plan.project_id,
        **prompt_columns(record.question),
        "source": record.source,
        "external_id": record.id,
        "licence": record.licence,
        "lang": record.lang,
        "category": record.category,
        "record_fingerprint": record.fingerprint,
        "created_at": now,
    }


def write_candidates(
    session: Session,
    records: Sequence[PromptRecord],
    prompt_ids: Sequence[int],
    names: Names,
    now: datetime,
) -> list[list[int]]:
    """Write the candidates, and members that are new; give ids by record, in the record's order."""
    members = names.members(
        session, {candidate.model for record in records for candidate in record.candidates}, now
    )
    written = iter(
        bulk.insert_rows(
            session,
            model=Candidate,
            rows=[
                {
                    "prompt_id": prompt_id,
                    "member_id": members[candidate.model],
                    "text": candidate.text,
                    "created_at": now,
                }
                for record, prompt_id in zip(records, prompt_ids, strict=True)
                for candidate in record.candidates
            ],
        )
    )
    return [[next(written) for _ in record.candidates] for record in records]


def _member(model: str, now: datetime) -> dict[str, Any]:
    return {
        "name": model,
        "backend": "import",
        "model": model,
        "options": {},
        "fingerprint": hashlib.sha256(f"import:{model}".encode()).hexdigest(),
        "created_at": now,
    }


def _plan_comparisons(
    record: PromptRecord, prompt_id: int, candidate_ids: Sequence[int], plan: QueuePlan, now: datetime
) -> Rows:
    """One row for each ordered pair that was labelled, and for each pair that is to be asked."""
    rows: dict[Sides, dict[str, Any]] = {}
    for label in record.labels:
        sides = (candidate_ids[label.a], candidate_ids[label.b])
        rows[sides] = comparison_row(prompt_id, *sides, origin=Origin.IMPORT, plan=plan, now=now)
    queue_rows(rows, record, prompt_id, candidate_ids, plan, now)
    return list(rows.values())


def queue_rows(
    rows: dict[Sides, dict[str, Any]],
    record: PromptRecord,
    prompt_id: int,
    candidate_ids: Sequence[int],
    plan: QueuePlan,
    now: datetime,
    *,
    skip: Set[frozenset[int]] = frozenset(),
) -> None:
    """Add a row for each pair that is to be asked, or open the one that is there.

    Args:
        rows: By the ids of their sides; changed.
        skip: Pairs of candidates' ids that are not asked.
    """
    done = {frozenset((label.a, label.b)) for label in record.labels if label.kind == "human"}
    texts = [candidate.text for candidate in record.candidates]
    order_seed = int(uniform(plan.seed, "pairs", prompt_id) * 2**31)
    limit = plan.n_pairs + len(skip)
    n_added = 0
    for pair in draw_pairs(texts, limit=limit, seed=order_seed):
        ids = [candidate_ids[index] for index in pair]
        if n_added == plan.n_pairs or frozenset(ids) in skip:
            continue
        n_added += 1
        if not plan.ask_labelled and frozenset(pair) in done:
            continue
        drawn = draw_sides(plan.seed, *ids)
        sides = (drawn.left, drawn.right)
        row = rows.setdefault(
            sides, comparison_row(prompt_id, *sides, origin=Origin.QUEUE, plan=plan, now=now)
        )
        row |= {"side_seed": drawn.seed, "overlap": plan.overlap, "is_open": plan.overlap > 0}


def comparison_row(
    prompt_id: int, left_id: int, right_id: int, *, origin: Origin, plan: QueuePlan, now: datetime
) -> dict[str, Any]:
    """A comparison that nobody is asked; ``queue_rows`` opens the ones that are."""
    return {
        "prompt_id": prompt_id,
        "project_id": plan.project_id,
        "left_id": left_id,
        "right_id": right_id,
        "origin": origin,
        "side_seed": None,
        "priority": uniform(plan.seed, "priority", left_id, right_id),
        "overlap": 0,
        "n_taken": 0,
        "is_open": False,
        "created_at": now,
    }


def preference_row(
    told: Told,
    label: LabelRecord,
    by_sides: Mapping[Sides, int],
    annotators: Mapping[str, int],
    ballots: Mapping[Key, int],
    now: datetime,
    *,
    stands: bool,
) -> dict[str, Any]:
    """A vote about a comparison; a ballot's has its reason and seconds with the ballot."""
    criteria = {name: OUTCOME_BY_WINNER[winner].value for name, winner in label.criteria}
    key = key_of(told.record, told.prompt_id, label, annotators)
    return {
        "comparison_id": by_sides[told.candidate_ids[label.a], told.candidate_ids[label.b]],
        "annotator_id": key.annotator_id,
        "ballot_id": None if label.ballot is None else ballots[key],
        "criteria": criteria or None,
        "outcome": OUTCOME_BY_WINNER[label.winner],
        "strength": label.strength,
        "reason": label.reason if label.ballot is None else None,
        "seconds": label.seconds if label.ballot is None else None,
        "created_at": now if label.at is None else datetime.fromisoformat(label.at),
        "retracted_at": None if stands else now,
    }

"""Standing preferences in bulk, with the candidates and prompts they are about; checks are left out.

Plain tuples, not rows of the session: at 100,000 preferences the session's bookkeeping would
cost more than the reading.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import Select, String, case, cast, func, select, union
from sqlmodel import Session, col

from db.models import Annotator, AnnotatorKind, Candidate, Comparison, Member, Outcome, Preference, Prompt
from db.queries import rulings
from db.queries.checks import select_checks
from db.queries.prompts import select_first_turn


class Scope(NamedTuple):
    """Which preferences: after an id and up to one, None for all; with or without judges; of one project?"""

    up_to_id: int | None = None
    humans_only: bool = True
    after_id: int = 0
    project_id: int | None = None


class ComparedPreference(NamedTuple):
    """One standing preference and its sides."""

    preference_id: int
    left_id: int
    right_id: int
    outcome: Outcome
    """The ruling's where there is one."""
    strength: float | None
    annotator_id: int


class ComparedCandidate(NamedTuple):
    """One candidate that a preference is about."""

    candidate_id: int
    prompt_id: int
    text: str
    member: str


class ComparedPrompt(NamedTuple):
    """One prompt that a preference is about."""

    prompt_id: int
    instruction: str
    input: str
    history: list[dict[str, str]]


class Counted(NamedTuple):
    """How many standing preferences there are.

    Attributes:
        n: All.
        n_new: Those with a higher id than was asked about.
        decided: Those for one side, rulings counted, by their first turn's fingerprint; prompts without any
            are left out.
    """

    n: int
    n_new: int
    decided: Counter[str]


def list_preferences(session: Session, *, scope: Scope) -> list[ComparedPreference]:
    """The standing preferences, by ascending id."""
    query = _within(
        select(
            col(Preference.id),
            col(Comparison.left_id),
            col(Comparison.right_id),
            col(Preference.outcome),
            col(Preference.strength),
            col(Preference.annotator_id),
            col(Comparison.id),
        ),
        scope,
    )
    ruled = rulings.find_ruled(session)
    return [
        ComparedPreference(id_, left_id, right_id, ruled.get(comparison_id, outcome), strength, annotator_id)
        for id_, left_id, right_id, outcome, strength, annotator_id, comparison_id in session.execute(
            query.order_by(col(Preference.id))
        )
    ]


def list_candidates(session: Session, *, scope: Scope) -> list[ComparedCandidate]:
    """The candidates that the standing preferences are about, by ascending id."""
    sides = union(
        _within(select(col(Comparison.left_id)), scope), _within(select(col(Comparison.right_id)), scope)
    )
    query = (
        select(col(Candidate.id), col(Candidate.prompt_id), col(Candidate.text), col(Member.name))
        .join(Member, col(Member.id) == col(Candidate.member_id))
        .where(col(Candidate.id).in_(sides))
    )
    return [ComparedCandidate(*row) for row in session.execute(query.order_by(col(Candidate.id)))]


def list_prompts(session: Session, *, scope: Scope) -> list[ComparedPrompt]:
    """The prompts that the standing preferences are about, by ascending id."""
    asked = _within(select(col(Comparison.prompt_id)), scope)
    query = select(col(Prompt.id), col(Prompt.instruction), col(Prompt.input), col(Prompt.history)).where(
        col(Prompt.id).in_(asked)
    )
    return [ComparedPrompt(*row) for row in session.execute(query.order_by(col(Prompt.id)))]


def count_preferences(
    session: Session, *, scope: Scope, new_after_id: int = 0, at_most: int | None = None
) -> Counted:
    """Count the standing preferences, or the first ones of them.

    One row comes of it, whatever there is: between two rows a reader waits for its turn among the threads,
    and beside a busy one a row for each of 100,000 prompts took half a minute.
    """
    one_side = (Outcome.LEFT, Outcome.RIGHT)
    ruled = rulings.select_ruled().subquery()
    is_decided = case(
        (col(Comparison.id).in_(select(ruled.c.id).where(ruled.c.outcome.in_(one_side))), 1),
        (col(Comparison.id).in_(select(ruled.c.id)), 0),
        (col(Preference.outcome).in_(one_side), 1),
        else_=0,
    )
    is_new = case((col(Preference.id) > new_after_id, 1), else_=0)
    wanted = (col(Comparison.prompt_id), is_decided.label("is_decided"), is_new.label("is_new"))
    votes = _within(select(*wanted), scope)
    if at_most is not None:
        votes = votes.order_by(col(Preference.id)).limit(at_most)
    vote = votes.subquery()
    n_decided = func.sum(vote.c.is_decided).label("n_decided")
    counts = (func.count().label("n"), func.sum(vote.c.is_new).label("n_new"), n_decided)
    by_prompt = select(vote.c.prompt_id, *counts).group_by(vote.c.prompt_id).subquery()

    def join_decided(column: Any) -> Any:
        return func.aggregate_strings(case((by_prompt.c.n_decided > 0, cast(column, String))), ",")

    n, n_new, fingerprints, numbers = session.execute(
        select(
            func.coalesce(func.sum(by_prompt.c.n), 0),
            func.coalesce(func.sum(by_prompt.c.n_new), 0),
            func.coalesce(join_decided(select_first_turn()), ""),
            func.coalesce(join_decided(by_prompt.c.n_decided), ""),
        )
        .select_from(by_prompt)
        .join(Prompt, col(Prompt.id) == by_prompt.c.prompt_id)
    ).one()
    decided: Counter[str] = Counter()
    if fingerprints:
        for fingerprint, number in zip(fingerprints.split(","), numbers.split(","), strict=True):
            decided[fingerprint] += int(number)
    return Counted(int(n), int(n_new), decided)


def is_voted_on(session: Session, *, prompt_id: int, scope: Scope) -> bool:
    """Whether a preference in scope is about a prompt's answers."""
    query = _within(select(col(Preference.id)), scope).where(col(Comparison.prompt_id) == prompt_id)
    return session.execute(query.limit(1)).first() is not None


def names_by_annotator(session: Session) -> dict[int, str]:
    """A name for every annotator that no other has."""
    rows = session.execute(select(col(Annotator.id), col(Annotator.name)))
    return {annotator_id: f"{annotator_id}:{name}" for annotator_id, name in rows}


def _within(query: Select[*tuple[Any, ...]], scope: Scope) -> Select[*tuple[Any, ...]]:
    """Join comparisons with their standing preferences, and keep those in scope and no checks."""
    query = query.select_from(Preference).join(
        Comparison, col(Comparison.id) == col(Preference.comparison_id)
    )
    query = query.where(col(Preference.retracted_at).is_(None), col(Comparison.id).not_in(select_checks()))
    if scope.up_to_id is not None:
        query = query.where(col(Preference.id) <= scope.up_to_id)
    if scope.after_id:
        query = query.where(col(Preference.id) > scope.after_id)
    if scope.project_id is not None:
        query = query.where(col(Comparison.project_id) == scope.project_id)
    if scope.humans_only:
        judges = select(col(Annotator.id)).where(col(Annotator.kind) == AnnotatorKind.JUDGE)
        query = query.where(col(Preference.annotator_id).not_in(judges))
    return query

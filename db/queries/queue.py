"""The queue of comparisons: what is open to an annotator, and the places in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Update, bindparam, func, or_, select, update
from sqlmodel import Session, col

from db.models import Candidate, Comparison, Lease, LeaseStatus, Project, Purpose, SeenPrompt


class Head(NamedTuple):
    """One comparison at the head of an order."""

    comparison_id: int
    n_taken: int


class OpenPair(NamedTuple):
    """One comparison that is open to an annotator, how many people have taken it, and its candidates."""

    comparison_id: int
    n_taken: int
    left_id: int
    right_id: int


class Scope(NamedTuple):
    """Where to look: a project, or one prompt of it; and what for."""

    project_id: int
    prompt_id: int | None = None
    purpose: Purpose = Purpose.LABEL

    @property
    def is_prompt(self) -> bool:
        """Whether it is one prompt."""
        return self.prompt_id is not None


def find_least_taken(session: Session, *, annotator_id: int, scope: Scope) -> Head | None:
    """The comparison that the fewest people have taken, the first of those in the random order."""
    return _find_head(session, _least_taken_query(scope.is_prompt), annotator_id, scope)


def find_most_informative(session: Session, *, annotator_id: int, scope: Scope) -> Head | None:
    """The comparison with the highest information, where a ranker has given any."""
    return _find_head(session, _most_informative_query(scope.is_prompt), annotator_id, scope)


def count_places(session: Session, *, project_id: int) -> int:
    """How many comparisons of a project have a place left, gold pairs and attention checks aside."""
    values = Scope(project_id)._asdict()
    n_open: int = session.connection().execute(_n_open_query(False, False), values).scalar_one()
    return n_open


def has_places(session: Session, *, project_id: int) -> bool:
    """Whether any comparison of a project has a place left or is lent, gold pairs and checks aside."""
    asked = (col(Comparison.project_id) == project_id, col(Comparison.purpose) == Purpose.LABEL)
    is_open = select(col(Comparison.id)).where(*asked, col(Comparison.is_open).is_(True)).exists()
    of_project = select(col(Comparison.id)).where(*asked, col(Comparison.id) == col(Lease.comparison_id))
    is_lent = (
        select(col(Lease.id)).where(col(Lease.status) == LeaseStatus.ACTIVE, of_project.exists()).exists()
    )
    return bool(session.execute(select(is_open | is_lent)).scalar_one())


def count_least_taken(session: Session, *, annotator_id: int, n_taken: int, scope: Scope) -> int:
    """How many comparisons open to an annotator have been taken ``n_taken`` times.

    All with that count, less those the annotator has had, less those whose names they have seen.
    What they have had is looked up from whichever side is shorter, their leases or the queue.
    """
    of_prompt = scope.is_prompt
    values = {"annotator_id": annotator_id, "n_taken": n_taken, **scope._asdict()}

    def count(query: Select[*tuple[Any, ...]]) -> int:
        # PostgreSQL's sums of counts are Decimals.
        return int(session.connection().execute(query, values).scalar_one())

    n_open = count(_n_open_query(True, of_prompt))
    # What nobody has taken can only have come back from this annotator, so those leases suffice.
    returned_only = n_taken == 0
    from_leases = returned_only or count(_n_leases_query()) < n_open
    had = (
        _n_had_from_leases_query(returned_only, of_prompt)
        if from_leases
        else _n_had_from_queue_query(of_prompt)
    )
    return n_open - count(had) - count(_n_seen_query(of_prompt))


def list_practice(session: Session, *, annotator_id: int, project_id: int) -> list[Head]:
    """Gold pairs with a reason that an annotator has not had, in the order in which they are asked."""
    scope = Scope(project_id, purpose=Purpose.GOLD)
    order = (col(Comparison.n_taken), col(Comparison.priority), col(Comparison.id))
    query = select(col(Comparison.id), col(Comparison.n_taken)).where(
        *_open_to_annotator(False), col(Comparison.gold_reason).is_not(None)
    )
    values = {"annotator_id": annotator_id, **scope._asdict()}
    rows = session.connection().execute(query.order_by(*order), values)
    return [Head(int(id_ or 0), n_taken) for id_, n_taken in rows]


def list_open_pairs(session: Session, *, annotator_id: int, scope: Scope) -> list[OpenPair]:
    """The comparisons of a prompt that are open to an annotator, by ascending id."""
    values = {"annotator_id": annotator_id, **scope._asdict()}
    return [OpenPair(*row) for row in session.connection().execute(_open_pairs_query(), values)]


def take_place(session: Session, *, comparison_id: int) -> bool:
    """Take one of a comparison's places; False where none is left."""
    taken = session.connection().execute(_take_place_statement(), {"comparison_id": comparison_id})
    return bool(taken.rowcount)


def give_back_places(session: Session, *, comparison_ids: Iterable[int]) -> None:
    """Open the places again that leases had taken, one for each id given."""
    rows = [{"comparison": comparison_id} for comparison_id in comparison_ids]
    if rows:
        session.connection().execute(
            update(Comparison)
            .where(col(Comparison.id) == bindparam("comparison"))
            .values(n_taken=col(Comparison.n_taken) - 1, is_open=True),
            rows,
        )


def set_information(session: Session, *, by_comparison: Mapping[int, float]) -> int:
    """Give open comparisons their information and take it from all others; say how many have it."""
    rows = [{"comparison": key, "information": value} for key, value in by_comparison.items()]
    # Every value of the index's first columns, so that SQLite goes by it.
    any_of_index = (
        col(Comparison.project_id).in_(select(col(Project.id))),
        col(Comparison.purpose).in_(tuple(Purpose)),
        col(Comparison.is_open).in_((True, False)),
    )
    session.execute(
        update(Comparison)
        .where(*any_of_index, col(Comparison.information).is_not(None))
        .values(information=None)
        .execution_options(synchronize_session=False)
    )
    if rows:
        session.connection().execute(
            update(Comparison)
            .where(col(Comparison.id) == bindparam("comparison"), col(Comparison.is_open).is_(True))
            .values(information=bindparam("information")),
            rows,
        )
    n_given: int = session.execute(
        select(func.count())
        .select_from(Comparison)
        .where(*any_of_index, col(Comparison.is_open).is_(True), col(Comparison.information).is_not(None))
    ).scalar_one()
    return n_given


def get_comparison(session: Session, *, first_id: int, second_id: int) -> Comparison:
    """The comparison of two candidates, whichever the sides, which is known to be there."""
    query = select(Comparison).where(
        or_(
            (col(Comparison.left_id) == first_id) & (col(Comparison.right_id) == second_id),
            (col(Comparison.left_id) == second_id) & (col(Comparison.right_id) == first_id),
        )
    )
    return session.scalars(query.with_for_update()).one()


def paired_candidates(session: Session, *, prompt_id: int) -> set[frozenset[int]]:
    """The pairs of a prompt's candidates that are comparisons already, whichever the sides."""
    rows = session.execute(
        select(col(Comparison.left_id), col(Comparison.right_id)).where(
            col(Comparison.prompt_id) == prompt_id
        )
    )
    return {frozenset(pair) for pair in rows}


def texts_by_candidate(session: Session, *, prompt_id: int) -> dict[int, str]:
    """The texts of a prompt's candidates, in the order in which they came."""
    rows = session.execute(
        select(col(Candidate.id), col(Candidate.text))
        .where(col(Candidate.prompt_id) == prompt_id)
        .order_by(col(Candidate.id))
    )
    return {candidate_id: text for candidate_id, text in rows}


# Building a statement takes longer than running it, so the ones of the label loop are built once.


@cache
def _least_taken_query(of_prompt: bool) -> Select[*tuple[Any, ...]]:
    order = (col(Comparison.n_taken), col(Comparison.priority), col(Comparison.id))
    return _head_query(_open_to_annotator(of_prompt)).order_by(*order)


@cache
def _most_informative_query(of_prompt: bool) -> Select[*tuple[Any, ...]]:
    has_information = col(Comparison.information).is_not(None)
    query = _head_query([*_open_to_annotator(of_prompt), has_information])
    return query.order_by(col(Comparison.information).desc())


@cache
def _open_pairs_query() -> Select[*tuple[Any, ...]]:
    return (
        select(*(getattr(Comparison, name) for name in ("id", "n_taken", "left_id", "right_id")))
        .where(*_open_to_annotator(True))
        .order_by(col(Comparison.id))
        .with_for_update()
    )


def _head_query(conditions: list[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    query = select(col(Comparison.id), col(Comparison.n_taken)).where(*conditions)
    return query.limit(1).with_for_update(skip_locked=True)


@cache
def _n_open_query(of_count: bool, of_prompt: bool) -> Select[*tuple[Any, ...]]:
    return select(func.count()).select_from(Comparison).where(*_open(of_prompt, of_count=of_count))


@cache
def _n_leases_query() -> Select[*tuple[Any, ...]]:
    return select(func.count()).select_from(Lease).where(col(Lease.annotator_id) == bindparam("annotator_id"))


@cache
def _n_had_from_leases_query(returned_only: bool, of_prompt: bool) -> Select[*tuple[Any, ...]]:
    # EXISTS, not a join: SQLite without statistics would go through the whole queue first.
    comparison = select(col(Comparison.id)).where(
        col(Comparison.id) == col(Lease.comparison_id), *_open(of_prompt, of_count=True)
    )
    query = _n_leases_query().where(comparison.exists())
    if returned_only:
        query = query.where(col(Lease.status).in_((LeaseStatus.SKIPPED, LeaseStatus.EXPIRED)))
    return query


@cache
def _n_had_from_queue_query(of_prompt: bool) -> Select[*tuple[Any, ...]]:
    return _n_open_query(True, of_prompt).where(_had())


@cache
def _n_seen_query(of_prompt: bool) -> Select[*tuple[Any, ...]]:
    of_prompt_seen = (
        _n_open_query(True, of_prompt)
        .where(col(Comparison.prompt_id) == col(SeenPrompt.prompt_id), ~_had())
        .correlate(SeenPrompt)
        .scalar_subquery()
    )
    return select(func.coalesce(func.sum(of_prompt_seen), 0)).where(
        col(SeenPrompt.annotator_id) == bindparam("annotator_id")
    )


@cache
def _take_place_statement() -> Update:
    place = col(Comparison.n_taken) + 1
    return (
        update(Comparison)
        .where(
            col(Comparison.id) == bindparam("comparison_id"),
            col(Comparison.n_taken) < col(Comparison.overlap),
        )
        .values(n_taken=place, is_open=place < col(Comparison.overlap))
    )


def _open(of_prompt: bool, *, of_count: bool = False) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        col(Comparison.purpose) == bindparam("purpose"),
        col(Comparison.is_open).is_(True),
    ]
    if of_prompt:
        conditions.append(col(Comparison.prompt_id) == bindparam("prompt_id"))
    else:
        conditions.append(col(Comparison.project_id) == bindparam("project_id"))
    if of_count:
        conditions.append(col(Comparison.n_taken) == bindparam("n_taken"))
    return conditions


def _had() -> ColumnElement[bool]:
    """Whether the comparison was ever lent to the annotator."""
    lease = select(col(Lease.id)).where(
        col(Lease.comparison_id) == col(Comparison.id), col(Lease.annotator_id) == bindparam("annotator_id")
    )
    return lease.exists()


def _open_to_annotator(of_prompt: bool) -> list[ColumnElement[bool]]:
    """Conditions on ``Comparison``: a place is left, never lent to the annotator, names unseen."""
    seen = select(col(SeenPrompt.prompt_id)).where(
        col(SeenPrompt.annotator_id) == bindparam("annotator_id"),
        col(SeenPrompt.prompt_id) == col(Comparison.prompt_id),
    )
    return [*_open(of_prompt), ~_had(), ~seen.exists()]


def _find_head(
    session: Session, query: Select[*tuple[Any, ...]], annotator_id: int, scope: Scope
) -> Head | None:
    values = {"annotator_id": annotator_id, **scope._asdict()}
    row = session.connection().execute(query, values).first()
    return None if row is None else Head(*row)

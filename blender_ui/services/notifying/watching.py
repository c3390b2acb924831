"""Sees what webhooks are told of: promotions, empty queues, failing members, and drift.

What was last seen is kept in the store, so a change is told whichever process made it, and also if the app
was off meanwhile. Invariant: each change is told once, and what was so when it was first looked at is no
change. Non-goal: who is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlmodel import Session

from blender_ui.statistics.drift import Change
from db.enums import ModelRole, WebhookEvent
from db.queries import webhooks as queries
from db.queries.webhooks import DRIFT, MEMBER, PROMOTED, QUEUE

N_FAILURES = 3
"""Failures one after the other by which a member counts as failing: one may be chance."""
OPEN, EMPTY, WELL, FAILING = "open", "empty", "well", "failing"
STEADY, ROSE, FELL = "steady", "rose", "fell"
"""Values of sightings."""
WATCHED = f"{DRIFT}watched"
"""Since when drift is looked for: what had drifted by then is no news."""


class Drifting(Protocol):
    """Something that is otherwise than before; ``services.monitoring`` finds it."""

    @property
    def what(self) -> str: ...
    @property
    def member(self) -> str: ...
    @property
    def change(self) -> Change: ...
    @property
    def since(self) -> datetime: ...


class News(NamedTuple):
    """Something that happened, and what is told of it."""

    event: WebhookEvent
    data: dict[str, Any]


class Look(NamedTuple):
    """What changed since the last look."""

    news: tuple[News, ...]
    seen: dict[str, str]
    """Sightings with another value than is kept."""


def look(session: Session, *, members: Sequence[str], drifts: Sequence[Drifting] = ()) -> Look:
    """Compare the store with what was last seen; changes nothing.

    Args:
        members: Names of those that are asked now.
        drifts: What the latest whole blocks of votes and answers say is otherwise than before.
    """
    known = queries.read_sightings(session)
    news: list[News] = []
    last = queries.list_last_promotions(session)
    seen = {PROMOTED + role.value: str(last.get(role.value, 0)) for role in ModelRole}
    for name in seen.keys() & known.keys():
        news += _tell_promotions(session, name.removeprefix(PROMOTED), after_id=int(known[name]))
    for project_id, project, is_open in queries.list_open_projects(session):
        name = f"{QUEUE}{project_id}"
        seen[name] = OPEN if is_open else EMPTY
        if (known.get(name), seen[name]) == (OPEN, EMPTY):
            news.append(News(WebhookEvent.QUEUE_EMPTY, {"project_id": project_id, "project": project}))
    for member in members:
        failing = queries.count_failures(session, member=member, at_most=N_FAILURES)
        name = MEMBER + member
        seen[name] = FAILING if failing.n >= N_FAILURES else WELL
        if (known.get(name), seen[name]) == (WELL, FAILING):
            news.append(_tell_failing(member, failing))
    seen |= _see_drifts(known, drifts)
    if WATCHED in known:
        news += [_tell_drift(one) for one in drifts if known.get(_name(one)) != seen[_name(one)]]
    return Look(tuple(news), {name: value for name, value in seen.items() if known.get(name) != value})


def keep(session: Session, seen: dict[str, str], *, now: datetime) -> None:
    """Keep what was seen."""
    queries.keep_sightings(session, values=seen, now=now)


def _tell_promotions(session: Session, role: str, *, after_id: int) -> list[News]:
    rows = queries.list_promotions_after(session, role=role, after_id=after_id)
    return [
        News(
            WebhookEvent.VERSION_PROMOTED,
            {
                "version_id": version.id,
                "role": version.role.value,
                "kind": version.kind.value,
                "previous_id": promotion.previous_id,
                "reason": promotion.reason,
                "promoted_at": promotion.created_at.isoformat(),
            },
        )
        for promotion, version in rows
    ]


def _tell_failing(member: str, failing: queries.Failing) -> News:
    kind = "" if failing.kind is None else failing.kind.value
    said = {"member": member, "n_failures": failing.n, "failure": kind, "message": failing.message[:500]}
    return News(WebhookEvent.MEMBER_FAILING, said)


def _see_drifts(known: Mapping[str, str], drifts: Sequence[Drifting]) -> dict[str, str]:
    """What drifts now and which way; what did and does no longer is steady, so that it is told again."""
    steady = {name: STEADY for name in known if name.startswith(DRIFT)}
    ways = {_name(one): ROSE if one.change.recent > one.change.before else FELL for one in drifts}
    return {**steady, WATCHED: WELL, **ways}


def _name(drift: Drifting) -> str:
    return f"{DRIFT}{drift.what}:{drift.member}"


def _tell_drift(drift: Drifting) -> News:
    change = drift.change
    said = {
        "what": str(drift.what),
        "member": drift.member or None,
        "before": change.before,
        "recent": change.recent,
        "n_before": change.n_before,
        "n_recent": change.n_recent,
        "since": drift.since.isoformat(),
    }
    return News(WebhookEvent.DRIFT_FOUND, said)

"""How members have done: answers, failures, latency, tokens and cost, from the rows of what they were asked.

Invariant: a figure says what it is of, and what is not known is not guessed: an answer whose endpoint counted
no tokens is in no cost, and is counted as such. Non-goal: whether a member can be asked now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Engine

from blender_ui.members.asking import Ensemble
from blender_ui.members.configuration import Price
from blender_ui.services.candidates import FUSION_BACKEND
from db.engine import transaction
from db.models import FailureKind
from db.queries import candidates
from db.queries.candidates import Asked


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Seconds of several answers."""

    p50: float
    p95: float


@dataclass(frozen=True, kw_only=True)
class MemberStanding:
    """One member's answers and failures."""

    name: str
    n_answers: int
    failures: Mapping[FailureKind, int]
    """By kind, without those that people stopped."""
    last_failure: str
    """The latest one's message; empty where there is none."""
    first_token: Spread | None
    """Until the first word; None before an answer was timed."""
    whole: Spread | None
    """Until the end."""
    n_prompt_tokens: int
    n_tokens: int
    """Written, thinking included."""
    n_uncounted: int
    """Answers whose tokens the endpoint did not count."""
    cost: float | None
    """Of the counted ones at today's price; None for a member without a price."""

    @property
    def n_failures(self) -> int:
        """How many questions it did not answer."""
        return sum(self.failures.values())


class MemberStandings:
    """Reads how members have done.

    Args:
        engine: The store.
        members: The ensemble, for prices.
    """

    def __init__(self, engine: Engine, *, members: Ensemble) -> None:
        self._engine = engine
        self._members = members

    def read(self, *, since: datetime, project_id: int | None = None) -> dict[str, MemberStanding]:
        """Every member that was asked here since a time, by name; of one project's prompts if it is named."""
        with transaction(self._engine) as session:
            asked = candidates.list_asked(
                session, since=since, project_id=project_id, without_backends=(FUSION_BACKEND, "import")
            )
            failed = candidates.list_failed(session, since=since, project_id=project_id)
        by_name: dict[str, list[Asked]] = {}
        for answer in asked:
            by_name.setdefault(answer.member, []).append(answer)
        failures: dict[str, Counter[FailureKind]] = {}
        last: dict[str, str] = {}
        for failure in failed:
            if failure.kind is not FailureKind.STOPPED:
                failures.setdefault(failure.member, Counter())[failure.kind] += 1
                last[failure.member] = failure.message
        prices = {config.name: config.price for config in self._members.configs}
        return {
            name: _standing(
                name,
                by_name.get(name, ()),
                failures.get(name, Counter()),
                last.get(name, ""),
                prices.get(name),
            )
            for name in sorted({*by_name, *failures})
        }

    def cost(self, *, since: datetime, project_id: int) -> float | None:
        """What a project's answers have cost since a time; None where no member that answered has a price."""
        costs = [one.cost for one in self.read(since=since, project_id=project_id).values()]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if known else None


def _standing(
    name: str, asked: Sequence[Asked], failures: Counter[FailureKind], last_failure: str, price: Price | None
) -> MemberStanding:
    counted = [one for one in asked if one.n_tokens is not None and one.n_prompt_tokens is not None]
    n_prompt_tokens = sum(one.n_prompt_tokens or 0 for one in counted)
    n_tokens = sum(one.n_tokens or 0 for one in counted)
    return MemberStanding(
        name=name,
        n_answers=len(asked),
        failures=failures,
        last_failure=last_failure,
        first_token=_spread([one.first_token_seconds for one in asked]),
        whole=_spread([one.seconds for one in asked]),
        n_prompt_tokens=n_prompt_tokens,
        n_tokens=n_tokens,
        n_uncounted=len(asked) - len(counted),
        cost=None if price is None else price.of(n_prompt_tokens, n_tokens),
    )


def _spread(seconds: Sequence[float | None]) -> Spread | None:
    known = [one for one in seconds if one is not None]
    if not known:
        return None
    p50, p95 = np.percentile(known, [50, 95])
    return Spread(p50=float(p50), p95=float(p95))

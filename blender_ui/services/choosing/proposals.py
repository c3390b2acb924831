"""Proposes which members to ask a prompt, and says why.

Invariant: only members that can be asked are proposed, and each with the probability with which it was to be
asked. Without an active chooser nothing is proposed, and everybody is asked. Non-goal: asking them, see
``services.asking``; training, see ``services.training.chooser``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from blender_ui.choosing.choice import Budget, Choice, choose_members
from blender_ui.choosing.chooser import Chooser, load_chooser
from blender_ui.choosing.forest import Expected
from blender_ui.errors import NotFound
from blender_ui.members.asking import Ensemble
from blender_ui.services.asking.standing import MemberStanding, MemberStandings
from blender_ui.services.choosing.proposal import ExpectedMember, Proposal
from blender_ui.services.versions.model_versions import find_active_version
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.tasks.reading import Task, read_tasks
from blender_ui.values import FloatArray
from db.engine import transaction
from db.models import ModelRole

WIDE = 1.96
"""Standard deviations on either side of a 95 % interval."""
UNKNOWN_DEVIATION = 0.25
"""Of the expected quality of a member without outcomes, around the members' common mean."""
STANDINGS_SECONDS = 30.0
"""How long costs and times so far are taken to stay as they are: a page asks after every pause in typing."""
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


class Proposals:
    """Proposes members; safe to share between threads.

    Args:
        engine: The store.
        choosers_path: Folder of the checkpoints.
        encoder_path: Folder of the encoder of prompts.
        members: Who can be asked.
        make_rng: Gives the random numbers of one proposal.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        choosers_path: Path,
        encoder_path: Path,
        members: Ensemble,
        make_rng: Callable[[], np.random.Generator] = np.random.default_rng,
    ) -> None:
        self._engine = engine
        self._choosers_path = choosers_path
        self._encoder_path = encoder_path
        self._members = members
        self._make_rng = make_rng
        self._standings = MemberStandings(engine, members=members)
        self._lock = threading.Lock()
        self._open: tuple[int, Chooser] | None = None
        self._stood: tuple[float, Mapping[str, MemberStanding]] | None = None

    def propose(
        self,
        *,
        instruction: str,
        input: str = "",
        k: int = 3,
        budget: Budget | None = None,
        seed: int | None = None,
    ) -> Proposal | None:
        """The at most k members to ask; None where no chooser is active, or it knows none of the members.

        Args:
            instruction: What to do.
            input: What to do it with.
            k: The most members.
            budget: Of cost and time.
            seed: Of the draw that may explore. With the same one it explores, or does not, however the
                prompt is reworded, so that nobody draws until they like it; None draws anew.

        Raises:
            NotFound: If no member is enabled.
            ChooserError: If the active version cannot be read.
            WeightsUnavailable: If its encoder is not here.
        """
        found = self._open_active()
        if found is None:
            return None
        configs = tuple(self._members.configs)
        names = tuple(config.name for config in configs)
        if not names:
            raise NotFound("expected members to choose from, came none; enable one in members.toml")
        version_id, chooser = found
        if not set(names) & set(chooser.members):
            return None
        task = Task(instruction, input)
        expected = _expect(chooser, task, names)
        standings = self._read_standings()
        costs = read_costs(names, standings) * [config.samples for config in configs]
        n_turns = [-(-config.samples // config.n_at_once) for config in configs]
        seconds = _read_seconds(names, standings) * n_turns
        choice = choose_members(
            k,
            expected=expected.mean,
            errors=_select_errors(chooser, names),
            # What is not known breaks no budget: a new member is to get its chance.
            costs=np.nan_to_num(costs),
            seconds=np.nan_to_num(seconds),
            budget=budget or Budget(),
            rng=self._make_rng() if seed is None else np.random.default_rng(seed),
        )
        views = _make_views(names, expected, choice, costs, seconds)
        others = sorted(set(range(len(names))) - set(choice.asked), key=lambda place: -expected.mean[place])
        return Proposal(
            version_id=version_id,
            kind=chooser.find_kind(task),
            asked=tuple(views[place] for place in choice.asked),
            left_out=tuple(views[place] for place in others),
            is_explored=choice.is_explored,
            value=choice.value,
            all_value=choice.all_value,
        )

    def is_active(self) -> bool:
        """Whether a chooser chooses."""
        with transaction(self._engine) as session:
            return find_active_version(session, role=ModelRole.CHOOSER) is not None

    def _read_standings(self) -> Mapping[str, MemberStanding]:
        now = time.monotonic()
        with self._lock:
            if self._stood is None or now - self._stood[0] > STANDINGS_SECONDS:
                self._stood = now, self._standings.read(since=_EVER)
            return self._stood[1]

    def _open_active(self) -> tuple[int, Chooser] | None:
        with transaction(self._engine) as session:
            active = find_active_version(session, role=ModelRole.CHOOSER)
        if active is None:
            return None
        with self._lock:
            if self._open is None or self._open[0] != active.id:
                encoder = StaticEncoder(self._encoder_path)
                self._open = active.id, load_chooser(self._choosers_path / active.path, encoder)
            return self._open


def _expect(chooser: Chooser, task: Task, names: tuple[str, ...]) -> Expected:
    """Quality and deviation by member, (m,) each; of one that the chooser does not know, the common mean."""
    found = chooser.expect(read_tasks(chooser.encoder, [task]))
    place = {name: index for index, name in enumerate(chooser.members)}
    mean, deviation = (np.zeros(len(names)) for _ in range(2))
    for row, name in enumerate(names):
        if name in place:
            mean[row], deviation[row] = found.mean[0, place[name]], found.deviation[0, place[name]]
        else:
            mean[row], deviation[row] = found.mean[0].mean(), UNKNOWN_DEVIATION
    return Expected(np.clip(mean, 0, 1), deviation)


def _select_errors(chooser: Chooser, names: tuple[str, ...]) -> FloatArray:
    place = {name: index for index, name in enumerate(chooser.members)}
    columns = [
        chooser.errors[:, place[name]] if name in place else np.zeros(len(chooser.errors)) for name in names
    ]
    return np.stack(columns, axis=1)


def read_costs(names: tuple[str, ...], standings: Mapping[str, MemberStanding]) -> FloatArray:
    """Of an average question so far, (m,); NaN where it is not known."""
    found = np.full(len(names), np.nan)
    for row, name in enumerate(names):
        standing = standings.get(name)
        if standing is not None and standing.cost is not None:
            n_counted = standing.n_answers - standing.n_uncounted
            found[row] = standing.cost / n_counted if n_counted else np.nan
    return found


def _read_seconds(names: tuple[str, ...], standings: Mapping[str, MemberStanding]) -> FloatArray:
    """Median until the end of an answer, (m,); NaN where it is not known."""
    wholes = [standings[name].whole if name in standings else None for name in names]
    return np.array([np.nan if whole is None else whole.p50 for whole in wholes])


def _make_views(
    names: tuple[str, ...], expected: Expected, choice: Choice, costs: FloatArray, seconds: FloatArray
) -> list[ExpectedMember]:
    return [
        ExpectedMember(
            name=name,
            quality=float(expected.mean[row]),
            low=max(0.0, float(expected.mean[row] - WIDE * expected.deviation[row])),
            high=min(1.0, float(expected.mean[row] + WIDE * expected.deviation[row])),
            cost=None if np.isnan(costs[row]) else float(costs[row]),
            seconds=None if np.isnan(seconds[row]) else float(seconds[row]),
            propensity=float(choice.propensities[row]),
        )
        for row, name in enumerate(names)
    ]

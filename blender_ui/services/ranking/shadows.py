"""Versions in shadow: the newest one that does not rank, and the one before, bet beside the one that ranks.

Invariant: both bet as they were trained, on votes that neither could have learnt from, and a bet is kept as
it was laid. It comes after the vote, which changes nothing: a version as it was trained never changes. Only
votes that came after both were made are bet on. Non-goal: what the bets come to; ``monitoring`` says.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import BlenderError
from blender_ui.services.after_vote import Background
from blender_ui.services.ranking.comparing import Comparisons, read_fast, read_joint
from blender_ui.services.ranking.opening import load_fast
from blender_ui.services.versions.model_versions import (
    find_active_version,
    list_decisions,
    list_versions,
)
from blender_ui.services.versions.views import VersionView
from blender_ui.votes.arrays import Predictions
from db.engine import transaction
from db.queries import shadow_bets

N_FAST, N_JOINT = 200, 4
"""Pairs that a version bets on at a time: a joint one needs a second each."""
REST_SECONDS = 2.0
"""After a vote, in which its page has what it needs, and votes that come fast cost one look."""

_log = logging.getLogger(__name__)


class Pair(NamedTuple):
    """The version that ranks and one in its shadow.

    Attributes:
        may_return: Whether the figures gave the active one the place of this one.
    """

    active: VersionView
    shadow: VersionView
    may_return: bool

    @property
    def cut_off_preference_id(self) -> int:
        """Votes after this one were there for neither to learn from."""
        return max(self.active.cut_off_preference_id, self.shadow.cut_off_preference_id)


def find_pairs(session: Session) -> tuple[Pair, ...]:
    """The active ranker with the newest other one, and with the one whose place it took."""
    active = find_active_version(session)
    others = [one for one in list_versions(session) if not one.is_active]
    if active is None or not others:
        return ()
    promoted = [one for one in list_decisions(session, active.id) if one.promoted]
    last = promoted[-1] if promoted else None
    previous_id = None if last is None else last.previous_id
    by_figures = last is not None and last.decided_by is None
    return tuple(
        Pair(active, one, by_figures and one.id == previous_id)
        for number, one in enumerate(others)
        if number == 0 or one.id == previous_id
    )


class Shadows:
    """Lays the bets in the background after votes.

    Args:
        engine: The store.
        process: Holds joint rankers.
        rankers_path: Folder of the checkpoints.
        clock: Gives the present time in UTC, for the rows.
        after_laying: Called in the background once there are new bets.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        process: EngineProcess,
        rankers_path: Path,
        clock: Callable[[], datetime],
        after_laying: Callable[[], object] = lambda: None,
    ) -> None:
        self._engine = engine
        self._process = process
        self._rankers_path = rankers_path
        self._clock = clock
        self._after_laying = after_laying
        self._closing = threading.Event()
        self._soon = Background(self._lay_later, name="shadow-bets")

    def bet_soon(self) -> None:
        """Say that votes came or went; returns at once."""
        self._soon()

    def close(self) -> None:
        """Lay no bet any more."""
        self._closing.set()
        self._soon.close()

    def lay(self) -> int:
        """Lay bets on some new votes now, in this thread; says how many.

        Raises:
            RankerError: If a checkpoint or the engine process failed.
        """
        with transaction(self._engine) as session:
            pairs = find_pairs(session)
        return sum(
            self._lay(one, pair.cut_off_preference_id) for pair in pairs for one in (pair.active, pair.shadow)
        )

    def _lay_later(self) -> None:
        if self._closing.wait(REST_SECONDS):
            return
        try:
            if self.lay():
                self._after_laying()
        except BlenderError as error:
            _log.info("no bets were laid in shadow: %s", error)

    def _lay(self, version: VersionView, after_preference_id: int) -> int:
        reader = version.reader_fingerprint
        with transaction(self._engine) as session:
            waiting = shadow_bets.list_waiting(
                session,
                version_id=version.id,
                after_preference_id=after_preference_id,
                reader_fingerprint=reader,
                limit=N_FAST if reader is not None else N_JOINT,
            )
        if not waiting:
            return 0
        said = self._ask(version, Comparisons(*np.array(sorted(waiting), dtype=np.int64).T))
        logits = zip(said.comparison_id.tolist(), said.mean.tolist(), strict=True)
        with transaction(self._engine, immediate=True) as session:
            return shadow_bets.lay(session, version_id=version.id, logits=logits, now=self._clock())

    def _ask(self, version: VersionView, part: Comparisons) -> Predictions:
        folder = self._rankers_path / version.path
        if version.reader_fingerprint is None:
            return read_joint(self._engine, self._process, folder, part)
        ranker = load_fast(version, folder)
        with transaction(self._engine) as session:
            return read_fast(session, ranker, part, version.base_fingerprint)

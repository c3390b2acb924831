"""One version and two: reports on held-out votes, where a version came from, and how it learnt.

Invariant: nothing is written but the cache of predictions; a report belongs to one state of the store.
Non-goal: letting a version rank; ``services.training.requests`` does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import scipy
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import BlenderError
from blender_ui.services.inspecting.predictions import Predicted, PredictionStore
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.recent import Recent
from blender_ui.services.versions import model_versions as versions
from blender_ui.services.versions.model_versions import PromotionView, VersionView
from blender_ui.votes.arrays import PreferenceArrays
from blender_ui.votes.ratings import RankerRating, rate_by_ranker
from blender_ui.votes.reports import (
    Contrast,
    VersionReport,
    contrast_versions,
    report_version,
)
from blender_ui.votes.views import between_members, find_judged
from db.engine import transaction
from db.models import ModelVersion


class LearningPoint(NamedTuple):
    """What a version reached with how many preferences; the shares are of its own held-out votes."""

    version_id: int
    kind: str
    n_train: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Where a version comes from.

    Attributes:
        ancestors: Itself, its parent, and so on.
        code_versions: Of the code that made each of them.
        decisions: About the version, oldest first.
    """

    ancestors: tuple[VersionView, ...]
    code_versions: tuple[str, ...]
    decisions: tuple[PromotionView, ...]


class VersionInspection:
    """Judges versions on the store's held-out votes.

    Args:
        engine: The store.
        table: Its preferences.
        process: Holds joint rankers.
        rankers_path: Folder of the checkpoints.
    """

    def __init__(
        self, engine: Engine, *, table: PreferenceTable, process: EngineProcess, rankers_path: Path
    ) -> None:
        self._engine = engine
        self._table = table
        self._predictions = PredictionStore(engine, process=process, rankers_path=rankers_path)
        self._recent = Recent()
        self._followers: dict[int, threading.Thread] = {}
        self._closing = threading.Event()

    def close(self) -> None:
        """Ask no version any more; waits for the portion that one is asked about now."""
        self._closing.set()
        for follower in list(self._followers.values()):
            follower.join()

    def list_versions(self) -> tuple[VersionView, ...]:
        """All versions, newest first."""
        with transaction(self._engine) as session:
            return versions.list_versions(session)

    def report(
        self, version_id: int, *, project_id: int | None = None, extend: bool = False
    ) -> VersionReport:
        """A version beside the people of held-out prompts.

        Args:
            version_id: The version.
            project_id: Only that project's prompts; None for all.
            extend: Let a joint version read more comparisons first; see ``PredictionStore``.

        Raises:
            NotFound: If there is no such version.
            RankerError: If its checkpoint cannot be used.
        """
        asked = self._ask_versions(version_id, project_id=project_id, extend=extend)
        with asked as (judged, ((predictions, n_waiting),)):
            size = len(predictions.comparison_id)
            key = ("report", version_id, project_id, judged.version, size, n_waiting)
            return self._recent.get(
                key,
                lambda: report_version(
                    version_id,
                    judged,
                    self._table.prompts(),
                    predictions,
                    n_waiting=n_waiting,
                    characters=self._table.characters(),
                ),
            )

    def contrast(self, first_id: int, second_id: int, *, project_id: int | None = None) -> Contrast:
        """Two versions on the held-out votes that both have predicted; errors as ``report``."""
        asked = self._ask_versions(first_id, second_id, project_id=project_id)
        with asked as (judged, ((first, _), (second, _))):
            sizes = (len(first.comparison_id), len(second.comparison_id))
            key = ("contrast", first_id, second_id, project_id, judged.version, sizes)
            return self._recent.get(
                key,
                lambda: contrast_versions(
                    first_id, second_id, judged, self._table.prompts(), first=first, second=second
                ),
            )

    def rate_members(self, version_id: int, *, project_id: int | None = None) -> tuple[RankerRating, ...]:
        """Members by people and by a version, on held-out comparisons; errors as ``report``."""
        with self._ask_versions(version_id, project_id=project_id) as (judged, ((predictions, _),)):
            key = ("ratings", version_id, project_id, judged.version, len(predictions.comparison_id))

            def rate() -> tuple[RankerRating, ...]:
                told = between_members(judged)
                known, place = predictions.find(told.comparison_id)
                chances = scipy.special.expit(predictions.mean[place])
                return rate_by_ranker(told.select(known), self._table.prompts(), chances)

            return self._recent.get(key, rate)

    def lineage(self, version_id: int) -> Lineage:
        """Where a version comes from, and what was decided about it.

        Raises:
            NotFound: If there is no such version.
        """
        with transaction(self._engine) as session:
            ancestors = _list_ancestors(session, version_id)
            return Lineage(
                ancestors=ancestors,
                code_versions=tuple(_code_version(session, one.id) for one in ancestors),
                decisions=versions.list_decisions(session, version_id),
            )

    def learning_curve(self) -> tuple[LearningPoint, ...]:
        """What every version reached when it was made, by how much it had learnt from."""
        points = []
        for version in self.list_versions():
            held_out = version.metrics.get("held_out")
            if isinstance(held_out, dict) and {"accuracy", "low", "high"} <= held_out.keys():
                figures = (float(held_out[name]) for name in ("accuracy", "low", "high"))
                points.append(LearningPoint(version.id, version.kind.value, version.n_train, *figures))
        return tuple(sorted(points, key=lambda point: (point.kind, point.n_train)))

    @contextmanager
    def _ask_versions(
        self, *version_ids: int, project_id: int | None, extend: bool = False
    ) -> Iterator[tuple[PreferenceArrays, list[Predicted]]]:
        """What versions say of the held-out votes; what is left is asked about afterwards."""
        with transaction(self._engine) as session:
            asked = [versions.get_version(session, one) for one in version_ids]
        judged = self._table.of_project(self._find_judged(), project_id)
        predicted = [
            self._predictions.predict(one, judged, extend=extend, share=1 / len(asked)) for one in asked
        ]
        yield judged, predicted
        # Not before: it would take Python's lock from the request that waits for the figures.
        for version, (_, n_waiting) in zip(asked, predicted, strict=True):
            if n_waiting and version.reader_fingerprint is not None and version.id not in self._followers:
                # Not a daemon, which would be cut off in the middle of a sum.
                follower = threading.Thread(target=self._follow, args=(version,), name="inspector")
                self._followers[version.id] = follower
                follower.start()

    def _find_judged(self) -> PreferenceArrays:
        told = self._table.current()
        return self._recent.get(("judged", told.version), lambda: find_judged(told, self._table.prompts()))

    def _follow(self, version: VersionView) -> None:
        """Ask a fast version in the background about what the request had no time for."""
        try:
            n_waiting = 1
            while n_waiting and not self._closing.is_set() and threading.main_thread().is_alive():
                n_waiting = self._predictions.predict(version, self._find_judged()).n_waiting
        except (BlenderError, SQLAlchemyError):  # the next request says why, or the store was closed
            logging.getLogger(__name__).info("version %s could not be judged", version.id, exc_info=True)
        finally:
            self._followers.pop(version.id, None)


def _list_ancestors(session: Session, version_id: int) -> tuple[VersionView, ...]:
    found: list[VersionView] = []
    next_id: int | None = version_id
    while next_id is not None and all(one.id != next_id for one in found):
        found.append(versions.get_version(session, next_id))
        next_id = found[-1].parent_id
    return tuple(found)


def _code_version(session: Session, version_id: int) -> str:
    row = session.get(ModelVersion, version_id)
    return row.code_version if row is not None else ""

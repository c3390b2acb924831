"""Which tokens of two answers carried a version's logit.

Invariant: the models run in a process of their own beside the engine's, because an explanation takes
long and nobody's ranking is to wait for it. Non-goal: how it is computed; ``ranking.attribution`` says.
"""

from __future__ import annotations

from pathlib import Path

from blender_ui.engine.process import EngineProcess
from blender_ui.ranking.attribution import PairAttribution
from blender_ui.services.inspecting.what_if import Pair
from blender_ui.services.versions.model_versions import VersionView
from db.models import ModelKind

READING = "explain reading"
JOINT = "explain joint"
TIMEOUT_SECONDS = 1800.0


class Attributing:
    """Explains pairs.

    Args:
        process: Holds ``READING`` and ``JOINT``.
        rankers_path: Folder of the checkpoints.
    """

    def __init__(self, *, process: EngineProcess, rankers_path: Path) -> None:
        self._process = process
        self._rankers_path = rankers_path

    def explain(self, version: VersionView, pair: Pair) -> PairAttribution:
        """Integrated gradients of the logit that the pair's first answer, shown first, is better.

        Raises:
            RankerError: If a model or checkpoint failed.
        """
        folder = self._rankers_path / version.path
        is_fast = version.kind is ModelKind.FAST
        found: PairAttribution = self._process.call(
            READING if is_fast else JOINT,
            "attribute",
            *((folder,) if is_fast else ()),
            pair.prompt,
            pair.answers,
            key=() if is_fast else (folder,),
            timeout_seconds=TIMEOUT_SECONDS,
            **({"members": pair.members} if is_fast else {}),
        )
        return found

    def close(self) -> None:
        """End the process."""
        self._process.close()

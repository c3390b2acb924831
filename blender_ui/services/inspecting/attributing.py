"""How much each token of two answers contributed to a version's logit.

Invariant: the models run in a process of their own beside the engine's, because an explanation takes
long, and no ranking is to wait for it. Non-goal: how it is computed; ``ranking.attribution`` says.
"""

from __future__ import annotations

from pathlib import Path

from blender_ui.engine.process import EngineProcess
from blender_ui.ranking.attribution import PairAttribution
from blender_ui.services.inspecting.what_if import Pair
from blender_ui.services.ranking.opening import open_version
from blender_ui.services.versions.model_versions import VersionView


class Attributing:
    """Explains pairs.

    Args:
        process: Holds the loaders that explain, see ``services.ranking.opening``.
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
        opened = open_version(version, process=self._process, rankers_path=self._rankers_path)
        return opened.explain(pair.prompt, pair.answers, pair.members)

    def close(self) -> None:
        """End the process."""
        self._process.close()

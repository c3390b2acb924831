"""What every fuser is: something that reads a prompt and its candidates and streams one answer.

Invariant: a stream that ends without a ``FusionError`` has given at least one piece with text.
Non-goal: which candidates are given, and whether the fused answer is any good.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from blender_ui.fusion.attribution import Attribution
from blender_ui.values import RankingPrompt


class FusedPiece(NamedTuple):
    """The state of a fused answer while it is written."""

    text: str
    """The whole text so far, not the new piece."""
    n_tokens: int | None
    """None on the last piece where the fuser does not count."""
    finish_reason: str | None = None
    """Set on the last piece: ``length`` where the answer was cut at the fuser's limit, else ``stop``."""
    attribution: Attribution | None = None
    """On the last piece, where the fuser looked as it wrote; None where it cannot say."""


class Checkpoint(NamedTuple):
    """A trained model on the disk."""

    name: str
    """The name that people see."""
    folder: Path


class Fuser(Protocol):
    """Writes one answer from several."""

    @property
    def name(self) -> str:
        """The name that people see."""

    @property
    def options(self) -> dict[str, object]:
        """What shapes the answers besides the name, JSON-ready: goes with each stored answer."""

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """Fuse, and give the answer as it grows.

        Args:
            prompt: What the candidates answer.
            candidates: The sources, best first.
            stop: Set from any thread to stop at once, which raises. Closing the generator stops too.

        Raises:
            FusionError: If there is no answer that can be shown.
        """

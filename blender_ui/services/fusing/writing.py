"""A fused answer while it is written, and how long that took.

Invariant: the stream is closed, whatever happens to who follows it. Non-goal: what is
stored of it (``rows``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

from blender_ui.fusion.attribution import attribute_spans
from blender_ui.fusion.protocol import FusedPiece
from blender_ui.services.asking.answering import UPDATE_SECONDS
from blender_ui.services.fusing.rows import FusedAnswer, FusionView


@dataclass(frozen=True, kw_only=True)
class FusionUpdate:
    """The state of a fused answer while it is written; the last has ``is_done``."""

    text: str
    """The whole text so far, not the new piece."""
    is_done: bool = False
    fusion: FusionView | None = None
    """Set on the last update; None there where there was nothing to fuse."""
    notice: str = ""
    """On the last update, the sentence to show; empty where there is nothing to say."""


class Writing:
    """Follows a fuser's stream and measures it."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._started = timer()
        self._first_token_seconds: float | None = None
        self._last = FusedPiece("", 0)

    def follow(self, pieces: Generator[FusedPiece]) -> Iterator[FusionUpdate]:
        """What there is so far, as often as a page can show it; the stream is closed at the end."""
        shown_at = float("-inf")
        with contextlib.closing(pieces):
            for piece in pieces:
                self._last = piece
                if piece.text and self._first_token_seconds is None:
                    self._first_token_seconds = self._timer() - self._started
                if self._timer() - shown_at >= UPDATE_SECONDS:
                    shown_at = self._timer()
                    yield FusionUpdate(text=piece.text)

    @property
    def text(self) -> str:
        """All that was written."""
        return self._last.text

    def answer(self, sources: Sequence[str], *, kept: str | None = None) -> FusedAnswer:
        """What was written, or the text that is kept in its place, with its provenance."""
        last = self._last if kept is None or kept == self.text else FusedPiece(kept, None, "stop")
        attended = last.attribution
        return FusedAnswer(
            text=last.text,
            attribution=attended or attribute_spans(last.text, sources),
            attributed_by="alignment" if attended is None else "attention",
            n_tokens=last.n_tokens,
            finish_reason=last.finish_reason,
            first_token_seconds=self._first_token_seconds,
            seconds=self._timer() - self._started,
        )

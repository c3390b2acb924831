"""A fuser in another process, where calls are short and answers are long.

The child holds a ``FuserServer``: one call begins a fusion, others ask for its progress. The parent
holds an ``EngineFuser``, which is a ``Fuser`` like any other.

Invariant: a fusion that its parent no longer asks for is stopped. Non-goal: the model itself.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import FusionError, RankerError
from blender_ui.fusion.generation import read_options
from blender_ui.fusion.protocol import FusedPiece, Fuser
from blender_ui.values import RankingPrompt

_log = logging.getLogger(__name__)

FUSER = "fuser"
"""Name of the server among an engine process' loaders."""
POLL_SECONDS = 0.05
FORGOTTEN_SECONDS = 30.0
"""A fusion is stopped after this long without a request: its page is gone."""


class Progress(NamedTuple):
    """How far a fusion is."""

    piece: FusedPiece
    is_done: bool
    error: str


_BEGUN = Progress(FusedPiece("", 0), False, "")


@dataclass(kw_only=True)
class _Job:
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress = _BEGUN
    polled_at: float = field(default_factory=time.monotonic)


class FuserServer:
    """Runs fusions in threads and says how far they are; one at a time, the others wait."""

    def __init__(self, fuser: Fuser) -> None:
        self._fuser = fuser
        self._jobs: dict[int, _Job] = {}
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()

    def begin(self, prompt: RankingPrompt, candidates: Sequence[str]) -> int:
        """Begin a fusion and give its number."""
        number, job = next(self._numbers), _Job()
        self._jobs[number] = job
        threading.Thread(target=self._run, args=(job, prompt, candidates), daemon=True).start()
        return number

    def poll(self, number: int) -> Progress:
        """How far a fusion is. One that is done is given once and then forgotten.

        Raises:
            FusionError: If there is no such fusion, as after the child was replaced.
        """
        job = self._jobs.get(number)
        if job is None:
            raise FusionError("the engine process was replaced while it was fusing; try again")
        job.polled_at = time.monotonic()
        progress = job.progress
        if progress.is_done:
            del self._jobs[number]
        return progress

    def cancel(self, number: int) -> None:
        """Stop a fusion; nothing happens where it is done already."""
        job = self._jobs.pop(number, None)
        if job is not None:
            job.stop.set()

    def _run(self, job: _Job, prompt: RankingPrompt, candidates: Sequence[str]) -> None:
        piece, error = _BEGUN.piece, ""
        try:
            with self._turn:
                for piece in self._fuser.stream(prompt, candidates, stop=job.stop):
                    job.progress = Progress(piece, False, "")
                    if time.monotonic() - job.polled_at > FORGOTTEN_SECONDS:
                        job.stop.set()
        except FusionError as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001 - the edge of a thread: the parent would wait without end
            _log.exception("a fusion failed")
            error = f"the fuser failed ({type(failure).__name__}: {failure}); try again"
        job.progress = Progress(piece, True, error)


class EngineFuser:
    """A fuser whose model is held by an engine process; torch stays there.

    Args:
        process: Has a loader ``FUSER`` that makes a ``FuserServer`` from a folder.
        folder: The checkpoint.
        name: The name that people see; empty for the folder's.
        sleep: Waits between two requests.
    """

    def __init__(
        self,
        process: EngineProcess,
        folder: Path,
        *,
        name: str = "",
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = name or folder.name
        self._process = process
        self._folder = folder
        self._sleep = sleep

    @property
    def options(self) -> dict[str, object]:
        """See ``Fuser``."""
        return read_options(self._folder).as_dict()

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """See ``Fuser``."""
        number: int = self._call("begin", prompt, tuple(candidates))
        is_done = False
        try:
            while not is_done:
                if stop is not None and stop.is_set():
                    raise FusionError("fusing was stopped")
                progress: Progress = self._call("poll", number)
                is_done = progress.is_done
                if progress.error:
                    raise FusionError(progress.error)
                if progress.piece.text:
                    yield progress.piece
                if not is_done:
                    self._sleep(POLL_SECONDS)
        finally:
            if not is_done:
                self._call("cancel", number)

    def _call(self, method: str, *args: Any) -> Any:
        try:
            return self._process.call(FUSER, method, *args, key=(self._folder,))
        except RankerError as error:
            raise FusionError(str(error)) from error


def load_fuser_server(folder: Path) -> FuserServer:
    """The loader for ``EngineProcess``; runs in the child, where torch may be imported."""
    from blender_ui.fusion.seq2seq import Seq2SeqFuser

    return FuserServer(Seq2SeqFuser(folder))

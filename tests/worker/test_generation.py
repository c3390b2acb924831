"""The thread that asks members for a project's answers outlives what goes wrong in it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import cast

import pytest

from blender_ui.services.asking.generating import GenerationRun
from blender_ui.worker import generation
from blender_ui.worker.lock import WorkerLock


class ScriptedRun:
    """Fails once, and so does the record of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def work(self, stopping: threading.Event) -> bool:
        self.calls.append("work")
        if len(self.calls) == 1:
            raise OSError("database is locked")
        return False

    def end_failed(self, reason: str) -> None:
        self.calls.append(reason)
        raise OSError("disk is full")


def test_a_failure_that_cannot_be_recorded_does_not_end_the_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(generation, "POLL_SECONDS", 0.01)
    run, stopping = ScriptedRun(), threading.Event()
    thread = generation.serve_generations(cast(GenerationRun, run), stopping, WorkerLock(tmp_path))
    while len(run.calls) < 4 and thread.is_alive():
        time.sleep(0.01)
    stopping.set()
    thread.join()
    assert run.calls[:4] == ["work", "OSError: database is locked", "work", "work"]

from __future__ import annotations

import threading

import pytest

from blender_ui.ui.background import Background


def test_many_pokes_while_the_task_runs_cost_one_more_run() -> None:
    started, release, runs = threading.Event(), threading.Event(), []

    def task() -> None:
        runs.append(len(runs))
        started.set()
        release.wait(5)

    background = Background(task, name="test")
    background.poke()
    assert started.wait(5)
    for _ in range(10):
        background.poke()
    release.set()
    background.close()
    assert len(runs) == 2


def test_a_task_that_fails_is_logged_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([ValueError("first"), None])
    done = threading.Semaphore(0)

    def task() -> None:
        error = next(outcomes)
        done.release()
        if error is not None:
            raise error

    background = Background(task, name="due")
    for _ in range(2):
        background.poke()
        assert done.acquire(timeout=5)
    background.close()
    assert "due failed" in caplog.text

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_ui.engine.process import JOINT, READER, READER_WITH_LIKELIHOODS, EngineProcess
from blender_ui.errors import RankerError
from blender_ui.values import RankingPrompt
from tests.ranking.scripted_reader import LengthRanker, MortalReader, ScriptedReader, read_vector

PROMPT = RankingPrompt(instruction="Say something good")
LOADERS = {READER: MortalReader, JOINT: LengthRanker}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def engine() -> Iterator[EngineProcess]:
    process = EngineProcess(LOADERS)
    yield process
    process.close()


def wait_until(is_true, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_alive(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def test_a_reading_in_the_child_is_the_same_as_here(engine: EngineProcess) -> None:
    readings = engine.read(PROMPT, ["good", "bad"])
    assert readings.fingerprint == "scripted"
    assert readings.vectors.dtype == np.float32
    np.testing.assert_array_equal(readings.vectors[1], read_vector(PROMPT.instruction, "bad"))


def test_a_version_from_before_is_read_for_by_the_reader_that_it_was_trained_with() -> None:
    before = partial(ScriptedReader, fingerprint="with likelihoods")
    process = EngineProcess({READER: MortalReader, READER_WITH_LIKELIHOODS: before})
    try:
        assert process.read(PROMPT, ["good"]).fingerprint == "scripted"
        for fingerprint in ("scripted", "with likelihoods"):
            assert process.read(PROMPT, ["good"], fingerprint=fingerprint).fingerprint == fingerprint
        assert process.read(PROMPT, ["good"], fingerprint="of nobody").fingerprint != "of nobody"
    finally:
        process.close()


def test_the_joint_ranker_of_a_folder_gives_its_logits(engine: EngineProcess, tmp_path: Path) -> None:
    logits = engine.pairwise_logits(tmp_path, PROMPT, ["aaa", "a"])
    np.testing.assert_allclose(logits, [[0, 0.2], [-0.2, 0]])
    assert engine.call(JOINT, "fingerprint", key=("other",)) == "length:other"


def test_a_child_killed_in_a_call_costs_one_error_and_the_next_call_works(engine: EngineProcess) -> None:
    engine.read(PROMPT, ["good"])
    first = engine.process_id
    with pytest.raises(RankerError, match="signal 9"):
        engine.read(PROMPT, ["die"])
    engine.read(PROMPT, ["good"])
    assert engine.process_id not in (None, first)


def test_a_child_killed_between_calls_costs_nothing(engine: EngineProcess) -> None:
    engine.read(PROMPT, ["good"])
    first = engine.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: engine.process_id is None)
    engine.read(PROMPT, ["good"])
    assert engine.process_id not in (None, first)


def test_what_a_model_raises_comes_back_as_a_sentence_and_the_child_stays(engine: EngineProcess) -> None:
    engine.read(PROMPT, ["good"])
    first = engine.process_id
    with pytest.raises(RankerError, match="ValueError: this text cannot be read"):
        engine.read(PROMPT, ["raise"])
    assert engine.process_id == first


def test_a_hung_child_is_ended(engine: EngineProcess) -> None:
    with pytest.raises(RankerError, match="no answer within 1 s"):
        engine.call(READER, "read", PROMPT, ("hang",), timeout_seconds=1)
    assert engine.process_id is None


def test_closing_ends_a_call_in_flight(engine: EngineProcess) -> None:
    engine.read(PROMPT, ["good"])
    errors: list[RankerError] = []

    def hang() -> None:
        try:
            engine.read(PROMPT, ["hang"])
        except RankerError as error:
            errors.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.2)
    engine.close()
    thread.join(timeout=10)
    assert len(errors) == 1
    with pytest.raises(RankerError, match="closed"):
        engine.read(PROMPT, ["good"])


def test_a_child_that_was_started_while_the_app_closed_is_not_waited_for(
    engine: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing = threading.Thread(target=engine.close)
    start = subprocess.Popen

    def start_late(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        closing.start()
        time.sleep(0.2)
        return start(*args, **options)

    monkeypatch.setattr("blender_ui.engine.process.subprocess.Popen", start_late)
    with pytest.raises(RankerError, match="closed"):
        engine.read(PROMPT, ["hang"])
    closing.join(timeout=10)
    assert not closing.is_alive()
    assert engine.process_id is None


def test_warming_up_loads_in_the_background(engine: EngineProcess) -> None:
    engine.warm_up()
    wait_until(lambda: engine.process_id is not None)
    assert engine.call(READER, "n_read") == 0


def test_the_child_dies_with_a_parent_that_is_killed_in_the_middle_of_a_call() -> None:
    program = textwrap.dedent(
        """
        import threading, time
        from blender_ui.engine.process import EngineProcess
        from blender_ui.values import RankingPrompt
        from tests.ranking.scripted_reader import MortalReader
        engine = EngineProcess({"reader": MortalReader})
        engine.read(RankingPrompt(instruction="x"), ["good"])
        args = (RankingPrompt(instruction="x"), ["hang"])
        threading.Thread(target=engine.read, args=args, daemon=True).start()
        time.sleep(0.2)
        print(engine.process_id, flush=True)
        time.sleep(60)
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not is_alive(child))

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import FusionError
from blender_ui.fusion.protocol import FusedPiece
from blender_ui.fusion.remote import FUSER, EngineFuser, FuserServer, load_fuser_server
from blender_ui.values import RankingPrompt

pytestmark = pytest.mark.slow

PROMPT = RankingPrompt(instruction="Go")


class CountingFuser:
    """Counts up until it has counted enough, or is stopped; runs in the child."""

    name = "counting"

    def __init__(self, folder: Path, *, seconds: float = 0.0) -> None:
        self.enough = int(folder.name)
        self.seconds = seconds
        self.options: dict[str, object] = {}

    def stream(
        self, prompt: RankingPrompt, candidates: Sequence[str], *, stop: threading.Event | None = None
    ) -> Generator[FusedPiece]:
        if prompt.instruction == "Fail":
            raise FusionError("cannot count")
        if prompt.instruction == "Break":
            raise ZeroDivisionError("no such number")
        for number in range(1, self.enough + 1):
            assert stop is not None
            if stop.wait(self.seconds):
                raise FusionError("stopped")
            yield FusedPiece(" ".join(map(str, range(1, number + 1))), number)
        yield FusedPiece(" ".join(map(str, range(1, self.enough + 1))), self.enough, "stop")


def counting_server(folder: Path, *, seconds: float) -> FuserServer:
    return FuserServer(CountingFuser(folder, seconds=seconds))


@pytest.fixture
def process() -> Iterator[EngineProcess]:
    process = EngineProcess({FUSER: partial(counting_server, seconds=0.02)})
    yield process
    process.close()


def test_a_fusion_in_another_process_grows_like_one_here(process: EngineProcess) -> None:
    pieces = list(EngineFuser(process, Path("12")).stream(PROMPT, ["a", "b"]))
    assert pieces[-1] == FusedPiece("1 2 3 4 5 6 7 8 9 10 11 12", 12, "stop")
    assert len(pieces) > 2
    assert all(pieces[-1].text.startswith(piece.text) for piece in pieces)


def test_an_error_in_the_child_is_a_fusion_error_here(process: EngineProcess) -> None:
    with pytest.raises(FusionError, match="cannot count"):
        list(EngineFuser(process, Path("3")).stream(RankingPrompt(instruction="Fail"), ["a"]))


def test_what_nobody_foresaw_ends_the_fusion_too(process: EngineProcess) -> None:
    with pytest.raises(FusionError, match=r"the fuser failed \(ZeroDivisionError: no such number\)"):
        list(EngineFuser(process, Path("3")).stream(RankingPrompt(instruction="Break"), ["a"]))


def test_stop_and_closing_end_the_fusion_in_the_child(process: EngineProcess) -> None:
    fuser = EngineFuser(process, Path("100000"))
    stop = threading.Event()
    stream = fuser.stream(PROMPT, ["a"], stop=stop)
    next(stream)
    stop.set()
    with pytest.raises(FusionError, match="stopped"):
        list(stream)
    stream = fuser.stream(PROMPT, ["a"])
    next(stream)
    stream.close()
    began = time.monotonic()
    stream = fuser.stream(PROMPT, ["a"])  # The server runs one fusion at a time: it must be free again.
    next(stream)
    stream.close()
    assert time.monotonic() - began < 20


def test_a_child_that_dies_costs_one_fusion(process: EngineProcess) -> None:
    fuser = EngineFuser(process, Path("100000"))
    stream = fuser.stream(PROMPT, ["a"])
    next(stream)
    assert process.process_id is not None
    subprocess.run(["kill", "-9", str(process.process_id)], check=True)
    with pytest.raises(FusionError, match=r"died|replaced"):
        list(stream)
    assert list(EngineFuser(process, Path("2")).stream(PROMPT, ["a"]))[-1].text == "1 2"


def test_a_checkpoint_fuses_in_the_engine_process(tmp_path: Path) -> None:
    from tests.fusion.tiny_t5 import build_tiny_t5  # Children of the other tests need no torch.

    folder = build_tiny_t5(tmp_path / "tiny")
    (folder / "generation_config.json").write_text('{"num_beams": 1, "max_new_tokens": 6}')
    process = EngineProcess({FUSER: load_fuser_server})
    try:
        fuser = EngineFuser(process, folder)
        last = list(fuser.stream(PROMPT, ["Paramaribo", "Cayenne"]))[-1]
    finally:
        process.close()
    assert (fuser.name, fuser.options["n_beams"]) == ("tiny", 1)
    assert (last.n_tokens, last.finish_reason) == (6, "length")

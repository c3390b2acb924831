"""Training a tiny T5 for real."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from blender_ui.errors import FusionError
from blender_ui.fusion.examples import FusionExample, Target
from blender_ui.fusion.training import measure, train, write_all
from blender_ui.fusion.tuning import Figures, FuserOptions, TuningRun, digest_weights
from blender_ui.values import RankingPrompt
from tests.fusion.tiny_t5 import build_tiny_t5

pytestmark = pytest.mark.slow

OPTIONS = FuserOptions(
    n_epochs=4, batch_size=4, micro_batch_size=2, learning_rate=1e-2, source_tokens=300,
    candidate_tokens=20, target_tokens=12, checkpoint_steps=3, held_out_steps=4,
)  # fmt: skip


def make_examples(n: int, *, offset: int = 0) -> list[FusionExample]:
    """The target is the first candidate's letter, twice: learnable in a few steps."""
    letters = "abcdefgh"
    return [
        FusionExample(
            prompt=RankingPrompt(instruction=f"Say {index}."),
            candidates=(letters[index % 8], letters[(index + 3) % 8]),
            target="a a a",
            source=Target.REFERENCE,
        )
        for index in range(offset, offset + n)
    ]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_t5(tmp_path_factory.mktemp("tiny-t5"))


def test_training_lowers_the_held_out_loss_and_changes_what_is_written(base: Path, tmp_path: Path) -> None:
    held_out = make_examples(4, offset=40)
    before = measure(base, held_out, options=OPTIONS)
    points: list[tuple[int, int, Figures, Figures | None]] = []
    fingerprint = train(
        make_examples(16), held_out=held_out, base=base, output=tmp_path / "fuser", options=OPTIONS,
        on_progress=lambda *point: points.append(point),
    )  # fmt: skip
    assert [point[0] for point in points] == list(range(1, 17))
    assert [point[0] for point in points if point[3] is not None] == [4, 8, 12, 16]
    last = points[-1][3]
    assert last is not None
    assert last.loss < before.loss / 2
    assert last.accuracy > before.accuracy
    assert points[-1][2].loss < points[0][2].loss
    assert fingerprint == digest_weights(tmp_path / "fuser") != digest_weights(base)
    written = write_all(tmp_path / "fuser", held_out, options=OPTIONS)
    assert {word for text in written for word in text.split()} == {"a"}
    assert written != write_all(base, held_out, options=OPTIONS)
    # A second call finds it done and leaves it alone.
    assert train(
        make_examples(16), held_out=held_out, base=base, output=tmp_path / "fuser", options=OPTIONS,
        on_progress=lambda *point: pytest.fail("it was trained again"),
    ) == fingerprint  # fmt: skip


def test_a_run_that_died_ends_with_the_weights_of_one_that_did_not(base: Path, tmp_path: Path) -> None:
    examples = make_examples(16)
    whole = train(examples, held_out=(), base=base, output=tmp_path / "whole", options=OPTIONS)

    def die(step: int, n_steps: int, figures: Figures, held_out: Figures | None) -> None:
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(examples, held_out=(), base=base, output=tmp_path / "cut", options=OPTIONS, on_progress=die)
    assert not (tmp_path / "cut").exists()
    steps: list[int] = []
    resumed = train(
        examples, held_out=(), base=base, output=tmp_path / "cut", options=OPTIONS,
        on_progress=lambda step, *rest: steps.append(step),
    )  # fmt: skip
    assert steps == list(range(7, 17))
    assert resumed == whole
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert hashlib.sha256(weights[0]).digest() == hashlib.sha256(weights[1]).digest()
    assert not (tmp_path / "cut.progress").exists()


@pytest.mark.parametrize("where", ["measure", "take_step", "__init__"])
def test_running_out_of_memory_says_what_to_lower(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes")

    monkeypatch.setattr(TuningRun, where, fail)
    examples = make_examples(4)
    with pytest.raises(FusionError, match="lower micro_batch_size"):
        train(examples, held_out=examples, base=base, output=tmp_path / "fuser", options=OPTIONS)


def test_nothing_to_learn_from_and_a_bad_base_are_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(FusionError, match="came none"):
        train([], held_out=(), base=base, output=tmp_path / "fuser")
    with pytest.raises(FusionError, match="not a sequence-to-sequence checkpoint"):
        train(make_examples(1), held_out=(), base=tmp_path, output=tmp_path / "fuser")
    with pytest.raises(FusionError, match="positive"):
        FuserOptions(n_epochs=0)

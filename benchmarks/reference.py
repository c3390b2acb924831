"""The PyPI package llm-blender in a virtual environment of its own, and a checkpoint that both can read.

Everything lies under ``~/.cache/blender-ui/bench`` (or ``$BLENDER_UI_BENCH``) and is made once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from blender_ui.values import FloatArray, IntArray, RankingPrompt

CHILD = Path(__file__).with_name("reference_child.py")
PACKAGES = ("llm-blender==0.0.2", "transformers==4.57.6", "torch==2.13.0", "sentencepiece", "protobuf")


@dataclass(frozen=True)
class Item:
    """A prompt and its candidates."""

    prompt: RankingPrompt
    candidates: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one call of the reference's ``rank`` gave.

    Attributes:
        logits: One (n, n) matrix an item.
        scores: Shape (n_items, n).
        ranks: Same shape.
        cpu_seconds: User and system time of the call, all threads.
        wall_seconds: Time of the call.
        peak_mib: Most memory of the reference's process so far.
    """

    logits: tuple[FloatArray, ...]
    scores: FloatArray
    ranks: IntArray
    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


class Reference:
    """llm-blender 0.0.2 with a checkpoint, in a child process; use as a context manager."""

    def __init__(self, checkpoint: Path, *, device: str = "cpu", n_threads: int = 1) -> None:
        self._child = subprocess.Popen(
            [str(ensure_environment()), str(CHILD), "serve", str(checkpoint), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_make_env(n_threads),
            text=True,
        )
        self._receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.communicate()

    def rank(
        self, items: Sequence[Item], *, batch_size: int, steps: Sequence[tuple[int, int]] | None = None
    ) -> Answer:
        """Rank items that all have the same number of candidates.

        Args:
            items: Prompts with candidates.
            batch_size: Prompts read at a time.
            steps: Ordered pairs to read, of all items; None reads all. Scores need all.
        """
        rows = [
            {"instruction": i.prompt.instruction, "input": i.prompt.input, "candidates": list(i.candidates)}
            for i in items
        ]
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"items": rows, "batch_size": batch_size, "steps": steps}) + "\n")
        self._child.stdin.flush()
        answer = self._receive()
        return Answer(
            logits=tuple(np.array(matrix) for matrix in answer["logits"]),
            scores=np.array(answer["scores"]),
            ranks=np.array(answer["ranks"]),
            cpu_seconds=answer["cpu_seconds"],
            wall_seconds=answer["wall_seconds"],
            peak_mib=answer["peak_mib"],
        )

    def _receive(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the reference ended with code {self._child.wait()}; run {CHILD.name} by hand"
            )
        return dict(json.loads(line))


def ensure_environment() -> Path:
    """Make the reference's virtual environment where it is missing; returns its Python."""
    folder = find_cache() / "ref"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists() and not _can_import(python):
        print(f"making the reference's environment in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    (folder / "complete").touch()
    return python


def ensure_checkpoint(size: str) -> Path:
    """Make a checkpoint of the real architecture where it is missing; returns its folder.

    It holds ``base``, ``original`` (llm-blender's layout) and ``hf`` (PairRM-hf's).
    """
    folder = find_cache() / f"checkpoint-{size}"
    if not (folder / "complete").exists():
        print(f"making a {size} checkpoint in {folder}", file=sys.stderr, flush=True)
        command = [str(ensure_environment()), str(CHILD), "make", str(folder), size]
        subprocess.run(command, check=True, env=_make_env(1), capture_output=True)
        (folder / "complete").touch()
    return folder


def find_cache() -> Path:
    """The folder of everything that benchmarks make once."""
    folder = Path(os.environ.get("BLENDER_UI_BENCH", "~/.cache/blender-ui/bench")).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _can_import(python: Path) -> bool:
    if not python.exists():
        return False
    return (
        subprocess.run([str(python), "-c", "import llm_blender"], capture_output=True, check=False).returncode
        == 0
    )


def _make_env(n_threads: int) -> dict[str, str]:
    threads = {"OMP_NUM_THREADS": str(n_threads), "TOKENIZERS_PARALLELISM": "false"}
    return dict(os.environ) | threads | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}

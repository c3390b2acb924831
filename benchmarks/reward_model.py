"""TRL's RewardTrainer as a peer: trained and asked in a virtual environment of its own.

The environment lies beside the reference's, is made once, and takes torch and transformers from the
environment that calls.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reference import find_cache
from blender_ui.ranking.joint.examples import merge_judgements
from blender_ui.values import FloatArray, PreferenceDataset

CHILD = Path(__file__).with_name("reward_model_child.py")
PACKAGES = ("trl==1.16.0", "datasets==5.2.0")


def score_texts(dataset: PreferenceDataset, texts: Sequence[int], *, settings: dict[str, Any]) -> FloatArray:
    """Train on the decided pairs of a dataset and score candidates.

    Args:
        dataset: What to learn from; ties are left out, because TRL takes none.
        texts: m indices of candidates.
        settings: ``base``, ``epochs``, ``batch_size``, ``learning_rate``, ``source``, ``candidate`` and
            ``seed``, as ``benchmarks.joint_accuracy`` has them.

    Returns:
        Shape (m,), higher is better.
    """

    def ask(candidate: int) -> str:
        prompt = dataset.prompts[dataset.prompt_of[candidate]]
        return f"{prompt.instruction}\n{prompt.input}".strip()

    judged = merge_judgements(dataset)
    decided = [
        (i, j) if target > 0.5 else (j, i)
        for i, j, target in zip(judged.left, judged.right, judged.target, strict=True)
        if target != 0.5
    ]
    with tempfile.TemporaryDirectory() as folder:
        job_path, output = Path(folder) / "job.json", Path(folder) / "scores.json"
        job = settings | {
            "pairs": [(ask(i), dataset.texts[i], dataset.texts[j]) for i, j in decided],
            "texts": [(ask(i), dataset.texts[i]) for i in texts],
            "output": str(output),
        }
        job_path.write_text(json.dumps(job))
        subprocess.run([str(_ensure_environment()), str(CHILD), str(job_path)], check=True)
        return np.array(json.loads(output.read_text()))


def _ensure_environment() -> Path:
    folder = find_cache() / "trl"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"making TRL's environment in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        (site,) = (folder / "lib").glob("python*/site-packages")
        (site / "caller.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python

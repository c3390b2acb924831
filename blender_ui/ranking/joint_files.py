"""Which files a checkpoint is made of, and the fingerprint that names their bytes; without torch.

Non-goal: what the files mean, and reading them (``ranking.joint.storage``).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from blender_ui.errors import RankerError

WEIGHTS = "model.safetensors"
PICKLED_WEIGHTS = "pytorch_model.bin"
FINGERPRINT = "fingerprint"


def find_weights(folder: Path) -> Path:
    """The weights of a folder; the safe file where both lie there, unlike the reference."""
    for name in (WEIGHTS, PICKLED_WEIGHTS):
        if (folder / name).exists():
            return folder / name
    raise RankerError(f"expected {WEIGHTS} or {PICKLED_WEIGHTS} in {folder}, found neither")


def digest_folder(folder: Path, weights: Path, *, base: Path | None = None) -> str:
    """SHA-256 over everything that a logit depends on.

    Args:
        folder: The checkpoint; one of our layout has always been named by four files alone.
        weights: Its weights.
        base: The folder that tokenizer and architecture come from, where it is another one.
    """
    paths = [weights, *(folder / name for name in ("config.json", "ranker.json", "tokenizer.json"))]
    if base is not None:
        paths += [base / "config.json", *_list_tokenizer_files(base)]
    elif not (folder / "ranker.json").exists() and not (folder / "tokenizer.json").exists():
        paths += _list_tokenizer_files(folder)
    digest = hashlib.sha256()
    for path in paths:
        if path.exists():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _list_tokenizer_files(folder: Path) -> list[Path]:
    if (folder / "tokenizer.json").exists():
        return [folder / "tokenizer.json"]
    return [folder / "spm.model", folder / "tokenizer_config.json"]

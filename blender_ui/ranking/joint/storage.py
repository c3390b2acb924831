"""Files of a checkpoint: written whole or not at all, read with a reason when they are not right.

Invariant: a visible folder is complete and on disk; its fingerprint names its bytes.
Non-goal: what the files mean.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

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


def load_state(weights: Path) -> dict[str, Tensor]:
    """Read tensors by name, never running code from a file."""
    try:
        if weights.name == WEIGHTS:
            return load_file(weights)
        return dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise RankerError(f"expected weights in {weights}; the file is damaged: {error}") from error


def untie(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies of tensors that share memory, which safetensors refuses."""
    seen: set[int] = set()
    for name, weight in state.items():
        if weight.data_ptr() in seen:
            state[name] = weight.clone()
        seen.add(weight.data_ptr())
    return state


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


def check_fingerprint(folder: Path, fingerprint: str) -> None:
    """Refuse a folder whose files are not those that its recorded fingerprint names."""
    path = folder / FINGERPRINT
    if path.exists() and path.read_text().strip() != fingerprint:
        raise RankerError(
            f"expected the files of {folder} to match their fingerprint; they were changed or damaged"
        )


def read_json(path: Path) -> dict[str, Any]:
    """Read an object from a file of a checkpoint."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError as error:
        raise RankerError(f"expected a checkpoint with {path.name} in {path.parent}, found none") from error
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise RankerError(f"expected JSON in {path}: {error}") from error


def _list_tokenizer_files(folder: Path) -> list[Path]:
    if (folder / "tokenizer.json").exists():
        return [folder / "tokenizer.json"]
    return [folder / "spm.model", folder / "tokenizer_config.json"]

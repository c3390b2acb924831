"""Files of a checkpoint: written whole or not at all, read with a reason when they are not right.

Invariant: a visible folder is complete and on disk; its fingerprint names its bytes.
Non-goal: what the files mean.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from blender_ui.errors import RankerError
from blender_ui.ranking.joint_files import FINGERPRINT, WEIGHTS


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

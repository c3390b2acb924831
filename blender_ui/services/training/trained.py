"""The result of every kind of training.

Invariant: the named checkpoint is complete on the disk. Non-goal: how it was trained.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from blender_ui.values import FloatArray


class Trained(NamedTuple):
    """A ranker that was fitted and lies on the disk.

    Attributes:
        path: The checkpoint's folder, relative to the rankers' folder.
        fingerprint: Of its weights.
        base_model: What it was trained from.
        base_fingerprint: Of that.
        hyper_parameters: What it was trained with, as JSON values.
        held_out_logits: For each held-out preference, log-odds for its left side.
    """

    path: str
    fingerprint: str
    base_model: str
    base_fingerprint: str
    hyper_parameters: dict[str, Any]
    held_out_logits: FloatArray

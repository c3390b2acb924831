"""Which encoders can be fine-tuned here: those whose weights are in the cache."""

from __future__ import annotations

from pathlib import Path

from blender_ui.weights.resolver import is_cached

ENCODERS = ("all-minilm-l6-v2", "all-mpnet-base-v2")
"""Names in the weights' catalogue, the smallest first."""


def list_encoders(cache_path: Path) -> tuple[str, ...]:
    """Names of the encoders that are here, the smallest first.

    Args:
        cache_path: Folder of the weights.
    """
    return tuple(name for name in ENCODERS if is_cached(name, cache_path=cache_path))

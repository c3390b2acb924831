"""What a device can do, and what to say when its memory ran out.

Invariant: the same answer wherever a model is trained or read. Non-goal: choosing a device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from blender_ui.errors import BlenderError
from blender_ui.faults import is_out_of_memory


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a CPU or a CUDA device has instructions for bfloat16; where it has none, it is slow."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


@contextmanager
def explain_memory(kind: type[BlenderError], advice: str) -> Iterator[None]:
    """Turn running out of memory, on a device or the host, into an error that says what to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise kind(advice) from error
        raise

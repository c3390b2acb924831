"""How a sequence-to-sequence fuser writes: beams or sampling, and how much.

Invariant: what a checkpoint's ``generation_config.json`` does not say is the reference's choice.
Non-goal: how much it reads; see ``encoding``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blender_ui.errors import FusionError


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """The defaults are the reference's: 4 beams, 128 new tokens."""

    max_new_tokens: int = 128
    n_beams: int = 4
    """1 lets the text be shown while it grows; more beams give it whole at the end."""
    temperature: float = 0.0
    """0 takes the likeliest; above 0 draws, with one beam."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.n_beams < 1 or self.temperature < 0:
            raise FusionError(f"expected at least one token and one beam and no negative temperature: {self}")
        if self.temperature > 0 and self.n_beams > 1:
            raise FusionError(f"expected one beam where a temperature is given, came {self.n_beams}")

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)

    def as_arguments(self) -> dict[str, Any]:
        """Arguments of a Hugging Face model's ``generate``."""
        sampling = {"temperature": self.temperature} if self.temperature > 0 else {}
        return {
            "max_new_tokens": self.max_new_tokens,
            "num_beams": self.n_beams,
            "do_sample": self.temperature > 0,
            **sampling,
        }


def read_options(folder: Path) -> GenerationOptions:
    """Read what a checkpoint's ``generation_config.json`` says of these options.

    Raises:
        FusionError: If the file is there and cannot be used.
    """
    path = folder / "generation_config.json"
    if not path.is_file():
        return GenerationOptions()
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        given = {name: stated[key] for key, name in _KEYS.items() if stated.get(key) is not None}
        if not stated.get("do_sample"):
            given.pop("temperature", None)
        elif "temperature" not in given:
            given["temperature"] = 1.0
        if "temperature" in given:
            given.setdefault("n_beams", 1)
        return GenerationOptions(**given)
    except (ValueError, TypeError, AttributeError) as error:
        raise FusionError(f"{path} cannot be used: {error}") from error


_KEYS = {"max_new_tokens": "max_new_tokens", "num_beams": "n_beams", "temperature": "temperature"}

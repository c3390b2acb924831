"""Dropout of any backbone and of the head, set for a training run and set back after it.

Two readings whose scores are subtracted have independent masks, so dropout is mostly noise in
a preference's gradient. Invariant: the saved model has its own rates again. Non-goal: layers that are
skipped whole.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn
from transformers import PreTrainedConfig

_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def set_dropout(model: nn.Module, probability: float) -> Callable[[], None]:
    """Set every probability of dropping a unit, whichever way a network keeps it.

    Args:
        model: Its modules, their numbers named after dropout, and those of their configs, which some
            networks read as they go.
        probability: In [0, 1).

    Returns:
        What sets all of them back.
    """
    modules = list(model.modules())
    configs = {
        id(config): config
        for module in modules
        if isinstance(config := getattr(module, "config", None), PreTrainedConfig)
    }
    before = [
        (owner, name, value)
        for owner in (*modules, *configs.values())
        for name, value in vars(owner).items()
        if _is_probability(owner, name, value)
    ]
    for owner, name, _ in before:
        setattr(owner, name, probability)

    def set_back() -> None:
        for owner, name, value in before:
            setattr(owner, name, value)

    return set_back


def _is_probability(owner: object, name: str, value: object) -> bool:
    if isinstance(owner, _DROPOUTS):
        return name == "p"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and ("dropout" in name or name == "drop_prob")

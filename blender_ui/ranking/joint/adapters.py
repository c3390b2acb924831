"""Low-rank adapters for backbones too large to train whole, by peft.

Invariant: after merging, the network has the same parameters by the same names as one trained
whole, so a checkpoint never needs peft. Non-goal: choosing the rank.

Source: Hu et al., "LoRA", arXiv:2106.09685.
"""

from __future__ import annotations

from typing import Any

from peft import LoraConfig, get_peft_model

from blender_ui.ranking.joint.checkpoint import Checkpoint
from blender_ui.ranking.joint.encoding import CONTROL_TOKENS
from blender_ui.ranking.joint.model import PairModel


def add_adapters(checkpoint: Checkpoint, *, rank: int) -> None:
    """Freeze the backbone and put an adapter on each of its linear layers.

    The rows of the control tokens are trained too, since they mean nothing to the backbone before.
    The head stays trainable.
    """
    backbone: Any = checkpoint.model.pretrained_model
    vocabulary = checkpoint.tokenizer.get_vocab()
    embedding = backbone.get_input_embeddings()
    name = next(name for name, module in backbone.named_modules() if module is embedding)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules="all-linear",
        trainable_token_indices={name: [vocabulary[token] for token in CONTROL_TOKENS]},
    )
    adapted: Any = get_peft_model(backbone, config)
    checkpoint.model.pretrained_model = adapted


def merge_adapters(model: PairModel) -> None:
    """Fold the adapters into the weights that they adapt."""
    adapted: Any = model.pretrained_model
    model.pretrained_model = adapted.merge_and_unload()

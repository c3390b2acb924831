"""The PairRanker network: a Hugging Face backbone, read at a few positions by one small head.

Invariant: the parameters are named as in llm-blender's checkpoints (``pretrained_model.*``,
``head_layer.1.*``, ``head_layer.4.*``), so one loader serves every layout. Non-goal: speed; the
modules beside this one read the same parameters faster.

Source: Jiang, Ren and Lin, "LLM-Blender", ACL 2023, arXiv:2306.02561, section 3.2.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Literal, cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_MAPPING,
)

from blender_ui.errors import RankerError

Form = Literal["joint", "pointwise"]
"""How a preference is read: both candidates in one input, or each by itself.

"joint" is the paper's. "pointwise" gives each candidate a score from one input of its own, and a
pair's logit is the difference of two scores (Bradley-Terry): small encoders learn it from few labels.
"""

Pooling = Literal["anchors", "segments"]
"""What the head reads: the hidden states at the anchors, or the mean of each segment's."""

_FAMILIES_THAT_SKIP_POSITIONS = {"roberta", "xlm-roberta", "camembert", "mpnet"}


class PairModel(nn.Module):
    """Backbone and head.

    Attributes:
        form: Whether an input holds two candidates or one.
        pooling: What the head reads.
    """

    def __init__(
        self,
        backbone: PreTrainedModel,
        *,
        form: Form = "joint",
        pooling: Pooling = "anchors",
        n_tasks: int = 1,
        drop_out: float = 0.05,
    ) -> None:
        super().__init__()
        width = int(backbone.config.hidden_size)
        self.form = form
        self.pooling = pooling
        self.pretrained_model = backbone
        self.head_layer = nn.Sequential(
            nn.Dropout(drop_out),
            nn.Linear(2 * width, width),
            nn.Tanh(),
            nn.Dropout(drop_out),
            nn.Linear(width, n_tasks),
        )

    def forward(self, ids: Tensor, attention_mask: Tensor, anchors: Tensor) -> Tensor:
        """Read a padded batch.

        Args:
            ids: Shape (batch, length), padded at the end.
            attention_mask: Same shape, 1 where there is a token.
            anchors: Shape (batch, 3) for the joint form, (batch, 2) for the pointwise one: positions
                of the prompt and of each candidate.

        Returns:
            Shape (batch,): the logit that the first candidate is better, or the candidate's score.
        """
        hidden = self.pretrained_model(input_ids=ids, attention_mask=attention_mask).last_hidden_state
        hidden = hidden.to(self.head_layer[1].weight.dtype)
        if self.pooling == "segments":
            return self.read(_average_segments(hidden, attention_mask, anchors))
        return self.read(hidden.gather(1, anchors[..., None].expand(-1, -1, hidden.shape[-1])))

    def read(self, states: Tensor) -> Tensor:
        """The head alone, on states of shape (batch, 3 or 2, width); returns shape (batch,)."""
        source = states[:, :1].expand(-1, states.shape[1] - 1, -1)
        scores: Tensor = self.head_layer(torch.cat([source, states[:, 1:]], dim=-1)).mean(dim=-1)
        return scores[:, 0] - scores[:, 1] if self.form == "joint" else scores[:, 0]


def _average_segments(hidden: Tensor, attention_mask: Tensor, anchors: Tensor) -> Tensor:
    """Mean hidden state from each anchor up to the next one, shape (batch, n_anchors, width)."""
    positions = torch.arange(hidden.shape[1], device=hidden.device)
    ends = torch.cat([anchors[:, 1:], anchors.new_full((len(anchors), 1), hidden.shape[1])], dim=1)
    inside = (positions >= anchors[..., None]) & (positions < ends[..., None])
    weights = (inside & attention_mask[:, None].bool()).to(hidden.dtype)
    return weights @ hidden / weights.sum(dim=-1, keepdim=True)


def read_config(folder: Path) -> PreTrainedConfig:
    """Read a backbone's config.json.

    Raises:
        RankerError: If the folder holds none that transformers understands.
    """
    try:
        return cast(PreTrainedConfig, AutoConfig.from_pretrained(folder, local_files_only=True))
    except (OSError, ValueError, KeyError) as error:
        raise RankerError(
            f"expected {folder} to hold a config.json that transformers knows: {error}"
        ) from error


def build_backbone(config: PreTrainedConfig) -> PreTrainedModel:
    """Build a backbone with untrained weights, without the pooler that nothing reads."""
    return AutoModel.from_config(config, **_without_pooler(config))  # type: ignore[no-any-return, no-untyped-call]


def load_backbone(folder: Path) -> PreTrainedModel:
    """Load a pre-trained backbone from a folder, in float32.

    Raises:
        RankerError: If the folder is no encoder or decoder that transformers can load.
    """
    config = read_config(folder)
    try:
        return AutoModel.from_pretrained(  # type: ignore[no-any-return]
            folder, local_files_only=True, dtype=torch.float32, **_without_pooler(config)
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise RankerError(f"expected a model that transformers can load in {folder}: {error}") from error


def is_decoder(config: PreTrainedConfig) -> bool:
    """Whether a token sees only what stands before it, so that segments are read at their ends."""
    causal = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    masked = config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return bool(getattr(config, "is_decoder", False)) or (causal and not masked)


def count_positions(config: PreTrainedConfig) -> int | None:
    """The most tokens that the backbone can read; None where only memory limits them."""
    if config.model_type == "deberta-v2" and not getattr(config, "position_biased_input", True):
        return None
    n_positions: int | None = getattr(config, "max_position_embeddings", None)
    if n_positions is not None and config.model_type in _FAMILIES_THAT_SKIP_POSITIONS:
        return n_positions - int(config.pad_token_id or 0) - 1
    return n_positions


def _without_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    model_class = cast(type[PreTrainedModel] | None, MODEL_MAPPING.get(type(config), None))
    if model_class is None or getattr(config, "is_encoder_decoder", False):
        raise RankerError(f"expected an encoder or a decoder as backbone, came {config.model_type!r}")
    takes_pooler = "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if takes_pooler else {}

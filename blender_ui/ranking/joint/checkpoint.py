"""Folders that hold a PairRanker: llm-blender's two layouts and our own, read and written.

=================  ============================================  =========================
layout             config.json                                   tokenizer, architecture
=================  ============================================  =========================
original           llm-blender's RankerConfig, ``ranker_type``   from the base model's folder
PairRM-hf          the backbone's own, with ``n_tasks`` and      in the folder
                   the ids of the control tokens
ours               as PairRM-hf, and ``ranker.json``             in the folder
=================  ============================================  =========================

All three name their weights alike. Invariant: a folder is complete or absent, since it is written
under another name, flushed to disk and renamed. Non-goal: fetching anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from blender_ui.engine.folders import write_folder
from blender_ui.errors import RankerError
from blender_ui.ranking.joint.encoding import CONTROL_TOKENS, Encoder, Lengths, add_control_tokens
from blender_ui.ranking.joint.model import (
    Form,
    PairModel,
    Pooling,
    build_backbone,
    count_positions,
    is_decoder,
    load_backbone,
    read_config,
)
from blender_ui.ranking.joint.sentencepiece import load_deberta_tokenizer
from blender_ui.ranking.joint.storage import check_fingerprint, load_state, read_json, untie
from blender_ui.ranking.joint_files import FINGERPRINT, WEIGHTS, digest_folder, find_weights

_OPTIONAL_KEYS = ("position_ids", ".pooler.")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A PairRanker in memory: the network in float32 and evaluation mode, and its tokenizer.

    Attributes:
        model: Backbone and head.
        tokenizer: With the control tokens.
        lengths: The segments' most tokens.
        fingerprint: SHA-256 over the files that were read; "" before the first save.
    """

    model: PairModel
    tokenizer: PreTrainedTokenizerBase
    lengths: Lengths
    fingerprint: str = ""

    @property
    def encoder(self) -> Encoder:
        """What builds this network's inputs."""
        config = self.model.pretrained_model.config
        return Encoder(self.tokenizer, lengths=self.lengths, read_ends=is_decoder(config))


def start_checkpoint(base: Path, *, form: Form, lengths: Lengths | None = None, seed: int = 0) -> Checkpoint:
    """Put an untrained head on a pre-trained backbone.

    Args:
        base: Folder with the backbone and its tokenizer.
        form: "joint" or "pointwise".
        lengths: The segments' most tokens; by default PairRM's, fitted to the backbone's positions.
        seed: Decides the head's and the control tokens' first weights.

    Raises:
        RankerError: If the folder has no such model, or its positions do not hold ``lengths``.
    """
    backbone = load_backbone(base)
    tokenizer = load_tokenizer(base)
    add_control_tokens(tokenizer)
    n_positions = count_positions(backbone.config)
    lengths = lengths or Lengths.fit(n_positions)
    if n_positions is not None and lengths.total > n_positions:
        raise RankerError(
            f"expected lengths of at most {n_positions} tokens a pair, came {lengths.total}; lower them"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _grow_embedding(backbone, len(tokenizer))
        decoder = is_decoder(backbone.config)
        pooling: Pooling = "segments" if form == "pointwise" and not decoder else "anchors"
        model = PairModel(backbone, form=form, pooling=pooling)
    return Checkpoint(model=model.eval(), tokenizer=tokenizer, lengths=lengths)


def load_checkpoint(folder: Path, *, base: Path | None = None) -> Checkpoint:
    """Read a PairRanker of any layout.

    Args:
        folder: The checkpoint.
        base: For the original layout, the folder of the base model that its ``model_name`` names;
            without it that name is looked up as a folder and in the hub's local cache.

    Raises:
        RankerError: If a file is missing or damaged, or is no PairRanker's.
    """
    settings = read_json(folder / "config.json")
    if "ranker_type" in settings:
        return _load_original(folder, settings, base=base)
    config = read_config(folder)
    extra = read_json(folder / "ranker.json") if (folder / "ranker.json").exists() else {}
    lengths = Lengths(**extra.get("lengths", {}))
    tokenizer = load_tokenizer(folder)
    _check_control_tokens(tokenizer, settings)
    return _assemble(folder, config, tokenizer, lengths=lengths, settings=settings | extra)


def open_base(base: Path, *, form: Form, lengths: Lengths | None = None, seed: int = 0) -> Checkpoint:
    """Open what a training run starts from: a PairRanker if the folder holds one, else a backbone.

    Raises:
        RankerError: As ``load_checkpoint`` and ``start_checkpoint``; or if the PairRanker is of
            another form.
    """
    settings = read_json(base / "config.json")
    if not {"ranker_type", "source_prefix_id"} & settings.keys():
        return start_checkpoint(base, form=form, lengths=lengths, seed=seed)
    checkpoint = load_checkpoint(base)
    if checkpoint.model.form != form:
        raise RankerError(f"expected a {form} ranker to train further, came a {checkpoint.model.form} one")
    return replace(checkpoint, lengths=lengths or checkpoint.lengths)


def save_checkpoint(
    checkpoint: Checkpoint, folder: Path, *, notes: Mapping[str, object] | None = None
) -> str:
    """Write a PairRanker in our layout, which the PairRM-hf class also reads for a joint DeBERTa.

    Args:
        checkpoint: What to write; parameters are stored as they are.
        folder: Replaced if it exists; never seen half-written.
        notes: How it came to be, kept as training.json; no logit depends on it.

    Returns:
        The fingerprint.
    """
    vocabulary = checkpoint.tokenizer.get_vocab()
    names = ("source_prefix_id", "cand1_prefix_id", "cand2_prefix_id", "cand_prefix_id")
    ids = {name: vocabulary[token] for name, token in zip(names, CONTROL_TOKENS, strict=True)}
    model = checkpoint.model
    n_tasks, drop_out = model.head_layer[4].out_features, model.head_layer[0].p
    extra = {
        "form": model.form,
        "pooling": model.pooling,
        "lengths": asdict(checkpoint.lengths),
    }
    fingerprint = ""

    def fill(part: Path) -> None:
        nonlocal fingerprint
        config = model.pretrained_model.config.to_dict() | ids | {"n_tasks": n_tasks, "drop_out": drop_out}
        (part / "config.json").write_text(json.dumps(config, indent=2, default=str))
        (part / "ranker.json").write_text(json.dumps(extra, indent=2))
        checkpoint.tokenizer.save_pretrained(part)
        state = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
        save_file(untie(state), part / WEIGHTS)
        fingerprint = digest_folder(part, part / WEIGHTS)
        (part / FINGERPRINT).write_text(fingerprint)
        if notes is not None:
            (part / "training.json").write_text(json.dumps(notes, indent=2))

    write_folder(folder, fill)
    return fingerprint


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer: from tokenizer.json exactly as it stands, or DeBERTa's from spm.model.

    Raises:
        RankerError: If there is none, or a package to convert another kind is missing.
    """
    if not (folder / "tokenizer.json").exists() and (folder / "spm.model").exists():
        return load_deberta_tokenizer(folder)
    kind = PreTrainedTokenizerFast if (folder / "tokenizer.json").exists() else AutoTokenizer
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise RankerError(f"expected a tokenizer in {folder}: {error}") from error


def _load_original(folder: Path, settings: Mapping[str, Any], *, base: Path | None) -> Checkpoint:
    if settings["ranker_type"] != "pairranker":
        raise RankerError(f"expected ranker_type 'pairranker' in {folder}, came {settings['ranker_type']!r}")
    base = base or _find_base(str(settings.get("model_name")), beside=folder)
    tokenizer = load_tokenizer(base)
    add_control_tokens(tokenizer)
    whole = Lengths()
    lengths = Lengths(
        source=settings.get("source_maxlength") or whole.source,
        candidate=settings.get("candidate_maxlength") or whole.candidate,
    )
    config = read_config(base)
    config.vocab_size = len(tokenizer)
    return _assemble(folder, config, tokenizer, lengths=lengths, settings=settings, base=base)


def _find_base(name: str, *, beside: Path) -> Path:
    for folder in (Path(name), beside / name):
        if (folder / "config.json").exists():
            return folder
    from huggingface_hub import try_to_load_from_cache

    try:
        cached = try_to_load_from_cache(name, "config.json")
    except ValueError:  # not a repository's name
        cached = None
    if isinstance(cached, str):
        return Path(cached).parent
    raise RankerError(
        f"expected the base model {name!r} of the checkpoint {beside}, from which its tokenizer and "
        "architecture come; pass its folder as base="
    )


def _assemble(
    folder: Path,
    config: PreTrainedConfig,
    tokenizer: PreTrainedTokenizerBase,
    *,
    lengths: Lengths,
    settings: Mapping[str, Any],
    base: Path | None = None,
) -> Checkpoint:
    weights = find_weights(folder)
    fingerprint = digest_folder(folder, weights, base=base)
    check_fingerprint(folder, fingerprint)
    state = load_state(weights)
    if "head_layer.4.weight" not in state:
        raise RankerError(f"expected a PairRanker's weights in {weights}, came keys like {sorted(state)[:3]}")
    model = PairModel(
        build_backbone(config),
        form=settings.get("form", "joint"),
        pooling=settings.get("pooling", "anchors"),
        n_tasks=len(state["head_layer.4.weight"]),
        drop_out=settings.get("drop_out", 0.05),
    )
    _fill_model(model, state, weights)
    return Checkpoint(
        model=model.float().eval(), tokenizer=tokenizer, lengths=lengths, fingerprint=fingerprint
    )


def _fill_model(model: PairModel, state: Mapping[str, Tensor], weights: Path) -> None:
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise RankerError(
            f"expected weights of the shapes that config.json gives in {weights}: {error}"
        ) from error
    unexpected = [name for name in unexpected if not any(part in name for part in _OPTIONAL_KEYS)]
    if missing or unexpected:
        raise RankerError(
            f"expected every weight of the network and no other in {weights}; "
            f"missing {missing[:3]}, unexpected {unexpected[:3]}"
        )


def _grow_embedding(backbone: Any, n_tokens: int) -> None:
    """Give the new tokens small random rows around the mean, of the old rows' size."""
    n_old = backbone.get_input_embeddings().weight.shape[0]
    if n_old >= n_tokens:
        return
    weight = backbone.resize_token_embeddings(n_tokens, mean_resizing=False).weight.data
    old = weight[:n_old]
    weight[n_old:] = old.mean(dim=0) + old.std(dim=0) * torch.randn(n_tokens - n_old, weight.shape[1])


def _check_control_tokens(tokenizer: PreTrainedTokenizerBase, settings: Mapping[str, Any]) -> None:
    names = ("source_prefix_id", "cand1_prefix_id", "cand2_prefix_id", "cand_prefix_id")
    vocabulary = tokenizer.get_vocab()
    for name, token in zip(names, CONTROL_TOKENS, strict=True):
        if settings.get(name, -1) != vocabulary.get(token):
            raise RankerError(
                f"expected {name} of config.json to be the tokenizer's id of {token}, "
                f"came {settings.get(name)} and {vocabulary.get(token)}; this is no PairRanker"
            )

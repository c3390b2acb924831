"""Runs in the reference's own virtual environment and is answered in JSON; imports nothing of ours.

    python reference_child.py make FOLDER SIZE     build a checkpoint of the real architecture
    python reference_child.py serve FOLDER DEVICE  answer one JSON request a line on standard input

A request is ``{"items": [{"instruction", "input", "candidates"}], "batch_size": int, "steps": ...}``;
the answer holds the logit matrices of the reference's ``rank``, its scores and ranks, and the CPU and
wall seconds of that call. Every item of one request has the same number of candidates. ``rank`` takes
a step for each ordered pair (i, j), a batch of prompts in each; ``steps`` names some of them, to time
a sample, and leaves the others 0; null takes all.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import resource
import sys
import time
from pathlib import Path

SIZES = {
    "tiny": {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 256},
    "small": {
        "hidden_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
    "base": {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
    "large": {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    },
}
CONTROL = ["<|source|>", "<|candidate1|>", "<|candidate2|>", "<|candidate|>"]
N_WORDS = 8000


def make(folder: Path, size: str) -> None:
    """Write base/, original/ and hf/: DeBERTa-v3 with random weights, in both layouts."""
    import torch
    from llm_blender.pair_ranker.config import RankerConfig
    from llm_blender.pair_ranker.pairrm import DebertaV2PairRM
    from safetensors.torch import save_file
    from transformers import DebertaV2Config, DebertaV2Model

    tokenizer = _make_tokenizer(folder)
    torch.manual_seed(0)
    config = DebertaV2Config(
        **SIZES[size],
        vocab_size=len(tokenizer),
        type_vocab_size=0,
        max_position_embeddings=512,
        relative_attention=True,
        max_relative_positions=-1,
        position_buckets=256,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type="p2c|c2p",
        position_biased_input=False,
        layer_norm_eps=1e-7,
        pad_token_id=0,
    )
    model = DebertaV2Model(config)
    model.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    tokenizer.add_tokens(CONTROL)
    ids = [tokenizer.convert_tokens_to_ids(token) for token in CONTROL]
    config.vocab_size = len(tokenizer)
    names = ("source_prefix_id", "cand1_prefix_id", "cand2_prefix_id", "cand_prefix_id")
    config.update(
        dict(zip(names, ids, strict=True))
        | {"n_tasks": 1, "drop_out": 0.05, "sep_token_id": tokenizer.sep_token_id}
    )
    ranker = DebertaV2PairRM(config).eval()
    _spread(ranker)
    ranker.save_pretrained(folder / "hf")
    tokenizer.save_pretrained(folder / "hf")
    (folder / "original").mkdir(exist_ok=True)
    save_file(
        {name: weight.contiguous() for name, weight in ranker.state_dict().items()},
        folder / "original" / "model.safetensors",
        metadata={"format": "pt"},
    )
    settings = RankerConfig(
        ranker_type="pairranker",
        model_type="deberta",
        model_name=str(folder / "base"),
        source_maxlength=1224,
        candidate_maxlength=412,
    )
    (folder / "original" / "config.json").write_text(json.dumps(settings.to_dict(), indent=2))


def serve(folder: Path, device: str) -> None:
    """Load the original layout with llm_blender and answer requests until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import llm_blender
    from llm_blender.blender import blender as module

    settings = llm_blender.BlenderConfig(device=device, use_tqdm=False)
    blender = llm_blender.Blender(blender_config=settings)
    blender.loadranker(str(folder / "original"), device=device, fp16=False)
    take_all = blender.ranker._full_predict
    kept: list = []
    score = module.get_scores_from_cmps

    def keep_and_score(logits, *rest, **options):
        kept.append(logits)
        return score(logits, *rest, **options)

    module.get_scores_from_cmps = keep_and_score
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        kept.clear()
        columns = [
            [item[name] for item in request["items"]] for name in ("input", "candidates", "instruction")
        ]
        steps = request["steps"]
        blender.ranker._full_predict = take_all if steps is None else _take_some(blender.ranker, steps)
        started = _read_clock()
        scores = blender.rank(*columns, return_scores=True, batch_size=request["batch_size"])
        cpu, wall = (after - before for after, before in zip(_read_clock(), started, strict=True))
        answer = {
            "logits": [matrix.tolist() for batch in kept for matrix in batch],
            "scores": scores.tolist(),
            "ranks": module.get_ranks_from_scores(scores).tolist(),
            "cpu_seconds": cpu,
            "wall_seconds": wall,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        print(json.dumps(answer), file=answers, flush=True)


def _take_some(ranker, steps):
    """The loop of ``_full_predict`` over chosen (i, j) only."""
    import torch

    def predict(source_ids, source_attention_mask, candidate_ids, candidate_attention_mask):
        n_items, n_candidates, _ = candidate_ids.shape
        logits = torch.zeros(n_items, n_candidates, n_candidates, device=source_ids.device)
        for i, j in steps:
            sides = [part[:, k] for k in (i, j) for part in (candidate_ids, candidate_attention_mask)]
            logits[:, i, j] = ranker._forward(source_ids, source_attention_mask, *sides)["logits"]
        return {"logits": logits}

    return predict


def _spread(ranker) -> None:
    """Make random weights matter: attention that prefers, biases that are not 0, logits of order 1."""
    import torch

    with torch.no_grad():
        for name, weight in ranker.named_parameters():
            if name.endswith("LayerNorm.weight"):
                weight.add_(0.1 * torch.randn_like(weight))
            elif name.endswith("bias"):
                weight.copy_(0.1 * torch.randn_like(weight))
            elif "head_layer" in name:
                weight.copy_(2.0 * torch.randn_like(weight) / weight.shape[1] ** 0.5)
            elif "query_proj" in name or "key_proj" in name:
                weight.copy_(1.5 * torch.randn_like(weight) / weight.shape[1] ** 0.5)
            elif "embeddings" not in name:
                weight.copy_(torch.randn_like(weight) / weight.shape[1] ** 0.5)


def _make_tokenizer(folder: Path):
    """A sentencepiece model with DeBERTa-v3's specials, over the documentation of the standard library."""
    import sentencepiece
    from transformers import DebertaV2TokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.txt").write_text("\n".join(_read_documentation()))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "corpus.txt"),
        model_prefix=str(folder / "spm"),
        vocab_size=N_WORDS,
        model_type="unigram",
        character_coverage=0.9995,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
        minloglevel=2,
    )
    return DebertaV2TokenizerFast(vocab_file=str(folder / "spm.model"), split_by_punct=False)


def _read_documentation() -> list[str]:
    lines: list[str] = []
    for info in sorted(pkgutil.iter_modules(), key=lambda info: info.name):
        if info.name not in sys.stdlib_module_names or info.name in {"antigravity", "this", "idlelib"}:
            continue
        try:
            module = importlib.import_module(info.name)
        except Exception:  # noqa: BLE001  a module of another platform
            continue
        for value in [module, *vars(module).values()]:
            text = inspect.getdoc(value) if callable(value) or inspect.ismodule(value) else None
            lines += [line.strip() for line in (text or "").splitlines() if len(line.strip()) > 20]
    return sorted(set(lines))


def _read_clock() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, time.perf_counter()


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), sys.argv[3])
    else:
        serve(Path(sys.argv[2]), sys.argv[3])

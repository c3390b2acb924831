"""TRL's GRPOTrainer on a tiny checkpoint, rewarded by our ranker over HTTP.

A Llama of random weights writes answers of a few words. ``/v1/reward`` says of each with which log-odds it
beats a baseline, and GRPO follows that. Without ``--url`` our API is started as a new installation has it,
with the ranker that comes with it. Measured are how the reward rises, and what share of a step is ours.

    python -m benchmarks.grpo [--steps N] [--url URL --key KEY]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.loopback import find_free_port, serving

PROMPTS = ["Why is the sky blue?", "How does a plane fly?"]
BASELINE = "an answer"
WORDS = [
    *("the", "a", "an", "of", "and", "to", "in", "is", "it", "light", "air", "blue", "red", "wave", "small"),
    *("long", "sky", "sun", "good", "answer", "because", "why", "how", "plane", "wing", "lift", "flow"),
    *("more", "less", "short", "scatters", "than", "bends", "fly", "does"),
]
N_GENERATIONS = 8
LONGEST = 12
"""Words of a completion."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and print one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--url", help="of a running app; default: one is started")
    parser.add_argument("--key", default="")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = options.url or _start(Path(folder), stack)
        print(json.dumps(_train(Path(folder), url, options.key, n_steps=options.steps)))


def _start(folder: Path, stack: ExitStack) -> str:
    port = find_free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("BLENDER_UI_")}
    env |= {"BLENDER_UI_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "benchmarks.serving_child", "api", str(port)]
    log = folder / "api.log"
    stack.enter_context(serving(command, port=port, path="/healthz", env=env, log=log, seconds=120))
    return f"http://127.0.0.1:{port}"


def _train(folder: Path, url: str, key: str, *, n_steps: int) -> dict[str, Any]:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from blender_ui.client import Client

    means: list[float] = []
    waits: list[float] = []
    versions: set[int] = set()
    client = Client(url, key)

    def reward(prompts: list[str], completions: list[str], **_columns: Any) -> list[float]:
        began = time.monotonic()
        given = client.reward(prompts, [text or "-" for text in completions], baseline=BASELINE)
        waits.append(time.monotonic() - began)
        means.append(statistics.fmean(given.rewards))
        versions.add(given.version)
        return list(given.rewards)

    config = GRPOConfig(
        output_dir=str(folder / "out"),
        max_steps=n_steps,
        per_device_train_batch_size=N_GENERATIONS * len(PROMPTS),
        num_generations=N_GENERATIONS,
        max_completion_length=LONGEST,
        learning_rate=5e-3,
        lr_scheduler_type="constant",
        beta=0.0,
        use_cpu=True,
        bf16=False,
        seed=0,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        gradient_checkpointing=False,
    )
    model, tokenizer = make_checkpoint()
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=reward,
        args=config,
        train_dataset=Dataset.from_dict({"prompt": PROMPTS * 8}),
    )
    reward([PROMPTS[0]], ["the sky is blue"])  # the first one loads the reader
    means.clear(), waits.clear()
    began = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - began
    client.close()
    quarter = max(1, len(means) // 4)
    return {
        "n_steps": trainer.state.global_step,
        "n_requests": len(means),
        "versions": sorted(versions),
        "reward_first_quarter": round(statistics.fmean(means[:quarter]), 3),
        "reward_last_quarter": round(statistics.fmean(means[-quarter:]), 3),
        "seconds_a_step": round(seconds / n_steps, 3),
        "seconds_a_reward": round(statistics.median(waits), 3),
        "n_completions_a_reward": N_GENERATIONS * len(PROMPTS),
    }


def make_checkpoint() -> tuple[Any, Any]:
    """A language model of a few thousand random weights, and a tokenizer of words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<unk>", "<pad>", "<eos>", *dict.fromkeys(WORDS)]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>"
    )
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=1,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config), fast


if __name__ == "__main__":
    main()

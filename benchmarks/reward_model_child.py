"""A reward model by TRL's RewardTrainer, run by ``benchmarks.joint_accuracy`` in TRL's own environment.

    python reward_model_child.py JOB.json      writes the texts' scores to the job's ``output``

Imports nothing of the project. Pairs come decided; TRL knows no ties.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer


def main(job_path: Path) -> None:
    """Train on the job's pairs and score its texts."""
    job: dict[str, Any] = json.loads(job_path.read_text())
    torch.manual_seed(job["seed"])
    tokenizer = AutoTokenizer.from_pretrained(job["base"])
    model = AutoModelForSequenceClassification.from_pretrained(job["base"], num_labels=1)

    def encode(prompt: str, answer: str) -> list[int]:
        parts = (
            tokenizer(text, add_special_tokens=False, truncation=True, max_length=limit)["input_ids"]
            for text, limit in ((prompt, job["source"]), (answer, job["candidate"]))
        )
        first, second = parts
        return [
            tokenizer.cls_token_id,
            *first,
            tokenizer.sep_token_id,
            *second,
            tokenizer.sep_token_id,
        ]

    pairs = [
        {"chosen_ids": encode(prompt, chosen), "rejected_ids": encode(prompt, rejected)}
        for prompt, chosen, rejected in job["pairs"]
    ]
    with tempfile.TemporaryDirectory() as folder:
        options = RewardConfig(
            output_dir=folder,
            num_train_epochs=job["epochs"],
            per_device_train_batch_size=job["batch_size"],
            learning_rate=job["learning_rate"],
            warmup_steps=0.05,
            weight_decay=0.01,
            max_length=None,
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_steps=10,
            seed=job["seed"],
        )
        trainer = RewardTrainer(
            model=model, args=options, train_dataset=Dataset.from_list(pairs), processing_class=tokenizer
        )
        trainer.train()
    model.eval()
    scores = []
    with torch.inference_mode():
        for prompt, answer in job["texts"]:
            scores.append(float(model(input_ids=torch.tensor([encode(prompt, answer)])).logits[0, 0]))
    Path(job["output"]).write_text(json.dumps(scores))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

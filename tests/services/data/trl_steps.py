"""Two steps of TRL's trainer on each file, in a process of its own: ``python -m ... FOLDER FORM.jsonl...``.

A Llama of a few thousand random weights learns from the file as ``datasets`` loads it; nothing is renamed,
left out or rewritten between the two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.grpo import make_checkpoint

N_STEPS = 2
TEMPLATE = "{% for one in messages %}{{ one.role }} {{ one.content }} {{ eos_token }} {% endfor %}"


def main() -> None:
    """Train, and print of each file its name, steps, losses and rows, a JSON object a line."""
    from datasets import load_dataset

    folder = Path(sys.argv[1])
    for path in map(Path, sys.argv[2:]):
        kind = {".jsonl": "json", ".parquet": "parquet"}[path.suffix]
        rows = load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"))
        trainer = _make_trainer(path.stem, rows, folder)
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        told = {"file": path.name, "n_steps": trainer.state.global_step, "n_rows": len(rows)}
        print(json.dumps(told | {"losses": losses}))


def _make_trainer(form: str, rows: Any, folder: Path) -> Any:
    import trl

    config, trainer = {
        "dpo": (trl.DPOConfig, trl.DPOTrainer),
        "kto": (trl.KTOConfig, trl.KTOTrainer),
    }.get(form, (trl.SFTConfig, trl.SFTTrainer))
    model, tokenizer = make_checkpoint()
    tokenizer.chat_template = TEMPLATE
    for part in (model, tokenizer):  # DPO's and KTO's read the checkpoint twice
        part.save_pretrained(folder / "checkpoint")
    own = {} if form == "kto" else {"max_length": 128}
    return trainer(
        model=str(folder / "checkpoint"),
        processing_class=tokenizer,
        train_dataset=rows,
        args=config(
            output_dir=str(folder / "out"),
            max_steps=N_STEPS,
            per_device_train_batch_size=2,
            logging_steps=1,
            use_cpu=True,
            bf16=False,
            seed=0,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            gradient_checkpointing=False,
            **own,
        ),
    )


if __name__ == "__main__":
    main()

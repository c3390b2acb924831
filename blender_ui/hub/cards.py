"""The README of a version on a hub: what it is, what it learnt from, how good it is, how to load it.

And the head of a data set's. Invariant: every figure of a version is one that it was registered with.
Non-goals: where it is put, and what a data set's card says (``services.data.cards``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PULLED = """```console
blender-ui pull {name}      # then make it the active one on the Train page
```"""
USES = {
    "fast": f"""It needs the frozen reader `{{base}}`, `{{fingerprint:.12}}`, which this package prepares.

{PULLED}""",
    "joint": PULLED,
    "pointwise": PULLED,
    "chooser": PULLED,
    "fuser": """```python
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

model = AutoModelForSeq2SeqLM.from_pretrained("{name}")
tokenizer = AutoTokenizer.from_pretrained("{name}")
```

Or in Blender UI: `blender-ui pull {name}`, then make it the active one on the Train page.""",
}
"""By kind of version."""


_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)
"""The hub's words for sizes, by the first number that is larger."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a card says of a version.

    Attributes:
        name: ``owner/name`` on the hub.
        role: What it does: ``ranker``, ``fuser`` or ``chooser``.
        kind: One of ``USES``.
        base_model: What it was trained from, or the frozen reader under it.
        base_fingerprint: Of that.
        fingerprint: Of its weights.
        n_train: Preferences, or examples, that it learnt from.
        n_held_out: Those that it was judged on.
        metrics: As it was registered.
        code_version: Of the package that made it.
    """

    name: str
    role: str
    kind: str
    base_model: str
    base_fingerprint: str
    fingerprint: str
    n_train: int
    n_held_out: int
    metrics: Mapping[str, Any]
    code_version: str


def write_model_card(facts: ModelFacts) -> str:
    """The card, as Markdown with the hub's front matter."""
    lines = [
        "---",
        "library_name: blender-ui",
        "tags:",
        "- blender-ui",
        f"- {facts.role}",
        "- llm-blender",
        "- preference",
        "---",
        "",
        f"# {facts.name.partition('/')[2]}",
        "",
        f"A {facts.role} of kind `{facts.kind}`, made by Blender UI {facts.code_version} after *LLM-Blender* "
        "(arXiv:2306.02561).",
        "",
        f"- It learnt from {facts.n_train:,} and was judged on {facts.n_held_out:,} that it had not seen.",
        f"- Base: `{facts.base_model}`.",
        f"- Weights: `{facts.fingerprint:.12}`.",
        "",
        "It holds no text of a prompt or an answer. It names the members that it ranked, and its kinds of "
        "task are called by words of their prompts.",
        "",
        "## Use",
        "",
        USES[facts.kind].format(name=facts.name, base=facts.base_model, fingerprint=facts.base_fingerprint),
        "",
        "## Figures on held-out prompts",
        "",
        *_tabulate(facts.metrics),
        "",
    ]
    return "\n".join(lines)


def write_dataset_head(*, file: str, n_rows: int) -> str:
    """The hub's front matter of a data set's card: which file has the rows, and how many there are.

    Args:
        file: Its name in the data set.
        n_rows: Lines of it.
    """
    size = next((name for most, name in _SIZES if n_rows < most), "100M<n<1B")
    return "\n".join(
        [
            "---",
            "tags:",
            "- blender-ui",
            "- preference",
            "- llm-blender",
            "size_categories:",
            f"- {size}",
            "configs:",
            "- config_name: default",
            f"  data_files: {file}",
            "---",
            "",
            "",
        ]
    )


def _tabulate(metrics: Mapping[str, Any]) -> list[str]:
    """A table of the numbers, nested ones under their path."""
    rows = [f"| {name} | {value} |" for name, value in _flatten("", metrics)]
    return ["| figure | value |", "|---|---|", *rows] if rows else ["None were measured."]


def _flatten(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        path = f"{prefix} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            found += _flatten(path, value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((path, f"{value:,}" if isinstance(value, int) else f"{value:.4g}"))
    return found

"""What members are evaluated on: prompts with references, or with tests for the code they ask for.

Invariant: an item that is given out can be scored: it has a reference, or a test. Non-goal: asking
anybody.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blender_ui.errors import MalformedInput
from blender_ui.values import RankingPrompt

SETS_PATH = Path(__file__).with_name("sets")


class Task(enum.StrEnum):
    """What kind of answer is wanted, and so how it is scored."""

    SUMMARIZATION = "summarization"
    QA = "qa"
    CODE = "code"


@dataclass(frozen=True, kw_only=True)
class EvaluationItem:
    """One prompt.

    Attributes:
        id: Names it in reports.
        prompt: What is asked.
        references: Right answers, any of which will do; empty for code.
        tests: Lines of Python that pass when the code is right; empty but for code.
        paraphrase: The instruction in other words; empty where nobody wrote one.
    """

    id: str
    prompt: RankingPrompt
    references: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    paraphrase: str = ""


def read_items(task: Task, path: Path | None = None) -> tuple[EvaluationItem, ...]:
    """Read a file of items, or the small set that was written for this task.

    Args:
        task: Decides what an item must have.
        path: JSON lines with ``instruction``, and ``references`` or, for code, ``tests``; optionally
            ``id``, ``input`` and ``paraphrase``.

    Raises:
        MalformedInput: If the file cannot be read or a line is no item; with the lines' numbers.
    """
    path = path or SETS_PATH / f"{task.value}.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # JSON texts may hold splitlines' other ends
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedInput(f"expected JSON lines in {path}: {error}") from error
    items, faults = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                items.append(_read_item(json.loads(line), task, f"{task.value}-{number}"))
            except (ValueError, TypeError) as error:
                faults.append((number, str(error)))
    if faults or not items:
        first = f"line {faults[0][0]}: {faults[0][1]}" if faults else "there is none"
        raise MalformedInput(
            f"{path}: expected items for the task {task.value}; {first}", faults=tuple(faults)
        )
    return tuple(items)


def _read_item(record: Any, task: Task, name: str) -> EvaluationItem:
    if not isinstance(record, Mapping):
        raise ValueError(f"expected an object, came {record!r}")
    instruction, input = record.get("instruction", ""), record.get("input", "")
    if not isinstance(instruction, str) or not isinstance(input, str) or not instruction.strip():
        raise ValueError("expected instruction, a text that is not blank, and input, a text")
    wanted = "tests" if task is Task.CODE else "references"
    texts = record.get(wanted, [])
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"expected {wanted}, a list of at least one text; came {texts!r}")
    return EvaluationItem(
        id=str(record.get("id", name)),
        prompt=RankingPrompt(instruction=instruction, input=input),
        references=() if task is Task.CODE else tuple(texts),
        tests=tuple(texts) if task is Task.CODE else (),
        paraphrase=str(record.get("paraphrase", "")),
    )

"""What running code gave, of recorded prompts and answers, kept in a file so that a run can be continued."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from blender_ui.evaluation.sandbox import find_obstacle, run_program
from blender_ui.evidence.agreement import group_conclusions
from blender_ui.evidence.code.behaviour import Behaviour, is_code_asked, observe
from blender_ui.evidence.code.execution import (
    Question,
    QuestionRun,
    Ran,
    find_question,
    run_questions,
    source_of,
)
from blender_ui.evidence.conclusions import Conclusion
from blender_ui.evidence.weighing import read_groups

BATCH = 50
"""Prompts in one program; they come from one writer."""


class RunCache:
    """Runs the code of prompts and of answers, each once.

    Args:
        path: The file of JSON lines, which is made.
        is_allowed: Whether code may run at all; it also needs a machine that can confine it.
        seconds: After which nothing more is run; what is not run is not known.
    """

    def __init__(self, path: Path, *, is_allowed: bool, seconds: float = float("inf")) -> None:
        self._path = path
        self._is_allowed = is_allowed and not find_obstacle()
        self._until = monotonic() + seconds
        self._known: dict[str, Any] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").split("\n"):
                if line.endswith("}"):  # a line that a killed run left half-written is run again
                    self._known.update(json.loads(line))

    def run_prompts(
        self, rows: Sequence[dict[str, Any]], read: Sequence[Sequence[Conclusion | None] | None]
    ) -> list[QuestionRun | None]:
        """Of each row what its own code gave; None where there is none or nothing may run."""
        if not self._is_allowed:
            return [None] * len(rows)
        asked: dict[str, tuple[Question, list[str]]] = {}
        keys = []
        for row, conclusions in zip(rows, read, strict=True):
            prompt = f"{row['prompt']}\n{row.get('instruction_input') or ''}".strip()
            question = find_question(prompt)
            said = _said(row, conclusions) if question is not None else []
            key = json.dumps(["prompt", question, said])
            keys.append(key if question is not None else "")
            if question is not None and key not in self._known:
                asked[key] = question, said
        new = list(asked)
        for start in range(0, len(new), BATCH):
            if monotonic() > self._until:
                break
            batch = new[start : start + BATCH]
            for key, ran in zip(
                batch, run_questions([asked[key] for key in batch], run_program), strict=True
            ):
                self._keep(key, [ran.value, ran.checks])
        return [_question_run(self._known[key]) if key in self._known else None for key in keys]

    def observe_answers(self, row: dict[str, Any]) -> tuple[Behaviour | None, ...] | None:
        """What each of a row's answers does, where code was asked for; None where nothing may run."""
        if not self._is_allowed or not is_code_asked(row["prompt"]):
            return None
        texts = [candidate["text"] for candidate in row["candidates"]]
        key = json.dumps(["answers", row["prompt"], texts])
        if key not in self._known:
            if monotonic() > self._until:
                return None
            self._keep(key, observe(row["prompt"], texts, run_program))
        return tuple(
            None if one is None else Behaviour(*(tuple(Ran(*ran) for ran in part) for part in one))
            for one in self._known[key]
        )

    def _keep(self, key: str, value: Any) -> None:
        line = json.dumps({key: value})
        self._known.update(json.loads(line))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def _said(row: dict[str, Any], read: Sequence[Conclusion | None] | None) -> list[str]:
    """The distinct conclusions, as Python literals, in the order of their groups."""
    texts = [candidate["text"] for candidate in row["candidates"]]
    groups = (
        read_groups(row["prompt"], row.get("instruction_input") or "", texts)
        if read is None
        else group_conclusions(read)
    )
    return [source_of(group.conclusion) for group in groups]


def _question_run(kept: list[Any]) -> QuestionRun:
    value, checks = kept
    return QuestionRun(None if value is None else Ran(*value), tuple(Ran(*one) for one in checks))

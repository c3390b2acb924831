"""What one answer to an item is worth, by the metrics of its task. An item and a text in, numbers out.

Invariant: higher is better, and an empty answer has 0. Non-goal: comparing meanings (``bertscore``) and
averaging (``summary``).
"""

from __future__ import annotations

from blender_ui.evaluation.items import EvaluationItem, Task
from blender_ui.evaluation.metrics import contains, exact_match, rouge, token_f1
from blender_ui.evaluation.sandbox import find_obstacle, run_tests
from blender_ui.evidence.code.behaviour import extract_code

MAIN_METRIC = {Task.SUMMARIZATION: "rougeL", Task.QA: "f1", Task.CODE: "pass@1"}


def score_answer(task: Task, item: EvaluationItem, text: str) -> dict[str, float]:
    """The task's metrics of an answer; for code none where no sandbox can be made."""
    match task:
        case Task.SUMMARIZATION:
            return rouge(text, item.references)
        case Task.QA:
            return {
                "exact match": exact_match(text, item.references),
                "f1": token_f1(text, item.references),
                "contains": contains(text, item.references),
            }
        case Task.CODE:
            if find_obstacle():
                return {}
            return {"pass@1": float(run_tests(extract_code(text), "\n".join(item.tests)).passed)}

"""What code answers do: each is run on examples from the prompt and on inputs made up for it.

Answers that do the same on the same inputs agree, whatever they look like; agreement, failures and passed
examples are features. Invariant: every answer runs in a program of its own, and an answer that is no Python
has no behaviour and is not counted as failing. Non-goal: other languages.

Source: as ``execution``.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from blender_ui.evidence.code.execution import Job, Ran, RunProgram, run_jobs
from blender_ui.evidence.conclusions import NO_LITERAL, read_literal
from blender_ui.values import FloatArray

BEHAVIOUR_FEATURES = (
    "runs_as_python",
    "loads",
    "share_failing",
    "agreement",
    "share_of_examples",
    "is_usual",
)
MAX_INPUTS = 24
MAX_EXAMPLES = 8

PROBES = (
    "0", "1", "2", "5", "10", "-3", "2.5", "''", "'abc'", "'Hello World'", "'racecar 121'", "[]", "[3, 1, 2]",
    "[1, 1, 2, 5]", "['b', 'a', 'b']", "True", "{'a': 1, 'b': 2}", "[[1, 2], [3]]",
)  # fmt: skip
"""Of many types, because the types that a function takes are not always told."""

_ASKS_CODE = re.compile(
    r"\b(?:write|implement|create|define|code|develop|complete)\b[^.\n]{0,60}"
    r"\b(?:function|program|script|class|method|code)\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
_ASKED = re.compile(
    r"\bfunction\b[^.\n]{0,40}?\b(\w+)\s*\(|\bdef\s+(\w+)\s*\(|\bfunction\b[^.\n]{0,20}`(\w+)`"
)
_CALL = r"\b(\w+\((?:[^()\n]|\([^()\n]*\))*\))"
_DOCTEST = re.compile(rf">>>\s*{_CALL}\s*\n\s*([^\s>].*)")
_EQUATION = re.compile(rf"{_CALL}\s*(?:==|=>|->|→|returns?|should (?:return|be))\s*`?([^`\n]+)")


class Behaviour(NamedTuple):
    """What one answer does."""

    outcomes: tuple[Ran, ...]
    """On each made-up input."""
    examples: tuple[Ran, ...]
    """Whether each example holds, ``True`` or ``False`` as ``repr``."""


def observe(prompt: str, answers: Sequence[str], run: RunProgram) -> tuple[Behaviour | None, ...]:
    """Run each answer; None where an answer is no Python with a function.

    Args:
        prompt: Which may name the function and give examples.
        answers: n texts; the first fenced block of each is its code, else all of it.
        run: Runs a program where it can do no harm.
    """
    codes = [extract_code(answer) for answer in answers]
    functions = [_functions(code) for code in codes]
    asked = _asked_name(prompt)
    names = [asked if asked in found else next(reversed(found), "") for found in functions]
    arities = Counter(found[name] for found, name in zip(functions, names, strict=True) if name)
    if not arities:
        return (None,) * len(answers)
    inputs = _inputs(arities.most_common(1)[0][0])
    examples = _examples(prompt)
    observed: list[Behaviour | None] = []
    for code, name in zip(codes, names, strict=True):
        if not name:
            observed.append(None)
            continue
        calls = [f"{name}({', '.join(one)})" for one in inputs]
        checks = [f"({name}{call}) == ({value})" for call, value in examples]
        (ran,) = run_jobs([Job(code, (*calls, *checks))], run)
        observed.append(Behaviour(ran[: len(calls)], ran[len(calls) :]))
    return tuple(observed)


def behaviour_features(observed: Sequence[Behaviour | None]) -> FloatArray:
    """Shape (n, len(BEHAVIOUR_FEATURES)); zeros for answers without a behaviour."""
    rows = np.zeros((len(observed), len(BEHAVIOUR_FEATURES)))
    known = [(place, one) for place, one in enumerate(observed) if one is not None]
    votes = [Counter(said) for said in zip(*(one.outcomes for _, one in known), strict=True)]
    # An input that most answers fail on is of a type that the function does not take.
    telling = [index for index, vote in enumerate(votes) if 2 * _n_valued(vote) >= len(known)]
    for place, one in known:
        loads = any(ran.error not in ("SyntaxError", "Ended") for ran in one.outcomes)
        said = [(one.outcomes[index], votes[index]) for index in telling]
        rows[place] = [
            1.0,
            float(loads),
            float(np.mean([ran.value is None for ran, _ in said])) if said else 0.0,
            float(np.mean([vote[ran] / len(known) for ran, vote in said])) if said else 0.0,
            float(np.mean([ran.value == "True" for ran in one.examples])) if one.examples else 0.0,
            float(np.mean([vote[ran] == max(vote.values()) for ran, vote in said])) if said else 0.0,
        ]
    return rows


def is_code_asked(prompt: str) -> bool:
    """Whether a prompt asks for a function or a program, in any language.

    >>> [is_code_asked(prompt) for prompt in ("Write a function that adds", "What does the function return?")]
    [True, False]
    """
    return bool(_ASKS_CODE.search(prompt))


def extract_code(answer: str) -> str:
    """The code of an answer: its first fenced block, else all of it.

    >>> extract_code("Here:\\n```python\\nx = 1\\n```\\nDone.")
    'x = 1\\n'
    >>> extract_code("x = 1")
    'x = 1'
    """
    fenced = _FENCE.search(answer)
    return fenced.group(1) if fenced else answer


def _n_valued(vote: Counter[Ran]) -> int:
    return sum(n for ran, n in vote.items() if ran.value is not None)


def _functions(code: str) -> dict[str, int]:
    """Top-level functions with how many arguments each needs; empty where the code is no Python."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {
        node.name: max(1, len(node.args.args) - len(node.args.defaults))
        for node in body
        if isinstance(node, ast.FunctionDef)
    }


def _asked_name(prompt: str) -> str:
    found = _ASKED.search(prompt)
    return next((group for group in found.groups() if group), "") if found else ""


def _inputs(arity: int) -> list[tuple[str, ...]]:
    """Argument lists: of every probe alone, of equal and of neighbouring probes for more arguments."""
    if arity == 1:
        return [(probe,) for probe in PROBES]
    same = [(probe,) * arity for probe in PROBES]
    mixed = [tuple(itertools.islice(itertools.cycle(PROBES[start:]), arity)) for start in range(len(PROBES))]
    crossed = [("[3, 1, 2]", "2"), ("'abc'", "'b'"), ("'abc'", "2")] if arity == 2 else []
    return [*crossed, *same, *mixed][:MAX_INPUTS]


def _examples(prompt: str) -> list[tuple[str, str]]:
    """Calls without the function's name, and the value that the prompt says each gives."""
    found = []
    for pattern in (_DOCTEST, _EQUATION):
        for call, value in pattern.findall(prompt):
            arguments, said = call[call.index("(") :], value.strip().rstrip(".;,")
            if _is_expression(f"f{arguments}") and read_literal(said) is not NO_LITERAL:
                found.append((arguments, said))
    return list(dict.fromkeys(found))[:MAX_EXAMPLES]


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True

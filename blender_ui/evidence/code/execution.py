"""What running code bears out: code that stands in a prompt, and code that answers wrote.

This module finds what to run and reads what came; the runner is given, because only a sandbox may run it.
Invariant: whatever the code does, the worst outcome is that nothing is known. Non-goal: judging a task's own
hidden tests.

Source: Chen et al., "CodeT: Code generation with generated tests", ICLR 2023, for answers against each other.
"""

from __future__ import annotations

import ast
import json
import re
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from blender_ui.evidence.conclusions import NO_LITERAL, Conclusion, read_literal

RunProgram = Callable[[str], Sequence[str]]
"""Runs a program where it can do no harm, and gives the lines that it wrote."""

BLANK = "__blank__"
SECONDS_EACH = 2.0
MAX_VALUE_CHARACTERS = 4000

_BLOCK = re.compile(r"\[PYTHON\](.*?)\[/PYTHON\]|```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL)
_BLANK = re.compile(r"\?{2,}|_{3,}|<\?>|\[MASK\]")
_CALL = re.compile(r"`((?:print\()?\w+\(.*?\)\)?)`")
_START = re.compile(r"^(?:def|class|import|from)\s", re.MULTILINE)


class Question(NamedTuple):
    """What a prompt asks about code that stands in it."""

    code: str
    """Definitions."""
    left: str
    right: str
    """Expressions that shall be equal, with ``BLANK`` for what is asked; ``right`` alone is the blank
    where the value of ``left`` is asked."""


class Ran(NamedTuple):
    """What became of one expression."""

    value: str | None
    """Its ``repr``; None where it raised, took too long, or is not known."""
    error: str = ""
    """Name of the exception."""


class QuestionRun(NamedTuple):
    """What running a prompt's own code gave."""

    value: Ran | None
    """Where the value is asked."""
    checks: tuple[Ran, ...]
    """Else whether each conclusion fits."""


class Job(NamedTuple):
    """Code, and expressions to be evaluated after it, each by itself."""

    code: str
    expressions: tuple[str, ...]


def find_question(prompt: str) -> Question | None:
    """Find code in a prompt of which a value, or an input, is asked.

    >>> find_question("def f(x):\\n    return x + 1\\nassert f(2) == ??")
    Question(code='def f(x):\\n    return x + 1', left='f(2)', right='__blank__')
    """
    blocks = [one or other for one, other in _BLOCK.findall(prompt)]
    if not blocks and (start := _START.search(prompt)):
        blocks = [prompt[start.start() :]]
    for block in reversed(blocks):
        if (question := _blank_in(block)) is not None:
            return question
    if blocks and re.search(r"\b(?:return|output|print|evaluate|value|result)", prompt, re.IGNORECASE):
        around = _BLOCK.sub(" ", prompt)
        calls = [call for call in _CALL.findall(around) if _parses(call)]
        code = blocks[-1].strip()
        if calls and _parses(code, mode="exec") and f"def {calls[-1].split('(')[0]}" in code:
            return Question(code, calls[-1], BLANK)
    return None


def run_questions(questions: Sequence[tuple[Question, Sequence[str]]], run: RunProgram) -> list[QuestionRun]:
    """Run code that stands in prompts, many prompts in one program.

    Args:
        questions: What was found in each prompt, and the distinct conclusions as Python literals.
        run: Runs a program where it can do no harm.
    """
    ran = run_jobs([_job(question, said) for question, said in questions], run)
    return [
        QuestionRun(one[0], ()) if question.right == BLANK else QuestionRun(None, one)
        for (question, _), one in zip(questions, ran, strict=True)
    ]


def source_of(conclusion: Conclusion) -> str:
    """A conclusion as a Python literal: as it stands if it is one, else as a string."""
    is_literal = read_literal(conclusion.text) is not NO_LITERAL
    return conclusion.text.strip() if is_literal else repr(conclusion.key)


def _job(question: Question, said: Sequence[str]) -> Job:
    if question.right == BLANK:
        return Job(question.code, (question.left,))
    checks = [f"({question.left}) == ({question.right})".replace(BLANK, f"({one})") for one in said]
    return Job(question.code, tuple(check if _parses(check) else "None" for check in checks))


def run_jobs(jobs: Sequence[Job], run: RunProgram) -> list[tuple[Ran, ...]]:
    """Run jobs in as few programs as can be; where one ends the program, the next begins after it.

    Jobs of one call share an interpreter, so they have to come from one writer, or from prompts.

    Args:
        jobs: What to run.
        run: Runs a program.

    Returns:
        Of each job what became of its expressions.
    """
    found: list[tuple[Ran, ...]] = []
    while len(found) < len(jobs):
        rest = jobs[len(found) :]
        ended = _run_some(rest, run)
        found += ended
        if len(ended) < len(rest):
            found.append(tuple(Ran(None, "Ended") for _ in rest[len(ended)].expressions))
    return found


def _run_some(jobs: Sequence[Job], run: RunProgram) -> list[tuple[Ran, ...]]:
    """The outcomes of the jobs up to the one that ended the program, if one did."""
    word = secrets.token_hex(8)
    program = _HARNESS.format(
        jobs=json.dumps([list(job) for job in jobs]),
        word=word,
        seconds=SECONDS_EACH,
        most=MAX_VALUE_CHARACTERS,
    )
    lines = [line[len(word) :] for line in run(program) if line.startswith(word)]
    found = []
    for job, line in zip(jobs, lines, strict=False):
        try:
            outcomes = tuple(Ran(value, error) for value, error in json.loads(line))
        except (ValueError, TypeError):
            break
        if len(outcomes) != len(job.expressions):
            break
        found.append(outcomes)
    return found


def _blank_in(block: str) -> Question | None:
    lines = block.strip("\n").split("\n")
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].strip()
        if not line.startswith("assert ") or not _BLANK.search(line):
            continue
        code = "\n".join(lines[:number]).strip()
        try:
            test = ast.parse(_BLANK.sub(BLANK, line)).body[0]
            ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, IndexError):
            continue
        match test:
            case ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right])):
                return Question(code, ast.unparse(left), ast.unparse(right))
    return None


def _parses(text: str, mode: str = "eval") -> bool:
    try:
        ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


_HARNESS = """
import contextlib, io, json, signal, sys
_write, _word = sys.__stdout__.write, {word!r}
class _Late(BaseException):
    pass
def _late(number, frame):
    raise _Late()
signal.signal(signal.SIGALRM, _late)
def _evaluate(code, expressions):
    names = {{"__name__": "answer"}}
    failed = ""
    signal.setitimer(signal.ITIMER_REAL, {seconds})
    try:
        exec(compile(code, "<answer>", "exec"), names)
    except BaseException as error:
        failed = type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    found = []
    for expression in expressions:
        if failed:
            found.append((None, failed))
            continue
        signal.setitimer(signal.ITIMER_REAL, {seconds})
        try:
            value = repr(eval(expression, dict(names)))
            found.append((value, "") if len(value) <= {most} else (None, "TooLong"))
        except BaseException as error:
            found.append((None, type(error).__name__))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return found
for _code, _expressions in json.loads({jobs!r}):
    with contextlib.redirect_stdout(io.StringIO()):
        _outcome = _evaluate(_code, _expressions)
    _write(chr(10) + _word + json.dumps(_outcome) + chr(10))
    sys.__stdout__.flush()
"""

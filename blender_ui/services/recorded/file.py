"""The file of recorded rounds: what was asked, what was answered, how it was ranked and fused.

Invariant: what ``write_rounds`` writes, ``read_rounds`` reads, with numbers to four digits; a file whose
parts do not fit each other is refused. Non-goals: rows of a store, and people's votes, which no file holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from blender_ui.errors import MalformedInput, SettingsError
from blender_ui.outside import check

SHIPPED_PATH = Path(__file__).with_name("rounds.json")
"""The rounds of the package, which ``blender-ui record`` made."""
DIGITS = 4
"""Of seconds and logits: more says nothing, and makes the file longer."""

Matrix = tuple[tuple[float, ...], ...]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Writer:
    """Who wrote answers: a member, or the fuser, with the options it had.

    Attributes:
        backend: As in ``members.toml``, or "fusion".
        fingerprint: Of all of it, as a store keeps it.
    """

    name: str
    backend: str
    model: str
    options: dict[str, Any]
    fingerprint: str


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Text:
    """One answer, as it was written.

    Attributes:
        writer: Index into the file's writers.
    """

    writer: int
    text: str
    finish_reason: str | None = None
    n_prompt_tokens: int | None = None
    n_tokens: int | None = None
    first_token_seconds: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Decision:
    """What the ranker said of n texts.

    Attributes:
        logits: Shape (n, n), in natural-log odds; entry [i, j] is for text i shown first against j.
        uncertainty: Standard deviations of the logits, same shape; None where the ranker knows none.
    """

    logits: Matrix
    uncertainty: Matrix | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Fused:
    """The fused answer with its provenance.

    Attributes:
        sources: Indices of the round's answers, best first.
        shares: Of the fused characters that came from each source.
        spans: A partition of the text: start, end, and the place in ``sources``, None for the fuser's own.
        attributed_by: "alignment" or "attention".
        judged: The ranker on the answers and, as the last one, the fused text.
    """

    answer: Text
    sources: tuple[int, ...]
    shares: tuple[float, ...]
    spans: tuple[tuple[int, int, int | None], ...]
    attributed_by: str
    judged: Decision


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Round:
    """A question with what came of it.

    Attributes:
        id: Names it for good, so that it is brought into a store once.
        fused: None where fusing failed.
    """

    id: str
    instruction: str
    input: str = ""
    answers: tuple[Text, ...] = ()
    ranked: Decision | None = None
    fused: Fused | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Rounds:
    """All of a file.

    Attributes:
        made_with: What made it: the app's version, the day, the ranker and its reader by fingerprint,
            packages by version, weights by SHA-256.
        licence: Of the questions; the answers are the members'.
    """

    made_with: dict[str, Any]
    licence: str
    writers: tuple[Writer, ...]
    rounds: tuple[Round, ...]


_ROUNDS = TypeAdapter(Rounds)


def read_rounds(path: Path = SHIPPED_PATH) -> Rounds:
    """Read a file.

    Raises:
        MalformedInput: If it cannot be read, or is no file of rounds.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MalformedInput(f"expected recorded rounds in {path}: {error}") from error
    rounds = check(_ROUNDS, value, "recorded rounds")
    for one in rounds.rounds:
        fault = _find_fault(one, n_writers=len(rounds.writers))
        if fault:
            raise MalformedInput(f"recorded rounds, {one.id!r}: {fault}")
    return rounds


def write_rounds(rounds: Rounds, path: Path) -> None:
    """Write a file, a line a writer and a line a round, so that a change is seen in a diff.

    Raises:
        SettingsError: If the file cannot be written.
    """
    value = _shorten(_ROUNDS.dump_python(rounds, mode="json", exclude_defaults=True))
    parts = [f'"{name}": {_line(value[name])}' for name in ("made_with", "licence")]
    for name in ("writers", "rounds"):
        lines = ",\n".join(map(_line, value[name]))
        parts.append(f'"{name}": [\n{lines}\n]')
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path} could not be written: {error}; name a file to make") from error


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _find_fault(one: Round, *, n_writers: int) -> str | None:
    """What in a round does not fit the rest; None where all does."""
    n, fused = len(one.answers), one.fused
    texts = [*one.answers, *([fused.answer] if fused else [])]
    if any(not 0 <= text.writer < n_writers for text in texts):
        return f"an answer names a writer beyond the {n_writers} of the file"
    decisions = [(one.ranked, n)] if one.ranked else []
    if fused is not None:
        decisions.append((fused.judged, n + 1))
        if len(fused.shares) != len(fused.sources) or any(not 0 <= place < n for place in fused.sources):
            return "the fused answer's sources are not among the answers"
        ends = [0, *(end for _, end, _ in fused.spans)]
        if [start for start, _, _ in fused.spans] != ends[:-1] or ends[-1] != len(fused.answer.text):
            return "the spans do not cover the fused answer"
        if any(place is not None and not 0 <= place < len(fused.sources) for _, _, place in fused.spans):
            return "a span names a source that was not fused"
    for decision, size in decisions:
        for matrix in filter(None, (decision.logits, decision.uncertainty)):
            if [len(row) for row in matrix] != [size] * size:
                return f"expected {size} by {size} logits"
    return None


def _shorten(value: Any) -> Any:
    """The same value with shorter numbers."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {key: _shorten(held) for key, held in value.items()}
    return [_shorten(held) for held in value] if isinstance(value, list) else value

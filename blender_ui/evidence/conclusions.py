"""The conclusion of an answer: a number, a choice, a literal or a short span, in one spelling.

Invariant: equal keys mean equal conclusions, whatever the layout; without a conclusion there is None, never
a guess from prose. Non-goal: whether it is right; and code, whose conclusion is what it does (``execution``).
"""

from __future__ import annotations

import ast
import enum
import json
import re
import string
from fractions import Fraction
from typing import NamedTuple

MAX_SPAN_WORDS = 12
"""A longer text concludes nothing short unless it says what its answer is."""
MAX_KEY_CHARACTERS = 2000

NO_LITERAL = object()
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_WORD_AFTER_DIGIT = re.compile(r"\d[A-Za-z_]")

_FIELD = re.compile(
    r"[\"'`*]?\b(?:final[ _]?)?answer[\"'`*]?\s*:\s*", re.IGNORECASE
)  # of JSON, and of "Answer: ..."
_SAID = re.compile(
    r"\b(?:the\s+)?(?:final|correct|right)?\s*(?:answer|result|output|option|choice)"
    r"\s+(?:is|will be|would be|=)\s*:?",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_MARK = re.compile(r"^####\s*(.+)$", re.MULTILINE)
_OPTION_LINE = re.compile(r"^\s*[(\[]?([A-J])[)\].:]\s+\S", re.MULTILINE)
_CHOICE = re.compile(r"^\W{0,6}(?:option|choice|answer)?\W{0,4}([A-J])(?![A-Za-z0-9'])", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\w.])[-−]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:\s*/\s*\d+(?:\.\d+)?)?(?![\w]*\w\d)"
)
_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|fast|often)\b|\b(?:calculate|compute|percent\w*|what is the"
    r" (?:total|sum|average|number|difference|product|value)|in dollars)\b|\d\s*[-+*/=^]\s*\d",
    re.IGNORECASE,
)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_OWN_QUESTION = re.compile(
    r"\n#+\s*(?:question|problem|instruction|example)\b|\n(?:Q|Question|Problem)\s*\d*:", re.I
)


class ConclusionKind(enum.StrEnum):
    """What sort of thing an answer concludes."""

    NUMBER = "number"
    CHOICE = "choice"
    LITERAL = "literal"
    SPAN = "span"


class Conclusion(NamedTuple):
    """What an answer concludes."""

    kind: ConclusionKind
    key: str
    """Equal for equal conclusions."""
    text: str
    """As the answer has it."""


def read_conclusion(prompt: str, answer: str, given: str = "") -> Conclusion | None:
    """Read the conclusion out of an answer.

    First what the answer names as its answer (a field of JSON, a box, "the answer is"), the last of them;
    then the whole of a short answer; then, where a number is asked, the last number.

    Args:
        prompt: What was asked.
        answer: As the member wrote it.
        given: The text to work on, or the options to choose from; empty where there is none.

    >>> read_conclusion("How many?", '{"reasoning": "6 / 2", "answer": "$3.0"}').key
    '3'
    >>> read_conclusion("Pick.\\nA. red\\nB. blue", "The answer is (B) blue.").key
    'B'
    >>> read_conclusion("Who?", "It was the long afternoon of a day nobody would later remember well at all.")
    """
    written = _own_part(answer)
    if not written:
        return None
    named = _named(written)
    if named is not None:
        return canonical(prompt, named, given)
    if options := _options(f"{prompt}\n{given}"):
        return _choice(written, options)
    if len(written.split()) <= MAX_SPAN_WORDS and "\n" not in written:
        return canonical(prompt, written, given)
    if _ASKS_NUMBER.search(prompt) and (numbers := _NUMBER.findall(written)):
        return canonical(prompt, numbers[-1], given)
    return None


def canonical(prompt: str, said: str, given: str = "") -> Conclusion | None:
    """One spelling of what an answer says is its answer; None where nothing is left of it."""
    exact = asks_literal(f"{prompt}\n{given}")
    text = said if exact else said.strip().strip("`*").strip()
    if exact and re.fullmatch(r"\s*`[^`]+`\s*", text):
        text = text.strip().strip("`")
    if len(text) > MAX_KEY_CHARACTERS or not (text or exact):
        return None
    if exact:
        return _literal(text)
    if options := _options(f"{prompt}\n{given}"):
        return _choice(text, options)
    if (number := _number(text, lenient=bool(_ASKS_NUMBER.search(prompt)))) is not None:
        return Conclusion(ConclusionKind.NUMBER, str(number), text)
    key = _plain(text)
    return Conclusion(ConclusionKind.SPAN, key, text) if key else None


def asks_literal(prompt: str) -> bool:
    """Whether the question is about what code gives, so that case, quotes and brackets count."""
    return bool(re.search(r"\bassert\b|^\s*def \w+\(|\[PYTHON\]|```py", prompt, re.MULTILINE))


def _own_part(answer: str) -> str:
    """An answer up to where it goes on to a question of its own."""
    text = answer.strip()
    if cut := _OWN_QUESTION.search(text, 1):
        text = text[: cut.start()]
    return text.strip()


def _named(text: str) -> str | None:
    """What the text says its answer is; the last place counts, and fields go before sentences."""
    fields = list(_FIELD.finditer(text))
    for place in reversed(fields):
        if (value := _field_value(text[place.end() :])) is not None:
            return value
    for pattern in (_BOXED, _MARK):
        if found := pattern.findall(text):
            return str(found[-1])
    said = list(_SAID.finditer(text))
    if said:
        rest = text[said[-1].end() :].strip().split("\n")[0]
        return re.split(r"(?<=[^\d])\.(?:\s|$)|\.$|\s(?:because|since)\b", rest)[0]
    return None


def _field_value(rest: str) -> str | None:
    """The value that follows ``"answer":``, of JSON if it is, else to the end of the line."""
    rest = rest.lstrip()
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(rest)
        return value if isinstance(value, str) else rest[:end]
    except (ValueError, RecursionError):
        pass
    line = rest.split("\n")[0].rstrip()
    if rest[:1] in "\"'" and len(line) > 1:
        line = re.sub(r"[\"']\s*[,}]*\s*$", "", line[1:])
    line = re.sub(r"\s*\}+\s*$", "", line) if line.count("}") > line.count("{") else line
    return line.strip().rstrip(",") or None


def _literal(text: str) -> Conclusion:
    """A Python literal by its value; what is none is a string without its quotes."""
    value = read_literal(text)
    if value is NO_LITERAL:
        bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
        bare = bare.replace("\\n", "\n").replace("\\t", "\t")
        return Conclusion(ConclusionKind.LITERAL, bare or "''", text)
    key = value.replace("\\n", "\n").replace("\\t", "\t") if isinstance(value, str) else _in_order(value)
    return Conclusion(ConclusionKind.LITERAL, key or "''", text)


def read_literal(text: str) -> object:
    """The value of a Python literal; ``NO_LITERAL`` where the text is none."""
    if _WORD_AFTER_DIGIT.search(_STRINGS.sub("", text)):
        return NO_LITERAL  # no literal, and Python would warn of it
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return NO_LITERAL


def _in_order(value: object) -> str:
    """A literal's repr; of dictionaries and sets, which are equal in any order, with sorted members."""
    match value:
        case dict():
            pairs = sorted(f"{_in_order(key)}: {_in_order(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        case set() | frozenset():
            return "{" + ", ".join(sorted(_in_order(item) for item in value)) + "}"
        case list() | tuple():
            inner = ", ".join(_in_order(item) for item in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner},)"
        case _:
            return repr(value)


def _number(text: str, *, lenient: bool) -> Fraction | None:
    """The first number after the last "=", as a fraction; strict: hardly anything else may stand there."""
    value = text.rsplit("=", 1)[-1]
    found = _NUMBER.search(value)
    if found is None or (not lenient and len(value.split()) > 3):
        return None
    plain = found.group().replace(",", "").replace("$", "").replace("−", "-").replace(" ", "")
    try:
        top, _, bottom = plain.partition("/")
        return Fraction(top) / Fraction(bottom or "1")
    except (ValueError, ZeroDivisionError):
        return None


def _options(prompt: str) -> str:
    """The letters of a prompt's options; empty where it has none."""
    letters = "".join(dict.fromkeys(_OPTION_LINE.findall(prompt)))
    return letters if len(letters) > 1 and letters.startswith("AB") else ""


def _choice(text: str, options: str) -> Conclusion | None:
    found = _CHOICE.match(text) or re.search(r"[(\[]([A-J])[)\]]|\b(?:option|choice)\s+([A-J])\b", text)
    letter = next((group.upper() for group in found.groups() if group), "") if found else ""
    return Conclusion(ConclusionKind.CHOICE, letter, text) if letter and letter in options else None


def _plain(text: str) -> str:
    kept = "".join(character for character in text.casefold() if character not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", kept).split())

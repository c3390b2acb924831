"""The columns of one row by the names that a reader asks for, and which of them were read.

Headings are read as people write them: "Response A", "response-a" and "responseA" are ``response_a``.
Invariant: every column that a reader looked at is remembered, so that an import can say which ones it left
unused. Non-goal: what the columns mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from blender_ui.exchange.fields import FieldError

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_A_WORD = re.compile(r"[^\w.]+")
_MOST_PATHS = 100
_MOST_INSIDE = 8
"""Of one list or object, such as a chat of many turns."""
STEMS = (
    *("text", "response", "answer", "output", "completion", "reply", "generation"),
    *("responses", "answers", "outputs"),
    *("assistant", "candidate", "option", "summary"),
)
_SIDES = (
    tuple("abcdefghijklmnop"),
    tuple(map(str, range(17))),
    tuple(map(str, range(1, 17))),
    ("left", "right"),
    ("first", "second", "third", "fourth", "fifth"),
    ("one", "two", "three", "four", "five"),
)
"""How the places of answers are called; those from 0 come before those from 1, which they hold."""
_FORMS = ("{stem}_{side}", "{stem}{side}", "{side}_{stem}", "model_{side}_{stem}", "{stem}_model_{side}")
_MODEL_FORMS = (
    *("model_{side}", "model{side}", "{side}_model", "model_name_{side}", "model_{side}_name"),
    *("generator_{side}", "{name}_model", "{name}_generator", "{name}_source"),
)


@lru_cache(maxsize=4096)
def plain_heading(name: str) -> str:
    """A heading in small letters, with ``_`` between its words; itself where nothing would be left."""
    return _NOT_A_WORD.sub("_", _CAMEL.sub("_", name.strip()).casefold()).strip("_") or name


@lru_cache(maxsize=256)
def _plain_headings(names: tuple[str, ...]) -> tuple[str, ...]:
    """Plain headings of a row; two that differ only in what is left out stay as they are."""
    plain = [plain_heading(name) for name in names]
    return tuple(one if plain.count(one) == 1 else name for one, name in zip(plain, names, strict=True))


class Columns(dict[str, Any]):
    """A row's values by plain heading.

    Args:
        values: As the file has them.
        used: Where the names are noted that a reader asks for and the row has; rows of a file share it.
    """

    def __init__(self, values: Mapping[str, Any], used: set[str] | None = None) -> None:
        plain = _plain_headings(tuple(values))
        super().__init__(zip(plain, values.values(), strict=True))
        self.headings = dict(zip(plain, values, strict=True))
        """As the file has them, by plain heading."""
        self.used = set() if used is None else used

    def __getitem__(self, name: str) -> Any:
        """The value, which counts as read."""
        value = dict.__getitem__(self, name)
        self.used.add(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value, which counts as read, or the default."""
        if name not in self:
            return default
        return self[name]

    def first(self, names: Iterable[str]) -> str | None:
        """The first of some names whose value is neither missing nor blank."""
        for name in names:
            if name in self and not is_blank(dict.__getitem__(self, name)):
                return name
        return None


class Sides(NamedTuple):
    """The columns of two answers, and how their sides are called there."""

    texts: tuple[str, str]
    words: tuple[str, str]


class Places(NamedTuple):
    """The columns of two answers or more, and how their places are called there."""

    texts: tuple[str, ...]
    words: tuple[str, ...]


def find_sides(names: frozenset[str]) -> Sides | None:
    """The two columns that hold the answers to compare; None where there is no such pair, or more answers."""
    places = find_places(names)
    if places is None or len(places.texts) != 2:
        return None
    return Sides((places.texts[0], places.texts[1]), (places.words[0], places.words[1]))


@lru_cache(maxsize=1024)
def find_places(names: frozenset[str]) -> Places | None:
    """The columns that hold the answers to compare; None where there are fewer than two."""
    for form, stem in (*((form, stem) for stem in STEMS for form in _FORMS), ("{side}", "")):
        for sides in _SIDES if stem else _SIDES[:1]:
            found = [form.format(stem=stem, side=side) for side in sides]
            held = tuple(takewhile(names.__contains__, found))
            if len(held) > 1:
                return Places(held, sides[: len(held)])
    return None


@lru_cache(maxsize=1024)
def model_columns(sides: Sides | Places) -> tuple[tuple[str, ...], ...]:
    """Names of the columns that may say who wrote each of the answers."""
    return tuple(
        tuple(form.format(side=side, name=name) for form in _MODEL_FORMS)
        for side, name in zip(sides.words, sides.texts, strict=True)
    )


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing; NaN is what tables of numbers have there."""
    if isinstance(value, float):
        return value != value
    return value is None or (isinstance(value, str) and not value.strip())


def as_value(text: Any) -> Any:
    """What a cell's text is as JSON where it is a list or an object; else the cell."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


class Mapped:
    """Columns renamed by hand, and words of a vote translated, before a row's shape is told.

    Args:
        columns: Our name to the file's, such as ``{"prompt": "Frage"}``; a dot leads into an object or a
            list, such as ``outputs.0``. An empty name says that the file has none: ``{"winner": ""}``.
        words: What ``winner`` says to what it means, such as ``{"0": "a", "1": "b"}``.
    """

    def __init__(self, columns: Mapping[str, str], words: Mapping[str, str]) -> None:
        self._columns = dict(columns)
        self._words = {word.casefold().strip(): meaning for word, meaning in words.items()}

    def __eq__(self, other: object) -> bool:
        """Whether both map alike."""
        return isinstance(other, Mapped) and (self._columns, self._words) == (other._columns, other._words)

    def __bool__(self) -> bool:
        """Whether anything is mapped."""
        return bool(self._columns or self._words)

    @property
    def has_no_winner(self) -> bool:
        """Whether a person said that no column tells who won."""
        return self._columns.get("winner") == ""

    def apply(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The row under our names.

        Raises:
            FieldError: If a column is not there.
        """
        taken = {plain_heading(name.split(".")[0]) for name in self._columns.values()} | set(self._columns)
        row = {name: value for name, value in values.items() if plain_heading(name) not in taken}
        row |= {ours: _find(values, theirs) for ours, theirs in self._columns.items() if theirs}
        word = row.get("winner")
        if self._words and not is_blank(word):
            row["winner"] = self._words.get(str(word).casefold().strip(), word)
        return row


def list_paths(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names by which the columns of a row can be mapped, and what lies within them."""
    paths: list[str] = []
    for name, value in values.items():
        paths.append(str(name))
        paths += [f"{name}.{inner}" for inner in _list_inside(as_value(value), depth=2)]
    return tuple(paths[:_MOST_PATHS])


def _list_inside(value: Any, *, depth: int) -> list[str]:
    named = (
        enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, Mapping) else ()
    )
    paths = []
    for step, held in list(named)[:_MOST_INSIDE] if depth else ():
        paths.append(str(step))
        paths += [f"{step}.{inner}" for inner in _list_inside(held, depth=depth - 1)]
    return paths


def _find(values: Mapping[str, Any], path: str) -> Any:
    named = next((name for name in values if path in (name, plain_heading(name))), None)
    if named is not None:
        return values[named]
    value: Any = values
    for step in path.split("."):
        value = as_value(value)
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise FieldError(f"expected a column {path!r}; came {', '.join(map(repr, list(values)[:12]))}")
    return value

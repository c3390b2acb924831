"""Read the fields of a JSON object that came from outside, and say where one is wrong.

Invariant: what a method returns has the type it says. Non-goal: what the fields mean.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from blender_ui.language import mark

_Value = TypeVar("_Value")
_NAMES = {
    dict: mark("an object"),
    list: mark("a list"),
    str: "text",
    bool: "true or false",
    type(None): "null",
}


class FieldError(Exception):
    """Why something is not what it has to be."""


class LeftOut(FieldError):
    """Why a row is not taken although its file is sound: it is counted, and the others come in.

    The reason holds nothing of the row, so that rows can be counted by it. A reader of one form alone
    takes it for a fault.
    """


class Undecidable(FieldError):
    """What every row of a file means is in doubt, so that no row may be skipped for it."""


class TooLong(FieldError):
    """A text is longer than any may be: the rest of such a file is not read."""


def refuse_half_characters(value: Any) -> None:
    """Refuse texts with half of a surrogate pair, which JSON's escapes can spell.

    Raises:
        LeftOut: If there is one; no database or file takes it as text.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise LeftOut("an escape spells half of a surrogate pair, which is no character") from error


def has_words(text: str) -> bool:
    """Whether a text is more than blanks, as far as SQLite counts it: to the first NUL."""
    return bool(text.partition("\0")[0].strip())


class Fields:
    """The fields of one object.

    Args:
        value: What JSON gave.
        place: Where it stands, such as ``labels[3]``; empty for a whole line.
    """

    def __init__(self, value: Any, *, place: str = "") -> None:
        self._place = place
        if not isinstance(value, dict):
            raise self.fault(f"expected an object, came {_name(value)}")
        self._value: Mapping[str, Any] = value

    @property
    def value(self) -> Mapping[str, Any]:
        """The object itself, for fields that may be of any type."""
        return self._value

    def fault(self, reason: str) -> FieldError:
        """A fault at this place."""
        return FieldError(f"{self._place}: {reason}" if self._place else reason)

    def text(self, key: str, *, blank: bool = True) -> str:
        """A text that must be there."""
        text = self._required(key)
        if not isinstance(text, str):
            raise self.fault(f"expected text as {key!r}, came {_name(text)}")
        if not blank and not has_words(text):
            raise self.fault(f"{key!r} is blank")
        return text

    def optional_text(self, key: str) -> str | None:
        """A text, or None where it is absent or null."""
        return None if self._value.get(key) is None else self.text(key)

    def objects(self, key: str) -> Iterator[Fields]:
        """The objects of a list that must be there."""
        items = self._required(key)
        if not isinstance(items, list):
            raise self.fault(f"expected a list as {key!r}, came {_name(items)}")
        return (Fields(item, place=f"{key}[{index}]") for index, item in enumerate(items))

    def index(self, key: str, *, n: int) -> int:
        """A whole number in 0..n-1 that must be there."""
        index = self._required(key)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < n:
            raise self.fault(
                f"expected {key!r} to be the index of one of {n} candidates, came {json.dumps(index)}"
            )
        return index

    def choice(self, key: str, choices: Mapping[str, _Value]) -> _Value:
        """One of the given words that must be there, as what it stands for."""
        word = self.text(key)
        if word not in choices:
            raise self.fault(f"expected {key!r} to be one of {', '.join(choices)}; came {word!r}")
        return choices[word]

    def flag(self, key: str) -> bool | None:
        """True or false, or None where it is absent or null."""
        flag = self._value.get(key)
        if flag is not None and not isinstance(flag, bool):
            raise self.fault(f"expected true or false as {key!r}, came {_name(flag)}")
        return flag

    def number(self, key: str, *, words: Mapping[str, float] | None = None) -> float | None:
        """A finite number or a word for one, or None where it is absent or null."""
        number = self._value.get(key)
        if words is not None and isinstance(number, str):
            return self.choice(key, words)
        if number is None:
            return None
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise self.fault(f"expected a number as {key!r}, came {_name(number)}")
        if not abs(number) <= sys.float_info.max:
            raise self.fault(f"expected a finite number as {key!r}")
        return float(number)

    def _required(self, key: str) -> Any:
        if key not in self._value:
            raise self.fault(f"{key!r} is missing")
        return self._value[key]


def _name(value: Any) -> str:
    return _NAMES.get(type(value), mark("a number"))

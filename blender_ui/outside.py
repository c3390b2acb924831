"""What no text and no number from outside may be, on a page, in an address, a file or a command.

Invariant: what passed here can be kept by either database. SQLite would keep a NUL, PostgreSQL would not, and
neither keeps half of a surrogate pair or a number of more than 64 bits. Non-goal: what a field means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from blender_ui.errors import MalformedInput
from blender_ui.language import tr

Checked = TypeVar("Checked")
LARGEST_NUMBER = 2**63 - 1
"""Of a row, or of anything that a database counts."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def find_fault(text: str) -> str | None:
    """Why no database can keep a text; None where it can."""
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "half of a surrogate pair, which is no character"
    return None


def clean_text(text: str) -> str:
    """A text that nobody can be asked to write again, with a mark for each character that cannot be kept."""
    if find_fault(text) is None:
        return text
    halves = text.replace("\0", REPLACEMENT).encode("utf-16-le", "surrogatepass")
    return halves.decode("utf-16-le", "replace")


def check_values(*values: object) -> None:
    """Look through values as JSON gives them; what is neither text, number, list nor object passes.

    Raises:
        MalformedInput: If a text or a number cannot be kept.
    """
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, int | float):
            _check_number(value)
        elif isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            waiting += value


def check(kind: TypeAdapter[Checked], value: object, what: str) -> Checked:
    """A value as its type says it is, with every field checked.

    Args:
        kind: Holds the bounds of each field.
        value: From a page, a script or the store.
        what: What to call it in errors.

    Raises:
        MalformedInput: With the first field that is wrong, what was expected of it, and what came.
    """
    check_values(value)
    try:
        return kind.validate_python(value)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
    where = " ".join((what, *(str(part).replace("_", " ") for part in error["loc"])))
    expected = re.sub(r"^(Input should be|\w+ should have|Value error,) ", "", error["msg"])
    match error["type"]:
        case "missing":
            raise MalformedInput(tr("{where}: is missing", where=where))
        case "unexpected_keyword_argument":
            raise MalformedInput(tr("{where}: is not known", where=where))
        case "dataclass_type":
            raise MalformedInput(
                tr("{where}: expected fields by name; came {error!r:.80}", where=where, error=error["input"])
            )
        case _:
            raise MalformedInput(
                tr(
                    "{where}: expected {expected}; came {error!r:.80}",
                    where=where,
                    expected=expected,
                    error=error["input"],
                )
            )


def read_id(value: object, what: str = "row") -> int:
    """The number of a row, as a component, a script or an address gives it.

    Raises:
        MalformedInput: If it is none.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    # A string of digits is counted first: Python takes minutes over a million of them.
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19
    number = int(str(value)) if is_number or is_digits else -1
    if not 0 <= number <= LARGEST_NUMBER:
        said = f"{value!r:.40}" if not is_number else "a number that no row has"
        raise MalformedInput(
            tr("expected the number of a {what}, came {said}; choose one from the list", what=what, said=said)
        )
    return number


def _check_text(text: str) -> None:
    fault = find_fault(text)
    if fault is not None:
        raise MalformedInput(
            tr(
                "a text holds {fault}; take it out, or type the text anew: {text!a}",
                fault=fault,
                text=text[:40],
            )
        )


def _check_number(number: float) -> None:
    if not abs(number) <= LARGEST_NUMBER:  # which is false of what is not a number, too
        raise MalformedInput(
            tr(
                "expected numbers of at most {largest_number}, came a larger one or none",
                largest_number=LARGEST_NUMBER,
            )
        )

"""In which of a row's columns it stands who won.

Invariant: a row whose vote stands where it cannot be read is a fault; it is never taken for a pair that
nobody has compared. Non-goals: the words (``exchange.cells.winner_words``), and the texts of a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from blender_ui.exchange.cells.winner_words import (
    WINNER_BY_WORD,
    is_number,
    is_winner,
    plain_word,
    read_winner,
)
from blender_ui.exchange.columns import Columns, as_value, is_blank
from blender_ui.exchange.fields import FieldError
from blender_ui.exchange.records import Winner

_FLAG = "winner_"
_SET_BY_WORD = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_MISSING = ("nan", "n/a", "na", "null", "<na>")
"""How tables write that there is no vote; "none" may also mean neither answer."""
_SURE_HINTS = frozenset(
    (
        *("winner", "wins", "won", "better", "preference", "preferred", "vote", "choice", "verdict"),
        *("judgment", "judgement"),
    )
)
"""Words in a name that mean a vote, if anything does: also within objects, which hold much else."""
_HINTS = _SURE_HINTS | frozenset(
    (
        *("win", "best", "preferences", "prefer", "votes", "voted", "chosen", "selected", "selection"),
        *("picked", "label", "labels", "comparison", "outcome", "result", "score", "scores", "rating"),
        *("ratings", "rank", "ranks", "ranking", "rankings"),
    )
)
"""Words in a column's name that may mean a vote."""
_WORSE = frozenset(("loser", "loses", "losing", "worse", "worst", "dispreferred"))
"""Words in a column's name that mean the side that lost."""
_OTHER: Mapping[Winner, Winner] = {"a": "b", "b": "a"}
_OF_ANSWERS = frozenset(
    (
        *("score", "scores", "rating", "ratings"),
        *("rank", "ranks", "ranking", "rankings", "ranked", "order"),
    )
)
"""Words in a name of numbers or places, one for each answer: a list of them holds no votes."""
_SOMEBODY = re.compile(r"(annotator|rater|judge|labell?er|evaluator|human)_?\d+")
"""A column of one of several people; it may hold a name, too."""
_EXPECTED = (
    "expected 'winner' with a, b, tie, both_bad or a model's name, or winner_model_a, winner_model_b and "
    "winner_tie with 1 and 0. Rename the column that tells who won, and take out those that do not"
)


class Pair(NamedTuple):
    """Two answers, as far as a vote may name them.

    Attributes:
        models: Who wrote them.
        columns: In which they stand.
        answers: Their texts.
    """

    models: tuple[str, str]
    columns: tuple[str, str] | None = None
    answers: Sequence[str] = ()


def find_winner(row: Columns, pair: Pair) -> Winner | None:
    """Who won by a row's columns; None where nobody has compared the two.

    Args:
        row: Empty cells tell nothing.
        pair: What was compared.

    Raises:
        FieldError: If there is a vote that cannot be read, or a column that may hold one.
    """
    flags = _find_flags(tuple(row))
    if str(row.get("winner", "")).strip().casefold() in _MISSING:
        return None
    if row.first(("winner",)):
        winner = read_winner(row["winner"], **pair._asdict())
        if flags and any(not is_blank(row[name]) for name in flags) and _read_flags(row, flags) != winner:
            raise FieldError(f"'winner' is {row['winner']!r}, and {', '.join(flags)} say otherwise")
        return winner
    if flags:
        return _read_flags(row, flags)
    hints = find_hints(row)
    if len(hints) == 1 and not is_number(row[hints[0]]):
        try:
            return read_winner(row[hints[0]], **pair._asdict())
        except FieldError:
            pass  # told below with the column's name
    if not hints and (other := _read_worse(row, pair)) is not None:
        return other
    refuse_hints(row, hints)
    return None


def has_winner(row: Columns) -> bool:
    """Whether who won stands in the columns that are named for it."""
    return row.first(("winner",)) is not None or any(name.startswith(_FLAG) for name in row)


def find_hints(row: Columns) -> list[str]:
    """The columns that may hold a vote and are not blank."""
    return [name for name, value in row.items() if not is_blank(value) and _may_hold(name, value)]


def refuse_hints(row: Columns, hints: Sequence[str]) -> None:
    """Refuse a row whose vote may stand where it cannot be read.

    Raises:
        FieldError: Naming the columns, if there is any.
    """
    hints = [*hints, *_find_worse(row)]
    if hints:
        seen = " and ".join(
            f"{row.headings.get(name, name)!r} with {str(row[name])[:40]}" for name in hints[:4]
        )
        raise FieldError(f"a vote may stand in {seen}; {_EXPECTED}")


def split_votes(row: Columns) -> list[Columns]:
    """The votes of several people that a row keeps in one list; none where it keeps one vote, or none.

    Each is a word, or an object that says who voted, and how.
    """
    lists = {name: as_value(row[name]) for name in find_hints(row)}
    if len(lists) != 1:
        return []
    ((name, votes),) = lists.items()
    if not isinstance(votes, list) or not _OF_ANSWERS.isdisjoint(plain_word(name).split("_")):
        return []
    if all(isinstance(vote, Mapping) for vote in votes):
        return [Columns(vote) for vote in votes]
    return [Columns({"winner": vote}) for vote in votes]


def _find_worse(row: Columns) -> list[str]:
    """The columns that may say who lost and are not blank."""
    return [name for name, value in row.items() if _may_tell_worse(name) and not is_blank(value)]


@lru_cache(maxsize=4096)
def _may_tell_worse(name: str) -> bool:
    return not _WORSE.isdisjoint(plain_word(name).split("_"))


def _read_worse(row: Columns, pair: Pair) -> Winner | None:
    """Who won where one column alone says who lost; None where it does not name one of the two."""
    names = _find_worse(row)
    if len(names) != 1 or is_number(row[names[0]]):
        return None
    try:
        loser = read_winner(row[names[0]], **pair._asdict())
    except FieldError:
        return None
    return _OTHER.get(loser)


@lru_cache(maxsize=256)
def _find_flags(names: tuple[str, ...]) -> Mapping[str, str]:
    """The columns such as ``winner_tie``, and the word in each."""
    words = {name: name.removeprefix(_FLAG) for name in names if name.startswith(_FLAG)}
    return {name: word for name, word in words.items() if plain_word(word) in WINNER_BY_WORD}


def _read_flags(row: Columns, flags: Mapping[str, str]) -> Winner:
    told = {name: _SET_BY_WORD.get(str(row[name]).strip().casefold()) for name in flags}
    chosen = [name for name, is_set in told.items() if is_set]
    if None in told.values() or len(chosen) != 1:
        seen = ", ".join(f"{name} = {row[name]!r}" for name in flags)
        raise FieldError(f"expected one of {', '.join(flags)} to be 1 and the others 0; came {seen}")
    return WINNER_BY_WORD[plain_word(flags[chosen[0]])]


@lru_cache(maxsize=4096)
def may_tell(name: str) -> bool:
    """Whether a column of this name may hold a vote."""
    words = plain_word(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).split("_")
    return not _HINTS.isdisjoint(words)


def _may_hold(name: str, value: Any) -> bool:
    """Whether a column may hold a vote: by its name, or by the names within it."""
    if may_tell(name):
        return True
    value = as_value(value)
    if _SOMEBODY.fullmatch(name):
        return is_number(value) or is_winner(value)
    inside = value if isinstance(value, list) else [value]
    return any(
        isinstance(one, Mapping) and any(_is_sure(key) and not is_blank(one[key]) for key in one)
        for one in inside
    )


def _is_sure(name: Any) -> bool:
    return isinstance(name, str) and not _SURE_HINTS.isdisjoint(plain_word(name).split("_"))

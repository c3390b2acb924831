"""Who won, in the words of other tools, and in which of a row's columns it stands.

Invariant: a word that is not known is a fault, never a default, and a row whose vote stands where it cannot
be read is a fault, too: it is never taken for a pair that nobody has compared. Non-goal: the texts of a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from blender_ui.exchange.columns import Columns, is_blank
from blender_ui.exchange.fields import FieldError, Undecidable
from blender_ui.exchange.records import Winner

_WORDS_OF_A_SIDE: dict[Winner, tuple[str, ...]] = {
    "a": ("a", "left", "first", "1"),
    "b": ("b", "right", "second", "2"),
}
_WINNER_BY_WORD: dict[str, Winner] = {
    **dict.fromkeys(_WORDS_OF_A_SIDE["a"], "a"),
    **dict.fromkeys(_WORDS_OF_A_SIDE["b"], "b"),
    **dict.fromkeys(("model_a", "response_a", "answer_a", "leftvote"), "a"),
    **dict.fromkeys(("model_b", "response_b", "answer_b", "rightvote"), "b"),
    **dict.fromkeys(("tie", "tied", "tievote", "both", "equal", "both_good", "both_are_good"), "tie"),
    **dict.fromkeys(("same", "the_same", "draw", "no_difference", "no_preference", "equally_good"), "tie"),
    **dict.fromkeys(("both_bad", "tie_bothbad", "bothbad", "bothbad_vote", "neither"), "both_bad"),
    **dict.fromkeys(("same_good", "both_equal", "equal_quality", "a_tie", "no_winner"), "tie"),
    **dict.fromkeys(("both_are_equal", "about_the_same", "equally_good_or_bad"), "tie"),
    **dict.fromkeys(("both_are_bad", "equally_bad", "same_bad", "both_wrong"), "both_bad"),
}
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_ANSWER = "(?:model|response|answer|assistant|output|completion|candidate|option|text)"
_SIDE = "|".join(sum(_WORDS_OF_A_SIDE.values(), ()))
_PHRASE = re.compile(
    rf"(?:(?:i_)?(?:prefer|choose|chose|pick|picked)_)?(?:the_)?(?:{_ANSWER}_)?(?P<side>{_SIDE})(?:_{_ANSWER})?"
    r"(?:_(?:is|was))?(?:_the)?(?:_(?:much|far|clearly|slightly|somewhat|significantly|a_bit|a_little))?"
    r"(?:_(?:better|best|preferred|winner|wins|won))?(?:_one)?"
)
_WHOLE_NUMBER = re.compile(r"\s*(-?\d+)(?:\.0+)?\s*")
_ORDER = re.compile(r"[\[(\s]*([AB])\s*(>+|<+|=+|≈|~)\s*([AB])[\])\s]*", re.IGNORECASE)
"""Such as [[A>>B]], as judges write."""
_FLAG = "winner_"
_SET_BY_WORD = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_HINTS = frozenset(
    (
        *(
            "winner",
            "win",
            "wins",
            "won",
            "better",
            "best",
            "preference",
            "preferences",
            "preferred",
            "prefer",
        ),
        *(
            "vote",
            "votes",
            "voted",
            "choice",
            "chosen",
            "selected",
            "selection",
            "picked",
            "verdict",
            "label",
        ),
        *("judgment", "judgement", "comparison", "outcome", "result", "score", "scores", "rating", "ratings"),
        *("rank", "ranks", "ranking"),
    )
)
"""Words in a column's name that may mean a vote."""
_EXPECTED = (
    "expected 'winner' with a, b, tie, both_bad or a model's name, or winner_model_a, winner_model_b and "
    "winner_tie with 1 and 0. Rename the column that tells who won, and take out those that do not"
)


def read_winner(word: Any, *, models: tuple[str, str] | None = None) -> Winner:
    """Who won, by any of the usual words.

    Args:
        word: Such as "a", "left", "2.0", "Response B is better", "tie (bothbad)".
        models: Who wrote the two answers, where their names may be said, too.

    Raises:
        FieldError: If the word is none of them, or a model's name that means the other side as a word.
    """
    text = str(word)
    if order := _ORDER.fullmatch(text):
        return _read_order(order)
    whole = _WHOLE_NUMBER.fullmatch(text)
    key = _NOT_A_WORD.sub("_", (whole[1] if whole else text).casefold()).strip("_")
    phrase = _PHRASE.fullmatch(key)
    by_word = _WINNER_BY_WORD.get(phrase["side"] if phrase else key)
    by_name = None if models is None else _side_of(text, models)
    if by_word and by_name and by_word != by_name:
        raise FieldError(
            f"the winner {word!r} names model {by_name.upper()}'s side, and means side {by_word.upper()}; "
            "expected a or b as winner, or models of other names"
        )
    winner = by_name or by_word
    if winner is None and whole:
        raise Undecidable(
            f"the winner {word!r} is a number that is neither 1 nor 2, so it is not known which side a "
            "number names: say what each means, such as 0 for a and 1 for b"
        )
    if winner is None:
        known = ", ".join(sorted(_WINNER_BY_WORD))
        raise FieldError(f"expected the winner as one of {known}, or as a model's name; came {word!r}")
    return winner


def find_winner(row: Columns, models: tuple[str, str]) -> Winner | None:
    """Who won by a row's columns; None where nobody has compared the two.

    Args:
        row: Empty cells tell nothing.
        models: Who wrote the two answers.

    Raises:
        FieldError: If there is a vote that cannot be read, or a column that may hold one.
    """
    if row.first(("winner",)):
        return read_winner(row["winner"], models=models)
    flags = {name: name.removeprefix(_FLAG) for name in row if name.startswith(_FLAG)}
    flags = {name: word for name, word in flags.items() if _NOT_A_WORD.sub("_", word) in _WINNER_BY_WORD}
    if flags:
        return _read_flags(row, flags)
    hints = [name for name, value in row.items() if not is_blank(value) and may_tell(name)]
    if len(hints) == 1 and not _is_number(row[hints[0]]):
        try:
            return read_winner(row[hints[0]], models=models)
        except FieldError:
            pass  # told below with the column's name
    if hints:
        seen = " and ".join(
            f"{row.headings.get(name, name)!r} with {str(row[name])[:40]}" for name in hints[:4]
        )
        raise FieldError(f"a vote may stand in {seen}; {_EXPECTED}")
    return None


def _read_order(order: re.Match[str]) -> Winner:
    first, sign, second = order[1].casefold(), order[2][0], order[3].casefold()
    if first == second:
        raise FieldError(f"expected an order of A and B, came {order[0]!r}")
    if sign in "=≈~":
        return "tie"
    return "a" if (first if sign == ">" else second) == "a" else "b"


def _read_flags(row: Columns, flags: Mapping[str, str]) -> Winner:
    told = {name: _SET_BY_WORD.get(str(row[name]).strip().casefold()) for name in flags}
    chosen = [name for name, is_set in told.items() if is_set]
    if None in told.values() or len(chosen) != 1:
        seen = ", ".join(f"{name} = {row[name]!r}" for name in flags)
        raise FieldError(f"expected one of {', '.join(flags)} to be 1 and the others 0; came {seen}")
    return read_winner(flags[chosen[0]])


def _side_of(text: str, models: tuple[str, str]) -> Winner | None:
    names = [model.casefold().strip() for model in models]
    name = text.casefold().strip()
    if names[0] == names[1] or name not in names:
        return None
    return "a" if name == names[0] else "b"


@lru_cache(maxsize=4096)
def may_tell(name: str) -> bool:
    """Whether a column of this name may hold a vote."""
    words = _NOT_A_WORD.sub("_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()).split("_")
    return not _HINTS.isdisjoint(words)


def _is_number(value: Any) -> bool:
    """Whether a value is a number, which counts from 0 in one file, from 1 in another, or is a score."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True

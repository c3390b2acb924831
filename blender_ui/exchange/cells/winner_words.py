"""Who won, in the words of other tools.

Invariant: a word that is not known is a fault, never a default, and a number counts only where one file alone
cannot mean two things by it. Non-goal: in which column the word stands (``exchange.cells.verdicts``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from blender_ui.exchange.columns import plain_heading
from blender_ui.exchange.fields import FieldError, Undecidable
from blender_ui.exchange.limits import MOST_OF_A_MODEL, shorten
from blender_ui.exchange.records import Winner

_WORDS_OF_A_SIDE: dict[Winner, tuple[str, ...]] = {
    "a": ("a", "left", "first", "1"),
    "b": ("b", "right", "second", "2"),
}
WINNER_BY_WORD: dict[str, Winner] = {
    **dict.fromkeys(_WORDS_OF_A_SIDE["a"], "a"),
    **dict.fromkeys(_WORDS_OF_A_SIDE["b"], "b"),
    **dict.fromkeys(("model_a", "response_a", "answer_a", "leftvote"), "a"),
    **dict.fromkeys(("model_b", "response_b", "answer_b", "rightvote"), "b"),
    **dict.fromkeys(
        ("tie", "tied", "tievote", "both", "equal", "equals", "both_good", "both_are_good"), "tie"
    ),
    **dict.fromkeys(("same", "the_same", "draw", "even", "no_difference", "no_preference"), "tie"),
    **dict.fromkeys(("same_good", "both_equal", "equal_quality", "equally_good", "no_winner"), "tie"),
    **dict.fromkeys(
        ("both_are_equal", "both_are_equally_good", "about_the_same", "about_equal", "equally_good_or_bad"),
        "tie",
    ),
    **dict.fromkeys(("equivalent", "similar", "comparable", "indifferent", "neutral", "on_par"), "tie"),
    **dict.fromkeys(("tie_both_good", "both_same", "equally_matched"), "tie"),
    **dict.fromkeys(("both_bad", "tie_bothbad", "tie_both_bad", "bothbad", "bothbad_vote"), "both_bad"),
    **dict.fromkeys(
        ("both_are_bad", "both_are_equally_bad", "equally_bad", "same_bad", "both_wrong", "both_poor"),
        "both_bad",
    ),
    **dict.fromkeys(("neither", "neither_good", "neither_is_good", "neither_answer_is_good"), "both_bad"),
    **dict.fromkeys(("both_unacceptable", "both_are_unacceptable", "both_failed"), "both_bad"),
}
_SIDES_FROM_0: dict[str, Winner] = {"0": "a", "1": "b"}
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_ANSWER = "(?:model|response|answer|assistant|output|completion|candidate|option|text)"
_SIDE = "|".join(("0", *_WORDS_OF_A_SIDE["a"], *_WORDS_OF_A_SIDE["b"]))
_HOW = "much|far|clearly|strongly|slightly|somewhat|significantly|a_bit|a_little"
_PHRASE = re.compile(
    rf"(?:i_)?(?:(?:{_HOW})_)?(?:(?:prefer|choose|chose|pick|picked)_)?(?:the_)?"
    rf"(?:{_ANSWER}_)?(?P<side>{_SIDE})(?:_{_ANSWER})?(?:_(?:is|was))?(?:_the)?(?:_(?:{_HOW}))?"
    r"(?:_(?:better|best|preferred|winner|wins|won))?(?:_one)?"
)
_A_TIE = re.compile(r"(?:(?:it_s|it_is|its)_)?(?:a|an)_(?P<word>tie|draw)")
_WHOLE_NUMBER = re.compile(r"\s*([+-]?\d+)(?:\.0+)?\s*")
_NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
_ORDER = re.compile(r"[\[(\s]*([AB])\s*(>+|<+|=+|≈|~)\s*([AB])[\])\s]*", re.IGNORECASE)
"""Such as [[A>>B]], as judges write."""
_JUDGES_TIE = re.compile(r"\s*\[\[\s*C\s*\]\]\s*")
"""MT-bench's judges have A, B, and C for a tie."""
_MOST_NAMED = 300
"""Characters of the known words in a fault."""


def read_winner(
    word: Any,
    *,
    models: tuple[str, str] | None = None,
    columns: tuple[str, str] | None = None,
    answers: Sequence[str] = (),
) -> Winner:
    """Who won, by any of the usual words.

    Args:
        word: Such as "a", "left", "2.0", "Response B is better", "tie (bothbad)".
        models: Who wrote the two answers, where their names may be said, too.
        columns: In which the answers stand, where their names may be said: of ``response_0`` and
            ``response_1``, "response_1" is the second.
        answers: The two texts, where the better one may be said in full.

    Raises:
        Undecidable: If it is a number whose meaning depends on where the file counts from.
        FieldError: If the word is none of them, or a model's name that means the other side as a word.
    """
    if isinstance(word, list | tuple | dict):
        raise FieldError(f"expected one word as the winner, came {str(word)[:60]}")
    text = str(word)
    if order := _ORDER.fullmatch(text):
        return _read_order(order)
    if _JUDGES_TIE.fullmatch(text):
        return "tie"
    name = shorten(text.strip(), MOST_OF_A_MODEL).casefold()
    by_name = None if models is None else _place_of(name, [one.casefold() for one in models])
    by_word = _read_word(text, columns)
    if by_word and by_name and by_word != by_name:
        raise FieldError(
            f"the winner {word!r} names model {by_name.upper()}'s side, and means side {by_word.upper()}; "
            "expected a or b as winner, or models of other names"
        )
    winner = by_name or by_word or _place_of(text, answers)
    if winner is None and _NUMBER.fullmatch(text):
        raise Undecidable(
            f"the winner {word!r} is a number that is not known to count from 1, so it is not known which "
            "side a number names: say what each means, such as 0 for a and 1 for b"
        )
    if winner is None:
        known = ", ".join(sorted(WINNER_BY_WORD))
        raise FieldError(
            f"expected the winner as one of {known[:_MOST_NAMED]}..., or as a model's name; came {word!r}. "
            "Any other word can be mapped to one of these by hand"
        )
    return winner


def is_winner(word: Any) -> bool:
    """Whether a word says who won."""
    try:
        read_winner(word)
    except FieldError:
        return False
    return True


def is_number(value: Any) -> bool:
    """Whether a value is a number, which counts from 0 in one file, from 1 in another, or is a score."""
    return not isinstance(value, list | dict) and _NUMBER.fullmatch(str(value)) is not None


def plain_word(text: str) -> str:
    """A word in small letters, with ``_`` between its parts."""
    return _NOT_A_WORD.sub("_", text.casefold()).strip("_")


def _read_word(text: str, columns: tuple[str, str] | None) -> Winner | None:
    columns = columns and (plain_heading(columns[0]), plain_heading(columns[1]))
    counts_from_0 = columns is not None and columns[0].endswith("0")
    if columns is not None and (side := _place_of(plain_heading(text), columns)):
        return side
    whole = _WHOLE_NUMBER.fullmatch(text)
    if whole or _NUMBER.fullmatch(text):
        # Beside answers 0 and 1 it may be the first or the second that 1 names.
        return None if counts_from_0 or not whole else WINNER_BY_WORD.get(whole[1])
    key = plain_word(text)
    if tie := _A_TIE.fullmatch(key):
        return WINNER_BY_WORD[tie["word"]]
    phrase = _PHRASE.fullmatch(key)
    side_word = phrase["side"] if phrase else key
    if counts_from_0 and side_word.isdecimal():
        return _SIDES_FROM_0.get(side_word)
    return WINNER_BY_WORD.get(side_word)


def _read_order(order: re.Match[str]) -> Winner:
    first, sign, second = order[1].casefold(), order[2][0], order[3].casefold()
    if first == second:
        raise FieldError(f"expected an order of A and B, came {order[0]!r}")
    if sign in "=≈~":
        return "tie"
    return "a" if (first if sign == ">" else second) == "a" else "b"


def _place_of(text: str, names: Sequence[str]) -> Winner | None:
    """Which of two different names a text is."""
    plain = [name.strip() for name in names]
    text = text.strip()
    if len(plain) != 2 or plain[0] == plain[1] or text not in plain:
        return None
    return "a" if text == plain[0] else "b"

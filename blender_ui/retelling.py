"""Says in the language of a request what was stored in English: reasons of failures, faults and decisions.

A reason is kept as an English sentence, which logs, commands and programs read. The catalogue has the form
of each, with numbered places for what it names; a stored sentence is held against these forms, and what
stands in the places is filled into the same form in the other language. Invariant: a sentence that no form
fits is shown as it was stored, and what a reason quotes stays as it is. Non-goal: what is said now
(``language.tr``).
"""

from __future__ import annotations

import re
import string
from functools import cache, lru_cache
from typing import NamedTuple

from blender_ui.language import ENGLISH, language, list_messages, say_separated

FEWEST_LETTERS = 6
"""Of a form's own words: a form of fewer would fit anything."""
N_LETTERS_SHORT, N_LETTERS_ANCHORED, MOST_IN_SHORT = 20, 9, 60
"""A form of fewer letters, of the second where it begins with words, has values of so many characters at
most: it would swallow sentences else."""
LONGEST = 4000
"""Characters of a reason: our own are shorter."""
_DEPTH = 10
_NUMBER = re.compile(r"[+-]?(\d[\d,]*)?\.?\d+")
_PARTS = re.compile(r"(?<=[.;:]) |(?<=\)) (?=\()")


class _Form(NamedTuple):
    """A message with places, in English and in another language."""

    longest: str
    """Its longest run of own words, which a sentence must have."""
    n_letters: int
    pattern: re.Pattern[str]
    specs: tuple[str, ...]
    said: tuple[tuple[str, int | None], ...]
    """Words of the other language, each before the number of a group of the pattern, or None at the end."""


def retell(text: str) -> str:
    """A stored sentence in the request's language; as it is where no message fits it."""
    code = language.get()
    return text if code == ENGLISH or not text or len(text) > LONGEST else _retell(text, code)


@lru_cache(maxsize=4096)
def _retell(text: str, code: str, depth: int = 0) -> str:
    known = list_messages(code).get(text)
    if known:
        return known
    for form in _forms(code):
        if form.longest not in text:
            continue
        found = form.pattern.fullmatch(text)
        if found is not None and all(one.count("(") == one.count(")") for one in found.groups()):
            return _fill(form, found, code, depth)
    if depth >= _DEPTH:
        return text
    if text.endswith(".") and (told := _retell(text[:-1], code, depth + 1)) != text[:-1]:
        return f"{told}."
    told = _retell_parts(text, code, depth)
    return told if told != text else _retell_list(text, code, depth) or text


def _retell_list(text: str, code: str, depth: int) -> str:
    """What "and" or "or" joins, where every part is known; else empty."""
    for joint in (" and ", " or "):
        parts = text.split(joint)
        told = [_retell(part, code, depth + 1) for part in parts] if len(parts) > 1 else []
        if told and all(one != part for one, part in zip(told, parts, strict=True)):
            return _retell(joint, code, _DEPTH).join(told)
    return ""


def _retell_parts(text: str, code: str, depth: int) -> str:
    """Sentences, and clauses behind a colon or a semicolon, each by itself."""
    for cut in _PARTS.finditer(text):
        head, rest = text[: cut.start()], text[cut.end() :]
        told = _retell(head, code, _DEPTH)
        if told == head:  # its last sign may be none of its message
            told = _retell(head[:-1], code, _DEPTH) + head[-1]
        after = _retell(rest, code, depth + 1)
        if (told, after) != (head, rest):
            return f"{told} {after}"
    return text


def _fill(form: _Form, found: re.Match[str], code: str, depth: int) -> str:
    filled = []
    for words, group in form.said:
        filled.append(words)
        if group is not None:
            value, spec = found[group + 1], form.specs[group]
            if spec and _NUMBER.fullmatch(value):
                filled.append(say_separated(value, code))
            elif " " in value.strip() and depth < _DEPTH and not value.startswith(("'", '"')):
                filled.append(_retell(value, code, depth + 1))
            else:
                filled.append(value)
    return "".join(filled)


@cache
def _forms(code: str) -> tuple[_Form, ...]:
    """Every message with places; those with most words of their own first."""
    made = (_make(message, said) for message, said in list_messages(code).items() if "{" in message)
    found = [form for form in made if form is not None]
    return tuple(sorted(found, key=lambda form: -form.n_letters))


def _make(message: str, said: str) -> _Form | None:
    try:
        parts = list(string.Formatter().parse(message))
        other = list(string.Formatter().parse(said))
    except ValueError:  # braces that are none of a place
        return None
    own = [words for words, *_ in parts]
    n_letters = sum(one.isalpha() for words in own for one in words)
    is_short = n_letters < (N_LETTERS_ANCHORED if own[0].strip() else N_LETTERS_SHORT)
    value = f".{{0,{MOST_IN_SHORT}}}?" if is_short else ".*?"
    names = [name for _, name, _, _ in parts if name is not None]
    if n_letters < FEWEST_LETTERS or not names:
        return None
    pattern = "".join(
        re.escape(words)
        + ("" if name is None else f"({value})" if name not in names[:number] else f"(?:{value})")
        for number, (words, name, _, _) in enumerate(parts)
    )
    group_of = {name: place for place, name in enumerate(dict.fromkeys(names))}
    specs = {name: spec or "" for _, name, spec, _ in parts if name is not None}
    return _Form(
        max(own, key=len),
        n_letters,
        re.compile(pattern, re.DOTALL),
        tuple(specs[name] for name in group_of),
        tuple((words, None if name is None else group_of.get(name)) for words, name, _, _ in other),
    )

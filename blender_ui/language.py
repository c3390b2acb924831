"""The language of the request that is handled, and what the app says in it.

A message is written in English where it is said, and that text is its id; a catalogue a language, in
``assets/languages``, has the same in that language. Invariant: outside of a person's request the language
is English, so what is stored, logged, exported and answered to programs is English; a message that a
catalogue lacks is said in English. Non-goals: prompts, answers, names, and which languages a person reads.
"""

from __future__ import annotations

import gettext
import io
import string
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from blender_ui.shipped import find_shipped

if TYPE_CHECKING:
    from babel import Locale

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch"}
"""What each calls itself, by code."""

COOKIE = "blender-ui-language"
"""Where a browser keeps the language that a person chose."""

language: ContextVar[str] = ContextVar("language", default=ENGLISH)
"""Code of the language of the request that is being handled."""


def choose_language(accepted: str | None, cookies: str | None) -> str:
    """The language to answer in.

    Args:
        accepted: The request's ``Accept-Language``.
        cookies: The request's ``Cookie``; the language that was chosen goes before what is accepted.

    Returns:
        A code of ``LANGUAGES``; English where nothing else is asked for.
    """
    for cookie in (cookies or "").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE and value in LANGUAGES:
            return value
    wished = sorted(_read_accepted(accepted or ""), key=lambda wish: -wish[1])
    return next((code for code, weight in wished if code in LANGUAGES and weight > 0), ENGLISH)


def _read_accepted(accepted: str) -> Iterator[tuple[str, float]]:
    """Languages without their countries, and their weights; what cannot be read is left out."""
    for entry in accepted.split(","):
        name, _, quality = entry.partition(";")
        weight = quality.strip().removeprefix("q=") or "1"
        try:
            yield name.strip().lower().partition("-")[0], float(weight)
        except ValueError:
            continue


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Say what is said inside in a language."""
    token = language.set(code)
    try:
        yield
    finally:
        language.reset(token)


def mark(message: str) -> str:
    """The message itself: says that it is one where ``tr`` is called elsewhere."""
    return message


def tr(message: str, /, **values: Any) -> str:
    """A message in the request's language.

    Args:
        message: In English. With values it is a format string; without, it is taken as it is.
        values: What it names in braces. A number with a format has that language's separators.
    """
    code = language.get()
    if code != ENGLISH and message:
        message = _open(code).gettext(message)
    return _FILLERS[code].format(message, **values) if values else message


def trn(one: str, many: str, n: int, /, **values: Any) -> str:
    """A message that depends on a number.

    Args:
        one: In English, for one; may name ``{n}``.
        many: In English, for any other number.
        n: The number.
        values: As of ``tr``.
    """
    code = language.get()
    message = (one if n == 1 else many) if code == ENGLISH else _open(code).ngettext(one, many, n)
    return _FILLERS[code].format(message, n=n, **values)


def say_number(value: float, form: str = ",") -> str:
    """A number with the separators of the request's language.

    Args:
        value: The number.
        form: As ``format`` takes it, such as ``,`` or ``.1%``.
    """
    return _FILLERS[language.get()].format_field(value, form)


def say_range(low: float, high: float, form: str) -> str:
    """An interval in words, each end as of ``say_number``."""
    return tr("{low} to {high}", low=say_number(low, form), high=say_number(high, form))


def separators() -> str | None:
    """Decimal point and group separator of figures, as plotly takes them; None for English, its own."""
    from babel import numbers

    code = language.get()
    if code == ENGLISH:
        return None
    return numbers.get_decimal_symbol(_locale(code)) + numbers.get_group_symbol(_locale(code))


def list_messages(code: str) -> dict[str, str]:
    """The messages without a number that a language's catalogue has, by what they are in English."""
    catalogue = _open(code)
    kept: dict[Any, str] = getattr(catalogue, "_catalog", {})
    return {message: said for message, said in kept.items() if isinstance(message, str) and message}


class _Filler(string.Formatter):
    """Fills values into a message; numbers that have a format get the language's separators."""

    def __init__(self, code: str) -> None:
        self._code = code

    def format_field(self, value: Any, form: str) -> str:
        text = format(value, form)
        if self._code == ENGLISH or not form or not isinstance(value, Real):
            return str(text)
        return _separate(text, self._code)


_FILLERS = {code: _Filler(code) for code in LANGUAGES}


def _separate(text: str, code: str) -> str:
    from babel import numbers

    locale = _locale(code)
    groups, point = numbers.get_group_symbol(locale), numbers.get_decimal_symbol(locale)
    percent = str(locale.percent_formats[None].suffix[0])
    return text.translate({ord(","): groups, ord("."): point}).replace("%", percent)


def say_separated(number: str, code: str) -> str:
    """A number that was written in English, with the separators of a language."""
    return number if code == ENGLISH else _separate(number, code)


@cache
def _locale(code: str) -> Locale:
    from babel import Locale

    return Locale.parse(code)


@cache
def _open(code: str) -> gettext.GNUTranslations:
    """A language's catalogue; read when it is first needed, which takes a moment."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (find_shipped("assets") / "languages" / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)

"""A request's language, messages with values and numbers, and the catalogues."""

from __future__ import annotations

import re

import numpy as np
import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po

from blender_ui.language import (
    ENGLISH,
    LANGUAGES,
    choose_language,
    say_number,
    say_range,
    separators,
    speaking,
    tr,
    trn,
)
from blender_ui.messages import find_messages, is_translated, make_template, reads_as_words
from blender_ui.shipped import find_shipped

OTHERS = [code for code in LANGUAGES if code != ENGLISH]


@pytest.mark.parametrize(
    ("accepted", "cookies", "code"),
    [
        (None, None, "en"),
        ("de-AT,de;q=0.9,en;q=0.8", None, "de"),
        ("fr,en;q=0.5,de;q=0.7", None, "de"),
        ("fr-CA, es;q=0.5", None, "en"),
        ("en-GB,de;q=0.9", None, "en"),
        ("de;q=0,en", None, "en"),
        ("de", "theme=dark; blender-ui-language=en", "en"),
        ("en", "blender-ui-language=de", "de"),
        ("de", "blender-ui-language=../../etc", "de"),
        (";;q=x,,de;q=?", None, "en"),
    ],
)
def test_what_was_chosen_goes_before_what_the_browser_accepts(
    accepted: str | None, cookies: str | None, code: str
) -> None:
    assert choose_language(accepted, cookies) == code


def test_without_a_request_the_app_speaks_english() -> None:
    said = tr("{n_wins} of {n_rivals}", n_wins=1, n_rivals=3)
    assert (said, tr("No vote"), say_number(1234), say_number(0.714, ".1%")) == (
        "1 of 3",
        "No vote",
        "1,234",
        "71.4%",
    )
    assert separators() is None


def test_a_message_without_values_keeps_its_braces() -> None:
    assert tr("a {name} and {{ more") == "a {name} and {{ more"


def test_german_has_its_own_words_and_separators() -> None:
    with speaking("de"):
        assert tr("No vote") == "Keine Stimme"
        assert tr("{n:,} votes", n=1234567) == "1.234.567 Stimmen"
        assert say_number(0.714, ".1%") == "71,4\xa0%"
        assert tr("{n:,} votes", n=np.int64(1234)) == "1.234 Stimmen"
        assert say_range(-1.5, 2.25, "+.2f") == "-1,50 bis +2,25"
        assert separators() == ",."
        assert tr("a sentence that no catalogue has") == "a sentence that no catalogue has"
        assert tr("") == ""
    assert tr("No vote") == "No vote"


def test_a_text_in_a_message_keeps_its_dots() -> None:
    with speaking("de"):
        assert tr("{terms} is saved.", terms="v1.5, 50%") == "v1.5, 50% ist gespeichert."


@pytest.mark.parametrize(("code", "said"), [("en", ["1 pair", "2 pairs"]), ("de", ["1 Paar", "2 Paaren"])])
def test_a_message_depends_on_its_number(code: str, said: list[str]) -> None:
    with speaking(code):
        assert [trn("{n:,} pair", "{n:,} pairs", n) for n in (1, 2)] == said


def read_catalogue(code: str) -> Catalog:
    with (find_shipped("assets") / "languages" / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


def fields(text: str) -> list[str]:
    return sorted(re.findall(r"\{[^{}]*\}", text))


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_every_message_and_no_other(code: str) -> None:
    """``python -m blender_ui.messages`` adds what is missing; then it is to be translated."""
    catalogue, template = read_catalogue(code), make_template()
    ids = {message.id for message in catalogue if message.id}
    assert ids == {message.id for message in template if message.id}
    assert [message.id for message in catalogue if message.id and not is_translated(message)] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_names_the_same_values(code: str) -> None:
    wrong = []
    for message in read_catalogue(code):
        texts = message.id if isinstance(message.id, list | tuple) else (message.id,)
        said = message.string if isinstance(message.string, list | tuple) else (message.string or "",)
        pairs = zip(texts, said, strict=True)
        wrong += [text for text, other in pairs if message.id and fields(other) != fields(text)]
    assert wrong == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_begins_and_ends_as_its_message(code: str) -> None:
    wrong = []
    for message in read_catalogue(code):
        if isinstance(message.id, str) and message.id and isinstance(message.string, str):
            edges = [(text[:1].isspace(), text[-1:].isspace()) for text in (message.id, message.string)]
            if edges[0] != edges[1]:
                wrong.append(message.id)
    assert wrong == []


def test_messages_are_found_wherever_they_are_said() -> None:
    by_text = {message.text: files for message, files in find_messages().items()}
    assert "blender_ui/ui/asking/layout.py" in by_text["Enter sends, Shift+Enter begins a new line"]
    assert "assets/label.js" in by_text["No connection to the server."]
    assert "assets/label.html" in by_text["Nothing to label"]
    assert "assets/guidelines.md" in by_text["Right first."]
    assert "blender_ui/services/people/accounts.py" in by_text["This account is disabled. Ask an admin."]
    assert "{n:,} votes" in by_text


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("Ask", True),
        ("No pair has two labels yet.", True),
        ("bu-columns bu-minor", False),
        ("<p>Hello there</p>", False),
        ("text/html; charset=utf-8", False),
        ("blend", False),
    ],
)
def test_a_constant_that_reads_as_words_is_a_message(text: str, is_read: bool) -> None:
    assert reads_as_words(text) is is_read

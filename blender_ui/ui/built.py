"""What the pages are built of once, in each language.

Gradio draws components when the app starts, when nobody has asked yet. Their words are English then, and
each is a message. The configuration that a page loads is translated when a language is first asked for and
kept. Invariant: only what a component says is translated, never a value that comes back to a handler; in
English the configuration is the one that Gradio made. Non-goal: what handlers say later, which they say in
the request's language.
"""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Callable
from typing import Any

from blender_ui.language import ENGLISH, list_messages, speaking, tr
from blender_ui.messages import list_script_messages
from blender_ui.ui.words import NAMES

SAID = ("label", "info", "placeholder", "description")
"""Properties of any component that are words of its own."""
SAYS_VALUE = frozenset({"button", "downloadbutton", "uploadbutton"})
"""Components whose value is a word."""
DRAWN = ("value", "html_template")
"""Properties that are HTML of ours, in components of the type ``html``."""
_TEXT = re.compile(r">([^<>]+)<")
_ATTRIBUTE = re.compile(r'(?<= )(aria-label|title|placeholder)="([^"]+)"')


class Built:
    """The configuration by language.

    Args:
        config: As Gradio made it, in English.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._by_language = {ENGLISH: config}

    def read(self, code: str) -> dict[str, Any]:
        """The configuration in a language."""
        if code not in self._by_language:
            with speaking(code):
                self._by_language[code] = _translate(self._by_language[ENGLISH], code)
        return self._by_language[code]


def _translate(config: dict[str, Any], code: str) -> dict[str, Any]:
    translated = {**config, "components": copy.deepcopy(config["components"])}
    for component in translated["components"]:
        _translate_properties(component["type"], component["props"])
    translated["head"] = _hand_over(code) + (config.get("head") or "")
    return translated


def _translate_properties(kind: str, properties: dict[str, Any]) -> None:
    for name in SAID:
        _replace(properties, name, tr)
    if kind in SAYS_VALUE:
        _replace(properties, "value", tr)
    if kind == "html":
        for name in DRAWN:
            _replace(properties, name, translate_html)
    choices = properties.get("choices")
    if isinstance(choices, list):
        properties["choices"] = [
            (tr(word) if isinstance(word, str) else word, value) for word, value in choices
        ]


def _replace(properties: dict[str, Any], name: str, say: Callable[[str], str]) -> None:
    said = properties.get(name)
    if isinstance(said, str) and said:
        properties[name] = say(said)


def translate_html(drawn: str) -> str:
    """HTML of ours with each text that is a message in the request's language."""
    drawn = _TEXT.sub(lambda found: f">{_say(found[1])}<", drawn)
    return _ATTRIBUTE.sub(lambda found: f'{found[1]}="{_say(found[2])}"', drawn)


def _say(escaped: str) -> str:
    """An escaped text, which may be broken into lines; white space around it stays."""
    text = " ".join(html.unescape(escaped).split())
    said = tr(text)
    if said == text:
        return escaped
    before = escaped[: len(escaped) - len(escaped.lstrip())]
    after = escaped[len(escaped.rstrip()) :]
    return before + html.escape(said) + after


def _hand_over(code: str) -> str:
    """The messages of the pages' scripts for ``assets/language.js``."""
    known = list_messages(code)
    kept = {message: known[message] for message in (*list_script_messages(), *NAMES) if message in known}
    told = json.dumps({"code": code, "messages": kept}, ensure_ascii=False)
    return f'<meta name="blender-ui-language" content="{html.escape(told)}">'

"""Separates a reasoning model's thinking, between tags, from its answer.

Invariant: every character but the tags is either thinking or answer, in the order it came; tags
that an answer writes about, in code, in quotes or within a sentence, are text. Non-goal: thinking
that comes in a field of its own, which needs no telling apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_CLOSING = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "◁think▷": "◁/think▷",
    "[THINK]": "[/THINK]",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|channel|>analysis<|message|>": "<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|inner_prefix|>": "<|inner_suffix|>",
    "<longcat_think>": "</longcat_think>",
    "<unused94>": "<unused95>",
}
_TAGS = (*_CLOSING, *_CLOSING.values())
_TAG = re.compile("|".join(re.escape(tag) for tag in _TAGS))
_LONGEST = max(map(len, _TAGS))
_PREFIXES = frozenset(tag[:n] for tag in _TAGS for n in range(1, len(tag) + 1))
_BEGINNING = re.compile(f"[{re.escape(''.join({tag[0] for tag in _TAGS}))}]")
_MARK = re.compile(r"<[^>]+>|\[[^\]]+\]|◁[^▷]+▷")
_QUOTES = "`'\"“”‘’«»"
_IN_SENTENCE = " \t.,;:)?!"


def opened_by(prompt: str) -> str:
    """The tag with which a prompt, as its chat template writes it, has begun the thinking; else nothing."""
    return next((tag for tag in _CLOSING if prompt.rstrip().endswith(tag)), "")


def marks_among(special_tokens: Iterable[str]) -> frozenset[str]:
    """The tokens of a tokenizer that stand around thinking, of those that are left out of a text."""
    known = frozenset(special_tokens)
    pairs = (frozenset(_MARK.findall(opening + closing)) for opening, closing in _CLOSING.items())
    return frozenset().union(*(marks for marks in pairs if marks <= known))


class Piece(NamedTuple):
    """What a piece of the content adds to the answer and to the thinking."""

    text: str
    thinking: str
    """With the text that was given before, where it ``restarts``."""
    restarts: bool
    """What was given before was thinking after all: its end came, and its beginning never had."""


class ThinkingFilter:
    """Reads one answer's content piece by piece."""

    def __init__(self) -> None:
        self.thinking = ""
        """What was thought so far."""
        self._answer = ""
        self._blanks = ""
        """What stands before the first word, which belongs to the answer if no tag follows."""
        self._rest = ""
        """What may be the beginning of a tag."""
        self._opened = ""
        """The tag behind which we are; empty outside."""
        self._inside = ""
        """What stands behind that tag and is not yet known to be thinking."""
        self._has_thought = False
        self._n_restarts = 0

    @property
    def text(self) -> str:
        """The answer, if nothing more comes."""
        return self._answer and self._answer + self._opened + self._inside + self._rest

    def feed(self, content: str) -> Piece:
        """Take the next piece of the content."""
        return self._take(content, is_end=False)

    def end(self) -> Piece:
        """The content is over: gives what was kept back."""
        return self._take("", is_end=True)

    def _take(self, content: str, *, is_end: bool) -> Piece:
        n_given, n_thought, n_restarts = len(self._answer), len(self.thinking), self._n_restarts
        self._rest += content
        while self._step(is_end=is_end):
            pass
        if is_end:
            self._close()
        restarts = self._n_restarts > n_restarts
        text = self._answer if restarts else self._answer[n_given:]
        return Piece(text, self.thinking[n_thought:], restarts)

    def _close(self) -> None:
        """What was opened never ends."""
        if self._opened and self._answer:
            # Behind words of the answer: rather too much than an answer with a hole.
            self._answer += self._opened + self._inside
        else:
            self.thinking += self._inside
        self._opened = self._inside = ""

    def _step(self, *, is_end: bool) -> bool:
        """Decide on the next part of what has come; whether there may be more to decide on."""
        if self._opened:
            return self._leave()
        found = _TAG.search(self._rest)
        if found is None:
            self._say(len(self._rest) - (0 if is_end else _n_undecided(self._rest)))
            return False
        self._say(found.start())
        tag, after = found[0], self._rest[len(found[0]) :][:1]
        if self._answer and not after and not is_end:
            return False  # The next character tells whether the answer writes about the tag.
        self._rest = self._rest[len(tag) :]
        is_unpaired = tag not in _CLOSING and self._has_thought
        if is_unpaired or (self._answer and _is_text(self._answer, after)):
            self._answer += tag
        else:
            self._note(tag)
        return True

    def _note(self, tag: str) -> None:
        self._has_thought, self._blanks = True, ""
        if tag in _CLOSING:
            self._opened, self._inside = tag, ""
            return
        # Some chat templates write the opening tag into the prompt, and only its end comes.
        self.thinking += self._answer
        self._n_restarts += bool(self._answer)
        self._answer = ""

    def _leave(self) -> bool:
        closing, start = _CLOSING[self._opened], max(0, len(self._inside) - _LONGEST)
        self._inside, self._rest = self._inside + self._rest, ""
        end = self._inside.find(closing, start)
        if end >= 0:
            self.thinking += self._inside[:end]
            self._rest = self._inside[end + len(closing) :]
            self._opened = self._inside = ""
            return True
        if not self._answer:  # Behind words of the answer it is thinking only if it ends.
            n_known = len(self._inside) - _n_undecided(self._inside)
            self.thinking += self._inside[:n_known]
            self._inside = self._inside[n_known:]
        return False

    def _say(self, n_characters: int) -> None:
        text, self._rest = self._rest[:n_characters], self._rest[n_characters:]
        if not self._answer:
            text, self._blanks = self._blanks + text, ""
            if not text.strip():
                self._blanks = text
                return
            text = text.lstrip() if self._has_thought else text
        self._answer += text


def _n_undecided(text: str) -> int:
    """Characters at the end of a text that may be the beginning of a tag."""
    # Almost every piece of an answer ends here: no tag can have begun where none of its first characters is.
    begin = next(_BEGINNING.finditer(text, max(0, len(text) - _LONGEST)), None)
    if begin is None:
        return 0
    return next((len(text) - at for at in range(begin.start(), len(text)) if text[at:] in _PREFIXES), 0)


def _is_text(before: str, after: str) -> bool:
    """Whether an answer writes about a tag that stands between these."""
    line = before.rpartition("\n")[2]
    if before.count("```") % 2 or line.count("`") % 2:
        return True
    if before[-1] in _QUOTES and after and after in _QUOTES:
        return True
    return before[-1] in " \t" and bool(after) and after in _IN_SENTENCE

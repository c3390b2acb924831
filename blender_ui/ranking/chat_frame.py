"""A prompt as the token ids of a chat, within a reader's room.

Invariant: text that looks like a control token is read as text; the last question keeps its room and the
history is cut from its oldest end; a prompt without history reads as if there were no conversations.
Non-goal: answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from blender_ui.values import Message, RankingPrompt

_SLOT = "\u2042slot\u2042"
_BARE_TURN, _BARE_ANSWER = f"Question: {_SLOT}", "\n\nAnswer: "


class PromptIds(NamedTuple):
    """A prompt's ids, control tokens included, and whether some of its text had no room."""

    ids: list[int]
    is_cut: bool


class ChatFrame:
    """What stands around a conversation's texts, by a tokenizer's chat template if it has one.

    Attributes:
        before: Control tokens before a conversation's first text.
        after: Those after the last question, before its answer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        template = self._render(1)
        before, _, after = template.partition(_SLOT)
        self.before, self.after = self._control(before), self._control(after)

    def encode(self, text: str) -> list[int]:
        """Tokenise what a person or a member wrote; nothing in it becomes a control token."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return ids

    def prompt_ids(self, prompt: RankingPrompt, *, most: int) -> PromptIds:
        """A prompt's ids.

        Args:
            prompt: Its last question first takes what it needs, then its history from the latest answer
                back.
            most: Tokens of text; the control tokens between the history's texts count, too.
        """
        asked = self.encode(_turn_text(prompt.instruction, prompt.input))
        history, is_cut = self._history_ids(prompt.history, room=most - len(asked))
        return PromptIds(self.before + history + asked[:most] + self.after, is_cut or len(asked) > most)

    def _history_ids(self, messages: Sequence[Message], *, room: int) -> PromptIds:
        exchanges, lead = _exchanges(messages)
        ids, is_cut = _last(self.encode(f"{lead}\n\n") if lead else [], room)
        room -= len(ids)
        for said, answered in reversed(exchanges):
            to_answer, to_question = self._between
            room -= len(to_answer) + len(to_question)
            if room <= 0 or is_cut:
                return PromptIds(ids, True)
            answer, is_answer_cut = _last(self.encode(answered), room)
            question, is_cut = _last(self.encode(said), room - len(answer))
            is_cut = is_cut or is_answer_cut
            room -= len(answer) + len(question)
            ids = question + to_answer + answer + to_question + ids
        return PromptIds(ids, is_cut)

    @cached_property
    def _between(self) -> tuple[list[int], list[int]]:
        """Control tokens between a question and its answer, and between that and the next question."""
        parts = self._render(2).split(_SLOT)
        if len(parts) == 4:
            return self._control(parts[1]), self._control(parts[2])
        # The template leaves earlier texts out, or changes them.
        return self.after, [self._tokenizer.eos_token_id, *self.before]

    def _render(self, n_questions: int) -> str:
        """A conversation of so many questions as text, with slots for what is said."""
        if not self._tokenizer.chat_template:
            turn = _BARE_TURN + _BARE_ANSWER
            return f"{_SLOT}\n\n".join([turn] * n_questions)
        said = [{"role": "user", "content": _SLOT}, {"role": "assistant", "content": _SLOT}]
        turns = (said * n_questions)[:-1]
        text: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text

    def _control(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids


def _last(ids: list[int], room: int) -> PromptIds:
    return PromptIds(ids[max(0, len(ids) - max(0, room)) :], len(ids) > max(0, room))


def _exchanges(history: Sequence[Message]) -> tuple[list[tuple[str, str]], str]:
    """What the user said and what was answered, the oldest first, as every chat template takes it.

    What system and tools said goes with what the user says next; for the last question that is the text
    beside the exchanges.
    """
    exchanges: list[tuple[str, str]] = []
    said: list[str] = []
    for message in history:
        if message.role == "assistant":
            exchanges.append(("\n\n".join(said), message.content))
            said = []
        else:
            said.append(_turn_text(message.content, message.input))
    return exchanges, "\n\n".join(said)


def _turn_text(instruction: str, input: str) -> str:
    return f"{instruction}\n\n{input}" if input else instruction

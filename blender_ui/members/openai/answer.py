"""Reads one answer out of the OpenAI protocol: documents in, pieces and typed failures out.

Invariant: whatever an endpoint says is either part of the answer or a ``MemberError`` of one kind
with the text so far, and can be encoded; a model's thinking goes beside it, never into it. Non-goal:
the network.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from blender_ui.errors import MemberError
from blender_ui.members.openai.errors import EndpointError, EndpointFailure, find_error, read_error
from blender_ui.members.protocol import Chunk, Usage
from blender_ui.members.thinking import Piece, ThinkingFilter
from blender_ui.outside import clean_text

_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks")
_WORDS = ("thinking", "reasoning", "text", "summary", "content")
"""Where a part of thinking has its words; a sealed part has none."""
_STOP = {"eos", "eos_token", "end_turn", "end", "complete", "stop_sequence", "finished"}
_LENGTH = {"max_tokens", "max_output_tokens", "model_length", "max_length", "model_context_window_exceeded"}
_FILTER = {
    "content_filter", "content_filtered", "safety", "image_safety", "sensitive", "recitation", "blocklist",
    "prohibited_content", "spii", "guardrail_intervened", "error_toxic", "refusal", "moderation", "language",
}  # fmt: skip
_BROKEN = {
    "error",
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "network_error",
    "insufficient_system_resource",
}
_MAX_REASON = 32


class _Counts(NamedTuple):
    n_prompt_tokens: int | None = None
    n_tokens: int | None = None


class Answer:
    """One answer as it grows.

    Args:
        name: The member's, for messages.
        began_at: ``time.monotonic()`` of the asking.
    """

    def __init__(self, name: str, *, began_at: float) -> None:
        self.began_at = began_at
        self.finish_reason: str | None = None
        """None until the endpoint has said that the answer is whole."""
        self.is_alive = False
        """Whether the model has begun: to answer, or to think."""
        self._name = name
        self._content = ThinkingFilter()
        self._thoughts = ""
        """What came in fields of its own; the thinking between tags is in ``_content``."""
        self._refusal = ""
        self._n_pieces = 0
        self._first_at: float | None = None
        self._counts = _Counts()

    @property
    def text(self) -> str:
        """What has come so far of the answer."""
        return self._content.text

    def take(self, document: object) -> Chunk | None:
        """Read one document; gives its text as a chunk, or None where it brings none.

        Raises:
            MemberError: If the document is an error or not of the protocol.
        """
        if (error := find_error(document)) is not None:
            raise self.failure_of(read_error(error))
        n_thought = len(self._thoughts)
        try:
            content = self._read(document)
            # Half of a surrogate pair, which JSON can escape, could not be stored.
            f"{content}{self._thoughts[n_thought:]}{self._refusal}{self.finish_reason}".encode()
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            found = json.dumps(document)[:200]
            reason = f"expected an event of an OpenAI stream, found {found!r}"
            raise self.failure("bad_response", reason) from error
        # One character that cannot be kept is no reason to lose the rest.
        thoughts = clean_text(self._thoughts[n_thought:])
        self.is_alive = self.is_alive or bool(content or thoughts)
        piece = self._content.feed(clean_text(content)) if content else Piece("", "", restarts=False)
        return self._chunk(piece._replace(thinking=thoughts + piece.thinking))

    def note_done(self) -> None:
        """The stream has said that it is at its end; some endpoints give no other reason."""
        self.finish_reason = self.finish_reason or "stop"

    def last_chunks(self) -> Iterator[Chunk]:
        """The chunks that end a whole answer.

        Raises:
            MemberError: If the answer is empty, was never said to be whole, or was cut by somebody
                other than its own limit.
        """
        if chunk := self._chunk(self._content.end()):
            yield chunk
        if self.finish_reason is None:
            raise self.failure("crashed", "the connection closed before the end of the answer")
        if self.finish_reason == "content_filter":
            raise self.failure("refused", "a content filter of the endpoint cut the answer (content_filter)")
        if self.finish_reason in _BROKEN:
            raise self.failure("crashed", f"the endpoint gave the answer up ({self.finish_reason})")
        if not self.text.strip():
            raise self._emptiness()
        now = time.monotonic()
        usage = Usage(
            n_prompt_tokens=self._counts.n_prompt_tokens,
            n_tokens=self._counts.n_tokens,
            finish_reason=self.finish_reason,
            first_token_seconds=(self._first_at or now) - self.began_at,
            seconds=now - self.began_at,
        )
        n_tokens = self._n_pieces if usage.n_tokens is None else usage.n_tokens
        yield Chunk("", n_tokens, usage)

    def failure(self, kind: str, reason: str) -> MemberError:
        """An error of this answer, with its text so far."""
        return MemberError(self._said(reason), kind=kind, partial_text=self.text)

    def failure_of(self, error: EndpointError) -> EndpointFailure:
        """An error that the endpoint gave in place of the answer's rest."""
        return EndpointFailure(self._said(error.reason), error=error, partial_text=self.text)

    def _said(self, reason: str) -> str:
        return clean_text(f"{self._name}: {reason}".encode(errors="backslashreplace").decode())

    def _emptiness(self) -> MemberError:
        if self._refusal:
            return self.failure("refused", f"the model declined: {self._refusal}")
        n_thought = len(self._thoughts) + len(self._content.thinking)
        if n_thought or self.is_alive:
            n_tokens = self._counts.n_tokens
            extent = f"{n_tokens} tokens" if n_tokens else f"{n_thought} characters"
            advice = "raise max_tokens" if self.finish_reason == "length" else "ask it again"
            return self.failure("empty", f"it thought for {extent} and gave no answer; {advice}")
        reason = "" if self.finish_reason == "stop" else f" (finish_reason {self.finish_reason})"
        return self.failure("empty", f"the answer is empty{reason}")

    def _chunk(self, piece: Piece) -> Chunk | None:
        if not any(piece):
            return None
        if piece.restarts:
            self._first_at = None
        if piece.text and self._first_at is None:
            self._first_at = time.monotonic()
        self._n_pieces += 1
        return Chunk(piece.text, self._n_pieces, restarts=piece.restarts, thinking=piece.thinking)

    def _read(self, document: Any) -> str:
        """Note what a document says besides the answer's text, which it gives."""
        self._note_usage(document.get("usage"))
        choices = document.get("choices") or []
        # Who asks for several answers gets their pieces mixed; the first one's are this answer's.
        choice = next((choice for choice in choices if not choice.get("index")), None)
        if choice is None:
            return ""
        self._note_usage(choice.get("usage"))
        self.finish_reason = _finish_reason(choice.get("finish_reason")) or self.finish_reason
        if error := choice.get("error"):
            raise self.failure_of(read_error(error))
        said = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        if document.get("object") == "chat.completion":
            self.note_done()
        self._think(next((said[key] for key in _THOUGHTS if said.get(key)), ""), choice)
        self._refusal += said.get("refusal") or ""
        content = self._text_of(said.get("content"))
        # Some servers end a stream with the whole message again.
        is_whole = not choice.get("delta") and bool(self.text) and content.startswith(self.text)
        return content[len(self.text) :] if is_whole else content

    def _text_of(self, content: Any) -> str:
        if isinstance(content, str) or not content:
            return content or ""
        if not isinstance(content, list):
            raise TypeError("content is neither text nor a list of parts")
        texts = []
        for part in content:
            if isinstance(part, str):
                texts.append(part)
            elif re.search("think|reason", str(part.get("type"))):
                self._think([part])
            elif isinstance(part["text"], str):
                texts.append(part["text"])
        return "".join(texts)

    def _think(self, thoughts: Any, choice: Mapping[str, Any] | None = None) -> None:
        """Note thinking, as text or as parts; some of it may be sealed, and then it only shows life."""
        text = _words_of(thoughts)
        if choice is not None and not choice.get("delta") and text.startswith(self._thoughts):
            text = text[len(self._thoughts) :]  # The whole message again, at the end of its stream.
        self.is_alive = self.is_alive or bool(thoughts)
        self._thoughts += text

    def _note_usage(self, usage: Any) -> None:
        if not isinstance(usage, Mapping):
            return
        n_prompt_tokens = _count(usage.get("prompt_tokens", usage.get("input_tokens")))
        n_tokens = _count(usage.get("completion_tokens", usage.get("output_tokens")))
        self._counts = _Counts(
            self._counts.n_prompt_tokens if n_prompt_tokens is None else n_prompt_tokens,
            self._counts.n_tokens if n_tokens is None else n_tokens,
        )


def _words_of(thoughts: Any) -> str:
    """The words in thinking, which comes as text, or as parts that hold text or parts."""
    if isinstance(thoughts, str):
        return thoughts
    if isinstance(thoughts, Mapping):
        return next((words for key in _WORDS if (words := _words_of(thoughts.get(key)))), "")
    return "".join(map(_words_of, thoughts)) if isinstance(thoughts, list) else ""


def _count(value: object) -> int | None:
    """A number of tokens; None where there is none, for nothing has no tokens."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        return None
    return int(value)


def _finish_reason(said: object) -> str | None:
    """One word for one reason at every endpoint; an unknown word stays as it is."""
    if not said:
        return None
    reason = str(said).strip().lower()
    for name, others in (("stop", _STOP), ("length", _LENGTH), ("content_filter", _FILTER)):
        if reason in others:
            return name
    return reason[:_MAX_REASON]

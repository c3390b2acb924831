"""Reads one answer out of the OpenAI stream protocol: events in, pieces and typed failures out.

Invariant: whatever an endpoint says is either part of the answer or a ``MemberError`` of one kind
with the text so far, and can be encoded. Non-goal: the network.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from blender_ui.errors import MemberError
from blender_ui.members.protocol import Chunk, Usage
from blender_ui.outside import clean_text

DONE = "[DONE]"


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
        self._name = name
        self._pieces: list[str] = []
        self._first_at: float | None = None
        self._counts: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """What has come so far."""
        return "".join(self._pieces)

    def take(self, event: str) -> Chunk | None:
        """Read one event's data; gives its text as a chunk, or None where it brings none.

        Raises:
            MemberError: If the event is an error or not of the protocol.
        """
        try:
            document = json.loads(event)
            if error := document.get("error"):
                raise self.failure_of(error)
            if usage := document.get("usage"):
                self._counts = (int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
            if not document.get("choices"):
                return None
            choice = document["choices"][0]
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            text = (choice.get("delta") or {}).get("content") or ""
            if not isinstance(text, str):
                raise TypeError("content is not text")
            # Half of a surrogate pair, which JSON can escape, could not be stored.
            f"{text}{self.finish_reason}".encode()
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            reason = f"expected an event of an OpenAI stream, found {event[:200]!r}"
            raise self.failure("bad_response", reason) from error
        if not text:
            return None
        text = clean_text(text)  # one character of an answer is no reason to lose the rest
        self._first_at = self._first_at or time.monotonic()
        self._pieces.append(text)
        return Chunk(text, len(self._pieces))

    def note_done(self) -> None:
        """The stream has said that it is at its end; some endpoints give no other reason."""
        self.finish_reason = self.finish_reason or "stop"

    def last_chunk(self) -> Chunk:
        """The chunk that ends a whole answer.

        Raises:
            MemberError: If the answer is empty, or was never said to be whole.
        """
        if self.finish_reason is None:
            raise self.failure("crashed", "the connection closed before the end of the answer")
        if not self.text.strip():
            raise self.failure("empty", "the answer is empty")
        now = time.monotonic()
        n_prompt_tokens, n_tokens = self._counts or (0, len(self._pieces))
        usage = Usage(
            n_prompt_tokens=n_prompt_tokens,
            n_tokens=n_tokens,
            finish_reason=self.finish_reason,
            first_token_seconds=(self._first_at or now) - self.began_at,
            seconds=now - self.began_at,
        )
        return Chunk("", n_tokens, usage)

    def failure(self, kind: str, reason: str) -> MemberError:
        """An error of this answer, with its text so far."""
        reason = reason.encode(errors="backslashreplace").decode()
        return MemberError(clean_text(f"{self._name}: {reason}"), kind=kind, partial_text=self.text)

    def failure_of(self, error: object, *, status: int | None = None) -> MemberError:
        """Translate an endpoint's error.

        Args:
            error: The object under ``error``, or the text of a response that has none.
            status: Of the HTTP response; None for an error within a stream.
        """
        fields: Mapping[str, Any] = error if isinstance(error, Mapping) else {"message": str(error)}
        code = status or (fields["code"] if isinstance(fields.get("code"), int) else None)
        message = f"{fields.get('message') or 'the endpoint gave no reason'}"
        reason = f"{message} (HTTP {code})" if code else message
        said = f"{fields.get('type')} {fields.get('code')} {message}".lower().replace("_", " ")
        return self.failure(_kind_of(said, code), reason)


def _kind_of(said: str, code: int | None) -> str:
    if "out of memory" in said:
        return "out_of_memory"
    if code == 429:
        return "rate_limited"
    if code in (502, 503, 504):
        return "unreachable"
    if code is not None and 400 <= code < 500:
        return "refused"
    return "bad_response"

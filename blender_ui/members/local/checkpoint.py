"""Generates answers with one Hugging Face checkpoint, piece by piece.

Invariant: one answer at a time; the receiver of the pieces ends the generation by raising, before the
next token. Imports torch, so only ``transformers_server`` imports it. Non-goal: the protocol.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TextStreamer

from blender_ui.members.thinking import marks_among, opened_by

INVALID = "invalid_request_error"
N_LAST_TOKENS = 32
"""Of a prompt, in which its template may have begun the thinking."""


class RequestError(Exception):
    """A request that cannot be answered; told to the client in the protocol's form."""

    def __init__(self, message: str, *, status: int = 400, kind: str = INVALID) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def body(self) -> dict[str, Any]:
        """The protocol's error object."""
        return {"error": {"message": str(self), "type": self.kind, "code": self.status}}


class Ending(NamedTuple):
    """How an answer ended, in the protocol's words, and its size in tokens."""

    finish_reason: str
    n_prompt_tokens: int
    n_tokens: int


class _StopFoundError(Exception):
    """Ends a generation from within: a stop string has come."""


class _Writer(TextStreamer):
    """Passes an answer's text on as it grows, and ends it before a stop string."""

    def __init__(self, tokenizer: Any, emit: Callable[[str], None], stops: Sequence[str]) -> None:
        # Some models think between special tokens, which are the only sign of where the answer begins.
        marks = marks_among(tokenizer.all_special_tokens)
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=not marks)
        unwanted = set(tokenizer.all_special_tokens) - marks if marks else ()
        self._unwanted = re.compile("|".join(map(re.escape, unwanted)) or "(?!)")
        self.n_tokens = 0
        self.last_token = -1
        self._emit, self._stops = emit, stops
        self._held = ""
        # The end of the text may be the beginning of a stop string.
        self._n_hold = max((len(stop) for stop in stops), default=1) - 1

    def put(self, value: torch.Tensor) -> None:
        is_prompt = self.next_tokens_are_prompt
        if not is_prompt:
            self.n_tokens += value.numel()
            self.last_token = int(value.flatten()[-1])
        super().put(value)  # type: ignore[no-untyped-call]

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self._held += self._unwanted.sub("", text)
        cuts = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if cuts:
            self._emit(self._held[: min(cuts)])
            raise _StopFoundError
        n_ready = len(self._held) if stream_end else max(0, len(self._held) - self._n_hold)
        # Emits nothing too: that is when the client is looked for.
        self._emit(self._held[:n_ready])
        self._held = self._held[n_ready:]


class Checkpoint:
    """One model with its chat template; writes one answer at a time."""

    def __init__(self, name: str, *, n_context: int) -> None:
        on_gpu = torch.cuda.is_available()
        self._name, self._n_context = name, n_context
        self._lock = threading.Lock()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        dtype = "auto" if on_gpu else torch.float32
        model: Any = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
        self._model = model.to("cuda" if on_gpu else "cpu").eval()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being written."""
        return self._lock.locked()

    def answer(self, request: Mapping[str, Any], emit: Callable[[str], None]) -> Ending:
        """Generate one answer.

        Args:
            request: The body of a chat completion.
            emit: Given each piece of text, often empty; what it raises ends the generation.

        Raises:
            RequestError: If the request cannot be used, or memory runs out.
        """
        with self._lock:
            ids = self._encode(request)
            n_prompt_tokens = int(ids["input_ids"].shape[1])
            options = self._options(request, room=self._n_context - n_prompt_tokens)
            stop = request.get("stop") or []
            writer = _Writer(self._tokenizer, emit, [stop] if isinstance(stop, str) else stop)
            if opened := opened_by(self._tokenizer.decode(ids["input_ids"][0, -N_LAST_TOKENS:])):
                emit(opened)  # The model goes on behind it and will not write it.
            try:
                with torch.inference_mode():
                    self._model.generate(**ids, **options, streamer=writer)
            except _StopFoundError:
                return Ending("stop", n_prompt_tokens, writer.n_tokens)
            except (torch.OutOfMemoryError, MemoryError) as error:
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                raise RequestError(f"out of memory: {error}", status=500, kind="out_of_memory") from error
            is_cut = writer.n_tokens >= options["max_new_tokens"] and not self._is_end(writer.last_token)
            return Ending("length" if is_cut else "stop", n_prompt_tokens, writer.n_tokens)

    def _encode(self, request: Mapping[str, Any]) -> Any:
        messages = request.get("messages")
        if not isinstance(messages, list) or not messages:
            raise RequestError("expected messages, a list of role and content")
        if not self._tokenizer.chat_template:
            raise RequestError(f"{self._name} has no chat template; choose an instruct model, which has one")
        ids = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        if (n_tokens := ids["input_ids"].shape[1]) >= self._n_context:
            raise RequestError(
                f"the prompt has {n_tokens} tokens, which fill the context of {self._n_context}"
            )
        return ids.to(self._model.device)

    def _options(self, request: Mapping[str, Any], *, room: int) -> dict[str, Any]:
        try:
            options: dict[str, Any] = {"max_new_tokens": min(int(request.get("max_tokens") or room), room)}
            temperature, top_p = float(request.get("temperature", 1)), float(request.get("top_p", 1))
            if (seed := request.get("seed")) is not None:
                torch.manual_seed(int(seed))
        except (TypeError, ValueError) as error:
            raise RequestError(f"expected numbers as sampling options: {error}") from error
        if temperature > 0:
            return options | {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
        return options | {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}

    def _is_end(self, token: int) -> bool:
        ends = self._model.generation_config.eos_token_id
        return token in (ends if isinstance(ends, list) else [ends])

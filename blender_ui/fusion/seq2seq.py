"""GenFuser: a T5-like checkpoint that reads the candidates and writes one answer. Needs torch.

Invariant: any folder that ``AutoModelForSeq2SeqLM`` loads is a fuser (flan-t5, gen_fuser_3b, one's
own). Non-goal: training it, and which process it runs in; the web process never imports this.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedModel,
    StoppingCriteria,
    TextIteratorStreamer,
)

from blender_ui.errors import FusionError
from blender_ui.fusion.attention import attribute_attention
from blender_ui.fusion.attribution import Attribution
from blender_ui.fusion.encoding import FusionLimits, candidate_places, encode_fusion
from blender_ui.fusion.generation import GenerationOptions, read_options
from blender_ui.fusion.protocol import FusedPiece
from blender_ui.ranking.joint.hardware import explain_memory
from blender_ui.values import RankingPrompt

_log = logging.getLogger(__name__)

_PIECE_TIMEOUT_SECONDS = 0.1
"""How often a silent model is asked whether it has failed or been stopped."""


class Seq2SeqFuser:
    """A sequence-to-sequence checkpoint as a fuser; one stream at a time.

    Args:
        folder: A Hugging Face folder with weights, config and tokenizer.
        options: How it writes; None for what the folder's ``generation_config.json`` says.
        limits: How much it reads.
        device: "cuda", "cpu", or None for the first that is there.

    Raises:
        FusionError: If the folder does not hold a sequence-to-sequence model, or memory does not suffice.
    """

    def __init__(
        self,
        folder: Path,
        *,
        options: GenerationOptions | None = None,
        limits: FusionLimits | None = None,
        device: str | None = None,
    ) -> None:
        self.name = folder.name
        self._options = options or read_options(folder)
        self._limits = limits or FusionLimits()
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        # bfloat16 is the reference's type and half the memory; on a CPU it pays only for weights
        # that would not fit otherwise, so there the checkpoint's own type is kept.
        dtype = torch.bfloat16 if self._device.type == "cuda" else "auto"
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            # The fast kernels do not keep the weights of their attention, which ``attribute`` needs.
            model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager")
        except (OSError, ValueError, SafetensorError) as error:
            raise FusionError(f"{folder} is not a sequence-to-sequence checkpoint: {error}") from error
        with explain_memory(
            FusionError, f"memory ran out with {folder} on {self._device}; take the CPU or a smaller model"
        ):
            self._model: PreTrainedModel = model.to(self._device).eval()
        if model.generation_config.decoder_start_token_id is None:  # A file written by hand.
            model.generation_config.decoder_start_token_id = self._tokenizer.pad_token_id

    @property
    def options(self) -> dict[str, object]:
        """See ``Fuser``."""
        return self._options.as_dict()

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """See ``Fuser``. Beams are compared at the end, so with more than one all comes at once."""
        encoded = encode_fusion(self._tokenizer, prompt, candidates, limits=self._limits)
        run = _Run(self, encoded.token_ids, len(candidates), stop)
        try:
            yield from run.pieces()
        finally:
            run.end()

    def generate(self, token_ids: Sequence[int], **options: Any) -> list[int]:
        """Write the answer's tokens for an encoded input."""
        ids = torch.tensor([token_ids], device=self._device)
        with torch.inference_mode():
            output = self._model.generate(  # type: ignore[operator]  # a mixin's method, untyped
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                **self._options.as_arguments(),
                **options,
            )
        written: list[int] = output[0].tolist()
        return written

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of an answer's tokens, without control marks."""
        text: str = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        return text.strip()

    def attribute(self, token_ids: Sequence[int], written: Sequence[int], n_candidates: int) -> Attribution:
        """Which candidate the model looked at as it wrote each word.

        One pass over input and answer gives the cross-attention of every token; it is averaged over
        the heads of the upper half of the layers, where a decoder looks up what it writes next.

        Args:
            token_ids: The encoded input.
            written: What ``generate`` gave for it: the token that starts the decoder, then the answer.
            n_candidates: How many candidates the input holds.
        """
        ids = torch.tensor([token_ids], device=self._device)
        before = torch.tensor([written[:-1]], device=self._device)
        with torch.inference_mode():
            layers = self._model(
                input_ids=ids, decoder_input_ids=before, output_attentions=True, use_cache=False
            ).cross_attentions
        upper = torch.stack(list(layers[len(layers) // 2 :])).float().mean(dim=(0, 2))[0].cpu().numpy()
        places = candidate_places(self._tokenizer, token_ids, n_candidates)
        weights = np.stack([upper[:, place].sum(axis=1) for place in places], axis=1)
        return attribute_attention(self.decode(written), self._text_places(written), weights)

    def _text_places(self, written: Sequence[int]) -> list[tuple[int, int]]:
        """Where each token of an answer, less the one that starts the decoder, stands in its text."""
        whole = self._tokenizer.decode(written, skip_special_tokens=True)
        n_before = len(whole) - len(whole.lstrip())
        ends = [
            len(self._tokenizer.decode(written[: index + 1], skip_special_tokens=True)) - n_before
            for index in range(len(written))
        ]
        return [(max(0, start), max(0, end)) for start, end in itertools.pairwise(ends)]

    def streamer(self) -> TextIteratorStreamer:
        """Something that receives the text of a generation as it grows."""
        return TextIteratorStreamer(self._tokenizer, timeout=_PIECE_TIMEOUT_SECONDS, skip_special_tokens=True)

    @property
    def can_stream(self) -> bool:
        """Whether the text grows; with beams it comes whole."""
        return self._options.n_beams == 1

    @property
    def end_token_id(self) -> int | None:
        """The token with which the model ends by itself."""
        token_id: int | None = self._tokenizer.eos_token_id
        return token_id


class _Run:
    """One generation, in a thread of its own so that its caller can look at it and stop it."""

    def __init__(
        self,
        fuser: Seq2SeqFuser,
        token_ids: Sequence[int],
        n_candidates: int,
        stop: threading.Event | None,
    ) -> None:
        self._fuser = fuser
        self._token_ids = token_ids
        self._n_candidates = n_candidates
        self._stops = [threading.Event()] + ([stop] if stop is not None else [])
        self._streamer = fuser.streamer() if fuser.can_stream else None
        self._written: list[int] = []
        self._error = ""
        self._thread = threading.Thread(target=self._generate, name="seq2seq", daemon=True)
        self._thread.start()

    def pieces(self) -> Generator[FusedPiece]:
        text, n_pieces = "", 0
        for piece in self._texts():
            text, n_pieces = text + piece, n_pieces + bool(piece)
            if text.strip():
                yield FusedPiece(text.strip(), n_pieces)
        self._thread.join()
        if self._is_stopped():
            raise FusionError("fusing was stopped")
        if self._error:
            raise FusionError(self._error)
        whole = self._fuser.decode(self._written)
        if not whole:
            raise FusionError(f"{self._fuser.name} wrote nothing")
        has_ended = self._written[-1] == self._fuser.end_token_id
        # The first token only starts the decoder; it is not part of the answer.
        try:
            attribution = self._fuser.attribute(self._token_ids, self._written, self._n_candidates)
        except (RuntimeError, MemoryError) as error:
            # The answer is whole; only where it came from takes the memory of all attention maps.
            _log.warning("attention is not attributed: %s: %s", type(error).__name__, error)
            attribution = None
        yield FusedPiece(whole, len(self._written) - 1, "stop" if has_ended else "length", attribution)

    def end(self) -> None:
        """Stop the generation, if it still runs, and wait for its thread."""
        self._stops[0].set()
        self._thread.join()

    def _texts(self) -> Generator[str]:
        if self._streamer is None:
            return
        while self._thread.is_alive() or not self._streamer.text_queue.empty():
            try:
                yield next(self._streamer)
            except queue.Empty:
                continue
            except StopIteration:
                return

    def _generate(self) -> None:
        try:
            self._written = self._fuser.generate(
                self._token_ids,
                streamer=self._streamer,
                stopping_criteria=[_StoppedCriterion(self._is_stopped)],
            )
        except (RuntimeError, ValueError, MemoryError) as error:
            # Out of memory, on the GPU too, is a RuntimeError; a shape that does not fit another.
            self._error = f"{self._fuser.name} failed with {type(error).__name__}: {error}"

    def _is_stopped(self) -> bool:
        return any(event.is_set() for event in self._stops)


class _StoppedCriterion(StoppingCriteria):
    def __init__(self, is_stopped: Any) -> None:
        self._is_stopped = is_stopped

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_options: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._is_stopped(), device=input_ids.device)

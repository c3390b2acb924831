"""Asking an ensemble for an evaluation: every member, and the fuser with the members' answers.

Invariant: a member's first answer is greedy, its others are drawn as members.toml says, all are seeded, and
what was recorded is not asked again. Non-goal: which answer is good.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace
from typing import Protocol

from blender_ui.errors import FusionError, MemberError
from blender_ui.evaluation.items import EvaluationItem, Task
from blender_ui.evaluation.recorded_answers import RecordedAnswers, Text
from blender_ui.members.asking import Ensemble, question
from blender_ui.members.configuration import MemberConfig
from blender_ui.members.protocol import Message, Sampling

MOST_TOKENS = {Task.SUMMARIZATION: 110, Task.QA: 48, Task.CODE: 220}
"""So long that a good answer is never cut; a member's own limit holds where it is lower."""


class FusedText(Protocol):
    """What a fuser wrote."""

    @property
    def text(self) -> str:
        """The answer."""

    @property
    def n_tokens(self) -> int | None:
        """Its length; None where the endpoint does not say."""


class FusesTexts(Protocol):
    """Fuses texts that are in no store; ``services.fusing.fused_answers.Fusing`` does."""

    @property
    def fuser_name(self) -> str:
        """Who fuses, as people see it."""

    @property
    def fuser_options(self) -> dict[str, object]:
        """What shapes its answers besides the name, JSON-ready."""

    def fuse_texts(self, *, instruction: str, input: str = "", candidates: Sequence[str]) -> FusedText:
        """Fuse answers, best first; raises ``FusionError`` where that fails."""


class EnsembleAsking:
    """Asks members and fuser.

    Args:
        members: Who is asked.
        fusing: Fuses.
        top_k: How many of the best answers are fused.
        seed: Of the members.
        recorded: Where answers are kept.

    Attributes:
        writers: The member of each answer to an item, by its label (``members.seats``).
    """

    def __init__(
        self, *, members: Ensemble, fusing: FusesTexts, top_k: int, seed: int, recorded: RecordedAnswers
    ) -> None:
        self._members = members
        self._fusing = fusing
        self.top_k = top_k
        self._seed = seed
        self._recorded = recorded
        self.writers = {seat.label: seat.member for config in members.configs for seat in config.seats}

    def ask_members(self, item: EvaluationItem, task: Task) -> dict[str, Text]:
        """Every member's answers by label, in the order of members.toml; an empty one is a failure."""
        configs = self._members.configs
        with ThreadPoolExecutor(max_workers=max(1, len(configs))) as pool:
            by_member = pool.map(lambda config: self._ask(config, item, task), configs)
            texts = [text for answers in by_member for text in answers]
        return dict(zip(self.writers, texts, strict=True))

    def fuse(self, item: EvaluationItem, best_first: Sequence[Text], *, said: Collection[Text]) -> Text:
        """The fused answer; where all sources say the same it is that, and nobody fuses.

        Args:
            item: What is answered.
            best_first: The sources; those after ``top_k`` are left out.
            said: All answers of the members: their tokens and the slowest one's seconds are part of the cost.
        """
        candidates = [text.text for text in best_first[: self.top_k]]
        slowest = max((text.seconds for text in said), default=0.0)
        n_tokens = sum(text.n_tokens for text in said)
        if len({" ".join(text.split()) for text in candidates}) == 1:
            return best_first[0]._replace(seconds=slowest, n_tokens=n_tokens)
        asked = {
            "fuser": self._fusing.fuser_name,
            "options": self._fusing.fuser_options,
            "instruction": item.prompt.instruction,
            "input": item.prompt.input,
            "candidates": candidates,
        }
        fused = self._recorded.get(asked, lambda: self._fuse(item, candidates))
        return fused._replace(seconds=slowest + fused.seconds, n_tokens=n_tokens + fused.n_tokens)

    def _ask(self, config: MemberConfig, item: EvaluationItem, task: Task) -> list[Text]:
        greedy = replace(
            config.sampling,
            seed=self._seed,
            temperature=0.0,
            max_tokens=min(config.sampling.max_tokens, MOST_TOKENS[task]),
        )
        drawn = [
            replace(greedy, seed=self._seed + number, temperature=config.sampling.temperature)
            for number in range(1, config.samples)
        ]
        return [self._ask_once(config, item, options) for options in (greedy, *drawn)]

    def _ask_once(self, config: MemberConfig, item: EvaluationItem, options: Sampling) -> Text:
        message = question(item.prompt.instruction, item.prompt.input)
        asked = {
            "member": config.name,
            "model": config.model,
            "options": config.options | asdict(options) | {"stop": list(options.stop)},
            "message": message,
        }
        return self._recorded.get(asked, lambda: self._answer(config.name, message, options))

    def _answer(self, name: str, message: str, options: Sampling) -> Text:
        messages = (Message("user", message),)
        began, said, n_tokens = time.monotonic(), "", 0
        try:
            stream = self._members.get(name).stream(messages, options=options, stop=threading.Event())
            with closing(stream) as chunks:
                for chunk in chunks:
                    said, n_tokens = chunk.onto(said), chunk.n_tokens
        except MemberError as error:
            return Text("", time.monotonic() - began, 0, str(error))
        return Text(said.strip(), time.monotonic() - began, n_tokens)

    def _fuse(self, item: EvaluationItem, candidates: Sequence[str]) -> Text:
        began = time.monotonic()
        try:
            answer = self._fusing.fuse_texts(
                instruction=item.prompt.instruction, input=item.prompt.input, candidates=candidates
            )
        except FusionError as error:
            return Text("", time.monotonic() - began, 0, str(error))
        # Words stand in for tokens where the fuser's endpoint does not count.
        n_tokens = len(answer.text.split()) if answer.n_tokens is None else answer.n_tokens
        return Text(answer.text, time.monotonic() - began, n_tokens)

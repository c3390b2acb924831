"""A second round before fusing: each member reads all answers and writes a new one.

Invariant: a member that fails in the second round is left out; without any answer there is no fusion.
Non-goal: storing the second answers; attribution refers to the first ones.

Source: Wang et al., "Mixture-of-Agents Enhances Large Language Model Capabilities", 2024,
arXiv:2406.04692, with one layer of proposers and one aggregator.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from blender_ui.errors import FusionError, MemberError
from blender_ui.fusion.chat import WORDING, clean_answer, refine_prompt
from blender_ui.fusion.fusers import readable_characters, settle
from blender_ui.fusion.protocol import FusedPiece, Fuser
from blender_ui.members.asking import Ensemble
from blender_ui.members.configuration import MemberConfig
from blender_ui.members.protocol import Message
from blender_ui.values import RankingPrompt

ROUNDS = 2


class MixtureFuser:
    """Lets the members answer again with all answers before them, then fuses what they wrote.

    Args:
        aggregator: Fuses the second answers.
        members: Who answers again.
    """

    def __init__(self, aggregator: Fuser, members: Ensemble) -> None:
        self._aggregator = aggregator
        self._members = members

    @property
    def name(self) -> str:
        """See ``Fuser``."""
        return f"{self._aggregator.name}, two rounds"

    @property
    def options(self) -> dict[str, object]:
        """See ``Fuser``."""
        proposers = [config.name for config in self._members.configs]
        return self._aggregator.options | {"rounds": ROUNDS, "proposers": proposers, "wording": WORDING}

    def now(self) -> Fuser:
        """See ``fusers.ChangingFuser``."""
        return MixtureFuser(settle(self._aggregator), self._members)

    def stream(
        self,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        *,
        stop: threading.Event | None = None,
    ) -> Generator[FusedPiece]:
        """See ``Fuser``. Nothing is shown while the members answer again."""
        stop = stop or threading.Event()
        with ThreadPoolExecutor(max_workers=max(1, len(self._members.configs))) as pool:
            asked = [
                pool.submit(self._propose, config, prompt, candidates, stop)
                for config in self._members.configs
            ]
            outcomes = [one.result() for one in asked]
        if stop.is_set():
            raise FusionError("fusing was stopped")
        proposals = [text for text in outcomes if isinstance(text, str)]
        if not proposals:
            reason = str(outcomes[0]).rstrip(".") if outcomes else "there is none"
            raise FusionError(f"no member answered in the second round: {reason}")
        for piece in self._aggregator.stream(prompt, proposals, stop=stop):
            # Where the aggregator looked is told of the second answers, which nobody sees.
            yield piece._replace(attribution=None)

    def _propose(
        self, config: MemberConfig, prompt: RankingPrompt, candidates: Sequence[str], stop: threading.Event
    ) -> str | MemberError | FusionError:
        written = ""
        try:
            asked = refine_prompt(prompt, candidates, max_characters=readable_characters(config))
            messages = (Message("system", asked.system), Message("user", asked.user))
            stream = self._members.get(config.name).stream(messages, options=config.sampling, stop=stop)
            with closing(stream) as chunks:
                for chunk in chunks:
                    written = chunk.onto(written)
        except (MemberError, FusionError) as error:
            return error
        return clean_answer(written, is_done=True) or FusionError(f"{config.name} wrote nothing")

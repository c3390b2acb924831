"""Begins to answer a program's conversation: who is asked, and which prompt it becomes.

Invariant: a request that cannot be served leaves no prompt behind. Non-goal: what follows, see ``serve``.
"""

from __future__ import annotations

from collections.abc import Mapping

from blender_ui.errors import ChooserError, MalformedInput, NotFound, WeightsUnavailable
from blender_ui.services.serving.asking import Ask
from blender_ui.services.serving.serve import Crew, Rooms, Serve
from blender_ui.services.serving.views import Wanted
from db.models import DEFAULT_PROJECT_ID

MOST_CHOICES = 8
"""Answers that one request is shown."""


class Serving:
    """Serves blends and members; safe to share between threads.

    Args:
        rooms: The services that ask, choose, rank and fuse.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def begin(self, wanted: Wanted) -> Serve:
        """Choose whom to ask, and store the prompt; nobody is asked before ``Serve.events``.

        Raises:
            NotFound: If no member is enabled, or the one that is wanted is not.
            MalformedInput: If there is no text, or more answers are wanted than can be.
            NoRanker: If a blend of several answers is wanted and nothing can rank.
        """
        if not 1 <= wanted.n <= MOST_CHOICES:
            raise MalformedInput(f"expected n of 1 to {MOST_CHOICES}, came {wanted.n}")
        crew = self._choose(wanted)
        if wanted.n > len(crew.asks):
            raise MalformedInput(
                f"expected n of at most {len(crew.asks)}, the answers that are asked for; came {wanted.n}"
            )
        if wanted.blend is not None and len(crew.asks) > 1:
            self._rooms.ranking.get_active()  # before anybody is asked for nothing
        prompt = wanted.prompt
        asked = self._rooms.blending.ask(
            instruction=prompt.instruction,
            input=prompt.input,
            history=prompt.history,
            asked_by_id=wanted.asked_by_id,
            project_id=wanted.project_id or DEFAULT_PROJECT_ID,
            also=None if wanted.member is None and crew.proposal is None else crew.keep,
        )
        return Serve(self._rooms, wanted, crew, asked.prompt_id)

    def _choose(self, wanted: Wanted) -> Crew:
        if wanted.member is not None:
            self._rooms.members.get(wanted.member)
            return Crew([Ask(wanted.member, sample, None) for sample in range(1, wanted.n + 1)])
        everybody = dict.fromkeys(config.name for config in self._rooms.members.configs)
        if not everybody:
            raise NotFound("there is no member to ask; enable one in members.toml")
        try:
            proposal = self._rooms.proposals.propose(
                instruction=wanted.prompt.instruction,
                input=wanted.prompt.input,
                k=max(wanted.k, wanted.n),
                budget=wanted.budget,
            )
        except (ChooserError, WeightsUnavailable) as error:
            return Crew(self._list_asks(everybody), notice=f"Everybody was asked: {error}")
        if proposal is None:
            return Crew(self._list_asks(everybody))
        return Crew(self._list_asks(proposal.propensities), proposal)

    def _list_asks(self, propensities: Mapping[str, float | None]) -> list[Ask]:
        """As many answers of each member as ``samples`` in ``members.toml`` says."""
        samples = {config.name: config.samples for config in self._rooms.members.configs}
        return [
            Ask(name, sample, propensity)
            for name, propensity in propensities.items()
            for sample in range(1, samples[name] + 1)
        ]

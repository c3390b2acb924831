"""How a tab comes back to the prompt that its browser remembers.

Invariant: what the browser remembers is checked, because anybody can post it: only a prompt of one's own
comes back. Non-goal: whether its names are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blender_ui.bootstrap import Services
from blender_ui.errors import NotFound
from blender_ui.services.asking.rounds import PromptView
from blender_ui.ui.asking.views import Visit


class ComingBack:
    """Finds a tab's prompt and its columns.

    Args:
        services: The app's services.
    """

    def __init__(self, services: Services) -> None:
        self._blending = services.blending
        self._labeling = services.labeling
        self._members = services.members
        self._choices = services.choices
        self._n_places = services.member_list.n_places

    def find_own_prompt(self, prompt_id: object, annotator_id: int) -> PromptView | None:
        """A prompt that this person asked, of what the browser remembers; None where it is not."""
        if not isinstance(prompt_id, int) or isinstance(prompt_id, bool):
            return None
        try:
            prompt = self._blending.answers(prompt_id=prompt_id)
        except NotFound:
            return None
        return prompt if prompt.asked_by_id == annotator_id else None

    def find_prompt(
        self, prompt_id: object, annotator_id: int, running_ids: Sequence[int]
    ) -> PromptView | None:
        """What a page that is opened shows: a running round of this person, else what the browser remembers.

        So a second tab and a phone show a round that was begun elsewhere, while its names are hidden.
        """
        remembered = self.find_own_prompt(prompt_id, annotator_id)
        if not annotator_id or (remembered is not None and remembered.prompt_id in running_ids):
            return remembered
        for running_id in running_ids:
            found = self.find_own_prompt(running_id, annotator_id)
            if found and not self._labeling.has_seen(annotator_id=annotator_id, prompt_id=running_id):
                return found
        return remembered

    def is_revealed(self, visit: Visit, is_remembered: bool) -> bool:
        """Whether this person has seen the names, in this browser or another."""
        if visit.prompt_id is None:
            return False
        return is_remembered or self._labeling.has_seen(
            annotator_id=visit.annotator_id, prompt_id=visit.prompt_id
        )

    def come_back(self, visit: Visit, prompt: PromptView, own: object) -> Visit:
        """A visit with the columns that it had."""
        prompts = [
            self.find_own_prompt(one, visit.annotator_id) for one in (own if isinstance(own, list) else ())
        ]
        parents = {
            one.parent_member: one.prompt_id for one in prompts if one and one.parent_member in self._names
        }
        if prompt.prompt_id in parents.values():
            lead, *others = parents.values()
            columns = tuple(name or "" for name in parents)
            return replace(visit, prompt_id=lead, columns=columns, own=(lead, *others), is_revealed=True)
        kept = self._choices.find(prompt.prompt_id)
        labels = {*self._blending.seats(self._names if kept is None else kept.names)}
        labels |= {entry.seat.label for entry in prompt.candidates}
        labels |= {entry.seat.label for entry in prompt.failures}
        columns = self._order(prompt.prompt_id, labels)[: self._n_places]
        return replace(visit, prompt_id=prompt.prompt_id, columns=columns)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(config.name for config in self._members.configs)

    def _order(self, prompt_id: int, labels: set[str]) -> tuple[str, ...]:
        """The answers in an order that is the prompt's own and the same after a restart."""
        return self._labeling.order_columns(labels, prompt_id=prompt_id)

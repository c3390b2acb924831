"""The places that visitors' questions take among those that the members answer, by prompt.

Invariant: a place is given back when its prompt's answers have ended. People with accounts take none.
Non-goal: whose turn it is, which ``services.people.quotas`` decides.
"""

from __future__ import annotations

from blender_ui.language import trn
from blender_ui.services.people.access import Access
from blender_ui.ui.identity import find_asker
from db.enums import DEFAULT_PROJECT_ID


class Asking:
    """The places of one process; safe to share between threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._visitors = access.visitors
        self._places: dict[int, int] = {}

    def enter(self, memory: object, *, n_characters: int = 0) -> int | None:
        """Take a place for a question of so many characters; None for somebody who needs none.

        Raises:
            QuotaUsedUp: With when to come back, or what is too long.
        """
        asker = find_asker(self._access, memory)
        if asker is None or self._visitors is None:
            return None
        return self._visitors.begin_ask(asker, n_characters=n_characters)

    def find_project(self, memory: object) -> int:
        """Whose prompt a question is."""
        if self._visitors is None or find_asker(self._access, memory) is None:
            return DEFAULT_PROJECT_ID
        project_id = self._visitors.keep_project()
        self._visitors.make_room(project_id)
        return project_id

    def name(self, place: int | None, prompt_id: int) -> None:
        """Say which prompt a place is of."""
        if place is not None:
            self._places[prompt_id] = place

    def holds(self, prompt_id: int) -> bool:
        """Whether a prompt has a place."""
        return prompt_id in self._places

    def may_begin(self, prompt_id: int) -> bool | None:
        """Whether a prompt's answers may begin; None where its place is gone."""
        place = self._places.get(prompt_id)
        return True if place is None or self._visitors is None else self._visitors.may_begin(place)

    def tell_place(self, prompt_id: int) -> str:
        """What a prompt waits for, in words; empty where its answers may begin."""
        place = self._places.get(prompt_id)
        n = 0 if place is None or self._visitors is None else self._visitors.count_before(place)
        return (
            trn("your turn comes after {n} question", "your turn comes after {n} questions", n) if n else ""
        )

    def is_turn(self, place: int | None) -> bool:
        """Whether a place's turn has come; at once for who needs none."""
        return place is None or self._visitors is None or bool(self._visitors.may_begin(place))

    def give_back(self, place: int | None) -> None:
        """Give back a place that came to nothing."""
        if place is not None and self._visitors is not None:
            self._visitors.end_ask(place)

    def stop(self, prompt_id: int) -> None:
        """Give the place up while answers may still wait for it: they are told that it is gone."""
        self.give_back(self._places.get(prompt_id))

    def leave(self, prompt_id: int) -> None:
        """Give a prompt's place back; a prompt without one has nothing to give."""
        self.give_back(self._places.pop(prompt_id, None))

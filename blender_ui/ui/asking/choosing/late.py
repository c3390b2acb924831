"""A member that was left out, or one that is asked again, joins a round whose answers have come. No Gradio.

Invariant: before the names are shown, nobody can know which member a new card is of: the member is drawn at
random from those left out, and there must have been two of them at least. After that it is asked by name, and
those who answered may be asked for another answer.
Non-goal: streaming its answer.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, replace

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.members.seats import Seat
from blender_ui.ui.asking.asking import Asking
from blender_ui.ui.asking.ledger import Ledger
from blender_ui.ui.asking.views import LateView, Turn, Visit

LEAST_HIDDEN = 2
"""Members left out among which a new card's name stays hidden."""
AFTER_THE_VOTE = (
    "One model was left out. Its card would give its name away, so it can be asked once the names are shown."
)


@dataclass(frozen=True, kw_only=True)
class LateAsks:
    """Asks members that were left out.

    Args:
        services: The app's services.
        ledger: Is told which answer to expect.
        asking: Gives visitors of a demo their turn.
    """

    services: Services
    ledger: Ledger
    asking: Asking

    def view(self, visit: Visit) -> LateView:
        """Who can be asked also; nothing while answers come, or where each goes on with its own."""
        left = self._list_left(visit)
        if not left:
            return LateView()
        if visit.is_revealed:
            return LateView(names=left, can_ask=True)
        can_ask = len(left) + len(visit.late) >= LEAST_HIDDEN
        return LateView(can_ask=can_ask, notice="" if can_ask else AFTER_THE_VOTE)

    def ask(self, visit: Visit, name: object) -> Turn:
        """Expect one more answer; ``Blend.stream`` then asks.

        Args:
            visit: Whose answers have come.
            name: Who is asked, once names are shown; not read before.
        """
        view = self.view(visit)
        left, prompt_id = self._list_left(visit), visit.prompt_id
        if prompt_id is None or not view.can_ask:
            return Turn(visit, view.notice or "There is nobody to ask also here.")
        if visit.is_revealed and name not in left:
            return Turn(visit, "Choose the model to ask also first.")
        chosen = str(name) if visit.is_revealed else secrets.choice(left)
        try:
            if not self.asking.holds(prompt_id):
                self.asking.name(self.asking.enter(None), prompt_id)
        except BlenderError as error:
            return Turn(visit, str(error))
        self.ledger.expect(prompt_id, [chosen])
        return Turn(
            replace(visit, columns=(*visit.columns, chosen), late=(*visit.late, chosen), is_asking=True)
        )

    def _list_left(self, visit: Visit) -> tuple[str, ...]:
        if visit.prompt_id is None or visit.own or visit.is_asking:
            return ()
        if not self.ledger.are_done(visit.prompt_ids) or len(visit.columns) >= self.n_places:
            return ()
        seats = [self.services.blending.seat(label) for label in visit.columns]
        n_asked = Counter(seat.member for seat in seats)
        names = [config.name for config in self.services.members.configs]
        left = [name for name in names if not n_asked[name]]
        if visit.is_revealed:
            next_ones = [Seat(name, n_asked[name] + 1).label for name in names if n_asked[name]]
            left += [label for label in next_ones if label not in (*names, *visit.columns)]
        return tuple(left)

    @property
    def n_places(self) -> int:
        """Columns that the page has."""
        return self.services.member_list.n_places

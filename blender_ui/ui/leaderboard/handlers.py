"""What the leaderboard does when asked, without Gradio.

Invariant: the lists are of the project that the header says, or of all that it says. Non-goal: the figures
(``services.inspecting.leaderboard``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blender_ui.errors import BlenderError
from blender_ui.services.inspecting.leaderboard import BoardWish, Contribution, Leaderboard
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.people.access import Access
from blender_ui.ui.identity import find_viewer
from blender_ui.votes.leaderboard import Board


@dataclass(frozen=True, kw_only=True)
class LeaderboardPage:
    """All that the page shows.

    Attributes:
        problem: Why there are no lists; empty where there are.
    """

    board: Board
    contribution: Contribution
    kinds: tuple[str, ...]
    problem: str = ""


class LeaderboardHandlers:
    """The leaderboard's requests.

    Args:
        leaderboard: Knows the figures.
        labeling: Knows who asks.
        access: Knows who is a stranger to a demo.
        find_project: Gives the project that the request is about; None for all of them.
    """

    def __init__(
        self,
        leaderboard: Leaderboard,
        *,
        labeling: Labeling,
        access: Access,
        find_project: Callable[[], int | None],
    ) -> None:
        self._leaderboard = leaderboard
        self._labeling = labeling
        self._access = access
        self._find_project = find_project

    def page(self, memory: object, kind: object = None) -> LeaderboardPage:
        """The lists of a kind of task, or of all, and what the viewer gave to them."""
        viewer_id = find_viewer(self._access, self._labeling, memory).annotator_id
        wish = BoardWish(kind=str(kind or ""), project_id=self._find_project())
        kinds = self._leaderboard.list_kinds()
        try:
            board = self._leaderboard.board(wish)
            contribution = self._leaderboard.contribution(viewer_id, wish)
        except BlenderError as error:
            nothing = Contribution(0, 0, 0)
            return LeaderboardPage(board=Board((), 0), contribution=nothing, kinds=kinds, problem=str(error))
        return LeaderboardPage(board=board, contribution=contribution, kinds=kinds)

"""What the members' tab does when asked, without Gradio.

Invariant: what people said and what a version says are told apart. Non-goal: the statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.inspecting.member_ratings import MemberRatings, RatingWish
from blender_ui.services.inspecting.versions import VersionInspection
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.ui.csv_text import write_csv
from blender_ui.votes.ratings import RankerRating, RatingPoint, RatingsView


@dataclass(frozen=True, kw_only=True)
class MembersPage:
    """Everything on the tab.

    Attributes:
        dates: When the preferences of points over time were given, by id.
        ranker: Empty where no version was chosen or it has predicted nothing.
        ranker_notice: Why it is empty.
    """

    wish: RatingWish
    view: RatingsView
    over_time: tuple[RatingPoint, ...]
    dates: dict[str, str]
    by_kind: tuple[RatingPoint, ...]
    by_criterion: tuple[RatingPoint, ...]
    ranker: tuple[RankerRating, ...]
    ranker_notice: str


class MembersHandlers:
    """The members' tab's requests.

    Args:
        ratings: By people.
        versions: By versions.
        find_project: The project that a request is about; None for all.
    """

    def __init__(
        self,
        ratings: MemberRatings,
        versions: VersionInspection,
        *,
        find_project: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._find_project = find_project
        self._ratings = ratings
        self._versions = versions

    def list_kinds(self) -> tuple[str, ...]:
        """The kinds of task there are."""
        return self._ratings.list_kinds()

    def list_criteria(self) -> tuple[str, ...]:
        """The criteria that any project asks."""
        return self._ratings.list_criteria()

    def list_versions(self) -> tuple[VersionView, ...]:
        """All versions, newest first."""
        return self._versions.list_versions()

    def page(self, wish: RatingWish, version_id: int | None) -> MembersPage:
        """Everything on the tab.

        Raises:
            NotFound: If there is no such kind of task or criterion.
        """
        wish = wish._replace(project_id=self._find_project())
        over_time = self._ratings.over_time(wish)
        ranker: tuple[RankerRating, ...] = ()
        notice = tr("Choose a version to see how it would rate the members.")
        if version_id is not None:
            try:
                ranker = self._versions.rate_members(version_id, project_id=wish.project_id)
                notice = "" if ranker else tr("This version has predicted no held-out comparison yet.")
            except BlenderError as error:
                notice = str(error)
        return MembersPage(
            wish=wish,
            view=self._ratings.rate(wish),
            over_time=over_time,
            dates=self._ratings.dates(over_time),
            by_kind=self._ratings.by_kind(wish),
            by_criterion=self._ratings.by_criterion(wish),
            ranker=ranker,
            ranker_notice=notice,
        )


def ratings_csv(view: RatingsView) -> str:
    """The members' ratings as CSV."""
    headings = (
        "member", "member_ids", "rating", "low", "high", "n", "wins", "losses", "ties", "group",
        "last_preference_id",
    )  # fmt: skip
    return write_csv(
        headings,
        (
            (
                one.member, " ".join(map(str, one.member_ids)), one.rating, one.low, one.high, one.n,
                one.n_wins, one.n_losses, one.n_ties, one.group, view.last_preference_id,
            )
            for one in view.members
        ),
    )  # fmt: skip


def wins_csv(view: RatingsView) -> str:
    """The win matrix as CSV, one ordered pair of members a row."""
    names = [one.member for one in view.members]
    return write_csv(
        ("member", "against", "wins", "n"),
        (
            (names[i], names[j], view.wins[i][j], view.counts[i][j])
            for i in range(len(names))
            for j in range(len(names))
            if view.counts[i][j]
        ),
    )


def points_csv(points: tuple[RatingPoint, ...]) -> str:
    """Ratings over time or by kind as CSV."""
    return write_csv(RatingPoint._fields, points)


def ranker_csv(rows: tuple[RankerRating, ...]) -> str:
    """Ratings by people and by a version as CSV."""
    return write_csv(RankerRating._fields, rows)

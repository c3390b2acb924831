"""Members' ratings as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from blender_ui.language import say_number, say_range, tr
from blender_ui.ui import markup
from blender_ui.ui.inspecting.members.handlers import (
    MembersPage,
    points_csv,
    ranker_csv,
    ratings_csv,
    wins_csv,
)
from blender_ui.votes.ratings import RatingPoint, RatingsView

NO_RATINGS = "No two members were compared by people yet."


def draw_ratings(view: RatingsView) -> str:
    """The members' ratings."""
    unnamed = _say_unnamed(view.n_unnamed)
    if not view.members:
        return markup.notice(NO_RATINGS, links=[("Label", "./label")]) + markup.notice(unnamed)
    rows = [
        (
            str(place), one.member, say_number(one.rating, "+.2f"),
            say_range(one.low, one.high, "+.2f"), say_number(one.n), say_number(one.n_wins),
            say_number(one.n_losses), say_number(one.n_ties), str(one.group),
            ", ".join(map(str, one.member_ids)),
        )
        for place, one in enumerate(view.members, start=1)
    ]  # fmt: skip
    headings = (
        "Place", "Member", "Rating", "95 % interval", "Preferences", "Won", "Lost", "Ties", "Group",
        "Member rows",
    )  # fmt: skip
    caption = tr(
        "Bradley-Terry ratings (log-odds) from {n_preferences:,} preferences of people, up to id "
        "{last_preference_id:,}; intervals allow for preferences of one prompt going together",
        n_preferences=view.n_preferences,
        last_preference_id=view.last_preference_id,
    )
    saved = markup.download("Save these ratings (CSV)", name="ratings.csv", text=ratings_csv(view))
    links = markup.figure_links("members-ratings-plot", name="ratings")
    told = markup.notice(_say_groups(view.groups), tone="warning") + markup.notice(unnamed)
    return told + links + _draw_effects(view) + markup.table(headings, rows, caption=caption) + saved


def _say_groups(groups: Sequence[Sequence[str]]) -> str:
    """That members were never compared; empty where all were, directly or through others."""
    if len(groups) < 2:
        return ""
    names = "; ".join(", ".join(group) for group in groups)
    return tr(
        "{n_groups} groups of members were never compared with each other, directly or through "
        "other members: {names}. A rating compares a member with its own group only; ask people "
        "about pairs of two groups to rank them all.",
        n_groups=len(groups),
        names=names,
    )


def _say_unnamed(n: int) -> str:
    told = tr("1 preference is") if n == 1 else tr("{n:,} preferences are", n=n)
    return tr("{told} left out: the model of one side has no name.", told=told) if n else ""


def draw_wins(view: RatingsView) -> str:
    """Pairwise win counts."""
    if not view.members:
        return ""
    names = [one.member for one in view.members]
    cells = [
        [_win_cell(names[i], names[j], view.wins[i][j], view.counts[i][j]) for j in range(len(names))]
        for i in range(len(names))
    ]
    matrix = markup.matrix(
        names, cells, caption=tr("How often people preferred the row to the column, a tie half")
    )
    saved = markup.download("Save this matrix (CSV)", name="wins.csv", text=wins_csv(view))
    return markup.figure_links("members-wins-plot", name="wins") + markup.fold("As a table", matrix) + saved


def draw_time(page: MembersPage) -> str:
    """Ratings by ever more preferences."""
    return _draw_points(
        page.over_time,
        name="time",
        at=tr("Up to preference"),
        said=lambda at: f"{at} ({page.dates.get(at, 'unknown')})",
    )


def draw_kinds(page: MembersPage) -> str:
    """Ratings by kind of task."""
    apart = sorted({one.at for one in page.by_kind if one.group > 1})
    told = tr(
        "Kinds in which some members were never compared, directly or through others: {apart}.",
        apart=", ".join(apart),
    )
    drawn = _draw_points(page.by_kind, name="kinds", at=tr("Kind of task"), said=str)
    return markup.notice(told if apart else "", tone="warning") + drawn


def draw_criteria(page: MembersPage) -> str:
    """Ratings by criterion."""
    if not page.by_criterion:
        return markup.remark("Nobody has answered a criterion yet. A project asks them on the Projects page.")
    return _draw_points(page.by_criterion, name="criteria", at=tr("Criterion"), said=str)


def draw_ranker(page: MembersPage) -> str:
    """A version's ratings beside people's."""
    if not page.ranker:
        return markup.remark(page.ranker_notice)
    rows = [
        (one.member, say_number(one.people, "+.2f"), say_range(one.people_low, one.people_high, "+.2f"),
         say_number(one.ranker, "+.2f"), say_range(one.ranker_low, one.ranker_high, "+.2f"),
         say_number(one.ranker - one.people, "+.2f"), say_number(one.n))
        for one in page.ranker
    ]  # fmt: skip
    headings = (
        "Member", "People", "95 % interval", "Version", "95 % interval", "Difference", "Held-out votes",
    )  # fmt: skip
    groups: dict[int, list[str]] = {}
    for one in page.ranker:
        groups.setdefault(one.group, []).append(one.member)
    told = markup.notice(_say_groups(list(groups.values())), tone="warning")
    table = markup.table(headings, rows, caption="On the same decided votes on held-out prompts")
    saved = markup.download("Save these ratings (CSV)", name="ranker.csv", text=ranker_csv(page.ranker))
    return told + markup.figure_links("members-ranker-plot", name="ranker-and-people") + table + saved


def _draw_points(points: tuple[RatingPoint, ...], *, name: str, at: str, said: Callable[[str], str]) -> str:
    if not points:
        return markup.remark(NO_RATINGS)
    rows = [
        (
            one.member, said(one.at), say_number(one.rating, "+.2f"), say_range(one.low, one.high, "+.2f"),
            say_number(one.n), str(one.group),
        )
        for one in points
    ]  # fmt: skip
    table = markup.table(("Member", at, "Rating", "95 % interval", "Preferences", "Group"), rows)
    saved = markup.download("Save this table (CSV)", name=f"{name}.csv", text=points_csv(points))
    links = markup.figure_links(f"members-{name}-plot", name=f"ratings-{name}")
    return links + markup.fold("As a table", table) + saved


def _draw_effects(view: RatingsView) -> str:
    if not view.effects:
        return ""
    rows = [
        (one.name, say_number(one.effect, "+.3f"), say_range(one.low, one.high, "+.3f"))
        for one in view.effects
    ]
    caption = "What one doubling of a count on a side is worth in log-odds, members held equal"
    return markup.table(("Style", "Effect", "95 % interval"), rows, caption=caption)


def _win_cell(row: str, column: str, wins: float, count: int) -> markup.Cell | None:
    if not count:
        return None
    return markup.Cell(
        wins / count,
        tr("{row} against {column}: {wins:g} of {count:,}", row=row, column=column, wins=wins, count=count),
    )

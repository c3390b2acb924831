"""The leaderboard as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import say_number, say_range, tr
from blender_ui.services.inspecting.leaderboard import Contribution
from blender_ui.ui import markup
from blender_ui.ui.csv_text import write_csv
from blender_ui.ui.leaderboard.handlers import LeaderboardPage
from blender_ui.votes.leaderboard import Entrant, Entry

WHAT = {Entrant.MEMBER: "", Entrant.FUSED: "fused", Entrant.BEST_RANKED: "the ranker's first"}
NOTHING = "Nobody compared two members here yet. Answers are compared on the Blend and the Label page."
AXIS = "How likely its answer is preferred to an average entry's of this list; the bar is the 95 % interval."
SHARED = "Entries share a place where their intervals do not tell them apart."
APART = (
    "Nobody compared these with those above, directly or through others, so which are better is not known."
)
LINKS = [("Compare answers", "./label")]


def draw_lists(page: LeaderboardPage) -> str:
    """Each list as a plot with its table to unfold; or why there is none."""
    if page.problem:
        return markup.notice(page.problem, tone="warning")
    if not page.board.lists:
        return markup.notice(NOTHING, links=LINKS)
    return "".join(_draw_list(entries, number) for number, entries in enumerate(page.board.lists))


def draw_contribution(one: Contribution) -> str:
    """What the viewer gave to the lists."""
    if not one.n_all:
        return ""
    if not one.n:
        return markup.remark(tr("{n_all:,} votes made this. None of them is yours yet.", n_all=one.n_all))
    share = say_number(one.n / one.n_all, ".0%") if one.n / one.n_all >= 0.01 else tr("less than 1 %")
    prompts = tr("1 prompt") if one.n_prompts == 1 else tr("{n_prompts:,} prompts", n_prompts=one.n_prompts)
    return markup.figures(
        [
            ("your votes", say_number(one.n)),
            ("of all", say_number(one.n_all)),
            ("your share", share),
            ("on", prompts),
        ]
    )


def _draw_list(entries: tuple[Entry, ...], number: int) -> str:
    head = markup.section(tr("List {number}", number=number + 1), APART) if number else ""
    lanes = [
        markup.Lane(
            place=str(one.place),
            name=one.name,
            tag=WHAT[one.entrant],
            share=one.chance,
            low=one.low,
            high=one.high,
            words=tr("{chance:.0%}, {low:.0%} to {high:.0%}", chance=one.chance, low=one.low, high=one.high),
            note=tr("1 vote") if one.n == 1 else tr("{n:,} votes", n=one.n),
        )
        for one in entries
    ]
    plot = markup.lanes(lanes, name=f"{tr(AXIS)} {tr(SHARED)}")
    table = markup.table(
        ("Place", "Member", "Preferred", "95 % interval", "Votes", "Won", "Lost", "Ties"),
        [_row(one) for one in entries],
    )
    saved = markup.download(
        "Save this list (CSV)",
        name=f"leaderboard-{number + 1}.csv",
        text=write_csv([*vars(entries[0])], [[*vars(one).values()] for one in entries]),
    )
    return head + plot + markup.fold("As a table", table + saved)


def _row(one: Entry) -> tuple[str, ...]:
    name = f"{one.name} ({WHAT[one.entrant]})" if WHAT[one.entrant] else one.name
    return (
        str(one.place),
        name,
        say_number(one.chance, ".1%"),
        say_range(one.low, one.high, ".1%"),
        say_number(one.n),
        say_number(one.n_wins),
        say_number(one.n_losses),
        say_number(one.n_ties),
    )

"""Reports and ratings as plotly figures, for day and night and for the colour-blind.

Invariant: every figure's numbers also stand in a table on the page; nothing is computed here.
Non-goal: HTML.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly

from blender_ui.language import say_number, tr
from blender_ui.services.inspecting.versions import LearningPoint
from blender_ui.statistics.reliability import Reliability
from blender_ui.ui import words
from blender_ui.ui.plots import (
    BLUE,
    DIVERGING,
    GREY,
    HEAD_AND_FOOT,
    ORANGE,
    name_columns,
    name_rows,
    scale_on_top,
    styled,
)
from blender_ui.votes.ratings import RankerRating, RatingPoint, RatingsView
from blender_ui.votes.reports import ShareRow

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito; the yellow is left out, since it cannot be read on white."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
MOST_LINES = 12
MOST_ROWS = 40


def shares_plot(rows: Sequence[ShareRow], *, overall: float, title: str) -> plotly.graph_objects.Figure:
    """Shares of groups with their 95 % intervals, and where all together lie."""
    shown = rows[:MOST_ROWS]
    names = [f"{row.name} ({say_number(row.n)})" for row in shown]
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Scatter(
            x=[row.share for row in shown],
            y=names,
            mode="markers",
            marker={"color": BLUE, "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high - row.share for row in shown],
                "arrayminus": [row.share - row.low for row in shown],
                "color": BLUE,
            },
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.add_vline(x=overall, line={"color": ORANGE, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(tickformat=".0%", range=[-0.02, 1.02])
    row = max(26, name_rows(figure, names))
    return styled(figure, height=max(150, 80 + row * len(shown)), title=title)


def reliability_plot(found: Reliability) -> plotly.graph_objects.Figure:
    """How often the likelier side won, by how sure the version was; points on the line are calibrated."""
    filled = [place for place, n in enumerate(found.n) if n]
    most = max((int(found.n[place]) for place in filled), default=1)
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Scatter(
            x=[0.5, 1], y=[0.5, 1], mode="lines", line={"color": GREY, "dash": "dash"}, name="calibrated"
        )
    )
    figure.add_scatter(
        x=[float(found.confidence[place]) for place in filled],
        y=[float(found.accuracy[place]) for place in filled],
        customdata=[int(found.n[place]) for place in filled],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [float((found.high - found.accuracy)[place]) for place in filled],
            "arrayminus": [float((found.accuracy - found.low)[place]) for place in filled],
        },
        mode="lines+markers",
        line={"color": BLUE},
        marker={"size": [7 + 13 * (int(found.n[place]) / most) ** 0.5 for place in filled]},
        name="version",
        hovertemplate="%{x:.1%} sure, %{y:.1%} right, %{customdata:,} votes<extra></extra>",
    )
    figure.update_xaxes(title=tr("how sure the version was"), tickformat=".0%", range=[0.48, 1.02])
    figure.update_yaxes(
        title=tr("how often it was right, 95 % interval"), tickformat=".0%", range=[-0.02, 1.02]
    )
    return styled(figure, height=340)


def learning_plot(points: Sequence[LearningPoint]) -> plotly.graph_objects.Figure:
    """What each version reached by how much it had learnt from, one line a kind of ranker."""
    figure = plotly.graph_objects.Figure()
    for number, kind in enumerate(sorted({point.kind for point in points})):
        mine = [point for point in points if point.kind == kind]
        figure.add_scatter(
            x=[point.n_train for point in mine],
            y=[point.accuracy for point in mine],
            text=[tr("version {version_id}", version_id=point.version_id) for point in mine],
            mode="lines+markers",
            name=kind,
            line={"color": PALETTE[number % len(PALETTE)]},
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [point.high - point.accuracy for point in mine],
                "arrayminus": [point.accuracy - point.low for point in mine],
            },
            hovertemplate="%{text}: %{y:.1%} from %{x:,}<extra></extra>",
        )
    figure.update_xaxes(title=tr("preferences learnt from"))
    figure.update_yaxes(title=tr("held-out accuracy"), tickformat=".0%")
    return styled(figure, height=320)


def points_plot(points: Sequence[RatingPoint], *, members: Sequence[str]) -> plotly.graph_objects.Figure:
    """Ratings over time, a line a member, the best dozen; by the preference that each point ends with."""
    figure = plotly.graph_objects.Figure()
    for number, member in enumerate(members[:MOST_LINES]):
        mine = [point for point in points if point.member == member]
        colour = PALETTE[number % len(PALETTE)]
        figure.add_scatter(
            x=[int(point.at) for point in mine],
            y=[point.rating for point in mine],
            mode="lines+markers",
            name=member,
            line={"color": colour, "dash": "solid" if number < len(PALETTE) else "dot"},
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 7},
            error_y={
                "type": "data",
                "array": [point.high - point.rating for point in mine],
                "thickness": 1,
                "width": 0,
            },
            hovertemplate=f"{member}: %{{y:.2f}} up to preference %{{x:,}}<extra></extra>",
        )
    figure.update_xaxes(title=tr("preferences up to id"))
    figure.update_yaxes(title=tr("rating (log-odds)"))
    return styled(figure, height=420)


def kinds_plot(points: Sequence[RatingPoint], *, members: Sequence[str]) -> plotly.graph_objects.Figure:
    """Ratings by kind of task, a row a kind: there may be many, and their names are long."""
    kinds = list(dict.fromkeys(point.at for point in points))
    by_cell = {(point.member, point.at): point.rating for point in points}
    cells = [[by_cell.get((member, kind)) for member in members] for kind in kinds]
    bound = max((abs(value) for row in cells for value in row if value is not None), default=1.0) or 1.0
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Heatmap(
            z=cells, x=list(members), y=kinds, zmin=-bound, zmax=bound, colorscale=DIVERGING,
            texttemplate="%{z:.2f}" if len(members) <= 12 else None, textfont={"color": "#22201c"},
            hovertemplate="%{x}, %{y}: %{z:.2f}<extra></extra>", colorbar=scale_on_top("rating (log-odds)"),
        )
    )  # fmt: skip
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(showgrid=False)
    name_columns(figure, members)
    return styled(figure, height=HEAD_AND_FOOT + max(24, name_rows(figure, kinds)) * len(kinds))


def wins_plot(view: RatingsView) -> plotly.graph_objects.Figure:
    """How often the row was preferred to the column; hovering tells the counts."""
    names = [one.member for one in view.members]
    size = range(len(names))
    shares = [
        [view.wins[i][j] / view.counts[i][j] if view.counts[i][j] else None for j in size] for i in size
    ]
    # As texts: plotly.js draws a dash for the whole numbers of a matrix of custom data.
    cells = [
        ["" if share is None else f"{share:.0%}<br>of {n:,}" for share, n in zip(*pair, strict=True)]
        for pair in zip(shares, view.counts, strict=True)
    ]
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Heatmap(
            z=shares, x=names, y=names, zmin=0, zmax=1, colorscale=DIVERGING, text=cells,
            texttemplate="%{text}" if len(names) <= 12 else None,
            textfont={"color": "#22201c"}, colorbar=scale_on_top("row preferred", tickformat=".0%"),
            hovertemplate="%{y} against %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(showgrid=False)
    name_columns(figure, names)
    row = max(44 if len(names) <= 12 else 16, name_rows(figure, names))
    return styled(figure, height=HEAD_AND_FOOT + row * len(names))


def ranker_ratings_plot(rows: Sequence[RankerRating]) -> plotly.graph_objects.Figure:
    """A version's rating of each member under people's, one row a member."""
    names = [row.member for row in rows]
    by_whom = {
        "people": (BLUE, "circle", [(row.people, row.people_low, row.people_high) for row in rows]),
        "the version": (ORANGE, "diamond", [(row.ranker, row.ranker_low, row.ranker_high) for row in rows]),
    }
    figure = plotly.graph_objects.Figure()
    for name, (color, symbol, estimates) in by_whom.items():
        figure.add_scatter(
            name=name,
            x=[value for value, _, _ in estimates],
            y=names,
            orientation="h",
            offsetgroup=name,
            mode="markers",
            marker={"color": color, "size": 9, "symbol": symbol},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - value for value, _, high in estimates],
                "arrayminus": [value - low for value, low, _ in estimates],
                "color": color,
            },
            hovertemplate=f"%{{y}}, rated by {name}: %{{x:.2f}}<extra></extra>",
        )
    row = max(44, name_rows(figure, names))
    figure = styled(figure, height=120 + row * len(rows), title="rating (log-odds), 95 % interval")
    legend = {"x": 0, "y": 1, "yanchor": "bottom"}
    return figure.update_layout(scattermode="group", scattergap=0.5, legend=legend, margin_t=64)


def groups_plot(parts: Sequence[tuple[str, float]]) -> plotly.graph_objects.Figure:
    """What each feature group adds to a logit."""
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Bar(
            x=[value for _, value in parts],
            y=[words.say(words.GROUP, name) for name, _ in parts],
            orientation="h",
            marker={"color": [BLUE if value >= 0 else ORANGE for _, value in parts]},
            text=[say_number(value, "+.3f") for _, value in parts],
            hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(zeroline=True)
    figure.update_yaxes(autorange="reversed")
    return styled(figure, height=240, title="log-odds for the first answer")

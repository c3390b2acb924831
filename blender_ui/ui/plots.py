"""Numbers to plotly figures, readable by day and by night and without telling red from green.

Invariant: every figure's numbers also stand in a table on the page; nothing is computed here. A figure can be
read 300 pixels wide: long names break into two lines, and what would lie under them stands on top.
Non-goal: HTML.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import accumulate

import plotly

from blender_ui.language import separators, tr
from blender_ui.services.jobs.progress import CurvePoint
from blender_ui.services.monitoring.dashboard import Day
from blender_ui.services.quality.agreement import TimedWindow

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8a8f94"
"""Of Okabe and Ito's palette; the grey has enough contrast on both backgrounds."""
GRID = "rgba(138,143,148,.25)"
DIVERGING = [[0.0, ORANGE], [0.5, "#f3f1ec"], [1.0, BLUE]]
LABEL_CHARACTERS = 22
"""Of a line of a name beside a figure."""
HEAD_AND_FOOT = 250
"""Pixels that a heat map's scale, upright column names and axis title take."""


def curve_plot(points: Sequence[CurvePoint], *, steps: str = "step") -> plotly.graph_objects.Figure:
    """Loss and accuracy, on what was learnt from and on what was held out.

    Args:
        points: By step.
        steps: What a step is.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=2, subplot_titles=(tr("Loss (nats)"), tr("Accuracy")))
    numbers = [point.step for point in points]
    series = (
        (tr("learnt from"), BLUE, "solid", [p.loss for p in points], [p.accuracy for p in points]),
        (
            tr("held out"),
            ORANGE,
            "dot",
            [p.held_out_loss for p in points],
            [p.held_out_accuracy for p in points],
        ),
    )
    for name, colour, dash, losses, accuracies in series:
        for column, values in ((1, losses), (2, accuracies)):
            if all(value is None for value in values):
                continue
            figure.add_scatter(
                x=numbers,
                y=values,
                mode="lines+markers" if len(numbers) < 30 else "lines",
                name=name,
                line={"color": colour, "dash": dash},
                connectgaps=True,
                legendgroup=name,
                showlegend=column == 1,
                row=1,
                col=column,
            )
    figure.update_xaxes(nticks=4, tickangle=0)
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%", row=1, col=2)
    return styled(figure, height=320, title=tr("by {steps}", steps=steps)).update_layout(margin_t=64)


def logits_plot(names: Sequence[str], logits: Sequence[Sequence[float]]) -> plotly.graph_objects.Figure:
    """Heat map of pairwise logits in both orders.

    Args:
        names: One per row and column.
        logits: Shape (n, n): natural-log odds that the row, shown first, beats the column.
    """
    size = len(names)
    cells = [[None if i == j else logits[i][j] for j in range(size)] for i in range(size)]
    bound = max((abs(value) for row in cells for value in row if value is not None), default=1.0) or 1.0
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Heatmap(
            z=cells,
            x=list(names),
            y=list(names),
            zmin=-bound,
            zmax=bound,
            colorscale=DIVERGING,
            texttemplate="%{z:.2f}",
            textfont={"color": "#22201c"},
            hovertemplate="%{y} first, against %{x}: %{z:.3f}<extra></extra>",
            colorbar=scale_on_top("logit, the row shown first"),
        )
    )
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False)
    name_columns(figure, names)
    return styled(figure, height=HEAD_AND_FOOT + size * max(46, name_rows(figure, names)))


def agreement_plot(windows: Sequence[TimedWindow]) -> plotly.graph_objects.Figure:
    """Krippendorff's alpha over time with its interval, a window of pairs a point.

    Args:
        windows: By time.
    """
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Scatter(
            x=list(accumulate(window.n_items for window in windows)),
            y=[window.alpha.value for window in windows],
            mode="lines+markers",
            line={"color": BLUE},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [window.alpha.high - window.alpha.value for window in windows],
                "arrayminus": [window.alpha.value - window.alpha.low for window in windows],
                "color": GREY,
            },
            customdata=[
                tr("{at:%Y-%m-%d %H:%M} UTC, {n_items} pairs", at=window.at, n_items=window.n_items)
                for window in windows
            ],
            hovertemplate="until %{customdata}: %{y:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=tr("pairs with two labels, by their last one"))
    figure.update_yaxes(title=tr("alpha, 95 % interval"), zeroline=True)
    return styled(figure, height=300)


def days_plot(days: Sequence[Day], *, n_wanted: int) -> plotly.graph_objects.Figure:
    """Answers by day as bars, all until each day as a line, and how many are wanted.

    Args:
        days: By day.
        n_wanted: Answers that the project needs in all.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(specs=[[{"secondary_y": True}]])
    dates = [f"{one.day:%Y-%m-%d}" for one in days]
    # A few days would be slabs as wide as the page.
    width = min(0.8, 0.06 * len(days))
    figure.add_bar(x=dates, y=[one.n for one in days], width=width, name="on the day", marker_color=GREY)
    figure.add_scatter(
        x=dates,
        y=[one.n_until for one in days],
        name="in all",
        mode="lines+markers" if len(days) < 30 else "lines",
        line={"color": BLUE},
        secondary_y=True,
    )
    figure.update_xaxes(type="category", nticks=8)  # one day alone would be drawn in milliseconds
    figure.update_yaxes(title=tr("on the day"), rangemode="tozero", secondary_y=False)
    figure.update_yaxes(
        title=tr("in all, of {n_wanted:,}", n_wanted=n_wanted),
        rangemode="tozero",
        secondary_y=True,
        showgrid=False,
    )
    return styled(figure, height=280)


def ratings_plot(
    names: Sequence[str], ratings: Sequence[float], lows: Sequence[float], highs: Sequence[float]
) -> plotly.graph_objects.Figure:
    """Ratings of members with their intervals, best on top.

    Args:
        names: One per member, best first.
        ratings: Natural-log odds.
        lows: Lower ends of the 95 % intervals.
        highs: Upper ends.
    """
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Scatter(
            x=list(ratings),
            y=list(names),
            mode="markers",
            marker={"color": BLUE, "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - rating for rating, high in zip(ratings, highs, strict=True)],
                "arrayminus": [rating - low for rating, low in zip(ratings, lows, strict=True)],
                "color": BLUE,
            },
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(zeroline=True)
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    row = max(30, name_rows(figure, names))
    return styled(figure, height=max(200, 80 + row * len(names)), title="rating (log-odds), 95 % interval")


def name_rows(figure: plotly.graph_objects.Figure, names: Sequence[str]) -> int:
    """Name the rows from top to bottom, long names in two lines; gives the pixels that a row needs."""
    labels = [
        "<br>".join(textwrap.wrap(name, LABEL_CHARACTERS, max_lines=2, placeholder=" …")) for name in names
    ]
    figure.update_yaxes(tickvals=list(names), ticktext=labels, autorange="reversed")
    return 36 if any("<br>" in label for label in labels) else 16


def name_columns(figure: plotly.graph_objects.Figure, names: Sequence[str]) -> None:
    """Name the columns, in one line each, since they stand upright where there is no room.

    What tells two long names apart often stands at their end, so it is the middle that is left out.
    """
    kept = LABEL_CHARACTERS // 2
    labels = [
        name if len(name) <= LABEL_CHARACTERS else f"{name[:kept]}…{name[1 - kept :]}" for name in names
    ]
    figure.update_xaxes(tickvals=list(names), ticktext=labels)


def scale_on_top(title: str, **options: object) -> dict[str, object]:
    """A colour scale above a heat map: at its side it would take the cells' room on a phone."""
    return {
        "title": {"text": tr(title), "side": "top", "font": {"size": 13}}, "orientation": "h",
        "thickness": 12, "y": 1.0, "yanchor": "bottom", **options,
    }  # fmt: skip


def styled(
    figure: plotly.graph_objects.Figure, *, height: int, title: str = ""
) -> plotly.graph_objects.Figure:
    """Give a figure the common style.

    Args:
        figure: Is changed.
        height: In pixels.
        title: What the horizontal axis measures, for figures whose row names leave that axis little room.
    """
    figure.update_layout(
        height=height,
        separators=separators(),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": GREY, "family": "IBM Plex Sans, sans-serif", "size": 13},
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        legend={"orientation": "h", "y": -0.25},
        title={
            "text": tr(title),
            "font": {"size": 13},
            "x": 0,
            "y": 1,
            "yanchor": "top",
            "pad": {"l": 8, "t": 8},
        },
    )
    axes = {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True, "title_font_size": 13}
    figure.update_xaxes(title_standoff=8, **axes)
    figure.update_yaxes(**axes)
    return figure

"""What a chooser learnt, as plotly figures.

Invariant: every figure's numbers also stand in a table or file on the page. Non-goal: HTML.
"""

from __future__ import annotations

import plotly

from blender_ui.choosing.report import ChooserReport
from blender_ui.language import tr
from blender_ui.ui.plots import (
    DIVERGING,
    HEAD_AND_FOOT,
    name_columns,
    name_rows,
    scale_on_top,
    styled,
)
from blender_ui.ui.report_plots import PALETTE, SYMBOLS


def kinds_plot(report: ChooserReport) -> plotly.graph_objects.Figure:
    """Members by kinds; a cell that knows little is pale, whatever it expects."""
    centre = sum(map(sum, report.quality)) / (len(report.kinds) * len(report.members))
    pale = [
        [(quality - centre) * max(0.0, 1 - 2 * margin) for quality, margin in zip(*row, strict=True)]
        for row in zip(report.quality, report.margins, strict=True)
    ]
    # Of the qualities as they are: a scale as wide as the pale values would colour them again.
    bound = max((abs(value - centre) for row in report.quality for value in row), default=0.0) or 1.0
    said = [
        [
            tr(
                "{quality:.2f} ({low:.2f} to {high:.2f}), {n:,} votes",
                quality=quality,
                low=max(0.0, quality - margin),
                high=min(1.0, quality + margin),
                n=n,
            )
            for quality, margin, n in zip(*row, strict=True)
        ]
        for row in zip(report.quality, report.margins, report.n_votes, strict=True)
    ]
    figure = plotly.graph_objects.Figure(
        plotly.graph_objects.Heatmap(
            z=pale, x=list(report.members), y=list(report.kinds), zmin=-bound, zmax=bound,
            colorscale=DIVERGING, text=[[cell.split(" ")[0] for cell in row] for row in said], hovertext=said,
            texttemplate="%{text}" if len(report.members) <= 12 else None, textfont={"color": "#22201c"},
            hovertemplate="%{x}, %{y}: %{hovertext}<extra></extra>",
            colorbar=scale_on_top("from the mean; pale: unsure", tickformat=".2f"),
        )
    )  # fmt: skip
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(showgrid=False)
    name_columns(figure, report.members)
    return styled(figure, height=HEAD_AND_FOOT + max(40, name_rows(figure, report.kinds)) * len(report.kinds))


def map_plot(report: ChooserReport) -> plotly.graph_objects.Figure:
    """The prompts by the two directions in which they differ most, a colour a kind."""
    figure = plotly.graph_objects.Figure()
    for kind, name in enumerate(report.kinds):
        own = [row for row, place in enumerate(report.kind_of) if place == kind]
        figure.add_scattergl(
            x=[report.places[row][0] for row in own],
            y=[report.places[row][1] for row in own],
            text=[report.prompts[row] for row in own],
            mode="markers",
            name=name,
            marker={
                "color": PALETTE[kind % len(PALETTE)],
                "symbol": SYMBOLS[kind // len(PALETTE) % len(SYMBOLS)],
                "size": 6,
                "opacity": 0.7,
            },
            hovertemplate="%{text}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showticklabels=False)
    return styled(figure, height=460).update_layout(legend={"orientation": "h", "y": -0.05, "yanchor": "top"})


def curve_plot(report: ChooserReport) -> plotly.graph_objects.Figure:
    """Quality by calls, a line a way of asking."""
    figure = plotly.graph_objects.Figure()
    for number, way in enumerate(dict.fromkeys(point.way for point in report.curve)):
        mine = [point for point in report.curve if point.way == way]
        figure.add_scatter(
            x=[point.n_calls for point in mine],
            y=[point.quality for point in mine],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [point.high - point.quality for point in mine],
                "arrayminus": [point.quality - point.low for point in mine],
                "thickness": 1,
            },
            mode="lines+markers",
            name=way,
            line={"color": PALETTE[number % len(PALETTE)]},
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 9},
            hovertemplate=f"{way}: %{{y:.3f}} with %{{x:.2f}} asked<extra></extra>",
        )
    figure.update_xaxes(title=tr("members asked a prompt"))
    figure.update_yaxes(title=tr("quality of the best answer"))
    return styled(figure, height=340)

"""The figures of an evaluation as a plot; every number also stands in the report's table."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import plotly

from blender_ui.evaluation.report import Report
from blender_ui.language import tr

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito's palette."""
LINE = 50
"""Characters of the subtitle that fit on a phone."""


def evaluation_plot(reports: Sequence[Report]) -> plotly.graph_objects.Figure:
    """The main metric by system with 95 % intervals, one colour for the plain run and each attack."""
    figure = plotly.graph_objects.Figure()
    for report, colour in zip(reports, COLOURS * len(reports), strict=False):
        rows = [
            (system, row[report.main_metric])
            for system, row in report.figures.items()
            if report.main_metric in row
        ]
        figure.add_bar(
            x=[system for system, _ in rows],
            y=[estimate.value for _, estimate in rows],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [estimate.high - estimate.value for _, estimate in rows],
                "arrayminus": [estimate.value - estimate.low for _, estimate in rows],
            },
            name=report.attack or "plain",
            marker={"color": colour},
        )
    first = reports[0]
    figure.update_layout(
        title={
            "text": tr(
                "{task}: {main_metric} of {n_items} items, 95 % intervals",
                task=first.task,
                main_metric=first.main_metric,
                n_items=first.n_items,
            ),
            "subtitle": {
                "text": "<br>".join(wrap(tr("Ranked by {judged_by}.", judged_by=first.judged_by), LINE))
            },
        },
        barmode="group",
        template="plotly_white",
        xaxis={"automargin": True},
        yaxis={"rangemode": "tozero", "title": first.main_metric},
        # Beside the plot it would take a phone's width from the bars.
        legend={"orientation": "h", "y": 1, "yanchor": "bottom"},
        margin={"t": 130, "l": 50, "r": 20},
    )
    return figure

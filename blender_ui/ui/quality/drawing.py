"""Agreement, annotators and disagreements as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

import math
from typing import Any

from blender_ui.language import say_number, say_range, tr
from blender_ui.services.quality.agreement import Disagreement, QualityView
from blender_ui.services.quality.label_figures import AnnotatorFigures, Overall, PairMatrix
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.ui import markup, prose
from blender_ui.ui.history import draw_history
from blender_ui.ui.quality.handlers import RulingQueue
from blender_ui.ui.rows import Hinted, acted_table
from db.enums import Outcome

WORDS = {
    Outcome.LEFT: "left is better",
    Outcome.RIGHT: "right is better",
    Outcome.TIE: "a tie",
    Outcome.BOTH_BAD: "both bad",
}
NOTHING = "–"
HOW_TO_READ = (
    "Alpha is 1 where all agree and 0 where they agree as often as chance would. Krippendorff asks for .80, "
    "or .667 for tentative conclusions. Agreement on which of two good answers is better is seldom that high."
)


def draw_overall(view: QualityView) -> str:
    """How far all agree."""
    overall = view.overall
    if not view.n_labels:
        return markup.notice("Nobody has labelled anything yet.", links=[("Label", "./label")])
    drawn = markup.figures(
        [
            ("labels of people", say_number(view.n_labels)),
            ("people", say_number(len(view.annotators))),
            ("pairs", say_number(overall.n_items)),
            ("pairs with two labels or more", say_number(overall.n_overlapping)),
            ("of those disagreed on", say_number(overall.n_disagreeing)),
        ]
    )
    if not overall.n_overlapping:
        return drawn + markup.notice(
            "No pair has labels of two people yet, so nothing can be said of agreement. A "
            "project says how many people are asked each pair."
        )
    return drawn + markup.figures(_agreement(overall), note=HOW_TO_READ)


def _agreement(overall: Overall) -> list[tuple[str, str]]:
    return [
        (tr("Krippendorff's alpha"), _number(overall.alpha)),
        (
            tr("Fleiss' kappa (pairs with {n_raters} labels)", n_raters=overall.n_raters),
            _number(overall.fleiss),
        ),
        (tr("two labels of a pair are the same"), say_number(overall.agreement, ".0%")),
    ]


def list_figures(view: QualityView) -> dict[str, Any]:
    """The figures as plain values for programs; None where there is nothing to say."""
    overall = view.overall
    return {
        "n_labels": view.n_labels,
        "n_pairs": overall.n_items,
        "n_overlapping": overall.n_overlapping,
        "n_disagreeing": overall.n_disagreeing,
        "agreement": _plain(overall.agreement),
        "alpha": _plain_estimate(overall.alpha),
        "fleiss_kappa": _plain_estimate(overall.fleiss),
        "annotators": [
            {
                "id": one.annotator_id,
                "name": one.name,
                "n_labels": one.n_labels,
                "agreement": _plain_estimate(one.agreement),
                "gold": _plain_estimate(one.gold),
                "left_share": _plain_estimate(one.left_share),
                "median_seconds": _plain(one.median_seconds),
                "fast_share": _plain(one.fast_share),
                "warning": one.warning,
            }
            for one in view.annotators
        ],
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain_estimate(estimate: Estimate) -> dict[str, float | None]:
    return {name: _plain(value) for name, value in estimate._asdict().items()}


def draw_annotators(annotators: tuple[AnnotatorFigures, ...]) -> str:
    """Each annotator beside the others."""
    if not annotators:
        return markup.remark("Nobody yet.")
    rows = [
        (
            one.name,
            say_number(one.n_labels),
            _share(one.agreement, one.n_compared),
            _share(one.gold, one.n_gold),
            _share(one.left_share, one.n_sided),
            NOTHING if math.isnan(one.median_seconds) else say_number(one.median_seconds, ".1f"),
            NOTHING if math.isnan(one.fast_share) else say_number(one.fast_share, ".0%"),
            one.warning or NOTHING,
        )
        for one in annotators
    ]
    headings = (
        "Who",
        "Labels",
        Hinted("Agrees with the others", "Share of their votes on shared pairs that say what most said"),
        Hinted("Checks right", "Share of gold pairs and attention checks whose known answer they gave"),
        Hinted(
            "Chose left",
            "Close to half for somebody who reads both answers, because sides are drawn at random",
        ),
        Hinted("Median seconds", "Half of their answers took less time"),
        Hinted("Under 1.5 s", "Share of answers given sooner than anybody reads two texts"),
        Hinted("Warning", "What their latest 30 answers give reason to look at"),
    )
    return acted_table(headings, rows, name="Annotators")


def draw_pairs(pairs: PairMatrix) -> str:
    """Pairwise agreement of annotators."""
    if len(pairs.names) < 2:
        return markup.remark("Two people must have labelled the same pairs.")
    size = range(len(pairs.names))
    cells = [[_pair_cell(pairs, row, column) for column in size] for row in size]
    return markup.matrix(
        list(pairs.names),
        cells,
        caption=tr("Share of shared pairs on which both chose the same; hover over a cell for kappa"),
    )


def _pair_cell(pairs: PairMatrix, row: int, column: int) -> markup.Cell | None:
    agreement = float(pairs.agreement[row, column])
    if math.isnan(agreement):
        return None
    kappa = pairs.kappas[min(row, column), max(row, column)]
    title = tr(
        "{names} and {other}: {n_shared:,} pairs, Cohen's kappa {number}",
        names=pairs.names[row],
        other=pairs.names[column],
        n_shared=pairs.n_shared[row, column],
        number=_number(kappa),
    )
    return markup.Cell(agreement, title)


def draw_next(waiting: RulingQueue) -> str:
    """The disagreement to be ruled on, without the members' names."""
    counts, shown = waiting.counts, waiting.shown
    if counts.n == 0:
        return markup.remark("No disagreement waits for a ruling.")
    told = markup.remark(
        tr(
            "{n:,} pairs on which people differ: {n_ruled:,} with a ruling, {n_waiting:,} waiting for one.",
            n=counts.n,
            n_ruled=counts.n_ruled,
            n_waiting=counts.n_waiting,
        )
    )
    if shown is None:
        return told + markup.remark("You have passed over those that wait." if counts.n_waiting else "")
    history = draw_history(shown.history)
    asked = history + markup.fold(
        "What was asked", prose.render_prose(f"{shown.instruction}\n\n{shown.input}".strip())
    )
    answers = markup.side_by_side(_answer("Left", shown.left_text), _answer("Right", shown.right_text))
    return told + asked + answers + _draw_votes(shown)


def _answer(title: str, text: str) -> str:
    return markup.section(title) + markup.passage(prose.render_prose(text), written=text)


def _draw_votes(shown: Disagreement) -> str:
    rows = [(vote.annotator, tr(WORDS[vote.outcome]), vote.reason or NOTHING) for vote in shown.votes]
    return markup.table(("Who", "Says", "Reason"), rows)


def _number(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return NOTHING
    if math.isnan(estimate.low):
        return say_number(estimate.value, ".3f")
    return f"{say_number(estimate.value, '.3f')} ({say_range(estimate.low, estimate.high, '.3f')})"


def _share(estimate: Estimate, n: int) -> str:
    return (
        tr(
            "{estimate:.0%} ({low:.0%} to {high:.0%}) of {n:,}",
            estimate=estimate.value,
            low=estimate.low,
            high=estimate.high,
            n=n,
        )
        if n
        else NOTHING
    )

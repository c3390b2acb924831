"""``blender-ui evaluate``: how often a ranker agrees with the people of a file."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from blender_ui.bootstrap import build_services
from blender_ui.exchange import read_records, to_dataset
from blender_ui.services.ranking.texts import EvaluationView
from blender_ui.settings import Settings

EXPLANATIONS = {
    "n": "pairs with a decided majority of people",
    "accuracy": "the ranker",
    "low": "  its 95 % interval from",
    "high": "  to (bootstrap clustered by prompt)",
    "longer": "the longer answer wins",
    "rating": "the higher-rated member wins (rated on other prompts)",
    "style": "logistic fit on surface features (of other prompts)",
    "ceiling": "one person against the majority of the others",
}


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print the figures; the file's prompts need not be in the store, and are not put there."""
    if options.task:
        from blender_ui.cli.evaluate_task import run as run_task

        return run_task(settings, options)
    dataset = to_dataset(read_records(options.preferences))
    services = build_services(settings)
    try:
        view = services.evaluating.evaluate(dataset, version_id=options.ranker, on_progress=_show_progress)
    finally:
        services.close()
    figures = _figures(view)
    if view.version is None:
        print("no ranker has been trained yet: the baselines alone", file=sys.stderr)
    if view.n_known:
        print(
            f"the start ranker learnt from {view.n_known} of these {view.evaluation.n_prompts} prompts: "
            "its figures here are too good",
            file=sys.stderr,
        )
    if options.json:
        print(json.dumps(figures))
        return 0
    for key, meaning in EXPLANATIONS.items():
        value = figures[key]
        shown = "-" if value is None else f"{value:.3f}" if isinstance(value, float) else value
        print(f"{shown:>7}  {meaning}")
    return 0


def _figures(view: EvaluationView) -> dict[str, Any]:
    figures: dict[str, Any] = view.evaluation._asdict()
    if view.version is None:
        figures |= dict.fromkeys(("accuracy", "low", "high", "ece", "brier"))
    ranker = {"ranker": view.version.id if view.version else None}
    if view.version is not None and view.version.is_start:
        ranker |= {"start": True, "n_known_prompts": view.n_known}
    return ranker | figures


def _show_progress(n_done: int, n_prompts: int) -> None:
    if n_done % 10 == 0 and sys.stderr.isatty():
        print(f"\r{n_done} of {n_prompts} prompts read", end="\r", file=sys.stderr, flush=True)

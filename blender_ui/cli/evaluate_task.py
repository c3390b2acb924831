"""``blender-ui evaluate --task``: members, best-ranked and fused answers beside references."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from blender_ui.bootstrap import Services, build_services
from blender_ui.errors import SettingsError
from blender_ui.evaluation.attacks import Attack
from blender_ui.evaluation.items import Task, read_items
from blender_ui.evaluation.recorded_answers import RecordedAnswers
from blender_ui.evaluation.report import Report, build_report
from blender_ui.evaluation.run import EnsembleRun, ItemResult
from blender_ui.evaluation.sandbox import find_obstacle
from blender_ui.services.evaluating.evaluation import choose_sample
from blender_ui.settings import Settings

SHOWN_METRICS = (
    "rouge1", "rouge2", "rougeL", "exact match", "f1", "contains", "pass@1", "bertscore", "obeys",
    "poisoned",    "ranker preference", "words", "seconds", "tokens", "failed",
)  # fmt: skip


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Run the task, plain and under each attack that was asked for, and print figures with intervals."""
    task = Task(options.task)
    items = choose_sample(read_items(task, options.file), options.limit, seed=settings.seed)
    attacks: list[Attack] = []
    if options.attack:
        attacks = list(Attack) if options.attack == "all" else [Attack(options.attack)]
    if task is Task.CODE and (obstacle := find_obstacle()):
        print(obstacle, file=sys.stderr)
    services = build_services(settings)
    try:
        run_of_task = services.ensemble_evaluation.begin(
            task,
            items,
            recorded=RecordedAnswers(options.answers),
            version_id=options.ranker,
            learns_from_references=options.learn_from_references,
            on_progress=_show_progress,
        )
        plain = run_of_task.run()
        reports = [_report(services, run_of_task, task, plain)]
        for attack in attacks:
            results = run_of_task.run(attack)
            reports.append(_report(services, run_of_task, task, results, attack=attack, plain=plain))
    finally:
        services.close()
    if options.json:
        print(json.dumps([report.as_dict() for report in reports]))
    else:
        for report in reports:
            _print_report(report)
    if options.plot:
        _write_plot(reports, options.plot)
    return 0


def _report(
    services: Services,
    run: EnsembleRun,
    task: Task,
    results: Sequence[ItemResult],
    *,
    attack: Attack | None = None,
    plain: Sequence[ItemResult] = (),
) -> Report:
    return build_report(
        task,
        results,
        members=[config.name for config in services.members.configs],
        attack=attack,
        judged_by=run.judged_by,
        seed=services.settings.seed,
        plain=plain,
    )


def _print_report(report: Report) -> None:
    under = f" under the attack {report.attack}" if report.attack else ""
    print(f"\n{report.task}, {report.n_items} items{under}; ranked by {report.judged_by}")
    metrics = [name for name in SHOWN_METRICS if any(name in row for row in report.figures.values())]
    print("  ".join([f"{'system':22}", *(f"{name:>22}" for name in metrics)]))
    for system, row in report.figures.items():
        cells = [
            f"{row[name].value:.3f} ({row[name].low:.3f}, {row[name].high:.3f})" if name in row else "-"
            for name in metrics
        ]
        print("  ".join([f"{system:22}", *(f"{cell:>22}" for cell in cells)]))
    for one in report.differences:
        gain = one.estimate
        print(
            f"{one.first} less {one.second}, {report.main_metric}: "
            f"{gain.value:+.3f} (95 % interval {gain.low:+.3f} to {gain.high:+.3f})"
        )
    for system, fall in report.falls.items():
        print(
            f"{system} falls by {fall.value:.3f} {report.main_metric} "
            f"(95 % interval {fall.low:.3f} to {fall.high:.3f})"
        )


def _write_plot(reports: list[Report], path: Path) -> None:
    from blender_ui.ui.evaluation_plot import evaluation_plot

    try:
        path.write_text(evaluation_plot(reports).to_html(include_plotlyjs=True), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"the plot could not be written: {error}; --plot names a file to make") from error
    print(f"{path}: the figures as a plot", file=sys.stderr)


def _show_progress(phase: str, n_done: int, n_items: int) -> None:
    print(f"\r{phase}: {n_done} of {n_items}   ", end="", file=sys.stderr, flush=True)

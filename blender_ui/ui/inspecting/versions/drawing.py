"""Reports on versions as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from blender_ui.language import say_number, say_range, tr
from blender_ui.retelling import retell
from blender_ui.services.inspecting.versions import LearningPoint
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.statistics.reliability import Reliability
from blender_ui.ui import markup
from blender_ui.ui.inspecting.decisions.address import Address, write_address
from blender_ui.ui.inspecting.versions.handlers import (
    VersionPage,
    changes_csv,
    curve_csv,
    learning_csv,
    mistakes_csv,
    reliability_csv,
    shares_csv,
)
from blender_ui.ui.standing import draw_standing, name_ranker
from blender_ui.votes.reports import Change, Contrast, Mistake, ShareRow, VersionReport

NO_VERSIONS = "No version was trained yet."
NOTHING_JUDGED = (
    "No decided vote of a person on a held-out prompt has been predicted by this version yet. A fast version "
    "needs the answers to be read: rank such a prompt, or train again."
)


def say_version(version: VersionView) -> str:
    """A version in a list to choose from."""
    active = tr(", ranks now") if version.is_active else ""
    whose = tr(" of strangers") if version.is_start else ""
    return tr(
        "{version}: {kind}, {n_train:,} preferences{whose}{active}",
        version=name_ranker(version),
        kind=tr(version.kind.value),
        n_train=version.n_train,
        whose=whose,
        active=active,
    )


def _say_error(value: float, interval: tuple[float, float]) -> str:
    return f"{say_number(value, '.3f')} ({say_range(interval[0], interval[1], '.3f')})"


def _say_judged(report: VersionReport) -> str:
    waiting = (
        tr("; {n_waiting:,} more pairs wait to be judged", n_waiting=report.n_waiting)
        if report.n_waiting
        else ""
    )
    return tr(
        "{n_judged:,} of {n_votes:,}{waiting}",
        n_judged=report.n_judged,
        n_votes=report.n_votes,
        waiting=waiting,
    )


def draw_summary(page: VersionPage, *, links: Sequence[tuple[str, str]] = ()) -> str:
    """The version in a few figures; where there are none, links to where they come from."""
    report, standing = page.report, draw_standing(page.version)
    if not report.n_judged:
        return standing + markup.notice(NOTHING_JUDGED, links=links)
    entries = [
        ("accuracy", say_share(report.accuracy)),
        ("calibration error (ECE)", _say_error(report.reliability.ece, report.reliability.ece_interval)),
        ("Brier score", _say_error(report.reliability.brier, report.reliability.brier_interval)),
        ("votes judged", _say_judged(report)),
    ]
    sides = [
        ("left wins, by people", say_share(report.people_left)),
        ("by the version", say_share(report.ranker_left)),
        ("being shown first adds", say_number(report.first_gain, "+.3f")),
    ]
    lengths = [
        ("the longer wins, by people", say_share(report.people_longer)),
        ("by the version", say_share(report.ranker_longer)),
    ]
    note = (
        "Decided votes of people on held-out prompts, from which no version learns; 95 % intervals let the "
        "votes on one prompt go together."
    )
    return standing + markup.figures(entries) + markup.figures(sides) + markup.figures(lengths, note=note)


def _say_learnt(version: VersionView) -> str:
    if version.is_start:
        return tr("{n_train:,} preferences of strangers; its card names the files", n_train=version.n_train)
    return tr(
        "{n_train:,} preferences, up to id {cut_off_preference_id:,}",
        n_train=version.n_train,
        cut_off_preference_id=version.cut_off_preference_id,
    )


def _say_job(version: VersionView) -> str:
    return "" if version.job_id is None else tr(", by job {job_id}", job_id=version.job_id)


def say_share(row: ShareRow) -> str:
    """A share with its interval."""
    return (
        "unknown" if not row.n else f"{say_number(row.share, '.1%')} ({say_range(row.low, row.high, '.1%')})"
    )


def draw_shares(rows: tuple[ShareRow, ...], *, name: str, heading: str) -> str:
    """Shares of groups as a table, with what saves them."""
    if not rows:
        return markup.remark("Nothing to show yet.")
    cells = [
        (row.name, say_number(row.share, ".1%"), say_range(row.low, row.high, ".1%"), say_number(row.n))
        for row in rows
    ]
    table = markup.table((heading, "Accuracy", "95 % interval", "Votes"), cells)
    saved = markup.download("Save this table (CSV)", name=f"{name}.csv", text=shares_csv(rows))
    links = markup.figure_links(f"version-{name}-plot", name=f"accuracy-{name}")
    return links + markup.fold(tr("As a table ({n_rows:,} rows)", n_rows=len(rows)), table) + saved


def draw_bins(report: VersionReport) -> str:
    """The reliability curve as a table."""
    if not report.n_judged:
        return markup.remark("Nothing to show yet.")
    found: Reliability = report.reliability
    cells = [
        (
            say_number(confidence, ".1%"),
            say_number(accuracy, ".1%"),
            say_range(low, high, ".1%"),
            say_number(n),
        )
        for confidence, accuracy, low, high, n in zip(
            found.confidence, found.accuracy, found.low, found.high, found.n, strict=True
        )
        if n
    ]
    table = markup.table(("How sure it was", "How often it was right", "95 % interval", "Votes"), cells)
    saved = markup.download("Save this table (CSV)", name="reliability.csv", text=reliability_csv(found))
    links = markup.figure_links("version-reliability-plot", name="reliability")
    return links + markup.fold("As a table", table) + saved


def draw_mistakes(report: VersionReport) -> str:
    """The surest mistakes, each with a link to its decision."""
    if not report.mistakes:
        return markup.remark("None, on the votes that were judged.")
    rows = [_mistake_row(one, report.version_id) for one in report.mistakes]
    headings = ("Prompt", "People preferred", "Over", "Version gave the other", "Preference", "Comparison")
    caption = tr("The {n_rows} most confident mistakes of the version", n_rows=len(rows))
    text = mistakes_csv(report.mistakes)
    saved = markup.download("Save these mistakes (CSV)", name="mistakes.csv", text=text)
    return markup.linked_table(headings, rows, caption=caption) + saved


def draw_learning(points: tuple[LearningPoint, ...]) -> str:
    """The learning curve as a table."""
    if not points:
        return markup.remark("No version has figures of its training yet.")
    cells = [
        (tr("version {version_id}", version_id=one.version_id), one.kind, say_number(one.n_train),
         say_number(one.accuracy, ".1%"),
         say_range(one.low, one.high, ".1%"))
        for one in points
    ]  # fmt: skip
    table = markup.table(("Version", "Kind", "Learnt from", "Accuracy", "95 % interval"), cells)
    saved = markup.download("Save this table (CSV)", name="learning.csv", text=learning_csv(points))
    links = markup.figure_links("version-learning-plot", name="learning-curve")
    return links + markup.fold("As a table", table) + saved


def draw_curve(page: VersionPage) -> str:
    """What saves the training curve."""
    if not page.curve:
        return markup.remark("This version has no stored training curve.")
    saved = markup.download("Save this curve (CSV)", name="training.csv", text=curve_csv(page.curve))
    return markup.figure_links("version-curve-plot", name="training-curve") + saved


def draw_lineage(page: VersionPage) -> str:
    """Base, cut-off, hyper-parameters, fingerprints and decisions of a version and its ancestors."""
    version, lineage = page.version, page.lineage
    facts = [
        ("Base model", version.base_model),
        ("Base fingerprint", version.base_fingerprint),
        ("Fingerprint", version.fingerprint),
        ("Code version", lineage.code_versions[0]),
        ("Learnt from", _say_learnt(version)),
        ("Held out", tr("{n_held_out:,} preferences", n_held_out=version.n_held_out)),
        ("Hyper-parameters", json.dumps(version.hyper_parameters, sort_keys=True)),
        (
            "Made",
            tr("{created_at:%Y-%m-%d %H:%M} UTC{job}", created_at=version.created_at, job=_say_job(version)),
        ),
    ]
    rows = [
        (tr("version {id}", id=one.id), tr(one.kind.value), say_number(one.n_train),
         one.fingerprint[:12], code, f"{one.created_at:%Y-%m-%d %H:%M}")
        for one, code in zip(lineage.ancestors, lineage.code_versions, strict=True)
    ]  # fmt: skip
    headings = ("Version", "Kind", "Learnt from", "Fingerprint", "Code", "Made")
    decided = [
        ("promoted" if one.promoted else "refused", retell(one.reason), one.decided_by or tr("the figures"),
         f"{one.created_at:%Y-%m-%d %H:%M}")
        for one in lineage.decisions
    ]  # fmt: skip
    return (
        markup.table(("What", "Value"), facts)
        + markup.table(headings, rows, caption="It and its ancestors")
        + (markup.table(("Decision", "Why", "By", "When"), decided) if decided else "")
    )


def draw_contrast(contrast: Contrast) -> str:
    """Both accuracies and McNemar's test."""
    if not contrast.n:
        return markup.notice("No held-out vote was predicted by both versions yet.")
    test = contrast.test
    n_better, n_worse = test.n_second_only, test.n_first_only
    entries = [
        (contrast.first.name, say_share(contrast.first)),
        (contrast.second.name, say_share(contrast.second)),
        ("votes", say_number(contrast.n)),
        ("pairs it got better", say_number(n_better)),
        ("worse", say_number(n_worse)),
        ("McNemar's p", say_number(test.p_value, ".3g")),
    ]
    note = (
        "McNemar's exact test on the majorities of pairs: how often chance would split the changed ones "
        "at least so unevenly."
    )
    return markup.figures(entries, note=note) + markup.figure_links("contrast-plot", name="two-versions")


def draw_changes(contrast: Contrast) -> str:
    """Votes on which the versions decide differently."""
    if not contrast.changes:
        return markup.remark("No decision changed.")
    rows = [_change_row(one, contrast) for one in contrast.changes]
    headings = ("Prompt", "People preferred", "Over", contrast.first.name, contrast.second.name, "Change")
    caption = tr(
        "{n_rows:,} of {n_changes:,} changed votes, by the change of the winner's chance",
        n_rows=len(rows),
        n_changes=contrast.n_changes,
    )
    saved = markup.download(
        "Save these changes (CSV)", name="changes.csv", text=changes_csv(contrast.changes)
    )
    return markup.linked_table(headings, rows, caption=caption) + saved


def _mistake_row(one: Mistake, version_id: int) -> tuple[markup.Linked | str, ...]:
    return (
        _prompt_link(one.prompt_id, version_id),
        one.winner,
        one.loser,
        say_number(one.probability, ".1%"),
        str(one.preference_id),
        str(one.comparison_id),
    )


def _change_row(one: Change, contrast: Contrast) -> tuple[markup.Linked | str, ...]:
    return (
        _prompt_link(one.prompt_id, contrast.second_id),
        one.winner,
        one.loser,
        say_number(one.first_probability, ".1%"),
        say_number(one.second_probability, ".1%"),
        "better" if one.is_better else "worse",
    )


def _prompt_link(prompt_id: int, version_id: int) -> markup.Linked:
    address = write_address(Address(tab="decision", prompt=prompt_id, version=version_id))
    return markup.Linked(tr("prompt {prompt_id}", prompt_id=prompt_id), address)

"""What a chooser learnt, and why a prompt was asked of some members, as HTML. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.choosing.report import ALWAYS, CHOSEN, LEAST_GAIN, ChooserReport, CurvePoint
from blender_ui.language import say_number, say_range, tr
from blender_ui.services.choosing.kept import KeptChoice
from blender_ui.services.choosing.proposal import ExpectedMember, Proposal
from blender_ui.services.choosing.reports import InspectedChooser
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.ui import markup
from blender_ui.ui.csv_text import write_csv

NONE_YET = "No chooser was trained yet."
EVERYBODY = "Nobody chose: every member that was enabled was asked."
BY_HAND = "A person chose these by hand: "


def say_version(version: VersionView) -> str:
    """A version in a list to choose from."""
    return tr(
        "version {version_id}{what} ({created_at:%Y-%m-%d %H:%M})",
        version_id=version.id,
        what=tr(", active") if version.is_active else "",
        created_at=version.created_at,
    )


def draw_summary(found: InspectedChooser, readiness: str) -> str:
    """Whether choosing helps, plainly, and what was decided about the version."""
    report = found.report
    helps = markup.notice(say_help(report), tone="good" if _gain(report) > LEAST_GAIN else "warning")
    figures = markup.figures(
        [
            ("members", f"{len(report.members)}"),
            ("kinds of task", f"{len(report.kinds)}"),
            ("held-out prompts", say_number(report.n_judged)),
        ],
        note=found.decision,
    )
    return helps + figures + markup.remark(readiness)


def say_help(report: ChooserReport) -> str:
    """Whether choosing helps, in a sentence."""
    if not report.curve:
        return tr("No held-out prompt has votes on two members, so nobody knows whether choosing helps.")
    gain = _gain(report)
    said = tr(
        "on {n_judged:,} held-out prompts, one member chosen for the prompt, {gain:+.3f}",
        n_judged=report.n_judged,
        gain=gain,
    )
    if gain > LEAST_GAIN:
        return tr("Choosing helps: {said} over always the best one.", said=said)
    if report.leader:
        return tr(
            "One member leads everywhere: asking {leader} alone is as good as choosing one for "
            "each prompt ({said}). Asking several still gives the best of their answers.",
            leader=report.leader,
            said=said,
        )
    return tr(
        "Choosing does not help here: {said} over always the best one; asking that one alone is as good.",
        said=said,
    )


def draw_curve(found: InspectedChooser) -> str:
    """Quality by calls and cost, as a table."""
    points = found.report.curve
    if not points:
        return markup.remark("No held-out prompt has votes on two members.")
    rows = [
        (
            point.way, say_number(point.n_calls, ".2f"), say_number(point.quality, ".3f"),
            say_range(point.low, point.high, ".3f"), _say_cost(point, found.costs),
        )
        for point in points
    ]  # fmt: skip
    caption = (
        "The best of the answers counts, as if it were picked. A member can be asked only where people voted "
        "on an answer of its; cost is of a question at today's prices"
    )
    headings = ("Asked", "Members", "Quality", "95 % interval", "Cost")
    return markup.fold("As a table", markup.table(headings, rows, caption=caption))


def draw_kinds(report: ChooserReport) -> str:
    """Members by kinds as a table and a file."""
    rows = [
        (
            kind, member, say_number(quality, ".3f"),
            say_range(max(0.0, quality - margin), min(1.0, quality + margin), ".3f"), say_number(n),
        )
        for kind, *cells in zip(report.kinds, report.quality, report.margins, report.n_votes, strict=True)
        for member, quality, margin, n in zip(report.members, *cells, strict=True)
    ]  # fmt: skip
    headings = ("Kind of task", "Member", "Expected quality", "95 % interval", "Votes")
    caption = (
        "How often its answer would win against the average member; intervals as if all prompts of a kind "
        "erred together"
    )
    saved = markup.download(
        "Save this table (CSV)", name="members-by-kind.csv", text=write_csv(headings, rows)
    )
    return markup.fold("As a table", markup.table(headings, rows, caption=caption)) + saved


def draw_map(report: ChooserReport) -> str:
    """How many prompts each kind has, and the points as a file."""
    rows = [(kind, say_number(report.kind_of.count(place))) for place, kind in enumerate(report.kinds)]
    points = zip(report.prompts, report.places, report.kind_of, strict=True)
    text = write_csv(
        ("prompt", "x", "y", "kind"), ((prompt, *place, report.kinds[kind]) for prompt, place, kind in points)
    )
    table = markup.table(("Kind of task", "Prompts"), rows)
    return table + markup.download("Save the points (CSV)", name="prompts.csv", text=text)


def draw_asked(choice: KeptChoice | None) -> str:
    """Why these members were asked a prompt."""
    if choice is None:
        return markup.remark(EVERYBODY)
    if choice.proposal is None:
        return markup.remark(f"{tr(BY_HAND)}{', '.join(choice.names)}.")
    proposal = choice.proposal
    rows = [_asked_row(one, "asked") for one in proposal.asked]
    if proposal.is_explored:
        rows[-1] = _asked_row(proposal.asked[-1], tr("asked, drawn at random to learn more about it"))
    rows += [_asked_row(one, tr("left out")) for one in proposal.left_out]
    headings = ("Member", "", "Expected quality", "95 % interval", "Propensity", "Cost", "Seconds")
    return markup.table(headings, rows, caption=_say_choice(proposal))


def _say_choice(proposal: Proposal) -> str:
    return tr(
        "Chooser version {version_id}, kind of task “{kind}”: the best answer of those asked was "
        "expected to be worth {proposal:.3f}, of all {all_value:.3f}",
        version_id=proposal.version_id,
        kind=proposal.kind,
        proposal=proposal.value,
        all_value=proposal.all_value,
    )


def _asked_row(member: ExpectedMember, part: str) -> tuple[str, ...]:
    return (
        member.name, part, say_number(member.quality, ".3f"), say_range(member.low, member.high, ".3f"),
        say_number(member.propensity, ".3f"), "" if member.cost is None else say_number(member.cost, ".4f"),
        "" if member.seconds is None else say_number(member.seconds, ".1f"),
    )  # fmt: skip


def _gain(report: ChooserReport) -> float:
    """Of one member chosen for the prompt over always the best one; 0 where nobody knows."""
    first = {
        way: next((one.quality for one in report.curve if one.way == way), 0.0) for way in (CHOSEN, ALWAYS)
    }
    return first[CHOSEN] - first[ALWAYS]


def _say_cost(point: CurvePoint, costs: tuple[float | None, ...]) -> str:
    asked = [(share, cost) for share, cost in zip(point.shares, costs, strict=True) if share]
    if any(cost is None for _, cost in asked):
        return tr("not known")
    return say_number(sum((share * (cost or 0.0) for share, cost in asked)), ".4f")

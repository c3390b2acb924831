"""Projects and their pairs as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from blender_ui.language import say_number, tr
from blender_ui.retelling import retell
from blender_ui.services.jobs.views import JobView
from blender_ui.services.monitoring.dashboard import DashboardView
from blender_ui.services.projects.projects import ProjectView
from blender_ui.services.quality.checks import KnownPair
from blender_ui.ui import markup
from blender_ui.ui.history import draw_history
from blender_ui.ui.prose import render_prose
from db.enums import Audience, JobStatus, Outcome, Purpose

_STATES = {
    Purpose.LABEL: "to be labelled",
    Purpose.GOLD: "a gold pair",
    Purpose.ATTENTION: "an attention check",
}


def _say(outcome: Outcome) -> str:
    return tr(outcome.value.replace("_", " "))


def draw_projects(projects: Sequence[ProjectView]) -> str:
    """Every project and how far it is."""
    rows = [
        (
            project.terms.name + (tr(" (archived)") if project.is_archived else ""),
            say_number(project.n_prompts),
            say_number(project.n_pairs),
            tr("{n_answered:,} of {n_wanted:,}", n_answered=project.n_answered, n_wanted=project.n_wanted),
            say_number(project.n_checks),
            tr("members") if project.terms.audience is Audience.MEMBERS else tr("everybody"),
        )
        for project in projects
    ]
    return markup.table(("Project", "Prompts", "Pairs", "Answers", "Checks", "Labelled by"), rows)


def draw_new() -> str:
    """What comes first in a new project."""
    return markup.notice("A new project: give it a name and its terms below, then make it.")


def draw_progress(project: ProjectView) -> str:
    """How far one project is, and what is missing where it cannot begin."""
    if project.n_prompts == 0:
        return markup.notice("This project has no prompts yet. Import a file or type some below.")
    if project.n_wanted == 0:
        return markup.notice(
            "No pair is to be labelled yet: the prompts need two answers each. Import a file that has them, "
            "or let the members answer below."
        )
    n_lent = project.n_taken - project.n_answered
    lent = tr(", {n_lent:,} being given now", n_lent=n_lent) if n_lent else ""
    share = project.n_answered / project.n_wanted
    return markup.meter(
        share,
        tr(
            "{n_answered:,} of {n_wanted:,} answers{lent}",
            n_answered=project.n_answered,
            n_wanted=project.n_wanted,
            lent=lent,
        ),
    )


def draw_dashboard(view: DashboardView | None) -> str:
    """A project's figures, and who is at work; nothing where none is chosen."""
    if view is None:
        return ""
    figures = markup.figures(
        [
            ("answers given here", say_number(view.days[-1].n_until) if view.days else "0"),
            ("a day", say_number(view.pace, ",.1f") if view.pace is not None else "–"),
            ("left", _say_time_left(view)),
            ("agreement (alpha)", _say_agreement(view)),
            ("members' cost", _say_money(view.cost.members)),
            ("pay", _say_money(view.cost.people)),
            ("ranks now", _say_ranker(view)),
        ]
    )
    return figures + markup.remark(_say_at_work(view)) + markup.remark(_say_uncounted(view))


def _say_time_left(view: DashboardView) -> str:
    n_left = view.project.n_wanted - view.project.n_answered
    if n_left <= 0 or view.days_left is None:
        return tr("{n_left:,} answers", n_left=max(n_left, 0))
    days = (
        tr("about {ceil:,} days at this pace", ceil=math.ceil(view.days_left))
        if view.days_left > 1
        else tr("under a day")
    )
    hours = (
        ""
        if view.median_seconds is None
        else tr(", {n_left:,.1f} h of work", n_left=n_left * view.median_seconds / 3600)
    )
    return tr("{n_left:,} answers: {days}{hours}", n_left=n_left, days=days, hours=hours)


def _say_agreement(view: DashboardView) -> str:
    alpha = view.agreement
    if math.isnan(alpha.value):
        return tr("– (no pair has two answers)")
    interval = (
        "" if math.isnan(alpha.low) else tr(" ({low:.2f} to {high:.2f})", low=alpha.low, high=alpha.high)
    )
    return tr(
        "{alpha:.2f}{interval} on {n_agreeing:,} pairs",
        alpha=alpha.value,
        interval=interval,
        n_agreeing=view.n_agreeing,
    )


def _say_money(amount: float | None) -> str:
    return "–" if amount is None else say_number(amount, ",.2f")


def _say_ranker(view: DashboardView) -> str:
    if view.ranker is None:
        return tr("nothing yet")
    return (
        tr("the start ranker")
        if view.ranker.is_start
        else tr("version {ranker_id} ({kind})", ranker_id=view.ranker.id, kind=tr(view.ranker.kind.value))
    )


def _say_at_work(view: DashboardView) -> str:
    if not view.at_work:
        return tr("Nobody is at work at this moment.")
    who = ", ".join(f"{one.annotator} ({one.n_held})" for one in view.at_work[:12])
    more = tr(" and {n_at_work} more", n_at_work=len(view.at_work) - 12) if len(view.at_work) > 12 else ""
    return tr("At work now, with the pairs that each holds: {who}{more}.", who=who, more=more)


def _say_uncounted(view: DashboardView) -> str:
    cost = view.cost
    if cost.members is None or not cost.n_uncounted:
        return ""
    return tr(
        "The cost leaves out {n_uncounted:,} answers without counted tokens or without a price.",
        n_uncounted=cost.n_uncounted,
    )


def draw_job(job: JobView | None, cost: float | None = None) -> str:
    """How far the members' answers are; nothing where they were never asked for."""
    if job is None:
        return ""
    doing = job.phase if job.phase.startswith("waiting") and not job.status.is_finished() else ""
    count = tr("{n_done:,} of {n_total:,} answers", n_done=job.n_done, n_total=job.n_total)
    failed = tr(", {n_failed:,} failed and keep their reasons", n_failed=job.n_failed) if job.n_failed else ""
    state = job.phase if job.is_stalled else job.status.value
    if job.is_cancel_requested and not job.status.is_finished():
        state = "stopping"
    rest = "".join(f"; {one}" for one in (doing, _say_left(job), _say_cost(job, cost)) if one)
    text = tr(
        "Members' answers, {state}: {count}{failed}{rest}", state=state, count=count, failed=failed, rest=rest
    )
    tone = "warning" if job.status is JobStatus.FAILED else "info"
    reason = markup.notice(retell(job.error or ""), tone="warning")
    return markup.meter(job.progress, text, tone=tone) + reason


def _say_left(job: JobView) -> str:
    if job.remaining_seconds is None or job.status.is_finished():
        return ""
    minutes = job.remaining_seconds / 60
    return (
        tr("about {minutes:,.0f} min left", minutes=minutes)
        if minutes >= 1
        else tr("less than a minute left")
    )


def _say_cost(job: JobView, cost: float | None) -> str:
    """What it has cost, and will if the rest costs as much an answer."""
    if cost is None:
        return ""
    if job.status.is_finished() or not job.n_done:
        return tr("cost {cost:,.2f}", cost=cost)
    return tr(
        "cost {cost:,.2f} so far, about {whole:,.2f} in all", cost=cost, whole=cost * job.n_total / job.n_done
    )


def draw_pair(pair: KnownPair | None) -> str:
    """A pair to be made a check, without its members' names."""
    if pair is None:
        return markup.remark("Choose a pair to see its answers.")
    state = _STATES[pair.purpose]
    known = tr("; the right answer is {what}", what=_say(pair.gold_outcome)) if pair.gold_outcome else ""
    return (
        markup.remark(
            tr(
                "Pair {comparison_id} is {state}{known}.",
                comparison_id=pair.comparison_id,
                state=state,
                known=known,
            )
        )
        + draw_history(pair.history)
        + markup.fold("Question", render_prose(pair.instruction) + render_prose(pair.input))
        + markup.side_by_side(
            markup.fold("Left answer", render_prose(pair.left_text)),
            markup.fold("Right answer", render_prose(pair.right_text)),
        )
    )


def draw_checks(pairs: Sequence[KnownPair], *, n_all: int, containing: str = "") -> str:
    """The gold pairs and attention checks that were found, and how people did on each."""
    if not n_all:
        return markup.remark("This project has no gold pairs and no attention checks yet.")
    rows = [
        (
            str(pair.comparison_id),
            "gold" if pair.purpose is Purpose.GOLD else "attention",
            " ".join(f"{pair.instruction} {pair.input}".split())[:120],
            "" if pair.gold_outcome is None else _say(pair.gold_outcome),
            pair.gold_reason or "–",
            tr("{n_right:,} of {n_answered:,}", n_right=pair.n_right, n_answered=pair.n_answered)
            if pair.n_answered
            else "–",
        )
        for pair in pairs
    ]
    found = tr(" with “{containing}”", containing=containing) if containing else ""
    told = markup.remark(
        tr(
            "{n_pairs:,} of {n_all:,} gold pairs and attention checks{found}.",
            n_pairs=len(pairs),
            n_all=n_all,
            found=found,
        )
    )
    return told + markup.table(("Pair", "Kind", "Question", "Right answer", "Why", "People right"), rows)


def pair_title(pair: KnownPair) -> str:
    """One line for a list."""
    mark = f" [{pair.purpose.value}: {_say(pair.gold_outcome)}]" if pair.gold_outcome else ""
    question = " ".join(f"{pair.instruction} {pair.input}".split())
    return f"{pair.comparison_id}{mark} {question[:80]}"

"""Training as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from blender_ui.language import say_number, say_range, tr
from blender_ui.ranking.standing import N_PROMPTS_NEEDED
from blender_ui.retelling import retell
from blender_ui.services.jobs.views import JobView
from blender_ui.services.monitoring.shadow_standing import LEVEL, ShadowStanding
from blender_ui.services.projects.projects import ProjectBrief
from blender_ui.services.versions.model_versions import PromotionView, VersionView
from blender_ui.services.versions.readiness import ReadinessView
from blender_ui.services.versions.standing import describe_standing
from blender_ui.ui import markup
from blender_ui.ui.rows import Act, Badge, Cell, Hinted, acted_table, draw_cell
from blender_ui.ui.standing import draw_standing
from blender_ui.ui.training.handlers import JobCard
from db.enums import JobKind, JobStatus, ModelRole

KIND_NAMES = {
    JobKind.FAST: "Fast: a head over a frozen reader",
    JobKind.JOINT: "Joint: an encoder reads both answers",
    JobKind.POINTWISE: "Pointwise: an encoder reads one answer at a time",
    JobKind.FUSER: "Fuser: a T5 writes one answer from several",
    JobKind.CHOOSER: "Chooser: which members to ask, from the prompt",
}
STALLED = (
    "No worker is running, so the job waits. It starts by itself with the app; where it runs apart, "
    "start it with: blender-ui worker. The job goes on from where it was."
)


def draw_readiness(view: ReadinessView, project: ProjectBrief | None = None) -> str:
    """How far the store, or the project that is learnt from, is from a training."""
    share = view.n_decided / view.n_needed if view.n_needed else 1.0
    counted = min(view.n_decided, view.n_needed) if not view.is_ready else view.n_decided
    words = (
        tr("{counted} of {n_needed} decided preferences", counted=counted, n_needed=view.n_needed)
        if not view.is_ready
        else tr("ready to train")
    )
    figures = markup.figures(
        [
            ("learnt from", tr("all projects") if project is None else project.name),
            ("preferences", say_number(view.n_preferences)),
            ("decided", say_number(view.n_decided)),
            ("on prompts", say_number(view.n_prompts)),
            ("held out", say_number(view.n_held_out)),
            ("new since the last training", say_number(view.n_new)),
        ],
        note=view.reason,
    )
    return markup.meter(share, words, tone="good" if view.is_ready else "info") + figures


def draw_card(card: JobCard | None) -> str:
    """The job that is watched."""
    if card is None:
        return markup.remark("No training was asked for yet.")
    job = card.job
    head = markup.section(
        tr("Job {job_id}", job_id=job.id),
        tr(
            "{kind_names}, preferences up to id {cut_off_preference_id}",
            kind_names=KIND_NAMES[job.kind],
            cut_off_preference_id=job.cut_off_preference_id,
        ),
    )
    if job.is_stalled:
        return (
            head
            + markup.meter(job.progress, "worker not running", tone="warning")
            + markup.notice(STALLED, tone="warning")
        )
    words = {
        JobStatus.WAITING: tr("waiting for the worker") if job.phase == "waiting" else job.phase,
        JobStatus.RUNNING: job.phase + _say_remaining(job.remaining_seconds),
        JobStatus.COMPLETE: tr("complete after {duration}", duration=_say_duration(job)),
        JobStatus.CANCELLED: "cancelled",
        JobStatus.FAILED: tr("failed after {duration}", duration=_say_duration(job)),
    }[job.status]
    if job.is_cancel_requested and not job.status.is_finished():
        words += tr(", cancelling")
    drawn = head + markup.meter(job.progress, words, tone="warning" if job.error else "info")
    return drawn + (markup.notice(retell(job.error), tone="warning") if job.error else "")


def draw_jobs(jobs: Iterable[JobView]) -> str:
    """All jobs, newest first."""
    rows = [
        (
            str(job.id),
            tr(job.kind.value),
            job.phase if job.is_stalled else job.status.value,
            say_time(job.created_at),
            _say_duration(job),
            str(job.cut_off_preference_id),
            _say_result(job),
        )
        for job in jobs
    ]
    if not rows:
        return markup.remark("None yet.")
    headings = ("Job", "Kind", "Status", "Asked at (UTC)", "Took", "Up to preference", "Result")
    return markup.table(headings, rows)


def draw_active(versions: Iterable[VersionView]) -> str:
    """The version that ranks now: what it is, and how often it is right."""
    active = next((one for one in versions if one.is_active), None)
    if active is None:
        first = markup.notice("No version ranks yet. The first training makes one.")
        return markup.section("Ranking now") + first
    held_out = active.metrics.get("held_out")
    shown = [
        (
            tr("learnt from"),
            f"{say_number(active.n_train)} {tr('strangers’ votes') if active.is_start else 'preferences'}",
        ),
        (tr("right on held-out votes"), _say_accuracy(held_out)),
        ("made", say_time(active.created_at)),
    ]
    return (
        markup.section("Ranking now")
        + draw_cell(
            Badge(tr("Version {active_id}, {kind}", active_id=active.id, kind=tr(active.kind.value)), "good")
        )
        + draw_standing(active)
        + markup.figures([entry for entry in shown if entry[1]])
    )


def draw_shadow(standing: ShadowStanding, *, returns: bool) -> str:
    """How a version that does not rank does beside the one that does, on new votes.

    Args:
        standing: The two.
        returns: Whether one that ranked before ranks again by itself.
    """
    active, shadow = standing.active, standing.shadow
    head = markup.section(
        tr("In shadow: {version}", version=name_version(shadow.role, shadow.id)),
        "It bets on every new vote beside the version that ranks. Both bet as they were trained, and only "
        "questions that neither learnt from count.",
    )
    if not standing.n:
        return head + markup.remark("No new vote that both could bet on yet.") + _say_rule(standing, returns)
    figures = markup.figures(
        [
            (tr("new votes, on {n} questions", n=standing.n_prompts), say_number(standing.n)),
            (
                tr("right: {version}", version=name_version(shadow.role, shadow.id)),
                _say_share(standing.shadow_right),
            ),
            (
                tr("right: {version}", version=name_version(active.role, active.id)),
                _say_share(standing.active_right),
            ),
            (
                tr("lead in points, {level:.0f} % interval", level=100 * LEVEL),
                tr(
                    "{lead} ({range})",
                    lead=say_number(100 * standing.lead.value, "+.0f"),
                    range=say_range(100 * standing.lead.low, 100 * standing.lead.high, "+.0f"),
                ),
            ),
        ]
    )
    better = tr(
        "{version} is right more often than the one that ranks. A researcher may make it active below.",
        version=name_version(shadow.role, shadow.id).capitalize(),
    )
    return head + figures + (markup.notice(better) if standing.is_better else _say_rule(standing, returns))


def _say_rule(standing: ShadowStanding, returns: bool) -> str:
    """What its bets can bring about."""
    if standing.look is None:
        said = tr(
            "Below {n} new questions the shadow has no say: held-out votes alone promote a version.",
            n=N_PROMPTS_NEEDED,
        )
    elif standing.may_return and returns:
        said = tr("It ranked before. Once it is surely better on new votes, it ranks again by itself.")
    else:
        said = tr("Once it is surely better on new votes, this page says so, and a researcher decides.")
    return markup.remark(said)


def ask_to_activate(role: ModelRole, version_id: int) -> str:
    """What to ask before a version serves."""
    does = {ModelRole.RANKER: "rank", ModelRole.FUSER: "fuse", ModelRole.CHOOSER: tr("choose members")}[role]
    return tr("Let {version} {does} from now on?", version=name_version(role, version_id), does=does)


def draw_versions(role: ModelRole, versions: Iterable[VersionView], *, may_activate: bool = False) -> str:
    """All versions of a role with their figures on prompts that they did not learn from, newest first.

    Args:
        role: Whose columns.
        versions: In the order of the rows.
        may_activate: Whether rows have a button that makes their version serve.
    """
    columns = _COLUMNS[role]
    versions = tuple(versions)
    rows = [
        (*(say(version) for say in columns.values()), _acts(version, may_activate)) for version in versions
    ]
    if not rows:
        first = (
            tr("a training")
            if role is ModelRole.RANKER
            else tr("training the kind “{role}”", role=role.value)
        )
        return markup.remark(tr("None yet; {first} makes the first.", first=first))
    headings = (*(_hinted(heading) for heading in columns), "")
    origins = [tuple(say(version) for say in _ORIGIN.values()) for version in versions]
    table = acted_table(headings, rows, name=tr("Versions: {role}", role=role.value))
    return table + markup.fold("What each was made from", markup.table(tuple(_ORIGIN), origins))


def _acts(version: VersionView, may_activate: bool) -> Cell:
    if version.is_active:
        return Badge("active", "good")
    name = name_version(version.role, version.id)
    return [Act("activate", "Make active", version.id, name)] if may_activate else ""


def _hinted(heading: str) -> str | Hinted:
    return Hinted(heading, _HINTS[heading]) if heading in _HINTS else heading


def draw_decisions(decisions: Iterable[PromotionView]) -> str:
    """Every decision about a version, newest first."""
    rows = [
        (
            say_time(one.created_at),
            name_version(one.role, one.version_id),
            "promoted" if one.promoted else "refused",
            str(one.previous_id or ""),
            one.decided_by or tr("the figures"),
            retell(one.reason),
        )
        for one in decisions
    ]
    if not rows:
        return markup.remark("None yet.")
    return markup.table(("At (UTC)", "Version", "Decision", "Before", "Decided by", "Reason"), rows)


def name_version(role: ModelRole, version_id: int) -> str:
    """A version by the name that every page uses; rankers are the ones that need no word more."""
    if role is ModelRole.RANKER:
        return tr("version {version_id}", version_id=version_id)
    return tr("{role} version {version_id}", role=tr(role.value), version_id=version_id)


def say_time(moment: datetime) -> str:
    """A time to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"


def _say_seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{say_number(seconds, '.0f')} s"
    if seconds < 3600:
        return tr("{minutes:.0f} min {seconds:.0f} s", minutes=seconds // 60, seconds=seconds % 60)
    return tr("{hours:.0f} h {minutes:.0f} min", hours=seconds // 3600, minutes=seconds % 3600 // 60)


def _say_remaining(seconds: float | None) -> str:
    return tr(", about {seconds} left", seconds=_say_seconds(seconds)) if seconds is not None else ""


def _say_duration(job: JobView) -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return _say_seconds((job.finished_at - job.started_at).total_seconds())


def _say_result(job: JobView) -> str:
    if job.version_id is None:
        return retell(job.error or "")
    return name_version(job.kind.model.role, job.version_id)


def _say_accuracy(figures: object) -> str:
    if not isinstance(figures, Mapping) or "accuracy" not in figures:
        return ""
    accuracy, low, high = (_say_share(figures.get(name)) for name in ("accuracy", "low", "high"))
    return tr(
        "{accuracy} ({low} to {high}), n = {n}",
        accuracy=accuracy,
        low=low,
        high=high,
        n=figures.get("n", "?"),
    )


def _figure(figures: object, name: str) -> object:
    return figures.get(name) if isinstance(figures, Mapping) else None


def _say_figure(figures: object, name: str) -> str:
    value = _figure(figures, name)
    return say_number(value, ".3f") if isinstance(value, int | float) else ""


def _say_share(value: object) -> str:
    return say_number(value, ".0%") if isinstance(value, int | float) else ""


Say = Callable[[VersionView], str]
_NUMBER: dict[str, Say] = {
    "Version": lambda one: tr("{id} (active)", id=one.id) if one.is_active else str(one.id)
}
_LEARNT: dict[str, Say] = {
    "Learnt from + held out": lambda one: (
        tr("{n_train:,} of strangers", n_train=one.n_train)
        if one.is_start
        else f"{say_number(one.n_train)} + {say_number(one.n_held_out)}"
    )
}
_MADE: dict[str, Say] = {"Made at (UTC)": lambda one: say_time(one.created_at)}
_COLUMNS: dict[ModelRole, dict[str, Say]] = {
    ModelRole.RANKER: {
        **_NUMBER,
        "Kind": lambda one: (
            tr("{kind}, start ranker", kind=tr(one.kind.value)) if one.is_start else tr(one.kind.value)
        ),
        "Right on held-out votes (95 %)": lambda one: _say_accuracy(one.metrics.get("held_out")),
        "Log loss": lambda one: _say_figure(one.metrics.get("held_out"), "log_loss"),
        "Longer is better": lambda one: _say_share(one.metrics.get("longer")),
        "Beside the baselines": lambda one: describe_standing(one).badge,
        **_LEARNT,
        **_MADE,
    },
    ModelRole.FUSER: {
        **_NUMBER,
        "ROUGE-L": lambda one: _say_figure(one.metrics.get("held_out"), "rouge_l"),
        "Covers": lambda one: _say_share(_figure(one.metrics.get("held_out"), "covered")),
        "From one source": lambda one: _say_share(_figure(one.metrics.get("held_out"), "copied")),
        **_LEARNT,
        **_MADE,
    },
    ModelRole.CHOOSER: {
        **_NUMBER,
        "Quality of who is chosen": lambda one: _say_share(_figure(one.metrics.get("judged"), "chosen")),
        "Always the best member": lambda one: _say_share(_figure(one.metrics.get("judged"), "best_single")),
        "Any member": lambda one: _say_share(_figure(one.metrics.get("judged"), "random")),
        "Best member": lambda one: str(one.metrics.get("best_single") or ""),
        **_LEARNT,
        **_MADE,
    },
}
"""What is said of a version of each role, by heading."""
_ORIGIN: dict[str, Say] = {
    **_NUMBER,
    "Base": lambda one: one.base_model,
    "Compared with": lambda one: str(one.parent_id or ""),
    "Up to preference": lambda one: str(one.cut_off_preference_id),
    "Fingerprint": lambda one: one.fingerprint[:10],
}
"""What is said of where any version came from, by heading."""
_HINTS = {
    "Right on held-out votes (95 %)": "How often it prefers what people did, on prompts that are new to it",
    "Log loss": "Penalises being sure and wrong; lower is better, and always saying 50 % scores 0.693",
    "Longer is better": "How often the longer answer is the one that people preferred, on the same votes",
    "Learnt from + held out": "Preferences that it learnt from, and those that only judge it",
    "ROUGE-L": "Share of the reference's words that the fused text has in the same order",
    "Covers": "How much of what its sources say is in the fused answers",
    "From one source": "Share of fused answers that are one source's, nearly word for word",
    "Any member": "The mean over all members, as if one were drawn",
}
"""Of headings with a word of the field's."""

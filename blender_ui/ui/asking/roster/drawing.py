"""The Members page's table as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import say_number, tr
from blender_ui.retelling import retell
from blender_ui.services.asking.member_list import DAYS, ListedMember
from blender_ui.services.asking.standing import MemberStanding, Spread
from blender_ui.ui import markup
from blender_ui.ui.asking.roster.handlers import RosterPage

HEADINGS = (
    "Member", "Runs by", "Now", "Answers", "First word, p50 / p95", "Whole, p50 / p95", "Failures",
    "Tokens in / out", "Cost",
)  # fmt: skip


def draw_members(page: RosterPage) -> str:
    """Every member of the file, and what is wrong with the file."""
    caption = tr("Answers, seconds, failures and cost of the last {days} days, at today's prices", days=DAYS)
    table = markup.table(HEADINGS, [_row(one) for one in page.members], caption=caption)
    return markup.notice(page.notice, tone="warning") + (table if page.members else "")


def _row(member: ListedMember) -> tuple[str, ...]:
    config, standing = member.config, member.standing
    if standing is None:
        return (config.name, config.backend.value, _now(member), "0", "–", "–", "0", "–", "–")
    return (
        config.name,
        config.backend.value,
        _now(member),
        say_number(standing.n_answers),
        _spread(standing.first_token),
        _spread(standing.whole),
        _failures(standing),
        f"{say_number(standing.n_prompt_tokens)} / {say_number(standing.n_tokens)}",
        _cost(standing),
    )


def _now(member: ListedMember) -> str:
    if not member.config.enabled:
        return "disabled"
    said = [tr(member.status) + (f": {retell(member.reason)}" if member.reason else "")]
    if member.config.samples > 1:
        said.append(tr("{samples} answers to each question", samples=member.config.samples))
    if member.load is not None and member.load.pause_seconds:
        said.append(tr("left alone for {pause_seconds:.0f} s", pause_seconds=member.load.pause_seconds))
    if member.load is not None and (member.load.n_asking or member.load.n_waiting):
        said.append(
            tr(
                "{n_asking} under way, {n_waiting} in line",
                n_asking=member.load.n_asking,
                n_waiting=member.load.n_waiting,
            )
        )
    return "; ".join(said)


def _spread(spread: Spread | None) -> str:
    return "–" if spread is None else f"{say_number(spread.p50, '.1f')} / {say_number(spread.p95, '.1f')} s"


def _failures(standing: MemberStanding) -> str:
    if not standing.n_failures:
        return "0"
    kinds = ", ".join(f"{n} {kind.value.replace('_', ' ')}" for kind, n in standing.failures.items())
    n_asked = standing.n_answers + standing.n_failures
    return tr(
        "{n_failures:,} of {n_asked:,} ({kinds}). Last: {last_failure}",
        n_failures=standing.n_failures,
        n_asked=n_asked,
        kinds=kinds,
        last_failure=standing.last_failure[:200],
    )


def _cost(standing: MemberStanding) -> str:
    if standing.cost is None:
        return tr("no price")
    unknown = (
        tr(", {n_uncounted:,} answers not counted", n_uncounted=standing.n_uncounted)
        if standing.n_uncounted
        else ""
    )
    return f"{say_number(standing.cost, ',.4f')}{unknown}"

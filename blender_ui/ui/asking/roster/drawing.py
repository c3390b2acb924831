"""The Members page's table as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

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
    caption = f"Answers, seconds, failures and cost of the last {DAYS} days, at today's prices"
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
        f"{standing.n_answers:,}",
        _spread(standing.first_token),
        _spread(standing.whole),
        _failures(standing),
        f"{standing.n_prompt_tokens:,} / {standing.n_tokens:,}",
        _cost(standing),
    )


def _now(member: ListedMember) -> str:
    if not member.config.enabled:
        return "disabled"
    said = [member.status + (f": {member.reason}" if member.reason else "")]
    if member.load is not None and member.load.pause_seconds:
        said.append(f"left alone for {member.load.pause_seconds:.0f} s")
    if member.load is not None and (member.load.n_asking or member.load.n_waiting):
        said.append(f"{member.load.n_asking} under way, {member.load.n_waiting} in line")
    return "; ".join(said)


def _spread(spread: Spread | None) -> str:
    return "–" if spread is None else f"{spread.p50:.1f} / {spread.p95:.1f} s"


def _failures(standing: MemberStanding) -> str:
    if not standing.n_failures:
        return "0"
    kinds = ", ".join(f"{n} {kind.value.replace('_', ' ')}" for kind, n in standing.failures.items())
    n_asked = standing.n_answers + standing.n_failures
    return f"{standing.n_failures:,} of {n_asked:,} ({kinds}). Last: {standing.last_failure[:200]}"


def _cost(standing: MemberStanding) -> str:
    if standing.cost is None:
        return "no price"
    unknown = f", {standing.n_uncounted:,} answers not counted" if standing.n_uncounted else ""
    return f"{standing.cost:,.4f}{unknown}"

"""The Members page's table as HTML, through ``rows``. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import say_number, tr
from blender_ui.members.configuration import MOST_SAMPLES, MemberConfig
from blender_ui.members.protocol import MemberStatus
from blender_ui.retelling import retell
from blender_ui.services.asking.member_list import DAYS, ListedMember
from blender_ui.services.asking.standing import MemberStanding, Spread
from blender_ui.ui import markup
from blender_ui.ui.asking.roster.handlers import DISABLE, ENABLE, SAMPLES, TEST, RosterPage, number_member
from blender_ui.ui.rows import Act, Badge, Cell, Hinted, Pick, acted_table

HEADINGS = (
    "Member", "Runs by", "Now", Hinted("Answers a question", "Each is a candidate of its own."),
    "Answers", "First word, p50 / p95", "Whole, p50 / p95", "Failures", "Tokens in / out", "Cost", "",
)  # fmt: skip


def draw_members(page: RosterPage) -> str:
    """Every member of the file, and what is wrong with the file."""
    caption = tr("Answers, seconds, failures and cost of the last {days} days, at today's prices", days=DAYS)
    table = acted_table(HEADINGS, [_row(one) for one in page.members], caption=caption)
    return markup.notice(page.notice, tone="warning") + (table if page.members else "")


def _row(member: ListedMember) -> tuple[Cell, ...]:
    config, standing = member.config, member.standing
    known: tuple[Cell, ...] = ("0", "–", "–", "0", "–", "–")
    if standing is not None:
        known = (
            say_number(standing.n_answers),
            _spread(standing.first_token),
            _spread(standing.whole),
            _failures(standing),
            f"{say_number(standing.n_prompt_tokens)} / {say_number(standing.n_tokens)}",
            _cost(standing),
        )
    return (config.name, config.backend.value, _now(member), _samples(config), *known, _acts(config))


def _samples(config: MemberConfig) -> Pick:
    return Pick(
        SAMPLES,
        number_member(config.name),
        tr("Answers that {name} is asked for to each question", name=config.name),
        [(str(number), str(number)) for number in range(1, MOST_SAMPLES + 1)],
        str(config.samples),
    )


def _acts(config: MemberConfig) -> list[Act]:
    row, name = number_member(config.name), config.name
    if not config.enabled:
        return [Act(ENABLE, "Enable", row, name)]
    return [Act(TEST, "Ask a small question", row, name), Act(DISABLE, "Disable", row, name)]


def _now(member: ListedMember) -> Badge | str:
    if not member.config.enabled:
        return Badge("disabled")
    said = []
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
    if member.reason or said:
        reason = f": {retell(member.reason)}" if member.reason else ""
        return "; ".join([tr(member.status) + reason, *said])
    return Badge(member.status, "good" if member.status == MemberStatus.READY else "info")


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

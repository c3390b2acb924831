"""Keys of programs as HTML, through ``rows``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Sequence

from blender_ui.language import say_number, tr
from blender_ui.services.people.keys import KeyView
from blender_ui.ui import markup
from blender_ui.ui.rows import Act, Badge, Cell, acted_table

_TIME = "%Y-%m-%d %H:%M"
_HEADINGS = (
    "Called", "Begins with", "Role", "Project", "Requests today", "Tokens today", "Requests in all",
    "Made (UTC)", "By", "State", "",
)  # fmt: skip


def draw_keys(keys: Sequence[KeyView]) -> str:
    """Every key with its use."""
    if not keys:
        return markup.remark("There is no key yet.")
    return acted_table(_HEADINGS, [_row(key) for key in keys], name="Keys of programs")


def _row(key: KeyView) -> tuple[Cell, ...]:
    ask = tr("Revoke {key}? Programs that send this key are refused from now on.", key=key.name)
    is_in_use = key.revoked_at is None
    return (
        key.name,
        f"{key.start}…",
        key.role.value,
        key.project or tr("every one"),
        tr(
            "{n_requests:,} ({requests_a_minute:,} a minute)",
            n_requests=key.today.n_requests,
            requests_a_minute=key.requests_a_minute,
        ),
        tr("{n_tokens:,} of {tokens_a_day:,}", n_tokens=key.today.n_tokens, tokens_a_day=key.tokens_a_day),
        say_number(key.ever.n_requests),
        key.created_at.strftime(_TIME),
        key.made_by or tr("command line"),
        Badge("in use", "good")
        if key.revoked_at is None
        else tr("revoked {revoked_at}", revoked_at=key.revoked_at.strftime(_TIME)),
        [Act("revoke", "Revoke", key.id, key.name, ask)] if is_in_use else "",
    )

"""Keys of programs as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Sequence

from blender_ui.services.people.keys import KeyView
from blender_ui.ui import markup

_TIME = "%Y-%m-%d %H:%M"
_HEADINGS = (
    "Key", "Called", "Begins with", "Role", "Project", "Requests today", "Tokens today", "Requests in all",
    "Made (UTC)", "By", "State",
)  # fmt: skip


def draw_keys(keys: Sequence[KeyView]) -> str:
    """Every key with its use."""
    if not keys:
        return markup.remark("There is no key yet.")
    return markup.table(_HEADINGS, [_row(key) for key in keys])


def _row(key: KeyView) -> tuple[str, ...]:
    return (
        f"{key.id}",
        key.name,
        f"{key.start}…",
        key.role.value,
        key.project or "every one",
        f"{key.today.n_requests:,} ({key.requests_a_minute:,} a minute)",
        f"{key.today.n_tokens:,} of {key.tokens_a_day:,}",
        f"{key.ever.n_requests:,}",
        key.created_at.strftime(_TIME),
        key.made_by or "command line",
        "in use" if key.revoked_at is None else f"revoked {key.revoked_at.strftime(_TIME)}",
    )

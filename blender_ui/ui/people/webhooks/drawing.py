"""Webhooks and their messages as HTML, through ``rows``. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Sequence

from blender_ui.language import tr
from blender_ui.services.notifying.webhooks import MessageView, WebhookView
from blender_ui.ui import markup
from blender_ui.ui.rows import Act, Badge, Cell, acted_table

_TIME = "%Y-%m-%d %H:%M"
_TONES = {"delivered": "good", "waiting": "info", "given up": "warning"}


def draw_webhooks(webhooks: Sequence[WebhookView]) -> str:
    """Every webhook with its acts."""
    if not webhooks:
        return markup.remark("There is no webhook yet.")
    headings = ("Number", "Address", "Told of", "Made (UTC)", "By", "")
    return acted_table(headings, [_row(one) for one in webhooks], name="Webhooks")


def draw_messages(messages: Sequence[MessageView]) -> str:
    """The latest messages and how their delivery went."""
    if not messages:
        return markup.remark("Nothing was sent yet.")
    headings = ("Written (UTC)", "Webhook", "Event", "State", "Tries", "Why not yet", "Next try (UTC)")
    return acted_table(headings, [_message(one) for one in messages], name="Messages to webhooks")


def _row(one: WebhookView) -> tuple[Cell, ...]:
    about = tr("webhook {id}", id=one.id)
    ask = tr("Remove webhook {id}? What waits for it is dropped.", id=one.id)
    return (
        str(one.id),
        one.url,
        ", ".join(event.value for event in one.events),
        one.created_at.strftime(_TIME),
        one.made_by or tr("command line"),
        [Act("test", "Send a test", one.id, about), Act("remove", "Remove", one.id, about, ask)],
    )


def _message(one: MessageView) -> tuple[Cell, ...]:
    return (
        one.created_at.strftime(_TIME),
        str(one.webhook_id),
        one.event.value,
        Badge(one.state, _TONES[one.state]),
        str(one.n_tries),
        one.problem,
        "" if one.next_try_at is None else one.next_try_at.strftime(_TIME),
    )

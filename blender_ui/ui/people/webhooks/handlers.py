"""What the panel of webhooks does when asked, without Gradio.

Invariant: the guard has let in admins only; what a page sent is checked here all the same. Non-goal:
how it looks.
"""

from __future__ import annotations

from typing import NamedTuple

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.language import tr
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.notifying.delivering import Delivering
from blender_ui.services.notifying.webhooks import MessageView, Webhooks, WebhookView
from blender_ui.ui.identity import presented_key, recognise
from blender_ui.ui.rows import Acted


class WebhooksPanel(NamedTuple):
    """All that the panel shows."""

    webhooks: tuple[WebhookView, ...]
    messages: tuple[MessageView, ...]


class Made(NamedTuple):
    """A new webhook's secret, or the empty text, and what to say."""

    secret: str
    said: str


class Done(NamedTuple):
    """What to say of an act, and whether it went well."""

    said: str
    is_well: bool


class WebhookHandlers:
    """The panel's requests."""

    def __init__(self, labeling: Labeling, webhooks: Webhooks, delivering: Delivering) -> None:
        self._labeling = labeling
        self._webhooks = webhooks
        self._delivering = delivering

    def panel(self) -> WebhooksPanel:
        """What there is."""
        return WebhooksPanel(
            tuple(self._webhooks.list_webhooks()), tuple(self._webhooks.list_messages(limit=20))
        )

    def make(self, url: object, events: object) -> Made:
        """Make a webhook."""
        words = [str(event) for event in events] if isinstance(events, list | tuple) else []
        try:
            made = self._webhooks.make(str(url or ""), words, by=self._me())
        except BlenderError as error:
            return Made("", tr("No webhook was made: {error}", error=tr(str(error))))
        return Made(
            made.secret,
            tr("Webhook {made_id} is made. Copy its secret; it is shown only now.", made_id=made.id),
        )

    def act(self, acted: Acted) -> Done:
        """Test a webhook or remove it."""
        try:
            match acted.name:
                case "test":
                    return self._test(acted.row)
                case "remove":
                    self._webhooks.remove(acted.row, by=self._me())
                    return Done("Nothing is sent there any more.", True)
                case _:
                    raise MalformedInput(tr("expected test or remove, came {acted!r:.40}", acted=acted.name))
        except BlenderError as error:
            return Done(tr("Nothing was done: {error}", error=tr(str(error))), False)

    def _test(self, webhook_id: int) -> Done:
        message = self._delivering.test(webhook_id)
        if message.state == "delivered":
            return Done(
                tr(
                    "The test arrived at webhook {webhook_id}: status {status}.",
                    webhook_id=webhook_id,
                    status=message.status,
                ),
                True,
            )
        return Done(
            tr(
                "The test did not arrive: {problem}. It is tried again, as any message is.",
                problem=message.problem,
            ),
            False,
        )

    def _me(self) -> int:
        return recognise(self._labeling, presented_key.get()).id

"""Webhooks for admins' programs: made, listed, tried, removed.

Invariant: a secret is in the answer to the request that made it and in no other. Non-goal: what is sent, see
``services.notifying``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from blender_ui.api.resources import Page
from blender_ui.errors import NotPermitted
from blender_ui.outside import check_values
from blender_ui.services.notifying.delivering import Delivering
from blender_ui.services.notifying.posting import LONGEST_URL
from blender_ui.services.notifying.webhooks import EVENTS, MessageView, Webhooks, WebhookView
from blender_ui.services.people.keys import Caller

_WORDS = ", ".join(event.value for event in EVENTS)


class WebhookRequest(BaseModel):
    """A webhook to make."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=LONGEST_URL, description="https, where messages go")]
    events: Annotated[list[str], Field(min_length=1, max_length=16, description=f"some of {_WORDS}")]


class Webhook(BaseModel):
    """A webhook."""

    id: int
    url: str
    events: list[str]
    created_at: datetime


class MadeWebhook(BaseModel):
    """A new webhook; its secret is told only here."""

    id: int
    secret: str = Field(description="what messages are signed with, as Standard Webhooks says")


class Message(BaseModel):
    """A message and how its delivery goes."""

    id: int
    name: str = Field(description="the header webhook-id, the same when the message comes again")
    event: str
    state: str = Field(description="delivered, waiting or given up")
    n_tries: int
    status: int | None = Field(description="of HTTP, of the last try; null where nothing answered")
    problem: str
    created_at: datetime
    next_try_at: datetime | None


class Removed(BaseModel):
    """A webhook that is gone."""

    id: int
    is_removed: bool = True


class WebhookRoutes:
    """Answers for webhooks.

    Args:
        webhooks: Keep them.
        delivering: Tries one.
    """

    def __init__(self, webhooks: Webhooks, delivering: Delivering) -> None:
        self._webhooks = webhooks
        self._delivering = delivering

    def list_webhooks(self, caller: Caller) -> Page[Webhook]:
        """Every webhook, the newest first."""
        _check_caller(caller)
        return Page(data=[_describe(one) for one in self._webhooks.list_webhooks()], next_after=None)

    def make(self, caller: Caller, asked: WebhookRequest) -> MadeWebhook:
        """Make one."""
        _check_caller(caller)
        check_values(asked.url, asked.events)
        made = self._webhooks.make(asked.url, asked.events, by=caller.annotator_id)
        return MadeWebhook(id=made.id, secret=made.secret)

    def remove(self, caller: Caller, webhook_id: int) -> Removed:
        """Remove one."""
        _check_caller(caller)
        self._webhooks.remove(webhook_id, by=caller.annotator_id)
        return Removed(id=webhook_id)

    def test(self, caller: Caller, webhook_id: int) -> Message:
        """Send one a message now."""
        _check_caller(caller)
        return _describe_message(self._delivering.test(webhook_id))

    def list_messages(self, caller: Caller, webhook_id: int, limit: int) -> Page[Message]:
        """The latest messages to one, the newest first."""
        _check_caller(caller)
        found = self._webhooks.list_messages(webhook_id=webhook_id, limit=limit)
        return Page(data=[_describe_message(one) for one in found], next_after=None)


def _check_caller(caller: Caller) -> None:
    if caller.project_id is not None:
        raise NotPermitted("A webhook is told of every project, and this key is of one.")


def _describe(one: WebhookView) -> Webhook:
    return Webhook(
        id=one.id, url=one.url, events=[event.value for event in one.events], created_at=one.created_at
    )


def _describe_message(one: MessageView) -> Message:
    return Message(
        id=one.id,
        name=one.name,
        event=one.event.value,
        state=one.state,
        n_tries=one.n_tries,
        status=one.status,
        problem=one.problem,
        created_at=one.created_at,
        next_try_at=one.next_try_at,
    )

"""Webhooks: made with a secret that is shown once, removed, tried, and their log.

Invariant: a secret is derived from the installation's secret and a salt, and is in no row; every change is in
the audit trail. Non-goal: when messages are sent (``delivering``) and what about (``watching``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import MalformedInput, NotFound, Refused
from blender_ui.services.notifying.posting import SECRET_START, Poster
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.people.signing_in import hash_secret
from db.columns import row_id
from db.engine import transaction
from db.enums import WebhookEvent
from db.models import Webhook, WebhookMessage
from db.queries import webhooks as queries

EVENTS = tuple(event for event in WebhookEvent if event is not WebhookEvent.TEST)
"""What a webhook may be for; a test goes to any."""
MOST_WEBHOOKS = 50
"""Each event is sent to every one of them."""


@dataclass(frozen=True, kw_only=True)
class MadeWebhook:
    """A new webhook with its secret, which is told only now."""

    id: int
    secret: str


@dataclass(frozen=True, kw_only=True)
class WebhookView:
    """A webhook as admins see it; ``made_by`` is empty for the command line."""

    id: int
    url: str
    events: tuple[WebhookEvent, ...]
    made_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class MessageView:
    """A message and how its delivery goes.

    Attributes:
        state: "delivered", "waiting" for the next try, or "given up".
        status: Of HTTP, of the last try; None where nothing answered.
        problem: Why the last try failed; empty where none did.
        next_try_at: None where there is none any more.
    """

    id: int
    webhook_id: int
    name: str
    event: WebhookEvent
    state: str
    n_tries: int
    status: int | None
    problem: str
    created_at: datetime
    tried_at: datetime | None
    next_try_at: datetime | None


class Webhooks:
    """The webhooks of one store.

    Args:
        engine: From ``db.engine.create_store``.
        poster: Checks addresses.
        secret: The installation's.
        clock: Gives the present time, with its zone.
    """

    def __init__(self, engine: Engine, *, poster: Poster, secret: int, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._poster = poster
        self._secret = secret
        self._clock = clock

    def make(self, url: str, events: Sequence[str], *, by: int | None) -> MadeWebhook:
        """Make a webhook.

        Args:
            url: Where messages go.
            events: Words of ``EVENTS``, one at least.
            by: Who makes it; None for the command line.

        Raises:
            MalformedInput: If the address is none that may be posted to, or an event is unknown.
            Refused: If there are ``MOST_WEBHOOKS``.
        """
        told = read_events(events)
        checked, now, salt = self._poster.check(url), self._clock(), secrets.token_hex(32)
        secret = self._derive(salt)
        with transaction(self._engine, immediate=True) as session:
            if len(queries.list_webhooks(session)) >= MOST_WEBHOOKS:
                raise Refused(f"there are {MOST_WEBHOOKS} webhooks, the most; remove one first")
            row = Webhook(
                url=checked,
                events=[event.value for event in told],
                salt=salt,
                secret_hash=hash_secret(secret),
                made_by_id=by,
                created_at=now,
            )
            session.add(row)
            session.flush()
            after = {"url": row.url, "events": row.events}
            change = Change(by=by, action="webhook.create", object_id=row_id(row), after=after)
            record_change(session, change, now=now)
            return MadeWebhook(id=row_id(row), secret=secret)

    def remove(self, webhook_id: int, *, by: int | None) -> None:
        """Send nothing to it any more, what waits neither.

        Raises:
            NotFound: If there is no such webhook.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            row = get_webhook(session, webhook_id)
            row.removed_at = now
            queries.drop_waiting(session, webhook_id=webhook_id)
            before = {"url": row.url, "events": row.events}
            change = Change(by=by, action="webhook.remove", object_id=webhook_id, before=before)
            record_change(session, change, now=now)

    def list_webhooks(self) -> list[WebhookView]:
        """Every webhook, the newest first."""
        with transaction(self._engine) as session:
            return [
                WebhookView(
                    id=row_id(row),
                    url=row.url,
                    events=tuple(WebhookEvent(event) for event in row.events),
                    made_by=maker,
                    created_at=row.created_at,
                )
                for row, maker in queries.list_webhooks(session)
            ]

    def list_messages(self, *, webhook_id: int | None = None, limit: int = 50) -> list[MessageView]:
        """The latest messages of one webhook, or of all, the newest first.

        Raises:
            NotFound: If there is no such webhook.
        """
        with transaction(self._engine) as session:
            if webhook_id is not None:
                get_webhook(session, webhook_id)
            rows = queries.list_messages(session, webhook_id=webhook_id, limit=limit)
            return [view_message(row) for row in rows]

    def get_secret(self, webhook: Webhook) -> str:
        """What messages to a webhook are signed with.

        Raises:
            Refused: If another installation made it, whose secret is not here.
        """
        secret = self._derive(webhook.salt)
        if hash_secret(secret) != webhook.secret_hash:
            raise Refused("another installation made this webhook: remove it here and make it anew")
        return secret

    def _derive(self, salt: str) -> str:
        key = self._secret.to_bytes(32, "big")
        digest = hmac.new(key, f"webhook:{salt}".encode(), hashlib.sha256).digest()
        return SECRET_START + base64.b64encode(digest).decode()


def read_events(words: Sequence[str]) -> tuple[WebhookEvent, ...]:
    """Events by their words, each once.

    Raises:
        MalformedInput: If there are none, or one is unknown.
    """
    known = {event.value: event for event in EVENTS}
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        came = repr(unknown[0])[:80] if unknown else "none"
        raise MalformedInput(f"expected events of {', '.join(known)}; came {came}")
    return tuple(known[word] for word in dict.fromkeys(words))


def get_webhook(session: Session, webhook_id: int) -> Webhook:
    """A webhook that was not removed.

    Raises:
        NotFound: If there is none.
    """
    row = session.get(Webhook, webhook_id)
    if row is None or row.removed_at is not None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return row


def write_message(
    webhook_id: int, event: WebhookEvent, data: dict[str, Any], *, now: datetime
) -> WebhookMessage:
    """A message that is to be sent now."""
    told = {"type": event.value, "timestamp": now.isoformat(), "data": data}
    return WebhookMessage(
        webhook_id=webhook_id,
        name=f"msg_{secrets.token_hex(12)}",
        event=event,
        body=json.dumps(told, ensure_ascii=False),
        next_try_at=now,
        created_at=now,
    )


def view_message(row: WebhookMessage) -> MessageView:
    """A message for people and programs."""
    state = "given up" if row.next_try_at is None else "waiting"
    return MessageView(
        id=row_id(row),
        webhook_id=row.webhook_id,
        name=row.name,
        event=row.event,
        state=state if row.delivered_at is None else "delivered",
        n_tries=row.n_tries,
        status=row.status,
        problem=row.problem or "",
        created_at=row.created_at,
        tried_at=row.tried_at,
        next_try_at=row.next_try_at,
    )

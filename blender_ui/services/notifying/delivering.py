"""Sends what waits to webhooks, and tries again until it arrives or was tried often enough.

Invariant: a message is in the store before it is sent, and a try is counted there before it is made: after a
process was killed, what it may have sent is sent again, and nothing is lost. A receiver knows a message that
comes again by its name. Non-goal: an order among messages.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.errors import Refused
from blender_ui.members.asking import Ensemble
from blender_ui.services.notifying import watching
from blender_ui.services.notifying.posting import Posted, Poster, sign
from blender_ui.services.notifying.webhooks import (
    MessageView,
    Webhooks,
    get_webhook,
    view_message,
    write_message,
)
from db.columns import row_id
from db.engine import transaction
from db.enums import WebhookEvent
from db.models import Webhook, WebhookMessage
from db.queries import webhooks as queries
from db.queries.locks import lock_until_commit

LOOK_SECONDS = 5.0
"""Between two looks at the store."""
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 300, 1800, 7200, 21_600, 43_200, 86_400))
"""After each try that failed; after the last one the message is given up, two days later."""
CLAIM = timedelta(seconds=60)
"""After which a try that was begun and not ended, because its process was killed, is made again."""
MOST_AT_ONCE = 4
"""Messages, each in a thread: what is claimed is sent at once, so that no claim is over before its try."""

_log = logging.getLogger(__name__)


class _Try(NamedTuple):
    message_id: int
    name: str
    body: str
    url: str
    secret: str
    """Empty where another installation made the webhook."""


class Delivering:
    """Watches one store and sends messages.

    Args:
        engine: From ``db.engine.create_store``.
        webhooks: Know the secrets.
        poster: Sends.
        members: Whose failures are told.
        find_drifts: Gives what is otherwise than before.
        clock: Gives the present time, with its zone.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        webhooks: Webhooks,
        poster: Poster,
        members: Ensemble,
        find_drifts: Callable[[], Sequence[watching.Drifting]],
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._webhooks = webhooks
        self._poster = poster
        self._members = members
        self._find_drifts = find_drifts
        self._clock = clock
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look and send from now on, in a thread; ``close`` ends it."""
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; what waits is sent after the next start."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def test(self, webhook_id: int) -> MessageView:
        """Send a message now, and tell what came of it; if it failed it is tried again as any other.

        Raises:
            NotFound: If there is no such webhook.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            get_webhook(session, webhook_id)
            row = write_message(webhook_id, WebhookEvent.TEST, {"webhook_id": webhook_id}, now=now)
            session.add(row)
            session.flush()
            one = self._claim(session, row, now)
        self._send(one)
        with transaction(self._engine) as session:
            return view_message(session.get_one(WebhookMessage, one.message_id))

    def notice(self) -> int:
        """See what happened, and write the messages about it; says how many."""
        members = [config.name for config in self._members.configs]
        drifts = self._find_drifts()
        with transaction(self._engine) as session:
            if not watching.look(session, members=members, drifts=drifts).seen:
                return 0
        now, n_written = self._clock(), 0
        # Once more with a lock, so that of two processes one tells it.
        with transaction(self._engine, immediate=True) as session:
            lock_until_commit(session, "sightings")
            found = watching.look(session, members=members, drifts=drifts)
            watching.keep(session, found.seen, now=now)
            for webhook, _ in queries.list_webhooks(session) if found.news else ():
                for event, data in found.news:
                    if event.value in webhook.events:
                        session.add(write_message(row_id(webhook), event, data, now=now))
                        n_written += 1
        return n_written

    def send_due(self) -> int:
        """Try what is due, and say how much that was."""
        now = self._clock()
        with transaction(self._engine) as session:
            if not queries.list_due(session, now=now, limit=1):
                return 0
        with transaction(self._engine, immediate=True) as session:
            due = queries.list_due(session, now=now, limit=MOST_AT_ONCE)
            tries = [self._claim(session, row, now) for row in due]
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="webhook") as pool:
            list(pool.map(self._send, tries))
        return len(tries)

    def _claim(self, session: Session, row: WebhookMessage, now: datetime) -> _Try:
        """Count a try before it is made."""
        row.n_tries += 1
        row.tried_at = now
        row.next_try_at = now + CLAIM
        webhook = session.get_one(Webhook, row.webhook_id)
        secret = ""
        with contextlib.suppress(Refused):
            secret = self._webhooks.get_secret(webhook)
        return _Try(row_id(row), row.name, row.body, webhook.url, secret)

    def _send(self, one: _Try) -> None:
        if one.secret:
            headers = sign(one.secret, name=one.name, at=self._clock(), body=one.body)
            came = self._poster.post(one.url, body=one.body, headers=headers)
        else:
            came = Posted(None, "another installation made this webhook: remove it here and make it anew")
        with transaction(self._engine, immediate=True) as session:
            _end_try(session.get_one(WebhookMessage, one.message_id), came, now=self._clock())

    def _run(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            for act in (self.notice, self._send_all_due):  # what waits is sent also where a look fails
                try:
                    act()
                except Exception:  # noqa: BLE001 - the edge of a thread: the next look tries again
                    _log.exception("webhooks failed")

    def _send_all_due(self) -> None:
        while not self._is_over.is_set() and self.send_due():
            pass


def _end_try(row: WebhookMessage, came: Posted, *, now: datetime) -> None:
    row.status, row.problem = came.status, came.problem or None
    if not came.problem:
        row.delivered_at, row.next_try_at = now, None
    elif row.next_try_at is not None:  # else its webhook was removed meanwhile
        wait = WAITS[row.n_tries - 1] if row.n_tries <= len(WAITS) else None
        row.next_try_at = None if wait is None else now + wait

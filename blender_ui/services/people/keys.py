"""Keys that programs send: made, shown once, limited, counted, revoked.

Invariant: the store has a key's hash alone; every request that a key let in is counted, at the latest a
moment after it (a process that is killed in that moment loses the count, not the request); every change is
in the audit trail. Non-goal: which role a route needs, which ``blender_ui.api.rules`` says.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, NotFound, NotSignedIn, QuotaUsedUp
from blender_ui.language import tr
from blender_ui.services.after_vote import Background
from blender_ui.services.people.auditing import Change, record_change
from blender_ui.services.people.quotas import Quota, say_wait
from blender_ui.services.people.signing_in import hash_secret
from db.columns import row_id
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Annotator, AnnotatorKind, ApiKey, Project, Role
from db.queries import annotators
from db.queries import keys as queries
from db.queries.keys import KeyRow, Use

LONGEST_NAME = 128
START = "bui-"
"""Of every key, so that a scan of files for lost secrets finds them."""
N_SHOWN = 8
"""First characters of a key that people see in lists."""
REQUESTS_A_MINUTE, TOKENS_A_DAY = 60, 1_000_000
MOST_REQUESTS, MOST_TOKENS = 100_000, 2_000_000_000
MINUTE = timedelta(minutes=1)
OPEN_KEY = "program:open"
"""Stored key of the annotator who stands for programs without a key, in open mode."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The program behind a request.

    Attributes:
        key_id: Its key; None in open mode, where it needs none.
        annotator_id: Who asks and votes by it.
        project_id: The one project that it works in; None for every one.
        requests_a_minute: None for no limit, as below.
    """

    key_id: int | None
    annotator_id: int
    name: str
    role: Role
    project_id: int | None
    requests_a_minute: int | None = None
    tokens_a_day: int | None = None

    @property
    def home_project_id(self) -> int:
        """The project of what names none."""
        return DEFAULT_PROJECT_ID if self.project_id is None else self.project_id


@dataclass(frozen=True, kw_only=True)
class KeyTerms:
    """What a new key is for.

    Attributes:
        project_id: The one project that it works in; None for every one.
        tokens_a_day: Read and written by members, of one day in UTC.
    """

    name: str
    role: Role = Role.ANNOTATOR
    project_id: int | None = None
    requests_a_minute: int = REQUESTS_A_MINUTE
    tokens_a_day: int = TOKENS_A_DAY


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key as admins see it.

    Attributes:
        start: Its first characters.
        project: Its project's name; empty for every one.
        made_by: Name of who made it; empty for the command line.
        today: Its use on this day in UTC.
    """

    id: int
    name: str
    start: str
    role: Role
    project: str
    requests_a_minute: int
    tokens_a_day: int
    made_by: str
    created_at: datetime
    revoked_at: datetime | None
    today: Use
    ever: Use


class ApiKeys:
    """The keys of one store; safe to share between threads.

    Args:
        engine: From ``db.engine.create_store``.
        clock: Gives the present time, with its zone.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._quotas: dict[int, Quota] = {}
        self._uncounted: dict[tuple[int, str], Use] = {}
        self._count_soon = Background(self.write_counts, name="key-use")
        self._open_caller: Caller | None = None

    def make(self, terms: KeyTerms, *, by: int | None) -> str:
        """Make a key and give it, which is told only now.

        Args:
            terms: What it is for.
            by: Who makes it; None for the command line.

        Raises:
            MalformedInput: If the name is blank or long, or a limit is out of range.
            NotFound: If there is no such project.
        """
        _check(terms)
        secret, now = START + secrets.token_urlsafe(32), self._clock()
        with transaction(self._engine, immediate=True) as session:
            if terms.project_id is not None and session.get(Project, terms.project_id) is None:
                raise NotFound(tr("there is no project {project_id}", project_id=terms.project_id))
            annotator = _program(f"program:{secrets.token_hex(32)}", terms.name.strip(), now)
            session.add(annotator)
            session.flush()
            key = ApiKey(
                annotator_id=row_id(annotator),
                name=terms.name.strip(),
                secret_hash=hash_secret(secret),
                start=secret[: len(START) + N_SHOWN],
                role=terms.role,
                project_id=terms.project_id,
                requests_a_minute=terms.requests_a_minute,
                tokens_a_day=terms.tokens_a_day,
                made_by_id=by,
                created_at=now,
            )
            session.add(key)
            session.flush()
            after = {"name": key.name, "role": key.role.value, "project_id": key.project_id}
            change = Change(by=by, action="key.create", object_id=row_id(key), after=after)
            record_change(session, change, now=now)
        return secret

    def revoke(self, *, key_id: int, by: int | None) -> None:
        """Let a key in no more; revoking it again changes nothing.

        Raises:
            NotFound: If there is no such key.
        """
        now = self._clock()
        with transaction(self._engine, immediate=True) as session:
            key = session.get(ApiKey, key_id, with_for_update=True)
            if key is None:
                raise NotFound(tr("there is no key {key_id}", key_id=key_id))
            if key.revoked_at is None:
                key.revoked_at = now
                change = Change(
                    by=by,
                    action="key.revoke",
                    object_id=key_id,
                    before={"is_revoked": False},
                    after={"is_revoked": True},
                )
                record_change(session, change, now=now)

    def list_keys(self) -> list[KeyView]:
        """Every key, revoked ones too, the newest first."""
        self.write_counts()
        with transaction(self._engine) as session:
            return [_view(row) for row in queries.list_keys(session, day=self._today())]

    def admit(self, secret: str) -> Caller:
        """Let a request in by its key, and count it.

        Raises:
            NotSignedIn: If there is no such key, or it was revoked.
            QuotaUsedUp: If its requests of this minute, or its tokens of this day, are used up.
        """
        with transaction(self._engine) as session:
            keeper = queries.find_keeper(session, secret_hash=hash_secret(secret))
            if keeper is None:
                raise NotSignedIn(
                    "This key is unknown or was revoked. An admin makes keys on the People page."
                )
            stored = queries.find_use(session, key_id=keeper.key_id, day=self._today())
        caller = Caller(**keeper._asdict())
        self._check_tokens(caller, stored)
        self._take_place(caller)
        self._count(caller, Use(1, 0))
        return caller

    def admit_open(self) -> Caller:
        """Who a program without a key is, in open mode: an admin."""
        if self._open_caller is None:
            with transaction(self._engine, immediate=True) as session:
                known = annotators.find_by_key(session, key=OPEN_KEY)
                if known is None:
                    known = _program(OPEN_KEY, "Program without a key", self._clock())
                    session.add(known)
                    session.flush()
                self._open_caller = Caller(
                    key_id=None, annotator_id=row_id(known), name=known.name, role=Role.ADMIN, project_id=None
                )
        return self._open_caller

    def count_tokens(self, caller: Caller, n_tokens: int) -> None:
        """Count what members read and wrote for a program."""
        self._count(caller, Use(0, n_tokens))

    def write_counts(self) -> None:
        """Store what was counted since the last time; it is stored when this returns."""
        with self._writing:
            with self._lock:
                uses, self._uncounted = self._uncounted, {}
            if not uses:
                return
            try:
                with transaction(self._engine, immediate=True) as session:
                    queries.add_use(session, uses=uses)
            except BaseException:
                with self._lock:  # the next call counts them
                    for key, use in uses.items():
                        self._uncounted[key] = _sum(self._uncounted.get(key), use)
                raise

    def close(self) -> None:
        """Store what was counted."""
        self._count_soon.close()
        self.write_counts()

    def _count(self, caller: Caller, use: Use) -> None:
        if caller.key_id is None:
            return
        key = (caller.key_id, self._today())
        with self._lock:
            self._uncounted[key] = _sum(self._uncounted.get(key), use)
        self._count_soon()

    def _check_tokens(self, caller: Caller, stored: Use) -> None:
        with self._lock:
            uncounted = self._uncounted.get((caller.key_id or 0, self._today()))
        n_tokens, most = _sum(uncounted, stored).n_tokens, caller.tokens_a_day
        if most is None or n_tokens < most:
            return
        now = self._clock()
        tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        raise QuotaUsedUp(
            tr(
                "The key {caller} may use {most:,} tokens a day and has used {n_tokens:,}. Ask "
                "again in {wait}.",
                caller=caller.name,
                most=most,
                n_tokens=n_tokens,
                wait=say_wait(tomorrow - now),
            ),
            wait_seconds=(tomorrow - now).total_seconds(),
        )

    def _take_place(self, caller: Caller) -> None:
        if caller.key_id is None or caller.requests_a_minute is None:
            return
        with self._lock:
            made = Quota(caller.requests_a_minute, window=MINUTE)
            quota = self._quotas.setdefault(caller.key_id, made)
        wait = quota.take("", now=self._clock())
        if wait is not None:
            raise QuotaUsedUp(
                tr(
                    "The key {caller} may send {requests_a_minute} requests a minute. Ask again in {wait}.",
                    caller=caller.name,
                    requests_a_minute=caller.requests_a_minute,
                    wait=say_wait(wait),
                ),
                wait_seconds=wait.total_seconds(),
            )

    def _today(self) -> str:
        return self._clock().date().isoformat()


def _program(stored_key: str, name: str, now: datetime) -> Annotator:
    return Annotator(key=stored_key, name=name, kind=AnnotatorKind.JUDGE, role=Role.ANNOTATOR, created_at=now)


def _check(terms: KeyTerms) -> None:
    n_characters = len(terms.name.strip())
    if not 0 < n_characters <= LONGEST_NAME:
        raise MalformedInput(
            tr(
                "a key's name has 1 to {longest_name} characters, this one has {n_characters}",
                longest_name=LONGEST_NAME,
                n_characters=n_characters,
            )
        )
    limits = {
        "requests a minute": (terms.requests_a_minute, MOST_REQUESTS),
        "tokens a day": (terms.tokens_a_day, MOST_TOKENS),
    }
    for what, (value, most) in limits.items():
        if not 1 <= value <= most:
            raise MalformedInput(
                tr("a key has 1 to {most:,} {what}, not {value:,}", most=most, what=what, value=value)
            )


def _sum(one: Use | None, other: Use) -> Use:
    return other if one is None else Use(one.n_requests + other.n_requests, one.n_tokens + other.n_tokens)


def _view(row: KeyRow) -> KeyView:
    key = row.key
    return KeyView(
        id=row_id(key),
        name=key.name,
        start=key.start,
        role=key.role,
        project=row.project or "",
        requests_a_minute=key.requests_a_minute,
        tokens_a_day=key.tokens_a_day,
        made_by=row.maker or "",
        created_at=key.created_at,
        revoked_at=key.revoked_at,
        today=row.today,
        ever=row.ever,
    )

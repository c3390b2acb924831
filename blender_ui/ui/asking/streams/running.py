"""Answers that are being written, each in a thread of this process; pages follow them.

Invariant: an answer that was begun goes on to its end or until somebody stops it, whatever becomes of the
page that asked for it, and every page that follows it sees its latest state. Non-goal: what a page shows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.language import language, speaking
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.ui.asking.asking import Asking
from blender_ui.ui.asking.ledger import Ledger

LOOK_SECONDS = 0.25
"""Between two checks of whether it is a visitor's turn."""
WAITS = CandidateUpdate(text="", waiting="", thinking="", n_tokens=0, seconds=0.0, first_token_seconds=None)
"""Of an answer whose member is not asked yet."""
_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Entry:
    """An answer as it stands."""

    first: CandidateUpdate | None = None
    latest: CandidateUpdate | None = None
    n_updates: int = 0
    is_over: bool = False


class Running:
    """The answers that this process writes; safe to share between threads.

    Args:
        services: The app's services.
        ledger: Knows which answers are expected, and is told when each has ended.
        asking: Gives visitors of a demo their turn.
        pause: Waits so many seconds, between two looks at whether a visitor's turn has come.
    """

    def __init__(
        self,
        services: Services,
        *,
        ledger: Ledger,
        asking: Asking,
        pause: Callable[[float], object],
    ) -> None:
        self._blending = services.blending
        self._choices = services.choices
        self._ledger = ledger
        self._asking = asking
        self._pause = pause
        self._changed = threading.Condition()
        self._entries: dict[tuple[int, str], _Entry] = {}

    def join(
        self, prompt_ids: tuple[int, ...], prompt_id: int, name: str
    ) -> Iterator[CandidateUpdate] | None:
        """Follow an answer from now to its end, and have it begun where it is expected and nobody has.

        A follower that is slower than the member misses states between two others, but neither the first nor
        the last.

        Args:
            prompt_ids: All of the round; the first has its visitor's place.
            prompt_id: The one that is answered.
            name: The answer's label.

        Returns:
            The states; None where the answer is neither expected nor being written.
        """
        key = (prompt_id, name)
        with self._changed:
            if self._ledger.begin(prompt_id, name):
                entry = self._entries[key] = _Entry()
                threading.Thread(
                    target=self._write,
                    args=(prompt_ids, *key, entry, language.get()),
                    name=f"ask {name}",
                    daemon=True,
                ).start()
            found = self._entries.get(key)
        return None if found is None else self._follow(found)

    def _follow(self, entry: _Entry) -> Iterator[CandidateUpdate]:
        n_seen = 0
        while True:
            with self._changed:
                while entry.n_updates == n_seen and not entry.is_over:
                    self._changed.wait()
                if entry.n_updates == n_seen:
                    return
                updates = [entry.latest] if n_seen else [entry.first, entry.latest]
                n_seen = entry.n_updates
            if len(updates) == 2 and updates[0] is updates[1]:
                updates = updates[1:]
            yield from (update for update in updates if update is not None)

    def find(self, prompt_id: int, name: str) -> CandidateUpdate | None:
        """An answer as far as it is written; None where it is not being written or has no word yet."""
        with self._changed:
            entry = self._entries.get((prompt_id, name))
            return None if entry is None else entry.latest

    def _write(
        self, prompt_ids: tuple[int, ...], prompt_id: int, name: str, entry: _Entry, code: str
    ) -> None:
        try:
            if self._has_turn(prompt_ids[0], entry, code):
                seat = self._blending.seat(name)
                for update in self._blending.stream(
                    prompt_id=prompt_id,
                    member_name=seat.member,
                    sample=seat.sample,
                    propensity=self._find_propensity(prompt_id, seat.member),
                ):
                    self._tell(entry, update)
        except BlenderError as error:
            _log.info("no answer of %s: %s", name, error)  # the page says that none was kept
        except Exception:  # noqa: BLE001 - the edge of a thread: nobody else would hear of it
            _log.exception("an answer of %s ended", name)
        finally:
            self._ledger.end(prompt_id, name)
            if self._ledger.are_done(prompt_ids):
                self._asking.leave(prompt_ids[0])
            with self._changed:
                self._entries.pop((prompt_id, name), None)
                entry.is_over = True
                self._changed.notify_all()

    def _has_turn(self, prompt_id: int, entry: _Entry, code: str) -> bool:
        """Wait for a visitor's turn and tell how far it is; False where it was stopped before it came.

        It alone is told in the language ``code`` of who asks: what is stored later is English.
        """
        told = ""
        while not (is_turn := self._asking.may_begin(prompt_id)):
            if is_turn is None:
                return False
            with speaking(code):
                place = self._asking.tell_place(prompt_id)
            if told != (told := place):
                self._tell(entry, replace(WAITS, waiting=told))
            self._pause(LOOK_SECONDS)
        return True

    def _tell(self, entry: _Entry, update: CandidateUpdate) -> None:
        with self._changed:
            entry.first = entry.first or update
            entry.latest = update
            entry.n_updates += 1
            self._changed.notify_all()

    def _find_propensity(self, prompt_id: int, name: str) -> float | None:
        """With which a chooser had a member asked; None where none chose, or it had left the member out."""
        kept = self._choices.find(prompt_id)
        return None if kept is None or kept.proposal is None else kept.proposal.propensities.get(name)

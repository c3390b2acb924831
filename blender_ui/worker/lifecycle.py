"""How a worker process behaves among others: its share of the machine, and how it ends.

Invariant: it ends at once when it is told to, or when its parent is gone. It never waits for a step,
because a step that is cut off is repeated by the next worker. It lowers its own priority and nobody
else's. Non-goal: the work.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

NICENESS = 5
"""A third of an ordinary program's share of a core: enough to get on while others keep each core busy."""


def share_machine() -> None:
    """Leave a core and the better priority to the pages; call it before numeric libraries load."""
    n_threads = str(max((os.cpu_count() or 2) - 1, 1))
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, n_threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.nice(NICENESS)


def lower_session(leader_id: int) -> None:
    """Lower the scheduling group of a session, where Linux keeps one for each.

    Between such groups only the group's niceness counts. Only for a session that the caller has just
    made: a worker that was started in a terminal shares its group with all that runs there.

    Args:
        leader_id: Process id of the session's first process.
    """
    with suppress(OSError):
        Path(f"/proc/{leader_id}/autogroup").write_text(str(NICENESS))


def end_on_signals(status: int = 0) -> None:
    """End with this exit status on SIGTERM and SIGINT."""

    def end(number: int, frame: FrameType | None) -> None:
        # Leaving through the interpreter would wait for the thread that is in the middle of a step.
        os._exit(status)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def end_with_parent() -> None:
    """End when standard input closes, which the parent's death does whatever its cause."""
    threading.Thread(target=_wait_for_parent, name="parent-watch", daemon=True).start()


def _wait_for_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)

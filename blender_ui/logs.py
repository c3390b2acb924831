"""Structured logs: every line of the process is one JSON object, with the id of the request it is about.

Invariant: no text of a prompt, an answer or a key is logged here. Non-goal: details of faults, which
``blender_ui.faults`` keeps in a file.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from blender_ui.faults import request_id

NAME = "blender_ui"
"""The logger of which all ours are children."""


def keep_logs(level: str) -> None:
    """Write log lines of this level and above to the standard error stream.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    ours = logging.getLogger(NAME)
    for known in list(ours.handlers):
        ours.removeHandler(known)
    ours.addHandler(handler)
    ours.setLevel(level.upper())
    ours.propagate = False


def _add_request_id(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    return event | {"request_id": request_id.get()} if request_id.get() else event

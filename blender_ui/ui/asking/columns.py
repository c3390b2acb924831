"""A column's view, made from the services' view of its answer.

Invariant: a view without a name says nothing that identifies the member: how long it took, how
many tokens it wrote, whether its limit cut it, what it thought and its own message of a failure come
with the name.
Non-goal: when names are shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from blender_ui.language import tr
from blender_ui.retelling import retell
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.candidates import CandidateView, FailureView
from blender_ui.ui.asking.views import ColumnView, Progress
from db.enums import FailureKind

NOT_KEPT = "No answer was kept. Press Retry to ask again."
ONLY_THOUGHT = "The model thought, and gave no answer. Raise max_tokens in members.toml, or retry."
ADVICE = {
    FailureKind.UNREACHABLE: "The model could not be reached. Retry, or look at its address and server.",
    FailureKind.REFUSED: "The model refused the question. Shorten or reword it, then retry.",
    FailureKind.RATE_LIMITED: "The model is being asked too often. Wait a minute, then retry.",
    FailureKind.TIMEOUT: "The model took too long. Retry, or ask for a shorter answer.",
    FailureKind.CRASHED: "The model's server broke off. Retry starts it again.",
    FailureKind.OUT_OF_MEMORY: "There was not enough memory. Shorten the question, then retry.",
    FailureKind.BAD_RESPONSE: "The model sent something that is not an answer. Retry.",
    FailureKind.EMPTY: "The model gave an empty answer. Retry.",
    FailureKind.STOPPED: "Stopped before the end. Retry asks again.",
}
"""What happened and what to do, said with or without names."""


def growing(update: CandidateUpdate, number: int, name: str) -> ColumnView:
    """The column while its answer is written, and at its end.

    Args:
        update: From the member's stream.
        number: The column, from 0.
        name: The member's name; empty while names are hidden.
    """
    if update.failure is not None:
        return failed(update.failure, number, name)
    view = ColumnView(
        number=number,
        name=name,
        progress=_progress(update),
        text=update.text,
        waiting=update.waiting,
    )
    return view if not name else replace(view, **_figures(update))


def _progress(update: CandidateUpdate) -> Progress:
    if update.is_done:
        return Progress.DONE
    return Progress.WAITING if update.waiting else Progress.WRITING


def answered(answer: CandidateView, number: int, name: str, *, is_asked_about: bool) -> ColumnView:
    """The column of a stored answer; arguments as ``growing``."""
    view = ColumnView(
        number=number,
        name=name,
        progress=Progress.DONE,
        text=answer.text,
        is_asked_about=is_asked_about,
    )
    return view if not name else replace(view, **_figures(answer))


def cut_note(finish_reason: str | None) -> str:
    """What to say of an answer that may not be whole; empty for one that ended by itself."""
    match finish_reason:
        case "length":
            return tr("The answer reached the model's limit and was cut.")
        case None | "stop":
            return ""
    return tr(
        "The endpoint gave an unknown finish reason ({finish_reason}); the answer may be cut.",
        finish_reason=finish_reason,
    )


def failed(failure: FailureView | None, number: int, name: str) -> ColumnView:
    """The column of a failure, or of an answer that was never kept; arguments as ``growing``."""
    if failure is None:
        return ColumnView(number=number, name=name, progress=Progress.FAILED, reason=NOT_KEPT)
    is_only_thinking = failure.kind is FailureKind.EMPTY and failure.thinking
    advice = ONLY_THOUGHT if is_only_thinking else ADVICE[failure.kind]
    return ColumnView(
        number=number,
        name=name,
        progress=Progress.FAILED,
        text=failure.partial_text,
        thinking=failure.thinking if name else "",
        reason=f"{tr(advice)} ({retell(failure.message)})" if name else advice,
    )


def _figures(answer: CandidateUpdate | CandidateView) -> dict[str, Any]:
    """What an answer cost, whether it is whole and what led to it, which tells one member from another."""
    return {
        "thinking": answer.thinking,
        "seconds": answer.seconds,
        "first_token_seconds": answer.first_token_seconds,
        "n_tokens": answer.n_tokens,
        "cut": cut_note(answer.finish_reason),
    }

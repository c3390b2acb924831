"""The request to an endpoint, and its changes after a refusal.

Invariant: a change is one that the endpoint's refusal names, never a guess; the token limit and the
stop texts are never dropped. Non-goal: the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pydantic import ConfigDict

from blender_ui.members.openai.errors import EndpointError
from blender_ui.members.protocol import Message, Sampling
from blender_ui.members.value_types import Headers, Parameters, Texts

_STATUSES = (None, 400, 404, 405, 415, 422, 500, 501)
_LEFT_OUT = ("temperature", "top_p", "seed", "stream_options")
"""Without these an answer is still one of the member's; without ``stop`` and a limit it is not."""
_REFUSED = re.compile(
    r"unsupported|unknown|unrecogni[sz]ed|unexpected|deprecated|forbidden"
    r"|\bnot (be )?(currently |yet )?(supported|permitted|allowed|accepted|available|enabled|recogni[sz]ed)"
    r"|\bnot an? (valid |known |supported )?(parameter|argument|field|option)"
    r"|n(o|')t (support|accept|allow|take)\b|extra (inputs|fields|parameters)|(can|may|must) only be"
    r"|only the default|\bonly \S+ is (allowed|supported|accepted)|(cannot|can't) (both )?be|cannot both"
    r"|verified to stream|max_completion_tokens",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"too (large|high|big|low|small|long)|at (most|least)|\bbetween\b|\brange\b|exceed|less than|greater than"
    r"|maximum|minimum|[<>≤≥]",
    re.IGNORECASE,
)
_SYSTEM = (
    r"(system['\"`]?[ _-]*(role|message|prompt|instruction)s?|roles?\b[^.]{0,40}\bsystem|['\"`]system['\"`])"
)
_NO = r"(\bnot\b|n't\b|unsupported|unknown|invalid|unexpected|no longer|\bmust be\b|\bonly\b)"
_NO_SYSTEM = re.compile(
    rf"{_SYSTEM}.{{0,80}}{_NO}|{_NO}.{{0,80}}{_SYSTEM}|roles must alternate"
    r"|only user[ ,/]+(and )?(assistant|model)|developer instruction is not enabled|should be 'user'",
    re.IGNORECASE | re.DOTALL,
)

_NO_TOOL = re.compile(rf"\btool\b.{{0,80}}{_NO}|{_NO}.{{0,80}}\btool\b|tool_call", re.IGNORECASE | re.DOTALL)


class Change(NamedTuple):
    """One thing that is asked differently."""

    what: Literal["leave_out", "rename", "fold_roles"]
    name: str = ""
    """The parameter."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """What a member's requests have besides the usual, and what they do not have."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    parameters: Parameters = field(default_factory=dict)
    """Added to the body, in the place of what stands there."""
    remove: Texts = ()
    """Parameters that are left out of the body."""
    headers: Headers = field(default_factory=dict)
    remove_headers: Texts = ()


def request_body(
    model: str, messages: Sequence[Message], sampling: Sampling, *, extra: Extra, changes: Iterable[Change]
) -> dict[str, Any]:
    """The body of one request."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    body = {key: value for key, value in body.items() if key not in extra.remove} | dict(extra.parameters)
    for change in changes:
        _apply(change, body)
    return body


def find_change(body: Mapping[str, Any], error: EndpointError) -> Change | None:
    """What to ask differently after this refusal of this body; None where it names nothing."""
    if error.status not in _STATUSES or error.kind not in ("refused", "bad_response"):
        return None
    if _refuses_roles(error.message, body["messages"]):
        return Change("fold_roles")
    name = _named(body, error)
    said = f"{error.labels} {error.message}"
    is_limit_renamed = name == "max_tokens" and "max_completion_tokens" in error.message
    if not is_limit_renamed and (not _REFUSED.search(said) or _RANGE.search(error.message)):
        return None
    if name == "max_tokens":
        return Change("rename", name)
    return Change("leave_out", name) if name in (*_LEFT_OUT, "stream") else None


def _named(body: Mapping[str, Any], error: EndpointError) -> str:
    """The parameter of the body that a refusal is about; empty where it names none."""
    if error.param:
        return error.param if error.param in body else ""
    names = (*_LEFT_OUT, "max_tokens", "stop", "stream")
    words = {name: r"stream(ing)?" if name == "stream" else name for name in names if name in body}
    found = {name: re.search(rf"\b{word}\b", error.message, re.IGNORECASE) for name, word in words.items()}
    places = {name: match.start() for name, match in found.items() if match}
    # Of two that exclude each other the first is kept.
    choose = max if re.search(r"\bboth\b", error.message) else min
    return choose(places, key=lambda name: places[name], default="")


def _apply(change: Change, body: dict[str, Any]) -> None:
    match change.what:
        case "leave_out":
            body.pop(change.name, None)
            if change.name == "stream":
                body.pop("stream_options", None)
        case "rename":
            if "max_tokens" in body:
                body.setdefault("max_completion_tokens", body.pop("max_tokens"))
        case "fold_roles":
            body["messages"] = _folded(body["messages"])


def _refuses_roles(said: str, messages: Sequence[Mapping[str, str]]) -> bool:
    """Whether a refusal is about who says what, in messages that can be told as user and assistant alone."""
    if _folded(messages) == list(messages):
        return False
    has_tool = any(message["role"] == "tool" for message in messages)
    return bool(_NO_SYSTEM.search(said) or (has_tool and _NO_TOOL.search(said)))


def _folded(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The same as user and assistant in turn, the user first.

    What system said stands before what the user says first, and what a tool said is told by the user.
    """
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    folded = [{"role": "user", "content": system}]
    for message in messages:
        is_tool, text = message["role"] == "tool", message["content"]
        role = "user" if is_tool else message["role"]
        text = f"Result of a tool:\n{text}" if is_tool else text
        if role == folded[-1]["role"]:
            folded[-1]["content"] = "\n\n".join(part for part in (folded[-1]["content"], text) if part)
        elif role != "system":
            folded.append({"role": role, "content": text})
    return folded

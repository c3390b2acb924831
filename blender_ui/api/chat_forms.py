"""The forms of chat completions: OpenAI's, with one field of ours, ``blender``.

Invariant: a field that would change the answer and that nothing here heeds is refused; one that changes
nothing is left out, and named in ``blender.ignored``. Non-goal: serving.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from blender_ui.conversations import parse_conversation
from blender_ui.errors import MalformedInput
from blender_ui.outside import check_values
from blender_ui.values import RankingPrompt

MOST_MESSAGES = 1000
LONGEST_CONVERSATION = 400_000
"""Characters of all messages together."""


class BlenderOptions(BaseModel):
    """How members are chosen, where a chooser is active."""

    model_config = ConfigDict(extra="forbid")

    k: Annotated[int, Field(ge=1, le=64, description="members to ask, at most")] = 3
    budget: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="what they may cost together"
    )
    seconds: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="that the slowest may take"
    )


class StreamOptions(BaseModel):
    """What a stream has besides the answer."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A conversation to answer."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(max_length=512)]
    messages: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_MESSAGES)]
    n: Annotated[int, Field(ge=1)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    blender: BlenderOptions | None = None


class Message(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """One answer of several."""

    index: int
    message: Message
    finish_reason: str
    logprobs: None = None


class Usage(BaseModel):
    """Tokens, summed over all members that were asked and the fuser, as far as they were counted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AskedReport(BaseModel):
    """An answer that a member was asked for. Names, times and counts are told to researchers only."""

    answer_id: int | None = Field(default=None, description="the stored answer; null where it failed")
    member: str | None = None
    sample: int | None = Field(default=None, description="which of the member's answers, from 1")
    failure: str | None = Field(default=None, description="why it gave no answer")
    rank: int | None = Field(default=None, description="1 is best; null where nothing was ranked")
    score: float | None = Field(
        default=None, description="higher is better; comparable within one answer only"
    )
    win_probability: float | None = Field(
        default=None, description="that it is better than another of these answers"
    )
    propensity: float | None = Field(
        default=None, description="with which a chooser had it asked; null: all were"
    )
    seconds: float | None = None
    first_token_seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None


class ShownReport(BaseModel):
    """An answer that is shown, in the order of the choices."""

    answer_id: int
    member: str | None = None
    is_fused: bool


class SpanReport(BaseModel):
    """A stretch of the fused answer and the answer it came from; null where it is the fuser's own."""

    start: int
    end: int
    answer_id: int | None = None


class FusedReport(BaseModel):
    """The fused answer, shown or not."""

    answer_id: int | None = Field(default=None, description="null where fusing failed")
    fuser: str | None = None
    sources: list[int] = Field(description="answers that were fused, the best first")
    spans: list[SpanReport] = Field(description="a partition of the fused text, in characters")


class BlenderReport(BaseModel):
    """How the answer came about."""

    prompt_id: int
    shown: list[ShownReport]
    asked: list[AskedReport] = Field(description="the best first, those that failed last")
    fused: FusedReport | None = None
    ranker_version: int | None = None
    chooser_version: int | None = None
    cost: float | None = Field(
        default=None, description="of the members with a price; null where none has one"
    )
    n_uncounted: int = Field(description="members whose tokens were not counted, in part or at all")
    notice: str | None = None
    ignored: list[str] = Field(description="fields of the request that changed nothing")


class ChatCompletion(BaseModel):
    """An answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage
    blender: BlenderReport


_CHANGING = frozenset(
    {
        "tools", "functions", "logprobs", "top_logprobs", "logit_bias", "presence_penalty", "audio",
        "frequency_penalty", "prediction", "web_search_options",
    }
)  # fmt: skip
"""Fields that nothing here heeds, and that change an answer unless they are null, false, zero or empty."""


def read_prompt(request: ChatRequest) -> RankingPrompt:
    """The conversation of a request.

    Raises:
        MalformedInput: If it is none, is too long, or ends with another message than the user's.
    """
    messages = [
        {**message, "role": "system"} if message.get("role") == "developer" else message
        for message in request.messages
    ]
    check_values(messages)
    try:
        prompt = parse_conversation(messages)
    except ValueError as error:
        raise MalformedInput(f"messages: {error}") from error
    length = len(prompt.instruction) + sum(len(message.content) for message in prompt.history)
    if length > LONGEST_CONVERSATION:
        raise MalformedInput(
            f"messages: expected at most {LONGEST_CONVERSATION:,} characters in all, came {length:,}"
        )
    return prompt


def read_sampling(request: ChatRequest) -> dict[str, Any]:
    """The fields of ``members.protocol.Sampling`` that the request names."""
    stop = [request.stop] if isinstance(request.stop, str) else request.stop
    check_values(stop)
    named = {
        "temperature": request.temperature,
        # The members' own scale has no 0, which takes the likeliest token, too.
        "top_p": None if request.top_p is None else max(request.top_p, 0.01),
        "max_tokens": request.max_completion_tokens or request.max_tokens,
        "seed": None if request.seed is None else request.seed % 2**31,
        "stop": None if stop is None else tuple(stop),
    }
    return {name: value for name, value in named.items() if value is not None}


def list_ignored(request: ChatRequest) -> list[str]:
    """The fields that nothing here heeds and that change no answer.

    Raises:
        MalformedInput: If one would change it.
    """
    extra = request.model_extra or {}
    kept = sorted(name for name in _CHANGING & extra.keys() if extra[name])
    form, modalities = extra.get("response_format"), extra.get("modalities")
    if isinstance(form, dict) and form.get("type", "text") != "text":
        kept.append("response_format")
    if modalities and modalities != ["text"]:
        kept.append("modalities")
    if kept:
        raise MalformedInput(f"{', '.join(kept)}: not served; members are asked for text alone")
    return sorted(extra)

"""FastChat's conversation logs with votes, and the battles that its monitor cleans them to.

    {"tstamp", "type": "leftvote", "models", "states": [{"model_name", "messages", "conv_id"}, ...], "ip"}
    {"question_id", "model_a", "model_b", "winner", "judge", "conversation_a", "conversation_b", "tstamp"}

Invariant: lines of a log that are no vote between two answers (chats, upvotes of one), and votes on an
error's text, are left out and counted, not faults; a word for the winner that is not known is a fault.
Non-goal: addresses; a voter's is hashed at once.
"""

from __future__ import annotations

import hashlib
from typing import Any

from blender_ui.exchange.cells.chats import Compared, compare
from blender_ui.exchange.cells.particulars import name_of
from blender_ui.exchange.cells.verdicts import Pair, find_winner
from blender_ui.exchange.cells.winner_words import read_winner
from blender_ui.exchange.cells.words import Turn, read_seconds_since_1970, read_turns
from blender_ui.exchange.columns import Columns, is_blank
from blender_ui.exchange.fields import FieldError, Fields, LeftOut, has_words
from blender_ui.exchange.gathering import UNNAMED, id_of_question
from blender_ui.exchange.limits import shorten
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord

_VOTES_FOR_ONE = ("upvote", "downvote")
_ERRORS = (
    "network error due to high traffic",
    "$moderation$ your ",
    "rate limit of this model is reached",
    "rate limit per day of this model is reached",
    "you have reached the conversation length limit",
    "this session has been inactive for too long",
)
"""What FastChat writes in place of an answer (``fastchat/constants.py``), in small letters."""


def parse_vote(line: Columns, source: str) -> PromptRecord:
    """Read a line of a conversation log.

    Raises:
        LeftOut: If it is no vote between two, or one of them is an error's text.
    """
    if not str(line["type"]).endswith("vote") or line["type"] in _VOTES_FOR_ONE:
        raise LeftOut("a line of a log that is no vote between two answers")
    fields = Fields(line)
    states = list(fields.objects("states"))
    if len(states) != 2:
        raise fields.fault(f"expected two 'states', came {len(states)}")
    chats = [read_turns(_messages(state)) for state in states]
    models = [
        _model(state.value.get("model_name"), line["models"], place) for place, state in enumerate(states)
    ]
    return _record(
        compare([], [_by_speaker(chat) for chat in chats]),
        models,
        LabelRecord(
            annotator=_voter(line.get("ip")),
            a=0,
            b=1,
            winner=read_winner(line["type"]),
            kind="human",
            at=read_seconds_since_1970(line.get("tstamp")),
        ),
        id=str(states[0].value.get("conv_id") or ""),
        source=source,
    )


def parse_battle(battle: Columns, source: str) -> PromptRecord:
    """Read a battle."""
    fields = Fields(battle)
    chats = [read_turns(battle[f"conversation_{side}"]) for side in "ab"]
    judge = name_of(battle.get("judge"), most=128) or UNNAMED
    models = [_model(battle.get(f"model_{side}"), None, 0) for side in "ab"]
    winner = find_winner(battle, Pair((models[0], models[1])))
    if winner is None:
        raise fields.fault("'winner' is missing")
    return _record(
        compare([], [_judged_turns(_by_speaker(chat), battle.get("turn")) for chat in chats]),
        models,
        LabelRecord(
            annotator=judge,
            a=0,
            b=1,
            winner=winner,
            # Arena users are called arena_user_<number>, authors author_<number>; models by their names.
            kind="judge" if judge.startswith(("gpt", "claude")) else "human",
            at=read_seconds_since_1970(battle.get("tstamp")),
        ),
        id=next((str(battle[name]) for name in ("question_id", "id") if not is_blank(battle.get(name))), ""),
        source=source,
        lang=name_of(battle.get("language"), most=32),
    )


def _record(
    compared: Compared,
    models: list[str],
    label: LabelRecord,
    *,
    id: str,
    source: str,
    lang: str | None = None,
) -> PromptRecord:
    history, prompt, _ = compared.asked
    if not has_words(prompt):
        raise FieldError("the question is blank")
    if any(error in answer.casefold() for answer in compared.answers for error in _ERRORS):
        raise LeftOut("an answer is the text of an error, not a model's")
    return PromptRecord(
        id=shorten(id, 256) or id_of_question(prompt, history=history),
        source=source,
        prompt=prompt,
        history=history,
        candidates=tuple(
            CandidateRecord(model=model, text=text)
            for model, text in zip(models, compared.answers, strict=True)
        ),
        labels=(label,),
        lang=lang,
    )


def _judged_turns(chat: list[Turn], n_turns: Any) -> list[Turn]:
    """A chat up to the turn that was judged: MT-bench's chats go on after it."""
    if isinstance(n_turns, bool) or not isinstance(n_turns, int) or n_turns < 1:
        return chat
    answers = [place for place, turn in enumerate(chat) if turn.role == "assistant"]
    return chat[: answers[n_turns - 1] + 1] if len(answers) > n_turns else chat


def _messages(state: Fields) -> Any:
    """A state's messages after those of its template, which stand before ``offset``."""
    messages, offset = state.value.get("messages"), state.value.get("offset")
    if offset is None or not isinstance(messages, list):
        return messages
    if isinstance(offset, bool) or not isinstance(offset, int) or not 0 <= offset <= len(messages):
        raise state.fault(f"expected 'offset' to be a place among {len(messages)} messages, came {offset!r}")
    return messages[offset:]


def _voter(address: Any) -> str:
    """A name for the voter at an address, which cannot be read from the name."""
    if not address:
        return UNNAMED
    return f"voter-{hashlib.sha256(str(address).encode()).hexdigest()[:12]}"


def _by_speaker(chat: list[Turn] | None) -> list[Turn]:
    """The chat with its speakers as user and assistant: FastChat's templates name them as they like."""
    if not chat:
        raise FieldError("a conversation is no list of messages")
    if any(turn.role == "assistant" for turn in chat):
        return chat
    asker = chat[0].role
    return [turn._replace(role="user" if turn.role == asker else "assistant") for turn in chat]


def _model(name: Any, models: Any, place: int) -> str:
    """A state's model; before version 0.2.3 only the selectors' list had it."""
    listed = models[place] if isinstance(models, list) and len(models) == 2 else None
    for candidate in (name, listed):
        if isinstance(candidate, str) and candidate.strip():
            return shorten(candidate, 128)
    raise FieldError("neither 'states' nor 'models' name the model of each side")

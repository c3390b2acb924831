"""Rows in the forms that trainers read: TRL's conversational ones, with further columns of figures.

Invariant: every row of a form has the same columns, whatever the store holds. Non-goal: files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from blender_ui.exchange.lessons.judged import (
    Count,
    Judged,
    Mark,
    count_answers,
    list_pairs,
    mean,
    rank_answers,
)
from blender_ui.values import Message

Form = Literal["sft", "kto", "dpo", "best_of_n", "rejection_sampled"]
Row = dict[str, Any]

RANKED: tuple[Form, ...] = ("best_of_n", "rejection_sampled")
"""Forms that need a ranking; the others are of people's votes."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the ranker must say of an answer.

    Attributes:
        threshold: Least probability, in [0, 1], of beating another answer to the prompt.
        margin: Least log-odds by which it is ahead of the next answer below it, 0 or more.
    """

    threshold: float = 0.5
    margin: float = 0.0


USUAL_TERMS = Terms()


def list_rows(form: Form, judged: Judged, terms: Terms) -> Iterator[Row]:
    """The rows that one prompt gives; perhaps none.

    ``sft``, ``best_of_n`` and ``rejection_sampled`` have ``messages``, ``kto`` has ``prompt``, ``completion``
    and ``label``, ``dpo`` has ``prompt``, ``chosen`` and ``rejected``; docs/exchange.md has the others.
    """
    return _FORMS[form](judged, terms)


def _list_sft(judged: Judged, _terms: Terms) -> Iterator[Row]:
    """The answer that most votes are for, among those that more are for than against."""
    good = [(index, count) for index, count in count_answers(judged).items() if count.is_for]
    if good:
        index, count = max(good, key=lambda one: (one[1].lead, one[1].n_for))
        yield {"messages": _conversation(judged, index), **_figures(judged, count, {index: "answer"})}


def _list_kto(judged: Judged, _terms: Terms) -> Iterator[Row]:
    for index, count in count_answers(judged).items():
        if count.is_for is not None:
            yield {
                "prompt": _prompt(judged),
                "completion": _answer(judged, index),
                "label": count.is_for,
                **_figures(judged, count, {index: "completion"}),
            }


def _list_dpo(judged: Judged, _terms: Terms) -> Iterator[Row]:
    for chosen, rejected, votes in list_pairs(judged):
        yield {
            "prompt": _prompt(judged),
            "chosen": _answer(judged, chosen),
            "rejected": _answer(judged, rejected),
            **_figures(judged, votes, {chosen: "chosen", rejected: "rejected"}),
        }


def _list_best(judged: Judged, terms: Terms) -> Iterator[Row]:
    yield from list(_list_ranked(judged, terms, n=1))


def _list_sampled(judged: Judged, terms: Terms) -> Iterator[Row]:
    yield from _list_ranked(judged, terms, n=len(judged.scores))


def _list_ranked(judged: Judged, terms: Terms, *, n: int) -> Iterator[Row]:
    ranked = rank_answers(judged)
    if len(ranked) < 2:
        return  # an answer by itself is better than nothing, and than no other
    below = [*(said.score for _, said in ranked[1:]), None]
    for rank, ((index, said), next_score) in enumerate(zip(ranked[:n], below, strict=False), start=1):
        margin = None if next_score is None else said.score - next_score
        if said.chance < terms.threshold or (terms.margin > 0 and (margin or 0.0) < terms.margin):
            continue
        yield {
            "messages": _conversation(judged, index),
            "score": said.chance,
            "threshold": terms.threshold,
            "margin": margin,
            "rank": rank,
            "n_answers": len(ranked),
            "ranker_version": judged.ranker,
            "model": judged.record.candidates[index].model,
            **_origin(judged),
        }


_FORMS: dict[Form, Callable[[Judged, Terms], Iterator[Row]]] = {
    "sft": _list_sft,
    "kto": _list_kto,
    "dpo": _list_dpo,
    "best_of_n": _list_best,
    "rejection_sampled": _list_sampled,
}


def _figures(judged: Judged, count: Count, names: dict[int, str]) -> Row:
    return {
        "weight": count.weight,
        "agreement": count.agreement,
        "n_votes": count.n_votes,
        "decided_by": count.decided_by,
        "strength": count.strength,
        "criteria": [
            {"criterion": name, "share": sum(said) / len(said)} for name, said in count.criteria.items()
        ],
        "spans": [_span(mark, names[mark.candidate]) for mark in count.marks],
        "propensity": mean(count.propensities),
        "policy": ",".join(sorted(count.policies)) or None,
        **_origin(judged),
    }


def _origin(judged: Judged) -> Row:
    return {"source": judged.record.source, "id": judged.record.id, "licence": judged.record.licence}


def _span(mark: Mark, of: str) -> Row:
    return {"of": of, "start": mark.start, "end": mark.end, "text": mark.text, "label": mark.label}


def _prompt(judged: Judged) -> list[Row]:
    record = judged.record
    return _messages([*record.history, Message("user", record.prompt, record.input)])


def _answer(judged: Judged, index: int) -> list[Row]:
    return [{"role": "assistant", "content": judged.record.candidates[index].text}]


def _conversation(judged: Judged, index: int) -> list[Row]:
    return _prompt(judged) + _answer(judged, index)


def _messages(said: Sequence[Message]) -> list[Row]:
    """The text that an instruction is about follows it after an empty line."""
    return [
        {"role": one.role, "content": f"{one.content}\n\n{one.input}" if one.input else one.content}
        for one in said
    ]

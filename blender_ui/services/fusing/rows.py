"""Fusions as rows and as the views that pages get.

Invariant: whether a fused answer or its best source is to be shown follows from the rows alone, so
a reload shows the same. Non-goal: fusing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal, NamedTuple

from sqlmodel import Session

from blender_ui.conversations import read_prompt
from blender_ui.evidence.grounding import obeyed_orders
from blender_ui.fusion.attention import agreement
from blender_ui.fusion.attribution import Attribution, Span, attribute_spans
from blender_ui.fusion.pieces import is_supported
from blender_ui.fusion.shown import choose_shown
from blender_ui.members.seats import Seat
from blender_ui.services.candidates import CandidateView, key_of
from blender_ui.services.fusing.records import FusionRecord, find_record
from db.models import Candidate, Fusion, FusionSource, FusionSpan, Member, Prompt
from db.queries import fusions, members, preferences

AttributedBy = Literal["alignment", "attention"]
COPIED_SHARE = 0.95
"""From this share of one source on, a fused answer is called a repetition of it."""


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """One of the answers that were fused."""

    position: int
    """Place in which the fuser saw it; 0 is the best-ranked."""
    candidate_id: int
    member: str
    """With the number of its answer from the second on, see ``members.seats``."""
    text: str
    share: float | None
    """Share of the fused characters that came from it; None where fusing failed."""


@dataclass(frozen=True, kw_only=True)
class SpanView:
    """A stretch of the fused text and where it came from; None where it is the fuser's own."""

    start: int
    end: int
    member: str | None
    position: int | None


@dataclass(frozen=True, kw_only=True)
class FusionView:
    """A fused answer, or why the best source is shown in its place."""

    fusion_id: int
    candidate_id: int | None
    """The fused answer as a candidate; None where fusing failed."""
    text: str
    """The fused text, whether or not it is shown; empty where fusing failed."""
    fuser: str
    sources: tuple[SourceView, ...]
    """Best first."""
    spans: tuple[SpanView, ...]
    """A partition of ``text``."""
    attributed_by: str | None
    """"alignment" or "attention"; None where fusing failed."""
    agreement: float | None
    """Where attention found the spans, the share of them that alignment of words bears out."""
    shown: Literal["fused", "best_source"]
    best: SourceView
    """The best source by the ranking that judged, which is what to show for ``best_source``."""
    notice: str
    """A sentence for the page; empty where there is nothing to say."""
    record: FusionRecord | None = None
    """How people like this fuser's answers; None before the first vote on one."""


class FusedAnswer(NamedTuple):
    """A fused text, which part of it came from which source, and what it cost."""

    text: str
    attribution: Attribution
    attributed_by: AttributedBy
    n_tokens: int | None
    finish_reason: str | None
    first_token_seconds: float | None
    seconds: float


def add_fusion(
    session: Session,
    *,
    prompt_id: int,
    ranking_id: int | None,
    member: Member,
    sources: Sequence[CandidateView],
    outcome: FusedAnswer | str,
    now: datetime,
) -> Fusion:
    """Store a fused answer with its sources and spans, or the reason why there is none.

    Args:
        session: Of a write transaction.
        prompt_id: What the sources answer.
        ranking_id: Whose order the sources are in; None for the members' order.
        member: The fuser as a member, stored where it is new.
        sources: Best first.
        outcome: The answer, or the reason.
        now: The time of the rows.
    """
    answer = outcome if isinstance(outcome, FusedAnswer) else None
    fusion = Fusion(
        prompt_id=prompt_id,
        ranking_id=ranking_id,
        fuser=member.model,
        candidate_id=_add_candidate(session, prompt_id, member, answer, now) if answer else None,
        error=outcome if isinstance(outcome, str) else None,
        attributed_by=answer.attributed_by if answer else None,
        created_at=now,
    )
    session.add(fusion)
    session.flush()
    fusion_id = key_of(fusion.id)
    for position, source in enumerate(sources):
        share = answer.attribution.shares[position] if answer else None
        session.add(
            FusionSource(
                fusion_id=fusion_id, position=position, candidate_id=source.candidate_id, share=share
            )
        )
    for span in answer.attribution.spans if answer else ():
        source_id = None if span.source is None else sources[span.source].candidate_id
        session.add(FusionSpan(fusion_id=fusion_id, start=span.start, end=span.end, source_id=source_id))
    session.flush()
    return fusion


def _add_candidate(
    session: Session, prompt_id: int, member: Member, answer: FusedAnswer, now: datetime
) -> int:
    candidate = Candidate(
        prompt_id=prompt_id,
        member_id=key_of(members.get_or_add(session, member=member).id),
        text=answer.text,
        finish_reason=answer.finish_reason,
        n_tokens=answer.n_tokens,
        first_token_seconds=answer.first_token_seconds,
        seconds=answer.seconds,
        created_at=now,
    )
    session.add(candidate)
    session.flush()
    return key_of(candidate.id)


def fusion_view(session: Session, fusion: Fusion) -> FusionView:
    """A stored fusion with what the latest ranking of its answer says of it."""
    fusion_id = key_of(fusion.id)
    sources = tuple(
        SourceView(
            position=source.position,
            candidate_id=source.candidate_id,
            member=Seat(source.member, source.sample).label,
            text=source.text,
            share=source.share,
        )
        for source in fusions.list_sources(session, fusion_id=fusion_id)
    )
    by_candidate = {source.candidate_id: source for source in sources}
    fused = session.get(Candidate, fusion.candidate_id) if fusion.candidate_id is not None else None
    scores = {}
    if fusion.candidate_id is not None:
        scores = fusions.scores_of_latest_ranking(
            session, prompt_id=fusion.prompt_id, candidate_id=fusion.candidate_id
        )
    orders = _obeyed_orders(session, fusion, fused, sources)
    contradicts = _contradicts(session, fusion, fused, sources)
    unfit = set(orders)
    if contradicts and fusion.candidate_id is not None:
        unfit.add(fusion.candidate_id)
    choose = partial(choose_shown, scores, fused=fusion.candidate_id, sources=[*by_candidate], obedient=unfit)
    shown = choose(won=preferences.list_won(session, prompt_id=fusion.prompt_id))
    best = by_candidate[shown.best]
    spans = fusions.list_spans(session, fusion_id=fusion_id)
    return FusionView(
        fusion_id=fusion_id,
        candidate_id=fusion.candidate_id,
        text=fused.text if fused else "",
        fuser=fusion.fuser,
        sources=sources,
        spans=tuple(_span_view(span, by_candidate) for span in spans),
        attributed_by=fusion.attributed_by,
        agreement=_agreement(fused.text, sources, spans)
        if fused and fusion.attributed_by == "attention"
        else None,
        shown="fused" if shown.is_fused else "best_source",
        best=best,
        record=find_record(session, fusion.fuser),
        notice=_notice(
            fusion,
            best,
            is_judged=shown.is_judged,
            is_below=not shown.is_fused,
            is_voted=shown != choose(),
            order=orders.get(fusion.candidate_id) if fusion.candidate_id is not None else None,
            contradicts=contradicts,
            is_cut=fused is not None and fused.finish_reason == "length",
        ),
    )


def _obeyed_orders(
    session: Session, fusion: Fusion, fused: Candidate | None, sources: Sequence[SourceView]
) -> dict[int, str]:
    """Of each answer that obeys an order in the prompt's text, the order."""
    prompt = session.get_one(Prompt, fusion.prompt_id)
    texts = {source.candidate_id: source.text for source in sources}
    if fused is not None and fusion.candidate_id is not None:
        texts[fusion.candidate_id] = fused.text
    keys = list(texts)
    found = obeyed_orders(prompt.instruction, prompt.input, list(texts.values()))
    return {keys[place]: order.sentence for place, order in found.items()}


def _contradicts(
    session: Session, fusion: Fusion, fused: Candidate | None, sources: Sequence[SourceView]
) -> bool:
    """Whether a fused answer says something else than what its sources agree on."""
    if fused is None:
        return False
    prompt = session.get_one(Prompt, fusion.prompt_id)
    return not is_supported(read_prompt(prompt), fused.text, [source.text for source in sources])


def _span_view(span: FusionSpan, by_candidate: dict[int, SourceView]) -> SpanView:
    source = None if span.source_id is None else by_candidate[span.source_id]
    return SpanView(
        start=span.start,
        end=span.end,
        member=source.member if source else None,
        position=source.position if source else None,
    )


def _agreement(text: str, sources: Sequence[SourceView], stored: Sequence[FusionSpan]) -> float:
    place = {source.candidate_id: source.position for source in sources}
    spans = [
        Span(span.start, span.end, None if span.source_id is None else place[span.source_id])
        for span in stored
    ]
    return agreement(spans, attribute_spans(text, [source.text for source in sources]).spans)


def _notice(
    fusion: Fusion,
    best: SourceView,
    *,
    is_judged: bool,
    is_below: bool,
    is_voted: bool,
    order: str | None,
    contradicts: bool,
    is_cut: bool,
) -> str:
    if fusion.candidate_id is None:
        what = "the best-ranked answer" if fusion.ranking_id is not None else "the first answer"
        return f"There is no fused answer: {fusion.error}. Shown is {what}, by {best.member}."
    if is_below and order is not None:
        said = f"The fused answer obeys an order in the text (“{order}”)"
        return f"{said}, so {best.member}'s is shown."
    if is_below and contradicts:
        return f"The fused answer contradicts what the sources agree on, so {best.member}'s is shown."
    if is_below and is_voted:
        return f"{best.member}'s answer was preferred here, which counts for more than the ranker's order."
    if is_below:
        return f"The ranker puts the fused answer below {best.member}'s, so that one is shown."
    sentences = []
    if is_cut:
        sentences.append("The fused answer reached the fuser's limit and was cut.")
    if fusion.ranking_id is None:
        sentences.append("No ranker has ordered the answers, so they were fused in the members' order.")
    if not is_judged:
        sentences.append("Nobody has judged the fused answer yet.")
    is_copied = fusion.attributed_by == "alignment" and best.share is not None
    if is_copied and best.share is not None and best.share >= COPIED_SHARE:
        sentences.append(f"It repeats {best.member}'s answer almost word for word.")
    return " ".join(sentences)

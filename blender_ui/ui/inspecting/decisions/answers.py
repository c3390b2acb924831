"""A decision's texts as HTML: the question, and the ranked answers side by side, with why.

Through ``markup``, ``marked`` and ``prose``. No Gradio, no decisions. Non-goal: figures (``drawing``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from blender_ui.language import mark, say_number, tr
from blender_ui.ranking.attribution import PairAttribution, Token
from blender_ui.ranking.chances import win_chances
from blender_ui.services.candidates import CandidateView
from blender_ui.services.inspecting.reasons import Parts, Taught
from blender_ui.services.inspecting.what_if import Opinion
from blender_ui.services.ranking.rows import RankingView
from blender_ui.services.versions.standing import describe_standing
from blender_ui.ui import marked, markup, words
from blender_ui.ui.history import draw_history
from blender_ui.ui.inspecting.decisions.handlers import Decision
from blender_ui.ui.prose import render_prose
from blender_ui.ui.standing import TONES, name_ranker

SMALLEST = 0.05
"""Log-odds below which a reason is not said: it would be +.0."""
MOST_FOR, MOST_AGAINST = 3, 2
TAUGHT = {
    Taught.LEARNT: (mark("learnt from this prompt"), "info", mark("Votes on these answers taught it.")),
    Taught.HELD_OUT: (mark("held out"), "good", mark("It learnt from no vote on this prompt.")),
    Taught.NEW: (mark("new to it"), "good", mark("It had seen no vote on this prompt.")),
}
LOG_ODDS = mark("Figures are log-odds: +0.7 doubles the odds of being preferred.")
NO_REASONS = mark("Why is not kept of this ranking. Rank again, and the reasons stand here.")
READING = mark("These answers are being read. Open the prompt again in a moment, and the reasons stand here.")
READS_WHOLE = mark(
    "This version reads whole texts, not groups of features. Which words moved it can be seen below."
)


def draw_texts(decision: Decision, *, found: PairAttribution | None = None) -> str:
    """The question, and every answer in its place, best first.

    Args:
        decision: What is shown.
        found: What each word of the first two answers added; None where nobody asked.
    """
    return _draw_question(decision) + _draw_badges(decision) + _draw_answers(decision, found)


def list_answers(decision: Decision) -> list[CandidateView]:
    """All answers: those that were ranked by rank, then the others."""
    place = (
        {one.candidate_id: n for n, one in enumerate(decision.ranking.entries)} if decision.ranking else {}
    )
    return sorted(
        decision.prompt.candidates,
        key=lambda one: (place.get(one.candidate_id, len(place)), one.candidate_id),
    )


def draw_edited(opinion: Opinion, first_member: str) -> str:
    """How likely the first answer is better now that a text is another."""
    chance = 0.5 * (1 + math.tanh(opinion.mean / 2))
    said = tr("{member} would be better: {chance:.0%}", member=first_member, chance=chance)
    reasons = _say_parts([one for one in opinion.by_group if abs(one[1]) >= SMALLEST])
    return markup.meter(chance, said) + markup.remark(reasons)


def _draw_question(decision: Decision) -> str:
    prompt = decision.prompt
    title = tr("Prompt {prompt_id} ({source})", prompt_id=prompt.prompt_id, source=prompt.source)
    body = render_prose(prompt.instruction) + render_prose(prompt.input)
    return draw_history(prompt.history) + markup.section(title) + markup.scrolled(title, markup.passage(body))


def _draw_badges(decision: Decision) -> str:
    if decision.ranking is None or decision.reasons is None:
        return ""
    standing = describe_standing(decision.ranking.version)
    badge, tone, sentence = TAUGHT[decision.reasons.taught]
    ranked = tr("Ranked by {version}.", version=name_ranker(decision.ranking.version))
    return markup.badge(standing.badge, tone=TONES[standing.verdict], sentence=ranked) + markup.badge(
        badge, tone=tone, sentence=tr(sentence)
    )


def _draw_answers(decision: Decision, found: PairAttribution | None) -> str:
    answers, ranking = list_answers(decision), decision.ranking
    coloured = _pick_tokens(answers, found)
    most = max((abs(token.value) for tokens in coloured.values() for token in tokens), default=0.0)
    chances = _find_chances(ranking)
    blocks = []
    for one in answers:
        tokens = coloured.get(one.candidate_id)
        body = _draw_tokens(tokens, most) if tokens else markup.passage(render_prose(one.text))
        name = tr("Answer {candidate_id} by {member}", candidate_id=one.candidate_id, member=one.member)
        thinking = one.thinking and markup.fold(
            "Thinking, which nobody judges", markup.thoughts(one.thinking)
        )
        blocks.append(
            markup.section(_say_place(one, ranking), chances.get(one.candidate_id, ""))
            + markup.remark(_say_why(one, decision))
            + markup.scrolled(name, body)
            + thinking
        )
    return markup.side_by_side(*blocks) + markup.remark(_say_note(decision))


def _say_place(one: CandidateView, ranking: RankingView | None) -> str:
    ranks = {entry.candidate_id: entry.rank for entry in ranking.entries} if ranking else {}
    rank = ranks.get(one.candidate_id)
    return one.member if rank is None else f"{rank}. {one.member}"


def _find_chances(ranking: RankingView | None) -> dict[int, str]:
    if ranking is None or len(ranking.entries) < 2:
        return {}
    chances = win_chances(np.array(ranking.logits))
    return {
        entry.candidate_id: tr("better than another of these: {chance:.0%}", chance=chance)
        for entry, chance in zip(ranking.entries, chances.tolist(), strict=True)
    }


def _say_why(one: CandidateView, decision: Decision) -> str:
    """One sentence: what this answer has before the next one, or the first one before it."""
    ranking, reasons = decision.ranking, decision.reasons
    if ranking is None or reasons is None or not reasons.ahead:
        return ""
    first, second = ranking.entries[:2]
    if one.candidate_id == first.candidate_id:
        return _say_reasons(
            reasons.ahead[second.candidate_id],
            mark("Before {other} for {reasons}."),
            mark("Before {other} for {reasons}; against it {others}."),
            second.member,
        )
    if one.candidate_id not in reasons.ahead:
        return ""
    return _say_reasons(
        reasons.ahead[one.candidate_id],
        mark("Behind {other} for {reasons}."),
        mark("Behind {other} for {reasons}; for it {others}."),
        first.member,
    )


def _say_reasons(parts: Parts, plain: str, mixed: str, other: str) -> str:
    large = sorted((one for one in parts if abs(one[1]) >= SMALLEST), key=lambda one: -abs(one[1]))
    reasons = [one for one in large if one[1] > 0][:MOST_FOR]
    others = [one for one in large if one[1] < 0][:MOST_AGAINST]
    if not reasons:
        return tr("Next to nothing tells it from {other}.", other=other)
    if not others:
        return tr(plain, other=other, reasons=_say_parts(reasons))
    return tr(mixed, other=other, reasons=_say_parts(reasons), others=_say_parts(others))


def _say_parts(parts: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{words.say(words.GROUP, name)} {say_number(value, '+.1f')}" for name, value in parts)


def _say_note(decision: Decision) -> str:
    ranking, reasons = decision.ranking, decision.reasons
    if ranking is None or reasons is None or len(ranking.entries) < 2:
        return ""
    if reasons.ahead:
        return tr(LOG_ODDS)
    if ranking.version.reader_fingerprint is None:
        return tr(READS_WHOLE)
    return tr(READING if reasons.is_reading else NO_REASONS)


def _pick_tokens(
    answers: Sequence[CandidateView], found: PairAttribution | None
) -> Mapping[int, Sequence[Token]]:
    """The tokens of the first two answers, each as it speaks for its own answer."""
    if found is None or len(answers) < 2:
        return {}
    turned = [Token(one.text, -one.value) for one in found.second]
    return {answers[0].candidate_id: found.first, answers[1].candidate_id: turned}


def _draw_tokens(tokens: Sequence[Token], most: float) -> str:
    return marked.weighed([marked.Weight(one.text, one.value) for one in tokens], most=most)

"""What answers agree on and where they part, as short rows with their members' colours. No Gradio.

Invariant: every row quotes, or says what running code showed; names stand only where a page
shows names. Non-goal: what can be said of answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blender_ui.evidence.summary import Claim, ClaimKind
from blender_ui.language import tr
from blender_ui.ui import marked, markup

TITLES = {
    ClaimKind.OPPOSED: "They differ",
    ClaimKind.ALONE: "Only one says",
    ClaimKind.UNCOVERED: "Nobody covers",
    ClaimKind.ORDER: "An order in the text",
    ClaimKind.RAN: "Code run here",
    ClaimKind.OFF_TOPIC: "About something else",
}


def draw_claims(
    claims: Sequence[Claim], members: Sequence[str], *, colours: Mapping[str, int] | None = None
) -> str:
    """Draw statements about answers; nothing where there are none.

    Args:
        claims: From ``evidence.summary.list_claims``.
        members: Who wrote each answer.
        colours: Of members; by default their place.
    """
    if not claims:
        return ""
    known = {name: place for place, name in enumerate(members)} if colours is None else colours
    rows = [
        marked.Quote(
            _title(claim, len(members)),
            claim.text,
            tuple((members[place], known.get(members[place])) for place in claim.places),
            _note(claim),
        )
        for claim in claims
    ]
    return markup.section("Where they agree and where not") + marked.quotes(rows)


def _title(claim: Claim, n_answers: int) -> str:
    if claim.kind is not ClaimKind.AGREED:
        return tr(TITLES[claim.kind])
    n = len(claim.places)
    return (
        tr("All {n} agree", n=n)
        if n == n_answers
        else tr("{n} of {n_answers} agree", n=n, n_answers=n_answers)
    )


def _note(claim: Claim) -> str:
    if claim.kind is ClaimKind.OFF_TOPIC:
        return tr("hardly a word in common with the prompt or the other answers")
    if claim.kind is not ClaimKind.ORDER:
        return ""
    return tr("obeyed by") if claim.places else tr("no answer obeys it")

"""Earlier rounds and the page of a shared one as HTML. No Gradio, no decisions."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

from blender_ui.language import tr
from blender_ui.services.asking.past import PastRound
from blender_ui.services.asking.rounds import PromptView
from blender_ui.ui import markup
from blender_ui.ui.asking.reveal.drawing import draw_card_for_others
from blender_ui.ui.asking.reveal.views import Card
from blender_ui.ui.prose import render_prose
from blender_ui.ui.rows import Act, Cell, acted_table

LONGEST_QUESTION = 120
SURE = "Take the link back? It never opens again; a new one can be made."
TAKEN_BACK = "The link does not open any more. “Share” makes a new one."
NONE = "You have asked nothing here yet."
NOT_FOUND = "None of your questions has these words."
SHARED = (
    "Who has this link sees your question, the answers and who wrote them. You can take it back in the list."
)


def draw_rounds(rounds: Sequence[PastRound], *, is_search: bool) -> str:
    """A row a round, the latest first."""
    if not rounds:
        return markup.remark(NOT_FOUND if is_search else NONE)
    rows: list[Sequence[Cell]] = []
    for one in rounds:
        question = shorten(one.instruction, LONGEST_QUESTION, placeholder="…")
        acts = [Act("open", tr("Open"), one.prompt_id, question)]
        if one.is_seen:
            acts.append(Act("share", tr("Share"), one.prompt_id, question))
        if one.is_shared:
            acts.append(Act("take_back", tr("Take the link back"), one.prompt_id, question, ask=SURE))
        rows.append((question, f"{one.asked_at:%Y-%m-%d %H:%M}", acts))
    return acted_table(("Question", "Asked at (UTC)", ""), rows, name="Your earlier questions")


def draw_link(address: str) -> str:
    """The link to a shared round."""
    return markup.notice(SHARED, links=[("Open the card, and copy its address", address)], tone="good")


def draw_shared(answers: PromptView, card: Card) -> str:
    """What a shared round shows: the question, the choice and the bet, and every answer by its name."""
    texts = {one.seat.label: markup.passage(render_prose(one.text)) for one in answers.candidates}
    question = render_prose(answers.instruction) + render_prose(answers.input)
    best, chosen = "", card.chosen
    if chosen is not None and chosen.member in texts:
        written = texts.pop(chosen.member)
        best = f"<div>{markup.section(tr('{member} wrote', member=chosen.member))}{written}</div>"
    told = [
        markup.fold(tr("{member}’s answer", member=row.member), texts[row.member])
        for row in card.rows
        if row.member in texts
    ]
    shown = markup.message("Question", question) + draw_card_for_others(card) + best + "".join(told)
    return f'<div class="bu-shared">{shown}</div>'

"""The events of the list of shared rounds, in which a researcher takes a link back."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import shorten

import gradio as gr

from blender_ui.errors import BlenderError
from blender_ui.language import tr
from blender_ui.services.asking.past import PastRounds
from blender_ui.ui import markup
from blender_ui.ui.data.shared.layout import SharedLinksParts
from blender_ui.ui.events import at_once, of_each_row
from blender_ui.ui.rows import Act, acted_table, read_act
from blender_ui.ui.shell import NOT_PRESSED

SURE = "Take the link back? Whoever has it sees the round no more."
LONGEST_QUESTION = 120


def wire_shared_links(
    parts: SharedLinksParts, past_rounds: PastRounds, *, find_person: Callable[[], int | None]
) -> None:
    """Wire the list: it is read when it is opened."""

    def draw() -> str:
        rows = [
            (
                shorten(one.instruction, LONGEST_QUESTION, placeholder="…"),
                one.asker,
                f"{one.shared_at:%Y-%m-%d %H:%M}",
                [Act("take_back", tr("Take the link back"), one.prompt_id, one.instruction, ask=SURE)],
            )
            for one in past_rounds.list_shared()
        ]
        if not rows:
            return markup.remark("No round is shared by a link.")
        return acted_table(("Question", "Asked by", "Shared at (UTC)", ""), rows, name="Shared rounds")

    def press(event: gr.EventData = NOT_PRESSED) -> tuple[str, str]:
        try:
            past_rounds.take_back(read_act(event).row, by=find_person(), of_anybody=True)
        except BlenderError as error:
            return markup.notice(str(error), tone="warning"), draw()
        return markup.notice("The link does not open any more.", tone="good"), draw()

    parts.fold.expand(draw, None, parts.rounds, **at_once("data_shared"))
    parts.rounds.select(press, None, [parts.said, parts.rounds], **of_each_row("data_unshare"))

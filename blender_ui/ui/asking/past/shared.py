"""The page of a shared round: a route of its own, without Gradio and without scripts.

Invariant: it answers only to the token that its asker was given, and shows what the asker has seen. Non-goal:
making links, which ``services.asking.past`` does.
"""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from starlette.responses import HTMLResponse

from blender_ui.bootstrap import Services
from blender_ui.errors import MalformedInput, NotFound
from blender_ui.outside import read_id
from blender_ui.ui.asking.past.drawing import draw_shared
from blender_ui.ui.asking.reveal.card import Cards
from blender_ui.ui.asking.views import Visit
from blender_ui.ui.markup import page_by_itself
from blender_ui.ui.shell import ASSETS_PATH

STYLES = ("theme.css", "round.css")
TITLE = "A round of Blender UI"


class SharedRounds:
    """Shows shared rounds.

    Args:
        services: The app's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cards = Cards(services)

    def add_to(self, web: FastAPI, root: str) -> None:
        """Add the route to an app."""

        @web.get("/shared/{prompt_id}/{token}", response_class=HTMLResponse)
        def shared(prompt_id: str, token: str) -> HTMLResponse:
            try:
                return HTMLResponse(self.draw(read_id(prompt_id), token, root=root))
            except (NotFound, MalformedInput) as error:
                raise HTTPException(404, str(error)) from error

    def draw(self, prompt_id: int, token: str, *, root: str) -> str:
        """The whole page.

        Raises:
            NotFound: If the link is not one that was made for this round.
        """
        asker_id = self._services.past_rounds.find_asker(prompt_id, token)
        answers = self._services.blending.answers(prompt_id=prompt_id)
        labels = {one.seat.label for one in answers.candidates}
        columns = self._services.labeling.order_columns(labels, prompt_id=prompt_id)
        visit = Visit(annotator_id=asker_id, prompt_id=prompt_id, columns=columns, is_revealed=True)
        card = self._cards.find(visit, answers)
        if card is None or not self._services.labeling.has_seen(annotator_id=asker_id, prompt_id=prompt_id):
            raise NotFound("there is no such shared round; ask whoever sent the link for a new one")
        style = "".join((ASSETS_PATH / name).read_text(encoding="utf-8") for name in STYLES)
        return page_by_itself(TITLE, draw_shared(answers, card), style=style, root=root)

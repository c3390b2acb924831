"""The what-if tab: what is typed is asked about, and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.ui.inspecting.what_if import drawing
from blender_ui.ui.inspecting.what_if.handlers import (
    Typed,
    WhatIfHandlers,
    groups_csv,
    sentences_csv,
    tokens_csv,
)
from blender_ui.values import Message, RankingPrompt
from db.engine import transaction
from db.models import Candidate, Prompt, Ranking
from tests.builders.trained import copy_trained_store
from tests.ui.scripted_services import build_scripted_services


class WhatIfTab:
    """The tab over a store with a version."""

    def __init__(self, home: Path) -> None:
        self.version_id = copy_trained_store(home).good
        self.services: Any = build_scripted_services(home)
        self.handlers = WhatIfHandlers(
            self.services.inspection,
            self.services.version_inspection,
            what_if=self.services.what_if,
            attributing=self.services.attributing,
            access=self.services.access,
        )

    def type(self, first: str, second: str, **changes: object) -> Typed:
        values: dict[str, Any] = {"version": self.version_id, "instruction": "Question?", "input": ""}
        return Typed(**{**values, **changes}, first=first, second=second)

    def count(self) -> list[int]:
        with transaction(self.services.engine) as session:
            tables = (Candidate, Prompt, Ranking)
            return [session.execute(select(func.count()).select_from(one)).scalar_one() for one in tables]


@pytest.fixture(scope="module")
def what_if_tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhatIfTab]:
    what_if_tab = WhatIfTab(tmp_path_factory.mktemp("home"))
    yield what_if_tab
    what_if_tab.services.engine.dispose()


def test_typed_texts_are_asked_about_and_not_kept(what_if_tab: WhatIfTab) -> None:
    before = what_if_tab.count()
    said = what_if_tab.handlers.compare(what_if_tab.type("good good good", "good"))
    assert said.opinion is not None
    assert said.opinion.mean > 0
    drawn = drawing.draw_opinion(said.opinion)
    assert "The first answer is better" in drawn
    assert f"{said.opinion.logit:+.3f}" in drawn
    assert "likelihood" in groups_csv(said.opinion)
    assert "sum, which is the logit" in drawing.draw_groups(said.opinion)
    assert what_if_tab.count() == before


def test_sentences_and_tokens_are_drawn_as_text_that_does_nothing(what_if_tab: WhatIfTab) -> None:
    typed = what_if_tab.type("<b>good</b>. good. bad.", "<script>x</script>")
    said = what_if_tab.handlers.drop_sentences(typed)
    assert [one.text for one in said.first] == ["<b>good</b>. ", "good. ", "bad."]
    drawn = drawing.draw_sentences(said)
    assert "<b>" not in drawn
    assert "<script" not in drawn
    assert "first,good. " in sentences_csv(said)
    explained = what_if_tab.handlers.explain(typed).attribution
    assert explained is not None
    drawn = drawing.draw_attribution(explained)
    assert "They add up." in drawn
    assert "<script" not in drawn
    assert "second" in tokens_csv(explained)


@pytest.mark.parametrize(
    ("changes", "reason"), [({"version": 99}, "version"), ({"instruction": " ", "input": None}, "prompt")]
)
def test_what_cannot_be_asked_is_said(
    what_if_tab: WhatIfTab, changes: dict[str, object], reason: str
) -> None:
    typed = what_if_tab.type("a", "b", **changes)
    for ask in (
        what_if_tab.handlers.compare,
        what_if_tab.handlers.drop_sentences,
        what_if_tab.handlers.explain,
    ):
        said = ask(typed)
        assert reason in said.notice
        assert (said.opinion, said.attribution, said.first) == (None, None, ())


def test_a_prompt_is_found_by_its_number_and_the_newest_pair_without_one(what_if_tab: WhatIfTab) -> None:
    assert what_if_tab.handlers.get_prompt("#3").prompt_id == 3
    assert what_if_tab.handlers.get_prompt("").prompt_id == 180
    with pytest.raises(NotFound):
        what_if_tab.handlers.get_prompt("999")
    with pytest.raises(MalformedInput):
        what_if_tab.handlers.get_prompt("three")


def test_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    services = build_scripted_services(tmp_path)
    handlers = WhatIfHandlers(
        services.inspection,
        services.version_inspection,
        what_if=services.what_if,
        attributing=services.attributing,
        access=services.access,
    )
    with pytest.raises(MalformedInput, match="type two texts"):
        handlers.get_prompt(None)
    services.engine.dispose()


def test_a_stored_prompts_history_goes_with_its_texts(what_if_tab: WhatIfTab) -> None:
    history = (Message("user", "good Question?"), Message("assistant", "good"))
    prompts: list[RankingPrompt] = []
    read = what_if_tab.services.what_if._process.read
    what_if_tab.services.what_if._process.read = lambda prompt, texts, **wanted: (
        prompts.append(prompt) or read(prompt, texts, **wanted)
    )
    for typed in (what_if_tab.type("good", "bad"), what_if_tab.type("good", "bad", history=history)):
        assert what_if_tab.handlers.compare(typed).opinion is not None
    assert [prompt.history for prompt in prompts] == [(), history]

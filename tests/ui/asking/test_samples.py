"""Members that are asked for several answers each: columns, votes, results, and one more answer later."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import select

from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.views import Choice
from db.engine import transaction
from db.models import Candidate
from tests.builders.scripted_members import ScriptedMember, failing, saying
from tests.ui.asking.test_blend_handlers import Page

LABELS = {"Ada", "Ada (2)", "Brahms", "Brahms (2)"}


def open_page(folder: Path) -> Page:
    ada = ScriptedMember("Ada", saying("Ada one."), saying("Ada says two."), saying("Ada says it thrice."))
    brahms = ScriptedMember("Brahms", saying("Brahms one."), saying("Brahms says two."))
    return Page(folder, ada, brahms, samples=2)


def ask_all(page: Page) -> None:
    page.ask()
    for label in ("Ada", "Ada (2)", "Brahms", "Brahms (2)"):
        page.stream(page.visit.columns.index(label))


def reveal(page: Page) -> None:
    while page.visit.pair is not None and not page.visit.is_revealed:
        page.take(page.blend.vote, Choice.FIRST)
    if not page.visit.is_revealed:
        page.take(page.blend.reveal)


def test_every_answer_has_a_column_and_no_name_before_the_vote(tmp_path: Path) -> None:
    page = open_page(tmp_path)
    ask_all(page)
    assert set(page.visit.columns) == LABELS
    view = page.blend.page(page.visit)
    texts = {label: column.text for label, column in zip(page.visit.columns, view.columns, strict=False)}
    assert texts == {
        "Ada": "Ada one.",
        "Ada (2)": "Ada says two.",
        "Brahms": "Brahms one.",
        "Brahms (2)": "Brahms says two.",
    }
    assert not any(column.name for column in view.columns)


def test_the_line_before_asking_counts_answers(tmp_path: Path) -> None:
    page = open_page(tmp_path)

    def say(way: str, *ticked: str) -> str:
        return page.blend.plan(page.visit, way, [*ticked], ("Why?", ""), None).line

    assert say("all") == "2 models are asked for 4 answers."
    assert say("hand", "Ada") == "One model is asked for 2 answers, of 2."


def test_a_reload_finds_the_same_columns(tmp_path: Path) -> None:
    page = open_page(tmp_path)
    ask_all(page)
    columns = page.visit.columns
    assert page.reload().columns == columns
    reveal(page)
    assert page.reload().columns == columns
    named = [column.name for column in page.blend.page(page.visit).columns if column.name]
    assert set(named) == LABELS


def test_a_failure_of_one_answer_is_asked_again_by_itself(tmp_path: Path) -> None:
    member = ScriptedMember("Ada", saying("One."), failing("crashed", "gone"), saying("Two."))
    page = Page(tmp_path, member, ScriptedMember("Brahms", saying("B.")), samples=2)
    ask_all(page)
    number = page.visit.columns.index("Ada (2)")
    assert page.blend.page(page.visit).columns[number].reason
    assert page.take(page.blend.retry, number) == ""
    page.stream(number)
    assert page.blend.page(page.visit).columns[number].text == "Two."
    with transaction(page.services.engine) as session:
        kept = session.exec(select(Candidate.sample, Candidate.text).where(Candidate.text != "B.")).all()
    assert sorted(kept) == [(1, "One."), (2, "Two.")]


def test_ranking_and_fusion_call_answers_as_the_columns_do(tmp_path: Path) -> None:
    page = open_page(tmp_path)
    page.services.ranking.train()
    ask_all(page)
    reveal(page)
    *_, result = Results(page.services).follow(page.visit)
    assert result.ranking is not None
    assert {entry.member for entry in result.ranking.entries} == LABELS
    assert result.ranking.entries[0].member == "Brahms (2)"  # the longest
    assert result.fusion is not None
    assert {source.member for source in result.fusion.sources} <= LABELS
    assert len({source.member for source in result.fusion.sources}) == len(result.fusion.sources)


def test_after_the_reveal_another_answer_of_a_member_joins(tmp_path: Path) -> None:
    page = open_page(tmp_path)
    ask_all(page)
    assert not page.blend.page(page.visit).late.names
    reveal(page)
    assert page.blend.page(page.visit).late.names == ("Ada (3)", "Brahms (3)")
    assert page.take(page.blend.ask_also, "Ada (3)") == ""
    page.stream(4)
    column = page.blend.page(page.visit).columns[4]
    assert (column.name, column.text) == ("Ada (3)", "Ada says it thrice.")
    assert page.blend.page(page.visit).late.names == ("Ada (4)", "Brahms (3)")
    assert "Ada (3)" in page.reload().columns

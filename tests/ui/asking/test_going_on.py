"""A round goes on: with the preferred answer, the fused one, or each member with its own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Event

from sqlmodel import select

from blender_ui.members.protocol import Chunk, Message
from blender_ui.ui.asking.drawing import NOT_COMPARED, draw_conversations
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.results import Results
from blender_ui.ui.asking.views import Choice, Progress, Visit
from db.engine import transaction
from db.models import Comparison, Continuation, Prompt, SeenPrompt
from tests.builders.scripted_members import Script, ScriptedMember, failing, saying
from tests.ui.asking.test_blend_handlers import MEMBERS, Page


def counting(name: str) -> Script:
    """Says who it is and how many messages it was given."""

    def script(messages: Sequence[Message], stop: Event | None) -> Generator[Chunk]:
        yield from saying(f"{name} heard {len(messages)}.")(messages, stop)

    return script


def open_page(folder: Path) -> tuple[Page, list[ScriptedMember]]:
    members = [ScriptedMember(name, counting(name)) for name in MEMBERS]
    return Page(folder, *members), members


def go_on(page: Page, way: str, question: str = "And then?") -> str:
    notice = page.take(lambda visit: page.blend.go_on(visit, way, question))
    for number in range(page.blend.n_columns):
        page.stream(number)
    return notice


def choices(page: Page) -> dict[str, str]:
    return dict(page.blend.page(page.visit).ways.choices)


def test_nothing_is_offered_before_the_names_are_shown(tmp_path: Path) -> None:
    page, _ = open_page(tmp_path)
    page.answer_all()
    assert choices(page) == {}
    assert "Choose the answer" in go_on(page, "1")
    assert "Choose the answer" in go_on(page, "own")


def test_three_turns_each_follow_the_answer_that_was_preferred(tmp_path: Path) -> None:
    page, members = open_page(tmp_path)
    page.answer_all()
    for turn in (1, 2):
        pair = page.visit.pair
        assert pair is not None
        preferred = page.visit.columns[pair.first]
        page.take(page.blend.vote, Choice.FIRST)
        view = page.blend.page(page.visit)
        title, way = view.ways.choices[0]
        assert (title, way) == (f"{preferred}'s answer, which you preferred", view.ways.chosen)
        assert go_on(page, way, f"Question {turn + 1}") == ""
        assert not page.visit.is_revealed
        asked = members[0].asked[-1]
        assert [message.role for message in asked] == ["user", "assistant"] * turn + ["user"]
        assert asked[-2:] == (
            Message("assistant", f"{preferred} heard {2 * turn - 1}."),
            Message("user", f"Question {turn + 1}"),
        )
        assert all(member.asked[-1] == asked for member in members)
    view = page.blend.page(page.reload())
    assert [message.content for message in view.conversations[0].history][::2] == ["Why?", "Question 2"]
    drawn = draw_conversations(view)
    assert "The conversation so far (2 turns)" in drawn
    assert drawn.index("Question 2") < drawn.index("Question 3")
    assert NOT_COMPARED not in drawn
    assert len(page.preferences()) == 2


def test_a_round_goes_on_from_the_fused_answer(tmp_path: Path) -> None:
    page, members = open_page(tmp_path)
    page.answer_all()
    page.take(page.blend.reveal)
    assert "The fused answer" not in choices(page)
    *_, result = Results(page.services).follow(page.visit)
    assert result.fusion is not None
    way = choices(page)["The fused answer"]
    assert page.blend.offer(page.visit).chosen == way
    assert go_on(page, way) == ""
    assert members[1].asked[-1][1] == Message("assistant", result.fusion.text)


def test_each_member_goes_on_with_its_own_answer_and_nobody_compares_them(tmp_path: Path) -> None:
    page, members = open_page(tmp_path)
    page.answer_all()
    page.take(page.blend.reveal)
    before = page.visit
    assert go_on(page, choices(page)["Each model with its own answer"]) == ""
    for member in members:
        assert member.asked[-1] == (
            Message("user", "Why?"),
            Message("assistant", f"{member.name} heard 1."),
            Message("user", "And then?"),
        )
    view = page.blend.page(page.visit)
    assert [column.name for column in view.columns] == list(before.columns)
    assert [column.text for column in view.columns] == [f"{name} heard 3." for name in before.columns]
    assert (view.pair, view.are_compared, view.can_reveal, view.ways.chosen) == (None, False, False, "own")
    assert NOT_COMPARED.split(".")[0] in draw_conversations(view)
    assert list(Results(page.services).follow(page.visit)) == []
    with transaction(page.services.engine) as session:
        prompts = session.exec(select(Prompt).order_by(Prompt.id)).all()  # type: ignore[arg-type]
        comparisons = session.exec(select(Comparison)).all()
        seen = {row.prompt_id for row in session.exec(select(SeenPrompt))}
        assert len(session.exec(select(Continuation)).all()) == 3
    assert [len(prompt.history) for prompt in prompts] == [0, 2, 2, 2]
    assert {comparison.prompt_id for comparison in comparisons} == {prompts[0].id}
    assert seen == {prompt.id for prompt in prompts}

    visit = page.visit
    assert page.reload() == Visit(**{**visit.__dict__, "is_asking": False})
    # And from there with one answer, which all members then follow.
    way = choices(page)["Ada's answer"]
    assert go_on(page, way, "Third?") == ""
    assert members[2].asked[-1][3:] == (Message("assistant", "Ada heard 3."), Message("user", "Third?"))
    assert page.visit.own == ()
    assert page.visit.pair is not None


def test_a_member_that_fails_in_its_own_conversation_is_asked_again_there(tmp_path: Path) -> None:
    members = [
        ScriptedMember("Ada", saying("One."), failing("crashed", "fell over", ""), saying("Again.")),
        ScriptedMember("Brahms", saying("Two.")),
    ]
    page = Page(tmp_path, *members)
    page.answer_all()
    page.take(page.blend.reveal)
    go_on(page, "own")
    number = page.visit.columns.index("Ada")
    assert page.blend.page(page.visit).columns[number].progress is Progress.FAILED
    assert page.take(page.blend.retry, number) == ""
    page.stream(number)
    assert page.blend.page(page.visit).columns[number].text == "Again."
    assert members[0].asked[-1][1] == Message("assistant", "One.")


def test_an_answer_of_another_round_is_no_way_on(tmp_path: Path) -> None:
    page, _ = open_page(tmp_path)
    page.answer_all()
    page.take(page.blend.reveal)
    foreign = choices(page)["Ada's answer"]
    page.answer_all()
    page.take(page.blend.reveal)
    assert foreign not in choices(page).values()
    assert "Choose the answer" in go_on(page, foreign)


def test_what_a_browser_says_of_its_own_prompts_is_checked(tmp_path: Path) -> None:
    page, _ = open_page(tmp_path)
    page.answer_all()
    page.take(page.blend.reveal)
    go_on(page, "own")
    own = list(page.visit.own)
    for told in ([True, "1", 99], [1], {"a": 1}, "own", [own, None]):
        page.memory["own"] = told
        assert page.reload().own == ()
    page.memory["own"] = [*own, 1, 99]
    assert page.reload().own == tuple(own)
    stranger = Blend(page.services)
    assert stranger.open({"prompt_id": own[0], "own": own}).visit.own == ()

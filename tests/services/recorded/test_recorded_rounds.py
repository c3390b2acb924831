from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from blender_ui.errors import MalformedInput
from blender_ui.services.archive.archiving import export_archive, import_archive, is_untouched
from blender_ui.services.fusing.rows import FusionView
from blender_ui.services.recorded.file import Rounds, read_rounds, write_rounds
from blender_ui.services.recorded.keeping import PROJECT_NAME
from db.engine import transaction
from db.enums import RECORDED_SOURCE
from db.models import Annotator, Comparison, Lease, Preference, Project, Prompt, SeenPrompt
from tests.builders.recorded import QUESTIONS, keep, record
from tests.builders.scripted_members import ScriptedMember, saying
from tests.builders.stores import add_prompts, make_store
from tests.ui.scripted_services import build_scripted_services

LONG = "It is made of leaves. It takes four minutes."


def members() -> list[ScriptedMember]:
    return [
        ScriptedMember("Ada", saying(LONG)),
        ScriptedMember("Brahms", saying("Of leaves. ", "And water.")),
        ScriptedMember("Curie", saying("Tea is hot. Very.")),
    ]


@pytest.fixture
def rounds(tmp_path: Path) -> Rounds:
    services = build_scripted_services(tmp_path / "recording", *members())
    services.ranking.train()
    return record(services)


@pytest.fixture
def fresh(tmp_path: Path) -> Any:
    return build_scripted_services(tmp_path / "fresh", *members())


def fusion_of(services: Any, prompt_id: int) -> FusionView:
    found: FusionView = services.fusing.find_fusion(prompt_id=prompt_id)
    return found


def test_a_recorded_round_comes_back_as_it_was_made(rounds: Rounds, fresh: Any, tmp_path: Path) -> None:
    keep(fresh, rounds, tmp_path)
    tea, _ = fresh.recorded.examples()
    answers = fresh.blending.answers(prompt_id=tea.prompt_id)
    assert {one.member: one.text for one in answers.candidates}["Ada"] == LONG
    ranking = fresh.recorded.find_ranking(tea.prompt_id, [one.candidate_id for one in answers.candidates])
    assert ranking is not None
    assert [entry.member for entry in ranking.entries] == ["Ada", "Brahms", "Curie"]  # longer answers first
    assert ranking.version.is_start
    fusion = fusion_of(fresh, tea.prompt_id)
    assert fusion.text == "It is made of leaves. Of leaves. Tea is hot."
    assert "".join(fusion.text[span.start : span.end] for span in fusion.spans) == fusion.text
    assert {span.member for span in fusion.spans} >= {"Ada", "Curie"}


def test_the_file_holds_all_of_it(rounds: Rounds, tmp_path: Path) -> None:
    first, second = tmp_path / "rounds.json", tmp_path / "again.json"
    write_rounds(rounds, first)
    known = read_rounds(first)
    assert [replace(one, ranked=None, fused=None) for one in known.rounds] == [
        replace(
            one, answers=tuple(replace(text, seconds=0.5) for text in one.answers), ranked=None, fused=None
        )
        for one in rounds.rounds
    ]
    write_rounds(known, second)
    assert second.read_bytes() == first.read_bytes()


def test_recording_again_asks_only_whom_it_lacks(rounds: Rounds, tmp_path: Path) -> None:
    kept, *others = members()
    others[1] = ScriptedMember("Darwin", saying("New."))
    brahms_again = ScriptedMember("Brahms", saying("Never said."))
    services = build_scripted_services(tmp_path / "again", kept, brahms_again, others[1])
    services.ranking.train()
    again = record(services, rounds)
    said = {again.writers[one.writer].name: one.text for one in again.rounds[0].answers}
    assert said == {"Ada": LONG, "Brahms": "Of leaves. And water.", "Darwin": "New."}
    assert "Curie" not in {writer.name for writer in again.writers}


def test_a_fused_answer_stays_while_its_sources_are_in_the_same_order(rounds: Rounds, tmp_path: Path) -> None:
    tea, sky = rounds.rounds
    assert tea.fused is not None
    assert sky.fused is not None
    said = replace(tea.fused.answer, text="Kept as it was said: 0123456789 012345678")
    spans = ((0, len(said.text), 0),)
    kept = replace(tea, fused=replace(tea.fused, answer=said, spans=spans))
    turned = replace(sky, fused=replace(sky.fused, sources=sky.fused.sources[::-1]))
    services = build_scripted_services(tmp_path / "again", *members())
    services.ranking.train()
    again = record(services, replace(rounds, rounds=(kept, turned)))
    assert again.rounds[0].fused is not None
    assert again.rounds[0].fused.answer.text == said.text
    assert again.rounds[0].fused.judged != tea.fused.judged
    assert again.rounds[1].fused is not None
    assert again.rounds[1].fused.sources == sky.fused.sources


def test_another_ranker_s_word_is_not_put_into_the_start_ranker_s_mouth(
    rounds: Rounds, fresh: Any, tmp_path: Path
) -> None:
    keep(fresh, replace(rounds, made_with={"ranker": "another"}), tmp_path)
    tea, _ = fresh.recorded.examples()
    answers = fresh.blending.answers(prompt_id=tea.prompt_id).candidates
    assert len(answers) == 3
    assert fresh.recorded.find_ranking(tea.prompt_id, [one.candidate_id for one in answers]) is None


def test_what_is_recorded_so_far_can_be_gone_on_with(rounds: Rounds, tmp_path: Path) -> None:
    services = build_scripted_services(tmp_path / "broken off", *members())
    services.ranking.train()
    recording = record(services, replace(QUESTIONS, rounds=QUESTIONS.rounds[:1]))
    half = replace(recording, rounds=(*recording.rounds, QUESTIONS.rounds[1]))
    write_rounds(half, tmp_path / "half.json")
    again = build_scripted_services(tmp_path / "again", *members())
    again.ranking.train()
    assert len(record(again, read_rounds(tmp_path / "half.json")).rounds[1].answers) == 3


def test_they_are_nobody_s_and_in_a_project_of_their_own(rounds: Rounds, fresh: Any, tmp_path: Path) -> None:
    keep(fresh, rounds, tmp_path)
    with transaction(fresh.engine) as session:
        for table in (Preference, Lease, SeenPrompt, Annotator):
            assert not session.exec(select(table)).all()
        project = session.exec(select(Project).where(Project.name == PROJECT_NAME)).one()
        prompts = session.exec(select(Prompt)).all()
        assert {one.project_id for one in prompts} == {project.id}
        assert {(one.source, one.asked_by_id) for one in prompts} == {(RECORDED_SOURCE, None)}
        pairs = session.exec(select(Comparison)).all()
        assert (len(pairs), {pair.overlap for pair in pairs}) == (2 * 3, {20})


def test_they_come_once(rounds: Rounds, fresh: Any, tmp_path: Path) -> None:
    keep(fresh, rounds, tmp_path)
    assert fresh.recorded.keep(only_in_new_store=False) == 0
    assert len(fresh.recorded.examples()) == 2


def test_a_question_without_answers_is_left_out(rounds: Rounds, fresh: Any, tmp_path: Path) -> None:
    keep(fresh, replace(rounds, rounds=(rounds.rounds[0], QUESTIONS.rounds[1])), tmp_path)
    assert [one.instruction for one in fresh.recorded.examples()] == ["How is tea made?"]


def test_a_store_of_one_s_own_stays_as_it_is(fresh: Any, tmp_path: Path) -> None:
    add_prompts(fresh.engine, n_prompts=1)
    assert fresh.recorded.keep(only_in_new_store=True) == 0
    with transaction(fresh.engine) as session:
        assert len(session.exec(select(Prompt)).all()) == 1


def test_an_archived_project_offers_no_examples(rounds: Rounds, fresh: Any, tmp_path: Path) -> None:
    keep(fresh, rounds, tmp_path)
    ada = fresh.labeling.sign_in(key="the-key-of-this-browser")
    project_id = next(one.id for one in fresh.projects.list_projects() if one.terms.name == PROJECT_NAME)
    prompt_id = fresh.recorded.examples()[0].prompt_id
    fresh.projects.set_archived(project_id, is_archived=True, by=ada.id)
    assert fresh.recorded.examples() == ()
    assert not fresh.recorded.holds(prompt_id)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda one: one.pop("licence"), "licence: is missing"),
        (lambda one: one["rounds"][0]["answers"][0].update(writer=9), "a writer beyond"),
        (lambda one: one["rounds"][0]["ranked"].update(logits=[[0.0]]), "expected 3 by 3 logits"),
        (lambda one: one["rounds"][0]["fused"]["spans"].pop(), "do not cover"),
        (lambda one: one["rounds"][0]["fused"].update(sources=[0, 1, 7]), "not among the answers"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(
    rounds: Rounds, tmp_path: Path, spoil: Callable[[Any], object], told: str
) -> None:
    path = tmp_path / "rounds.json"
    write_rounds(rounds, path)
    value = json.loads(path.read_text())
    spoil(value)
    path.write_text(json.dumps(value))
    with pytest.raises(MalformedInput, match=told):
        read_rounds(path)


def test_an_archive_takes_the_place_of_recorded_rounds_that_nobody_touched(
    rounds: Rounds, fresh: Any, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = make_store(tmp_path / "other")
    add_prompts(other, n_prompts=1)
    export_archive(other, tmp_path / "other.zip", now=fresh.clock())
    keep(fresh, rounds, tmp_path)
    assert is_untouched(fresh.engine)
    import_archive(fresh.engine, tmp_path / "other.zip")
    with transaction(fresh.engine) as session:
        assert [one.source for one in session.exec(select(Prompt)).all()] == [None]


def test_an_archive_never_takes_the_place_of_a_vote(rounds: Rounds, fresh: Any, tmp_path: Path) -> None:
    keep(fresh, rounds, tmp_path)
    ada = fresh.labeling.sign_in(key="the-key-of-this-browser")
    prompt_id = fresh.recorded.examples()[0].prompt_id
    fresh.labeling.mark_seen(annotator_id=ada.id, prompt_id=prompt_id)
    assert not is_untouched(fresh.engine)

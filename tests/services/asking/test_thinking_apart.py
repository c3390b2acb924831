"""A model that thinks aloud is judged, ranked and exported by its answer alone."""

from __future__ import annotations

from pathlib import Path

from blender_ui.services.asking.rounds import Blending
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.ranking.rows import load_entrants
from db.engine import transaction
from db.models import Outcome
from tests.builders.scripted_members import ScriptedEnsemble, ScriptedMember, saying, thinking_first
from tests.builders.stores import Clock, key_of, make_labeling, make_store

THOUGHT = "SECRETTHOUGHT"


def test_people_rankers_and_files_get_the_answer_without_its_thinking(tmp_path: Path) -> None:
    engine, clock = make_store(tmp_path), Clock()
    labeling = make_labeling(engine, clock)
    me = labeling.sign_in(key=key_of(1)).id
    members = ScriptedEnsemble(
        ScriptedMember("A", thinking_first(THOUGHT, answer="Four.")), ScriptedMember("B", saying("Five."))
    )
    blending = Blending(engine, members=members, clock=clock)
    prompt_id = blending.ask(instruction="How many?").prompt_id
    for name in ("A", "B"):
        list(blending.stream(prompt_id=prompt_id, member_name=name))
    labeling.queue_prompt(prompt_id=prompt_id)
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None
    assert THOUGHT not in repr(pair)
    labeling.submit(
        annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="one", seconds=1.0
    )
    with transaction(engine) as session:
        entrants = load_entrants(session, prompt_id=prompt_id, candidate_ids=None)
        assert sorted(entrants.texts) == ["Five.", "Four."]
    for format in ("jsonl", "csv", "dpo"):
        path = tmp_path / f"out.{format}"
        Exporting(engine, clock=clock).export(path, format=format)
        assert "Four." in path.read_text()
        assert THOUGHT not in path.read_text()

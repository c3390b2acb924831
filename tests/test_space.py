"""What the simulated Space looks for after a restart is what a store keeps."""

from __future__ import annotations

from pathlib import Path

from benchmarks.space import read_tokens
from db.engine import create_store
from db.models import Outcome
from tests.builders.stores import Clock, add_prompts, key_of, make_labeling, put_store


def test_a_vote_is_found_by_the_token_that_its_browser_made(tmp_path: Path) -> None:
    engine = create_store(f"sqlite:///{put_store(tmp_path)}")
    labeling = make_labeling(engine, Clock())
    for prompt_id in add_prompts(engine, n_prompts=1):
        labeling.queue_prompt(prompt_id=prompt_id)
    me = labeling.sign_in(key=key_of(1)).id
    pair = labeling.next_pair(annotator_id=me)
    assert pair is not None
    labeling.submit(
        annotator_id=me, lease_id=pair.lease_id, outcome=Outcome.LEFT, idempotency_key="made-there"
    )
    engine.dispose()
    assert read_tokens(tmp_path) == {"made-there"}

"""What is in the store, by the client that the package has; and docs/api.md's promises of its pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from blender_ui.client import ApiError, Client
from db.engine import transaction
from db.models import Job, JobKind, JobStatus, Prompt, Role
from tests.api.house import LONG, Shop

RECORD = {
    "id": "1",
    "source": "a-set",
    "prompt": "Why?",
    "candidates": [{"model": "a", "text": "So."}, {"model": "b", "text": "Not so."}],
    "labels": [{"annotator": "ada", "a": 0, "b": 1, "winner": "a", "kind": "human"}],
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "home")
    yield shop
    shop.close()


@pytest.fixture
def client(shop: Shop) -> Iterator[Client]:
    with Client(shop.url, shop.keys[Role.RESEARCHER]) as client:
        yield client


def write_records(folder: Path, records: list[dict[str, Any]]) -> Path:
    path = folder / "set.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def test_a_form_for_trainers_is_exported_in_any_syntax_with_what_was_left_out(
    shop: Shop, client: Client, tmp_path: Path
) -> None:
    client.import_file(write_records(tmp_path, [RECORD]))
    client.export(tmp_path / "dpo.jsonl", "dpo")
    row = json.loads((tmp_path / "dpo.jsonl").read_text())
    assert row["chosen"] == [{"role": "assistant", "content": "So."}]
    client.export(tmp_path / "kto.parquet", "kto", file="parquet")
    assert pq.read_table(tmp_path / "kto.parquet")["label"].to_pylist() == [True, False]
    said = client.export(tmp_path / "best.csv", "best_of_n", file="csv", threshold=0.6)
    assert "1 prompts with two answers or more are left out" in said
    for wrong in ({"threshold": 2}, {"file": "xlsx"}, {"margin": -1}, {"marign": 1}):
        with pytest.raises(ApiError) as refused:
            client.export(tmp_path / "x", "best_of_n", **wrong)
        assert refused.value.code == "malformed"


def test_a_key_of_one_project_exports_that_one_alone(shop: Shop, tmp_path: Path) -> None:
    key = shop.make_key("of one", role=Role.RESEARCHER, project_id=1)
    with Client(shop.url, key) as client:
        client.export(tmp_path / "x.jsonl", project_id=1)
        for asked in ({}, {"project_id": 2}):
            with pytest.raises(ApiError, match="ask for project_id=1"):
                client.export(tmp_path / "x.jsonl", **asked)


def test_a_project_is_made_filled_and_read(client: Client) -> None:
    made = client.create_project("Second", overlap=2)
    assert client.add_prompts(made["id"], ["Why?", "How?", "Why?"]) == 2
    assert [one["name"] for one in client.projects()] == ["Default project", "Second"]
    assert [one["instruction"] for one in client.prompts(project_id=made["id"])] == ["Why?", "How?"]
    (second,) = (one for one in client.projects() if one["name"] == "Second")
    assert (second["overlap"], second["n_prompts"]) == (2, 2)
    with pytest.raises(ApiError, match="Second") as caught:
        client.create_project("Second")
    assert (caught.value.status, caught.value.code) == (409, "refused")
    assert caught.value.request_id


def test_a_file_is_imported_whole_and_listed_and_exported(shop: Shop, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text(json.dumps(RECORD))
    report = client.import_file(path)
    assert (report["n_prompts"], report["n_preferences"]) == (1, 1)
    (prompt,) = client.prompts()
    assert prompt["source"] == "a-set"
    assert [one["member"] for one in client.candidates(prompt_id=prompt["id"])] == ["a", "b"]
    (vote,) = client.preferences()
    assert (vote["outcome"], vote["kind"], vote["policy"]) == ("left", "human", None)
    client.export(tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text())["prompt"] == "Why?"
    path.write_text("{not json")
    with pytest.raises(ApiError, match="not JSON"):
        client.import_file(path)
    assert len(shop.rows(Prompt)) == 1


def test_a_page_goes_on_after_the_last_id_whatever_is_written_meanwhile(shop: Shop, client: Client) -> None:
    client.add_prompts(1, [f"Question {number}?" for number in range(5)])
    first = shop.ask("GET", "/v1/prompts", params={"limit": 2}).json()
    client.add_prompts(1, ["One more?"])
    rest = shop.ask("GET", "/v1/prompts", params={"limit": 4, "after": first["next_after"]}).json()
    found = [one["id"] for one in first["data"] + rest["data"]]
    assert found == sorted(set(found))
    assert len(found) == 6
    assert rest["next_after"] is None
    assert shop.ask("GET", "/v1/prompts", params={"limit": 1001}).status_code == 400
    assert shop.ask("GET", "/v1/prompts", params={"after": 2**70}).status_code == 400


def test_the_client_asks_votes_and_reads_what_came_of_it(shop: Shop, client: Client) -> None:
    (answer,) = client.ask("Why is the sky blue?", model="blender/best")
    assert answer.text == LONG
    first, second = client.ask("And now?", model="blender/best", n=2)
    vote = client.vote(second.answer_id, "better", first.answer_id, user="ada")
    thumb = client.thumb(answer.answer_id, "up")
    kinds = {one["id"]: (one["kind"], one["policy"]) for one in client.preferences()}
    assert kinds == {vote: ("human", "served"), thumb: ("judge", "served_thumb")}
    assert "blender/Long" in client.models()
    assert [one["is_active"] for one in client.versions()] == [True]


def test_a_key_of_one_project_sees_and_changes_that_one_alone(shop: Shop, client: Client) -> None:
    second = client.create_project("Second")["id"]
    client.add_prompts(1, ["Secret?"])
    with Client(shop.url, shop.make_key("second", role=Role.RESEARCHER, project_id=second)) as own:
        own.add_prompts(second, ["Mine?"])
        assert [one["id"] for one in own.projects()] == [second]
        assert [one["instruction"] for one in own.prompts()] == ["Mine?"]
        assert list(own.preferences()) == list(own.candidates()) == []
        refused: list[Any] = [
            lambda: list(own.prompts(project_id=1)),
            lambda: own.add_prompts(1, ["Mine?"]),
            lambda: own.create_project("Third"),
            lambda: own.export("nothing"),
        ]
        for act in refused:
            with pytest.raises(ApiError) as caught:
                act()
            assert caught.value.status in (403, 404)
    assert not Path("nothing").exists()


def test_jobs_are_listed_and_read(shop: Shop) -> None:
    with transaction(shop.services.engine, immediate=True) as session:
        session.add(Job(kind=JobKind.FAST, status=JobStatus.FAILED, error="no votes", finished_at=None))
    (job,) = shop.ask("GET", "/v1/jobs").json()["data"]
    assert (job["kind"], job["status"], job["error"]) == ("fast", "failed", "no votes")
    assert shop.ask("GET", f"/v1/jobs/{job['id']}").json() == job
    assert shop.ask("GET", "/v1/jobs/99").status_code == 404


def test_the_leaderboard_is_read_by_a_kind_that_there_is(shop: Shop, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text(json.dumps(RECORD))
    client.import_file(path)
    told = shop.ask("GET", "/v1/leaderboard").json()
    assert told["n_preferences"] == 1
    ((first, second),) = told["lists"]
    assert (first["name"], first["n_wins"], second["name"], second["place"]) == ("a", 1, "b", 1)
    assert shop.ask("GET", "/v1/leaderboard?kind=Poems").status_code == 404

"""Reranking, scores and rewards by a fast version that was really trained, and votes on served answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from blender_ui.ranking.chances import win_chances
from db.models import Preference, Role
from tests.api.house import QUESTION, Shop, build_trained_services
from tests.builders.scripted_members import ScriptedMember, saying

GOOD, BAD = "good good good answer", "an answer"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("trained")
    members = [ScriptedMember("Bad", saying(BAD)), ScriptedMember("Good", saying(GOOD))]
    shop = Shop(folder, services=build_trained_services(folder, *members))
    yield shop
    shop.close()


def post(shop: Shop, route: str, **body: Any) -> Any:
    return shop.ask("POST", f"/v1/{route}", key=Role.ANNOTATOR, json=body)


def test_documents_come_back_best_first_in_the_form_of_cohere_and_jina(shop: Shop) -> None:
    documents = [BAD, {"text": GOOD, "title": "left out"}, "good answer"]
    told = post(shop, "rerank", query="Why?", documents=documents, top_n=2, return_documents=True).json()
    assert [one["index"] for one in told["results"]] == [1, 2]
    first, second = (one["relevance_score"] for one in told["results"])
    assert 1 > first > second > 0
    assert told["results"][0]["document"] == {"text": GOOD}
    version = shop.services.ranking.get_active()
    standing = "beats both baselines"
    assert told["blender"] == {"version": version.id, "kind": "fast", "standing": standing}
    assert "document" not in post(shop, "rerank", query="Why?", documents=documents).json()["results"][0]


def test_scores_have_vllms_form_and_compare_the_answers_to_each_text(shop: Shop) -> None:
    told = post(shop, "score", text_1="Why?", text_2=[BAD, GOOD]).json()
    assert [one["index"] for one in told["data"]] == [0, 1]
    bad, good = (one["score"] for one in told["data"])
    assert good > bad
    assert good + bad == pytest.approx(1)
    paired = post(
        shop, "score", text_1=["Why?", "How?", "Why?", "How?"], text_2=[BAD, GOOD, GOOD, BAD]
    ).json()
    scores = [one["score"] for one in paired["data"]]
    assert scores[:1] + scores[2:3] == pytest.approx([bad, good])
    assert scores[1] > scores[3]


def test_rewards_are_those_of_the_groups_whatever_the_batch(shop: Shop) -> None:
    prompts = ["Why?", "How?", "Why?", "How?"]
    whole = post(shop, "reward", prompts=prompts, completions=[BAD, GOOD, GOOD, BAD]).json()
    alone = post(shop, "reward", prompts=["Why?", "Why?"], completions=[BAD, GOOD]).json()
    assert [whole["rewards"][0], whole["rewards"][2]] == pytest.approx(alone["rewards"])
    assert whole["rewards"][1] > whole["rewards"][3]
    assert whole["ranker"]["version"] == shop.services.ranking.get_active().id
    odds = alone["rewards"][1]
    assert alone["probabilities"][1] == pytest.approx(win_chances([[0, -odds], [odds, 0]])[1])


def test_rewards_of_chats_are_those_of_their_texts(shop: Shop) -> None:
    chats = [[{"role": "user", "content": "Why?"}]] * 2
    said = [[{"role": "assistant", "content": text}] for text in (BAD, GOOD)]
    told = post(shop, "reward", prompts=chats, completions=said).json()
    plain = post(shop, "reward", prompts=["Why?"] * 2, completions=[BAD, GOOD]).json()
    assert told["rewards"] == plain["rewards"]


def test_a_completion_alone_is_compared_with_a_baseline_and_else_refused_with_the_remedy(shop: Shop) -> None:
    refused = post(shop, "reward", prompts=["Why?"], completions=[GOOD])
    assert refused.status_code == 400
    assert "Give the field baseline" in refused.json()["error"]["message"]
    told = post(shop, "reward", prompts=["Why?", "How?"], completions=[GOOD, BAD], baseline=BAD + "!").json()
    assert told["rewards"][0] > 0.5
    assert told["rewards"][0] > told["rewards"][1]
    score = post(shop, "score", text_1="Why?", text_2=GOOD, baseline=BAD + "!").json()["data"][0]["score"]
    assert score == pytest.approx(told["probabilities"][0])


@pytest.mark.parametrize(
    ("route", "body", "said"),
    [
        ("rerank", {"query": "q", "documents": []}, "documents"),
        ("rerank", {"query": "q", "documents": ["x"] * 101}, "documents"),
        ("rerank", {"query": "q", "documents": ["x" * 200_001]}, "documents.0"),
        ("rerank", {"query": "q", "documents": ["x"], "model": "rerank-v3"}, "model"),
        ("rerank", {"query": "\0", "documents": ["x"]}, "NUL"),
        ("rerank", {"documents": ["x"]}, "query: Field required"),
        ("score", {"text_1": ["a", "b"], "text_2": ["c"]}, "as many as text_2"),
        ("reward", {"prompts": ["a"], "completions": ["b", "c"]}, "a prompt for each completion"),
        ("reward", {"prompts": [[{"role": "assistant", "content": "x"}]], "completions": ["b"]}, "prompts.0"),
        ("reward", {"prompts": ["a"] * 101, "completions": ["b"] * 101}, "at most 100 answers to one prompt"),
        ("reward", {"prompts": ["a"], "completions": ["b"], "weights": [1]}, "weights"),
        ("feedback", {"answer_id": 1}, "either thumb, or both other_id and verdict"),
        ("feedback", {"answer_id": 1, "thumb": "up", "other_id": 2, "verdict": "tie"}, "either thumb"),
        ("feedback", {"answer_id": 2**70, "thumb": "up"}, "answer_id"),
    ],
)
def test_what_is_too_large_or_has_another_form_is_refused_by_its_field(
    shop: Shop, route: str, body: dict[str, Any], said: str
) -> None:
    response = post(shop, route, **body)
    assert response.status_code == 400
    assert said in response.json()["error"]["message"]


def test_a_thumb_on_a_served_answer_becomes_a_preference_once(shop: Shop) -> None:
    told = shop.chats(Role.ANNOTATOR).create(model="blender/best", messages=QUESTION)
    (shown,) = told.model_extra["blender"]["shown"]
    before = len(shop.rows(Preference))
    body = {"answer_id": shown["answer_id"], "thumb": "up", "user": "ada", "idempotency_key": "1"}
    vote = post(shop, "feedback", **body).json()
    assert post(shop, "feedback", **body).json() == vote
    assert (vote["voter"], vote["policy"], vote["propensity"]) == ("person", "served_thumb", 1.0)
    assert len(shop.rows(Preference)) == before + 1
    by_program = post(shop, "feedback", answer_id=shown["answer_id"], thumb="down").json()
    assert by_program["voter"] == "program"
    another = shop.ask("POST", "/v1/feedback", key=Role.RESEARCHER, json=body)
    assert another.status_code == 404, "it was served to another key"


def test_before_a_ranker_exists_the_error_says_what_is_needed(tmp_path: Any) -> None:
    shop = Shop(tmp_path, is_trained=False)
    for route, body in (
        ("rerank", {"query": "q", "documents": ["a", "b"]}),
        ("score", {"text_1": "q", "text_2": ["a", "b"]}),
        ("reward", {"prompts": ["q", "q"], "completions": ["a", "b"]}),
    ):
        response = post(shop, route, **body)
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "no_ranker"
    shop.close()

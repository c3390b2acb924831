"""The official openai client, over real HTTP, against scripted members."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from blender_ui.api import chat as chat_module
from blender_ui.api.streaming import _join
from blender_ui.members.configuration import Price
from blender_ui.services.projects.projects import ProjectTerms
from blender_ui.services.serving.views import Piece
from db.models import Candidate, CandidateFailure, Comparison, Fusion, Member, Prompt, Ranking, Role
from tests.api.house import LONG, QUESTION, Shop, make_members
from tests.builders.scripted_members import ScriptedMember, failing, hanging, saying, thinking_first
from tests.ui.scripted_services import typing


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.close()


def report(completion: Any) -> dict[str, Any]:
    return dict(completion.model_extra["blender"])


def test_the_best_ranked_answer_is_given_and_everything_is_stored(shop: Shop) -> None:
    told = shop.chats().create(model="blender/best", messages=QUESTION)
    assert told.choices[0].message.content == LONG
    assert told.choices[0].finish_reason == "stop"
    # Two scripted members read 7 tokens each and write one for each piece.
    assert (told.usage.prompt_tokens, told.usage.completion_tokens, told.usage.total_tokens) == (14, 3, 17)
    said = report(told)
    assert [one["member"] for one in said["asked"]] == ["Long", "Short"]
    assert [one["rank"] for one in said["asked"]] == [1, 2]
    first, second = (one["win_probability"] for one in said["asked"])
    assert first > 0.5 > second
    assert first + second == pytest.approx(1)
    (prompt,) = shop.rows(Prompt)
    (ranking,) = shop.rows(Ranking)
    assert prompt.id == said["prompt_id"] == ranking.prompt_id
    assert ranking.ranker_version_id == said["ranker_version"]
    by_text = {one.text: one.id for one in shop.rows(Candidate)}
    assert said["shown"] == [{"answer_id": by_text[LONG], "member": "Long", "is_fused": False}]
    assert len(shop.rows(Comparison)) == 1, "its pair waits for people"


def test_a_fused_answer_names_the_source_of_each_span(shop: Shop) -> None:
    told = shop.chats().create(model="blender/fused", messages=QUESTION)
    text = told.choices[0].message.content
    assert text == "A long answer, which says more. Short."
    fused = report(told)["fused"]
    assert "".join(text[span["start"] : span["end"]] for span in fused["spans"]) == text
    by_id = {one.id: one.text for one in shop.rows(Candidate)}
    assert [by_id[key] for key in fused["sources"]] == [LONG, "Short."]
    assert {span["answer_id"] for span in fused["spans"]} <= {*fused["sources"], None}
    assert by_id[fused["answer_id"]] == text
    assert len(shop.rows(Fusion)) == 1


def test_auto_shows_the_fused_answer_only_where_the_ranker_does_not_put_it_below(tmp_path: Path) -> None:
    # The scripted ranker prefers the longer text, and the scripted fuser joins first sentences.
    cases = {
        "fused": (["One is here.", "Two is there."], "One is here. Two is there."),
        "best": (
            ["Yes. " + "It is so, and at length. " * 3, "No."],
            "Yes. " + "It is so, and at length. " * 3,
        ),
    }
    for name, (texts, shown) in cases.items():
        members = [ScriptedMember(f"m{number}", saying(text)) for number, text in enumerate(texts)]
        shop = Shop(tmp_path / name, *members)
        told = shop.chats().create(model="blender/auto", messages=QUESTION)
        assert sorted(told.choices[0].message.content.split()) == sorted(shown.split()), name
        assert report(told)["shown"][0]["is_fused"] is (name == "fused")
        shop.close()


@pytest.mark.parametrize("model", ["blender/auto", "blender/best", "blender/fused", "blender/Long"])
def test_a_stream_gives_the_same_text_and_report_as_a_whole_answer(shop: Shop, model: str) -> None:
    whole = shop.chats().create(model=model, messages=QUESTION)
    stream = shop.chats().create(
        model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    ends = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert [end.choices[0].finish_reason for end in ends] == ["stop"]
    assert report(ends[0])["shown"][0]["is_fused"] == report(whole)["shown"][0]["is_fused"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage


def test_a_member_streams_at_its_own_speed_and_is_asked_alone(tmp_path: Path) -> None:
    slow = ScriptedMember("Slow", typing("one two three four five six", word_seconds=0.08))
    shop = Shop(tmp_path, slow, *make_members(), is_trained=False)
    stream = shop.chats().create(model="blender/Slow", messages=QUESTION, stream=True)
    times = [time.monotonic() for chunk in stream if chunk.choices[0].delta.content]
    assert len(times) == 6
    assert times[-1] - times[0] > 0.2, "they came one by one"
    assert {one.name for one in shop.rows(Member)} == {"Slow"}
    shop.close()


def test_a_whole_conversation_and_the_sampling_reach_the_members_and_their_rows(shop: Shop) -> None:
    conversation: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello."}]},
        {"role": "assistant", "content": "Hello to you."},
        {"role": "user", "content": "Why?"},
    ]
    shop.chats().create(
        model="blender/Long", messages=conversation, temperature=0.0, max_completion_tokens=9, seed=-1,
        stop="END", user="u", metadata={"a": "b"},
    )  # fmt: skip
    member = shop.services.members.get("Long")
    assert [(one.role, one.content) for one in member.asked[-1]] == [
        ("system", "Be brief."), ("user", "Hello."), ("assistant", "Hello to you."), ("user", "Why?"),
    ]  # fmt: skip
    options = member.options[-1]
    assert (options.temperature, options.max_tokens, options.stop) == (0.0, 9, ("END",))
    assert 0 <= options.seed < 2**31
    (row,) = shop.rows(Member)
    assert row.options["temperature"] == 0.0
    assert row.options["max_tokens"] == 9
    (prompt,) = shop.rows(Prompt)
    assert [message["role"] for message in prompt.history] == ["system", "user", "assistant"]


def test_several_answers_are_the_best_ranked_ones_or_the_members_own(shop: Shop) -> None:
    told = shop.chats().create(model="blender/best", messages=QUESTION, n=2)
    assert [(one.index, one.message.content) for one in told.choices] == [(0, LONG), (1, "Short.")]
    told = shop.chats().create(model="blender/Short", messages=QUESTION, n=3)
    assert [one.index for one in told.choices] == [0, 1, 2]
    assert len({one["answer_id"] for one in report(told)["shown"]}) == 3
    stream = shop.chats().create(model="blender/Short", messages=QUESTION, n=2, stream=True)
    texts = {0: "", 1: ""}
    for chunk in stream:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == {0: "Short.", 1: "Short."}
    with pytest.raises(openai.BadRequestError, match="n of at most 2"):
        shop.chats().create(model="blender/best", messages=QUESTION, n=3)


def test_a_member_with_several_answers_to_each_question_has_them_all_ranked(tmp_path: Path) -> None:
    writer = ScriptedMember("Writer", saying("First."), saying("The second one is longer."))
    shop = Shop(tmp_path, writer, ScriptedMember("Short", saying("No.")))
    ensemble = shop.services.members
    ensemble.configs = tuple(
        replace(config, samples=2, sampling=replace(config.sampling, seed=5))
        if config.name == "Writer"
        else config
        for config in ensemble.configs
    )
    told = shop.chats().create(model="blender/best", messages=QUESTION, n=3)
    assert told.choices[0].message.content == "The second one is longer."
    asked = report(told)["asked"]
    assert sorted((one["member"], one["sample"]) for one in asked) == [
        ("Short", 1),
        ("Writer", 1),
        ("Writer", 2),
    ]
    assert sorted(one["rank"] for one in asked) == [1, 2, 3]
    assert [one and one.seed for one in writer.options] in ([None, 6], [6, None])
    with pytest.raises(openai.BadRequestError, match="n of at most 3, the answers that are asked for"):
        shop.chats().create(model="blender/best", messages=QUESTION, n=4)
    shop.close()


def test_several_answers_of_a_member_have_a_seed_each(shop: Shop) -> None:
    shop.chats().create(model="blender/Long", messages=QUESTION, n=3, seed=7)
    member = shop.services.members.get("Long")
    assert sorted(options.seed for options in member.options) == [7, 8, 9]
    assert sorted(one.sample for one in shop.rows(Candidate)) == [1, 2, 3]


def test_cost_is_summed_over_members_with_a_price(shop: Shop) -> None:
    ensemble = shop.services.members
    ensemble.configs = tuple(
        replace(config, price=Price(input=1e6, output=2e6) if config.name == "Long" else None)
        for config in ensemble.configs
    )
    told = shop.chats().create(model="blender/best", messages=QUESTION)
    assert report(told)["cost"] == pytest.approx(7 * 1 + 2 * 2)


def test_one_members_failure_is_told_and_costs_the_answer_nothing(tmp_path: Path) -> None:
    broken = ScriptedMember("Broken", failing("crashed", "Broken: it crashed"))
    shop = Shop(tmp_path, broken, *make_members())
    told = shop.chats().create(model="blender/best", messages=QUESTION)
    assert told.choices[0].message.content == LONG
    assert report(told)["asked"][-1]["failure"] == "Broken: it crashed"
    assert len(shop.rows(CandidateFailure)) == 1
    shop.close()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("key", [Role.ANNOTATOR, Role.RESEARCHER])
def test_where_nobody_answers_the_error_says_so_to_whom_it_may(
    tmp_path: Path, stream: bool, key: Role
) -> None:
    names = ["Ada", "Grace"]
    shop = Shop(tmp_path, *(ScriptedMember(name, failing("crashed", f"{name} crashed")) for name in names))
    with pytest.raises(openai.APIError, match="no member answered") as caught:
        list(shop.chats(key).create(model="blender/auto", messages=QUESTION, stream=stream))
    assert ("Ada crashed" in str(caught.value)) is (key is Role.RESEARCHER)
    shop.close()


def test_before_a_ranker_exists_a_blend_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    shop = Shop(tmp_path, *make_members(), is_trained=False)
    with pytest.raises(openai.InternalServerError, match="No ranker has been trained yet") as caught:
        shop.chats().create(model="blender/auto", messages=QUESTION, stream=True)
    assert caught.value.code == "no_ranker"
    assert shop.rows(Prompt) == []
    assert shop.chats().create(model="blender/Long", messages=QUESTION).choices
    shop.close()


def test_an_annotators_key_is_told_no_name_and_nothing_that_gives_one_away(shop: Shop) -> None:
    for model in ("blender/auto", "blender/best", "blender/fused"):
        client = shop.chats(Role.ANNOTATOR)
        told = client.create(model=model, messages=QUESTION)
        chunks = list(client.create(model=model, messages=QUESTION, stream=True))
        for text in (told.model_dump_json(), *(chunk.model_dump_json() for chunk in chunks)):
            assert '"Long"' not in text
            assert "Short'" not in text
            assert '"Short"' not in text
            assert "Fuser" not in text
        for one in report(told)["asked"]:
            timed = ("member", "seconds", "first_token_seconds", "prompt_tokens", "completion_tokens", "cost")
            assert {one[name] for name in timed} == {None}
            assert one["rank"]
    with pytest.raises(openai.PermissionDeniedError, match="named to researchers only"):
        shop.chats(Role.ANNOTATOR).create(model="blender/Long", messages=QUESTION)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "I."}]}, "last message of role user"),
        ({"messages": [{"role": "user", "content": "\0"}]}, "NUL"),
        ({"messages": [{"role": "user", "content": "x" * 400_001}]}, "400,000 characters"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "type text alone"),
        ({"tools": [{"type": "function"}]}, "tools: not served"),
        ({"response_format": {"type": "json_object"}}, "response_format: not served"),
        ({"n": 9}, "n of 1 to 8"),
        ({"temperature": 3}, "temperature"),
        ({"blender": {"kk": 3}}, "blender.kk"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name_and_stores_nothing(
    shop: Shop, change: dict[str, Any], said: str
) -> None:
    body = {"model": "blender/best", "messages": QUESTION, **change}
    response = shop.ask("POST", "/v1/chat/completions", key=Role.RESEARCHER, json=body)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"
    assert shop.rows(Prompt) == []


def test_an_unknown_model_is_not_found_and_a_wrong_key_no_key(shop: Shop) -> None:
    with pytest.raises(openai.NotFoundError, match="no model"):
        shop.chats().create(model="gpt-9", messages=QUESTION)
    with pytest.raises(openai.AuthenticationError, match="unknown or was revoked"):
        shop.chats("bui-wrong").create(model="blender/best", messages=QUESTION)


def test_a_chat_clients_request_with_its_own_fields_is_answered_and_says_what_it_left_out(shop: Shop) -> None:
    # As Open WebUI sends it, with fields of its own.
    body = {
        "model": "blender/auto", "stream": False, "messages": QUESTION, "session_id": "x", "chat_id": "y",
        "features": {"web_search": False}, "tools": [], "frequency_penalty": 0, "store": False,
    }  # fmt: skip
    response = shop.ask("POST", "/v1/chat/completions", key=Role.RESEARCHER, json=body)
    assert response.status_code == 200
    assert {"session_id", "chat_id", "features"} <= set(response.json()["blender"]["ignored"])


def test_a_stream_is_kept_alive_until_the_answer_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_module, "KEEP_ALIVE_SECONDS", 0.05)
    shop = Shop(tmp_path, ScriptedMember("Slow", typing("It is late.", wait_seconds=0.4)), *make_members())
    body = {"model": "blender/best", "messages": QUESTION, "stream": True}
    headers = {"Authorization": f"Bearer {shop.keys[Role.ANNOTATOR]}"}
    with httpx.stream("POST", f"{shop.url}/v1/chat/completions", json=body, headers=headers) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines[0] == ": asked"
    assert lines.count(": waiting") >= 3
    assert lines[-1] == "data: [DONE]"
    assert all(line.startswith((": ", "data: ")) for line in lines)
    shop.close()


@pytest.mark.parametrize("model", ["blender/best", "blender/Hanging"])
def test_a_program_that_goes_away_stops_the_members_and_their_words_are_kept(
    tmp_path: Path, model: str
) -> None:
    shop = Shop(tmp_path, ScriptedMember("Hanging", hanging("It begins ")), *make_members())
    body = {"model": model, "messages": QUESTION, "stream": True}
    headers = {"Authorization": f"Bearer {shop.keys[Role.RESEARCHER]}"}
    with httpx.stream("POST", f"{shop.url}/v1/chat/completions", json=body, headers=headers) as response:
        next(response.iter_lines())
        wait_until(lambda: bool(shop.services.members.get("Hanging").asked))
    # The others may have been stopped, too, before they had said anything.
    kept = ("stopped", "It begins ")
    wait_until(lambda: kept in [(one.kind, one.partial_text) for one in shop.rows(CandidateFailure)])
    shop.close()


def wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_what_a_key_uses_is_counted_and_limited(shop: Shop) -> None:
    key = shop.make_key("thrifty", role=Role.ANNOTATOR, tokens_a_day=17)
    shop.chats(key).create(model="blender/best", messages=QUESTION)
    wait_until(lambda: shop.services.keys.list_keys()[0].ever.n_tokens == 17)
    with pytest.raises(openai.RateLimitError, match="17 tokens a day"):
        shop.chats(key).create(model="blender/best", messages=QUESTION)


def test_what_a_key_of_a_project_asks_is_that_projects(shop: Shop) -> None:
    by = shop.services.keys.admit_open().annotator_id
    project = shop.services.projects.create(ProjectTerms(name="Second"), by=by)
    key = shop.make_key("second", project_id=project.id)
    shop.chats(key).create(model="blender/best", messages=QUESTION)
    (prompt,) = shop.rows(Prompt)
    assert prompt.project_id == project.id


def test_a_members_thinking_is_streamed_apart(tmp_path: Path) -> None:
    shop = Shop(tmp_path, ScriptedMember("Thinks", thinking_first("hm ", "so", answer="Yes.")))
    stream = shop.chats().create(model="blender/Thinks", messages=QUESTION, stream=True)
    deltas = [chunk.choices[0].delta for chunk in stream]
    assert "".join(delta.content or "" for delta in deltas) == "Yes."
    thoughts = [(delta.model_extra or {}).get("reasoning_content", "") for delta in deltas]
    assert "".join(thoughts) == "hm so"
    shop.close()


def test_pieces_that_waited_for_each_other_are_sent_as_one_and_nothing_is_lost() -> None:
    end = object()
    events = [
        Piece(0, "a"),
        Piece(0, "b", "t"),
        Piece(1, "x"),
        Piece(0, "c"),
        Piece(0, "new", restarts=True),
        end,
    ]
    joined = list(_join(events))  # type: ignore[arg-type]
    assert joined == [
        Piece(0, "ab", "t"), Piece(1, "x"), Piece(0, "c"), Piece(0, "new", restarts=True), end,
    ]  # fmt: skip
    assert list(_join([Piece(0, "a"), None])) == [Piece(0, "a"), None]

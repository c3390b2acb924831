"""What an answer looks like on the way: whatever its framing, it is whole, told as cut, or a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blender_ui.members.openai import client as openai_endpoint
from tests.members.asking import answer_of, failure_of
from tests.members.scripted_endpoint import chunk, events, refuses, sends, streams

BOM = "\ufeff"
TEXT = "Steep it for four minutes."
STOP = chunk(finish="stop")
PIECES = [chunk("Steep "), chunk("it for "), chunk("four minutes.")]
WHOLE = [*PIECES, STOP]
COUNTS = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5}}
DOCUMENT = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 5},
}


@pytest.mark.parametrize(
    "body",
    [
        BOM + events(*WHOLE, "[DONE]"),
        BOM + events(*WHOLE, "[DONE]", end="\r\n\r\n"),
        BOM + events(*WHOLE, "[DONE]", end="\r\r"),
        "".join(BOM + events(one) for one in (*WHOLE, "[DONE]")),
        "".join(f"data: {BOM}{json.dumps(one)}\n\n" for one in WHOLE),
        "\n\n" + BOM + events(*WHOLE),
        events(*WHOLE, "[DONE]", end="\n"),
        " " + events(*WHOLE, end="\n ") + "\n",
        events(*WHOLE).replace("data: ", "data: data: "),
        events(*WHOLE).replace("data: ", "Data:"),
        events(*WHOLE, "[DONE]").replace("data: ", ""),
        "".join("data: " + json.dumps(one, indent=1).replace("\n", "\ndata: ") + "\n\n" for one in WHOLE),
        "event: message\nid: 4\nretry: 10\nx-trace: a b\n" + events(*WHOLE),
        BOM + json.dumps(DOCUMENT),
        json.dumps(DOCUMENT, indent=2) + "\n",
        events(DOCUMENT, "[DONE]"),
    ],
    ids=[
        "mark first", "mark, CRLF", "mark, CR", "a mark each", "a mark within", "blank lines, mark",
        "one newline", "indented", "data twice", "Data", "lines of JSON", "an event of many lines",
        "other fields", "one document, mark", "one document, many lines", "a document as event",
    ],
)  # fmt: skip
@pytest.mark.parametrize("content_type", ["text/event-stream", "text/plain; charset=latin-1", None])
def test_an_answer_is_whole_whatever_stands_around_it(body: str, content_type: str | None) -> None:
    assert answer_of(sends(body, content_type=content_type)).text == TEXT


def test_a_mark_and_line_ends_may_come_in_any_cut() -> None:
    body = (BOM + events(chunk("Thé 🍵"), STOP, "[DONE]", end="\r\n\r\n")).encode()
    assert answer_of(sends(*(bytes([byte]) for byte in body))).text == "Thé 🍵"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("xdata: " + json.dumps(PIECES[0]) + "\n\n" + events(*PIECES[1:], STOP), "xdata"),
        (events(PIECES[0]) + "Steep it, {please\n\n" + events(STOP), "please"),
        (events(PIECES[0]) + "a gateway wrote this\n" + events(STOP), "a gateway wrote this"),
        ("Service restarting", "Service restarting"),
        ("Unauthorized", "Unauthorized"),
        ('{"choices": [', "choices"),
        ("\ufffe" + events(*WHOLE), "choices"),
    ],
)
def test_what_is_no_event_is_never_left_out_without_a_word(body: str, found: str) -> None:
    error = failure_of(sends(body))
    assert error.kind == "bad_response"
    assert found in str(error)


def test_text_in_another_encoding_is_a_bad_response_and_not_other_text() -> None:
    body = events(chunk("Thé"), STOP).encode("latin-1")
    error = failure_of(sends(body, content_type="text/event-stream; charset=latin-1"))
    assert error.kind == "bad_response"
    assert "UTF-8" in str(error)


@pytest.mark.parametrize("content_type", ["text/html", "text/event-stream", None])
@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html>\n<html>\n<title>\nSign &amp; in</title>", "<h1>Sign & in</h1>"]
)
def test_a_web_page_is_told_by_its_title(page: str, content_type: str | None) -> None:
    error = failure_of(sends(BOM + page + "<p>" + "word " * 900, content_type=content_type))
    assert error.kind == "bad_response"
    assert "a web page came: 'Sign & in" in str(error)
    assert "base_url" in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning_content": "Hm. "},
        {"reasoning": "Hm. "},
        {"thinking": "Hm. "},
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm. "}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm. "}]}]},
        {"content": "<think>Hm. "},
    ],
)
def test_thinking_ends_the_wait_for_the_first_token_and_is_no_part_of_the_answer(
    thought: dict[str, Any],
) -> None:
    first, *rest = (events(chunk(**thought)), *[0.25] * 5)
    closing = [chunk("</think>")] if "<think>" in str(thought) else []
    script = sends(first, *rest, events(*closing, *WHOLE, COUNTS))
    assert answer_of(script, first_token_seconds=1.0).text == TEXT


def test_signs_of_life_without_a_thought_do_not_end_it() -> None:
    script = sends(events(chunk("", role="assistant")), *[": busy\n\n", 0.25] * 6, events(*WHOLE))
    assert failure_of(script, first_token_seconds=0.8).kind == "timeout"


def test_an_answer_in_parts_is_their_text() -> None:
    parts = [{"type": "text", "text": "Steep it "}, {"type": "text", "text": "for four minutes."}]
    assert answer_of(streams(chunk(parts), STOP)).text == TEXT
    assert failure_of(streams(chunk([{"type": "image_url", "image_url": "x"}]), STOP)).kind == "bad_response"


def test_the_whole_message_at_the_end_of_a_stream_is_not_said_twice() -> None:
    last = {"choices": [{"index": 0, "delta": {}, "message": {"content": TEXT}, "finish_reason": "stop"}]}
    assert answer_of(streams(*PIECES, last)).text == TEXT


def test_of_several_answers_asked_for_the_first_is_the_answer() -> None:
    other = chunk("Cold. ")
    other["choices"][0]["index"] = 1
    assert answer_of(streams(PIECES[0], other, *PIECES[1:], STOP)).text == TEXT


@pytest.mark.parametrize("last", [[STOP], [STOP, COUNTS]])
def test_an_endpoint_that_never_hangs_up_is_not_waited_for(
    last: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_endpoint, "FINISH_SECONDS", 0.1)
    answered = answer_of(sends(events(*PIECES, *last), 6.0), timeout_seconds=4)
    assert answered.text == TEXT
    assert answered.usage.seconds < 4


def test_counts_that_come_after_the_reason_of_the_end_are_waited_for() -> None:
    usage = answer_of(sends(events(*WHOLE), 0.3, events(COUNTS), 6.0)).usage
    assert (usage.n_prompt_tokens, usage.n_tokens) == (9, 5)


@pytest.mark.parametrize(
    ("counts", "known"),
    [
        ({"prompt_tokens": 9, "total_tokens": 9}, (9, None)),
        ({"prompt_tokens": None, "completion_tokens": None}, (None, None)),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, (None, None)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (None, None)),
        ({"prompt_tokens": "nine", "completion_tokens": 5}, (None, 5)),
        ({"input_tokens": 9, "output_tokens": 5}, (9, 5)),
        ([9, 5], (None, None)),
        (7, (None, None)),
    ],
)
def test_a_count_that_is_missing_costs_no_answer_and_is_not_made_up(
    counts: Any, known: tuple[Any, Any]
) -> None:
    answered = answer_of(streams(*WHOLE, {"choices": [], "usage": counts}))
    assert answered.text == TEXT
    assert (answered.usage.n_prompt_tokens, answered.usage.n_tokens) == known


def test_a_count_that_was_known_is_not_forgotten() -> None:
    last = {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": None}}
    usage = answer_of(streams(*WHOLE, COUNTS, last)).usage
    assert (usage.n_prompt_tokens, usage.n_tokens) == (9, 5)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("STOP", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("odd", "odd"),
    ],
)
def test_a_reason_of_the_end_is_one_word_whoever_says_it(said: str, kept: str) -> None:
    assert answer_of(streams(*PIECES, chunk(finish=said))).usage.finish_reason == kept


@pytest.mark.parametrize("said", ["content_filter", "SAFETY", "sensitive"])
def test_an_answer_cut_by_a_filter_is_a_failure_with_what_had_come(said: str) -> None:
    error = failure_of(streams(*PIECES[:2], chunk(finish=said)))
    assert (error.kind, error.partial_text) == ("refused", "Steep it for ")
    assert "content filter" in str(error)
    assert "content filter" in str(failure_of(streams(chunk(finish=said))))


@pytest.mark.parametrize("said", ["error", "abort", "insufficient_system_resource"])
def test_an_answer_that_the_endpoint_gave_up_is_a_failure(said: str) -> None:
    error = failure_of(streams(*PIECES[:2], chunk(finish=said)))
    assert (error.kind, error.partial_text) == ("crashed", "Steep it for ")


def test_a_refusal_in_a_field_of_its_own_is_told() -> None:
    error = failure_of(streams(chunk(None, refusal="I will "), chunk(None, refusal="not."), STOP))
    assert error.kind == "refused"
    assert "I will not." in str(error)


def test_an_answer_that_was_only_thought_says_what_to_raise() -> None:
    error = failure_of(streams(chunk("<think>Which tea"), chunk(finish="length")))
    assert (error.kind, error.partial_text) == ("empty", "")
    assert "max_tokens" in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"error": {"message": "too long", "code": 400}}, "refused", "too long (HTTP 400)"),
        ({"error": {"message": "too long", "type": "invalid_request_error"}}, "refused", "too long"),
        ({"error": "out of cache"}, "bad_response", "out of cache"),
        ({"error": {"message": "gone", "code": "504"}}, "unreachable", "gone (HTTP 504)"),
        ({"object": "error", "message": "too long", "code": 400}, "refused", "too long"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Wait"}}, "unreachable", "Wait"),
        ({"detail": "Not authenticated"}, "bad_response", "Not authenticated"),
        ({"detail": [{"loc": ["body", "n"], "msg": "not a number"}]}, "bad_response", "body.n: not a number"),
        ({"success": False, "errors": [{"code": 7003, "message": "no route"}]}, "bad_response", "no route"),
        ([{"error": {"code": 404, "message": "no model"}}], "refused", "no model"),
        ({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, "bad_response", "login fail"),
        (
            {"error": {"message": "Provider error", "code": 502, "metadata": {"raw": "the disk is full"}}},
            "unreachable",
            "the disk is full",
        ),
    ],
)  # fmt: skip
def test_an_error_in_any_form_is_told_by_its_own_words(error: Any, kind: str, words: str) -> None:
    for script in (refuses(200, error), sends(events(PIECES[0], error))):
        caught = failure_of(script)
        assert caught.kind == kind
        assert words in str(caught)
    assert caught.partial_text == "Steep "


def test_an_event_named_error_is_one() -> None:
    assert "the pipe broke" in str(failure_of(sends("event: error\ndata: the pipe broke\n\n")))
    named = "event: error\n" + events({"message": "it is full", "code": 503})
    assert failure_of(sends(events(PIECES[0]) + named)).kind == "unreachable"


def test_an_error_of_a_choice_is_one() -> None:
    choice = {
        "index": 0,
        "delta": {},
        "error": {"message": "lost the node", "code": 502},
        "finish_reason": "error",
    }
    error = failure_of(streams(PIECES[0], {"choices": [choice]}))
    assert (error.kind, error.partial_text) == ("unreachable", "Steep ")

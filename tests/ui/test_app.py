from __future__ import annotations

import inspect
import json
from typing import Any

import gradio as gr
import pytest
from gradio.context import Context

from blender_ui.ui.app import build_app
from blender_ui.ui.asking.views import NOBODY
from blender_ui.ui.serving.guard import GuardedBlocks
from blender_ui.ui.shell import ACCOUNT, ASSETS_PATH, PAGES, page_options
from tests.builders.scripted_members import ScriptedMember, saying
from tests.ui.scripted_services import build_scripted_services

MEMBERS = ("Aardvark-7B", "Bumblebee-3B", "Cassowary-1B")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    members = [ScriptedMember(name, saying("Hello.")) for name in MEMBERS]
    return build_app(build_scripted_services(tmp_path_factory.mktemp("home"), *members))


def test_the_public_configuration_holds_no_members_name(app: Any) -> None:
    config = json.dumps(app.get_config_file(), default=str)
    assert not any(name in config for name in MEMBERS)


def test_every_listener_of_the_blend_page_has_a_name_and_is_private(app: Any) -> None:
    listeners = [fn for fn in app.fns.values() if fn.page == "" and fn.fn is not None]
    names = [fn.api_name for fn in listeners]
    assert all(name and name.startswith("blend_") for name in names)
    assert len(set(names)) == len(names)
    assert {fn.api_visibility for fn in listeners} == {"private"}


def test_the_pause_of_gradios_queue_is_still_one_that_needs_to_be_longer(app: Any) -> None:
    assert gr.Blocks()._queue.sleep_when_free < app._queue.sleep_when_free < 0.05


def test_no_two_listeners_share_a_function_and_so_a_queue(app: Any) -> None:
    functions = [id(fn.fn) for fn in app.fns.values() if fn.fn is not None]
    assert len(set(functions)) == len(functions)


def test_answers_stream_to_many_visitors_at_once(app: Any) -> None:
    streams = [fn for fn in app.fns.values() if fn.api_name in {f"blend_stream_{n}" for n in range(3)}]
    assert len(streams) == 3
    assert all(fn.concurrency_limit >= 16 for fn in streams)


def test_votes_do_not_wait_in_the_queue(app: Any) -> None:
    votes = [
        fn for fn in app.fns.values() if fn.api_name.startswith("blend_vote") and "results" not in fn.api_name
    ]
    assert len(votes) == 4
    assert not any(fn.queue for fn in votes)


def test_new_ways_to_go_on_leave_the_one_that_a_person_chose(app: Any) -> None:
    """A value in the answer would undo a choice made since it was asked for; one in the question is
    refused by Gradio once the next round has taken the choices away."""
    offers = [fn for fn in app.fns.values() if str(fn.api_name).endswith("_results_offer")]
    assert offers
    for offer in offers:
        assert [type(part) for part in offer.inputs] == [gr.State]
        assert "value" not in inspect.unwrap(offer.fn)(NOBODY)


def test_every_page_is_in_the_navigation_or_its_corner(app: Any) -> None:
    paths = [page[0] for page in app.pages]
    assert paths == [page.path for page in (*PAGES, ACCOUNT)]


def draw_something(title: str) -> None:
    gr.HTML(title)
    with gr.Row():
        text = gr.Textbox(label=title)
    gr.Button("Shout").click(str.upper, text, text, api_name=f"{title}_shout")


def test_a_page_is_drawn_as_gradios_own_route_draws_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin() -> GuardedBlocks:
        monkeypatch.setattr(Context, "id", 0)  # from which Gradio numbers components
        access: Any = None  # nobody calls a handler here
        return GuardedBlocks(access)

    with begin() as ours:
        draw_something("first")
        ours.begin_page("Second", "second")
        draw_something("second")
    with begin() as gradios:
        draw_something("first")
    with gradios.route("Second", "second"):
        draw_something("second")
    assert {**ours.get_config_file(), "app_id": 0} == {**gradios.get_config_file(), "app_id": 0}


def test_nothing_is_fetched_from_elsewhere() -> None:
    for asset in (path for path in ASSETS_PATH.iterdir() if path.is_file()):
        text = asset.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, f"{asset.name} names another host"


def test_the_app_keeps_no_history_in_the_browser_and_shows_its_errors() -> None:
    options = page_options()
    assert options["run_history"] is False
    assert options["show_error"] is True


def test_a_direct_request_without_a_visit_changes_nothing_and_breaks_nothing(app: Any) -> None:
    """Anybody can post to any listener; what the server keeps of the tab is then what it began with."""
    for fn in app.fns.values():
        if fn.page or fn.fn is None or fn.api_name in ("blend_open", "blend_load_example"):
            continue
        inputs = [component.value if type(component).__name__ == "State" else None for component in fn.inputs]
        answer = fn.fn(*inputs)
        if inspect.isgenerator(answer):
            (update,) = answer
            assert list(update.values()) == [gr.skip()], "an empty stream would blank the page"
        elif isinstance(answer, dict):
            assert all(getattr(value, "prompt_id", None) is None for value in answer.values())


def test_a_press_that_brings_no_event_is_told_what_was_expected(app: Any) -> None:
    pressed = {fn.api_name: fn for fn in app.fns.values() if fn.fn and _takes_event(fn.fn)}
    assert {"blend_pick", "blend_past_press", "train_choose"} < set(pressed)
    for fn in pressed.values():
        inputs = [component.value if type(component).__name__ == "State" else None for component in fn.inputs]
        try:
            told = fn.fn(*inputs)
            said = str([*told] if inspect.isgenerator(told) else told)  # a generator begins when it is asked
        except gr.Error as error:
            said = str(error.message)
        assert "expected an act and its row; came None" in said, fn.api_name


def _takes_event(listener: Any) -> bool:
    return gr.EventData in inspect.get_annotations(inspect.unwrap(listener), eval_str=True).values()

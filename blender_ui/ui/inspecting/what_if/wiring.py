"""The what-if tab's events.

Typing asks at once, and while an answer is awaited only the latest text waits for its turn; explaining
runs in the queue, because it takes long.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import gradio as gr

from blender_ui.bootstrap import Services
from blender_ui.errors import BlenderError
from blender_ui.services.inspecting.decisions import PromptInspection
from blender_ui.ui import markup
from blender_ui.ui.events import at_once
from blender_ui.ui.history import draw_history
from blender_ui.ui.inspecting.decisions.address import Address, asked_of, read_address, write_address
from blender_ui.ui.inspecting.versions.drawing import say_version
from blender_ui.ui.inspecting.what_if import drawing
from blender_ui.ui.inspecting.what_if.handlers import Said, Typed, WhatIfHandlers
from blender_ui.ui.inspecting.what_if.layout import WhatIfParts
from blender_ui.ui.report_plots import groups_plot
from blender_ui.values import Message

N_AT_ONCE = 4
TICK_SECONDS = 1.0
"""Between two words about how long an explanation has taken so far."""
Update = dict[Any, Any]


def make_handlers(services: Services) -> WhatIfHandlers:
    """Who asks versions about texts, for this tab and for the decision's."""
    return WhatIfHandlers(
        services.inspection,
        services.version_inspection,
        what_if=services.what_if,
        attributing=services.attributing,
        access=services.access,
    )


def wire_what_if(services: Services, page: gr.Blocks, parts: WhatIfParts) -> None:
    """Wire the tab."""
    handlers = make_handlers(services)
    _wire_choices(page, parts, handlers)
    _wire_questions(parts, handlers)


def _wire_choices(page: gr.Blocks, parts: WhatIfParts, handlers: WhatIfHandlers) -> None:
    def open_page(request: gr.Request) -> Update:
        address = read_address(request.query_params if request is not None else None)
        if address.tab != "what-if":
            return {parts.notice: gr.skip()}
        return _open(parts, handlers, address)

    def open_tab(prompt_id: str, version: int | None, first: str, request: gr.Request) -> Update:
        if first or prompt_id:
            return {parts.version: _version_choices(handlers, version)}
        # An address selects its tab, too, maybe before its texts are there: open the same ones.
        return _open(parts, handlers, asked_of(request, "what-if"))

    def choose_prompt(prompt_id: str, version: int | None) -> Update:
        try:
            number = handlers.get_prompt(prompt_id).prompt_id
        except BlenderError as error:
            return {parts.notice: markup.notice(str(error), tone="warning")}
        return _open(parts, handlers, Address(tab="what-if", prompt=number, version=version))

    def choose_answers(prompt_id: str, version: int | None, first: int, second: int) -> Update:
        number = read_address({"prompt": str(prompt_id)}).prompt
        address = Address(tab="what-if", prompt=number, version=version, first=first, second=second)
        return _open(parts, handlers, address)

    def swap(first: str, second: str, first_id: int | None, second_id: int | None) -> Update:
        return {
            parts.first: second,
            parts.second: first,
            parts.first_id: second_id,
            parts.second_id: first_id,
        }

    texts = [parts.instruction, parts.input, parts.first, parts.second]
    shown = [
        parts.prompt_id,
        parts.first_id,
        parts.second_id,
        parts.version,
        *texts,
        parts.notice,
        parts.history,
    ]
    page.load(open_page, None, shown, **at_once("what_if_open"))
    parts.tab.select(open_tab, [parts.prompt_id, parts.version, parts.first], shown, **at_once("what_if_tab"))
    parts.prompt_id.submit(
        choose_prompt, [parts.prompt_id, parts.version], shown, **at_once("what_if_prompt")
    )
    gr.on(
        [parts.first_id.input, parts.second_id.input],
        choose_answers,
        [parts.prompt_id, parts.version, parts.first_id, parts.second_id],
        shown,
        **at_once("what_if_answers"),
    )
    sides = [parts.first, parts.second, parts.first_id, parts.second_id]
    parts.swap.click(swap, sides, sides, **at_once("what_if_swap"))


def _wire_questions(parts: WhatIfParts, handlers: WhatIfHandlers) -> None:
    def compare(*values: Any) -> Update:
        return _paint_opinion(parts, handlers.compare(_read(handlers, *values)))

    def drop(*values: Any) -> Update:
        said = handlers.drop_sentences(_read(handlers, *values))
        drawn = _refusal(said) or drawing.draw_sentences(said)
        return {parts.dropped: drawn}

    def explain(*values: Any) -> Iterator[Update]:
        for said in explain_meanwhile(handlers, _read(handlers, *values)):
            if isinstance(said, str):
                yield {parts.attributed: markup.notice(said, tone="busy")}
            else:
                drawn = drawing.draw_attribution(said.attribution) if said.attribution else ""
                yield {parts.attributed: _refusal(said) or drawn}

    def wait() -> str:
        return markup.notice(drawing.say_waiting(0), tone="busy")

    texts = [parts.instruction, parts.input, parts.first, parts.second]
    asked = [parts.version, *texts, parts.prompt_id, parts.first_id, parts.second_id, parts.members]
    # A change by the page itself counts too: a prompt that was chosen, sides that were swapped.
    gr.on(
        [*(box.change for box in texts), parts.version.change, parts.members.change],
        compare,
        asked,
        [parts.opinion, parts.groups, parts.groups_table],
        trigger_mode="always_last",
        **_queued("what_if_compare"),
    )
    parts.sentences.click(drop, asked, [parts.dropped], **_queued("what_if_sentences"))
    parts.tokens.click(wait, None, parts.attributed, **at_once("what_if_tokens_wait")).then(
        explain, asked, [parts.attributed], **_queued("what_if_tokens")
    )


def explain_meanwhile(handlers: WhatIfHandlers, typed: Typed) -> Iterator[str | Said]:
    """How long it has taken so far, each second, and at last what each token carries."""
    started = time.monotonic()
    with ThreadPoolExecutor(1) as worker:
        asked_for = worker.submit(copy_context().run, handlers.explain, typed)  # its language, too
        while not wait_for([asked_for], timeout=TICK_SECONDS).done:
            yield drawing.say_waiting(time.monotonic() - started)
    yield asked_for.result()


def _open(parts: WhatIfParts, handlers: WhatIfHandlers, address: Address) -> Update:
    version = _version_choices(handlers, address.version)
    try:
        prompt = handlers.get_prompt(address.prompt)
    except BlenderError as error:
        return {parts.version: version, parts.notice: markup.notice(str(error), tone="warning")}
    ids = [one.candidate_id for one in prompt.candidates]
    first = address.first if address.first in ids else next(iter(ids), None)
    others = [one for one in ids if one != first]
    second = address.second if address.second in others else next(iter(others), None)
    choices = [(drawing.say_answer(prompt, one), one) for one in ids]
    texts = {one.candidate_id: one.text for one in prompt.candidates}
    shown = address._replace(prompt=prompt.prompt_id, first=first, second=second, version=version["value"])
    return {
        parts.prompt_id: str(prompt.prompt_id),
        parts.first_id: gr.update(choices=choices, value=first),
        parts.second_id: gr.update(choices=choices, value=second),
        parts.version: version,
        parts.history: draw_history(prompt.history),
        parts.instruction: prompt.instruction,
        parts.input: prompt.input,
        parts.first: texts.get(first or 0, ""),
        parts.second: texts.get(second or 0, ""),
        parts.notice: markup.view_link(write_address(shown)),
    }


def _version_choices(handlers: WhatIfHandlers, wished: int | None) -> Any:
    versions = handlers.list_versions()
    ids = [one.id for one in versions]
    active = [one.id for one in versions if one.is_active] or ids
    chosen = wished if wished in ids else next(iter(active), None)
    return gr.update(choices=[(say_version(one), one.id) for one in versions], value=chosen)


def _read(handlers: WhatIfHandlers, *values: Any) -> Typed:
    version, instruction, input_, first, second, prompt_id, first_id, second_id, counts = values
    names: tuple[str, str] = ("", "")
    history: tuple[Message, ...] = ()
    if str(prompt_id).isdecimal():
        with suppress(BlenderError):  # texts of one's own have no author and no history
            prompt = handlers.get_prompt(prompt_id)
            names = _find_members(prompt, first_id, second_id) if counts else names
            history = prompt.history
    return Typed(
        version=version,
        instruction=instruction,
        input=input_,
        first=first,
        second=second,
        first_member=names[0],
        second_member=names[1],
        history=history,
    )


def _find_members(prompt: PromptInspection, first_id: Any, second_id: Any) -> tuple[str, str]:
    members = {one.candidate_id: one.member for one in prompt.candidates}
    return members.get(first_id, ""), members.get(second_id, "")


def _paint_opinion(parts: WhatIfParts, said: Said) -> Update:
    if said.opinion is None:
        return {
            parts.opinion: markup.notice(said.notice, tone="warning"),
            parts.groups: gr.update(visible=False),
            parts.groups_table: "",
        }
    groups = said.opinion.by_group
    return {
        parts.opinion: drawing.draw_opinion(said.opinion),
        parts.groups: gr.update(value=groups_plot(groups) if groups else None, visible=bool(groups)),
        parts.groups_table: drawing.draw_groups(said.opinion),
    }


def _refusal(said: Said) -> str:
    return markup.notice(said.notice, tone="warning")


def _queued(name: str) -> dict[str, Any]:
    return {
        "concurrency_limit": N_AT_ONCE,
        "show_progress": "hidden",
        "api_name": name,
        "api_visibility": "private",
    }

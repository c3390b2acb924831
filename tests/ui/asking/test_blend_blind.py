"""Before the vote nothing tells the members apart but what they wrote."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from blender_ui.bootstrap import Services, build_services
from blender_ui.members.protocol import Chunk, Message, Usage
from blender_ui.settings import Settings
from blender_ui.ui.asking.handlers import Blend
from blender_ui.ui.asking.views import Choice, PageView, Visit
from blender_ui.ui.asking.wiring import build_blend
from tests.builders.scripted_members import Script, ScriptedMember
from tests.builders.stores import add_prompts, key_of, put_store
from tests.ui.scripted_services import build_page, build_scripted_services

NAMES = ("Ada", "Brahms", "Curie")
PACES = {"Ada": (31151, 117.5, 361.5), "Brahms": (29633, 107.5, 444.5), "Curie": (57577, 128.5, 190.5)}
"""Tokens, seconds to the first and in all: a pace that no other member has."""


def paced(name: str, finish_reason: str) -> Script:
    """Says what every member says, at the pace of this one."""
    n_tokens, first, seconds = PACES[name]

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield Chunk(f"An answer like others, {len(name)}.", n_tokens)
        yield Chunk("", n_tokens, Usage(7, n_tokens, finish_reason, first, seconds))

    return script


def payloads(services: Any, names: tuple[str, ...]) -> dict[str, str]:
    """What the browser gets for each event of a blind visit, by the listener's name."""
    app = build_page(services, build_blend)
    listeners = {fn.api_name: fn for fn in app.fns.values()}

    def send(name: str, *values: Any) -> dict[Any, Any]:
        made = listeners[name].fn(*values)
        updates = list(made) if isinstance(made, Generator) else [made]
        seen = [
            {str(part): value for part, value in update.items() if not isinstance(part, gr.State)}
            for update in updates
        ]
        sent[name] = json.dumps(seen, default=str)
        return next((u for u in reversed(updates) if any(isinstance(p, gr.State) for p in u)), updates[-1])

    def visit_of(update: dict[Any, Any], before: Visit | None = None) -> Visit:
        visit = next((value for value in update.values() if isinstance(value, Visit)), before)
        assert visit is not None
        return visit

    sent: dict[str, str] = {}
    memory = {"annotator": key_of(1), "prompt_id": None}
    visit = visit_of(send("blend_open", memory))
    visit = visit_of(send("blend_ask", visit, memory, "Why?", ""))
    for number in range(len(names)):
        send(f"blend_stream_{number}", visit)
        visit = visit_of(send(f"blend_stream_{number}_settle", visit), visit)
    assert visit.pair is not None
    send("blend_skip", visit, memory, "")
    return sent


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_no_event_before_the_vote_carries_a_pace_a_count_or_a_limit(
    tmp_path: Path, finish_reason: str
) -> None:
    members = [ScriptedMember(name, paced(name, finish_reason)) for name in NAMES]
    sent = payloads(build_scripted_services(tmp_path, *members), NAMES)
    assert "An answer like others" in sent["blend_stream_0"]
    for event, payload in sent.items():
        for told in (
            "in all",
            "tokens",
            "limit",
            "cut",
            *(str(figure) for pace in PACES.values() for figure in pace),
        ):
            assert told not in payload, f"{event} tells {told!r}"


def test_after_the_vote_every_column_has_its_figures(tmp_path: Path) -> None:
    members = [ScriptedMember(name, paced(name, "length")) for name in NAMES]
    blend, visit = asked(build_scripted_services(tmp_path, *members))
    shown: PageView = blend.page(blend.vote(visit, Choice.TIE).visit)
    assert {
        view.name: (view.n_tokens, view.first_token_seconds, view.seconds) for view in shown.columns
    } == PACES
    assert all(view.cut for view in shown.columns)


def asked(services: Any) -> tuple[Blend, Visit]:
    blend = Blend(services)
    visit = blend.ask(blend.open({"annotator": key_of(1)}).visit, "Why?", "").visit
    for number in range(len(NAMES)):
        list(blend.stream(visit, number))
    return blend, blend.settle(visit)


def installation(home: Path) -> Services:
    members = home / "members.toml"
    if not members.exists():
        put_store(home)
    members.write_text(
        "".join(
            f'[[member]]\nname = "{name}"\nbackend = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1:9/v1"\n'
            for name in NAMES
        )
    )
    return build_services(Settings(home_path=home, members_path=members))


def columns_of(services: Services) -> list[tuple[str, ...]]:
    blend = Blend(services)
    visit = blend.open({"annotator": key_of(1)}).visit
    return [blend.ask(visit, f"Why {number}?", "").visit.columns for number in range(12)]


def sides_of(services: Services) -> list[str]:
    for prompt_id in add_prompts(services.engine, n_prompts=12):
        services.labeling.queue_prompt(prompt_id=prompt_id)
    annotator = services.labeling.sign_in(key=key_of(1))
    left = []
    for _ in range(12):
        pair = services.labeling.next_pair(annotator_id=annotator.id)
        assert pair is not None
        left.append(pair.left_text)
        services.labeling.skip(annotator_id=annotator.id, lease_id=pair.lease_id)
    return left


@pytest.mark.parametrize("draw", [columns_of, sides_of])
def test_what_is_public_does_not_say_who_stands_where(tmp_path: Path, draw: Any) -> None:
    # Two installations alike in everything that can be known of them: settings, members, ids, texts.
    first, second = installation(tmp_path / "a"), installation(tmp_path / "b")
    try:
        assert draw(first) != draw(second)
    finally:
        first.close()
        second.close()


def test_the_columns_of_a_prompt_stay_where_they_are_after_a_restart(tmp_path: Path) -> None:
    services = installation(tmp_path)
    blend = Blend(services)
    opened = blend.open({"annotator": key_of(1)})
    visit = blend.ask(opened.visit, "Why?", "").visit
    memory = blend.remember(visit, opened.memory)
    services.close()
    again = installation(tmp_path)
    try:
        assert Blend(again).open(memory).visit.columns == visit.columns
    finally:
        again.close()


def test_the_number_of_a_comparison_does_not_say_which_members_are_in_it(tmp_path: Path) -> None:
    services = installation(tmp_path)
    try:
        firsts = set()
        for prompt_id in add_prompts(services.engine, n_prompts=24, n_candidates=3):
            services.labeling.queue_prompt(prompt_id=prompt_id)
            firsts.add(first_pair(services, prompt_id))
        assert len(firsts) > 1, "the first pair of every prompt is of the same two members"
    finally:
        services.close()


def first_pair(services: Services, prompt_id: int) -> tuple[int, ...]:
    """Which of the prompt's candidates, counted from 0, its first comparison is of."""
    from sqlmodel import select

    from db.engine import transaction
    from db.models import Candidate, Comparison

    with transaction(services.engine) as session:
        own = session.exec(select(Candidate.id).where(Candidate.prompt_id == prompt_id)).all()
        rows = session.exec(select(Comparison).where(Comparison.prompt_id == prompt_id)).all()
        first = min(rows, key=lambda row: row.id or 0)
        return tuple(sorted(sorted(own).index(id_) for id_ in (first.left_id, first.right_id)))

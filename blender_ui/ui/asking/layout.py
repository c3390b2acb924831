"""Draws the Blend page and gives its components by name. No events, no services."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import gradio as gr

from blender_ui.ui import markup
from blender_ui.ui.asking.choosing.layout import ChoosingParts, LateParts, draw_choosing, draw_late
from blender_ui.ui.asking.past.layout import PastParts, draw_past
from blender_ui.ui.asking.views import LONGEST_REASON, NOBODY
from blender_ui.ui.shell import ASSETS_PATH, browser_memory, draw_rows

TITLE = "Ask once, compare blind, blend the best"
SENTENCE = (
    "Several models answer side by side without their names. Say which answer is better; "
    "then see who wrote what, how a ranker trained on such votes orders them, and one answer fused from them."
)

KEPT = (
    "Questions and answers are kept. What you ask without an account is shown to researchers of this demo "
    "and to nobody else; write nothing that must stay private."
)
LONGEST_LABEL = 72
EXAMPLES_A_PAGE = 6
"""So that they take two lines at most."""


@dataclass(frozen=True, kw_only=True)
class PromptParts:
    """Where a question is written."""

    instruction: gr.Textbox
    input: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    examples: gr.Dataset | None
    """Recorded rounds to open; None where there are none, and examples only fill the boxes."""
    notice: gr.HTML


@dataclass(frozen=True, kw_only=True)
class ColumnParts:
    """One member's column."""

    box: gr.Column
    head: gr.HTML
    fold: gr.Accordion
    """Holds the thinking; not there for a member that told none."""
    thinking: gr.HTML
    text: gr.HTML
    foot: gr.HTML
    stop: gr.Button
    """Stops this answer alone."""
    retry: gr.Button


@dataclass(frozen=True, kw_only=True)
class VoteParts:
    """The bar that asks for the vote."""

    bar: gr.Column
    question: gr.HTML
    picks: gr.HTML
    """Buttons for the best of all answers, or for their order."""
    choices: gr.Row
    first: gr.Button
    tie: gr.Button
    both_bad: gr.Button
    second: gr.Button
    skip: gr.Button
    show: gr.Button
    undo: gr.Button
    reason: gr.Textbox


@dataclass(frozen=True, kw_only=True)
class ResultParts:
    """After the vote: the card with the fused answer beside it above the answers, and the rest below."""

    card: gr.HTML
    box: gr.Column
    """Below the answers."""
    ranking: gr.HTML
    title: gr.HTML
    fused_notice: gr.HTML
    fused: gr.HTML
    record: gr.HTML
    again: gr.Button
    shares: gr.HTML
    attributed: gr.HTML
    below_tab: gr.Tab
    """The fused answer with its provenance, where another one is shown as the best."""
    below: gr.HTML
    member: gr.Radio
    differences: gr.HTML


@dataclass(frozen=True, kw_only=True)
class GoOnParts:
    """Where the conversation goes on."""

    box: gr.Column
    way: gr.Radio
    question: gr.Textbox
    ask: gr.Button


@dataclass(frozen=True, kw_only=True)
class BlendParts:
    """Everything on the page."""

    visit: gr.State
    result: gr.State
    """The result that is shown, for comparing it with a member's answer."""
    memory: gr.BrowserState
    prompt: PromptParts
    past: PastParts
    choosing: ChoosingParts
    late: LateParts
    conversation: gr.HTML
    columns: tuple[ColumnParts, ...]
    vote: VoteParts
    results: ResultParts
    go_on: GoOnParts


def draw_blend(
    n_columns: int, *, n_members: int, recorded: Sequence[str] = (), is_demo: bool = False
) -> BlendParts:
    """Draw the page with one column a member.

    Args:
        n_columns: With those that are kept for members to come.
        n_members: How many members can be asked now.
        recorded: The questions of recorded rounds, to be opened.
        is_demo: Whether people ask here without an account.
    """
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    prompt = _draw_prompt(recorded, told=KEPT if is_demo else "")
    past = draw_past()
    choosing = draw_choosing()
    conversation = gr.HTML("", padding=False, elem_id="blend-conversation")
    reveal = _draw_reveal()
    with gr.Row(elem_classes="bu-columns", equal_height=True):
        columns = tuple(_draw_column(number, is_spare=number >= n_members) for number in range(n_columns))
    late = draw_late()
    vote = _draw_vote()
    return BlendParts(
        visit=gr.State(NOBODY),
        result=gr.State(None),
        memory=browser_memory(),
        prompt=prompt,
        past=past,
        choosing=choosing,
        late=late,
        conversation=conversation,
        columns=columns,
        vote=vote,
        results=_draw_results(reveal),
        go_on=_draw_go_on(),
    )


def _draw_prompt(recorded: Sequence[str], *, told: str) -> PromptParts:
    """The boxes have no length at which a browser would cut a pasted text without a word; ``ask`` says so."""
    with gr.Column(elem_classes="bu-prompt"):
        with gr.Row(equal_height=True):
            instruction = gr.Textbox(
                label="Your question",
                placeholder="Enter sends, Shift+Enter begins a new line",
                lines=1,
                max_lines=10,
                autofocus=True,
                elem_id="blend-prompt",
                scale=6,
                min_width=260,
            )
            with gr.Column(scale=1, min_width=130, elem_classes="bu-send"):
                ask = gr.Button("Ask", variant="primary", elem_id="blend-ask", interactive=False)
                stop = gr.Button("Stop", variant="stop", elem_id="blend-stop", visible=False)
        if told:
            gr.HTML(markup.remark(told), padding=False, elem_id="blend-kept")
        with gr.Accordion("Add a text that the question is about", open=False, elem_id="blend-input-fold"):
            text = gr.Textbox(
                show_label=False,
                label="Input",
                placeholder="For example, the text to summarise",
                lines=4,
                max_lines=20,
                elem_id="blend-input",
            )
        examples = _draw_recorded(recorded) if recorded else None
        if examples is None:
            _draw_examples(instruction, text)
        notice = gr.HTML("", elem_id="blend-notice", padding=False)
    return PromptParts(
        instruction=instruction, input=text, ask=ask, stop=stop, examples=examples, notice=notice
    )


def _draw_recorded(recorded: Sequence[str]) -> gr.Dataset:
    return gr.Dataset(
        components=["textbox"],
        samples=[[question] for question in recorded],
        sample_labels=[shorten(question, LONGEST_LABEL, placeholder="…") for question in recorded],
        samples_per_page=EXAMPLES_A_PAGE,
        type="index",
        label="Or open one that was recorded: the answers are there at once",
        elem_id="blend-recorded",
    )


def _draw_examples(instruction: gr.Textbox, text: gr.Textbox) -> None:
    examples = json.loads((ASSETS_PATH / "examples.json").read_text(encoding="utf-8"))
    gr.Examples(
        [[example["instruction"], example["input"]] for example in examples],
        inputs=[instruction, text],
        example_labels=[example["instruction"] for example in examples],
        label="Or try one of these",
        elem_id="blend-examples",
        api_name="blend_load_example",
        api_visibility="private",
    )


def _draw_column(number: int, *, is_spare: bool) -> ColumnParts:
    with gr.Column(
        min_width=300, elem_classes="bu-column", elem_id=f"blend-column-{number}", visible=not is_spare
    ) as box:
        head = gr.HTML(
            markup.column_head("", state="", progress="empty", is_asked_about=False), padding=False
        )
        with gr.Accordion(
            "Thinking", open=False, visible=False, elem_id=f"blend-thinking-{number}"
        ) as thinking_fold:
            thinking = gr.HTML("", padding=False)
        text = gr.HTML("", padding=False, elem_classes="bu-answer")
        foot = gr.HTML("", padding=False)
        stop = gr.Button("Stop this one", size="sm", visible=False, elem_id=f"blend-stop-{number}")
        retry = gr.Button("Retry", size="sm", visible=False, elem_id=f"blend-retry-{number}")
    return ColumnParts(
        box=box,
        head=head,
        fold=thinking_fold,
        thinking=thinking,
        text=text,
        foot=foot,
        stop=stop,
        retry=retry,
    )


def _draw_vote() -> VoteParts:
    with gr.Column(elem_classes="bu-vote", elem_id="blend-vote", visible=False) as bar:
        question = gr.HTML("", padding=False)
        with gr.Row(elem_classes="bu-choices") as choices:
            first = _vote_button("Answer 1", "first", "key-a key-left", "primary")
            tie = _vote_button("Equally good", "tie", "key-t")
            both_bad = _vote_button("Both bad", "both-bad", "key-n")
            second = _vote_button("Answer 2", "second", "key-b key-right", "primary")
        picks = draw_rows("blend-picks", script="picks.js")
        with gr.Row(elem_classes="bu-choices bu-minor"):
            reason = gr.Textbox(
                label="Why? (optional)",
                show_label=False,
                placeholder="Why? (optional, goes with your vote)",
                max_length=LONGEST_REASON,
                container=False,
                elem_id="blend-reason",
                min_width=240,
            )
            skip = gr.Button(
                "Skip", size="sm", elem_id="blend-skip", elem_classes="key-s key-votes", min_width=90
            )
            undo = gr.Button("Undo", size="sm", elem_id="blend-undo", elem_classes="key-u", min_width=90)
            show = gr.Button("Show me without voting", size="sm", elem_id="blend-show", min_width=180)
    return VoteParts(
        bar=bar,
        question=question,
        picks=picks,
        choices=choices,
        first=first,
        tie=tie,
        both_bad=both_bad,
        second=second,
        skip=skip,
        show=show,
        undo=undo,
        reason=reason,
    )


def _vote_button(label: str, name: str, keys: str, variant: str = "secondary") -> gr.Button:
    return gr.Button(
        label,
        variant="primary" if variant == "primary" else "secondary",
        elem_id=f"blend-vote-{name}",
        elem_classes=f"{keys} key-votes",
        min_width=110,
    )


def _draw_reveal() -> dict[str, Any]:
    """The card after the vote and the fused answer beside it, above the answers: both in one look.

    It is mounted from the start, so that it is there at once; the style sheet hides it without a card.
    """
    with gr.Row(elem_id="blend-reveal", elem_classes="bu-reveal-row"):
        with gr.Column(min_width=320, elem_classes="bu-panel"):
            card = gr.HTML("", padding=False, elem_id="blend-card")
        with gr.Column(min_width=320, elem_classes="bu-panel bu-fused-panel"):
            title = gr.HTML(markup.section("The fused answer"), padding=False, elem_id="blend-fused-title")
            fused_notice = gr.HTML("", padding=False)
            with gr.Tabs():
                with gr.Tab("Answer"):
                    fused = gr.HTML("", padding=False, elem_id="blend-fused", elem_classes="bu-answer")
                    record = gr.HTML("", padding=False, elem_id="blend-record")
                    again = gr.Button(
                        "Fuse in two rounds", size="sm", visible=False, elem_id="blend-fuse-again"
                    )
                with gr.Tab("Where it came from"):
                    shares = gr.HTML("", padding=False, elem_id="blend-shares")
                    attributed = gr.HTML("", padding=False, elem_id="blend-attributed")
                with gr.Tab("The fused answer", visible=False, elem_id="blend-below-tab") as below_tab:
                    below = gr.HTML("", padding=False, elem_id="blend-below")
    return {
        "card": card,
        "title": title,
        "fused_notice": fused_notice,
        "fused": fused,
        "record": record,
        "again": again,
        "shares": shares,
        "attributed": attributed,
        "below_tab": below_tab,
        "below": below,
    }


def _draw_results(reveal: dict[str, Any]) -> ResultParts:
    with gr.Column(elem_id="blend-results", elem_classes="bu-results", visible=False) as box:
        ranking = gr.HTML("", padding=False, elem_id="blend-ranking")
        with gr.Column(min_width=320, elem_classes="bu-panel"):
            gr.HTML(markup.section("Beside a member's answer"), padding=False)
            member = gr.Radio([], label="Member", show_label=False, container=False, elem_id="blend-member")
            differences = gr.HTML("", padding=False, elem_id="blend-differences")
    return ResultParts(**reveal, box=box, ranking=ranking, member=member, differences=differences)


def _draw_go_on() -> GoOnParts:
    with gr.Column(elem_id="blend-go-on", elem_classes="bu-prompt", visible=False) as box:
        gr.HTML(markup.section("Go on with"), padding=False)
        way = gr.Radio([], label="Go on with", show_label=False, container=False, elem_id="blend-way")
        with gr.Row(equal_height=True):
            question = gr.Textbox(
                label="Your next question",
                placeholder="Enter sends, Shift+Enter begins a new line",
                lines=1,
                max_lines=10,
                elem_id="blend-next",
                scale=6,
                min_width=260,
            )
            with gr.Column(scale=1, min_width=130, elem_classes="bu-send"):
                ask = gr.Button("Go on", variant="primary", elem_id="blend-go")
    return GoOnParts(box=box, way=way, question=question, ask=ask)

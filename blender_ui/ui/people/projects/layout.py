"""Draws the projects page and gives its components by name. No events, no services."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from blender_ui.pairing.policy import POLICIES
from blender_ui.services.people.projects import FEWEST_ANSWERS, MOST_ANSWERS
from blender_ui.services.people.questions import CRITERIA
from blender_ui.ui import markup
from blender_ui.ui.shell import FILE_TYPES
from db.enums import Ask, Audience, Outcome, Purpose

TITLE = "Projects"
SENTENCE = "Prompts, guidelines, pairs and annotators. Every change is in the audit trail on the People page."
NEW = "new"
ASKED = [
    ("which of two is better", Ask.PAIR.value),
    ("the order of several", Ask.ORDER.value),
    ("the best and the worst of several", Ask.BEST_WORST.value),
    ("the best of several", Ask.BEST.value),
]
ASKS = [
    ("how much better", "strength"),
    ("a reason in words", "reason"),
    ("marks on good and bad spans", "spans"),
]


@dataclass(frozen=True, kw_only=True)
class TermsParts:
    """The form of a project's terms; ``handlers.read_terms`` reads it by these names."""

    name: gr.Textbox
    guidelines: gr.Textbox
    overlap: gr.Number
    gold_share: gr.Slider
    attention_share: gr.Slider
    policy: gr.Radio
    random_share: gr.Slider
    criteria: gr.Dropdown
    asks: gr.CheckboxGroup
    ask: gr.Radio
    n_answers: gr.Number
    audience: gr.Radio


@dataclass(frozen=True, kw_only=True)
class PromptsParts:
    """How prompts and answers come in."""

    typed: gr.Textbox
    add_typed: gr.Button
    upload: gr.File
    add_file: gr.Button
    said: gr.HTML
    generate: gr.Button
    stop: gr.Button
    job: gr.HTML
    timer: gr.Timer


@dataclass(frozen=True, kw_only=True)
class ChecksParts:
    """Where gold pairs and attention checks are chosen."""

    containing: gr.Textbox
    find: gr.Button
    pair: gr.Dropdown
    shown: gr.HTML
    purpose: gr.Radio
    outcome: gr.Radio
    set: gr.Button
    said: gr.HTML


@dataclass(frozen=True, kw_only=True)
class ProjectsParts:
    """Everything on the page."""

    projects: gr.HTML
    chosen: gr.Dropdown
    begin: gr.Button
    progress: gr.HTML
    terms: TermsParts
    save: gr.Button
    archive: gr.Button
    said: gr.HTML
    n_accounts: gr.Number
    invite: gr.Button
    link: gr.Textbox
    invited: gr.HTML
    prompts: PromptsParts
    checks: ChecksParts


def draw_projects_page() -> ProjectsParts:
    """Draw the page inside its Blocks."""
    gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
    with gr.Column(elem_classes="bu-panel"):
        projects = gr.HTML("", padding=False, elem_id="projects-list")
        with gr.Row(elem_classes="bu-beside"):
            chosen = gr.Dropdown(
                [("A new project", NEW)], value=None, label="Project", elem_id="projects-chosen", scale=3
            )
            begin = gr.Button("Begin a new project", elem_id="projects-begin", min_width=180)
        progress = gr.HTML("", padding=False, elem_id="projects-progress")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Terms"), padding=False)
        terms = _draw_terms()
        with gr.Row():
            save = gr.Button("Save these terms", variant="primary", elem_id="projects-save")
            archive = gr.Button("Archive", elem_id="projects-archive")
        said = gr.HTML("", padding=False, elem_id="projects-said")
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Invite annotators", "They become members of this project."), padding=False)
        with gr.Row(elem_classes="bu-beside"):
            n_accounts = gr.Number(
                1, precision=0, minimum=1, maximum=1000, label="Accounts the link may make"
            )
            invite = gr.Button("Make a link", elem_id="projects-invite")
        invited = gr.HTML("", padding=False, elem_id="projects-invited")
        link = gr.Textbox("", label="Link", buttons=["copy"], interactive=False, visible=False)
    prompts = _draw_prompts()
    checks = _draw_checks()
    return ProjectsParts(
        projects=projects,
        chosen=chosen,
        begin=begin,
        progress=progress,
        terms=terms,
        save=save,
        archive=archive,
        said=said,
        n_accounts=n_accounts,
        invite=invite,
        link=link,
        invited=invited,
        prompts=prompts,
        checks=checks,
    )


def _draw_terms() -> TermsParts:
    name = gr.Textbox("", label="Name", max_length=128, elem_id="projects-name")
    guidelines = gr.Textbox(
        "", label="Guidelines, in Markdown; empty for the app's own", lines=5, elem_id="projects-guidelines"
    )
    with gr.Row():
        overlap = gr.Number(1, precision=0, minimum=1, maximum=100, label="People asked each pair")
        audience = gr.Radio(
            [("everybody", Audience.EVERYBODY.value), ("its members", Audience.MEMBERS.value)],
            value=Audience.EVERYBODY.value,
            label="Who may label it",
        )
    with gr.Row():
        ask = gr.Radio(ASKED, value=Ask.PAIR.value, label="People are asked", elem_id="projects-ask")
        n_answers = gr.Number(
            4,
            precision=0,
            minimum=FEWEST_ANSWERS,
            maximum=MOST_ANSWERS,
            label="Answers shown at once, unless pairs are asked",
        )
    with gr.Row():
        gold_share = gr.Slider(0, 0.5, 0, step=0.01, label="Share of gold pairs")
        attention_share = gr.Slider(0, 0.5, 0, step=0.01, label="Share of attention checks")
    with gr.Row():
        policy = gr.Radio(
            [(name.replace("_", " "), name) for name in POLICIES], value=POLICIES[0], label="Order of pairs"
        )
        random_share = gr.Slider(0.01, 1, 0.2, step=0.01, label="Random share under most informative")
    with gr.Row():
        criteria = gr.Dropdown(
            list(CRITERIA), value=[], multiselect=True, allow_custom_value=True, label="Criteria asked apart"
        )
        asks = gr.CheckboxGroup(ASKS, value=["reason"], label="Also asked")
    return TermsParts(
        name=name,
        guidelines=guidelines,
        overlap=overlap,
        gold_share=gold_share,
        attention_share=attention_share,
        policy=policy,
        random_share=random_share,
        criteria=criteria,
        asks=asks,
        ask=ask,
        n_answers=n_answers,
        audience=audience,
    )


def _draw_prompts() -> PromptsParts:
    with gr.Column(elem_classes="bu-panel"):
        gr.HTML(markup.section("Prompts"), padding=False)
        with gr.Row():
            with gr.Column():
                typed = gr.Textbox("", label="Type prompts, parted by blank lines", lines=4)
                add_typed = gr.Button("Add these prompts", elem_id="projects-add-typed")
            with gr.Column():
                upload = gr.File(label="Or a file, as on the Data page", file_types=FILE_TYPES, height=130)
                add_file = gr.Button("Import into this project", elem_id="projects-add-file")
        said = gr.HTML("", padding=False, elem_id="projects-prompts-said")
        with gr.Row():
            generate = gr.Button("Let the members answer them", elem_id="projects-generate")
            stop = gr.Button("Stop them", elem_id="projects-stop", interactive=False)
        job = gr.HTML("", padding=False, elem_id="projects-job")
        timer = gr.Timer(1.0, active=False)
    return PromptsParts(
        typed=typed,
        add_typed=add_typed,
        upload=upload,
        add_file=add_file,
        said=said,
        generate=generate,
        stop=stop,
        job=job,
        timer=timer,
    )


def _draw_checks() -> ChecksParts:
    with gr.Column(elem_classes="bu-panel"):
        sentence = "Pairs whose answer is known. They are mixed in by the shares above, to each person once."
        gr.HTML(markup.section("Gold pairs and attention checks", sentence), padding=False)
        with gr.Row(elem_classes="bu-beside"):
            containing = gr.Textbox("", label="Question contains", placeholder="empty for any")
            find = gr.Button("Find pairs", elem_id="projects-find")
        pair = gr.Dropdown(
            [], label="Pair", info="Find pairs, then choose one here.", elem_id="projects-pair"
        )
        shown = gr.HTML("", padding=False, elem_id="projects-shown")
        with gr.Row():
            purpose = gr.Radio(
                [
                    ("gold", Purpose.GOLD.value),
                    ("attention check", Purpose.ATTENTION.value),
                    ("to label", Purpose.LABEL.value),
                ],
                value=Purpose.GOLD.value,
                label="It is",
            )
            outcome = gr.Radio(
                [(one.value.replace("_", " "), one.value) for one in Outcome], label="Right answer"
            )
        set_button = gr.Button("Set", elem_id="projects-set-check")
        said = gr.HTML("", padding=False, elem_id="projects-checks-said")
    return ChecksParts(
        containing=containing,
        find=find,
        pair=pair,
        shown=shown,
        purpose=purpose,
        outcome=outcome,
        set=set_button,
        said=said,
    )

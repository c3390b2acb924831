"""Draws the projects page and gives its components by name. No events, no services."""

from __future__ import annotations

import gradio as gr

from blender_ui.pairing.policy import POLICIES
from blender_ui.services.projects.projects import FEWEST_ANSWERS, MOST_ANSWERS
from blender_ui.services.projects.questions import CRITERIA
from blender_ui.ui import markup, words
from blender_ui.ui.shell import FILE_TYPES
from db.enums import Ask, Audience, Outcome, Purpose, Reveal

TITLE = "Projects"
SENTENCE = "Prompts, guidelines, pairs and annotators. Every change is in the audit trail on the People page."
NEW = "new"
ASKED = [
    ("which of two is better", Ask.PAIR.value),
    ("the order of several", Ask.ORDER.value),
    ("the best and the worst of several", Ask.BEST_WORST.value),
    ("the best of several", Ask.BEST.value),
]
REVEALS = [
    ("after each vote", Reveal.VOTE.value),
    ("when a person has nothing left to label", Reveal.END.value),
    ("never", Reveal.NEVER.value),
]
ASKS = [
    ("how much better", "strength"),
    ("a reason in words", "reason"),
    ("marks on good and bad spans", "spans"),
]


class TermsParts:
    """The form of a project's terms, what most projects change first; the rest in folds with defaults.

    ``handlers.read_terms`` reads it by these names.
    """

    def __init__(self) -> None:
        # In the order in which the handlers get their values.
        self._draw_first()
        self._draw_asked()
        self._draw_order()

    def _draw_first(self) -> None:
        with gr.Column(elem_classes="bu-form"):
            with gr.Row():
                self.name = gr.Textbox("", label="Name", max_length=128, elem_id="projects-name")
                self.overlap = gr.Number(
                    1, precision=0, minimum=1, maximum=100, label="How many people answer each pair"
                )
                self.audience = gr.Radio(
                    [("everybody", Audience.EVERYBODY.value), ("its members", Audience.MEMBERS.value)],
                    value=Audience.EVERYBODY.value,
                    label="Who may label it",
                )
            self.guidelines = gr.Textbox(
                "",
                label="Guidelines",
                info="In Markdown. Where they are empty, people read the app's own.",
                lines=3,
                elem_id="projects-guidelines",
            )

    def _draw_asked(self) -> None:
        with gr.Accordion("What people are asked, and told", open=False):
            with gr.Row(elem_classes="bu-form"):
                self.ask = gr.Radio(
                    ASKED, value=Ask.PAIR.value, label="People are asked", elem_id="projects-ask"
                )
                self.n_answers = gr.Number(
                    4,
                    precision=0,
                    minimum=FEWEST_ANSWERS,
                    maximum=MOST_ANSWERS,
                    label="Answers shown at once, where several are",
                )
            with gr.Row(elem_classes="bu-form"):
                self.asks = gr.CheckboxGroup(ASKS, value=["reason"], label="They may also say")
                self.criteria = gr.Dropdown(
                    list(CRITERIA),
                    value=[],
                    multiselect=True,
                    allow_custom_value=True,
                    label="Which is better in",
                    info="Each is asked as a question of its own before the vote, such as: more correct?",
                )
            with gr.Row(elem_classes="bu-form"):
                self.reveal = gr.Radio(
                    REVEALS,
                    value=Reveal.VOTE.value,
                    label="Who wrote the answers is told",
                    elem_id="projects-reveal",
                )
                self.pay = gr.Number(
                    None,
                    minimum=0,
                    label="Pay for a pair, in the prices' currency",
                    elem_id="projects-pay",
                )

    def _draw_order(self) -> None:
        with gr.Accordion("Which pairs come first, and checks", open=False):
            with gr.Row(elem_classes="bu-form"):
                self.policy = gr.Radio(
                    [(words.say(words.ORDER, name), name) for name in POLICIES],
                    value=POLICIES[0],
                    label="Which pairs come first",
                )
                self.random_share = gr.Slider(
                    0.01,
                    1,
                    0.2,
                    step=0.01,
                    label="Of these, drawn at random all the same",
                    info="So that figures can be corrected for the choice; only where the ranker chooses.",
                )
            with gr.Row(elem_classes="bu-form"):
                self.gold_share = gr.Slider(
                    0,
                    0.5,
                    0,
                    step=0.01,
                    label="Share of gold pairs",
                    info="Pairs whose right answer you know; they tell how carefully somebody reads.",
                )
                self.attention_share = gr.Slider(
                    0,
                    0.5,
                    0,
                    step=0.01,
                    label="Share of attention checks",
                    info="Pairs that everybody who looks gets right.",
                )


class PromptsParts:
    """How prompts and answers come in."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Prompts"), padding=False)
            with gr.Row(elem_classes="bu-form"):
                with gr.Column():
                    self.typed = gr.Textbox("", label="Type prompts, parted by blank lines", lines=4)
                    with gr.Row(elem_classes="bu-acts"):
                        self.add_typed = gr.Button("Add these prompts", elem_id="projects-add-typed")
                with gr.Column():
                    self.upload = gr.File(
                        label="Or a file, as on the Data page",
                        file_types=FILE_TYPES,
                        height=130,
                        elem_classes="bu-file",
                    )
                    with gr.Row(elem_classes="bu-acts"):
                        self.add_file = gr.Button("Import into this project", elem_id="projects-add-file")
            self.said = gr.HTML("", padding=False, elem_id="projects-prompts-said")
            with gr.Row(elem_classes="bu-acts"):
                self.generate = gr.Button("Let the members answer them", elem_id="projects-generate")
                self.stop = gr.Button("Stop them", elem_id="projects-stop", interactive=False)
            self.job = gr.HTML("", padding=False, elem_id="projects-job")
            self.timer = gr.Timer(1.0, active=False)


class ChecksParts:
    """Where gold pairs and attention checks are chosen."""

    def __init__(self) -> None:
        with gr.Column(elem_classes="bu-panel"):
            sentence = (
                "Pairs whose answer is known. They are mixed in by the shares above, to each person once."
            )
            gr.HTML(markup.section("Gold pairs and attention checks", sentence), padding=False)
            self.listed = gr.HTML("", padding=False, elem_id="projects-checks")
            with gr.Row(elem_classes="bu-form bu-line"):
                self.containing = gr.Textbox(
                    "",
                    label="Question or reason contains",
                    placeholder="empty for any",
                    elem_id="projects-containing",
                )
                self.find = gr.Button("Find pairs", scale=0, min_width=130, elem_id="projects-find")
            self.pair = gr.Dropdown(
                [], label="Pair", info="Find pairs, then choose one here.", elem_id="projects-pair"
            )
            self.shown = gr.HTML("", padding=False, elem_id="projects-shown")
            with gr.Row(elem_classes="bu-form"):
                self.purpose = gr.Radio(
                    [
                        ("gold", Purpose.GOLD.value),
                        ("attention check", Purpose.ATTENTION.value),
                        ("to label", Purpose.LABEL.value),
                    ],
                    value=Purpose.GOLD.value,
                    label="It is",
                )
                self.outcome = gr.Radio(
                    [(one.value.replace("_", " "), one.value) for one in Outcome], label="Right answer"
                )
            self.reason = gr.Textbox(
                "",
                label="Why it is right",
                info="With it, a gold pair is among the first pairs of people who begin.",
                max_length=2000,
                elem_id="projects-gold-reason",
            )
            with gr.Row(elem_classes="bu-acts"):
                self.set = gr.Button("Set", elem_id="projects-set-check")
            self.said = gr.HTML("", padding=False, elem_id="projects-checks-said")


class ProjectsParts:
    """Everything on the page."""

    def __init__(self) -> None:
        gr.HTML(markup.intro(TITLE, SENTENCE), padding=False)
        with gr.Column(elem_classes="bu-panel"):
            self.projects = gr.HTML("", padding=False, elem_id="projects-list")
            with gr.Row(elem_classes="bu-form bu-line"):
                self.chosen = gr.Dropdown(
                    [("A new project", NEW)], value=None, label="Project", elem_id="projects-chosen", scale=3
                )
                self.begin = gr.Button(
                    "Begin a new project", scale=0, elem_id="projects-begin", min_width=190
                )
                self.sample = gr.Button(
                    "Add the sample project", scale=0, elem_id="projects-sample", min_width=210, visible=False
                )
            self.progress = gr.HTML("", padding=False, elem_id="projects-progress")
            self.dashboard = gr.HTML("", padding=False, elem_id="projects-dashboard")
            self.days = gr.Plot(visible=False, label="Answers by day", elem_id="projects-days")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(markup.section("Terms"), padding=False)
            self.terms = TermsParts()
            with gr.Row(elem_classes="bu-acts"):
                self.save = gr.Button("Save these terms", variant="primary", elem_id="projects-save")
                self.archive = gr.Button("Archive", elem_id="projects-archive")
            self.said = gr.HTML("", padding=False, elem_id="projects-said")
        with gr.Column(elem_classes="bu-panel"):
            gr.HTML(
                markup.section("Invite annotators", "They become members of this project."), padding=False
            )
            with gr.Row(elem_classes="bu-form bu-line"):
                self.n_accounts = gr.Number(
                    1, precision=0, minimum=1, maximum=1000, label="Accounts the link may make"
                )
                self.invite = gr.Button("Make a link", scale=0, min_width=130, elem_id="projects-invite")
            self.invited = gr.HTML("", padding=False, elem_id="projects-invited")
            self.link = gr.Textbox("", label="Link", buttons=["copy"], interactive=False, visible=False)
        self.prompts = PromptsParts()
        self.checks = ChecksParts()

"""The Blend page's views as HTML, through ``markup``. No Gradio, no decisions."""

from __future__ import annotations

from blender_ui.language import say_number, tr
from blender_ui.ui import markup
from blender_ui.ui.asking.views import ColumnView, PageView, Progress
from blender_ui.ui.history import draw_history
from blender_ui.ui.prose import GrowingProse, render_prose

N_LAST_SHOWN = 2_000
"""Characters of thinking that are shown while it goes on."""
NOT_COMPARED = (
    "Each model went on with its own answer, so these answers follow different conversations. They are not "
    "voted on, ranked or fused. To compare answers again, go on with one of them."
)
STATES = {
    Progress.EMPTY: "",
    Progress.WAITING: "waiting for the first word",
    Progress.WRITING: "writing",
    Progress.DONE: "",
    Progress.FAILED: "no answer",
}


def draw_column_head(view: ColumnView) -> str:
    """The title of a column and what it is doing."""
    return markup.column_head(
        view.title,
        state=_say_state(view),
        progress=view.progress.value,
        is_asked_about=view.is_asked_about,
    )


def _say_state(view: ColumnView) -> str:
    if view.is_chosen:
        return tr("your choice")
    return view.waiting or ("thinking" if is_thinking(view) else STATES[view.progress])


def is_thinking(view: ColumnView) -> bool:
    """Whether a member thinks and has not begun to answer."""
    return view.progress is Progress.WRITING and not view.text and bool(view.thinking)


def draw_thinking(view: ColumnView) -> str:
    """A member's thinking; only the end of it while it goes on, because each drawing sends it anew."""
    if not is_thinking(view) or len(view.thinking) <= N_LAST_SHOWN:
        return markup.thoughts(view.thinking)
    return markup.thoughts(f"… {view.thinking[-N_LAST_SHOWN:]}")


def draw_text(text: str, growing: GrowingProse | None = None) -> str:
    """An answer; a whole one can be copied as it was written.

    Args:
        text: As far as it is there.
        growing: Of a text that is being written; its end is drawn without.
    """
    if growing is not None:
        return markup.passage(growing.draw(text))
    return markup.passage(render_prose(text), written=text)


def draw_column_foot(view: ColumnView) -> str:
    """The figures of an answer, or the card that says why there is none."""
    if view.progress is Progress.FAILED:
        return markup.notice(view.reason, tone="warning")
    figures = []
    if view.first_token_seconds is not None:
        figures.append((tr("first word"), f"{say_number(view.first_token_seconds, '.1f')} s"))
    if view.seconds is not None:
        figures.append((tr("in all"), f"{say_number(view.seconds, '.1f')} s"))
    if view.n_tokens:
        figures.append(("tokens", f"{view.n_tokens}"))
        if view.seconds:
            figures.append(("tokens/s", say_number(view.n_tokens / view.seconds, ".0f")))
    return markup.figures(figures, note=view.cut)


def draw_question(view: PageView) -> str:
    """What the vote bar asks."""
    pair = view.pair
    if pair is not None:
        return markup.vote_question(
            tr(
                "Which is better, Answer {first} or Answer {second}?",
                first=pair.first + 1,
                second=pair.second + 1,
            ),
            token=pair.token,
        )
    if view.can_reveal:
        return markup.vote_question("No pair of these answers is left to vote on.", token="")
    if not view.can_undo:
        return ""
    rest = tr(" The others are still writing.") if view.is_asking else ""
    return markup.vote_question(tr("Your vote is in. Thank you.{rest}", rest=rest), token="")


def draw_conversations(view: PageView) -> str:
    """What was said before, folded, and the question that follows it; else what is told of it."""
    if not view.conversations:
        return markup.remark(view.told)
    folds = "".join(draw_history(one.history, one.title) for one in view.conversations)
    question = render_prose(view.instruction) + render_prose(view.input)
    return (
        folds
        + markup.message("Question", question)
        + markup.remark("" if view.are_compared else NOT_COMPARED)
    )


def draw_notice(text: str) -> str:
    """Why nothing was done and what to do."""
    return markup.notice(text, tone="warning")

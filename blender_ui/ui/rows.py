"""Makes the HTML of tables whose rows can be acted on, and takes what was pressed.

Invariant: every text passes ``escape``; a row's act is an event of the table's own component, so that the
guard stands in front of it as of any other. Non-goals: what an act does, and Gradio, whose component for
these tables ``shell`` makes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from blender_ui.errors import MalformedInput
from blender_ui.language import tr
from blender_ui.outside import read_id
from blender_ui.ui.markup import Linked, scrolled
from blender_ui.ui.texts import escape


class Act(NamedTuple):
    """A button of a row."""

    name: str
    """What the handler is told."""
    title: str
    row: int
    about: str
    """What the row is, for who hears the button's name alone."""
    ask: str = ""
    """What to ask before it is done; empty for nothing."""


class Pick(NamedTuple):
    """A choice in a row; choosing is the act."""

    name: str
    row: int
    about: str
    options: Sequence[tuple[str, str]]
    """Word and value, each."""
    chosen: str


class Badge(NamedTuple):
    """A word set apart, such as a state."""

    text: str
    tone: str = "info"
    """"info", "good" or "warning"."""
    hint: str = ""
    """Said when a pointer rests on it."""


class Hinted(NamedTuple):
    """A word of the field's, and what it means, said when a pointer rests on it."""

    text: str
    hint: str


Cell: TypeAlias = "str | Linked | Badge | Hinted | Act | Pick | Sequence[Act]"


class Acted(NamedTuple):
    """What somebody pressed or chose in a table's row."""

    name: str
    row: int
    value: str
    """What was chosen; empty for a button."""


def acted_table(
    headings: Sequence[str | Hinted], rows: Iterable[Sequence[Cell]], *, caption: str = "", name: str = ""
) -> str:
    """A table of cells that may be texts, links, badges and acts.

    Args:
        headings: Of the columns; an empty one for that of the acts.
        rows: As many cells a row as there are headings.
        caption: Stands above it; may be empty.
        name: What the table is called where it has no caption.
    """
    head = "".join(f'<th scope="col">{_draw_heading(heading)}</th>' for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{draw_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{escape(tr(caption))}</caption>" if caption else ""
    table = f'<table class="bu-table">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return scrolled(
        tr(caption) or tr(name) or ", ".join(_say(heading) for heading in headings if heading), table
    )


def draw_cell(cell: Cell) -> str:
    """One cell, or a badge that stands by itself."""
    match cell:
        case str():
            return escape(cell)
        case Linked():
            return f'<a href="{escape(cell.address)}">{escape(cell.text)}</a>'
        case Badge():
            hint = f' title="{escape(tr(cell.hint))}"' if cell.hint else ""
            return f'<span class="bu-badge bu-{escape(cell.tone)}"{hint}>{escape(tr(cell.text))}</span>'
        case Hinted():
            return f'<span class="bu-hint" title="{escape(tr(cell.hint))}">{escape(tr(cell.text))}</span>'
        case Act():
            return _draw_act(cell)
        case Pick():
            return _draw_pick(cell)
    return f'<span class="bu-row-acts">{"".join(_draw_act(act) for act in cell)}</span>'


def read_act(event: Any) -> Acted:
    """What was pressed, as it came from the page.

    Args:
        event: Gradio's ``EventData`` of the table's ``select``; its data may be anything.

    Raises:
        MalformedInput: If it is no act of a row.
    """
    sent = getattr(event, "_data", None)
    if not isinstance(sent, Mapping) or not isinstance(sent.get("act"), str):
        raise MalformedInput(tr("expected an act and its row; came {sent!r:.80}", sent=sent))
    value = sent.get("value")
    return Acted(sent["act"], read_id(sent.get("row")), value if isinstance(value, str) else "")


def _draw_heading(heading: str | Hinted) -> str:
    drawn = draw_cell(tr(heading) if isinstance(heading, str) else heading)
    return drawn or f'<span class="bu-unseen">{escape(tr("Actions"))}</span>'


def _say(heading: str | Hinted) -> str:
    return tr(heading if isinstance(heading, str) else heading.text)


def _draw_act(act: Act) -> str:
    title = tr(act.title)
    ask = f' data-ask="{escape(tr(act.ask))}"' if act.ask else ""
    return (
        f'<button type="button" data-act="{escape(act.name)}" data-row="{act.row}"{ask} '
        f'aria-label="{escape(f"{title}: {act.about}")}">{escape(title)}</button>'
    )


def _draw_pick(pick: Pick) -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" * (value == pick.chosen)}>{escape(tr(word))}</option>'
        for word, value in pick.options
    )
    return (
        f'<select data-act="{escape(pick.name)}" data-row="{pick.row}" aria-label="{escape(pick.about)}">'
        f"{options}</select>"
    )

"""Makes HTML; with ``marked``, which colours texts, and ``rows``, whose tables have acts, the only place.

Titles, headings, notices and the like are messages and are said in the request's language.
Invariant: every text that comes from outside passes ``escape`` here or comes drawn from ``prose``;
pages never write tags themselves. Non-goals: what is shown when, and Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from blender_ui.language import LANGUAGES, language, say_number, tr
from blender_ui.ui.texts import escape


def _say(text: str) -> str:
    """What the app itself says, in the request's language; what is no message is said as it is."""
    return escape(tr(text))


def header(links: Iterable[tuple[str, str, bool]], *, account: str) -> str:
    """Brand, links, the project in which one works, who one is, the tour's button and the light switch.

    Args:
        links: Title, address and whether it is the page one is on, each. A script takes away those
            that are not for one's role.
        account: Address of the account page; its link stays hidden where nobody has to sign in.
    """
    items = "".join(
        f'<a href="{escape(address)}"{" aria-current=page" if is_current else ""}>{escape(title)}</a>'
        for title, address, is_current in links
    )
    languages = "".join(
        f'<option value="{code}" lang="{code}">{escape(name)}</option>' for code, name in LANGUAGES.items()
    )
    return (
        '<header class="bu-header"><a class="bu-brand" href="./"><span class="bu-logo" aria-hidden="true">'
        '<i></i><i></i><i></i></span>Blender UI</a><nav aria-label="Pages">'
        f'{items}</nav><label class="bu-project" hidden><span>Project</span>'
        '<select data-project aria-label="Project"></select></label>'
        f'<a class="bu-account" href="{escape(account)}" data-account hidden></a>'
        f'<select class="bu-language" data-language aria-label="Language">{languages}</select>'
        '<button type="button" class="bu-light" data-tour-open aria-label="Tour" title="Tour" '
        'aria-expanded="false">?</button>'
        '<button type="button" class="bu-light" data-light-switch aria-label="Light or dark" '
        'title="Light or dark">◐</button></header>'
    )


def error_page(title: str, text: str, *, style: str, root: str, status: int) -> str:
    """A whole page that stands by itself, without Gradio and without scripts.

    Args:
        title: What happened.
        text: What to do.
        style: The style sheet, ours.
        root: Where the app lies, without a slash at its end.
        status: Of the answer.
    """
    said = escape(tr("Status {status}.", status=status))
    told = f'<p>{_say(text)}</p><p class="bu-remark">{said}</p>'
    return page_by_itself(title, told, style=style, root=root)


def page_by_itself(title: str, drawn: str, *, style: str, root: str) -> str:
    """A whole page without Gradio and without scripts.

    Args:
        title: Its heading.
        drawn: What stands below it, as HTML.
        style: The style sheet, ours.
        root: Where the app lies, without a slash at its end.
    """
    links = (("Blend", ""), ("Label", "label"), ("Account", "account"))
    items = "".join(f'<a href="{escape(root)}/{path}">{_say(name)}</a>' for name, path in links)
    return (
        f'<!doctype html><html lang="{language.get()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_say(title)}</title><style>{style}</style></head>"
        f'<body class="bu-by-itself"><header class="bu-header"><a class="bu-brand" href="{escape(root)}/">'
        '<span class="bu-logo" aria-hidden="true"><i></i><i></i><i></i></span>Blender UI</a>'
        f'<nav aria-label="{_say("Pages")}">{items}</nav></header><main class="bu-intro">'
        f"<h1>{_say(title)}</h1>{drawn}</main></body></html>"
    )


def intro(title: str, text: str) -> str:
    """A page's title and its one sentence."""
    return f'<div class="bu-intro"><h1>{_say(title)}</h1><p>{_say(text)}</p></div>'


def notice(text: str, *, links: Sequence[tuple[str, str]] = (), tone: str = "info") -> str:
    """A sentence set apart; empty for an empty text.

    Args:
        text: What happened and what to do.
        links: Title and address of where to do it.
        tone: "info", "warning", "good", or "busy" while something is being done.
    """
    if not text:
        return ""
    anchors = "".join(f' <a href="{escape(address)}">{_say(title)}</a>' for title, address in links)
    role = "alert" if tone == "warning" else "status"
    return f'<div class="bu-notice bu-{escape(tone)}" role="{role}"><p>{_say(text)}{anchors}</p></div>'


def section(title: str, text: str = "") -> str:
    """The heading of a part of a page."""
    paragraph = f"<p>{_say(text)}</p>" if text else ""
    return f'<div class="bu-section"><h2>{_say(title)}</h2>{paragraph}</div>'


def column_head(title: str, *, state: str, progress: str, is_asked_about: bool) -> str:
    """The head of an answer's column.

    Args:
        title: The member's name, or what stands for it.
        state: What it is doing, in words; may be empty.
        progress: The state's short name, for its look.
        is_asked_about: Whether the vote bar asks about this column.
    """
    words = f'<span class="bu-state">{_say(state)}</span>' if state else ""
    asked = " bu-asked" if is_asked_about else ""
    return (
        f'<div class="bu-column-head bu-{escape(progress)}{asked}"><h2>{escape(title)}</h2>'
        f'<span aria-live="polite">{words}</span></div>'
    )


def figures(entries: Sequence[tuple[str, str]], *, note: str = "") -> str:
    """Small figures in a line: what and how much, each."""
    drawn = "".join(f"<div><dt>{_say(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in entries)
    return (f'<dl class="bu-figures">{drawn}</dl>' if drawn else "") + (remark(note) if note else "")


def badge(text: str, *, tone: str = "info", sentence: str = "") -> str:
    """A few words that say where something stands.

    Args:
        text: The words.
        tone: "good", "info" or "warning".
        sentence: The same in full, which stands beside it; empty for none.
    """
    more = f" <span>{_say(sentence)}</span>" if sentence else ""
    return f'<p class="bu-badged"><b class="bu-badge bu-{escape(tone)}">{_say(text)}</b>{more}</p>'


def remark(text: str) -> str:
    """A quiet sentence below something; empty for none."""
    return text and f'<p class="bu-remark">{_say(text)}</p>'


def side_by_side(*blocks: str) -> str:
    """Lay drawn blocks beside each other, below each other where there is no room."""
    return '<div class="bu-side">' + "".join(f"<div>{block}</div>" for block in blocks) + "</div>"


def vote_question(text: str, *, token: str) -> str:
    """What a vote bar asks.

    Args:
        text: The question.
        token: Changes with the pair; the keys vote once for each. Empty where there is no pair.
    """
    attribute = f' data-pair="{escape(token)}"' if token else ""
    return f'<p class="bu-question"{attribute} aria-live="polite">{_say(text)}</p>'


def figure_links(figure: str, *, name: str) -> str:
    """Buttons that save a figure as the browser draws it.

    Args:
        figure: The plot's element id.
        name: Of the file, without its ending.
    """
    buttons = "".join(
        f'<button type="button" data-figure="{escape(figure)}" data-name="{escape(name)}" '
        f'data-format="{kind}">{kind.upper()}</button>'
        for kind in ("png", "svg")
    )
    return f'<p class="bu-saves">{_say("Save the figure:")} {buttons}</p>'


def view_link(address: str, *, more: Sequence[tuple[str, str]] = ()) -> str:
    """A link that opens what is shown again, and titles and addresses of what goes on from here."""
    links = (("Link to this view", address), *more)
    anchors = "".join(f'<a class="bu-view" href="{escape(to)}">{_say(title)}</a> ' for title, to in links)
    return f'<p class="bu-remark">{anchors}</p>'


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """Draw plain texts as a table; numbers should come formatted."""
    return linked_table(headings, rows, caption=caption)


class Linked(NamedTuple):
    """A cell that leads somewhere."""

    text: str
    address: str


def linked_table(
    headings: Sequence[str], rows: Iterable[Sequence[Linked | str]], *, caption: str = ""
) -> str:
    """A table some of whose cells are links within the app."""
    head = "".join(f'<th scope="col">{_say(heading)}</th>' for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{_linked(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    title = f"<caption>{_say(caption)}</caption>" if caption else ""
    table = f'<table class="bu-table">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return scrolled(tr(caption) or ", ".join(map(tr, headings)), table)


def scrolled(name: str, table: str) -> str:
    """A table that may be wider or longer than its place; the keyboard reaches it to scroll."""
    return f'<div class="bu-scroll" role="region" tabindex="0" aria-label="{_say(name)}">{table}</div>'


def _linked(cell: Linked | str) -> str:
    if isinstance(cell, str):
        return escape(cell)
    return f'<a href="{escape(cell.address)}">{escape(cell.text)}</a>'


class Cell(NamedTuple):
    """One entry of a matrix."""

    probability: float
    """That the row beats the column, in [0, 1]."""
    title: str
    """What to say of it when a pointer rests on it."""


def matrix(names: Sequence[str], cells: Sequence[Sequence[Cell | None]], *, caption: str) -> str:
    """Draw probabilities that the row beats the column, coloured from loss to win.

    Args:
        names: One per row and column.
        cells: Shape (n, n); None draws an empty cell.
        caption: What the numbers are.
    """
    head = "<th></th>" + "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(_cell(value) for value in row)}</tr>'
        for name, row in zip(names, cells, strict=True)
    )
    title = f"<caption>{_say(caption)}</caption><thead><tr>{head}</tr></thead>"
    return scrolled(caption, f'<table class="bu-table bu-matrix">{title}<tbody>{rows}</tbody></table>')


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return '<td class="bu-empty">·</td>'
    side = "win" if cell.probability >= 0.5 else "loss"
    strength = min(abs(cell.probability - 0.5) * 2, 1)
    return (
        f'<td class="bu-{side}" style="--strength:{strength:.2f}" title="{escape(cell.title)}">'
        f"{say_number(cell.probability, '.0%')}</td>"
    )


class Lane(NamedTuple):
    """One line of a plot of shares with intervals.

    Attributes:
        place: Before the name.
        name: What it is of.
        tag: What kind of thing that is; empty for the usual one.
        share, low, high: In [0, 1].
        words: The three in words.
        note: What they rest on.
    """

    place: str
    name: str
    tag: str
    share: float
    low: float
    high: float
    words: str
    note: str


def lanes(drawn: Sequence[Lane], *, name: str) -> str:
    """A plot of shares with intervals, a line each, with half marked.

    Args:
        drawn: In the order in which they are to stand.
        name: What the plot shows, below it.
    """
    rows = "".join(_lane(one) for one in drawn)
    axis = "".join(f"<span>{share}%</span>" for share in (0, 25, 50, 75, 100))
    return (
        f'<figure class="bu-lanes"><ol>{rows}</ol><div class="bu-lane-axis" aria-hidden="true">{axis}</div>'
        f"<figcaption>{_say(name)}</figcaption></figure>"
    )


def _lane(one: Lane) -> str:
    low, high, share = (100 * min(max(value, 0.0), 1.0) for value in (one.low, one.high, one.share))
    tag = f" <em>{_say(one.tag)}</em>" if one.tag else ""
    side = "win" if one.share >= 0.5 else "loss"
    return (
        f'<li class="bu-lane bu-lane-{side}"><b>{escape(one.place)}</b><span>{escape(one.name)}{tag}'
        f"<small>{escape(one.note)}</small></span>"
        f'<div class="bu-track" role="img" aria-label="{escape(one.words)}">'
        f'<i style="left:{low:.1f}%;width:{high - low:.1f}%"></i><u style="left:{share:.1f}%"></u></div>'
        f"<strong>{say_number(share / 100, '.0%')}</strong></li>"
    )


def meter(share: float, text: str, *, tone: str = "info") -> str:
    """A bar that is filled to a share, with words beside it.

    Args:
        share: In [0, 1].
        text: What is filled and how far.
        tone: "info", "good" or "warning".
    """
    width = 100 * min(max(share, 0.0), 1.0)
    return (
        f'<div class="bu-meter bu-{escape(tone)}"><div role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{width:.0f}" aria-label="{_say(text)}">'
        f'<i style="width:{width:.1f}%"></i></div><span>{_say(text)}</span></div>'
    )


def fold(title: str, body: str) -> str:
    """Drawn HTML that a person may unfold.

    Args:
        title: Says what is inside.
        body: From this module or ``prose``.
    """
    return f'<details class="bu-fold"><summary>{_say(title)}</summary>{passage(body)}</details>'


def message(who: str, body: str) -> str:
    """One message of a conversation.

    Args:
        who: Says it.
        body: From ``prose``.
    """
    return f'<div class="bu-message"><p class="bu-who">{escape(who)}</p>{body}</div>'


def thoughts(text: str) -> str:
    """A member's thinking, as it was written; empty for none."""
    return f'<div class="bu-thinking">{escape(text)}</div>' if text else ""


def passage(body: str, *, written: str = "") -> str:
    """A text from outside in its frame; empty for an empty one.

    Args:
        body: From ``prose``.
        written: The text as it was written, to unfold or copy; empty for none.
    """
    if not body:
        return ""
    drawn = f'<div class="bu-prose">{body}</div>'
    if not written:
        return drawn
    fold = f"<details><summary>{_say('As written')}</summary><pre>\n{escape(written)}</pre></details>"
    return (
        f'{drawn}<div class="bu-written">{fold}<button type="button" data-copy>{_say("Copy")}</button></div>'
    )


def download(title: str, *, name: str, text: str) -> str:
    """A link that saves a text as a file; the text travels in the link.

    Args:
        title: What the link says.
        name: The file's name.
        text: Its content, small.
    """
    address = "data:text/csv;charset=utf-8," + quote(text)
    return f'<a class="bu-download" download="{escape(name)}" href="{escape(address)}">{_say(title)}</a>'

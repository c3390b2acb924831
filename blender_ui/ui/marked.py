"""HTML of texts and bars whose parts are marked: what changed, where it came from, how much it counts.

Invariant: every text passes ``escape``. Non-goals: other HTML, which is ``markup``'s; what is marked.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from blender_ui.ui.texts import escape

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")

Change = Literal["same", "gone", "new"]


class Difference(NamedTuple):
    """A stretch of text in a comparison of two."""

    change: Change
    text: str


def difference(old: str, new: str) -> tuple[Difference, ...]:
    """The words that turn ``old`` into ``new``, in reading order."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    found: list[Difference] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            found.append(Difference("same", "".join(before[first:last])))
            continue
        if first < last:
            found.append(Difference("gone", "".join(before[first:last])))
        if start < end:
            found.append(Difference("new", "".join(after[start:end])))
    return tuple(found)


def differences(parts: Iterable[Difference]) -> str:
    """Draw a difference: struck out what is gone, underlined what is new."""
    tags = {"same": "span", "gone": "del", "new": "ins"}
    drawn = "".join(f"<{tags[part.change]}>{escape(part.text)}</{tags[part.change]}>" for part in parts)
    return f'<div class="bu-text">{drawn}</div>'


class Span(NamedTuple):
    """A span of text and the number of its colour; None where it belongs to no source."""

    text: str
    colour: int | None
    title: str = ""
    member: str = ""
    """Whose column has it, too; a pointer on the stretch lights it there."""


def attributed(spans: Iterable[Span]) -> str:
    """Draw a text whose stretches carry the colours of where they came from."""
    drawn = "".join(
        f'<span class="{colour_class(span.colour)}" title="{escape(span.title)}"{_light(span)}>'
        f"{escape(span.text)}</span>"
        for span in spans
    )
    return f'<div class="bu-text bu-attributed">{drawn}</div>'


def _light(span: Span) -> str:
    """What ``fused.js`` goes by; the keyboard reaches the stretch as a pointer does."""
    if not span.member:
        return ""
    return f' tabindex="0" data-light-member="{escape(span.member)}"'


class Share(NamedTuple):
    """A named part of a whole, for a share bar."""

    label: str
    share: float
    colour: int | None


def share_bar(shares: Sequence[Share]) -> str:
    """Draw parts of a whole as one bar, with a legend that names each part and its share."""
    bar = "".join(
        f'<i class="{colour_class(part.colour)}" style="flex-grow:{max(part.share, 0):.4f}"></i>'
        for part in shares
        if part.share > 0
    )
    legend = "".join(
        f'<li><i class="{colour_class(part.colour)}"></i>{escape(part.label)} <b>{part.share:.0%}</b></li>'
        for part in shares
    )
    return f'<div class="bu-shares"><div class="bu-bar" aria-hidden="true">{bar}</div><ul>{legend}</ul></div>'


class Quote(NamedTuple):
    """A statement and whose it is."""

    title: str
    text: str
    who: tuple[tuple[str, int | None], ...]
    """Names and their colours."""
    note: str = ""
    """Before the names."""


def quotes(rows: Iterable[Quote]) -> str:
    """Draw statements as rows: what is said of it, its words, and the names in their colours."""
    return (
        '<dl class="bu-quotes">'
        + "".join(
            f"<div><dt>{escape(row.title)}</dt><dd><q>{escape(row.text)}</q>{_names(row)}</dd></div>"
            for row in rows
        )
        + "</dl>"
    )


def _names(row: Quote) -> str:
    note = f" <em>{escape(row.note)}</em>" if row.note else ""
    names = "".join(f' <b class="{colour_class(colour)}">{escape(name)}</b>' for name, colour in row.who)
    return note + names


class Weight(NamedTuple):
    """A stretch of text and what it adds to a logit."""

    text: str
    value: float


def weighed(parts: Sequence[Weight], *, most: float) -> str:
    """Draw a text whose stretches are as deeply coloured as they weigh: for, underlined, or against.

    Args:
        parts: In reading order.
        most: The weight that is coloured deepest.
    """
    drawn = "".join(
        f'<span class="bu-{"win" if part.value >= 0 else "loss"}" '
        f'style="--strength:{min(abs(part.value) / (most or 1), 1):.2f}" title="{part.value:+.3f}">'
        f"{escape(part.text)}</span>"
        for part in parts
    )
    return f'<div class="bu-text bu-weighed">{drawn}</div>'


def colour_class(colour: int | None) -> str:
    """The CSS class of a source's colour."""
    return "bu-nobody" if colour is None else f"bu-source bu-source-{colour % 6 + 1}"

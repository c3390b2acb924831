"""Members' Markdown, disarmed for Gradio's Markdown component, which draws code and formulas.

Invariant: raw HTML is shown as text and an image becomes a link, in half-written answers too. What
slips through Markdown's corners meets the page's content security policy, which loads nothing from
elsewhere. Non-goal: drawing; ``prose`` does that for pages that have no such component.
"""

from __future__ import annotations

import re

LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
]
"""For ``gr.Markdown``. Inline ``$x$`` becomes ``\\(x\\)`` in ``safe_markdown``, because a single
dollar as a delimiter turns "costs $5 or $6" into a formula."""

_PROTECTED = re.compile(
    r"(?P<code>^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)|\Z)"
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<formula>\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\))"
    r"|(?<![\\$\w])\$(?P<inline>[^\s$](?:[^$\n]*[^\s$\\])?)\$(?![\d$])",
    re.DOTALL | re.MULTILINE,
)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"(?<!\\)!\[")


def safe_markdown(text: str) -> str:
    """Disarm a member's Markdown: raw HTML is shown as text, an image becomes a link.

    Code is left as it is, and formulas keep their meaning. Markdown has corners that this does not
    see; the page's content security policy refuses what slips through.
    """
    pieces, end = [], 0
    for match in _PROTECTED.finditer(text):
        pieces.append(_disarm(text[end : match.start()]))
        end = match.end()
        if match["code"] is not None:
            pieces.append(match["code"])
        else:
            formula = match["formula"] or f"\\({match['inline']}\\)"
            pieces.append(_TAG.sub(r"\\lt ", formula))
    pieces.append(_disarm(text[end:]))
    return "".join(pieces)


def _disarm(text: str) -> str:
    return _IMAGE.sub("[image ", _TAG.sub("&lt;", text))

"""Prompts' and answers' Markdown as HTML that can do nothing but be read: the one renderer of all pages.

Invariant: no tag, address or script of the text gets through, half-written texts included. Raw HTML
is shown as it was typed, an image becomes a link to where it is, and nothing is loaded before a
person asks for it. Line breaks stay. Formulas become ``span.formula`` with their TeX as text, which
``assets/prose.js`` draws. Non-goals: the pages' own HTML, and what counts as which Markdown.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType

from blender_ui.ui.dialect import build_parser
from blender_ui.ui.texts import escape, escape_code

_REL = "noopener noreferrer nofollow"
_ELSEWHERE = f'target="_blank" rel="{_REL}"'
_LINE_BREAK = re.compile(r"\r\n?|\u2028")


@functools.lru_cache(maxsize=512)
def render_prose(text: str) -> str:
    """Turn Markdown from outside into HTML.

    Args:
        text: CommonMark with tables, strikethrough, and formulas between ``$``, ``$$``, ``\\(`` or ``\\[``.
    """
    return str(_parser().render(_LINE_BREAK.sub("\n", text)))


class GrowingProse:
    """One text's HTML while it is being written: what stands above its last block is drawn once.

    What comes later may change what stands above, as a link's definition does, so the whole is to
    be drawn by ``render_prose`` once it is there.
    """

    def __init__(self) -> None:
        self._settled = self._drawn = ""
        self._env: EnvType = {}

    def draw(self, text: str) -> str:
        """The HTML of the text so far; where it does not begin as it did, it is drawn anew."""
        text = _LINE_BREAK.sub("\n", text)
        if not text.startswith(self._settled):
            self._settled, self._drawn, self._env = "", "", {}
        lines = text[len(self._settled) :].split("\n")
        n_settled = self._count_settled(lines)
        if n_settled:
            settled = "".join(f"{line}\n" for line in lines[:n_settled])
            self._settled += settled
            self._drawn += str(_parser().render(settled, self._env))
        # A copy, because the last definition may be half-written.
        env = {"references": dict(self._env.get("references", {}))}
        return self._drawn + str(_parser().render("\n".join(lines[n_settled:]), env))

    def _count_settled(self, lines: list[str]) -> int:
        """How many lines belong to blocks that what comes later cannot change.

        A block may join the one above it while its first line is written ("2" becomes "2."), and
        without a blank line between them also later ("$$", "x", "- y", "$$").
        """
        begins = 0
        for token in _parser().parse("\n".join(lines)):
            first = token.map[0] if token.map and token.level == 0 else 0
            if 0 < first < len(lines) - 1 and not lines[first - 1].strip():
                begins = first
        return begins


@functools.cache
def _parser() -> MarkdownIt:
    parser = build_parser()
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _draw_text(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    return escape(tokens[index].content)


def _draw_code(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f"<code>{escape_code(tokens[index].content)}</code>"


def _draw_code_block(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    """Code, with what its fence says of it: mostly a language, but an answer's words may stand there."""
    token = tokens[index]
    info = f' data-info="{escape_code(token.info.strip())}"' if token.info.strip() else ""
    return f"<pre{info}><code>{escape_code(token.content)}</code></pre>\n"


def _draw_formula(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    token = tokens[index]
    display = " data-display" if token.meta["display"] else ""
    return f'<span class="formula"{display}>{escape(token.content)}</span>'


def _draw_formula_block(renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    return f"<p>{_draw_formula(renderer, tokens, index)}</p>\n"


def _draw_image(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    token = tokens[index]
    address = escape(str(token.attrs.get("src", "")))
    name = escape(token.content.strip() or "without a description")
    n_open = sum({"link_open": 1, "link_close": -1}.get(one.type, 0) for one in tokens[:index])
    if n_open:  # a link in a link is none
        return f'<span class="image">image: {name} ({address})</span>'
    return f'<a class="image" href="{address}" {_ELSEWHERE}>image: {name}</a>'


def _draw_link(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    attrs = tokens[index].attrs
    title = f' title="{escape(str(attrs["title"]))}"' if attrs.get("title") else ""
    return f'<a href="{escape(str(attrs.get("href", "")))}"{title} {_ELSEWHERE}>'


def _draw_item(_self: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    """An item with the number that was written, unless that is 1: many people number every item so."""
    number = tokens[index].info
    return f'<li value="{int(number)}">' if number and int(number) != 1 else "<li>"


_RULES = {
    "text": _draw_text,
    "code_inline": _draw_code,
    "code_block": _draw_code_block,
    "fence": _draw_code_block,
    "formula": _draw_formula,
    "formula_block": _draw_formula_block,
    "image": _draw_image,
    "link_open": _draw_link,
    "list_item_open": _draw_item,
}

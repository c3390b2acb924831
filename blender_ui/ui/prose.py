"""Prompts' and answers' Markdown as HTML that can do nothing but be read.

Invariant: no tag, address or script of the text gets through. Raw HTML is shown as it was typed,
an image becomes a link to where it is, and nothing is loaded before a person asks for it. Formulas
become ``span.formula`` with their TeX as text, for the page to draw. Non-goal: the pages' own HTML.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_REL = "noopener noreferrer nofollow"
_ELSEWHERE = f'target="_blank" rel="{_REL}"'
_FORMULAS = (
    (re.compile(r"\$\$(.+?)\$\$", re.DOTALL), True),
    (re.compile(r"\\\[(.+?)\\\]", re.DOTALL), True),
    (re.compile(r"\\\((.+?)\\\)", re.DOTALL), False),
    # As pandoc: no space inside the dollars and no digit after them, so "$5 and $6" are prices.
    (re.compile(r"\$(?!\s)((?:[^$\\]|\\.)+?)(?<!\s)\$(?!\d)"), False),
)


@functools.lru_cache(maxsize=512)
def render_prose(text: str) -> str:
    """Turn Markdown from outside into HTML.

    Args:
        text: CommonMark with tables, strikethrough, and formulas between ``$``, ``$$``, ``\\(`` or ``\\[``.
    """
    return str(_parser().render(text))


@functools.cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "formula", _read_formula)
    for name, rule in (("formula", _draw_formula), ("image", _draw_image), ("link_open", _draw_link)):
        parser.add_render_rule(name, rule)
    return parser


def _read_formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    for pattern, is_display in _FORMULAS:
        found = pattern.match(state.src, state.pos, state.posMax)
        if found is None:
            continue
        if not silent:
            token = state.push("formula", "span", 0)
            token.content, token.meta = found[1].strip(), {"display": is_display}
        state.pos = found.end()
        return True
    return False


def _draw_formula(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    display = " data-display" if token.meta["display"] else ""
    return f'<span class="formula"{display}>{escape(token.content)}</span>'


def _draw_image(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    address = escape(str(token.attrs.get("src", "")))
    name = escape(token.content.strip() or "without a description")
    return f'<a class="image" href="{address}" {_ELSEWHERE}>image: {name}</a>'


def _draw_link(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    token.attrSet("target", "_blank")
    token.attrSet("rel", _REL)
    return self.renderToken(tokens, index, options, env)

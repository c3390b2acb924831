"""Where answers' Markdown is read other than CommonMark does, so that nothing that was written vanishes.

Only ``http``, ``https`` and ``mailto`` make links. A link's definition stays on the page, since a
footnote looks like one. Code keeps its line breaks. Asterisks mark up Chinese and Japanese, whose
words no blank parts, see https://github.com/tats-u/markdown-cjk-friendly. Non-goal: HTML.
"""

from __future__ import annotations

import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.reference import reference
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.backticks import backtick
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

from blender_ui.ui.formulas import add_formulas

_ELSEWHERE = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_WIDE = ("W", "F", "H")


def build_parser() -> MarkdownIt:
    """A parser of CommonMark with tables, strikethrough and formulas, and without HTML."""
    parser = _Parser()
    parser.inline = _Inline()
    parser.configure("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.at("backticks", _read_code)
    parser.block.ruler.at("reference", _read_definitions)
    add_formulas(parser)
    return parser


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's own name
        return _ELSEWHERE.match(url) is not None


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - the parser's own
        scanned = super().scanDelims(start, canSplitWord)
        end = start + scanned.length
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        if not canSplitWord or not (_is_wide(before) or _is_wide(after)):
            return scanned
        return Scanned(not after.isspace(), not before.isspace(), scanned.length)


class _Inline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in _WIDE


def _read_code(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if not backtick(state, silent):
        return False
    token = state.tokens[-1] if state.tokens else None
    if not silent and token is not None and token.type == "code_inline" and not state.pending:
        within = state.src[start + len(token.markup) : state.pos - len(token.markup)]
        if "\n" in within:
            token.content = within
    return True


def _read_definitions(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Learn what link definitions say and leave their lines to be drawn as the paragraph they are."""
    line = start
    while line < end and reference(state, line, end, silent):
        line = state.line
    state.line = start
    return False

"""Which stretches of Markdown are formulas: between ``$``, ``$$``, ``\\(`` or ``\\[``.

Invariant: money, shell variables and brackets stay text. A dollar sign that vanishes is a mistake
nobody sees, a formula left as TeX is one that everybody can read, so doubt means text. Non-goal:
drawing; the browser does that.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

# An opener inside ends the try, so that many of them cost no more than one.
_SPANS = (
    (re.compile(r"\$\$(?!\$)([^$]+?)\$\$(?!\$)"), True),
    (re.compile(r"\\\[((?:(?!\\\[).)+?)\\\]", re.DOTALL), True),
    (re.compile(r"\\\(((?:(?!\\\().)+?)\\\)", re.DOTALL), False),
    # As pandoc: no blank inside the dollars. And after them nothing that makes the second one a
    # variable ($PATH:$HOME, $a$(b), ${a}${b}) or money ($5-$10); "$n$th" is a formula all the same.
    (
        re.compile(r"\$(?![\s$])((?:[^$\\\n]|\\.)+?)(?<!\s)\$(?!\$)(?=(?:st|nd|rd|th)\b|[^A-Za-z0-9_{(]|\Z)"),
        False,
    ),
)
_GLUED = re.compile(r"[A-Za-z0-9_$]")
"""Before a dollar sign: US$, 5$, $$$."""
_CLOSERS = {"$$": "$$", "\\[": "\\]"}

_NO_START = re.compile(r"[/,;:!?)\]}*&@#%\"'`]|\.(?!\d)")
_NO_END = re.compile(r"[/,;:&\"'`-]\Z")
_TEX = re.compile(r"\\[A-Za-z]|\^|_\{|(?<![A-Za-z0-9_])[^\W\d_]_(?:\d+|\w)(?!\w)")
_NAMES = re.compile(r"(?<![A-Za-z])(?:[A-Z]{3}|sin|cos|tan|log|exp|max|min|mod|gcd|lcm|lim|det)(?![A-Za-z])")
"""Three letters that are no word: functions, and a triangle's corners."""
_MATHS_LETTERS = r"\u0370-\u03ff\u2100-\u214f\U0001d400-\U0001d7ff"
_WORD = re.compile(rf"[A-Za-z]{{3,}}|[^\W\d_A-Za-z{_MATHS_LETTERS}]")
_SUM = r"[\d.,]*\d[kKmMbB%]?"
_AMOUNTS = re.compile(
    rf"{_SUM}(?:(?:,\s+|\s*[-–—]\s*){_SUM})+\Z|.*?(?:\s\(?[^\W\d_]{{2,}}|\d\s+[^\W\d_]+\s+\d)", re.DOTALL
)
"""What begins with a number and goes on as money does: 5-10, 5k to 10k, 5 y 10."""


def add_formulas(parser: MarkdownIt) -> None:
    """Teach a parser formulas; their tokens are ``formula`` and ``formula_block``."""
    parser.inline.ruler.before("escape", "formula", _read_span)
    parser.block.ruler.before(
        "fence", "formula_block", _read_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def is_formula(tex: str) -> bool:
    """Whether what stands between delimiters is mathematics rather than prose, money or code."""
    tex = tex.strip()
    if not re.search(r"[^\W_]", tex) or _NO_START.match(tex) or _NO_END.search(tex):
        return False
    if _TEX.search(tex):
        return True
    if tex[0].isdigit() and _AMOUNTS.match(tex):
        return False
    has_words = _WORD.search(_NAMES.sub("", tex)) is not None
    return not has_words or ("=" in tex and not tex[0].isdigit())


def _read_span(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    if state.src[state.pos] == "$" and state.pos and _GLUED.match(state.src, state.pos - 1):
        return False
    for pattern, is_display in _SPANS:
        found = pattern.match(state.src, state.pos, state.posMax)
        if found is None or not is_formula(found[1]):
            continue
        if not silent:
            token = state.push("formula", "span", 0)
            token.content, token.meta = found[1].strip(), {"display": is_display}
        state.pos = found.end()
        return True
    return False


def _read_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Lines from an opener to its closer, so that a line that begins with "- " in them is no list."""
    if state.is_code_block(start):
        return False
    lines = [_line(state, start)]
    opener = lines[0][:2]
    closer = _CLOSERS.get(opener)
    if closer is None:
        return False
    lines[0] = lines[0][2:]
    line = start
    while not lines[-1].endswith(closer):
        line += 1
        if line >= end or state.sCount[line] < min(state.blkIndent, state.sCount[start]):
            return False
        lines.append(_line(state, line))
        if not lines[-1] or (lines[-1] != closer and lines[-1].startswith(opener)):
            return False
    stands_alone = len(lines) > 2 and not lines[0] and lines[-1] == closer
    lines[-1] = lines[-1][: -len(closer)]
    tex = "\n".join(lines).strip()
    if not tex or closer in tex or not (stands_alone or is_formula(tex)):
        return False
    if not silent:
        token = state.push("formula_block", "p", 0)
        token.content, token.meta, token.map = tex, {"display": True}, [start, line + 1]
    state.line = line + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()

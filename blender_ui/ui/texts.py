"""Text from outside as text inside HTML.

Invariant: what comes out is no tag and no attribute's end, and no invisible character in it acts on
what stands beside it: terminal codes and bidirectional overrides are shown as characters. Non-goal:
Markdown.
"""

from __future__ import annotations

import html

_KEPT = "\t\n\r"
# Control pictures, so that a terminal's "ESC [31m" reads as such and a browser draws no box for it.
_VISIBLE: dict[int, int | str] = {code: 0x2400 + code for code in range(32) if chr(code) not in _KEPT}
_VISIBLE |= {0x7F: 0x2421} | {code: f"[U+{code:04X}]" for code in (*range(0x80, 0xA0), 0x202D, 0x202E)}
# Right-to-left prose has a use for these; in code they only hide what is executed (CVE-2021-42574).
_VISIBLE_IN_CODE = _VISIBLE | {
    code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def escape(text: str) -> str:
    """Escape a text for HTML, in an element or in a quoted attribute."""
    return html.escape(text).translate(_VISIBLE)


def escape_code(text: str) -> str:
    """As ``escape``, and with every character shown that would reorder what is read."""
    return html.escape(text).translate(_VISIBLE_IN_CODE)

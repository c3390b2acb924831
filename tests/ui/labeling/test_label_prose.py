"""What texts from outside may do on a page: nothing."""

from __future__ import annotations

import re

import pytest

from blender_ui.ui.prose import render_prose

_TAGS_THAT_ACT = re.compile(
    r"<\s*(script|img|iframe|object|embed|svg|style|form|input|link|meta|base)\b", re.I
)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](http://elsewhere.test/x.png)",
        '![a"onload="b](http://elsewhere.test/x.png "t\\"x")',
        "[![x](http://elsewhere.test/x.png)](http://elsewhere.test)",
        "![x][1]\n\n[1]: http://elsewhere.test/x.png",
        "<svg/onload=alert(1)>",
        "$<img src=x>$ and $$<script>x</script>$$ and \\(<img src=x>\\)",
        "```html\n<img src=x>\n```",
        "`<img src=x>`",
        "| <img src=x> |\n|---|\n| <script> |",
        '<a href="x" onclick="y">z</a>',
        "&lt;script&gt;",
    ],
)
def test_no_tag_that_acts_or_loads_gets_through(text: str) -> None:
    drawn = render_prose(text)
    assert not _TAGS_THAT_ACT.search(drawn), drawn
    assert not re.search(r"<[^>]*\son\w+\s*=", drawn), drawn


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JaVaScript:alert(1)", "vbscript:x", "data:text/html,x"]
)
def test_a_link_that_would_run_something_stays_text(address: str) -> None:
    assert "<a" not in render_prose(f"[x]({address})")
    assert "<a" not in render_prose(f"![x]({address})")


def test_an_image_becomes_a_link_that_says_what_it_was() -> None:
    assert render_prose("![a cat](http://elsewhere.test/c.png)") == (
        '<p><a class="image" href="http://elsewhere.test/c.png" target="_blank" '
        'rel="noopener noreferrer nofollow">image: a cat</a></p>\n'
    )


@pytest.mark.parametrize(
    ("text", "tex", "is_display"),
    [
        ("$x^2$", "x^2", False),
        (r"\(a_1 * b_1\)", "a_1 * b_1", False),
        ("$$\na *b* c\n$$", "a *b* c", True),
        (r"\[ \frac{1}{2} \]", r"\frac{1}{2}", True),
        (r"$\$5$", r"\$5", False),
    ],
)
def test_formulas_keep_their_tex(text: str, tex: str, is_display: bool) -> None:
    display = " data-display" if is_display else ""
    assert render_prose(text) == f'<p><span class="formula"{display}>{tex}</span></p>\n'


@pytest.mark.parametrize("text", ["it costs $5 or $6", "5$ and 6$", "a $ b $ c", "`$x$`", r"\$x\$"])
def test_prices_and_code_are_no_formulas(text: str) -> None:
    assert "formula" not in render_prose(text)


def test_code_and_tables_are_drawn() -> None:
    assert '<code class="language-python">a &lt; b' in render_prose("```python\na < b\n```")
    assert "<td>1</td>" in render_prose("| a |\n|---|\n| 1 |")

from __future__ import annotations

import pytest

from blender_ui.ui.markdown import safe_markdown


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ('<img src="https://example.com/a.png">', '&lt;img src="https://example.com/a.png">'),
        ("<script>x</script>", "&lt;script>x&lt;/script>"),
        ("a <b>bold</b> word", "a &lt;b>bold&lt;/b> word"),
        ("<!-- hidden -->", "&lt;!-- hidden -->"),
        ("2 < 3 and 4 > 1", "2 < 3 and 4 > 1"),
        ("![a cat](https://example.com/a.png)", "[image a cat](https://example.com/a.png)"),
        ("![cat][1]", "[image cat][1]"),
        ("wow\\![x](y)", "wow\\![x](y)"),
    ],
)
def test_html_is_shown_as_text_and_an_image_becomes_a_link(text: str, safe: str) -> None:
    assert safe_markdown(text) == safe


@pytest.mark.parametrize(
    "code",
    [
        "`<b>`",
        "``a ` <b>``",
        "```html\n<img src=x>\n```",
        "~~~\n<b>![x](y)\n~~~",
        "```\n<b> not closed yet",
        "```",
    ],
)
def test_code_is_left_as_it_is(code: str) -> None:
    assert safe_markdown(code) == code


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("so $x^2$ it is", "so \\(x^2\\) it is"),
        ("it costs $5 or $6", "it costs $5 or $6"),
        ("$5 and 6$ more", "\\(5 and 6\\) more"),
        ("US$5 and US$6", "US$5 and US$6"),
        ("$a<b$", "\\(a\\lt b\\)"),
        ("$$\\int_0^1 x$$", "$$\\int_0^1 x$$"),
        ("\\[ y<z \\]", "\\[ y\\lt z \\]"),
        ("`$x$`", "`$x$`"),
    ],
)
def test_formulas_keep_their_meaning_and_prices_theirs(text: str, safe: str) -> None:
    assert safe_markdown(text) == safe


def test_a_half_written_answer_is_as_safe_as_a_whole_one() -> None:
    text = 'See ![x](https://example.com/a.png) and <img src="https://example.com/b.png"> ```<b>'
    for end in range(len(text)):
        safe = safe_markdown(text[:end])
        assert "![" not in safe
        assert "<img" not in safe

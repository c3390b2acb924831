"""What texts from outside may do on a page: nothing but be read, as they were written."""

from __future__ import annotations

import html
import re
import time

import pytest

from blender_ui.ui.prose import GrowingProse, render_prose


def read(drawn: str) -> str:
    """What one reads of drawn HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", drawn)).strip()


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
        "Fine. `a\n\n<div><form action='http://elsewhere.test'><input name=password></form></div>\n\nb`",
        "> ```\n<form action=x>\n",
        "- ```\n  <iframe src=x>\n\n<iframe src=x>",
        "```` \n```\n<object data=x>\n",
        "``` <form action=x>\n<form>",
        "[a]: http://elsewhere.test '<form>'\n\n[a]",
    ],
)
def test_no_tag_that_acts_or_loads_gets_through(text: str) -> None:
    drawn = render_prose(text)
    assert not _TAGS_THAT_ACT.search(drawn), drawn
    assert not re.search(r"<[^>]*\son\w+\s*=", drawn), drawn


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScript:alert(1)",
        "&#106;avascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "data:image/png;base64,x",
        "file:///etc/passwd",
        "//elsewhere.test",
        "/logout",
        "account?next=x",
        "#x",
    ],
)
def test_a_link_to_what_is_no_page_elsewhere_stays_text(address: str) -> None:
    for text in (f"[x]({address})", f"![x]({address})", f"[x][1]\n\n[1]: {address}", f"<{address}>"):
        drawn = render_prose(text)
        assert "<a" not in drawn
        assert read(drawn) == html.unescape(text.replace("\n\n", "\n"))


@pytest.mark.parametrize("address", ["http://a.test", "HTTPS://a.test/b?c=d", "mailto:a@b.test"])
def test_a_link_to_a_page_elsewhere_opens_apart(address: str) -> None:
    for text in (f"[x]({address})", f"<{address}>", f"[x][1]\n\n[1]: {address}"):
        assert 'target="_blank" rel="noopener noreferrer nofollow">' in render_prose(text)


def test_an_image_in_a_link_is_no_link_in_a_link() -> None:
    drawn = render_prose("[![a cat](http://elsewhere.test/c.png)](http://elsewhere.test)")
    assert drawn.count("<a") == 1
    assert read(drawn) == "image: a cat (http://elsewhere.test/c.png)"


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


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 now and $6 later.",
        "Between $3,000 and $4,000 a year.",
        "Pay 25$ or 30$ in cash.",
        "R$ 12,29 and R$ 15,83 by the metre.",
        "Between $5 and 10$ a day, in US$ terms.",
        "$5-10$ or $20–30$, $5, 10$, $5k to 10k$, $5 y 10$, $5 und 10$, 从$5到10$, $20/day and 30$",
        "A meal is $ to $$, or $$ to $$$.",
        "Set $PATH:$HOME first, or use $HOME/$USER/bin.",
        "In PHP, $this->$name works, and so does $_GET['a'] . $_POST['b'].",
        '`$$` is the PID: echo $$ and kill $$; then ${A}/${B}, $(pwd)/$(date), $a$b, $?,$!, "$@" "$#"',
        "=SUM($A$1:$A$5) and $B$2:$D$10",
        "jQuery's $.ajax,$.get and $-based/$-free",
        "Either $name$ or $user_name$",
        "/^a$/ or /b$/",
        "5$ and 6$",
        "a $ b $ c",
        r"\$x\$",
        "`$x$`",
        r"\[optional\] and \(see below\)",
        "$$ is a lot\n\nand so is $$",
    ],
)
def test_money_variables_and_code_are_no_formulas(text: str) -> None:
    drawn = render_prose(text)
    assert "formula" not in drawn
    assert read(drawn).count("$") == text.count("$")


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("The sum of $30 and $40 is 70. Energy is $e=mc^2$.", ["e=mc^2"]),
        ("The letter $x$-axis, and $y$.", ["x", "y"]),
        (r"\(a_1 * b_2 * c\) and \[ \frac{1}{2} \]", ["a_1 * b_2 * c", r"\frac{1}{2}"]),
        (
            "The $n$th of $f(x)$, $2x + 3$, $x_1, x_2$, $n-1$, ($k$).",
            ["n", "f(x)", "2x + 3", "x_1, x_2", "n-1", "k"],
        ),
        ("In triangle $ABC$, $sin(x) = 1/2$; 设$x>0$时", ["ABC", "sin(x) = 1/2", "x>0"]),
        ("It is $10,000$, or $5$.", ["10,000", "5"]),
        ("$$speed = distance / time$$", ["speed = distance / time"]),
        ("So\n\\[\na\n- b\n\\]\nand on.", ["a\n- b"]),
        ("- So\n  $$\n  a\n  + b\n  $$\n- and on.", ["a\n+ b"]),
        ("$$\nspeed\n$$", ["speed"]),
    ],
)
def test_formulas_are_formulas(text: str, formulas: list[str]) -> None:
    found = re.findall(r'<span class="formula"[^>]*>([^<]*)</span>', render_prose(text))
    assert [html.unescape(one) for one in found] == formulas


@pytest.mark.parametrize(
    "text",
    [
        "Roses are red\nViolets are blue",
        "Roses are red\r\nViolets are blue",
        "Roses are red\u2028Violets are blue",
        "> Roses are red\n> Violets are blue",
        "- Roses are red\n  Violets are blue",
    ],
)
def test_a_line_ends_where_it_was_written_to_end(text: str) -> None:
    assert "Roses are red<br />\nViolets are blue" in render_prose(text)


def test_code_keeps_its_lines() -> None:
    assert render_prose("Run `a = 1\n  b = 2` now") == "<p>Run <code>a = 1\n  b = 2</code> now</p>\n"
    assert render_prose("``` a `` b\n```\nx") == ("<p>``` a `` b</p>\n<pre><code>x</code></pre>\n")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Text[^1].\n\n[^1]: Note.", "[^1]: Note."),
        ("Text[^1].\n\n[^1]: https://a.test/b", "https://a.test/b"),
        ("Text[^1].\n\n[^1]: https://a.test/b\n[^2]: Another note.", "[^2]: Another note."),
        ("See [one][1].\n\n[1]: https://a.test/b 'A title'\n[2]: <https://c.test>", "https://c.test"),
        ("- [x]: https://a.test\n\nText", "https://a.test"),
        ("3. three\n7. seven", 'value="7"'),
        ("```python title='a.py'\nx\n```", 'data-info="python title=&#x27;a.py&#x27;"'),
        ("``` is how code begins\nand here it goes on", "is how code begins"),
        ("a\u202egnp.exe", "[U+202E]"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("`if admin\u2066: # ok`", "[U+2066]"),
        ("می\u200cخواهم 👩\u200d🚀", "می\u200cخواهم 👩\u200d🚀"),
    ],
)
def test_nothing_that_was_written_vanishes(text: str, kept: str) -> None:
    assert kept in render_prose(text)


def test_chinese_and_japanese_are_marked_up_though_no_blank_parts_their_words() -> None:
    drawn = render_prose('**强调**文字，**「引用」**后，**"q"**后，**これは。**次，~~旧い。~~新 and **(a)**b')
    assert re.findall(r"<strong>(.*?)</strong>", drawn) == ["强调", "「引用」", "&quot;q&quot;", "これは。"]
    assert "<s>旧い。</s>" in drawn
    assert "**(a)**b" in drawn  # CommonMark's rule for other scripts


ANSWER = (
    "See [one][1], **bold**, and a price of $5.\n\n- a\n- b\n\n  more\n\n```python\nx = 1\n\ny = 2\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\nand on\n\n$$\nx\n- y\n$$\n\n1. one\n\n2. two\n\n"
    "    code\n\n    more code\n\nHeading\n---\n\n[1]: https://a.test\n\n[1] is there now.\n"
)


def test_a_growing_text_ends_as_the_whole_and_is_safe_at_every_step() -> None:
    growing, text = GrowingProse(), ANSWER + "<form>`<b>\n\n<iframe>`"
    for end in range(len(text) + 1):
        drawn = growing.draw(text[:end])
        assert not _TAGS_THAT_ACT.search(drawn)
    whole = render_prose(text)
    linked = re.search(r"<a[^>]*>one</a>", whole)
    assert linked is not None
    assert drawn == whole.replace(linked[0], "[one][1]")  # its definition came later than the link
    assert growing.draw("Something else") == render_prose("Something else")


def test_a_growing_text_costs_its_last_block_alone() -> None:
    paragraph = "Some **bold** words, `code`, $x^2$ and [a link](https://a.test), as answers have them.\n\n"
    growing, text = GrowingProse(), paragraph * 400
    growing.draw(text)
    began = time.perf_counter()
    growing.draw(text + "More")
    few = time.perf_counter() - began
    began = time.perf_counter()
    GrowingProse().draw(text + "More")
    assert few < (time.perf_counter() - began) / 10


@pytest.mark.parametrize(
    "piece", ["$", "$$ a\n", "\\[", "\\(a", "$a", "$$\n", "\\[ a\n", "[a]: b\n", "`", "*a_", "$a$b", "# $$"]
)
def test_many_beginnings_without_an_end_are_drawn_soon(piece: str) -> None:
    began = time.perf_counter()
    render_prose(piece * (10_000 // len(piece)))
    assert time.perf_counter() - began < 5


def test_code_and_tables_are_drawn() -> None:
    assert '<pre data-info="python"><code>a &lt; b' in render_prose("```python\na < b\n```")
    assert "<td>1</td>" in render_prose("| a |\n|---|\n| 1 |")
    assert "<td>1</td>" in render_prose("Like this:\n| a |\n|---|\n| 1 |")

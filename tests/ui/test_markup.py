from __future__ import annotations

from blender_ui.ui import marked, markup

HOSTILE = '<img src=x onerror="alert(1)">'


def test_every_maker_escapes_what_it_is_given() -> None:
    drawn = [
        markup.header([(HOSTILE, HOSTILE, True)], account=HOSTILE),
        markup.intro(HOSTILE, HOSTILE),
        markup.section(HOSTILE, HOSTILE),
        markup.notice(HOSTILE, links=[(HOSTILE, HOSTILE)], tone=HOSTILE),
        markup.column_head(HOSTILE, state=HOSTILE, progress=HOSTILE, is_asked_about=True),
        markup.figures([(HOSTILE, HOSTILE)], note=HOSTILE),
        markup.vote_question(HOSTILE, token=HOSTILE),
        marked.differences(marked.difference(HOSTILE, f"{HOSTILE} {HOSTILE}")),
        marked.attributed([marked.Span(HOSTILE, 0, HOSTILE), marked.Span(HOSTILE, None)]),
        marked.share_bar([marked.Share(HOSTILE, 0.5, 1)]),
        markup.table([HOSTILE], [[HOSTILE]], caption=HOSTILE),
        markup.matrix([HOSTILE], [[markup.Cell(0.7, HOSTILE)]], caption=HOSTILE),
        markup.remark(HOSTILE),
    ]
    for html in drawn:
        assert "<img" not in html
        assert 'onerror="' not in html


def test_a_difference_reads_as_either_text() -> None:
    old, new = "The cat sat on a mat.", "The black cat lay on the mat."
    parts = marked.difference(old, new)
    assert "".join(part.text for part in parts if part.change != "new") == old
    assert "".join(part.text for part in parts if part.change != "gone") == new
    assert [part.text.strip() for part in parts if part.change == "gone"] == ["sat", "a"]


def test_equal_texts_have_no_difference() -> None:
    assert [part.change for part in marked.difference("Same.", "Same.")] == ["same"]
    assert marked.difference("", "") == ()


def test_a_seventh_source_takes_the_first_colour_again() -> None:
    drawn = marked.attributed([marked.Span("x", 6)])
    assert "bu-source-1" in drawn


def test_an_empty_notice_is_nothing() -> None:
    assert markup.notice("") == ""


def test_a_matrix_is_coloured_from_loss_to_win() -> None:
    drawn = markup.matrix(
        ["A", "B"],
        [[None, markup.Cell(0.9, "t")], [markup.Cell(0.1, "t"), None]],
        caption="c",
    )
    assert '<td class="bu-win" style="--strength:0.80" title="t">90%</td>' in drawn
    assert '<td class="bu-loss" style="--strength:0.80" title="t">10%</td>' in drawn

from __future__ import annotations

from blender_ui.ui import markup

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
        markup.differences(markup.difference(HOSTILE, f"{HOSTILE} {HOSTILE}")),
        markup.attributed([markup.Span(HOSTILE, 0, HOSTILE), markup.Span(HOSTILE, None)]),
        markup.share_bar([markup.Share(HOSTILE, 0.5, 1)]),
        markup.table([HOSTILE], [[HOSTILE]], caption=HOSTILE),
        markup.matrix([HOSTILE], [[markup.Cell(0.7, HOSTILE)]], caption=HOSTILE),
        markup.remark(HOSTILE),
    ]
    for html in drawn:
        assert "<img" not in html
        assert 'onerror="' not in html


def test_a_difference_reads_as_either_text() -> None:
    old, new = "The cat sat on a mat.", "The black cat lay on the mat."
    parts = markup.difference(old, new)
    assert "".join(part.text for part in parts if part.change != "new") == old
    assert "".join(part.text for part in parts if part.change != "gone") == new
    assert [part.text.strip() for part in parts if part.change == "gone"] == ["sat", "a"]


def test_equal_texts_have_no_difference() -> None:
    assert [part.change for part in markup.difference("Same.", "Same.")] == ["same"]
    assert markup.difference("", "") == ()


def test_a_seventh_source_takes_the_first_colour_again() -> None:
    drawn = markup.attributed([markup.Span("x", 6)])
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

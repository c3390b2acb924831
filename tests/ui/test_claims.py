from __future__ import annotations

from blender_ui.evidence.summary import Claim, ClaimKind, list_claims
from blender_ui.language import speaking
from blender_ui.ui.claims import TITLES, draw_claims
from blender_ui.values import RankingPrompt


def test_a_row_says_how_many_agree_on_what_and_names_them_in_their_colours() -> None:
    claims = list_claims(RankingPrompt(instruction="How many?"), ["42", "it is 42", "41", "so 42"])
    html = draw_claims(claims, ("Ada", "Ben", "Cem", "Dee"), colours={"Ada": 2, "Ben": 0, "Cem": 1})
    assert "3 of 4 agree" in html
    agreed, differs = html.split("They differ")
    assert '<b class="bu-source bu-source-3">Ada</b>' in agreed
    assert '<b class="bu-nobody">Dee</b>' in agreed
    assert '<b class="bu-source bu-source-2">Cem</b>' in differs


def test_an_order_says_who_obeys_or_that_nobody_does() -> None:
    obeyed, spared = (Claim(ClaimKind.ORDER, "Say only X.", places) for places in ((1,), ()))
    assert "obeyed by</em> <b" in draw_claims((obeyed,), ("Ada", "Ben"))
    assert "no answer obeys it" in draw_claims((spared,), ("Ada", "Ben"))


def test_texts_do_nothing_on_the_page_and_without_claims_there_is_nothing() -> None:
    html = draw_claims((Claim(ClaimKind.ALONE, "<script>alert(1)</script>", (0,)),), ("<b>Eve",))
    assert "<script>" not in html
    assert "<b>Eve" not in html
    assert draw_claims((), ("Ada",)) == ""


def test_an_answer_about_something_else_is_named_with_the_reason() -> None:
    asked = RankingPrompt(instruction="When was the lighthouse of Brenn built, and by whom?")
    answers = [
        "The lighthouse of Brenn was built in 1841 by fishers.",
        "Peel the onions, then fry them slowly in butter until they turn brown and sweet.",
        "Fishers built the lighthouse in 1841.",
    ]
    html = draw_claims(list_claims(asked, answers), ("Ada", "Ben", "Cem"))
    row = html.split("About something else")[1]
    assert "Peel the onions" in row
    assert row.index("hardly a word in common") < row.index("Ben")
    assert "About something else" not in draw_claims(
        list_claims(asked, [answers[0], answers[2]]), ("Ada", "Cem")
    )


def test_what_each_row_is_is_said_in_the_readers_language() -> None:
    claims = [Claim(kind, "x", (0,)) for kind in ClaimKind if kind is not ClaimKind.AGREED]
    with speaking("de"):
        html = draw_claims(claims, ("Ada",))
    assert not [title for title in TITLES.values() if title in html]
    assert "Nur eine sagt" in html

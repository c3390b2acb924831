"""Reasons that were stored in English, in the language of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest

from blender_ui.exchange.fields import FieldError, Fields
from blender_ui.language import ENGLISH, speaking
from blender_ui.members.openai.errors import read_error
from blender_ui.ranking.promotion import ACTIVE, Judgement, Rival, decide_promotion
from blender_ui.ranking.standing import BASELINES, measure_standing
from blender_ui.retelling import retell


def tell(text: str) -> str:
    with speaking("de"):
        return retell(text)


def fault(row: Mapping[str, object]) -> str:
    with pytest.raises(FieldError) as caught:
        Fields(row).text("prompt")
    return str(caught.value)


def test_a_fault_of_a_row_is_told_with_what_it_quotes() -> None:
    assert tell(fault({})) == "'prompt' fehlt"
    assert tell(fault({"prompt": 7})) == "erwartet war Text als 'prompt', es kam eine Zahl"
    quoted = "expected one word as the winner, came 'the answer is empty, ask it again'"
    assert tell(quoted) == "erwartet war ein Wort als Gewinner, es kam 'the answer is empty, ask it again'"


def test_an_endpoints_own_words_stay_and_ours_are_told() -> None:
    said = read_error("no such model", status=404, wait_seconds=30).reason
    assert tell(said) == "no such model (HTTP 404); es bittet darum, in 30 s wiederzukommen"


@pytest.mark.parametrize("lead", [-0.2, 0.0, 0.4])
def test_a_decision_about_a_version_is_told_whole(lead: float) -> None:
    """Promoted, refused and not yet: no word of English is left but names."""
    rng = np.random.default_rng(0)
    right, other = (rng.random(1500) < share for share in (0.5 + lead, 0.5))
    standing = measure_standing(
        right.astype(float),
        dict.fromkeys(BASELINES, other.astype(float)),
        np.arange(1500),
        judged_on="held-out preferences",
    )
    figures = Judgement(1500, 0.5 + lead, 0.4, 0.6, 0.6 - lead)
    rival = Rival("version 3", Judgement(1500, 0.5, 0.4, 0.6, 0.65), standing, standing)
    told = tell(decide_promotion(figures, rival=rival, standing=standing).reason)
    assert told.startswith("Befördert: " if lead > 0 else "Noch nicht: " if lead == 0 else "Abgelehnt: ")
    assert "1.500 zurückgehaltenen Präferenzen" in told
    english = set(re.findall(r"\S+", "on of against right the and beside lead held-out points interval"))
    assert not english & set(told.lower().replace("(", " ").split())
    assert ACTIVE not in told


def test_what_no_form_fits_stays_and_english_stays_english() -> None:
    assert (
        tell("Something else. It stays, and so does this!") == "Something else. It stays, and so does this!"
    )
    assert tell("") == ""
    with speaking(ENGLISH):
        assert retell("'prompt' is missing") == "'prompt' is missing"


def test_a_reason_is_told_in_the_time_of_a_page() -> None:
    """A form that could match in many ways is tried on a long text without end otherwise."""
    text = "on and or of to: a lead; version 3 is (right) " * 80
    assert tell(text)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blender_ui.errors import RankerError, WeightsUnavailable
from blender_ui.settings import load_settings
from blender_ui.weights.resolver import find_weights


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    from blender_ui.evaluation.bertscore import BertScorer

    with pytest.raises(RankerError, match="is not an encoder"):
        BertScorer(tmp_path)


@pytest.mark.slow
def test_the_same_meaning_scores_above_the_same_words() -> None:
    from blender_ui.evaluation.bertscore import BertScorer

    try:
        folder = find_weights("all-minilm-l6-v2", cache_path=load_settings(os.environ).weights_path)
    except WeightsUnavailable as error:
        pytest.skip(f"the encoder's weights are absent: {error}")
    reference = "The council closed the old bridge to cars."
    answers = [
        reference,
        "The town shut the ancient bridge to traffic.",
        "She closed the old book and looked at the cars.",
        "",
    ]
    same, meaning, words, nothing = BertScorer(folder).score(answers, [reference] * 4)
    assert same == pytest.approx(1.0, abs=1e-5)
    assert same > meaning > words > nothing == 0

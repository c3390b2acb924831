"""What speaks for a text: what it shares, and what of the given text it covers."""

from __future__ import annotations

import numpy as np

from blender_ui.evidence.prose import PROSE_FEATURES, prose_features, split_sentences

GIVEN = (
    "The river flooded three villages on Monday. Rescuers brought 200 people to safety. "
    "The mayor thanked them. Nobody was hurt. Schools stay closed until Friday."
)
PLACE = {name: index for index, name in enumerate(PROSE_FEATURES)}


def test_features_say_what_a_text_covers() -> None:
    lead = "The river flooded three villages on Monday."
    end = "Schools stay closed until Friday."
    features = prose_features(GIVEN, [lead, end, "Bananas are yellow."])
    first = features[:, PLACE["covers_sentences_1"]]
    assert first.tolist() == [1, 0, 0]
    assert features[1, PLACE["covers_sentences_4"]] == 1
    assert features[:, PLACE["new_words"]].tolist() == [0, 0, 1]


def test_what_others_say_too_counts_and_a_stranger_shares_nothing() -> None:
    texts = ["The river flooded villages.", "A river floods villages!", "Bananas are yellow."]
    features = prose_features(GIVEN, texts)
    shared = features[:, PLACE["shared_recall"]]
    assert shared[0] > 0
    assert shared[2] == 0


def test_features_are_finite_for_empty_texts() -> None:
    for given, texts in (("", ["", "one"]), (GIVEN, [""]), ("", [""])):
        features = prose_features(given, texts)
        assert features.shape == (len(texts), len(PROSE_FEATURES))
        assert np.isfinite(features).all()


def test_sentences_end_at_marks_and_lines() -> None:
    assert split_sentences("One. Two!\nThree") == ["One.", "Two!", "Three"]

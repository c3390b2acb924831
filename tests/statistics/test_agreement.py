"""Agreement against the worked examples of those who proposed the coefficients."""

import numpy as np
import pytest

from blender_ui.statistics.agreement import cohen_kappa, find_patterns, fleiss_kappa, krippendorff_alpha
from blender_ui.statistics.shares import wilson_interval


def count(*annotators: str) -> np.ndarray:
    """Counts by item and category of annotators' labels, a character an item, a dot for none."""
    categories = sorted({label for labels in annotators for label in labels} - {"."})
    return np.array(
        [[item.count(category) for category in categories] for item in zip(*annotators, strict=True)]
    )


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011).
TWO_BINARY = count("0100000010", "1110010000")  # section A, alpha .095
TWO_NOMINAL = count("aabbdcccedda", "babbbccceddd")  # section B, alpha .692
FOUR_MISSING = count("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_alpha_of_two_annotators_and_two_categories_is_krippendorffs() -> None:
    assert krippendorff_alpha(TWO_BINARY).value == pytest.approx(0.095, abs=0.0005)


def test_alpha_of_two_annotators_and_five_categories_is_krippendorffs() -> None:
    assert krippendorff_alpha(TWO_NOMINAL).value == pytest.approx(0.692, abs=0.0005)


def test_alpha_with_missing_labels_is_krippendorffs() -> None:
    assert krippendorff_alpha(FOUR_MISSING).value == pytest.approx(0.743, abs=0.0005)


# Fleiss, Psychological Bulletin 76 (1971), table 1: 30 patients, 6 psychiatrists, 5 diagnoses.
FLEISS_ROWS = """
    00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
    00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
FLEISS = np.array([[int(digit) for digit in row] for row in FLEISS_ROWS.split()])


def test_kappa_of_six_psychiatrists_is_fleiss() -> None:
    assert FLEISS.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(FLEISS).value == pytest.approx(0.430, abs=0.0005)


def test_kappa_needs_the_same_number_of_labels_everywhere() -> None:
    with pytest.raises(ValueError, match=r"\[1, 2"):
        fleiss_kappa(FOUR_MISSING)


def test_kappa_of_two_is_cohens() -> None:
    # Cohen (1960): 200 people, observed .70, by chance .41, kappa .492; his simpler error, .055, gives
    # .384 to .600.
    table = 200 * np.array([[0.44, 0.05, 0.01], [0.07, 0.20, 0.03], [0.09, 0.05, 0.06]])
    found = cohen_kappa(table)
    assert found.value == pytest.approx(0.492, abs=0.0005)
    assert found.low == pytest.approx(0.384, abs=0.01)
    assert found.high == pytest.approx(0.600, abs=0.01)


def test_the_error_of_kappa_is_fleiss_cohen_and_everitts() -> None:
    # Fleiss, Levin and Paik, "Statistical methods for rates and proportions" (2003), table 18.1: 100
    # subjects, kappa .676, standard error .087.
    found = cohen_kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert found.value == pytest.approx(0.676, abs=0.001)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.087, abs=0.001)


def test_the_interval_of_alpha_holds_the_truth_as_often_as_it_says() -> None:
    """Two annotators who agree with probability .8 on two even categories: alpha is .6."""
    draw, held = np.random.default_rng(3), 0
    for seed in range(200):
        n_agreed, n = draw.binomial(150, 0.8), 150
        agreed_on_first = draw.binomial(n_agreed, 0.5)
        counts = np.repeat(
            [[2, 0], [0, 2], [1, 1]], [agreed_on_first, n_agreed - agreed_on_first, n - n_agreed], axis=0
        )
        found = krippendorff_alpha(counts, seed=seed, n_resamples=300)
        held += found.low <= 0.6 <= found.high
    assert 180 <= held <= 199


def test_patterns_keep_every_item_with_two_labels() -> None:
    draw = np.random.default_rng(1)
    counts = draw.integers(0, 4, size=(500, 4))
    patterns = find_patterns(counts)
    usable = counts[counts.sum(axis=1) >= 2]
    assert patterns.n_items.sum() == len(usable)
    assert (patterns.n_items @ patterns.counts).tolist() == usable.sum(axis=0).tolist()
    assert krippendorff_alpha(counts[::-1]).value == krippendorff_alpha(counts).value


@pytest.mark.parametrize("counts", [np.zeros((0, 4)), [[1, 0], [0, 1]], [[2, 0], [3, 0]]])
def test_where_nothing_can_be_said_nothing_is(counts: object) -> None:
    assert np.isnan(krippendorff_alpha(counts).value)


def test_full_agreement_is_one() -> None:
    assert krippendorff_alpha([[2, 0], [0, 3]]).value == 1.0
    assert cohen_kappa([[5, 0], [0, 5]]).value == 1.0
    assert np.isnan(cohen_kappa([[5, 0], [0, 0]]).value)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_newcombes(successes: int, n: int, low: float, high: float) -> None:
    found = wilson_interval(successes, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_a_share_of_nothing_has_no_interval() -> None:
    assert np.isnan(wilson_interval(0, 0).value)

import pytest
from scipy.stats import binomtest

from blender_ui.statistics.mcnemar import compare_by_mcnemar, split_p_value


def test_fagerlands_airway_example_has_its_published_p_value():
    # Fagerland, Lydersen and Laake, BMC Med Res Methodol 13:91 (2013), table 2 (Bentur et al. 2009):
    # 1 against 7 discordant pairs; exact conditional p = .070.
    assert compare_by_mcnemar(1, 7).p_value == pytest.approx(0.0703, abs=5e-5)


def test_a_hand_worked_tail():
    # 2 (1 + 22 + 231 + 1540 + 7315 + 26334 + 74613) / 2^22
    assert compare_by_mcnemar(16, 6).p_value == pytest.approx(2 * 110056 / 2**22, rel=1e-12)


def test_sides_may_be_swapped():
    assert compare_by_mcnemar(6, 16).p_value == compare_by_mcnemar(16, 6).p_value


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 5), (0, 1)])
def test_no_evidence_is_a_p_value_of_one(first: int, second: int):
    assert compare_by_mcnemar(first, second).p_value == pytest.approx(1.0)


def test_it_is_the_exact_binomial_test():
    for n in range(1, 40):
        for first in range(n + 1):
            expected = binomtest(first, n).pvalue
            assert split_p_value(first, n - first) == pytest.approx(expected, rel=1e-9)


def test_many_decisions_neither_overflow_nor_vanish():
    # Normal approximation with continuity: z = (4000 - 1) / sqrt(1e6) = 3.999, p = 6.36e-5.
    assert compare_by_mcnemar(502_000, 498_000).p_value == pytest.approx(6.36e-5, rel=2e-3)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        compare_by_mcnemar(-1, 2)

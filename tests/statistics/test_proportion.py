from __future__ import annotations

import math

import pytest

from blender_ui.statistics.proportion import wilson_interval


@pytest.mark.parametrize(
    ("n_won", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_newcombe_s_table(n_won: int, n: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    found = wilson_interval(n_won, n)
    assert found.value == pytest.approx(n_won / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_and_too_much_counted() -> None:
    assert math.isnan(wilson_interval(0, 0).value)
    with pytest.raises(ValueError, match="between 0 and 2"):
        wilson_interval(3, 2)

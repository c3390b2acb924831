from __future__ import annotations

import math

import numpy as np
import pytest

from blender_ui.services.information import measure_information


def test_a_toss_up_with_deviation_two_is_worth_half_ln_two() -> None:
    # p (1 - p) s^2 = 1/4 * 4 = 1, so the gain is 0.5 ln(1 + 1).
    gain = measure_information(np.array([0.0]), np.array([2.0]))
    assert gain[0] == pytest.approx(0.5 * math.log(2))


def test_what_is_known_teaches_nothing_and_what_is_decided_teaches_little() -> None:
    gain = measure_information(np.array([0.0, 0.0, 6.0, 1000.0]), np.array([0.0, 1.0, 1.0, 1.0]))
    assert gain[0] == 0
    assert gain[1] > gain[2] > gain[3] >= 0
    assert np.isfinite(gain).all()

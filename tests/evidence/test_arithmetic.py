"""Steps of reckoning are checked as they are written."""

from __future__ import annotations

import pytest

from blender_ui.evidence.arithmetic import check_steps, numbers_in


@pytest.mark.parametrize(
    ("text", "n_right", "n_wrong"),
    [
        ("2 + 3 * 4 = 14", 1, 0),
        ("2 + 3 x 4 = 20", 0, 1),
        ("$1,200 / 4 = $300 and 10 ÷ 4 = 2.5", 2, 0),
        ("10 / 3 = 3.33", 1, 0),
        ("5 / 0 = 0", 0, 1),
        ("x = 5, so y = 7", 0, 0),
    ],
)
def test_steps_hold_or_not(text: str, n_right: int, n_wrong: int) -> None:
    steps = check_steps(text)
    assert (steps.n_right, steps.n_wrong) == (n_right, n_wrong)


def test_the_last_result_is_written_plainly() -> None:
    assert check_steps("1 + 1 = 2; total = $1,050.00").last_result == "1050"
    assert numbers_in("7 of 1,000.0") == {"7", "1000"}


def test_long_digits_take_no_time() -> None:
    assert check_steps("1" * 100_000).n_right == 0

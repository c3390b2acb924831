from __future__ import annotations

import numpy as np

from blender_ui.tasks.shape import MEASURES, measure_shapes

NAMES = list(MEASURES)


def test_options_code_and_questions_are_told_apart_by_shape() -> None:
    shapes = measure_shapes(
        ["Which one?\nA. red\nB. blue", "def f(x):\n    return x[0] + 1", "Who was it?"], ["", "", ""]
    )
    options, signs, questions = (
        shapes[:, NAMES.index(name)] for name in ("options", "signs of code", "ends with a question mark")
    )
    assert options.argmax() == 0
    assert signs.argmax() == 1
    assert questions.tolist() == [0, 0, 1]


def test_an_empty_prompt_and_no_prompts_have_finite_shapes() -> None:
    assert np.isfinite(measure_shapes([""], [""])).all()
    assert measure_shapes([], []).shape == (0, len(NAMES) + 1)


def test_the_length_of_the_input_is_the_last_number() -> None:
    long, none = measure_shapes(["a", "a"], ["b" * 99, ""])[:, -1]
    assert long > none == 0

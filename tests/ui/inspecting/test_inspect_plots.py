"""What the figures hold; how they look is looked at."""

from __future__ import annotations

from blender_ui.services.jobs.progress import CurvePoint
from blender_ui.ui.plots import curve_plot, logits_plot, ratings_plot


def test_a_heat_map_holds_both_orders_and_no_diagonal() -> None:
    (heat,) = logits_plot(["A", "B"], [[0.0, 1.5], [-0.5, 0.0]]).data
    assert [list(row) for row in heat.z] == [[None, 1.5], [-0.5, None]]
    assert (heat.zmin, heat.zmax) == (-1.5, 1.5)
    assert (list(heat.x), list(heat.y)) == (["A", "B"], ["A", "B"])


def test_long_names_break_and_points_keep_their_whole_names() -> None:
    names = ["cerebras-gpt-6.7B / pythia-6.9b (24)", "A"]
    figure = ratings_plot(names, [1.0, 0.0], [0.5, -0.5], [1.5, 0.5])
    assert list(figure.layout.yaxis.ticktext) == ["cerebras-gpt-6.7B /<br>pythia-6.9b (24)", "A"]
    assert list(figure.layout.yaxis.tickvals) == list(figure.data[0].y) == names


def test_a_heat_map_of_one_or_of_equals_has_a_scale() -> None:
    assert logits_plot(["A"], [[0.0]]).data[0].zmax == 1.0
    assert logits_plot(["A", "B"], [[0.0, 0.0], [0.0, 0.0]]).data[0].zmax == 1.0


def test_ratings_are_drawn_with_both_ends_of_their_intervals() -> None:
    (dots,) = ratings_plot(["A", "B"], [1.0, -1.0], [0.5, -3.0], [2.0, -0.5]).data
    assert list(dots.x) == [1.0, -1.0]
    assert list(dots.error_x.array) == [1.0, 0.5]
    assert list(dots.error_x.arrayminus) == [0.5, 2.0]


def test_a_curve_without_held_out_figures_has_no_line_for_them() -> None:
    points = [
        CurvePoint(step=n, loss=1 / n, accuracy=0.5, held_out_loss=None, held_out_accuracy=None)
        for n in (1, 2)
    ]
    loss, accuracy = curve_plot(points).data
    assert (list(loss.x), list(loss.y)) == ([1, 2], [1.0, 0.5])
    assert list(accuracy.y) == [0.5, 0.5]


def test_a_curve_with_held_out_figures_has_four_lines() -> None:
    point = CurvePoint(step=1, loss=0.7, accuracy=0.5, held_out_loss=0.6, held_out_accuracy=0.8)
    assert [list(line.y) for line in curve_plot([point]).data] == [[0.7], [0.5], [0.6], [0.8]]

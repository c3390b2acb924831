"""Coins are fair, and fall the same way when asked again."""

from blender_ui.pairing.draws import draw_sides, uniform


def test_a_draw_depends_on_its_seed_and_labels_alone() -> None:
    assert uniform(1, "priority", 12) == uniform(1, "priority", "12")
    assert (
        len(
            {
                uniform(1, "a", 1),
                uniform(2, "a", 1),
                uniform(1, "b", 1),
                uniform(1, "a", 11),
                uniform(1, "a1"),
            }
        )
        == 5
    )


def test_draws_are_uniform() -> None:
    draws = [uniform(3, "x", number) for number in range(20_000)]
    assert all(0 <= draw < 1 for draw in draws)
    # The mean of n uniform draws has standard error 1 / sqrt(12 n) = 0.002; five of them.
    assert abs(sum(draws) / len(draws) - 0.5) < 0.0102


def test_sides_do_not_depend_on_who_is_named_first() -> None:
    assert draw_sides(1, 5, 9) == draw_sides(1, 9, 5)


def test_each_side_comes_half_of_the_time_and_the_seed_tells_which() -> None:
    drawn = [draw_sides(7, number, number + 1) for number in range(20_000)]
    n_low_left = sum(sides.left < sides.right for sides in drawn)
    # Five standard deviations of a binomial count: 5 * sqrt(20000) / 2 = 354.
    assert abs(n_low_left - 10_000) < 354
    assert all((sides.left < sides.right) == (sides.seed % 2 == 0) for sides in drawn)
    assert all(0 <= sides.seed < 2**31 for sides in drawn)

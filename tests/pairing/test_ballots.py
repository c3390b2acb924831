"""Which answers are shown at once, and which pairs follow from what is said of them."""

from collections import Counter
from itertools import combinations

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.pairing.ballots import Said, check_places, pairs_of, widen
from blender_ui.pairing.policy import Entry, QueueHead, measure_propensity


def every_two(*candidates: int) -> set[frozenset[int]]:
    return {frozenset(two) for two in combinations(candidates, 2)}


def test_an_order_says_something_of_every_two_answers() -> None:
    assert pairs_of([2, 1, 3, 3], asked="order") == [
        Said(1, 0, is_tie=False),
        Said(0, 2, is_tie=False),
        Said(0, 3, is_tie=False),
        Said(1, 2, is_tie=False),
        Said(1, 3, is_tie=False),
        Said(2, 3, is_tie=True),
    ]


def test_the_best_says_nothing_of_the_others() -> None:
    assert pairs_of([2, 1, 2, 2], asked="best") == [
        Said(1, 0, is_tie=False),
        Said(1, 2, is_tie=False),
        Said(1, 3, is_tie=False),
    ]


def test_the_best_and_the_worst_say_nothing_of_those_between() -> None:
    said = pairs_of([2, 3, 1, 2], asked="best_worst")
    assert len(said) == 2 * 4 - 3  # the best of three others, and the worst of the two that are left
    assert not any(pair.is_tie for pair in said)
    assert {(pair.better, pair.worse) for pair in said} == {(2, 0), (2, 1), (2, 3), (0, 1), (3, 1)}


@pytest.mark.parametrize("places", [[1, 2, 3, 4], [1, 1, 1, 1], [1, 2, 2, 4], [3, 1, 3, 1]])
def test_ties_are_allowed_in_an_order(places: list[int]) -> None:
    check_places(places, asked="order", n=4)


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ("order", [1, 2, 3]),
        ("order", [0, 1, 2, 3]),
        ("order", [1, 2, 2, 3]),  # after two seconds comes the fourth
        ("order", [2, 2, 3, 4]),
        ("best", [1, 1, 2, 2]),
        ("best", [1, 2, 3, 4]),
        ("best_worst", [1, 2, 2, 2]),
        ("best_worst", [1, 3, 3, 2]),
    ],
)
def test_places_that_do_not_say_what_was_asked_are_refused(asked: str, places: list[int]) -> None:
    with pytest.raises(MalformedInput, match="expected"):
        check_places(places, asked=asked, n=4)


def test_a_pair_is_widened_to_answers_of_which_every_two_are_open() -> None:
    pairs = every_two(1, 2, 3) | {frozenset((1, 4)), frozenset((2, 4))}  # 3 and 4 are not open together
    widened = widen((1, 2), pairs, n=4, seed=7, labels=(1,))
    assert widened.candidates in ((1, 2, 3), (1, 2, 4))
    assert widen((1, 5), pairs | {frozenset((1, 5))}, n=4, seed=7, labels=()).candidates == (1, 5)


def test_every_set_around_a_pair_is_as_likely_as_said() -> None:
    pairs = every_two(*range(1, 7))
    drawn = [widen((1, 2), pairs, n=4, seed=7, labels=(turn,)) for turn in range(3000)]
    counts = Counter(widened.candidates for widened in drawn)
    assert len(counts) == 6  # two of the four others
    for widened in drawn[:1]:
        assert widened.probability == pytest.approx(1 / 6)
    # Five standard deviations of a binomial of 3000 draws.
    assert all(abs(n - 500) < 5 * (3000 / 6 * 5 / 6) ** 0.5 for n in counts.values())


def test_a_set_is_chosen_by_as_much_as_any_of_its_pairs_is() -> None:
    head = QueueHead(first=Entry(1, 0), n_least=12, top=Entry(20, 3))
    pairs = [Entry(number, 0) for number in range(1, 7)]
    assert measure_propensity(head, pairs, random_share=0.2) == pytest.approx(0.2 * 6 / 12)
    assert measure_propensity(head, [*pairs, Entry(20, 3)], random_share=0.2) == pytest.approx(0.1 + 0.8)
    random = QueueHead(first=Entry(1, 0), n_least=12)
    assert measure_propensity(random, pairs, random_share=0.2) == pytest.approx(0.5)

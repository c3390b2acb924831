"""A propensity is the share of worlds in which that comparison is the one chosen."""

import random
from collections import Counter

import pytest

from blender_ui.pairing.policy import Choice, Entry, QueueHead, choose

N_WORLDS = 40_000


def head_of(n_taken: list[int], priority: list[float], information: list[float] | None = None) -> QueueHead:
    """What the store reads of a queue of comparisons 0, 1, ..., worked out by hand."""
    order = sorted(range(len(n_taken)), key=lambda index: (n_taken[index], priority[index]))
    top = None
    if information is not None:
        most = max(range(len(n_taken)), key=lambda index: information[index])
        top = Entry(most, n_taken[most])
    first = order[0]
    return QueueHead(first=Entry(first, n_taken[first]), n_least=n_taken.count(n_taken[first]), top=top)


def simulate(
    n_taken: list[int], information: list[float] | None, *, random_share: float
) -> tuple[Counter[int], dict[int, float]]:
    """Draw the random order and the draw anew in every world; count choices, keep propensities."""
    draw = random.Random(11)
    chosen: Counter[int] = Counter()
    propensity: dict[int, float] = {}
    for _ in range(N_WORLDS):
        head = head_of(n_taken, [draw.random() for _ in n_taken], information)
        choice = choose(head, random_share=random_share, draw=draw.random())
        chosen[choice.comparison_id] += 1
        assert propensity.setdefault(choice.comparison_id, choice.propensity) == choice.propensity
    return chosen, propensity


@pytest.mark.parametrize(
    ("n_taken", "information", "random_share"),
    [
        ([0, 0, 0, 0, 0], None, 0.2),
        ([1, 0, 2, 0, 0], None, 0.2),
        ([0, 0, 0, 0], [0.1, 0.4, 0.3, 0.2], 0.25),
        ([1, 0, 0, 3], [0.9, 0.4, 0.3, 0.2], 0.25),
        ([2, 2], [0.0, 1.0], 1.0),
    ],
)
def test_propensities_are_the_frequencies_of_simulated_worlds(
    n_taken: list[int], information: list[float] | None, random_share: float
) -> None:
    chosen, propensity = simulate(n_taken, information, random_share=random_share)
    assert sum(propensity.values()) == pytest.approx(1.0)
    for comparison, probability in propensity.items():
        # Five standard errors of a share.
        error = 5 * (probability * (1 - probability) / N_WORLDS) ** 0.5
        assert chosen[comparison] / N_WORLDS == pytest.approx(probability, abs=error + 1e-9)


def test_only_the_least_taken_are_chosen_at_random() -> None:
    chosen, _ = simulate([1, 0, 2, 0, 0], None, random_share=0.2)
    assert set(chosen) == {1, 3, 4}


def test_without_a_ranker_the_policy_is_balanced_random() -> None:
    head = QueueHead(first=Entry(7, 1), n_least=4)
    assert choose(head, random_share=0.2, draw=0.5) == Choice(7, "balanced_random", 0.25)


def test_the_most_informative_is_chosen_outside_the_random_share() -> None:
    head = QueueHead(first=Entry(7, 0), n_least=4, top=Entry(9, 2))
    assert choose(head, random_share=0.2, draw=0.2) == Choice(9, "most_informative", 0.8)
    assert choose(head, random_share=0.2, draw=0.19) == Choice(7, "most_informative", 0.05)


@pytest.mark.parametrize("random_share", [0.0, 1.1, -0.1])
def test_a_policy_without_chance_is_refused(random_share: float) -> None:
    with pytest.raises(ValueError, match="random share"):
        choose(QueueHead(first=Entry(1, 0), n_least=1), random_share=random_share, draw=0.5)

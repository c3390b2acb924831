"""Labels of a round's answers."""

from __future__ import annotations

import pytest

from blender_ui.members.seats import Seat, read_seat

NAMES = ("Ann", "Ann (beta)", "Bob (2)")


@pytest.mark.parametrize(
    ("label", "seat"),
    [
        ("Ann", Seat("Ann")),
        ("Ann (2)", Seat("Ann", 2)),
        ("Ann (16)", Seat("Ann", 16)),
        ("Ann (1)", Seat("Ann (1)")),
        ("Ann (02)", Seat("Ann (02)")),
        ("Ann (beta)", Seat("Ann (beta)")),
        ("Ann (beta) (2)", Seat("Ann (beta)", 2)),
        ("Bob (2)", Seat("Bob (2)")),
        ("Bob (2) (3)", Seat("Bob (2)", 3)),
        ("Bob (3)", Seat("Bob (3)")),
    ],
)
def test_a_label_names_one_seat(label: str, seat: Seat) -> None:
    assert read_seat(label, NAMES) == seat
    assert seat.label == label

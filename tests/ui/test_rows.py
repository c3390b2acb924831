"""Tables whose rows have acts: nothing that comes from outside is markup, and what was pressed is checked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import get_args

import pytest

from blender_ui.errors import MalformedInput
from blender_ui.pairing.policy import POLICIES
from blender_ui.ranking.aggregation import Policy
from blender_ui.ranking.fast.ranker import GROUPS
from blender_ui.ui import words
from blender_ui.ui.rows import Act, Acted, Badge, Hinted, Pick, acted_table, read_act

HOSTILE = '"><img src=x onerror=alert(1)>'


def test_every_text_of_a_cell_is_escaped() -> None:
    act = Act(HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE)
    pick = Pick(HOSTILE, 1, HOSTILE, [(HOSTILE, HOSTILE)], HOSTILE)
    row = (HOSTILE, Badge(HOSTILE, HOSTILE, HOSTILE), Hinted(HOSTILE, HOSTILE), act, [act], pick)
    drawn = acted_table([HOSTILE] * len(row), [row], caption=HOSTILE)
    assert "<img" not in drawn
    assert drawn.count("<button") == 2


def test_a_choice_is_drawn_as_it_stands() -> None:
    drawn = acted_table(("",), [(Pick("role", 3, "Role of ada", [("a", "a"), ("b", "b")], "b"),)])
    assert '<option value="b" selected>' in drawn
    assert '<option value="a">' in drawn
    assert 'data-row="3" aria-label="Role of ada"' in drawn


def test_what_was_pressed_is_read() -> None:
    sent = {"act": "role", "row": "3", "value": "admin"}
    assert read_act(SimpleNamespace(_data=sent)) == Acted("role", 3, "admin")


@pytest.mark.parametrize(
    "sent", [None, "lock", {}, {"act": 1, "row": 1}, {"act": "lock"}, {"act": "lock", "row": "x"}]
)
def test_what_is_no_act_is_refused(sent: object) -> None:
    with pytest.raises(MalformedInput):
        read_act(SimpleNamespace(_data=sent))


def test_every_name_of_the_field_has_a_person_s_words() -> None:
    assert set(words.GROUP) == set(GROUPS)
    assert set(words.SCORE) == set(get_args(Policy))
    assert set(words.ORDER) == set(POLICIES)
    assert words.say(words.ORDER, "some_new_one") == "some new one"

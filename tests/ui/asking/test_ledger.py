from __future__ import annotations

import pytest

from blender_ui.ui.asking import ledger
from blender_ui.ui.asking.ledger import Ledger


def test_of_rounds_that_were_voted_on_early_only_the_latest_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "MOST_SHOWN", 2)
    rounds = Ledger()
    for prompt_id in range(1, 6):
        rounds.expect(prompt_id, ["Ada"])
        rounds.show(prompt_id)
        rounds.end(prompt_id, "Ada")
    assert [one for one in range(1, 6) if rounds.is_shown(one)] == [4, 5], "or a process grows with each vote"

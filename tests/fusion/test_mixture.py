from __future__ import annotations

import threading

import pytest

from blender_ui.errors import FusionError
from blender_ui.fusion.fusers import MemberFuser
from blender_ui.fusion.mixture import MixtureFuser
from blender_ui.values import RankingPrompt
from tests.builders.scripted_members import ScriptedEnsemble, ScriptedMember, failing, hanging, saying
from tests.fusion.test_fusers import CONFIG

PROMPT = RankingPrompt(instruction="How is tea made?")
FIRST = ["Boil water.", "Add leaves."]


def test_members_see_all_answers_and_the_aggregator_what_they_wrote_then() -> None:
    proposers = [
        ScriptedMember("A", saying("Water, then leaves.")),
        ScriptedMember("B", saying("Wait, too.")),
    ]
    aggregator = ScriptedMember("C", saying("Water, leaves, and wait."))
    fuser = MixtureFuser(MemberFuser(aggregator, CONFIG), ScriptedEnsemble(*proposers))
    last = list(fuser.stream(PROMPT, FIRST))[-1]
    assert last.text == "Water, leaves, and wait."
    for proposer in proposers:
        (asked,) = proposer.asked
        assert all(text in asked[1].content for text in (PROMPT.instruction, *FIRST))
        assert "your own best answer" in asked[1].content
    read = aggregator.asked[0][1].content
    assert "Water, then leaves." in read
    assert "Wait, too." in read
    assert "Boil water." not in read
    assert fuser.options["rounds"] == 2
    assert fuser.name != MemberFuser(aggregator, CONFIG).name


def test_a_member_that_fails_in_the_second_round_is_left_out() -> None:
    proposers = [ScriptedMember("A", failing("crashed", "A fell over")), ScriptedMember("B", saying("Wait."))]
    aggregator = ScriptedMember("C", saying("Tea."))
    fuser = MixtureFuser(MemberFuser(aggregator, CONFIG), ScriptedEnsemble(*proposers))
    assert list(fuser.stream(PROMPT, FIRST))[-1].text == "Tea."
    with pytest.raises(FusionError, match="no member answered in the second round: A fell over"):
        list(
            MixtureFuser(MemberFuser(aggregator, CONFIG), ScriptedEnsemble(proposers[0])).stream(
                PROMPT, FIRST
            )
        )


def test_stopping_ends_the_second_round() -> None:
    stop = threading.Event()
    fuser = MixtureFuser(
        MemberFuser(ScriptedMember("C", saying("Tea.")), CONFIG),
        ScriptedEnsemble(ScriptedMember("A", hanging("I th"))),
    )
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(FusionError, match="stopped"):
        list(fuser.stream(PROMPT, FIRST, stop=stop))

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import FusionError, SettingsError
from blender_ui.fusion.fusers import MemberFuser, choose_fuser, settle
from blender_ui.fusion.protocol import Checkpoint, FusedPiece, Fuser
from blender_ui.fusion.remote import EngineFuser
from blender_ui.members.configuration import Backend, Limits, MemberConfig
from blender_ui.members.protocol import Sampling
from blender_ui.values import RankingPrompt
from tests.builders.scripted_members import ScriptedEnsemble, ScriptedMember, failing, hanging, saying

PROMPT = RankingPrompt(instruction="How is tea made?")
CONFIG = MemberConfig(name="A", backend=Backend.OPENAI, model="a", sampling=Sampling(temperature=0.9))


def pieces(fuser: Fuser, stop: threading.Event | None = None) -> list[FusedPiece]:
    return list(fuser.stream(PROMPT, ["Boil water.", "Add leaves."], stop=stop))


def test_a_member_is_asked_with_the_sources_and_its_answer_streams() -> None:
    long = "Boil water and add leaves. " * 5
    member = ScriptedMember("A", saying("Here is the combined answer:\n", long, "Wait."))
    found = pieces(MemberFuser(member, CONFIG))
    assert [piece.text for piece in found] == [long.strip(), long + "Wait.", long + "Wait."]
    assert found[-1] == FusedPiece(long + "Wait.", 3, "stop")
    system, user = member.asked[0]
    assert (system.role, user.role) == ("system", "user")
    assert (
        user.content.index("tea made?")
        < user.content.index("Boil water.")
        < user.content.index("Add leaves.")
    )


def test_a_member_fuses_cooler_than_it_answers_and_never_warmer() -> None:
    member = ScriptedMember("A", saying("Tea."))
    pieces(MemberFuser(member, CONFIG))
    pieces(MemberFuser(member, replace(CONFIG, sampling=Sampling(temperature=0.1))))
    assert [options.temperature for options in member.options if options] == [0.3, 0.1]


def test_a_short_context_gets_shortened_sources() -> None:
    member = ScriptedMember("A", saying("Tea."))
    config = replace(CONFIG, limits=Limits(n_context=256), sampling=Sampling(max_tokens=200))
    list(MemberFuser(member, config).stream(PROMPT, ["word " * 500, "text " * 500]))
    assert len(member.asked[0][1].content) < 256 * 3


def test_a_members_failure_is_a_fusion_error() -> None:
    with pytest.raises(FusionError, match=r"no token for 60 s$"):
        pieces(MemberFuser(ScriptedMember("A", failing("timeout", "no token for 60 s.", "Half")), CONFIG))
    with pytest.raises(FusionError, match="nothing that can be shown"):
        pieces(MemberFuser(ScriptedMember("A", saying(" ", "\n")), CONFIG))


def test_stop_reaches_the_member() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(FusionError, match="stopped"):
        pieces(MemberFuser(ScriptedMember("A", hanging()), CONFIG), stop)


def test_the_setting_names_a_member_a_folder_or_the_first_that_may(tmp_path: Path) -> None:
    members = ScriptedEnsemble(ScriptedMember("A", saying("a")), ScriptedMember("B", saying("b")))
    members.configs = (replace(members.configs[0], can_fuse=False), members.configs[1])
    process = EngineProcess({})

    def chosen(setting: str) -> Fuser:
        return choose_fuser(setting, members=members, process=process)

    assert chosen("").name == "B"
    members.configs = (replace(members.configs[0], can_fuse=True), members.configs[1])
    assert chosen("").name == "A"
    members.configs = (members.configs[0], replace(members.configs[1], fuses_first=True))
    assert chosen("").name == "B"
    assert chosen("A").name == "A"
    (tmp_path / "config.json").write_text("{}")
    assert isinstance(chosen(str(tmp_path)), EngineFuser)
    assert chosen(str(tmp_path)).name == tmp_path.name
    with pytest.raises(SettingsError, match=r"'C' is neither a member \(A, B\) nor"):
        chosen("C")


def test_where_no_member_may_fuse_each_fusion_says_so_and_nothing_else_fails() -> None:
    members = ScriptedEnsemble(ScriptedMember("A", saying("a")))
    members.configs = (replace(members.configs[0], can_fuse=False),)
    fuser = choose_fuser("", members=members, process=EngineProcess({}))
    with pytest.raises(FusionError, match="can_fuse = true"):
        pieces(fuser)


def test_a_settled_fuser_stays_who_it_was_when_a_version_is_activated(tmp_path: Path) -> None:
    members = ScriptedEnsemble(ScriptedMember("A", saying("a")))
    found = [Checkpoint("fuser version 1", tmp_path / "1")]
    fuser = choose_fuser("", members=members, process=EngineProcess({}), find_trained=lambda: found[-1])
    settled = settle(fuser)
    found.append(Checkpoint("fuser version 2", tmp_path / "2"))
    assert (settled.name, fuser.name) == ("fuser version 1", "fuser version 2")
    assert settle(settled) is settled

"""``blender-ui init`` finds servers, asks their models, and writes a file that the app reads."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from blender_ui.cli import init, main
from blender_ui.cli.prepare import list_needed
from blender_ui.members import finding
from blender_ui.members.configuration import MemberConfig, load_members
from blender_ui.members.finding import Server
from blender_ui.settings import load_settings
from tests.members.scripted_endpoint import KEY, ScriptedEndpoint, refuses, says


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BLENDER_UI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BLENDER_UI_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ScriptedEndpoint]]:
    """Two of the four usual servers run, each where its kind is looked for."""
    ollama = ScriptedEndpoint([says("Paris", ".")], models=["llama3.2:latest", "qwen2.5:7b"], wants_key=False)
    embeds = ScriptedEndpoint(
        [refuses(400, {"error": "does not support chat"})], models=["org/embedder"], wants_key=False
    )
    with socket.socket() as silent, ExitStack() as running:
        silent.bind(("127.0.0.1", 0))  # nobody listens
        for server in (ollama, embeds):
            running.enter_context(server.running())
        usual = (
            Server("Ollama", ollama.base_url),
            Server("vLLM", f"http://127.0.0.1:{silent.getsockname()[1]}/v1"),
            Server("LM Studio", embeds.base_url),
        )
        monkeypatch.setattr(init, "USUAL_SERVERS", usual)
        monkeypatch.setattr(finding.find_servers, "__defaults__", (usual,))
        yield {"ollama": ollama, "embeds": embeds}


def answer(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A person at a terminal, who says these; gives the questions as they come."""
    asked: list[str] = []
    coming = iter(answers)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

    def read(question: str = "") -> str:
        asked.append(question)
        return next(coming)

    monkeypatch.setattr("builtins.input", read)
    return asked


def read_members(home: Path) -> dict[str, MemberConfig]:
    return {member.name: member for member in load_members(home / "members.toml")}


@pytest.mark.usefixtures("servers")
def test_what_answers_is_taken_and_what_does_not_is_written_down_with_the_reason(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--yes"]) == 0
    said = capsys.readouterr().out
    members = read_members(home)
    enabled = [name for name, member in members.items() if member.enabled]
    assert enabled == ["llama3.2 (Ollama)", "qwen2.5:7b (Ollama)"]
    assert members["llama3.2 (Ollama)"].fuses_first
    assert not members["embedder (LM Studio)"].enabled
    text = (home / "members.toml").read_text()
    assert "does not support chat" in text
    assert "It answered after" in text
    assert "Paris." in text
    assert "vLLM" in said
    assert "nothing" in said
    # The package's are there, to be enabled; their weights are not fetched for nothing.
    assert members["Qwen2.5 Coder 1.5B"].enabled is False
    needed = {model.name for model in list_needed(load_settings({"BLENDER_UI_HOME": str(home)}))}
    assert needed == {"smollm2-135m", "all-minilm-l6-v2"}


def test_three_questions_choose(
    home: Path, servers: dict[str, ScriptedEndpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "2, 1", "y", "2")
    assert main(["init"]) == 0
    assert [question[:3] for question in asked] == ["1/3", "2/3", "3/3"]
    members = read_members(home)
    assert list(members)[-2:] == ["qwen2.5:7b (Ollama)", "llama3.2 (Ollama)"]
    assert all(member.enabled for member in members.values())
    assert [name for name, member in members.items() if member.fuses_first] == ["llama3.2 (Ollama)"]
    assert not servers["embeds"].requests  # nobody chose it, so it was not asked


@pytest.mark.usefixtures("servers")
def test_an_answer_that_is_none_is_asked_for_again_and_never_taken_for_no(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answer(monkeypatch, ",", "9", "1 2", "si", "Y", "nobody", "2")
    assert main(["init"]) == 0
    assert [question[:3] for question in asked] == ["1/3", "1/3", "1/3", "2/3", "2/3", "3/3", "3/3"]
    said = capsys.readouterr().out
    assert "expected numbers from 1 to 3, all, none or an address; came ','" in said
    assert "expected yes or no; came 'si'" in said
    assert "or its number; came 'nobody'" in said
    members = read_members(home)
    assert members["Qwen2.5 Coder 1.5B"].enabled
    assert [name for name, member in members.items() if member.fuses_first] == ["qwen2.5:7b (Ollama)"]


@pytest.mark.usefixtures("servers")
def test_another_endpoint_is_added_by_its_address_and_its_key_s_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedEndpoint([says("Paris")], models=["hosted"]).running() as hosted:
        monkeypatch.setenv("HOSTED_KEY", KEY)
        asked = answer(monkeypatch, "9", hosted.base_url, f"{hosted.base_url} HOSTED_KEY", "4", "", "")
        assert main(["init"]) == 0
        said = capsys.readouterr().out
        assert "expected numbers from 1 to 3" in said
        assert "name the variable" in said
        assert len(asked) == 6
        (member,) = [member for member in read_members(home).values() if member.model == "hosted"]
        assert (member.key_env, member.enabled, member.base_url) == ("HOSTED_KEY", True, hosted.base_url)
    assert KEY not in (home / "members.toml").read_text()


def test_options_answer_in_advance(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedEndpoint([says("Paris")], models=["a", "b", "c"]).running() as hosted:
        monkeypatch.setenv("HOSTED_KEY", KEY)
        options = ["--endpoint", hosted.base_url, "--key-env", "HOSTED_KEY", "--model", "c", "a"]
        assert main(["init", "--yes", *options, "--embedded", "no", "--fuser", "2"]) == 0
    enabled = [member.model for member in read_members(home).values() if member.enabled]
    assert enabled == ["c", "a"]


def test_without_a_server_the_package_s_models_answer(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(finding.find_servers, "__defaults__", ((),))
    assert main(["init", "--yes", "--embedded", "no"]) == 1
    assert "nobody would answer" in capsys.readouterr().err
    assert not (home / "members.toml").exists()
    assert main(["init", "--yes"]) == 0
    assert sum(member.enabled for member in read_members(home).values()) == 3


@pytest.mark.usefixtures("servers")
def test_a_file_that_somebody_wrote_is_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    written = "# mine\n[[member]]\nname = 'A'\nbackend = 'llama_cpp'\nmodel = 'smollm2-135m'\n"
    (home / "members.toml").write_text(written)
    assert main(["init", "--yes"]) == 1
    assert "--replace" in capsys.readouterr().err
    assert (home / "members.toml").read_text() == written
    assert main(["init", "--yes", "--replace"]) == 0
    assert (home / "members.toml.before").read_text() == written
    assert "A" not in read_members(home)


@pytest.mark.usefixtures("servers")
def test_nobody_at_a_terminal_is_told_how_to_go_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 1
    assert "--yes" in capsys.readouterr().err
    assert not home.exists() or not list(home.iterdir())


def test_an_answer_of_many_lines_and_strange_letters_stays_a_comment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nasty = 'Paris\n[[member]]\nname = "x"\r\x00\x1b[31m' + "é" * 300
    name = 'a "quoted" \\ model/of\tours'
    with ScriptedEndpoint([says(nasty)], models=[name], wants_key=False).running() as server:
        monkeypatch.setattr(finding.find_servers, "__defaults__", ((Server("Ollama", server.base_url),),))
        assert main(["init", "--yes"]) == 0
    found = [member for member in read_members(home).values() if member.backend == "openai"]
    assert [member.model for member in found] == [name]
    assert json.dumps(found[0].model) != name

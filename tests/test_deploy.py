"""Dockerfile and compose.yaml, as far as they go without an engine: what they name is there, and agrees."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from benchmarks.commands import STEPS
from blender_ui import cli
from blender_ui.members.configuration import parse_members
from blender_ui.settings import list_set, load_settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "compose.yaml").read_text()
    values = {"POSTGRES_PASSWORD": "secret", "VLLM_API_KEY": "key"}

    def fill(found: re.Match[str]) -> str:
        name, _, rest = found[1].partition(":")
        return values.get(name, rest.removeprefix("-") if rest.startswith("-") else "")

    loaded: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{([^}]+)\}", fill, text))
    return loaded


def test_the_app_s_settings_are_settings(compose: dict[str, Any]) -> None:
    for name in ("web", "worker"):
        environment = compose["services"][name]["environment"]
        settings = load_settings(environment)
        assert list_set(environment)
        assert settings.store_url == "postgresql+psycopg://blender:secret@database/blender"
        assert settings.worker == "none"  # the workers are services of their own


def test_commands_are_ours(compose: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = compose["services"]["worker"]["command"]
    assert program == "blender-ui"
    with pytest.raises(SystemExit, match="0"):
        cli.main([*arguments, "--help"])
    assert "worker" in capsys.readouterr().out


def test_every_member_is_a_service_that_serves_it(compose: dict[str, Any]) -> None:
    path = ROOT / "deploy" / "members.toml"
    members = parse_members(path.read_text(), source=path.name)
    assert len(members) >= 2
    for member in members:
        address = urlsplit(member.base_url or "")
        service = compose["services"][address.hostname]
        command = service["command"]
        assert command[command.index("--served-model-name") + 1] == member.model
        assert member.key_env in service["environment"]


def test_what_is_mounted_and_watched_is_there(compose: dict[str, Any]) -> None:
    volumes = [volume for service in compose["services"].values() for volume in service.get("volumes", [])]
    for volume in volumes:
        source = volume.split(":")[0]
        assert source in compose["volumes"] or (ROOT / source).is_file(), volume
    watched = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    targets = [
        target
        for job in watched["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    ]
    assert {target.split(":")[0] for target in targets} <= set(compose["services"])


def test_what_the_image_copies_is_there_and_is_not_left_out_of_its_context() -> None:
    ignored = set((ROOT / ".dockerignore").read_text().split())
    copied = [
        name
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
        for name in line.split()[2:-1]
    ]
    assert "pyproject.toml" in copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert name not in ignored


def test_a_space_is_made_from_the_readme() -> None:
    front = yaml.safe_load((ROOT / "README.md").read_text().split("---")[1])
    exposed = re.search(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert exposed is not None
    assert (front["sdk"], front["app_port"]) == ("docker", int(exposed[1]))
    assert front["hf_oauth"] is True  # without it the account page offers no sign-in by the hub
    assert len(front["short_description"]) <= 60


def test_a_space_with_the_gradio_sdk_gets_the_packages_and_the_version_that_we_test() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == sorted(project["dependencies"])
    gradio = re.search(r"^gradio==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert gradio is not None
    assert f"`sdk_version: {gradio[1]}`" in (ROOT / "docs" / "operating.md").read_text()
    assert (ROOT / "app.py").is_file()


def test_links_of_the_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
            if "://" not in link:
                assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_dockerfile_has_no_fault_that_a_linter_knows() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"  # from the test extra
    # Debian's packages are not pinned: the image takes the security updates of its base.
    found = subprocess.run(
        [hadolint, "--ignore", "DL3008", "--ignore", "DL3066", str(ROOT / "Dockerfile")],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout


def test_the_page_of_commands_names_every_one_and_no_other() -> None:
    rows = [
        line
        for line in (ROOT / "docs" / "commands.md").read_text().splitlines()
        if line.startswith("| `blender-ui ")
    ]
    named = {
        name
        for row in rows
        for name in re.findall(r"`(?:blender-ui )?([a-z]+)(?: [^`]*)?`", row.split(" | ")[0])
    }
    assert named == set(cli._MODULES)


def test_commands_of_the_documents_are_understood() -> None:
    """Every line of a console example that calls ``blender-ui`` is one that its parser takes."""
    examples = {
        line.split("#")[0].strip()
        for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for block in re.findall(
            r"^```(?:console|bash|sh)?\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL
        )
        for line in block.splitlines()
        if line.startswith("blender-ui ") and not re.search(r" \[| \| ", line)  # those are forms
    }
    assert len(examples) > 10
    refused = []
    for example in sorted(examples):
        try:
            cli._parser().parse_args(shlex.split(example.replace("...", "x"))[1:])
        except SystemExit as ended:
            refused += [example] if ended.code else []
    assert not refused


def test_the_run_of_all_commands_has_every_one_and_lines_that_are_understood() -> None:
    lines = [shlex.split(line) for line in STEPS.strip().splitlines()]
    ours = [line[line.index("blender-ui") + 1 :] for line in lines if "blender-ui" in line]
    assert {line[0] for line in ours} == {*cli._MODULES, "--version"}
    for line in ours:
        if line != ["--version"]:
            cli._parser().parse_args(line)

"""Settings come from the environment, and a wrong one is said, never ignored."""

from pathlib import Path

import pytest

from blender_ui.errors import SettingsError
from blender_ui.settings import load_settings


def test_defaults_need_no_environment() -> None:
    settings = load_settings({"PATH": "/usr/bin"})

    assert settings.port == 7860
    assert settings.store_url == "sqlite:///var/blender.sqlite"
    assert settings.weights_path.is_absolute()


def test_code_runs_where_the_setting_allows_it_and_never_in_a_demo() -> None:
    allowed = {"BLENDER_UI_RUN_CODE": "yes"}
    assert not load_settings({}).may_run_code
    assert load_settings(allowed).may_run_code
    assert not load_settings({**allowed, "BLENDER_UI_ACCESS": "demo"}).may_run_code


def test_variables_replace_defaults() -> None:
    settings = load_settings(
        {"BLENDER_UI_HOME": "/srv/x", "BLENDER_UI_PORT": "8000", "BLENDER_UI_TOP_K": "2"}
    )

    assert settings.home_path == Path("/srv/x")
    assert (settings.port, settings.top_k) == (8000, 2)
    assert settings.jobs_url == "sqlite:////srv/x/jobs.sqlite"


def test_a_misspelt_variable_is_refused_with_the_known_names() -> None:
    with pytest.raises(SettingsError, match=r"BLENDER_UI_PROT is not a setting.*BLENDER_UI_PORT"):
        load_settings({"BLENDER_UI_PROT": "8000"})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BLENDER_UI_PORT", "eighty", "must be a whole number, not 'eighty'"),
        ("BLENDER_UI_HUB", "maybe", "must be yes or no, not 'maybe'"),
        ("BLENDER_UI_ACCESS", "all", "must be open, accounts or demo, not 'all'"),
        ("BLENDER_UI_WORKER", "thread", "must be spawn or none, not 'thread'"),
        ("BLENDER_UI_OVERLAP", "0", "must be at least 1, not 0"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_by_name(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} {message}$"):
        load_settings({variable: value})


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("", "sqlite:///var/blender.sqlite"),
        ("postgresql+psycopg://me:se:cr@et@db:5432/x", "postgresql+psycopg://me:***@db:5432/x"),
        ("postgres//me:secret@db/x", "postgres//me:***@db/x"),
        ("me:secret@db", "me:***@db"),
        ("postgresql+psycopg://me:secret@[::1/x", "postgresql+psycopg://me:***@[::1/x"),
        ("postgresql+psycopg://db/x?password=secret&a=b", "postgresql+psycopg://db/x?password=***&a=b"),
        ("sqlite:////a b/x.sqlite", "sqlite:////a b/x.sqlite"),
        ("postgresql+psycopg://me@db/x?sslmode=require", "postgresql+psycopg://me@db/x?sslmode=require"),
    ],
)
def test_what_is_printed_of_the_database_has_no_password(url: str, name: str) -> None:
    assert load_settings({"BLENDER_UI_DATABASE_URL": url} if url else {}).store_name == name


def test_gradios_own_variables_say_where_to_listen_until_ours_do() -> None:
    of_gradio = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "7999"}
    assert (load_settings(of_gradio).host, load_settings(of_gradio).port) == ("0.0.0.0", 7999)
    ours = load_settings(of_gradio | {"BLENDER_UI_HOST": "::1", "BLENDER_UI_PORT": "1"})
    assert (ours.host, ours.port) == ("::1", 1)
    with pytest.raises(SettingsError, match="GRADIO_SERVER_PORT must be a whole number"):
        load_settings({"GRADIO_SERVER_PORT": "seven"})


@pytest.mark.parametrize("frames", ["wiki.example", "https://a.example; script-src *", "*", "https://a b"])
def test_a_frame_s_address_cannot_end_the_policy(frames: str) -> None:
    with pytest.raises(SettingsError, match="BLENDER_UI_FRAMES must be addresses such as"):
        load_settings({"BLENDER_UI_FRAMES": frames})


def test_on_a_space_the_hub_s_pages_may_show_the_app() -> None:
    assert "https://huggingface.co" in load_settings({"SPACE_ID": "me/space"}).frames
    named = {"SPACE_ID": "me/space", "BLENDER_UI_FRAMES": "https://wiki.example"}
    assert load_settings(named).frames == "https://wiki.example"
    assert load_settings({}).frames == ""


def test_a_space_is_a_demo_unless_somebody_says_otherwise() -> None:
    assert load_settings({"SPACE_ID": "me/space"}).access == "demo"
    assert load_settings({"SPACE_ID": "me/space", "BLENDER_UI_ACCESS": "accounts"}).access == "accounts"
    assert load_settings({}).access == "open"

"""What the web app answers in a language that is asked for: pages, failures, handlers; never programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from blender_ui.language import speaking
from blender_ui.ui.app import BUILDERS, HOME, LABEL, LEADERBOARD, build_app
from blender_ui.ui.built import Built, translate_html
from blender_ui.ui.serving.web import build_web
from tests.ui.scripted_services import build_scripted_services

GERMAN = {"accept-language": "de-DE,de;q=0.9,en;q=0.5"}
PAGES = {page: BUILDERS[page] for page in (HOME, LABEL, LEADERBOARD)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    services = build_scripted_services(tmp_path_factory.mktemp("home"))
    pages = build_app(services, builders=PAGES)
    with TestClient(build_web(pages, services.settings), base_url="http://localhost") as client:
        yield client
    pages.close(verbose=False)
    services.engine.dispose()


def read_configuration(page: str) -> dict[str, Any]:
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", page, re.DOTALL)
    assert found is not None
    configuration: dict[str, Any] = json.loads(found[1])
    return configuration


def test_a_page_is_built_in_the_language_that_the_browser_asks_for(client: Any) -> None:
    english, german = client.get("/label").text, client.get("/label", headers=GERMAN).text
    assert "Left is better" in english
    assert "Links ist besser" not in english
    assert "Links ist besser" in german
    assert "Left is better" not in german
    head = read_configuration(german)["head"]
    assert "Keine Verbindung zum Server." in head
    assert "Keine Verbindung zum Server." not in read_configuration(english)["head"]


def test_a_page_says_what_its_language_depends_on(client: Any) -> None:
    vary = client.get("/label").headers["vary"].lower()
    assert "accept-language" in vary
    assert "cookie" in vary


def test_labels_placeholders_and_buttons_are_german(client: Any) -> None:
    components = read_configuration(client.get("/", headers=GERMAN).text)["components"]
    by_id = {one["props"].get("elem_id"): one["props"] for one in components}
    assert by_id["blend-ask"]["value"] == "Fragen"
    assert by_id["blend-prompt"]["label"] == "Die Frage"
    assert by_id["blend-prompt"]["placeholder"] == "Enter sendet, Umschalt+Enter beginnt eine neue Zeile"


def test_a_failure_has_a_page_in_the_same_language(client: Any) -> None:
    answer = client.get("/nowhere", headers={**GERMAN, "accept": "text/html"})
    assert answer.status_code == 404
    assert '<html lang="de">' in answer.text
    assert "Diese Seite gibt es nicht" in answer.text
    assert '<html lang="en">' in client.get("/nowhere", headers={"accept": "text/html"}).text


def ask(client: Any, endpoint: str, *data: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = client.post(f"/gradio_api/run/{endpoint}", json={"data": list(data)}, headers=headers or {})
    reply: dict[str, Any] = answer.json()["data"][0]
    return reply


def test_a_handler_refuses_and_answers_in_the_language_of_its_request(client: Any) -> None:
    for headers, said in ((None, "expected this browser's key"), (GERMAN, "erwartet war der Schlüssel")):
        assert said in ask(client, "label_undo", "short", 1, headers=headers)["error"]
    key = "k" * 32
    said = ask(client, "label_undo", key, 1, headers={"cookie": "blender-ui-language=de"})["notice"]
    assert said == "Es gibt nichts zurückzunehmen."
    assert ask(client, "label_undo", key, 1)["notice"] == "There is nothing to take back."


def test_programs_are_answered_in_english(client: Any) -> None:
    plain, german = (client.get("/v1/nowhere", headers=headers) for headers in ({}, GERMAN))
    assert plain.status_code == german.status_code
    assert plain.json()["error"]["message"] == german.json()["error"]["message"]


def test_only_what_a_component_says_is_translated() -> None:
    properties = {
        "label": "Rank",
        "info": "A sentence that no catalogue has",
        "value": "Rank",
        "choices": [["Rank", "Rank"], ["Score", 3]],
    }
    configuration = {"head": "<script></script>", "components": [{"type": "radio", "props": properties}]}
    built = Built(configuration)
    assert built.read("en") is configuration
    (component,) = built.read("de")["components"]
    assert component["props"] == {
        "label": "Rang",
        "info": "A sentence that no catalogue has",
        "value": "Rank",
        "choices": [("Rang", "Rank"), ("Wert", 3)],
    }
    assert properties["label"] == "Rank"
    assert built.read("de") is built.read("de")


def test_html_of_ours_keeps_its_tags_and_space() -> None:
    drawn = '<p title="Undo">\n  The\n  ranking <b>Ask</b> &lt;Ask&gt;</p><i data-name="Ask">x</i>'
    with speaking("de"):
        assert translate_html(drawn) == (
            '<p title="Rückgängig">\n  Die Rangfolge <b>Fragen</b> &lt;Ask&gt;</p><i data-name="Ask">x</i>'
        )

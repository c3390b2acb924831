"""The data page in Chromium: a file with a fault, a file without, and everything out again."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from blender_ui.ui.data.handlers import DataHandlers
from tests.browser.conftest import Open, Serve
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

RECORDS = [
    {
        "id": f"q{number}",
        "prompt": f"Question {number}?",
        "source": "a-set",
        "candidates": [{"model": "A", "text": f"Yes {number}."}, {"model": "B", "text": f"No {number}."}],
        "labels": [],
    }
    for number in range(30)
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> tuple[Any, str]:
    services = build_scripted_services(tmp_path_factory.mktemp("home"))
    return services, serve(services)


def test_a_file_with_a_fault_changes_nothing_and_one_without_becomes_pairs_to_label(
    site: tuple[Any, str], open_page: Open, tmp_path: Path
) -> None:
    services, url = site
    lines = [json.dumps(record) for record in RECORDS]
    bad, good = tmp_path / "bad.jsonl", tmp_path / "good.jsonl.gz"
    bad.write_text("\n".join([*lines[:7], '{"id": "x", "prompt": 5}', *lines[8:]]))
    good.write_bytes(gzip.compress("\n".join(lines).encode()))
    page = open_page(f"{url}data")
    expect(page.locator("#data-sources")).to_contain_text("The store is empty")

    page.set_input_files("#data-upload input[type=file]", bad)
    expect(page.locator("#data-upload a[href*='/bad.jsonl']").first).to_be_attached()
    page.click("#data-import")
    expect(page.locator("#data-outcome td").first).to_have_text("8")
    assert services.inspection.list_sources() == ()

    page.click("#data-upload button[aria-label='Clear'], #data-upload button[aria-label='Remove this file']")
    page.set_input_files("#data-upload input[type=file]", good)
    expect(page.locator("#data-upload a[href*='/good.jsonl']").first).to_be_attached()
    expect(page.locator("#data-preview")).to_contain_text("read as this app's records: 0 votes, 30 prompts")
    page.click("#data-import")
    expect(page.locator("#data-outcome")).to_contain_text("good.jsonl.gz is in the store")
    expect(page.locator("#data-sources td")).to_have_text(["a-set", "30", "60", "0", "30"])

    page.click("#data-export")
    with page.expect_download() as downloading:
        page.locator("#data-download a").first.click()
    exported = gzip.decompress(downloading.value.path().read_bytes()).decode().splitlines()
    assert [json.loads(line)["id"] for line in exported] == [record["id"] for record in RECORDS]

    page.goto(f"{url}label")
    expect(page.locator(".instruction")).to_contain_text("Question")


def test_columns_of_an_unknown_file_are_mapped_by_hand_and_its_left_rows_can_be_had(
    site: tuple[Any, str], open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = site
    look = DataHandlers.preview

    def look_slowly(*args: Any) -> Any:
        time.sleep(0.4)  # so that a choice comes while the one before it is still looked at
        return look(*args)

    monkeypatch.setattr(DataHandlers, "preview", look_slowly)
    path = tmp_path / "votes.csv"
    path.write_text("Frage;eins;zwei;stimme\nWhy?;A.;B.;0\nHow?;Same.;Same.;1\n")
    page = open_page(f"{url}data")
    page.set_input_files("#data-upload input[type=file]", path)
    expect(page.locator("#data-preview")).to_contain_text("Say below which of them holds the prompt")
    for name, column in (("prompt", "Frage"), ("text_a", "eins"), ("text_b", "zwei"), ("winner", "stimme")):
        page.click(f"#data-map-{name} input")
        page.locator(f"#data-map-{name} [role=option]", has_text=column).click()
    page.fill("#data-words textarea, #data-words input", "0=a, 1=b")
    page.locator("#data-words textarea, #data-words input").blur()
    expect(page.locator("#data-preview")).to_contain_text(
        "read as one label a row: 1 vote, 1 prompt, 1 left out"
    )
    page.click("#data-import")
    expect(page.locator("#data-outcome")).to_contain_text("votes.csv is in the store")
    with page.expect_download() as downloading:
        page.locator("#data-left-rows a").first.click()
    (left,) = map(json.loads, downloading.value.path().read_text().splitlines())
    assert (left["Frage"], left["left_out_at"]) == ("How?", "line 3")

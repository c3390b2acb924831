"""The whole story with the real app and the real embedded models: ask, vote, label, train, rank, fuse.

Set STORY_SCREENSHOTS to a folder to keep a picture of every page, by day and by night, on a wide screen, a
small one and a phone.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from blender_ui.settings import load_settings
from blender_ui.weights.catalogue import default_models
from blender_ui.weights.resolver import is_cached, is_reader_prepared
from tests.browser.conftest import Open
from tests.browser.test_label_page import SEEN_AFTER_MS, wait_for_pair

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
N_LABELS = 40
PICTURE_WIDTHS = {1440: "", 1024: "-1024", 390: "-390"}
"""Pixels, and what the picture's name ends in."""
PICTURE_QUALITY = 72
"""Of WebP; letters have no visible shadow, and a page takes a third of its PNG."""
MODEL_PATIENCE_MS = 300_000
"""Three models share two cores with the browser; only a failing test waits this long."""
CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon", "Austria": "Vienna",
    "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki", "Poland": "Warsaw", "Greece": "Athens",
    "Ireland": "Dublin", "Hungary": "Budapest", "Egypt": "Cairo", "Kenya": "Nairobi", "Japan": "Tokyo",
    "Peru": "Lima", "Cuba": "Havana", "Chile": "Santiago", "Iran": "Tehran", "Nepal": "Kathmandu",
}  # fmt: skip
COLOURS = {
    "grass": "green", "a ripe banana": "yellow", "snow": "white", "coal": "black", "a clear sky": "blue",
    "a tomato": "red", "an orange": "orange", "a plum": "purple", "a flamingo": "pink", "an elephant": "grey",
    "blood": "red", "milk": "white", "a lemon": "yellow", "a crow": "black", "a cucumber": "green",
    "an aubergine": "purple", "chocolate": "brown", "a polar bear": "white", "a sapphire": "blue",
    "a ruby": "red",
}  # fmt: skip


def write_pairs(path: Path) -> set[str]:
    """Forty prompts with a sensible and a senseless answer each; gives the sensible ones."""
    questions = [
        (f"What is the capital of {country}?", f"The capital of {country} is {city}.", country)
        for country, city in CAPITALS.items()
    ] + [
        (f"What colour is {thing}?", f"The colour of {thing} is usually {colour}.", thing)
        for thing, colour in COLOURS.items()
    ]
    with path.open("w", encoding="utf-8") as file:
        for number, (question, sensible, thing) in enumerate(questions):
            senseless = f"{thing} {thing} of of is the the perhaps, it cannot not be {number} {thing} thus"
            answers = [{"model": "scholar", "text": sensible}, {"model": "parrot", "text": senseless}]
            record = {"id": f"story-{number}", "prompt": question, "candidates": answers, "labels": []}
            file.write(json.dumps(record | {"source": "story", "licence": "CC0-1.0", "lang": "en"}) + "\n")
    return {sensible for _, sensible, _ in questions}


@pytest.fixture(scope="module")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = load_settings(os.environ)
    cache = settings.weights_path
    needed = [model.name for model in default_models() if not model.is_optional]
    if not all(is_cached(name, cache_path=cache) for name in needed):
        pytest.fail("the embedded weights are missing; `make test` fetches them")
    if not is_reader_prepared(settings.reader, cache_path=cache):
        command = [sys.executable, "-m", "blender_ui.weights", "reader", settings.reader]
        subprocess.run(command, check=True, cwd=ROOT)
    home = tmp_path_factory.mktemp("story")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environ = {
        **os.environ,
        "BLENDER_UI_HOME": str(home),
        "BLENDER_UI_PORT": str(port),
        "BLENDER_UI_EXAMPLES": "no",
    }
    with (home / "app.log").open("w+") as log:
        app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environ, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}/"
        try:
            wait_until_open(app, url, log)
            yield url
        finally:
            app.terminate()
            app.wait(timeout=60)


def wait_until_open(app: subprocess.Popen[bytes], url: str, log: IO[str]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and app.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    log.seek(0)
    pytest.fail(f"the app did not open:\n{log.read()}")


def ask_and_vote(page: Page, question: str) -> None:
    """Ask, wait for every column, and vote for the left answer of the pair by its key."""
    expect(page.locator("#blend-ask")).to_be_enabled()
    page.locator("#blend-prompt textarea").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".bu-writing").first).to_be_visible()
    expect(page.locator("#blend-vote .bu-question")).to_contain_text(
        "Which is better, Answer", timeout=MODEL_PATIENCE_MS
    )
    keep(page, "blend-blind")
    page.wait_for_timeout(300)
    page.keyboard.press("a")
    expect(page.locator("#blend-results")).to_be_visible(timeout=MODEL_PATIENCE_MS)
    # Two answers are enough for a vote; the order of all and the fused answer come with the last one.
    expect(page.locator("#blend-stop")).to_be_hidden(timeout=MODEL_PATIENCE_MS)


def label_by_sense(page: Page, sensible: set[str]) -> None:
    """Label every pair as a careful person would, by keys."""
    wait_for_pair(page)
    expect(page.locator("[data-count=n_mine]")).to_have_text("1")  # the vote on Blend
    for number in range(N_LABELS):
        wait_for_pair(page)
        if number == 5:
            keep(page, "label")
        left = page.locator(".answers > *").first.inner_text()
        page.wait_for_timeout(SEEN_AFTER_MS)
        page.keyboard.press("a" if any(answer in left for answer in sensible) else "b")
        expect(page.locator("[data-count=n_mine]")).to_have_text(str(number + 2))


def wait_until_decided(page: Page) -> None:
    """Wait for the job's end and what it decided, however long others keep the machine busy."""
    expect(page.locator("#train-card")).to_contain_text("Job 1")
    ended = re.compile(r"\b(complete|failed|cancelled)\b")
    while not ended.search(said := page.locator("#train-card").inner_text()):
        page.wait_for_timeout(500)
    assert "complete" in said, said
    # Every vote was for the scholar, so nothing beats its rating; the start ranker is right on hardly any.
    expect(page.locator("#train-decisions")).to_contain_text("Promoted in place of a worse one")


def keep(page: Page, name: str) -> None:
    """Save a picture by day and by night in each of three widths, where somebody wants pictures."""
    folder = os.environ.get("STORY_SCREENSHOTS")
    size = page.viewport_size
    if not folder or size is None:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for width, ending in PICTURE_WIDTHS.items():
        page.set_viewport_size({"width": width, "height": size["height"]})
        for light in ("light", "dark"):
            page.emulate_media(color_scheme=light)
            page.wait_for_timeout(600)
            picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
            picture.save(Path(folder) / f"{name}-{light}{ending}.webp", quality=PICTURE_QUALITY, method=6)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(size)


def show_where_the_fused_answer_came_from(page: Page) -> None:
    """Open the tab that has it: a tab of its own where the ranker put the fused answer below a source."""
    page.get_by_role("tab", name="Where it came from").click()
    shares = page.locator("#blend-shares .bu-shares")
    expect(shares).to_contain_text("%", timeout=MODEL_PATIENCE_MS)
    if "Best answer: " in page.locator("#blend-fused-title").inner_text():
        page.get_by_role("tab", name="The fused answer").click()
        shares = page.locator("#blend-below .bu-shares")
    expect(shares).to_contain_text("own words")


def test_from_the_first_question_to_a_ranker_that_ranks_and_fuses(
    app_url: str, open_page: Open, tmp_path: Path
) -> None:
    page = open_page(app_url)
    ask_and_vote(page, "Give one short tip for learning to play the piano.")
    expect(page.locator("#blend-results")).to_contain_text(
        "The start ranker put them in this order", timeout=MODEL_PATIENCE_MS
    )

    sensible = write_pairs(tmp_path / "pairs.jsonl")
    page.goto(f"{app_url}data")
    page.locator("#data-upload input[type=file]").set_input_files(tmp_path / "pairs.jsonl")
    page.locator("#data-import").click()
    expect(page.locator("#data-outcome")).to_contain_text("40")
    keep(page, "data")

    page.goto(f"{app_url}label")
    label_by_sense(page, sensible)

    page.goto(f"{app_url}train")
    page.locator("#train-go").click()
    wait_until_decided(page)
    expect(page.locator("#train-active")).to_contain_text("Version 2")
    # Whether it is level with the rating, or below it, depends on what the members wrote on this machine.
    expect(page.locator("#train-active")).to_contain_text("the higher-rated member")
    keep(page, "train")

    page.goto(app_url)
    ask_and_vote(page, "Give one short tip for sleeping better.")
    expect(page.locator("#blend-ranking table").first).to_contain_text("SmolLM2", timeout=MODEL_PATIENCE_MS)
    show_where_the_fused_answer_came_from(page)
    page.locator("#blend-ranking").scroll_into_view_if_needed()
    keep(page, "blend")

    page.goto(f"{app_url}inspect")
    expect(page.locator("#inspect-ranks")).to_contain_text("SmolLM2")
    keep(page, "inspect")

    page.goto(f"{app_url}quality")
    expect(page.locator("main")).to_contain_text("Annotator 1")
    keep(page, "quality")

    page.goto(f"{app_url}leaderboard")
    expect(page.locator(".bu-lane", has_text="scholar")).to_be_visible()
    keep(page, "leaderboard")

    page.goto(f"{app_url}projects")
    expect(page.locator("main")).to_contain_text("Default project")
    keep(page, "projects")

    for path, heading in (("ensemble", "Members"), ("people", "People"), ("account", "Account")):
        page.goto(f"{app_url}{path}")
        expect(page.locator("h1")).to_have_text(heading)
        keep(page, path)

    german = open_page(f"{app_url}leaderboard", locale="de-DE")
    expect(german.locator(".bu-lane", has_text="scholar")).to_be_visible()
    expect(german.locator("h1")).to_have_text("Bestenliste")
    expect(german.locator("#leaderboard-lists")).to_contain_text("der Balken ist das 95-%-Intervall")
    expect(german.locator("#leaderboard-lists")).not_to_contain_text("How likely")
    keep(german, "leaderboard-german")

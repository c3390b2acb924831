"""A new user's first ten minutes: what they press, what they see, and how long each step takes.

    python -m benchmarks.first_ten_minutes [--program FOLDER/bin/blender-ui] [--pictures FOLDER]

``--program`` is an installed wheel's; without it this Python's. It opens the app in an empty folder, follows
the researcher's tour in a browser that was never there, asks a question of its own, and labels. Prints the
list that ``docs/first_ten_minutes.md`` has, as Markdown; last line: one JSON object. ``--pictures`` keeps one
of each step, and ``tour.webp``, the animated one of the README (``docs/images``).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from benchmarks.browsing import chromium, clean_environ, serving

PATIENCE_MS = 600_000
SEEN_AFTER_MS = 300
N_LABELS = 5
TOUR_STEPS = (2, 3, 5, 8, 9, 13)
TOUR_WIDTH, TOUR_FRAME_MS, TOUR_QUALITY = 1080, 4000, 60
ABOVE_PIXELS = 90
"""Left above what a picture is of: the page's own head stays there."""
QUESTION = "Why do leaves turn red in autumn?"


@dataclass(kw_only=True)
class Diary:
    """What was pressed and seen.

    Attributes:
        lines: Of Markdown; one a step.
        seconds: From the press to what is seen, by step.
    """

    page: Page
    pictures: Path | None
    lines: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def step(self, pressed: str, *, of: str = "") -> Iterator[list[str]]:
        """Time a step; its body adds what is seen. Its picture is of this element, else of the page."""
        seen: list[str] = []
        began = time.perf_counter()
        yield seen
        self.seconds.append(round(time.perf_counter() - began, 1))
        self.lines.append(f"{len(self.lines) + 1}. {pressed} ({self.seconds[-1]} s): {'; '.join(seen)}.")
        print(self.lines[-1], flush=True)
        if self.pictures is not None:
            if of:
                self._scroll_to(of)
            self.page.screenshot(path=self.pictures / f"{len(self.lines):02}.png")

    def _scroll_to(self, selector: str) -> None:
        place = f"element => window.scrollBy(0, element.getBoundingClientRect().top - {ABOVE_PIXELS})"
        self.page.locator(f"{selector}:visible").first.evaluate(place)
        self.page.wait_for_timeout(SEEN_AFTER_MS)

    def text(self, selector: str) -> str:
        """What the first such element says, in one line."""
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def tour(self) -> str:
        """What the tour says."""
        return f"the tour: “{self.text('.bu-tour h2')}”"


def main(arguments: list[str] | None = None) -> None:
    """Open the app, walk, and print the list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--program", type=Path, default=Path(sys.executable).with_name("blender-ui"))
    parser.add_argument("--pictures", type=Path, help="keep a picture of each step here")
    parser.add_argument("--width", type=int, default=1440)
    options = parser.parse_args(arguments)
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with serving([options.program, "serve"], clean_environ()) as (url, seconds):
        print(f"`blender-ui serve`: the page is open after {seconds} s", flush=True)
        expect.set_options(timeout=PATIENCE_MS)
        with chromium(["--no-sandbox"]) as browser:
            page = browser.new_page(viewport={"width": options.width, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            diary = Diary(page=page, pictures=options.pictures)
            walk(diary, url)
    if options.pictures is not None:
        write_tour(options.pictures)
    told = {"benchmark": "first_ten_minutes", "serve_s": seconds, "steps_s": diary.seconds}
    print(json.dumps(told | {"minutes": round(sum(diary.seconds) / 60, 1)}))


def write_tour(pictures: Path) -> None:
    """One animated picture of the steps that show what the app is for."""
    frames = [Image.open(pictures / f"{step:02}.png").convert("RGB") for step in TOUR_STEPS]
    size = (TOUR_WIDTH, round(TOUR_WIDTH * frames[0].height / frames[0].width))
    first, *others = (frame.resize(size, Image.Resampling.LANCZOS) for frame in frames)
    first.save(
        pictures / "tour.webp", save_all=True, append_images=others, duration=TOUR_FRAME_MS,
        loop=0, quality=TOUR_QUALITY, method=6,
    )  # fmt: skip


def walk(diary: Diary, url: str) -> None:
    """The steps of somebody who follows the tour."""
    blend(diary, url)
    label(diary)
    look_around(diary)
    ask_own(diary, url)


def blend(diary: Diary, url: str) -> None:
    """Open the app, open a recorded question, vote."""
    page = diary.page
    with diary.step("Open the address") as seen:
        page.goto(url)
        expect(page.locator("#blend-ask")).to_be_enabled()
        expect(page.locator(".bu-tour")).to_be_visible()
        n_questions = page.locator("#blend-recorded .gallery-item").count()
        seen += [f"“{diary.text('h1')}”", diary.tour(), f"{n_questions} recorded questions below the box"]
    with diary.step("Press the first recorded question", of=".bu-column-head") as seen:
        page.locator("#blend-recorded .gallery-item").first.click()
        expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better, Answer")
        seen += [f"{page.locator('.bu-column-head h2:visible').count()} answers without names"]
        seen += [f"“{diary.text('#blend-vote .bu-question')}”"]
    with diary.step("Press `A`: the left one is better", of="#blend-reveal") as seen:
        page.locator("h1").click()
        page.wait_for_timeout(SEEN_AFTER_MS)
        page.keyboard.press("a")
        expect(page.locator("#blend-ranking table").first).to_be_visible()
        expect(page.locator("#blend-fused")).not_to_have_text("")
        first = diary.text("#blend-ranking tbody tr")
        seen += [f"names, ranks and the fused answer; the ranking's first row is “{first}”"]


def label(diary: Diary) -> None:
    """The sample project's pairs, by keys."""
    page = diary.page
    with diary.step("Press “Next: Label” in the tour") as seen:
        page.get_by_role("button", name="Next: Label").click()
        expect(page.locator(".label-frame")).to_have_attribute("data-phase", "ready")
        expect(page.locator(".bu-tour")).to_be_visible()
        expect(page.locator("[data-count=n_mine]")).to_have_text(re.compile(r"\d"))  # counted after the pair
        seen += [f"a blind pair, {diary.text('[data-count=n_open]')} still open", diary.tour()]
    with diary.step(f"Press `A` {N_LABELS} times, after reading each pair") as seen:
        before = int(diary.text("[data-count=n_mine]"))
        for number in range(N_LABELS):
            expect(page.locator(".label-frame")).to_have_attribute("data-phase", "ready")
            page.wait_for_timeout(SEEN_AFTER_MS)
            page.keyboard.press("a")
            expect(page.locator("[data-count=n_mine]")).to_have_text(str(before + number + 1))
        seen += [f"“mine” counts {diary.text('[data-count=n_mine]')}; after each vote, who wrote the two"]


def look_around(diary: Diary) -> None:
    """The other pages of the tour, to its end."""
    page = diary.page
    shown = {
        "Members": "h1",
        "Projects": "#projects-list .bu-table",
        "Train": "#train-active :is(.bu-figures, .bu-notice)",
        "Inspect": "#inspect-ranks .bu-table",
    }
    for name, selector in shown.items():
        with diary.step(f"Press “Next: {name}”", of=selector if name == "Inspect" else "") as seen:
            page.get_by_role("button", name=f"Next: {name}").click()
            expect(page.locator(selector)).not_to_have_text("")
            expect(page.locator(".bu-tour")).to_be_visible()
            if name == "Inspect":
                expect(page.locator(".js-plotly-plot .main-svg:visible").first).to_be_visible()
            seen += [f"“{diary.text(selector)[:90]}”", diary.tour()]
    with diary.step("Press “Done”") as seen:
        page.get_by_role("button", name="Done").click()
        expect(page.locator(".bu-tour")).to_have_count(0)
        seen += ["the tour is gone for good; the “?” in the header opens it again"]


def ask_own(diary: Diary, url: str) -> None:
    """One's own question to the embedded models, and the leaderboard."""
    page = diary.page
    with diary.step(f"On Blend, ask “{QUESTION}” and press Enter") as seen:
        page.goto(url)
        expect(page.locator("#blend-ask")).to_be_enabled()
        page.locator("#blend-prompt textarea").fill(QUESTION)
        page.keyboard.press("Enter")
        expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better, Answer")
        seen += ["two answers to one's own question are whole, and a vote is asked for"]
    with diary.step("Press `B`, and wait for the last answer") as seen:
        page.wait_for_timeout(SEEN_AFTER_MS)
        page.keyboard.press("b")
        expect(page.locator("#blend-ranking table").first).to_be_visible()
        expect(page.locator("#blend-stop")).to_be_hidden()
        expect(page.locator("#blend-fused")).not_to_have_text("")
        seen += ["the ranking of all answers and a fused one"]
    with diary.step("Open Leaderboard") as seen:
        page.goto(f"{url}leaderboard")
        expect(page.locator(".bu-lane").first).to_be_visible()
        seen += [f"first is “{diary.text('.bu-lane > span')}”"]


if __name__ == "__main__":
    main()

"""The app as a stranger starts it, Chromium, and the first click: a recorded round."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, Page, sync_playwright

from blender_ui.settings import list_set

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PATIENCE_MS = 300_000
"""Waited for in full only when something fails."""


@contextmanager
def chromium(flags: Sequence[str] = FLAGS) -> Iterator[Browser]:
    """The browser, until the block ends."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("Chromium is not installed; `make browser` says how to get it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(flags))
        try:
            yield browser
        finally:
            browser.close()


def click_recorded(page: Page | FrameLocator) -> tuple[float, float]:
    """Wait for the Blend page and click its first recorded round.

    Returns:
        When the page could be used, and when the answers were there, on ``time.perf_counter``.
    """
    example = page.locator("#blend-recorded .gallery-item").first
    example.wait_for(timeout=PATIENCE_MS)
    page.locator("#blend-ask:enabled").wait_for(timeout=PATIENCE_MS)
    drawn = time.perf_counter()
    example.click()
    page.locator("#blend-vote .bu-question").wait_for(timeout=PATIENCE_MS)
    return drawn, time.perf_counter()


def clean_environ() -> dict[str, str]:
    """This process's environment without settings of the app or modules of the checkout, and a free port."""
    kept = {name: value for name, value in os.environ.items() if name not in list_set(os.environ)}
    kept.pop("PYTHONPATH", None)
    return kept | {"BLENDER_UI_PORT": "0"}


@contextmanager
def serving(command: Sequence[str | Path], environ: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """The app in an empty folder: its address with a slash, and the seconds that it took to open."""
    with tempfile.TemporaryDirectory() as empty:
        began = time.perf_counter()
        served = subprocess.Popen(
            command, cwd=empty, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert served.stdout is not None
        try:
            found = (re.search(r"open at (\S+)", line) for line in served.stdout)
            opened = next((one for one in found if one), None)
            if opened is None:
                raise SystemExit(f"{command[0]}: the app did not open; its last words are above")
            yield opened[1].rstrip("/") + "/", round(time.perf_counter() - began, 1)
        finally:
            served.send_signal(signal.SIGTERM)
            served.wait(timeout=120)
            served.stdout.close()

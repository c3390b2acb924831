"""Chromium, and the real app on a free loopback port with services that a test scripts."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from blender_ui.ui.app import build_app
from blender_ui.ui.serving.web import open_pages

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 30_000
"""Only ever waited for in full when a test fails; a busy machine draws slowly."""

STILL = """(milliseconds) => new Promise((resolve) => {
  let timer;
  const watch = new MutationObserver(() => wait());
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { watch.disconnect(); resolve(); }, milliseconds);
  };
  watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  wait();
})"""
STILL_MS = 300
"""Gradio draws what an answer brought within some frames, and its tabs move into their menu soon after."""
STANDING = ("/heartbeat/",)
"""Requests that last as long as a page is open."""

Serve = Callable[[Any], str]
"""Serves the app over these services and gives its address."""
Open = Callable[..., Page]
"""Opens an address in a browser of its own: ``open_page(url, width=1280, light="light")``.

``is_new=True`` for somebody who was never here.
"""


# Not for the session: Playwright keeps an event loop running in this thread, which DBOS would refuse.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed; `make browser` says how to get it")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


# Not for the session: a dozen servers that nobody asks any more took half of every later test's time.
@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    apps = []

    def start(services: Any) -> str:
        app = build_app(services)
        url = open_pages(app, replace(services.settings, port=0))
        apps.append(app)
        return url

    yield start
    for app in apps:
        app.close(verbose=False)


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    contexts = []

    def start(
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        light: str = "light",
        locale: str = "en-US",
        is_new: bool = False,
    ) -> Page:
        context = chromium.new_context(
            locale=locale,
            viewport={"width": width, "height": height},
            color_scheme="dark" if light == "dark" else "light",
        )
        contexts.append(context)
        if not is_new:  # whoever has been here closed the tour, which lies above each page until then
            context.add_init_script(
                "localStorage.getItem('blender-ui-tour') ?? localStorage.setItem('blender-ui-tour', 'over')"
            )
        page = context.new_page()
        follow_requests(page)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        return page

    yield start
    for context in contexts:
        context.close()


_open_requests: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()


def follow_requests(page: Page) -> None:
    """Note which of a page's requests are not answered yet, for ``settle``."""
    under_way = _open_requests[page] = set()

    def begin(request: Request) -> None:
        if not any(part in request.url for part in STANDING):
            under_way.add(request)

    def end(request: Request) -> None:
        under_way.discard(request)

    page.on("request", begin)
    page.on("requestfinished", end)
    page.on("requestfailed", end)


def settle(page: Page) -> None:
    """Wait until every request is answered and nothing has moved since."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        page.evaluate(STILL, STILL_MS)
        if not _open_requests[page]:
            return
    raise AssertionError(f"not answered: {[request.url for request in _open_requests[page]]}")


def find_free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

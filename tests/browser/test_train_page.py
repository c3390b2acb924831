"""The train page in Chromium: a job is asked for, watched to its end, and survives a reload."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Serve
from tests.builders.preferences import add_labeled_prompts
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def site(home: Path, serve: Serve) -> tuple[Any, str]:
    services = build_scripted_services(home)
    return services, serve(services)


@pytest.fixture
def worker(home: Path) -> Iterator[None]:
    """A worker process on the same store, with a reader that needs no weights."""
    command = [sys.executable, "-m", "tests.worker.scripted_worker", str(home), "0.01"]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=30)


def open_train(open_page: Open, url: str, **options: Any) -> Page:
    """Open the page and wait until it has drawn its jobs; what is clicked before may be drawn over."""
    page = open_page(f"{url}train", **options)
    expect(page.locator("#train-jobs")).not_to_be_empty()
    return page


def test_what_is_missing_is_said_before_there_is_enough(site: tuple[Any, str], open_page: Open) -> None:
    page = open_train(open_page, site[1])
    expect(page.locator("#train-readiness")).to_contain_text("0 of 20 decided preferences")
    page.click("#train-go")
    expect(page.locator("#train-notice")).to_contain_text("needs 20")


def test_a_job_is_watched_to_its_end_and_its_version_ranks(
    site: tuple[Any, str], worker: None, open_page: Open
) -> None:
    services, url = site
    add_labeled_prompts(services.engine, n_prompts=80)
    page = open_train(open_page, url)
    expect(page.locator("#train-readiness")).to_contain_text("ready to train")
    page.click("#train-go")
    expect(page.locator("#train-card")).to_contain_text("Job 1")
    expect(page.locator("#train-cancel")).to_be_visible()
    page.reload()
    expect(page.locator("#train-card")).to_contain_text("complete after", timeout=60_000)
    expect(page.locator("#train-versions td").first).to_have_text("1 (active)")
    expect(page.locator("#train-decisions")).to_contain_text("Promoted")
    expect(page.locator("#train-cancel")).to_be_hidden()
    assert services.training.jobs.list_latest()[0].status.value == "complete"


def test_a_job_that_nobody_works_on_can_be_cancelled(site: tuple[Any, str], open_page: Open) -> None:
    services, url = site
    page = open_train(open_page, url, width=390, height=844, light="dark")
    expect(page.locator("#train-readiness")).to_contain_text("ready to train")
    page.click("#train-go")
    expect(page.locator("#train-card")).to_contain_text("waiting for the worker")
    page.click("#train-cancel")
    expect(page.locator("#train-card")).to_contain_text("cancelled")
    assert services.training.jobs.list_latest()[0].status.value == "cancelled"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

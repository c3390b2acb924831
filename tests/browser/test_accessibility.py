"""axe-core finds no serious fault of our own, on every page, by day and by night."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from blender_ui.ui.shell import ACCOUNT, PAGES
from tests.browser.conftest import Open, Serve
from tests.services.scripted_members import ScriptedMember, saying
from tests.services.stores import add_prompts
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

GRADIOS_OWN = (
    # Inside Gradio's own components, whose markup we cannot change.
    "[data-testid]", ".wrap", ".block:not(:has(.html-container))", ".prose", "footer", ".toast-wrap",
)  # fmt: skip
READY_MS = 3000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> str:
    services = build_scripted_services(
        tmp_path_factory.mktemp("home"), ScriptedMember("Aardvark-7B", saying("Hello."))
    )
    for prompt_id in add_prompts(services.engine, n_prompts=5):
        services.labeling.queue_prompt(prompt_id=prompt_id)
    return serve(services)


def axe_source() -> str:
    """axe-core, as the package brings it."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("axe*.js")).read_text(encoding="utf-8")


def faults(page: Page) -> list[str]:
    """Serious and critical violations, each with the element it is about."""
    found: list[dict[str, Any]] = page.evaluate(
        "(exclude) => axe.run({ exclude: exclude.map((one) => [one]) }).then((result) => result.violations)",
        list(GRADIOS_OWN),
    )
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("light", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_our_own(url: str, open_page: Open, light: str) -> None:
    page = open_page(url, light=light)
    found = {}
    for one in (*PAGES, ACCOUNT):
        page.goto(url + one.path)
        page.wait_for_timeout(READY_MS)
        page.evaluate(axe_source())
        found[one.title] = faults(page)
    assert found == {title: [] for title in found}

"""The Members page in Chromium: an endpoint is added by what people have at hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from blender_ui.bootstrap import build_services
from blender_ui.members.file import MembersFile
from blender_ui.settings import Settings
from tests.browser.conftest import Open, Serve
from tests.builders.stores import put_store
from tests.members.scripted_endpoint import ScriptedEndpoint, refuses, says

pytestmark = pytest.mark.browser


def test_an_endpoint_with_a_wrong_path_a_refused_parameter_and_a_slow_start_is_added_by_hand(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    loading = refuses(503, {"error": {"message": "Loading model", "code": 503}}, Retry_After="0.2")
    refused = refuses(400, {"error": {"message": "Unsupported parameter: 'top_p'", "param": "top_p"}})
    scripts = [*[loading] * 4, refused, says("Tea ", "is a drink.")]
    put_store(tmp_path)
    with (
        ScriptedEndpoint(scripts, models=["m"], wants_key=False).running() as endpoint,
        ScriptedEndpoint([says("Tea.")], models=["m"], wants_key=False).running() as other,
    ):
        path = tmp_path / "members.toml"
        path.write_text(
            f'[[member]]\nname = "Ann"\nbackend = "openai"\nmodel = "m"\nbase_url = "{other.base_url}"\n'
        )
        services = build_services(Settings(home_path=tmp_path, members_path=path, port=0, access="open"))
        try:
            page = open_page(f"{serve(services)}ensemble")
            expect(page.locator("#ensemble-members")).to_contain_text("Ann")
            page.fill("#ensemble-name textarea, #ensemble-name input", "<b>Bob</b> & 'Co' $PATH")
            page.fill("#ensemble-model textarea, #ensemble-model input", "m")
            typed = endpoint.base_url.removeprefix("http://").removesuffix("/v1")
            page.fill("#ensemble-url textarea, #ensemble-url input", f"{typed}/docs")
            page.click("#ensemble-add")
            expect(page.locator("#ensemble-added")).to_contain_text("answered after")
            expect(page.locator("#ensemble-added")).to_contain_text("Tea is a drink.")
            expect(page.locator("#ensemble-members")).to_contain_text("<b>Bob</b> & 'Co' $PATH")
        finally:
            services.close()
        added = MembersFile(path).read()[-1]
    assert (added.name, added.base_url) == ("<b>Bob</b> & 'Co' $PATH", endpoint.base_url)
    assert added.price is None
    assert len(endpoint.requests) >= len(scripts)
    assert endpoint.requests[-1].keys() >= {"temperature", "max_tokens"}
    assert "top_p" not in endpoint.requests[-1]


def test_what_is_done_to_a_member_is_done_in_its_row_and_the_row_shows_what_is_stored(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    put_store(tmp_path)
    with ScriptedEndpoint([says("Tea.")], models=["m"], wants_key=False).running() as endpoint:
        path = tmp_path / "members.toml"
        path.write_text(
            "".join(
                f'[[member]]\nname = "{name}"\nbackend = "openai"\nmodel = "m"\n'
                f'base_url = "{endpoint.base_url}"\n'
                for name in ("Ann", "Bob")
            )
        )
        services = build_services(Settings(home_path=tmp_path, members_path=path, port=0, access="open"))
        try:
            page = open_page(f"{serve(services)}ensemble")
            ann = page.locator("#ensemble-members tbody tr").filter(has_text="Ann")
            said = page.locator("#ensemble-said")
            for number in ("3", "2"):
                ann.locator("select").select_option(number)
                expect(said).to_contain_text(f"Ann is asked for {number} answers")
                expect(ann.locator("select")).to_have_value(number)
            ann.get_by_role("button", name="Ask a small question").click()
            expect(said).to_contain_text("Ann answered after")
            ann.get_by_role("button", name="Disable").click()
            expect(ann.get_by_role("button", name="Enable")).to_be_visible()
            bob = page.locator("#ensemble-members tbody tr").filter(has_text="Bob")
            bob.get_by_role("button", name="Disable").click()
            expect(said).to_contain_text("Bob is the last member that is enabled")
        finally:
            services.close()
        assert [(one.samples, one.enabled) for one in MembersFile(path).read()] == [(2, False), (1, True)]

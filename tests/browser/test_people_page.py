"""The people page in Chromium: what rows do, keys of programs, a forgotten password, the trail."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from playwright.sync_api import Page, expect

from db.models import Role
from tests.browser.conftest import Open, Serve
from tests.builders.people import PASSWORD
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

NEW = "another long password"


class Site(NamedTuple):
    """Where people sign in, and an admin's token."""

    services: Any
    url: str
    token: str


@pytest.fixture
def site(tmp_path: Path, serve: Serve) -> Site:
    services: Any = build_scripted_services(tmp_path, access_mode="accounts")
    services.accounts.add(username="boss", password=PASSWORD, role=Role.ADMIN, by=None)
    services.accounts.add(username="ada", password=PASSWORD, role=Role.ANNOTATOR, by=None)
    token = services.accounts.sign_in(username="boss", password=PASSWORD).token
    return Site(services, serve(services), token)


def open_people(site: Site, open_page: Open, **options: Any) -> Page:
    page = open_page(f"{site.url}account", **options)
    page.evaluate("(token) => localStorage.setItem('blender-ui-key', token)", site.token)
    page.goto(f"{site.url}people")
    expect(page.locator("#people-accounts")).to_contain_text("boss")
    return page


def test_a_row_gives_a_role_locks_out_and_lets_in_again(site: Site, open_page: Open) -> None:
    page = open_people(site, open_page)
    page.get_by_label("Role of ada").select_option("researcher")
    expect(page.locator("#people-said")).to_contain_text("ada is researcher now")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Lock out: ada").click()
    expect(page.locator("#people-accounts")).not_to_contain_text("locked out")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Lock out: ada").click()
    expect(page.locator("#people-said")).to_contain_text("ada is locked out")
    page.get_by_role("button", name="Let in: ada").click()
    expect(page.locator("#people-said")).to_contain_text("ada can sign in again")
    ada = next(one for one in site.services.accounts.list_people() if one.username == "ada")
    assert (ada.role, ada.is_disabled) == (Role.RESEARCHER, False)


def test_the_only_admin_stays_one(site: Site, open_page: Open) -> None:
    page = open_people(site, open_page)
    page.get_by_label("Role of boss").select_option("annotator")
    expect(page.locator("#people-said")).to_contain_text("Nothing was changed: this is the only admin")
    expect(page.get_by_label("Role of boss")).to_have_value("admin")


def test_a_forgotten_password_is_replaced_by_a_link_from_the_page(site: Site, open_page: Open) -> None:
    page = open_people(site, open_page)
    page.get_by_role("button", name="New password: ada").click()
    link = page.locator("#people-reset-link textarea, #people-reset-link input")
    page.wait_for_function(
        "document.querySelector('#people-reset-link :is(textarea, input)')?.value.includes('account?reset=')"
    )
    other = open_page(link.input_value())
    expect(other.locator(".reset-name")).to_have_text("ada")
    other.locator(".reset [name=password]").fill(NEW)
    other.locator(".reset button").click()
    expect(other.locator("[data-account]")).to_have_text("ada")
    assert site.services.accounts.sign_in(username="ada", password=NEW).annotator.name == "ada"

    other.goto(f"{site.url}account")
    other.locator("[data-form=name] input").fill("Ada Lovelace")
    other.get_by_role("button", name="Save this name").click()
    expect(other.locator("[data-account]")).to_have_text("Ada Lovelace")

    page.reload()
    expect(page.locator("#people-accounts")).to_contain_text("Ada Lovelace")
    page.get_by_role("tab", name="Audit trail").click()
    page.locator("#people-search :is(textarea, input)").fill("lovelace")
    page.locator("#people-find").click()
    expect(page.locator("#people-events")).not_to_contain_text("made an account")
    expect(page.locator("#people-events tbody tr").first).to_contain_text("changed their name")


def test_a_key_is_made_shown_once_used_and_revoked(site: Site, open_page: Open) -> None:
    page = open_people(site, open_page)
    page.get_by_role("tab", name="Keys of programs").click()
    expect(page.locator("#people-keys")).to_contain_text("There is no key yet")
    page.locator("#people-key-make").click()
    expect(page.locator("#people-key-said")).to_contain_text("1 to 128 characters")
    page.locator("#people-key-name :is(textarea, input)").fill("nightly job")
    page.locator("#people-key-make").click()
    expect(page.locator("#people-keys")).to_contain_text("nightly job")
    secret = page.locator("#people-key-secret :is(textarea, input)").input_value()

    def ask() -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.get(f"{site.url}v1/models", headers=headers).status_code

    assert ask() == 200
    page.reload()
    page.get_by_role("tab", name="Keys of programs").click()
    expect(page.locator("#people-keys")).to_contain_text("nightly job")
    expect(page.locator("#people-key-secret")).to_be_hidden()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke: nightly job").click()
    expect(page.locator("#people-keys")).to_contain_text("revoked")
    assert ask() == 401

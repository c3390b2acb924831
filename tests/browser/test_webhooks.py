"""The Webhooks tab of the People page in Chromium: made, tested on loopback, logged, removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from blender_ui.services.notifying.posting import Poster
from db.models import Role
from tests.browser.conftest import Open, Serve
from tests.browser.test_layout import open_tab
from tests.browser.test_people_page import Site, open_people
from tests.builders.people import PASSWORD
from tests.builders.receiver import Receiver
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def site(tmp_path: Path, serve: Serve) -> Site:
    services = build_scripted_services(tmp_path, access_mode="accounts")
    for one in (services.webhooks, services.delivering):
        one._poster = Poster(frozenset({"127.0.0.1"}), timeout=5)
    services.accounts.add(username="boss", password=PASSWORD, role=Role.ADMIN, by=None)
    token = services.accounts.sign_in(username="boss", password=PASSWORD).token
    return Site(services, serve(services), token)


@pytest.mark.parametrize(("width", "locale"), [(1280, "en-US"), (390, "de-DE")])
def test_a_webhook_is_made_tested_logged_and_removed(
    site: Site, open_page: Open, receiver: Receiver, width: int, locale: str
) -> None:
    page = open_people(site, open_page, width=width, locale=locale)
    open_tab(page, "Webhooks")
    page.get_by_placeholder("https://example.org/hook").fill(receiver.url)
    page.locator("#people-webhook-make").click()
    secret = page.locator("#people-webhook-secret").locator("input, textarea")
    expect(secret).to_have_value(re.compile("^whsec_"))
    told = secret.input_value()
    page.locator("#people-webhooks button").first.click()
    expect(page.locator("#people-webhook-log")).to_contain_text("test")
    expect(secret).to_have_value(told)  # its receiver may need it for the test
    assert receiver.verify(told)["type"] == "test"
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#people-webhooks button").nth(1).click()
    expect(page.locator("#people-webhooks")).not_to_contain_text(receiver.url)

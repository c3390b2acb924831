"""Signing in, invitations and roles in Chromium, and the label page with a project's questions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio.oauth
import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from blender_ui.cli.serve import describe_access
from blender_ui.services.projects.questions import Questions
from blender_ui.ui.people.account.wiring import HUB_VARIABLES
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Audience, Preference, Role
from tests.browser.conftest import Open, Serve
from tests.builders.people import PASSWORD
from tests.builders.stores import add_prompts
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser


class House:
    """The app where people sign in, with an admin, pairs to label and questions about them."""

    def __init__(self, folder: Path) -> None:
        self.services: Any = build_scripted_services(folder, access_mode="accounts")
        for prompt_id in add_prompts(self.services.engine, n_prompts=60):
            self.services.labeling.queue_prompt(prompt_id=prompt_id)
        self.boss = self.services.accounts.add(
            username="boss", password=PASSWORD, role=Role.ADMIN, by=None
        ).id
        projects = self.services.projects
        questions = Questions(criteria=("helpful", "correct"), strength=True, spans=True)
        terms = replace(
            projects.get(DEFAULT_PROJECT_ID).terms, questions=questions, guidelines="# Be **kind**"
        )
        projects.change(DEFAULT_PROJECT_ID, terms, by=self.boss)
        self.url = ""
        terms = replace(terms, name="Poems", audience=Audience.MEMBERS)
        self.project_id = projects.create(terms, by=self.boss).id

    def invite(self, role: Role, project_id: int | None = None) -> str:
        token = self.services.invitations.invite(role=role, by=self.boss, project_id=project_id)
        return f"{self.url}?invite={token}"

    def add(self, name: str, role: Role = Role.ANNOTATOR) -> None:
        self.services.accounts.add(username=name, password=PASSWORD, role=role, by=None)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> House:
    house = House(tmp_path_factory.mktemp("house"))
    house.url = serve(house.services)
    return house


def accept(page: Page, name: str) -> None:
    form = page.locator(".invited")
    form.locator("[name=username]").fill(name)
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button").click()


def sign_in(page: Page, name: str) -> None:
    form = page.locator(".sign-in")
    form.locator("[name=username]").fill(name)
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button").click()


def wait_for_pair(page: Page) -> None:
    page.wait_for_function("document.querySelector('.label-frame')?.dataset.phase === 'ready'")
    page.wait_for_timeout(260)


def test_a_stranger_is_led_to_sign_in_and_then_where_they_wanted(house: House, open_page: Open) -> None:
    page = open_page(house.url + "people")
    form = page.locator(".sign-in")
    form.locator("[name=username]").fill("boss")
    form.locator("[name=password]").fill("not the password")
    form.locator("button").click()
    expect(page.locator(".bu-said")).to_contain_text("No account has this name and password")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button").click()
    expect(page.locator("#people-accounts")).to_contain_text("boss")
    expect(page.locator("[data-account]")).to_have_text("boss")
    assert house.services.accounts  # the token is in this browser alone
    assert PASSWORD not in page.evaluate("JSON.stringify(localStorage)")


def test_an_invited_annotator_labels_answers_the_questions_and_changes_an_answer(
    house: House, open_page: Open
) -> None:
    page = open_page(house.invite(Role.ANNOTATOR))
    expect(page.locator(".terms")).to_contain_text("annotator")
    accept(page, "ada")
    wait_for_pair(page)
    expect(page.locator(".bu-header nav a:visible")).to_have_text(["Blend", "Label", "Leaderboard"])
    page.keyboard.press("g")
    expect(page.locator(".own-guidelines strong")).to_have_text("kind")
    page.keyboard.press("g")
    page.keyboard.press("1")  # helpful: left
    page.keyboard.press("2")
    page.keyboard.press("2")  # correct: tie
    page.keyboard.press("9")  # better: slightly
    page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('.answer.right .text').firstElementChild)"
    )
    page.keyboard.press("0")
    expect(page.locator(".questions")).to_contain_text("bad: Answer of member")
    page.reload()  # what was said before the vote is still there
    wait_for_pair(page)
    page.keyboard.press("a")
    expect(page.locator(".strip")).to_contain_text("You said left")
    with transaction(house.services.engine) as session:
        (stored,) = session.exec(select(Preference)).all()
    assert stored.criteria == {"helpful": "left", "correct": "tie"}
    assert stored.strength == pytest.approx(1 / 3)
    assert stored.spans is not None
    assert [(span["side"], span["label"], span["start"]) for span in stored.spans] == [("right", "bad", 0)]
    page.keyboard.press("m")
    past = page.locator(".past details")
    past.locator("summary").click()
    past.get_by_role("button", name="both bad").click()
    expect(page.locator(".past summary")).to_contain_text("changed once")
    with transaction(house.services.engine) as session:
        outcomes = [(one.outcome.value, one.retracted_at is None) for one in session.exec(select(Preference))]
    assert outcomes == [("left", False), ("both_bad", True)]


def expect_project(page: Page, name: str) -> None:
    expect(page.locator("[data-project] option:checked")).to_have_text(name)
    page.reload()
    expect(page.locator("[data-project] option:checked")).to_have_text(name)
    assert "project=" in page.url


def test_an_invitation_to_a_project_opens_it_for_a_new_person(house: House, open_page: Open) -> None:
    page = open_page(house.invite(Role.ANNOTATOR, house.project_id))
    expect(page.locator(".terms")).to_contain_text("annotator of the project Poems")
    accept(page, "noa")
    expect_project(page, "Poems")
    page.locator("[data-project]").select_option(label="Default project")
    wait_for_pair(page)
    expect_project(page, "Default project")


def test_an_invitation_to_a_project_opens_it_for_somebody_who_signs_in(house: House, open_page: Open) -> None:
    house.add("lea")
    page = open_page(house.invite(Role.ANNOTATOR, house.project_id))
    page.get_by_role("button", name="I have an account").click()
    sign_in(page, "lea")
    expect_project(page, "Poems")


def test_an_invitation_to_a_project_opens_it_for_somebody_who_is_signed_in_and_again_when_used_up(
    house: House, open_page: Open
) -> None:
    house.add("kim")
    page = open_page(house.url + "label")
    sign_in(page, "kim")
    wait_for_pair(page)
    link = house.invite(Role.ANNOTATOR, house.project_id)
    for _ in range(2):
        page.goto(link)
        expect_project(page, "Poems")
        page.locator("[data-project]").select_option(label="Default project")
        wait_for_pair(page)


def test_an_invitation_that_is_used_up_is_said_to_somebody_who_signs_in(
    house: House, open_page: Open
) -> None:
    house.add("max")
    link = house.invite(Role.ANNOTATOR, house.project_id)
    house.services.invitations.accept(
        token=link.partition("invite=")[2], username="first-come", password=PASSWORD
    )
    page = open_page(link)
    expect(page.locator(".bu-said")).to_contain_text("used up")
    sign_in(page, "max")
    wait_for_pair(page)


def test_a_page_that_is_not_for_ones_role_says_so_and_shows_nothing(house: House, open_page: Open) -> None:
    page = open_page(house.invite(Role.ANNOTATOR))
    accept(page, "bob")
    wait_for_pair(page)
    page.goto(house.url + "people")
    expect(page.locator(".bu-barred h1")).to_have_text("People")
    expect(page.locator(".bu-barred")).to_contain_text("not for the role annotator")
    expect(page.locator(".bu-barred a")).to_have_text(["Blend", "Label"])
    expect(page.locator("#people-accounts")).not_to_contain_text("boss")
    page.goto(house.url + "inspect")
    expect(page.locator(".bu-barred")).to_be_visible()
    expect(page.get_by_role("tab").first).to_be_hidden()
    expect(page.get_by_role("button", name="Rank")).to_be_hidden()


def test_an_answer_that_a_sign_in_s_end_overtook_is_sent_after_signing_in_again(
    house: House, open_page: Open
) -> None:
    page = open_page(house.invite(Role.ANNOTATOR))
    accept(page, "mia")
    wait_for_pair(page)
    services = house.services
    mia = next(one for one in services.accounts.list_people() if one.username == "mia")
    services.accounts.set_password(annotator_id=mia.annotator_id, password=PASSWORD, by=None)
    page.keyboard.press("b")
    sign_in(page, "mia")
    wait_for_pair(page)
    expect(page.locator(".strip")).to_contain_text("Your last answer was sent")
    with transaction(services.engine) as session:
        stored = session.exec(select(Preference).where(Preference.annotator_id == mia.annotator_id)).all()
    assert [one.outcome.value for one in stored] == ["right"]


def test_the_first_admin_comes_by_the_printed_link_and_begins_a_project(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    services: Any = build_scripted_services(tmp_path, access_mode="accounts")
    url = serve(services)
    _, link = describe_access(services, address=url)
    page = open_page(link)
    expect(page.locator(".terms")).to_contain_text("admin")
    expect(page.locator(".bu-header nav a:visible")).to_have_count(0)
    accept(page, "first")
    expect(page.locator("#projects-list")).to_contain_text("Default project")
    assert describe_access(services, address=url) == []
    page.locator("#projects-begin").click()
    expect(page.locator("#projects-save")).to_have_text("Make this project")
    expect(page.locator("#projects-archive")).to_be_disabled()
    page.locator("#projects-name textarea, #projects-name input").fill("Safety")
    page.locator("#projects-save").click()
    expect(page.locator("#projects-save")).to_have_text("Save the terms of Safety")
    page.locator("#projects-invite").click()
    expect(page.locator("#projects-invited")).to_contain_text("it is shown only now")
    assert [one.terms.name for one in services.projects.list_projects()] == ["Default project", "Safety"]


def test_signing_out_ends_it(house: House, open_page: Open) -> None:
    page = open_page(house.invite(Role.RESEARCHER))
    accept(page, "eve")
    wait_for_pair(page)
    page.goto(house.url + "account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".sign-in")).to_be_visible()
    page.goto(house.url + "label")
    expect(page.locator(".sign-in")).to_be_visible()


def test_a_sign_out_that_fails_is_said(house: House, open_page: Open) -> None:
    page = open_page(house.url + "people")
    sign_in(page, "boss")
    expect(page.locator("#people-accounts")).to_contain_text("boss")
    page.goto(house.url + "account")
    page.route("**/account_sign_out", lambda route: route.abort())
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".bu-said")).to_contain_text("You were not signed out")
    expect(page.locator(".signed-in")).to_be_visible()


@pytest.fixture
def hub_house(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house where Hugging Face, which Gradio plays outside a Space, vouches for ``huggy``."""
    for name in HUB_VARIABLES:
        monkeypatch.setenv(name, "set")
    profile = {"preferred_username": "huggy", "name": "Huggy", "profile": "", "picture": ""}
    monkeypatch.setattr(gradio.oauth, "_get_mocked_oauth_info", lambda: {"userinfo": profile})
    house = House(tmp_path)
    with pytest.warns(UserWarning, match="mocked"):
        house.url = serve(house.services)
    return house


def test_whom_hugging_face_vouches_for_sees_their_account_and_can_sign_out(
    hub_house: House, open_page: Open
) -> None:
    page = open_page(hub_house.url + "login/callback?_target_url=/account")
    wait_for_pair(page)
    page.goto(hub_house.url + "account")
    expect(page.locator(".who")).to_have_text("Huggy")
    expect(page.locator("#account-hub")).to_be_hidden()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".sign-in")).to_be_visible()
    expect(page.locator("#account-hub")).to_be_visible()
    expect(page.locator(".bu-said")).to_be_hidden()
    assert page.url == hub_house.url + "account"


def test_whom_hugging_face_vouches_for_is_told_that_their_account_is_disabled(
    hub_house: House, open_page: Open
) -> None:
    accounts = hub_house.services.accounts
    huggy = accounts.sign_in_from_hub(hub_name="huggy", name="Huggy").annotator.id
    accounts.set_disabled(annotator_id=huggy, is_disabled=True, by=hub_house.boss)
    page = open_page(hub_house.url + "login/callback?_target_url=/account")
    expect(page.locator(".bu-said")).to_contain_text("This account is disabled. Ask an admin.")
    expect(page.locator(".sign-in")).to_be_visible()


def test_a_password_sign_in_stays_where_hugging_face_vouches_too(hub_house: House, open_page: Open) -> None:
    page = open_page(hub_house.invite(Role.ANNOTATOR))
    accept(page, "ada")
    wait_for_pair(page)
    page.goto(hub_house.url + "login/callback?_target_url=/account")
    expect(page.locator(".who")).to_have_text("ada")


def test_a_researcher_makes_a_project_and_sets_a_gold_pair(house: House, open_page: Open) -> None:
    page = open_page(house.invite(Role.RESEARCHER))
    accept(page, "rita")
    wait_for_pair(page)
    page.goto(house.url + "projects")
    expect(page.locator("#projects-list")).to_contain_text("Default project")
    page.locator("#projects-find").click()
    page.locator("#projects-pair input").click()
    page.locator("#projects-pair").get_by_role("option").first.click()
    expect(page.locator("#projects-shown")).to_contain_text("to be labelled")
    page.get_by_label("both bad").check()
    page.locator("#projects-set-check").click()
    expect(page.locator("#projects-shown")).to_contain_text("the right answer is both bad")
    page.locator("#projects-chosen input").click()
    page.get_by_role("option", name="A new project").click()
    expect(page.locator("#projects-save")).to_have_text("Make this project")
    page.locator("#projects-name textarea, #projects-name input").fill("Safety")
    page.locator("#projects-save").click()
    expect(page.locator("#projects-said")).to_contain_text("Safety is made")
    expect(page.locator("#projects-list")).to_contain_text("Safety")

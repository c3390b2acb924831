# ruff: noqa: E501 - a payload is one line
"""Texts that try to act, on every page in Chromium: nothing runs, loads or takes over, all can be read.

One server and one store for the whole walk. Every payload stands in an answer on Blend, Label and
Inspect; as questions, reasons, names and guidelines they stand on the others, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from blender_ui.services.projects.projects import ProjectTerms
from blender_ui.services.projects.questions import Questions
from blender_ui.ui.app import HOME, INSPECT, LABEL
from blender_ui.ui.shell import ACCOUNT, PAGES
from blender_ui.values import RankingPrompt
from db.engine import transaction
from db.models import DEFAULT_PROJECT_ID, Candidate, Member, Outcome, Prompt, Role
from tests.browser.conftest import Open, Serve
from tests.builders.people import PASSWORD
from tests.builders.scripted_members import ScriptedMember, saying
from tests.builders.stores import key_of
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

HIT = "window.hacked=(window.hacked||0)+1"
FAR = "http://127.0.0.1:9"
FORM = f"<div class=canary style='position:fixed;inset:0'><form action='{FAR}/form'><input name=password><button>Sign in</button></form></div>"
BLOCKS = {
    "script": f"<script class=canary>{HIT}</script>",
    "script address": f"<script class=canary src='{FAR}/a.js'></script>",
    "broken script": f"<scr<script class=canary>ipt>{HIT}</scr</script>ipt>",
    "event handler": f"<img class=canary src=x onerror='{HIT}'>",
    "event without quotes": f"<img/src=x/onerror={HIT}//>",
    "handler on a link": f"<a class=canary href=x onclick='{HIT}' autofocus onfocus='{HIT}' tabindex=0>go</a>",
    "details": f"<details class=canary open ontoggle='{HIT}'>d</details>",
    "form": FORM,
    "button with form action": f"<button class=canary formaction='{FAR}/f' form=header>x</button>",
    "input": "<input class=canary name=password autofocus>",
    "svg": f"<svg class=canary onload='{HIT}'><animate onbegin='{HIT}' attributeName=x></svg>",
    "svg script": f"<svg class=canary><script>{HIT}</script><use href='{FAR}/u.svg#x'/></svg>",
    "mathml": f"<math class=canary><mtext><img src=x onerror='{HIT}'></mtext></math>",
    "iframe": f"<iframe class=canary src='{FAR}/i'></iframe>",
    "iframe srcdoc": f"<iframe class=canary srcdoc='<script>parent.{HIT}</script>'></iframe>",
    "meta refresh": f"<meta class=canary http-equiv=refresh content='0;url={FAR}/m'>",
    "base": f"<base class=canary href='{FAR}/'>",
    "object": f"<object class=canary data='{FAR}/o'></object>",
    "embed": f"<embed class=canary src='{FAR}/e'>",
    "style": f"<style class=canary>*{{display:none!important}} body{{background:url({FAR}/c)}}</style>",
    "style attribute": f"<p class=canary style='position:fixed;inset:0;background:url({FAR}/s)'>x</p>",
    "stylesheet": f"<link class=canary rel=stylesheet href='{FAR}/c.css'>",
    "prefetch": f"<link class=canary rel=prefetch href='{FAR}/p'>",
    "video": f"<video class=canary src='{FAR}/v' poster='{FAR}/p' autoplay></video>",
    "comment": f"<!-- --><img class=canary src=x onerror='{HIT}'><!-- -->",
    "template": f"<template class=canary><img src=x onerror='{HIT}'></template>",
    "Handlebars and templates": "{{#with this}}{{constructor}}{{/with}} ${" + HIT + "} {{{value}}} `${" + HIT + "}`",
    "remote image": f"![a cat]({FAR}/cat.png)",
    "remote image by reference": f"![a cat][cat]\n\n[cat]: {FAR}/cat.png",
    "image in a link": f"[![a cat]({FAR}/cat.png)]({FAR}/page)",
    "javascript link": f"[click](javascript:{HIT})",
    "javascript link in disguise": f"[click](&#106;ava&Tab;script:{HIT}) [two](JaVaScRiPt:{HIT}) <javascript:{HIT}>",
    "javascript link by reference": f"[click][js]\n\n[js]: javascript:{HIT}",
    "data link": f"[click](data:text/html,<script>{HIT}</script>) ![i](data:image/svg+xml,<svg/onload={HIT}>)",
    "link into the app": "[click](/logout) [two](//127.0.0.1:9/x) [three](./account)",
    "link with a title": f"[click]({FAR}/x 'a\" onmouseover=\"{HIT}')",
    "link address with quotes": f"[click]({FAR}/\"onmouseover=\"{HIT})",
    "ticks over paragraphs": f"Fine. `a\n\n{FORM}\n\nb`",
    "double ticks over paragraphs": f"Fine. ``a ` b\n\n{FORM}\n\n`` b",
    "ticks in two list items": f"- `a\n- {FORM}\n- b`",
    "ticks in a heading": f"# `a\n{FORM}\n# b`",
    "ticks across a table": f"| `a | b |\n|---|---|\n| {FORM} | ` |",
    "unclosed fence": f"```html\n{FORM}",
    "fence that closes too early": f"````\n```\n{FORM}\n````\n{FORM}",
    "fence of another kind": f"~~~\n```\n~~~\n{FORM}\n```",
    "fence with an info": f"``` <form class=canary> \n{FORM}\n```",
    "fence in a quote": f"> ```\n> a\n{FORM}\n> ```",
    "fence in a list": f"- ```\n  a\n\n{FORM}\n\n  ```",
    "indented fence": f"    ```\n{FORM}\n    ```",
    "html in a table": f"| a | b |\n|---|---|\n| <img class=canary src=x onerror={HIT}> | <form class=canary> |",
    "html in a formula": f"$<img class=canary src=x onerror={HIT}>^2$ $$\\text{{<form class=canary>}}$$",
    "formula that acts": f"$\\href{{javascript:{HIT}}}{{x}}$ $\\includegraphics{{{FAR}/g.png}}$ $\\htmlClass{{canary}}{{x}}$",
    "formula that covers": "$\\rule{900em}{900em}$ $\\kern-900em\\rule{99em}{99em}^2$",
    "bidi": "\u202egnitirw sthgir\u202c \u2067a\u2066b",
    "zero width": "<scr\u200bipt>a\u200b\u200c\u200d\u2060\ufeff</scr\u200bipt> &#8203;&zwnj;",
    "ANSI": "\x1b[31mred\x1b[0m \x1b]8;;http://127.0.0.1:9/x\x07link\x1b]8;;\x07 \x08\x7f",
    "entities": f"&lt;img class=canary src=x onerror={HIT}&gt; &#60;script&#62;",
    "doubly encoded": f"%3Cscript%3E{HIT}%3C/script%3E &amp;lt;script&amp;gt;",
    "attribute's end": f"\"><img class=canary src=x onerror='{HIT}'> '><b> --> ]]> </textarea></title></script></style>",
}  # fmt: skip
PAYLOADS = [f"word{at}a {text}\n\nword{at}z" for at, text in enumerate(BLOCKS.values())]
NAMES = [
    "<img class=canary src=x onerror=window.hacked=1> A{}",
    "<form class=canary action=x><input> B{}",
    "\"><svg class=canary onload=window.hacked=1> C{}",
    "</h2><iframe class=canary src=x> D{}",
    "`E{}` ![x](http://127.0.0.1:9/n.png)",
    "[F{}](javascript:window.hacked=1) \u202ezyx",
    "{{{{constructor}}}} ${{window.hacked=1}} \x1b[31mG{}",
]  # fmt: skip
N_MEMBERS, N_TOGETHER = 4, 5
N_ASKED = -(-len(PAYLOADS) // (N_MEMBERS * N_TOGETHER))
"""Questions on Blend, so that each payload is answered once. An answer there has a few of them; on
Label each is a text of its own."""
MADE = "body :is(form:not(.account form), iframe, object, embed, base, meta, link, .canary)"
"""What Gradio and the pages have none of outside of the head."""


class Walk(NamedTuple):
    """An app that is full of payloads."""

    url: str
    services: Any
    label_ids: list[int]


def name_of(number: int) -> str:
    return NAMES[number % len(NAMES)].format(f"name{number}n")


def wheel(number: int) -> str:
    return PAYLOADS[number % len(PAYLOADS)]


def together(asked: int, place: int) -> list[int]:
    """The payloads of a member's answer to a question on Blend."""
    first = (asked * N_MEMBERS + place) * N_TOGETHER
    return [number % len(PAYLOADS) for number in range(first, first + N_TOGETHER)]


def answer_of(asked: int, place: int) -> str:
    return "\n\n".join(PAYLOADS[number] for number in together(asked, place))


def shown_at(asked: int) -> list[int]:
    return [number for place in range(N_MEMBERS) for number in together(asked, place)]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Walk:
    folder: Path = tmp_path_factory.mktemp("walk")
    members = [
        ScriptedMember(name_of(place), *(saying(answer_of(asked, place)) for asked in range(N_ASKED)))
        for place in range(N_MEMBERS)
    ]
    services = build_scripted_services(folder, *members)
    services.accounts.add(username="ada", password=PASSWORD, role=Role.ADMIN, by=None, name=name_of(45))
    services.ranking.train()
    owner = sign_in(services, 0, name_of(40))
    questions = Questions(criteria=("<form class=canary> name50n",), strength=True, spans=True)
    terms = ProjectTerms(name=name_of(41), guidelines="\n\n".join(PAYLOADS), overlap=3, questions=questions)
    services.projects.change(DEFAULT_PROJECT_ID, terms, by=owner.id)
    label_ids = write_label_prompts(services)
    for voter, outcome in ((1, Outcome.LEFT), (2, Outcome.RIGHT)):
        annotator = sign_in(services, voter, name_of(42 + voter))
        for number in range(3):
            pair = services.labeling.next_pair(annotator_id=annotator.id, prompt_id=label_ids[number])
            services.labeling.submit(
                annotator_id=annotator.id, lease_id=pair.lease_id, outcome=outcome,
                idempotency_key=f"{voter}-{number}", reason=wheel(7 * voter + number),
            )  # fmt: skip
    return Walk(serve(services), services, label_ids)


def sign_in(services: Any, number: int, name: str) -> Any:
    annotator = services.labeling.sign_in(key=key_of(number))
    return services.labeling.rename(annotator_id=annotator.id, name=name)


def write_label_prompts(services: Any) -> list[int]:
    """Prompts whose instruction, input and two answers are four payloads each, so that each is there once."""
    with transaction(services.engine, immediate=True) as session:
        authors = [
            Member(name=name_of(60 + m), backend="import", model=name_of(60 + m), fingerprint=f"label-{m}")
            for m in range(2)
        ]
        session.add_all(authors)
        prompts = []
        for first in range(0, len(PAYLOADS), 4):
            instruction, text = wheel(first), wheel(first + 1)
            fingerprint = RankingPrompt(instruction=instruction, input=text).fingerprint
            prompts.append(Prompt(instruction=instruction, input=text, fingerprint=fingerprint))
        session.add_all(prompts)
        session.flush()
        for place, prompt in enumerate(prompts):
            for m, author in enumerate(authors):
                session.add(
                    Candidate(prompt_id=prompt.id, member_id=author.id, text=wheel(4 * place + 2 + m))
                )
        session.flush()
        ids = [prompt.id for prompt in prompts if prompt.id is not None]
    for prompt_id in ids:
        services.labeling.queue_prompt(prompt_id=prompt_id)
    return ids


class Watch:
    """What a page does besides being read."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.foreign: list[str] = []
        self.run: list[str] = []
        own = urlsplit(url).netloc
        page.context.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("data:", "blob:")) or urlsplit(request.url).netloc == own
                else self.foreign.append(request.url)
            ),
        )
        page.on("dialog", lambda dialog: (self.run.append(dialog.message), dialog.dismiss()))

    def check(self, where: str, *words: str) -> None:
        """Nothing ran, went elsewhere or was made, and these words can be read."""
        made = self.page.evaluate(f"[...document.querySelectorAll({MADE!r})].map((one) => one.outerHTML)")
        assert (self.page.evaluate("window.hacked"), made, self.foreign, self.run) == (None, [], [], []), (
            where
        )
        missing = self.page.evaluate(
            "(words) => { const text = document.body.textContent"
            " + [...document.querySelectorAll('textarea, input')].map((one) => one.value).join(' ');"
            " return words.filter((word) => !text.includes(word)); }",
            list(words),
        )
        assert missing == [], where


def words_of(numbers: Any) -> list[str]:
    return [f"word{number}{end}" for number in numbers for end in "az"]


def test_there_are_enough_of_them() -> None:
    assert len(PAYLOADS) >= 52


def test_on_label_as_question_input_answers_names_and_guidelines(walk: Walk, open_page: Open) -> None:
    page = open_page(f"{walk.url}label")
    watch = Watch(page, walk.url)
    seen: set[int] = set()
    before = None
    for _ in walk.label_ids:
        page.wait_for_function(
            "before => { const frame = document.querySelector('.label-frame');"
            " return frame?.dataset.phase === 'ready' && frame.dataset.lease !== before; }",
            arg=before,
        )
        before = page.locator(".label-frame").get_attribute("data-lease")
        text = page.locator(".prompt").inner_text() + page.locator(".answers").inner_text()
        here = [number for number in range(len(PAYLOADS)) if f"word{number}a" in text]
        seen |= set(here)
        watch.check(f"Label, {here}", *words_of(here))
        page.keyboard.press("d")
        watch.check(f"Label, differences of {here}", *words_of(here))
        page.keyboard.press("d")
        page.wait_for_timeout(260)
        page.keyboard.press("t")
    assert seen == set(range(len(PAYLOADS)))
    watch.check(
        "Label, names and guidelines", *words_of(range(len(PAYLOADS))), "name60n", "name61n", "name50n"
    )
    page.keyboard.press("m")
    expect(page.locator(".past summary").first).to_be_visible()
    watch.check("Label, my answers")


def test_on_blend_as_question_answers_names_and_fused(walk: Walk, open_page: Open) -> None:
    page = open_page(walk.url)
    watch = Watch(page, walk.url)
    expect(page.locator("#blend-ask")).to_be_enabled()
    for asked in range(N_ASKED):
        page.locator("#blend-prompt textarea").fill(wheel(asked))
        page.locator("#blend-ask").click()
        shown = shown_at(asked)
        for number in shown:
            expect(page.locator(".bu-columns .bu-prose", has_text=f"word{number}z").first).to_be_visible()
        expect(page.locator("#blend-vote .bu-question")).to_contain_text("Which is better")
        watch.check(f"Blend, question {asked}", *words_of([*shown, asked]))
    page.locator("#blend-show").click()
    expect(page.locator("#blend-ranking .bu-matrix")).to_be_visible()
    expect(page.locator("#blend-differences :is(ins, del)").first).to_be_visible()
    watch.check("Blend, names", *(f"name{place}n" for place in range(N_MEMBERS)))


def test_on_inspect_as_answers_and_reasons(walk: Walk, open_page: Open) -> None:
    with transaction(walk.services.engine) as session:
        newest = max(session.exec(select(Prompt.id)).all())
    page = open_page(f"{walk.url}inspect?prompt={walk.label_ids[0]}")
    watch = Watch(page, walk.url)
    expect(page.locator("#inspect-votes tbody tr").first).to_be_attached()
    watch.check("Inspect, reasons", *words_of([0, 1, 2, 3, 7, 14]), "name60n", "name61n", "name43n")
    for prompt_id in range(walk.label_ids[-1] + 1, newest + 1):  # those asked on Blend
        page.goto(f"{walk.url}inspect?prompt={prompt_id}")
        expect(page.locator("#inspect-texts h2").first).to_contain_text(f"Prompt {prompt_id} ")
        asked = prompt_id - walk.label_ids[-1] - 1
        watch.check(f"Inspect, prompt {prompt_id}", *words_of(shown_at(asked)))


OTHERS = [
    ("quality", "#quality-pair .bu-prose", ["name43n", "name44n"]),
    ("projects", "#projects-guidelines textarea", ["name41n"]),
    ("ensemble", "#ensemble-members tbody tr", []),
    ("people", "#people-accounts table", ["name45n"]),
    ("inspect?tab=members", "#members-ratings tbody tr", ["name60n", "name61n"]),
    ("leaderboard", "#leaderboard-lists tbody tr", ["name60n", "name61n"]),
    ("data", "#data-sources", []),
    ("train", "h1", []),
    ("account", ".account", []),
]
"""Pages that have no test of their own here: address, what there is once it is drawn, and what it must tell."""


def test_every_page_is_walked() -> None:
    walked = {HOME.path, LABEL.path, INSPECT.path, *(urlsplit(address).path for address, *_ in OTHERS)}
    assert walked == {page.path for page in (*PAGES, ACCOUNT)}


@pytest.mark.parametrize(("address", "mark", "words"), OTHERS)
def test_on_the_other_pages_as_names_and_reasons(
    walk: Walk, open_page: Open, address: str, mark: str, words: list[str]
) -> None:
    page = open_page(f"{walk.url}{address}")
    watch = Watch(page, walk.url)
    page.reload()
    expect(page.locator(mark).first).to_be_attached()
    for word in words:
        page.wait_for_function(
            "word => document.body.textContent.includes(word)"
            " || [...document.querySelectorAll('textarea, input')].some((one) => one.value.includes(word))",
            arg=word,
        )
    watch.check(address, *words)


def test_the_policy_refuses_what_a_text_could_ask_for(walk: Walk, open_page: Open) -> None:
    page = open_page(walk.url)
    watch = Watch(page, walk.url)
    expect(page.locator("#blend-ask")).to_be_visible()
    refused = page.evaluate(
        """async (far) => {
            const refused = [];
            document.addEventListener("securitypolicyviolation", (event) => {
                refused.push(event.effectiveDirective);
            });
            document.querySelector("base")?.remove();
            const put = (html) => document.body.insertAdjacentHTML("beforeend", html);
            put(`<base href="${far}/"><object data="${far}/o"></object>`);
            put(`<form id=sent action="${far}/form"><input name=password></form>`);
            document.getElementById("sent").submit();
            put(`<a id=handler onclick="window.hacked = 1">x</a>`);
            document.getElementById("handler").click();
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.head.append(script);
            await new Promise((done) => setTimeout(done, 300));
            const ran = "hacked" in window;
            return [refused.sort(), document.baseURI.startsWith(location.origin), ran];
        }""",
        FAR,
    )
    told = ["base-uri", "form-action", "object-src", "script-src-attr", "script-src-elem"]
    assert refused == [told, True, False]
    assert watch.foreign == []


HOSTILE_NAME = "<img src=x onerror=window.hacked=1 class=canary>\u202e zyx {{constructor}} ${window.hacked=1}"


def test_a_file_s_name_columns_and_faulty_rows_are_texts(walk: Walk, open_page: Open, tmp_path: Path) -> None:
    page = open_page(f"{walk.url}data")
    watch = Watch(page, walk.url)
    unknown, faulty = tmp_path / f"name70n {HOSTILE_NAME}.csv", tmp_path / f"name71n {HOSTILE_NAME}.jsonl"
    columns = ["name72n <svg onload=window.hacked=1 class=canary>", "[x](javascript:window.hacked=1)", "c"]
    unknown.write_text(";".join(f'"{column}"' for column in columns) + "\n1;2;3\n", encoding="utf-8")
    row = {"id": "name73n <form class=canary action=x><input></form>", "prompt": 5, "source": HOSTILE_NAME}
    faulty.write_text(json.dumps(row), encoding="utf-8")
    page.set_input_files("#data-upload input[type=file]", unknown)
    expect(page.locator("#data-preview")).to_contain_text("Say below which of them")
    page.click("#data-map-prompt input")
    expect(page.locator("#data-map-prompt [role=option]", has_text="name72n")).to_be_visible()
    watch.check("Data, columns of a file", "name70n", "name72n")
    page.reload()
    page.set_input_files("#data-upload input[type=file]", faulty)
    expect(page.locator("#data-upload")).to_contain_text("name71n")
    expect(page.locator("#data-preview")).not_to_contain_text("Choose a file")
    page.click("#data-import")
    expect(page.locator("#data-outcome")).to_contain_text("name71n")
    watch.check("Data, rows that were refused", "name71n")

"""The label page in Chromium: keys, blindness, and what survives a reload and a restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from blender_ui.services.projects.projects import ProjectTerms
from blender_ui.services.projects.questions import Questions
from blender_ui.ui.app import build_app
from blender_ui.ui.serving.web import open_pages
from db.engine import transaction
from db.models import Candidate, LeaseStatus, Preference, utc_now
from db.models import Lease as LeaseRow
from tests.browser.conftest import Open, Serve, find_free_port
from tests.builders.stores import add_prompts, key_of
from tests.ui.scripted_services import build_scripted_services

pytestmark = pytest.mark.browser

SEEN_AFTER_MS = 260
OUTBOX = "blender-ui-label-outbox"
"""Where the browser keeps answers that are not acknowledged yet: the next pair does not wait for them."""
RICH = (
    "Some **bold**, inline $e^{i\\pi}$, `code` and <img src=x onload='window.hacked=1'> "
    "![pixel](https://elsewhere.invalid/p.png)\n\n```python\nprint('x')\n```\n\nThe word is one.\n"
)


class Store:
    """An app with pairs to label; each browser is another annotator."""

    def __init__(self, folder: Path, *, n_prompts: int) -> None:
        self.services: Any = build_scripted_services(folder)
        self.prompt_ids = add_prompts(self.services.engine, n_prompts=n_prompts)
        for prompt_id in self.prompt_ids:
            self.services.labeling.queue_prompt(prompt_id=prompt_id)
        self.url = ""

    def preferences(self, page: Page) -> list[Preference]:
        """What the page's annotator said, oldest first, once everything has been acknowledged."""
        page.wait_for_function(f"() => JSON.parse(localStorage.getItem('{OUTBOX}') ?? '[]').length === 0")
        return self.stored(page)

    def stored(self, page: Page) -> list[Preference]:
        """What the store has of the page's annotator at this moment, oldest first."""
        of_annotator = Preference.annotator_id == annotator_of(page)
        with transaction(self.services.engine) as session:
            return list(session.exec(select(Preference).where(of_annotator).order_by(Preference.id)))

    def write(self, left: str, right: str) -> None:
        """Put these texts in the place of every answer."""
        with transaction(self.services.engine, immediate=True) as session:
            for candidate in session.exec(select(Candidate)):
                candidate.text = left if candidate.member_id == 1 else right


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Store:
    store = Store(tmp_path_factory.mktemp("label"), n_prompts=130)
    store.url = serve(store.services) + "label"
    return store


def annotator_of(page: Page) -> int:
    """The id in the name of an annotator who has not chosen another."""
    return int(page.locator(".name").inner_text().removeprefix("Annotator "))


def wait_for_pair(page: Page, *, after: str | None = None) -> str:
    page.wait_for_function(
        "after => { const store = document.querySelector('.label-frame');"
        " return store?.dataset.phase === 'ready' && store.dataset.lease !== after; }",
        arg=after,
    )
    lease = page.locator(".label-frame").get_attribute("data-lease")
    assert lease is not None
    return lease


def press(page: Page, key: str, *, lease: str) -> str:
    """Look at the pair, press a key, and wait for the next pair."""
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press(key)
    return wait_for_pair(page, after=lease)


def test_forty_labels_by_keys_are_forty_preferences(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.evaluate(
        "() => { window.delays = []; let at = 0;"
        " document.addEventListener('keydown', () => { at = performance.now(); }, true);"
        " document.addEventListener('pair-drawn', (event) => delays.push(event.detail - at)); }"
    )
    keys = ["a", "ArrowLeft", "b", "ArrowRight", "t", "n"]
    pressed = [keys[number % len(keys)] for number in range(40)]
    leases = []
    for key in pressed:
        leases.append(int(lease))
        lease = press(page, key, lease=lease)
    stored = store.preferences(page)
    assert [one.lease_id for one in stored] == leases
    words = {
        "a": "left",
        "ArrowLeft": "left",
        "b": "right",
        "ArrowRight": "right",
        "t": "tie",
        "n": "both_bad",
    }
    assert [one.outcome.value for one in stored] == [words[key] for key in pressed]
    assert max(Counter(one.comparison_id for one in stored).values()) == 1
    assert all(one.seconds is not None and one.seconds >= 0.25 for one in stored)
    expect(page.locator("[data-count=n_mine]")).to_have_text("40")
    delays = sorted(page.evaluate("delays"))
    print(
        f"key press to next pair drawn: p50 {delays[20]:.0f} ms, p95 {delays[38]:.0f} ms, n = {len(delays)}"
    )
    assert delays[20] < 1000  # a broken loop, not a busy machine


@pytest.mark.parametrize(
    ("answer", "n_times", "said"),
    [
        ({"json": {"data": [{"error": "a text holds a NUL character"}]}}, 1, "a text holds a NUL character"),
        ({"status": 422, "json": {}}, 1, "the server answered 422"),
        ({"status": 500, "json": {"error": "broken"}}, 5, "the server answered 500"),
    ],
)
def test_an_answer_that_is_refused_for_good_is_set_aside_in_view_and_can_be_sent_again(
    store: Store, open_page: Open, answer: dict[str, Any], n_times: int, said: str
) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.route("**/run/label_vote", lambda route: route.fulfill(**answer), times=n_times)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("a")
    aside = page.locator(".set-aside li")
    expect(aside).to_contain_text(said)
    expect(aside).to_contain_text("left")
    assert store.preferences(page) == []
    page.reload()
    expect(aside).to_contain_text(said)
    wait_for_pair(page)
    aside.get_by_role("button", name="Send again").click()
    expect(page.locator(".set-aside")).to_be_hidden()
    page.wait_for_function("() => document.querySelector('[data-count=n_mine]').textContent === '1'")
    assert [(one.lease_id, one.outcome.value) for one in store.preferences(page)] == [(int(lease), "left")]
    assert wait_for_pair(page, after=lease) != lease


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"data": [{"error": "the disk is full", "try_again": True}]}},
        {"status": 503, "json": {"error": "the disk is full"}},
        {"status": 500, "json": {"error": "broken once or twice"}},
    ],
)
def test_what_may_pass_is_tried_again_until_the_answer_counts(
    store: Store, open_page: Open, answer: dict[str, Any]
) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.route("**/run/label_vote", lambda route: route.fulfill(**answer), times=2)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("b")
    expect(page.locator(".alarm")).to_contain_text("Nothing is lost")
    assert [(one.lease_id, one.outcome.value) for one in store.preferences(page)] == [(int(lease), "right")]
    expect(page.locator(".set-aside")).to_be_hidden()


def test_names_are_told_after_the_vote_and_never_before(store: Store, open_page: Open) -> None:
    store.write("The first answer.", "The second answer.")
    page = open_page(store.url)
    bodies: list[str] = []
    page.on(
        "response", lambda response: bodies.append(response.text()) if "label_open" in response.url else None
    )
    page.reload()
    lease = wait_for_pair(page)
    assert bodies
    assert "member-" not in "".join(bodies) + page.content()
    press(page, "a", lease=lease)
    expect(page.locator(".strip")).to_contain_text("left was member-")
    assert "member-" not in page.locator(".answers").inner_text()


def test_five_rapid_presses_never_vote_on_a_pair_nobody_saw(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.evaluate(
        "() => { for (let n = 0; n < 5; n++)"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true })); }"
    )
    expect(page.locator(".cue")).to_contain_text("Not counted")
    wait_for_pair(page, after=lease)
    assert [one.lease_id for one in store.preferences(page)] == [int(lease)]


def test_a_key_held_down_is_one_press(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    for _ in range(3):
        page.keyboard.down("b")  # without a release the browser reports the later ones as repeats
        page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.up("b")
    wait_for_pair(page, after=lease)
    assert len(store.preferences(page)) == 1


def test_undo_shows_the_pair_again_and_the_new_vote_stands(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    first = wait_for_pair(page)
    press(page, "a", lease=first)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.keyboard.press("u")
    expect(page.locator(".strip")).to_contain_text("Taken back")
    assert wait_for_pair(page) == first
    press(page, "b", lease=first)
    assert [(one.outcome.value, one.retracted_at is None) for one in store.preferences(page)] == [
        ("left", False),
        ("right", True),
    ]


def test_skip_leaves_the_pair_without_a_vote(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    first = wait_for_pair(page)
    press(page, "s", lease=first)
    assert store.preferences(page) == []
    with transaction(store.services.engine) as session:
        lease = session.get(LeaseRow, int(first))
        assert lease is not None
        assert lease.status is LeaseStatus.SKIPPED


def test_a_reload_shows_the_same_pair_and_keeps_the_reason(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    text = page.locator(".answers").inner_text()
    page.keyboard.press("r")
    page.keyboard.type("left is tidier")
    page.reload()
    assert wait_for_pair(page) == lease
    assert page.locator(".answers").inner_text() == text
    expect(page.locator(".reason")).to_have_value("left is tidier")
    page.keyboard.press("r")
    page.keyboard.press("a")  # goes into the box
    page.keyboard.press("Escape")
    press(page, "a", lease=lease)
    assert [one.reason for one in store.preferences(page)] == ["left is tidiera"]


def test_clicks_vote_like_keys_and_a_double_click_counts_once(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.dblclick("[data-outcome=tie]")
    wait_for_pair(page, after=lease)
    assert [one.outcome.value for one in store.preferences(page)] == ["tie"]


def test_texts_are_drawn_and_nothing_in_them_acts(store: Store, open_page: Open) -> None:
    store.write(RICH, RICH.replace("one", "two"))
    page = open_page(store.url)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.reload()
    wait_for_pair(page)
    expect(page.locator(".left .formula .katex").first).to_be_visible()
    expect(page.locator(".left pre code")).to_have_text("print('x')\n")
    expect(page.locator(".left .image")).to_have_text("image: pixel")
    assert page.locator(".answers img").count() == 0
    assert page.evaluate("window.hacked") is None
    assert not [url for url in requests if "127.0.0.1" not in url]
    page.keyboard.press("d")
    marked = {page.locator(f".{side} mark").last.inner_text() for side in ("left", "right")}
    assert marked == {"one.", "two."}
    page.keyboard.press("d")
    assert page.locator("mark").count() == 0


MARKED = """() => {
    const read = (range) => {
        const part = range.cloneContents();
        part.querySelectorAll(".formula").forEach((one) => { one.textContent = one.dataset.tex; });
        return part.textContent;
    };
    const of = (label) => [...(CSS.highlights.get(`label-${label}`) ?? [])].map(read);
    return { good: of("good"), bad: of("bad") };
}"""
SELECT = """([side, from, to]) => {
    const text = document.querySelector(`.answer.${side} .text`);
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    const range = new Range();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.data.includes(from)) range.setStart(node, node.data.indexOf(from));
        if (node.data.includes(to)) { range.setEnd(node, node.data.indexOf(to) + to.length); break; }
    }
    getSelection().removeAllRanges();
    getSelection().addRange(range);
}"""


def test_marked_stretches_land_where_they_were_marked_with_lines_formulas_and_differences(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    store = Store(tmp_path, n_prompts=2)
    store.services.projects.change(
        1,
        ProjectTerms(name="Marks", questions=Questions(spans=True)),
        by=store.services.labeling.sign_in(key=key_of(1)).id,
    )
    poem = "Roses are $r^2$ red\nViolets **are** blue\n\n- and $PATH:$HOME stays\n"
    store.write(poem, poem)
    page = open_page(serve(store.services) + "label")
    lease = wait_for_pair(page)
    expect(page.locator(".left .katex").first).to_be_visible()
    page.evaluate(SELECT, ["left", "red", "Violets"])
    page.get_by_role("button", name="good", exact=True).click()
    page.evaluate(SELECT, ["right", "$PATH", "stays"])
    page.get_by_role("button", name="bad", exact=True).click()
    marked = {"good": ["red\nViolets"], "bad": ["$PATH:$HOME stays"]}
    assert page.evaluate(MARKED) == marked
    for _ in range(2):  # with the differences and without
        page.keyboard.press("d")
        assert page.evaluate(MARKED) == marked
    page.reload()
    wait_for_pair(page)
    expect(page.locator(".left .katex").first).to_be_visible()
    assert page.evaluate(MARKED) == marked
    press(page, "t", lease=lease)
    (stored,) = store.preferences(page)
    assert stored.spans == [
        {"side": "left", "start": 14, "end": 25, "text": "red\nViolets", "label": "good"},
        {"side": "right", "start": 40, "end": 57, "text": "$PATH:$HOME stays", "label": "bad"},
    ]


def test_a_formula_is_one_word_of_a_difference(store: Store, open_page: Open) -> None:
    store.write("It is $x^2$ here\nand $y$ there", "It is $x^3$ here\nand $y$ there")
    page = open_page(store.url)
    wait_for_pair(page)
    page.keyboard.press("d")
    expect(page.locator(".answers mark .formula .katex")).to_have_count(2)
    expect(page.locator(".answers mark")).to_have_count(2)
    expect(page.locator(".answer.left .text br")).to_have_count(1)


def test_a_percent_sign_stays_in_a_formula_and_what_is_no_tex_stays_as_written(
    store: Store, open_page: Open
) -> None:
    store.write("A cut: $$\\text{20% of }P = 0.2P$$ and $$x^2 + \\frac{1}$$", "It is $y$.")
    page = open_page(store.url)
    wait_for_pair(page)
    formulas = page.locator(".answers .formula:has(.katex)").filter(has_text="0.2")
    expect(formulas.locator(".katex-html")).to_contain_text("20% of")
    expect(page.locator(".answers .formula").filter(has_text="\\frac{1}")).to_have_text("x^2 + \\frac{1}")
    assert page.locator(".katex-error").count() == 0


def test_a_text_from_right_to_left_begins_at_the_right(store: Store, open_page: Open) -> None:
    store.write("שלום, עולם.\n\nHello, world.", "Hello, world.")
    page = open_page(store.url)
    wait_for_pair(page)
    # The words' own box, since a paragraph's is as wide as its column whichever way it runs.
    gaps = page.evaluate(
        """() => [...document.querySelectorAll(".answer p")]
            .filter((p) => p.closest(".answer").innerText.includes("עולם"))
            .map((p) => {
                const words = document.createRange();
                words.selectNodeContents(p);
                const [inner, outer] = [words.getBoundingClientRect(), p.getBoundingClientRect()];
                return [inner.left - outer.left, outer.right - inner.right];
            })"""
    )
    hebrew, english = gaps
    assert hebrew[1] == pytest.approx(0, abs=1)
    assert hebrew[0] > 50
    assert english[0] == pytest.approx(0, abs=1)


def test_nothing_to_label_says_where_pairs_come_from(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    wait_for_pair(page)
    for prompt_id in store.prompt_ids:
        store.services.labeling.mark_seen(annotator_id=annotator_of(page), prompt_id=prompt_id)
    page.reload()
    expect(page.locator(".empty h2")).to_be_visible()
    expect(page.locator(".empty a")).to_have_text(["Import", "Ask on Blend"])


def test_on_a_phone_answers_stack_and_the_vote_bar_stays_in_sight(store: Store, open_page: Open) -> None:
    store.write("word " * 40, "other " * 40)  # longer ones are two tabs, see test_label_reading
    page = open_page(store.url, width=390, height=844, light="dark")
    wait_for_pair(page)
    left, right = (page.locator(f".answer.{side}").bounding_box() for side in ("left", "right"))
    bar = page.locator(".bar").bounding_box()
    assert left is not None
    assert right is not None
    assert bar is not None
    assert right["y"] >= left["y"] + left["height"]
    assert left["width"] > 300
    assert bar["y"] + bar["height"] == pytest.approx(844, abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.body.classList.contains('dark')")


class Server:
    """Serves a store at one address, and can be stopped and started."""

    def __init__(self, store: Store, *, port: int) -> None:
        self._store = store
        self._settings = replace(store.services.settings, host="127.0.0.1", port=port)
        self._app: Any = None

    def start(self) -> None:
        self._app = build_app(self._store.services)
        open_pages(self._app, self._settings)
        self._store.url = f"http://127.0.0.1:{self._settings.port}/label"

    def stop(self) -> None:
        self._app.close(verbose=False)


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[tuple[Store, Server]]:
    store = Store(tmp_path, n_prompts=5)
    server = Server(store, port=find_free_port())
    server.start()
    yield store, server
    server.stop()


def test_a_vote_given_while_the_server_is_away_arrives_when_it_is_back(
    restartable: tuple[Store, Server], open_page: Open
) -> None:
    store, server = restartable
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    server.stop()
    page.keyboard.press("b")
    expect(page.locator(".alarm")).to_contain_text("Nothing is lost")
    assert store.stored(page) == []
    wait_for_pair(page, after=lease)  # the next pair was leased ahead and needs no server
    server.start()
    expect(page.locator(".strip")).to_contain_text("Before")
    assert [(one.lease_id, one.outcome.value) for one in store.preferences(page)] == [(int(lease), "right")]
    expect(page.locator(".alarm")).to_be_hidden()


def test_a_vote_that_was_on_its_way_when_the_page_went_arrives_once(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.context.set_offline(True)
    page.keyboard.press("n")
    expect(page.locator(".alarm")).to_contain_text("Nothing is lost")
    page.context.set_offline(False)
    page.reload()
    wait_for_pair(page, after=lease)
    assert [(one.lease_id, one.outcome.value) for one in store.preferences(page)] == [
        (int(lease), "both_bad")
    ]


def vote_offline(page: Page) -> int:
    """Press a vote that cannot be sent and stays in the outbox; gives its lease."""
    lease = wait_for_pair(page)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.context.set_offline(True)
    page.keyboard.press("b")
    expect(page.locator(".alarm")).to_contain_text("Nothing is lost")
    return int(lease)


def open_anew_online(page: Page) -> None:
    """Leave a page while it is offline, and open it online: by itself it would send what it holds."""
    url = page.url
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(url)


def test_after_a_reload_only_a_vote_that_was_taken_is_said_to_be_sent(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = vote_offline(page)
    open_anew_online(page)
    expect(page.locator(".strip")).to_have_text("Your last answer was sent.")
    assert [one.lease_id for one in store.preferences(page)] == [lease]


def test_a_vote_whose_place_others_took_meanwhile_is_not_said_to_be_sent(
    tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    store = Store(tmp_path, n_prompts=1)
    page = open_page(serve(store.services) + "label")
    lease_id = vote_offline(page)
    with transaction(store.services.engine, immediate=True) as session:
        lease = session.get(LeaseRow, lease_id)
        assert lease is not None
        lease.expires_at = utc_now() - timedelta(seconds=1)
    other = store.services.labeling.sign_in(key=key_of(1))
    assert store.services.labeling.next_pair(annotator_id=other.id) is not None
    open_anew_online(page)
    expect(page.locator(".strip")).to_contain_text("Not counted: this pair waited too long")
    expect(page.locator(".strip")).not_to_contain_text("was sent")
    assert store.preferences(page) == []


def test_a_vote_in_a_project_that_is_gone_is_not_said_to_be_sent(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    vote_offline(page)
    page.evaluate(
        "outbox => localStorage.setItem(outbox, JSON.stringify("
        "JSON.parse(localStorage.getItem(outbox)).map((one) => ({ ...one, project_id: 99 }))))",
        OUTBOX,
    )
    open_anew_online(page)
    expect(page.locator(".strip")).to_contain_text("Not counted: This project is not there")
    assert store.preferences(page) == []


def test_my_answers_show_the_reason_as_it_was_written(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    page.locator(".reason").fill("<b>left</b> is tidier")
    page.keyboard.press("Escape")
    press(page, "a", lease=lease)
    page.keyboard.press("m")
    page.locator(".past summary").click()
    expect(page.locator(".past .text > p").last).to_have_text("Your reason: <b>left</b> is tidier")


def test_a_second_tab_cannot_vote_on_what_the_first_has_answered(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    lease = wait_for_pair(page)
    other = page.context.new_page()
    other.goto(store.url)
    assert wait_for_pair(other) == lease
    press(page, "a", lease=lease)
    press(other, "b", lease=lease)
    expect(other.locator(".strip")).to_contain_text("Not counted")
    assert [one.outcome.value for one in store.preferences(page)] == ["left"]
    assert other.locator(".label-frame").get_attribute("data-lease") == page.locator(
        ".label-frame"
    ).get_attribute("data-lease")


def test_an_annotator_gives_their_name_and_it_stays(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    wait_for_pair(page)
    annotator_id = annotator_of(page)
    page.click(".name")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.locator(".name")).to_have_text("Ada")
    page.reload()
    expect(page.locator(".name")).to_have_text("Ada")
    assert store.services.labeling.progress(annotator_id=annotator_id).n_mine == 0


def test_drawers_open_and_close_by_their_keys(store: Store, open_page: Open) -> None:
    page = open_page(store.url)
    wait_for_pair(page)
    page.keyboard.press("?")
    expect(page.locator(".drawer.help")).to_be_visible()
    page.keyboard.press("g")
    expect(page.locator(".drawer.help")).to_be_hidden()
    expect(page.locator(".drawer.guidelines")).to_contain_text("before you decide")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer.guidelines")).to_be_hidden()

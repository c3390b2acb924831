"""Agreement, each annotator beside the others, rulings, and what they count for."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from blender_ui.errors import MalformedInput, NotFound
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.inspecting.member_ratings import MemberRatings
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.signing_in import sign_in
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.checks import Checks
from blender_ui.services.quality.label_figures import N_LATEST, Latest, warn
from blender_ui.services.quality.vote_log import VoteLog
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.versions.readiness import measure_readiness
from blender_ui.values import OutcomeCode
from blender_ui.votes.labels import find_labels
from blender_ui.votes.views import find_judged
from db.engine import transaction
from db.models import Annotator, AnnotatorKind, Comparison, Origin, Outcome, Preference, Purpose, utc_now
from db.queries.columns import OUTCOME_CODES
from tests.builders.rows import pair, save, vote
from tests.builders.stores import Clock, add_prompts, key_of, make_store

SHARED_DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))

LEFT, RIGHT, TIE, BOTH_BAD = OutcomeCode


class Store:
    """A store in which people say what a test tells them to."""

    def __init__(self, folder: Path, *, n_prompts: int) -> None:
        self.engine: Engine = make_store(folder)
        self.clock = Clock()
        self.quality = Quality(self.engine, clock=self.clock)
        self.prompts = add_prompts(self.engine, n_prompts=n_prompts)
        self.people: dict[str, int] = {}
        self.n_votes = 0
        with transaction(self.engine, immediate=True) as session:
            for place, prompt_id in enumerate(self.prompts):
                left, right = 2 * place + 1, 2 * place + 2
                for sides in ((left, right), (right, left)):
                    save(session, [pair(prompt_id, *sides, origin=Origin.QUEUE, side_seed=1)])

    def say(
        self, who: str, place: int, outcome: Outcome, *, turned: bool = False, seconds: float | None = 9.0
    ) -> int:
        """A label on a prompt's only pair, or on the same pair with its sides turned; gives its id."""
        if who not in self.people:
            number = len(self.people)
            self.people[who] = sign_in(self.engine, key=key_of(number), name=who, now=utc_now()).id
        self.n_votes += 1
        self.clock.pass_by(1)
        with transaction(self.engine, immediate=True) as session:
            said = vote(
                2 * place + 1 + turned,
                self.people[who],
                outcome,
                seconds=seconds,
                idempotency_key=str(self.n_votes),
                created_at=self.clock(),
            )
            (row,) = save(session, [said])
            return row.id or 0

    def retract(self, preference_id: int) -> None:
        with transaction(self.engine, immediate=True) as session:
            row = session.get(Preference, preference_id)
            assert row is not None
            row.retracted_at = self.clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, n_prompts=30)


def test_an_empty_store_has_figures_that_say_nothing(store: Store) -> None:
    view = store.quality.view()
    assert (view.n_labels, view.overall.n_items, view.windows, view.annotators) == (0, 0, (), ())
    assert np.isnan(view.overall.alpha.value)
    assert store.quality.list_disagreements() == ()


def test_alpha_of_the_store_is_krippendorffs_example(store: Store) -> None:
    """Section B of Krippendorff (2011), with his fifth value, on which both agreed, made the third."""
    words = {"a": Outcome.LEFT, "b": Outcome.RIGHT, "c": Outcome.TIE, "d": Outcome.BOTH_BAD}
    meg, owen = "aabbdccccdda", "babbbccccdda"
    for place, said in enumerate(zip(meg, owen, strict=True)):
        for who, word in zip(("meg", "owen"), said, strict=True):
            store.say(who, place, words[word])
    # Two of twelve items differ. Of 24 values a has 5, b 6, c 8, d 5: 150 is the sum of their squares.
    assert store.quality.view().overall.alpha.value == pytest.approx(1 - 23 * 4 / (24**2 - 150))
    assert store.quality.view().overall.n_disagreeing == 2


def test_sides_are_turned_back_before_people_are_compared(store: Store) -> None:
    store.say("ada", 0, Outcome.LEFT)
    store.say("bob", 0, Outcome.RIGHT, turned=True)
    store.say("ada", 1, Outcome.TIE)
    store.say("bob", 1, Outcome.TIE, turned=True)
    overall = store.quality.view().overall
    assert (overall.n_overlapping, overall.n_disagreeing, overall.agreement) == (2, 0, 1.0)


def test_of_two_labels_by_one_person_the_later_counts(store: Store) -> None:
    store.say("ada", 0, Outcome.LEFT)
    store.say("ada", 0, Outcome.LEFT, turned=True)
    log = find_labels(VoteLog(store.engine).current())
    assert log.choice.tolist() == [RIGHT]
    assert log.outcome.tolist() == [LEFT]


def test_what_came_since_is_seen_and_what_was_taken_back_is_not(store: Store) -> None:
    store.say("ada", 0, Outcome.LEFT)
    undone = store.say("bob", 0, Outcome.RIGHT)
    first = store.quality.view()
    assert (first.n_labels, first.overall.n_disagreeing) == (2, 1)
    assert store.quality.view() is first, "nothing happened, nothing is measured"
    store.retract(undone)
    assert store.quality.view().n_labels == 1
    store.say("bob", 0, Outcome.LEFT)
    view = store.quality.view()
    assert (view.n_labels, view.overall.n_disagreeing) == (2, 0)


def test_a_log_kept_up_to_date_is_the_log_read_anew(store: Store) -> None:
    draw, kept = np.random.default_rng(5), VoteLog(store.engine)
    for step in range(60):
        outcome = list(Outcome)[draw.integers(0, 4)]
        said = store.say(f"person-{step % 3}", step // 3, outcome, turned=bool(draw.random() < 0.3))
        if draw.random() < 0.3:
            store.retract(said)
        if step % 5 == 0:
            kept.current()
    mine, fresh = vars(find_labels(kept.current())), vars(find_labels(VoteLog(store.engine).current()))
    for name, value in fresh.items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(mine[name], value, equal_nan=name == "seconds"), name
        else:
            assert mine[name] == value, name


def test_a_label_is_read_with_its_time_or_none(store: Store) -> None:
    for place, seconds in enumerate((None, 0.0, 1.2345, 1e9)):
        store.say("ada", place, Outcome.BOTH_BAD, seconds=seconds)
    log = find_labels(VoteLog(store.engine).current())
    np.testing.assert_allclose(log.seconds, [np.nan, 0, 1.234, 1e9], rtol=1e-3)
    assert log.outcome.tolist() == [BOTH_BAD] * 4
    assert log.annotator_ids.tolist() == [store.people["ada"]]


def test_judges_are_left_out(store: Store) -> None:
    store.say("ada", 0, Outcome.LEFT)
    store.say("model", 0, Outcome.RIGHT)
    with transaction(store.engine, immediate=True) as session:
        judge = session.get(Annotator, store.people["model"])
        assert judge is not None
        judge.kind = AnnotatorKind.JUDGE
    assert [one.name for one in store.quality.view().annotators] == ["ada"]


def test_each_annotator_stands_beside_the_others(store: Store) -> None:
    """Ada and Bob say left, Cyd says right in 20 of 25 and is quick."""
    for place in range(25):
        store.say("ada", place, Outcome.LEFT, seconds=8)
        store.say("bob", place, Outcome.LEFT, seconds=None)
        store.say("cyd", place, Outcome.RIGHT if place < 20 else Outcome.LEFT, seconds=1)
    ada, bob, cyd = sorted(store.quality.view().annotators, key=lambda one: one.name)
    # Where Cyd differs, Ada and Bob each face one left and one right: no majority of the others.
    assert (ada.n_compared, ada.agreement.value) == (5, 1.0)
    assert (cyd.n_compared, cyd.agreement.value) == (25, 0.2)
    assert (ada.median_seconds, cyd.median_seconds) == (8, 1)
    assert np.isnan(bob.median_seconds)
    assert (ada.fast_share, cyd.fast_share) == (0, 1)
    assert (ada.left_share.value, cyd.left_share.value) == (1.0, 0.2)
    assert "less than 1.5 seconds" in cyd.warning
    assert "Agrees with most of the others in 5 of the latest 25" in cyd.warning
    pairs = store.quality.view().pairs
    a, c = pairs.names.index("ada"), pairs.names.index("cyd")
    assert pairs.agreement[a, c] == 0.2
    assert pairs.n_shared[a, c] == 25
    assert np.isnan(pairs.agreement[a, a])


def test_kappa_of_two_in_the_matrix_is_cohens_example(tmp_path: Path) -> None:
    """A tenth of Cohen's (1960) 200 people: .70 observed, .41 by chance, kappa .492."""
    store = Store(tmp_path, n_prompts=100)
    table = [[44, 5, 1], [7, 20, 3], [9, 5, 6]]
    words = (Outcome.LEFT, Outcome.RIGHT, Outcome.TIE)
    place = 0
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            for _ in range(count):
                store.say("ada", place, words[row])
                store.say("bob", place, words[column], turned=False)
                place += 1
    (kappa,) = store.quality.view().pairs.kappas.values()
    assert kappa.value == pytest.approx(0.492, abs=0.0005)


def test_gold_pairs_say_who_reads(store: Store) -> None:
    with transaction(store.engine, immediate=True) as session:
        for comparison_id, right in ((1, Outcome.LEFT), (3, Outcome.LEFT), (5, Outcome.TIE)):
            comparison = session.get(Comparison, comparison_id)
            assert comparison is not None
            comparison.purpose, comparison.gold_outcome = Purpose.GOLD, right
    for place in range(4):
        store.say("ada", place, Outcome.LEFT)
    (ada,) = store.quality.view().annotators
    assert (ada.n_gold, ada.gold.value) == (3, pytest.approx(2 / 3))


def test_a_pair_that_becomes_a_check_after_its_labels_counts_as_one(store: Store) -> None:
    for place in range(3):
        store.say("ada", place, Outcome.LEFT)
    assert store.quality.view().annotators[0].n_gold == 0
    me, checks = store.people["ada"], Checks(store.engine, clock=store.clock)
    checks.set_check(1, purpose=Purpose.GOLD, outcome=Outcome.LEFT, by=me)
    checks.set_check(3, purpose=Purpose.ATTENTION, outcome=Outcome.LEFT, by=me)
    (ada,) = store.quality.view().annotators
    assert (ada.n_gold, ada.gold.value) == (2, 1.0)
    checks.set_check(3, purpose=Purpose.GOLD, outcome=Outcome.TIE, by=me)
    assert store.quality.view().annotators[0].gold.value == 0.5
    checks.set_check(1, purpose=Purpose.LABEL, outcome=None, by=me)
    assert store.quality.view().annotators[0].n_gold == 1


# What warns, and what does not.
def latest(
    outcomes: list[int], *, seconds: float = 9.0, is_side_drawn: bool = True, gold: list[int] | None = None
) -> Latest:
    n = len(outcomes)
    known = np.full(n, -1) if gold is None else np.array(gold)
    return Latest(np.array(outcomes), np.full(n, is_side_drawn), np.full(n, seconds), known)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (latest([LEFT, RIGHT] * 5, seconds=1.0), "less than 1.5 seconds"),
        (latest([LEFT] * 15), "15 of the latest 15 choices were the left"),
        (latest([RIGHT] * 26 + [LEFT] * 4), "26 of the latest 30 choices were the right"),
        (latest([TIE] * 20), "all the same"),
        (latest([LEFT, RIGHT] * 4, gold=[RIGHT, LEFT] * 2 + [-1] * 4), "4 of the latest 4 check pairs"),
        (latest([LEFT, RIGHT] * 4, gold=[RIGHT, RIGHT] * 4), ""),
        (latest([LEFT, RIGHT], gold=[RIGHT, LEFT]), ""),
        (latest([LEFT, RIGHT] * 15), ""),
        (latest([LEFT] * 10), ""),
        (latest([LEFT] * 30, is_side_drawn=False), ""),
        (latest([LEFT, RIGHT] * 4, seconds=0.5), ""),
        (latest([]), ""),
        (latest([LEFT, RIGHT] * 5, seconds=np.nan), ""),
    ],
)
def test_a_warning_needs_a_reason(labels: Latest, said: str) -> None:
    warning = warn(labels)
    assert said in warning
    assert bool(warning) == bool(said)


def test_a_fair_annotator_is_hardly_ever_warned_of_a_side() -> None:
    draw = np.random.default_rng(0)
    n_warned = sum(bool(warn(latest(draw.integers(0, 2, N_LATEST).tolist()))) for _ in range(2000))
    assert n_warned <= 8  # less than one in a thousand expected


def test_a_warning_looks_at_the_latest_labels_alone(store: Store) -> None:
    for place in range(10):
        store.say("ada", place, Outcome.TIE, seconds=0.5)
    assert "no hurry" in store.quality.warn(annotator_id=store.people["ada"])
    for place in range(10, 30):
        store.say("ada", place, [Outcome.LEFT, Outcome.RIGHT][place % 2])
    assert store.quality.warn(annotator_id=store.people["ada"]) == ""
    assert store.quality.warn(annotator_id=99) == ""


def test_disagreements_come_most_split_first_and_go_when_ruled(store: Store) -> None:
    store.say("ada", 0, Outcome.LEFT)
    store.say("bob", 0, Outcome.RIGHT)
    for who, outcome in (("ada", "left"), ("bob", "tie"), ("cyd", "both_bad")):
        store.say(who, 1, Outcome(outcome), turned=who == "bob")
    store.say("ada", 2, Outcome.LEFT)
    split, even = store.quality.list_disagreements()
    assert [vote.outcome for vote in split.votes] == [Outcome.LEFT, Outcome.BOTH_BAD, Outcome.TIE]
    assert {vote.annotator for vote in split.votes} == {"ada", "bob", "cyd"}
    assert even.left_text == "Answer of member-0 to 1"
    store.quality.rule(
        comparison_id=split.comparison_id, outcome=Outcome.TIE, reason="even", decided_by_id=None
    )
    assert [one.comparison_id for one in store.quality.list_disagreements()] == [even.comparison_id]
    (event,) = Auditing(store.engine).list_latest()
    assert (event.action, event.object_id) == ("adjudication.rule", str(split.comparison_id))
    assert event.after == {"outcome": "tie", "reason": "even"}


def test_a_ruling_counts_in_training_and_in_exports_whatever_the_sides(store: Store, tmp_path: Path) -> None:
    for who in ("ada", "bob"):
        store.say(who, 0, Outcome.LEFT)
    store.say("cyd", 0, Outcome.LEFT, turned=True)
    before = load_dataset(store.engine).dataset
    assert before.target.tolist() == [1, 1, 1]
    for outcome in (Outcome.TIE, Outcome.RIGHT):
        store.quality.rule(
            comparison_id=1, outcome=outcome, reason="the left one invents a source", decided_by_id=None
        )
    after = load_dataset(store.engine).dataset
    assert after.target.tolist() == [0, 0, 1], "the last ruling, turned with the sides"
    Exporting(store.engine).export(tmp_path / "dpo.jsonl", format="dpo")
    (line,) = map(json.loads, (tmp_path / "dpo.jsonl").read_text().splitlines())
    assert line["chosen"] == [{"role": "assistant", "content": "Answer of member-1 to 1"}]
    Exporting(store.engine).export(tmp_path / "all.jsonl", format="jsonl")
    labels = json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])["labels"]
    assert [label["winner"] for label in labels] == ["a", "a", "a"], "labels stay what people said"


def test_a_ruling_needs_a_comparison_and_a_reason(store: Store) -> None:
    with pytest.raises(NotFound, match="no comparison 999"):
        store.quality.rule(comparison_id=999, outcome=Outcome.TIE, reason="x", decided_by_id=None)
    with pytest.raises(MalformedInput, match="needs a reason"):
        store.quality.rule(comparison_id=1, outcome=Outcome.TIE, reason="  ", decided_by_id=None)


def test_agreement_over_time_follows_the_labels(tmp_path: Path) -> None:
    store = Store(tmp_path, n_prompts=80)
    for place in range(80):
        store.say("ada", place, [Outcome.LEFT, Outcome.RIGHT][place % 2])
        agrees = place >= 40 or place % 4 < 2
        store.say("bob", place, [Outcome.LEFT, Outcome.RIGHT][(place + (not agrees)) % 2])
    windows = store.quality.view().windows
    assert [window.n_items for window in windows] == [20] * 4
    assert [window.at for window in windows] == sorted(window.at for window in windows)
    assert windows[0].alpha.value < 0.2
    assert windows[3].alpha.value == 1.0


def test_the_figures_of_a_real_file_are_its_authors(tmp_path: Path) -> None:
    """PandaLM's three annotators agree with a kappa of about .86 on the kept pairs."""
    path = SHARED_DATA / "pandalm.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"needs the shared preferences at {path.parent}")
    engine = make_store(tmp_path)
    Importing(engine, clock=Clock(), seed=1, overlap=1).import_file(path)
    view = Quality(engine, clock=Clock()).view()
    assert view.overall.n_raters == 3
    assert view.overall.fleiss.value == pytest.approx(0.86, abs=0.03)
    assert view.overall.alpha.low < view.overall.alpha.value < view.overall.alpha.high


def test_the_store_and_the_arrays_have_one_code_for_an_outcome() -> None:
    assert {outcome.name: code for outcome, code in OUTCOME_CODES.items()} == dict(OutcomeCode.__members__)


@pytest.mark.parametrize("ruling", [Outcome.LEFT, Outcome.RIGHT, Outcome.TIE, Outcome.BOTH_BAD])
def test_a_ruling_counts_the_same_wherever_votes_count(store: Store, ruling: Outcome) -> None:
    """In ratings, in version reports, in readiness and in training, on either side and of either order."""
    for who, outcome, turned in (
        ("ada", Outcome.LEFT, False),
        ("bob", Outcome.TIE, False),
        ("cyd", Outcome.LEFT, True),
    ):
        store.say(who, 0, outcome, turned=turned)
    store.say("ada", 1, Outcome.RIGHT)
    table = PreferenceTable(store.engine)
    assert table.current().target.tolist() == [1, 0.5, 1, 0]
    # The first ruling is replaced by one on the same answers in the other order.
    for comparison_id, outcome in ((1, Outcome.TIE), (2, ruling.turned)):
        store.quality.rule(comparison_id=comparison_id, outcome=outcome, reason="read", decided_by_id=None)
    dataset, told = load_dataset(store.engine).dataset, table.current()
    by_hand = {"left": [1, 1, 0, 0], "right": [0, 0, 1, 0]}.get(ruling.value, [0.5, 0.5, 0.5, 0])
    assert told.target.tolist() == dataset.target.tolist() == by_hand
    n_decided = 4 if ruling in (Outcome.LEFT, Outcome.RIGHT) else 1
    assert told.is_decided.sum() == n_decided
    with transaction(store.engine) as session:
        assert measure_readiness(session).n_decided == n_decided
    best, *_ = MemberRatings(store.engine, table=table).rate().members
    assert best.member == ("member-0" if ruling is Outcome.LEFT else "member-1")
    prompts = table.prompts()
    everything = prompts._replace(is_held_out=np.ones_like(prompts.is_held_out))
    assert len(find_judged(told, everything)) == n_decided
    assert store.quality.view().overall.n_disagreeing == 1, "what people said stays"

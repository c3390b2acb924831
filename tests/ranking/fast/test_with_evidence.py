"""What evidence is worth is learnt from votes: much where it tells, nothing where it misleads."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from blender_ui.errors import RankerError
from blender_ui.evidence.answers import EVIDENCE_NAMES, AnswerEvidence, gather, join
from blender_ui.ranking.fast.files import ARRAYS_FILE
from blender_ui.ranking.fast.head import Head
from blender_ui.ranking.fast.ranker import GROUPS, FastRanker
from blender_ui.ranking.fast.state import N_TEXT_COLUMNS
from blender_ui.values import FloatArray, PreferenceDataset, RankingPrompt

MEMBERS = ("A", "B", "C", "D")
READINGS = 24


def make_votes(
    *, n_prompts: int, right: str, seed: int = 0
) -> tuple[PreferenceDataset, FloatArray, AnswerEvidence]:
    """Prompts on which three members agree and one, never the same, does not; people choose one side.

    Args:
        n_prompts: Each with four answers and one preference for each of two pairs.
        right: "many" where people prefer what three say, "one" the other, "chance" where they toss.
        seed: Of members and readings, which say nothing.
    """
    rng = np.random.default_rng(seed)
    prompts = tuple(RankingPrompt(instruction=f"How many of {number}?") for number in range(n_prompts))
    texts: list[str] = []
    pairs: list[tuple[int, int]] = []
    for number in range(n_prompts):
        odd = int(rng.integers(4))
        texts += [f"The answer is {number + 1 if place == odd else number}." for place in range(4)]
        pairs += [(4 * number + odd, 4 * number + place) for place in range(4) if place != odd][:2]
    first, second = np.array(pairs).T
    share = {"many": np.zeros, "one": np.ones}
    target = share[right](len(first)) if right in share else rng.integers(0, 2, len(first)).astype(float)
    dataset = PreferenceDataset(
        prompts=prompts,
        texts=tuple(texts),
        members=MEMBERS * n_prompts,
        prompt_of=np.repeat(np.arange(n_prompts), 4),
        left=first,
        right=second,
        target=target,
        both_bad=np.zeros(len(first), dtype=bool),
        strength=np.full(len(first), np.nan),
        annotators=("a",) * len(first),
    )
    evidence = join([gather(prompt, texts[4 * n : 4 * n + 4], MEMBERS) for n, prompt in enumerate(prompts)])
    return dataset, rng.normal(size=(len(texts), READINGS)).astype(np.float32), evidence


def chance_for_agreed(ranker: FastRanker, seed: int = 9) -> float:
    """Mean probability that an answer of three beats that of one, on prompts that were not learnt from."""
    dataset, readings, evidence = make_votes(n_prompts=40, right="many", seed=seed)
    chances = []
    for odd, other in zip(dataset.left, dataset.right, strict=True):
        used = np.flatnonzero(dataset.prompt_of == dataset.prompt_of[odd])
        logits = ranker.pairwise_logits(
            readings[used],
            MEMBERS,
            dataset.prompts[dataset.prompt_of[odd]],
            evidence=evidence.select(used),
        )
        chances.append(1 / (1 + np.exp(-logits[other % 4, odd % 4])))
    return float(np.mean(chances))


def test_agreement_is_trusted_where_people_prefer_what_most_say() -> None:
    dataset, readings, evidence = make_votes(n_prompts=60, right="many")
    without = FastRanker.fit(dataset, readings)
    assert chance_for_agreed(FastRanker.fit(dataset, readings, evidence=evidence)) > 0.9
    assert 0.3 < chance_for_agreed(without) < 0.7


@pytest.mark.parametrize(("right", "low", "high"), [("one", 0.0, 0.1), ("chance", 0.35, 0.65)])
def test_agreement_that_misleads_is_not_trusted(right: str, low: float, high: float) -> None:
    dataset, readings, evidence = make_votes(n_prompts=80, right=right)
    assert low <= chance_for_agreed(FastRanker.fit(dataset, readings, evidence=evidence)) <= high


def test_a_version_from_before_evidence_opens_unchanged_and_learns_it_from_votes(tmp_path: Path) -> None:
    dataset, readings, evidence = make_votes(n_prompts=60, right="many")
    FastRanker.fit(dataset, readings).save(tmp_path)
    assert "evidence_scale" not in load_file(tmp_path / ARRAYS_FILE)
    old = FastRanker.load(tmp_path)
    old.save(tmp_path / "again")
    assert (tmp_path / "again" / ARRAYS_FILE).read_bytes() == (tmp_path / ARRAYS_FILE).read_bytes()
    assert not old.weighs_evidence
    assert 0.3 < chance_for_agreed(old) < 0.7
    assert chance_for_agreed(old.refit(dataset, readings, evidence=evidence)) > 0.8


def test_a_version_that_weighs_no_topic_opens_and_refits_as_it_was(tmp_path: Path) -> None:
    dataset, readings, evidence = make_votes(n_prompts=30, right="many")
    state = FastRanker.fit(dataset, readings, evidence=evidence)._state
    n_later = len(EVIDENCE_NAMES) - N_TEXT_COLUMNS
    narrow = state._replace(
        evidence_scale=state.evidence_scale[:N_TEXT_COLUMNS],
        head=Head(state.head.mean[:-n_later], state.head.covariance[:-n_later, :-n_later]),
    )
    old = FastRanker(narrow)
    old.save(tmp_path)
    assert len(load_file(tmp_path / ARRAYS_FILE)["precisions"]) == GROUPS.index("execution")
    loaded = FastRanker.load(tmp_path)
    assert loaded.fingerprint == old.fingerprint
    assert chance_for_agreed(loaded) == chance_for_agreed(old)
    assert len(loaded.refit(dataset, readings, evidence=evidence)._state.head.mean) == len(narrow.head.mean)


def test_an_answer_to_another_prompt_loses_before_votes_have_shown_one() -> None:
    dataset, readings, evidence = make_votes(n_prompts=4, right="chance")
    ranker = FastRanker.fit(dataset, readings, evidence=evidence)
    asked = RankingPrompt(instruction="When was the lighthouse of Brenn built?")
    answers = (
        "The lighthouse was built in 1841.",
        "Fry the onions slowly in butter.",
        "It was built in 1841.",
    )
    about = gather(asked, answers, ("", "", ""))
    logits = ranker.pairwise_logits(np.zeros((3, READINGS)), ("", "", ""), asked, evidence=about)
    assert logits[0, 1] > 1
    assert logits[2, 1] > 1


def test_what_is_saved_with_evidence_is_what_is_loaded(tmp_path: Path) -> None:
    dataset, readings, evidence = make_votes(n_prompts=30, right="many")
    ranker = FastRanker.fit(dataset, readings, evidence=evidence)
    ranker.save(tmp_path)
    loaded = FastRanker.load(tmp_path)
    assert loaded.fingerprint == ranker.fingerprint
    again = loaded.refit(dataset, readings, evidence=evidence)
    assert again.fingerprint == ranker.refit(dataset, readings, evidence=evidence).fingerprint


def test_what_evidence_adds_is_named_and_the_parts_make_the_logit() -> None:
    dataset, readings, evidence = make_votes(n_prompts=60, right="many")
    ranker = FastRanker.fit(dataset, readings, evidence=evidence)
    asked = dataset.left[:1], dataset.right[:1]
    prompts = [dataset.prompts[number] for number in dataset.prompt_of]
    read = ranker.read_pairs(
        readings, dataset.members, prompts, first=asked[0], second=asked[1], evidence=evidence
    )
    by_group = dict(zip(GROUPS, read.by_group[0], strict=True))
    assert by_group["evidence"] + by_group["support"] < -1
    assert sum(by_group.values()) == pytest.approx(read.logits[0])


def test_evidence_about_other_answers_is_refused() -> None:
    dataset, readings, evidence = make_votes(n_prompts=30, right="many")
    ranker = FastRanker.fit(dataset, readings, evidence=evidence)
    with pytest.raises(RankerError, match="expected evidence of shape"):
        ranker.pairwise_logits(readings[:4], MEMBERS, dataset.prompts[0], evidence=evidence)

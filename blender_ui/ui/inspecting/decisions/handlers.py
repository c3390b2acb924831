"""What the inspect page does when asked, without Gradio.

Invariant: every figure is shown with the ids of its rows, and the ranker's word stands beside the
people's, never instead of it. Non-goal: what a version would say of other texts (``what_if``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from blender_ui.errors import BlenderError, MalformedInput, NotPermitted
from blender_ui.language import tr
from blender_ui.outside import read_id
from blender_ui.services.candidates import CandidateView
from blender_ui.services.inspecting.decisions import Inspection, PromptEntry, PromptInspection
from blender_ui.services.inspecting.prompt_votes import VoteView, hide_person
from blender_ui.services.inspecting.reasons import Explaining, Reasons
from blender_ui.services.people.access import Access
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.rows import RankingView
from blender_ui.statistics.cycles import Cycles, find_cycles
from blender_ui.ui.csv_text import write_csv
from blender_ui.ui.identity import find_reader, is_researcher
from blender_ui.ui.inspecting.what_if.handlers import Typed
from db.enums import Outcome

ONLY_MADE = "This demo shows rankings that were made, and this version has not ranked this prompt."
UNTOLD = (
    "The project of this prompt does not tell who wrote its answers, or not yet. Choose a prompt of another "
    "project."
)
_SIGN = {Outcome.LEFT: 1, Outcome.RIGHT: -1, Outcome.TIE: 0, Outcome.BOTH_BAD: 0}


@dataclass(frozen=True, kw_only=True)
class JudgedVote:
    """A vote, and what the ranking says of the same pair.

    Attributes:
        probability: That left is preferred, from the mean of both orders' logits; None where the
            ranking does not hold the pair.
        agrees: Whether the likelier side won; None for a tie, both bad, or an even chance.
    """

    vote: VoteView
    probability: float | None
    agrees: bool | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One prompt, one of its rankings, and the votes beside it.

    Attributes:
        ranking: None where the prompt was never ranked.
        reasons: Of the ranking, likewise.
    """

    prompt: PromptInspection
    ranking: RankingView | None
    votes: tuple[JudgedVote, ...]
    reasons: Reasons | None = None


class Disagreement(NamedTuple):
    """A pair on which not everybody says the same.

    Attributes:
        first_id, second_id: The candidates.
        n_first, n_second: People who preferred each.
        n: People in all, ties included.
        probability: That the first is better, by the ranking; None where it has none.
    """

    first_id: int
    second_id: int
    n_first: int
    n_second: int
    n: int
    probability: float | None


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """What came of asking for a ranking.

    Attributes:
        ranking_id: None where there is none.
        notice: Why not; empty where there is one.
    """

    ranking_id: int | None
    notice: str = ""


class InspectHandlers:
    """The inspect page's requests.

    Args:
        inspection: Reads the store.
        ranking: Ranks a prompt that has no ranking yet.
        explaining: Says why a ranking is as it is.
        access: Knows who may rank, and read people's names.
        find_project: The project that a request is about; None for all.
    """

    def __init__(
        self,
        inspection: Inspection,
        ranking: RankingService,
        *,
        explaining: Explaining,
        access: Access,
        find_project: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._inspection = inspection
        self._explaining = explaining
        self._ranking = ranking
        self._access = access
        self._find_project = find_project

    def find_prompts(self, text: object) -> tuple[PromptEntry, ...]:
        """Prompts that hold a text, newest first; the newest of all for none."""
        return self._inspection.find_prompts(
            text if isinstance(text, str) else "",
            project_id=self._find_project(),
            by=find_reader(self._access),
        )

    def find_prompt(self, prompt_id: int) -> tuple[PromptEntry, ...]:
        """The one prompt of this id; nothing where there is none."""
        # Others, whose text holds the number, are found with it.
        found = self._inspection.find_prompts(f"#{prompt_id}", by=find_reader(self._access), limit=1)
        return tuple(one for one in found if one.prompt_id == prompt_id)

    def get_decision(self, prompt_id: object, ranking_id: object = None) -> Decision:
        """A prompt with one of its rankings; people's names and reasons only for a researcher.

        Args:
            prompt_id: Of the prompt.
            ranking_id: Of the ranking; nothing for the latest.

        Raises:
            NotFound: If there is no such prompt or ranking.
            MalformedInput: If the ranking is another prompt's, or an id is not a number.
        """
        prompt = self._inspection.get_prompt(read_id(prompt_id), by=find_reader(self._access))
        if not is_researcher(self._access):
            if self._inspection.hides_names(prompt.prompt_id):
                raise NotPermitted(UNTOLD)
            prompt = replace(prompt, votes=tuple(hide_person(vote) for vote in prompt.votes))
        latest = prompt.rankings[0].ranking_id if prompt.rankings else None
        chosen = latest if ranking_id in (None, "") else read_id(ranking_id)
        ranking = None if chosen is None else self._inspection.get_ranking(chosen)
        if ranking is not None and ranking.prompt_id != prompt.prompt_id:
            raise MalformedInput(
                tr(
                    "ranking {ranking_id} is of prompt {prompt_id}, not of {wanted}",
                    ranking_id=ranking.ranking_id,
                    prompt_id=ranking.prompt_id,
                    wanted=prompt.prompt_id,
                )
            )
        return Decision(
            prompt=prompt,
            ranking=ranking,
            votes=tuple(judge_vote(vote, ranking) for vote in prompt.votes),
            reasons=None if ranking is None else self._explaining.find(ranking),
        )

    def rank(self, prompt_id: object, version_id: object = None) -> Ranked:
        """Rank a prompt with a version as it was trained; with nothing, the active one as it is now.

        For people who may only read it finds the latest ranking that the version made.
        """
        if prompt_id in (None, ""):
            return Ranked(ranking_id=None, notice="Choose a prompt first.")
        try:
            chosen = None if version_id in (None, "") else read_id(version_id)
            if not is_researcher(self._access):
                return self._find_ranked(read_id(prompt_id), chosen)
            ranking = self._ranking.rank(prompt_id=read_id(prompt_id), version_id=chosen)
            return Ranked(ranking_id=ranking.ranking_id)
        except BlenderError as error:
            return Ranked(ranking_id=None, notice=str(error))

    def _find_ranked(self, prompt_id: int, version_id: int | None) -> Ranked:
        rankings = self._inspection.get_prompt(prompt_id, by=find_reader(self._access)).rankings
        found = (one.ranking_id for one in rankings if one.version_id == version_id)
        ranking_id = next(found, None)
        return Ranked(ranking_id=ranking_id, notice=ONLY_MADE if ranking_id is None else "")


def type_first_two(decision: Decision, texts: tuple[str, str] | None = None) -> Typed | None:
    """The two answers that rank first, as the what-if tab would have them; None where there are no two.

    Args:
        decision: Names prompt, version and answers.
        texts: In place of theirs.
    """
    if decision.ranking is None or len(decision.ranking.entries) < 2:
        return None
    first, second = find_ranked(decision)[:2]
    prompt = decision.prompt
    return Typed(
        version=decision.ranking.version.id,
        instruction=prompt.instruction,
        input=prompt.input,
        first=first.text if texts is None else texts[0],
        second=second.text if texts is None else texts[1],
        first_member=first.member,
        second_member=second.member,
        history=prompt.history,
    )


def find_ranking_cycles(ranking: RankingView) -> Cycles:
    """Triples of answers that the ranking's logits lead round in a circle, as places in its entries."""
    return find_cycles(np.array(ranking.logits))


def find_vote_cycles(decision: Decision) -> tuple[tuple[int, int, int], ...]:
    """The same for the majorities of people, as candidate ids."""
    ids = sorted({side for one in decision.votes for side in (one.vote.left_id, one.vote.right_id)})
    margins = np.full((len(ids), len(ids)), np.nan)
    for one in decision.votes:
        if one.vote.is_human:
            left, right = ids.index(one.vote.left_id), ids.index(one.vote.right_id)
            margins[left, right] = np.nan_to_num(margins[left, right]) + _SIGN[one.vote.outcome]
            margins[right, left] = np.nan_to_num(margins[right, left])
    triples = find_cycles(margins).triples
    return tuple((ids[first], ids[second], ids[third]) for first, second, third in triples)


def list_disagreements(decision: Decision) -> tuple[Disagreement, ...]:
    """Pairs on which people differ among themselves, or their majority from the ranking."""
    by_pair: dict[tuple[int, int], list[JudgedVote]] = {}
    for one in decision.votes:
        if one.vote.is_human:
            first, second = sorted((one.vote.left_id, one.vote.right_id))
            by_pair.setdefault((first, second), []).append(one)
    found = []
    for (first, second), votes in by_pair.items():
        signs = [_SIGN[one.vote.outcome] * (1 if one.vote.left_id == first else -1) for one in votes]
        n_first, n_second = signs.count(1), signs.count(-1)
        chance = votes[0].probability
        if chance is not None and votes[0].vote.left_id != first:
            chance = 1 - chance
        differs = chance is not None and (n_first - n_second) * (chance - 0.5) < 0
        if (n_first and n_second) or differs:
            found.append(Disagreement(first, second, n_first, n_second, len(votes), chance))
    return tuple(found)


def find_ranked(decision: Decision) -> tuple[CandidateView, ...]:
    """The answers that were ranked, best first; all of them where none were."""
    if decision.ranking is None:
        return decision.prompt.candidates
    by_id = {one.candidate_id: one for one in decision.prompt.candidates}
    return tuple(by_id[entry.candidate_id] for entry in decision.ranking.entries)


def judge_vote(vote: VoteView, ranking: RankingView | None) -> JudgedVote:
    """What a ranking says of the pair that was voted on."""
    places = {entry.candidate_id: place for place, entry in enumerate(ranking.entries)} if ranking else {}
    if ranking is None or vote.left_id not in places or vote.right_id not in places:
        return JudgedVote(vote=vote, probability=None, agrees=None)
    left, right = places[vote.left_id], places[vote.right_id]
    logit = (ranking.logits[left][right] - ranking.logits[right][left]) / 2
    is_decided = vote.outcome in (Outcome.LEFT, Outcome.RIGHT) and logit != 0
    return JudgedVote(
        vote=vote,
        probability=0.5 * (1 + math.tanh(logit / 2)),
        agrees=(vote.outcome is Outcome.LEFT) == (logit > 0) if is_decided else None,
    )


def votes_csv(decision: Decision) -> str:
    """The votes on a prompt as CSV."""
    headings = (
        "preference_id", "comparison_id", "left_candidate_id", "right_candidate_id", "left_member",
        "right_member", "outcome", "strength", "criteria", "ballot_id",
        "annotator_id", "is_human", "probability_left", "ranking_id", "reason",
        "seconds", "policy", "propensity", "created_at",
    )  # fmt: skip
    ranking_id = decision.ranking.ranking_id if decision.ranking is not None else None
    return write_csv(
        headings,
        (
            (
                one.vote.preference_id, one.vote.comparison_id, one.vote.left_id, one.vote.right_id,
                one.vote.left_member, one.vote.right_member, one.vote.outcome.value, one.vote.strength,
                " ".join(f"{name}={said}" for name, said in one.vote.criteria.items()), one.vote.ballot_id,
                one.vote.annotator_id,
                one.vote.is_human, one.probability, ranking_id, one.vote.reason, one.vote.seconds,
                one.vote.policy, one.vote.propensity, one.vote.created_at.isoformat(),
            )
            for one in decision.votes
        ),
    )  # fmt: skip


def logits_csv(ranking: RankingView) -> str:
    """A ranking's pairwise logits, both orders, as CSV."""
    entries = ranking.entries
    return write_csv(
        ("ranking_id", "first_candidate_id", "second_candidate_id", "first", "second", "logit", "deviation"),
        (
            (
                ranking.ranking_id,
                entries[i].candidate_id,
                entries[j].candidate_id,
                entries[i].member,
                entries[j].member,
                ranking.logits[i][j],
                ranking.uncertainty[i][j] if ranking.uncertainty is not None else None,
            )
            for i in range(len(entries))
            for j in range(len(entries))
            if i != j
        ),
    )

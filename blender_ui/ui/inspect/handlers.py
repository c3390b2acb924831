"""What the inspect page does when asked, without Gradio.

Invariant: every figure is shown with the ids of its rows, and the ranker's word stands beside the
people's, never instead of it. Non-goal: explaining a decision; only what was decided is shown.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.services.inspection import Inspection, PromptEntry, PromptInspection
from blender_ui.services.ranking import RankingService
from blender_ui.services.ranking_rows import RankingView
from blender_ui.services.ratings import RatingsView
from blender_ui.services.votes import VoteView
from db.models import Outcome


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
    """

    prompt: PromptInspection
    ranking: RankingView | None
    votes: tuple[JudgedVote, ...]


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
    """

    def __init__(self, inspection: Inspection, ranking: RankingService) -> None:
        self._inspection = inspection
        self._ranking = ranking

    def find_prompts(self, text: object) -> tuple[PromptEntry, ...]:
        """Prompts that hold a text, newest first; the newest of all for none."""
        return self._inspection.find_prompts(text if isinstance(text, str) else "")

    def get_decision(self, prompt_id: object, ranking_id: object = None) -> Decision:
        """A prompt with one of its rankings.

        Args:
            prompt_id: Of the prompt.
            ranking_id: Of the ranking; nothing for the latest.

        Raises:
            NotFound: If there is no such prompt or ranking.
            MalformedInput: If the ranking is another prompt's, or an id is not a number.
        """
        prompt = self._inspection.get_prompt(_read_id(prompt_id))
        latest = prompt.rankings[0].ranking_id if prompt.rankings else None
        chosen = latest if ranking_id in (None, "") else _read_id(ranking_id)
        ranking = None if chosen is None else self._inspection.get_ranking(chosen)
        if ranking is not None and ranking.prompt_id != prompt.prompt_id:
            raise MalformedInput(
                f"ranking {ranking.ranking_id} is of prompt {ranking.prompt_id}, not of {prompt.prompt_id}"
            )
        return Decision(
            prompt=prompt,
            ranking=ranking,
            votes=tuple(judge_vote(vote, ranking) for vote in prompt.votes),
        )

    def rank(self, prompt_id: object) -> Ranked:
        """Rank a prompt with the active version, as it has learnt up to now."""
        try:
            return Ranked(ranking_id=self._ranking.rank(prompt_id=_read_id(prompt_id)).ranking_id)
        except BlenderError as error:
            return Ranked(ranking_id=None, notice=str(error))

    def rate_members(self) -> RatingsView:
        """How the members stand against each other by people's preferences."""
        return self._inspection.rate_members()


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
        "right_member", "outcome", "annotator_id", "is_human", "probability_left", "ranking_id", "reason",
        "seconds", "policy", "propensity", "created_at",
    )  # fmt: skip
    ranking_id = decision.ranking.ranking_id if decision.ranking is not None else None
    return _csv(
        headings,
        (
            (
                one.vote.preference_id, one.vote.comparison_id, one.vote.left_id, one.vote.right_id,
                one.vote.left_member, one.vote.right_member, one.vote.outcome.value, one.vote.annotator_id,
                one.vote.is_human, one.probability, ranking_id, one.vote.reason, one.vote.seconds,
                one.vote.policy, one.vote.propensity, one.vote.created_at.isoformat(),
            )
            for one in decision.votes
        ),
    )  # fmt: skip


def logits_csv(ranking: RankingView) -> str:
    """A ranking's pairwise logits, both orders, as CSV."""
    entries = ranking.entries
    return _csv(
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


def ratings_csv(view: RatingsView) -> str:
    """The members' ratings as CSV."""
    return _csv(
        (
            "member", "member_ids", "rating", "low", "high", "n", "wins", "losses", "ties",
            "last_preference_id",
        ),
        (
            (
                one.member, " ".join(map(str, one.member_ids)), one.rating, one.low, one.high, one.n,
                one.n_wins, one.n_losses, one.n_ties, view.last_preference_id,
            )
            for one in view.members
        ),
    )  # fmt: skip


def _csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def _plain(value: object) -> object:
    """A spreadsheet takes text that begins like this for a formula; the quote keeps it text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _read_id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        raise MalformedInput(f"expected the number of a row, came {value!r}; choose one from the list")
    return int(value)

"""What people and the ranker say of one prompt's answers, counted by pair and by answer.

Only people's votes count, and a researcher's ruling in place of the votes on its pair. Invariant: every
figure is of the very votes that are counted. Non-goal: the forms that trainers read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from blender_ui.exchange.records import LabelRecord, PromptRecord

DecidedBy = Literal["people", "ruling"]


class Mark(NamedTuple):
    """A stretch that somebody marked in an answer: characters from ``start`` up to ``end``."""

    candidate: int
    start: int
    end: int
    text: str
    label: str


class Detail(NamedTuple):
    """What a record's label does not have.

    Attributes:
        policy: That chose the pair; None where the vote was imported.
        propensity: With which it did.
        marks: In both answers.
    """

    policy: str | None = None
    propensity: float | None = None
    marks: tuple[Mark, ...] = ()


class Scored(NamedTuple):
    """What the ranker says of an answer.

    Attributes:
        score: Mean log-odds of beating the others to the prompt.
        chance: Probability of beating another one of them, on average.
    """

    score: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A prompt with its answers, votes and scores.

    Attributes:
        details: One for each of the record's labels.
        scores: One for each of its candidates; None where the ranking has not this answer.
        ranker: The version that gave the scores; None where nothing was ranked.
    """

    record: PromptRecord
    details: tuple[Detail, ...]
    scores: tuple[Scored | None, ...] = ()
    ranker: int | None = None


@dataclass
class Count:
    """Votes for and against something, and what was said with them."""

    n_for: int = 0
    n_against: int = 0
    n_votes: int = 0
    strengths: list[tuple[bool, float]] = field(default_factory=list)
    """Whether the vote was for it, and how much better the better one is."""
    propensities: list[float] = field(default_factory=list)
    policies: set[str] = field(default_factory=set)
    criteria: dict[str, list[float]] = field(default_factory=dict)
    """By criterion: 1 for it, 0 against, .5 for a tie."""
    marks: list[Mark] = field(default_factory=list)
    decided_by: DecidedBy = "people"

    @property
    def is_for(self) -> bool | None:
        """What most say; None where as many say the one as the other."""
        return None if self.n_for == self.n_against else self.n_for > self.n_against

    @property
    def agreement(self) -> float:
        """Share of the votes that say what most of them say."""
        return max(self.n_for, self.n_against) / self.n_votes

    @property
    def strength(self) -> float | None:
        """How much better, on average over the votes on the winning side; None where nobody was asked."""
        said = [strength for is_for, strength in self.strengths if is_for == self.is_for]
        return sum(said) / len(said) if said else None

    @property
    def lead(self) -> float:
        """The winning side's votes less the other's, as a share of all."""
        return abs(self.n_for - self.n_against) / self.n_votes

    @property
    def weight(self) -> float:
        """The lead, times the strength where it was asked."""
        return self.lead * (1.0 if self.strength is None else self.strength)

    def add(self, is_for: bool | None, label: LabelRecord, detail: Detail, *, winner: str) -> None:
        """Count a vote.

        Args:
            is_for: None for a tie.
            winner: The word by which the vote's criteria say that it is better: "a" or "b".
        """
        self.n_votes += 1
        self.n_for += is_for is True
        self.n_against += is_for is False
        if label.strength is not None and is_for is not None:
            self.strengths.append((is_for, label.strength))
        if detail.propensity is not None:
            self.propensities.append(detail.propensity)
        if detail.policy is not None:
            self.policies.add(detail.policy)
        for name, said in label.criteria:
            value = 1.0 if said == winner else 0.0 if said in ("a", "b") else 0.5
            self.criteria.setdefault(name, []).append(value)


class Pair(NamedTuple):
    """Two answers of which one was chosen, and the votes, counted for the chosen one."""

    chosen: int
    rejected: int
    votes: Count


def list_pairs(judged: Judged) -> Iterator[Pair]:
    """The pairs of answers that were decided, in order of asking; of equal texts none can be."""
    counts: dict[tuple[int, int], Count] = {}
    for label, detail in _votes(judged):
        low, high = sorted((label.a, label.b))
        count = counts.setdefault((low, high), Count())
        word = "a" if label.a == low else "b"
        count.add(_read(label, word), label, detail, winner=word)
        count.marks += detail.marks
    for ruling in judged.record.rulings:
        low, high = sorted((ruling.a, ruling.b))
        counts[low, high] = _rule(counts.get((low, high)), _read(ruling, "a" if ruling.a == low else "b"))
    texts = [candidate.text.strip() for candidate in judged.record.candidates]
    for (low, high), count in counts.items():
        if count.is_for is not None and texts[low] != texts[high]:
            yield Pair(low, high, count) if count.is_for else Pair(high, low, _turn(count))


def count_answers(judged: Judged) -> dict[int, Count]:
    """Votes for and against each answer that was compared; "both bad" is against both."""
    ruled = {frozenset((ruling.a, ruling.b)): ruling for ruling in judged.record.rulings}
    counts: dict[int, Count] = {}
    for label, detail in _votes(judged):
        if frozenset((label.a, label.b)) in ruled:
            continue
        for word, index in (("a", label.a), ("b", label.b)):
            count = counts.setdefault(index, Count())
            is_for = False if label.winner == "both_bad" else _read(label, word)
            count.add(is_for, label, detail, winner=word)
            count.marks += [mark for mark in detail.marks if mark.candidate == index]
    for ruling in ruled.values():
        for word, index in (("a", ruling.a), ("b", ruling.b)):
            is_for = False if ruling.winner == "both_bad" else _read(ruling, word)
            counts.setdefault(index, Count(decided_by="ruling")).add(is_for, ruling, Detail(), winner=word)
    return counts


def rank_answers(judged: Judged) -> list[tuple[int, Scored]]:
    """Answers that were ranked, the best first; of equal texts the first one."""
    scored = [(index, said) for index, said in enumerate(judged.scores) if said is not None]
    seen: set[str] = set()
    ranked = []
    for index, said in sorted(scored, key=lambda one: -one[1].score):
        text = judged.record.candidates[index].text.strip()
        if text and text not in seen:
            seen.add(text)
            ranked.append((index, said))
    return ranked


def mean(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


def _votes(judged: Judged) -> Iterable[tuple[LabelRecord, Detail]]:
    votes = zip(judged.record.labels, judged.details, strict=True)
    return (vote for vote in votes if vote[0].kind == "human")


def _read(label: LabelRecord, word: str) -> bool | None:
    return label.winner == word if label.winner in ("a", "b") else None


def _rule(votes: Count | None, is_for: bool | None) -> Count:
    """A ruling with what people said beside their votes."""
    ruled = Count(decided_by="ruling") if votes is None else votes
    ruled.n_votes, ruled.n_for, ruled.n_against = 1, int(is_for is True), int(is_for is False)
    ruled.strengths, ruled.decided_by = [], "ruling"
    return ruled


def _turn(count: Count) -> Count:
    """The same votes, counted for the other answer."""
    count.n_for, count.n_against = count.n_against, count.n_for
    count.strengths = [(not is_for, strength) for is_for, strength in count.strengths]
    count.criteria = {name: [1.0 - value for value in said] for name, said in count.criteria.items()}
    return count

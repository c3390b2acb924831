"""Which stretch of a fused text came from which source, by aligning words.

Invariant: the spans partition the fused text, in order, and the same texts give the same spans in
time linear in their length. Non-goal: meaning; a paraphrase that shares no run of words with any
source counts as the fuser's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MIN_WORDS = 3
"""Shorter runs ("one of", "it is") are shared by chance. A source of fewer words must appear whole."""

# A Han or kana character is a word of its own, since these scripts do not put spaces between words.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+(?:['’][^\W{_IDEOGRAPHS}]+)*")


class Span(NamedTuple):
    """A stretch of the fused text."""

    start: int
    """First character."""
    end: int
    """One past the last character."""
    source: int | None
    """Index of the source it came from; None where it is the fuser's own."""


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """Where a fused text came from.

    Attributes:
        spans: A partition of the fused text; neighbours differ in their source.
        shares: Share of the fused characters that came from each source, in [0, 1].
    """

    spans: tuple[Span, ...]
    shares: tuple[float, ...]


def attribute_spans(fused: str, sources: Sequence[str], *, min_words: int = MIN_WORDS) -> Attribution:
    """Attribute each word of a fused text to a source, or to the fuser itself.

    Words are compared without case, accents, possessive and plural endings, and punctuation. Among
    all ways to cover the fused text with runs of words that a source also has, the one is taken
    that covers most words with fewest runs; what several sources have goes to the first of them.

    Args:
        fused: The text to explain.
        sources: The texts that the fuser saw, best first.
        min_words: Least length of a run.

    Raises:
        ValueError: If ``min_words`` is below 1.
    """
    if min_words < 1:
        raise ValueError(f"expected min_words of at least 1, came {min_words}")
    matches = list(_WORD.finditer(fused))
    words = [_normalised(match.group()) for match in matches]
    source_words = [words_of(source) for source in sources]
    lengths = [_run_lengths(words, other) for other in source_words]
    least = [max(1, min(min_words, len(other), len(words))) for other in source_words]
    runs = _prefer_first(_cover(len(words), lengths, least), lengths, least)
    owners: list[int | None] = [None] * len(words)
    for run in runs:
        owners[run.start : run.end] = [run.source] * (run.end - run.start)
    return join_words(fused, [match.span() for match in matches], owners, n_sources=len(sources))


def word_places(text: str) -> list[tuple[int, int]]:
    """First character and one past the last of each word."""
    return [match.span() for match in _WORD.finditer(text)]


def join_words(
    text: str, places: Sequence[tuple[int, int]], owners: Sequence[int | None], *, n_sources: int
) -> Attribution:
    """The attribution of a text of whose words the owners are known.

    Args:
        text: The text.
        places: Of its words; see ``word_places``.
        owners: A source's index for each word; None where it is the fuser's own.
        n_sources: How many sources there are.
    """
    spans = _spans(text, places, owners)
    shares = tuple(
        sum(span.end - span.start for span in spans if span.source == index) / max(1, len(text))
        for index in range(n_sources)
    )
    return Attribution(spans=spans, shares=shares)


class _Run(NamedTuple):
    start: int
    """First word."""
    end: int
    """One past the last word."""
    source: int


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared: without case, accents, plural and possessive endings."""
    return [_normalised(match.group()) for match in _WORD.finditer(text)]


def _normalised(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    plain = plain.replace("’", "'").removesuffix("'s")
    if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss"):
        return plain[:-1]
    return plain or word


def _run_lengths(words: Sequence[str], source: Sequence[str]) -> list[int]:
    """For each end 0..len(words), the length of the longest run of words ending there that ``source`` has.

    A suffix automaton of the source, walked along the words: linear in both.
    Source: Blumer et al., "The smallest automaton recognizing the subwords of a text", TCS 40, 1985.
    """
    automaton = _SuffixAutomaton(source)
    lengths, state, length = [0], 0, 0
    for word in words:
        while state and word not in automaton.edges[state]:
            state = automaton.links[state]
            length = automaton.lengths[state]
        if word in automaton.edges[state]:
            state, length = automaton.edges[state][word], length + 1
        lengths.append(length)
    return lengths


class _SuffixAutomaton:
    """Recognises every run of words of one text; state 0 is the empty run."""

    def __init__(self, words: Sequence[str]) -> None:
        self.edges: list[dict[str, int]] = [{}]
        self.links = [-1]
        self.lengths = [0]
        self._last = 0
        for word in words:
            self._append(word)

    def _append(self, word: str) -> None:
        state = self._state(length=self.lengths[self._last] + 1, link=0, edges={})
        at = self._last
        while at >= 0 and word not in self.edges[at]:
            self.edges[at][word] = state
            at = self.links[at]
        if at >= 0:
            self.links[state] = self._split(at, word)
        self._last = state

    def _split(self, at: int, word: str) -> int:
        """The state of the runs ``at`` + ``word`` alone, cloned off a longer one if need be."""
        target = self.edges[at][word]
        if self.lengths[at] + 1 == self.lengths[target]:
            return target
        clone = self._state(
            length=self.lengths[at] + 1, link=self.links[target], edges=dict(self.edges[target])
        )
        while at >= 0 and self.edges[at].get(word) == target:
            self.edges[at][word] = clone
            at = self.links[at]
        self.links[target] = clone
        return clone

    def _state(self, *, length: int, link: int, edges: dict[str, int]) -> int:
        self.edges.append(edges)
        self.links.append(link)
        self.lengths.append(length)
        return len(self.edges) - 1


def _cover(n_words: int, lengths: Sequence[Sequence[int]], least: Sequence[int]) -> list[_Run]:
    """Cover most words with fewest runs: each run is worth its words less ``least - 1``.

    best[end] never falls by going right and never rises faster than one a word, so of all runs
    that end at one place the longest is always at least as good, and one query of each source is enough.
    """
    best = [0] * (n_words + 1)
    taken: list[_Run | None] = [None] * (n_words + 1)
    for end in range(1, n_words + 1):
        best[end] = best[end - 1]
        for source, (runs, shortest) in enumerate(zip(lengths, least, strict=True)):
            worth = best[end - runs[end]] + runs[end] - shortest + 1
            if runs[end] >= shortest and worth > best[end]:
                best[end] = worth
                taken[end] = _Run(end - runs[end], end, source)
    found: list[_Run] = []
    end = n_words
    while end > 0:
        run = taken[end]
        if run is None:
            end -= 1
        else:
            found.append(run)
            end = run.start
    return found[::-1]


def _prefer_first(runs: Sequence[_Run], lengths: Sequence[Sequence[int]], least: Sequence[int]) -> list[_Run]:
    """Move the seam between two touching runs right, as far as the first-ranked one goes on."""
    moved: list[_Run] = []
    for run in runs:
        if moved and moved[-1].end == run.start and moved[-1].source < run.source:
            left, seam = moved[-1], run.start
            while run.end - seam > least[run.source] and lengths[left.source][seam + 1] > seam - left.start:
                seam += 1
            moved[-1], run = left._replace(end=seam), run._replace(start=seam)
        moved.append(run)
    return moved


def _spans(text: str, places: Sequence[tuple[int, int]], owners: Sequence[int | None]) -> tuple[Span, ...]:
    """Join words of one owner to spans, and give what lies between words to one of its sides."""
    if not places:
        return (Span(0, len(text), None),) if text else ()
    spans: list[Span] = []
    start = 0
    for index, owner in enumerate(owners):
        is_last = index == len(owners) - 1
        if not is_last and owners[index + 1] == owner:
            continue
        end = len(text) if is_last else _seam(text, places[index][1], places[index + 1][0])
        spans.append(Span(start, end, owner))
        start = end
    return tuple(spans)


def _seam(text: str, start: int, end: int) -> int:
    """Where to cut between two words: at the line's end, else after the last space."""
    between = text[start:end]
    if "\n" in between:
        return start + between.index("\n") + 1
    spaces = [index for index, character in enumerate(between, start=1) if character.isspace()]
    return start + (spaces[-1] if spaces else len(between))

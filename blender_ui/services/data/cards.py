"""The card of an exported data set: what is in it, under which licences, and how it was made.

Invariant: the counts are taken of the very records that were written. Non-goals: people's names, which no
export has, and the file itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from blender_ui import __version__
from blender_ui.exchange import PromptRecord
from blender_ui.services.data.taking import Selection

UNKNOWN = "not said"
MOST_NAMED = 30
"""Sources, licences or members in a list."""


@dataclass
class Contents:
    """Counts of the records that went into a file."""

    n_prompts: int = 0
    n_answers: int = 0
    n_rulings: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    """Preferences by who gave them: human or judge."""
    outcomes: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    members: Counter[str] = field(default_factory=Counter)
    annotators: set[str] = field(default_factory=set)

    def count(self, records: Iterator[PromptRecord]) -> Iterator[PromptRecord]:
        """Hand records on, and count them."""
        for record in records:
            self.add(record)
            yield record

    def add(self, record: PromptRecord) -> None:
        """Count a record."""
        self.n_prompts += 1
        self.n_answers += len(record.candidates)
        self.n_rulings += len(record.rulings)
        self.labels.update(str(label.kind) for label in record.labels)
        self.outcomes.update(str(label.winner) for label in record.labels)
        self.annotators.update(label.annotator for label in record.labels)
        self.members.update(candidate.model for candidate in record.candidates)
        self.sources[record.source] += 1
        self.licences[record.licence or UNKNOWN] += 1


@dataclass(frozen=True, kw_only=True)
class Making:
    """How a file was made: what was asked for, and when."""

    name: str
    format: str
    project: str
    selection: Selection
    at: datetime


def write_card(contents: Contents, making: Making) -> str:
    """The card, in Markdown."""
    asked = ", ".join(tell_selection(making.selection)) or "everything"
    lines = [
        f"# {making.name}",
        "",
        "Prompts, answers and people's preferences, exported by Blender UI "
        f"{__version__} at {making.at:%Y-%m-%d %H:%M} UTC.",
        "",
        "## What is in it",
        "",
        f"- format: {making.format}",
        f"- prompts: {contents.n_prompts:,}",
        f"- answers: {contents.n_answers:,}",
        f"- preferences: {contents.labels.total():,}{_listed(contents.labels)}",
        f"- rulings: {contents.n_rulings:,}",
        f"- annotators: {len(contents.annotators):,}",
        f"- outcomes: {_named(contents.outcomes)}",
        "",
        "## Licence",
        "",
        "As each prompt's source gives it; the answers may be bound by their model's licence, too.",
        "",
        *(f"- {name}: {n:,} prompts" for name, n in contents.licences.most_common(MOST_NAMED)),
        "",
        "## Where it comes from",
        "",
        *(f"- {name}: {n:,} prompts" for name, n in contents.sources.most_common(MOST_NAMED)),
        *(f"- answers of {name}: {n:,}" for name, n in contents.members.most_common(MOST_NAMED)),
        "",
        "## How it was made",
        "",
        f"- project: {making.project or 'all'}",
        f"- taken: {asked}",
        "- preferences that were taken back or changed are left out",
        "- people have pseudonyms; reasons are as they wrote them",
        "- members whose names a project does not tell yet have pseudonyms, too",
        "",
    ]
    return "\n".join(lines)


def tell_selection(selection: Selection) -> list[str]:
    """What was asked of the preferences, a phrase each; empty for nothing."""
    told = []
    if selection.since is not None:
        told.append(f"since {selection.since:%Y-%m-%d}")
    if selection.until is not None:
        told.append(f"before {selection.until:%Y-%m-%d}")
    if selection.annotator_ids:
        n = len(selection.annotator_ids)
        told.append(f"of {n} {'person' if n == 1 else 'people'} who were chosen")
    if selection.agreement > 0:
        told.append(f"of pairs on which at least {selection.agreement:.0%} say the same")
    return told


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.most_common()) or "none"


def _listed(counts: Counter[str]) -> str:
    return f" ({_named(counts)})" if counts else ""

"""What an import would bring, and what one brought, in figures and sentences.

Non-goal: the work itself (``services.data.importing``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blender_ui.exchange import LeftOutRows, PromptRecord, Tally, say_left_out
from blender_ui.exchange.archive import open_archive
from blender_ui.exchange.shapes.finding import OWN
from blender_ui.language import tr, trn

N_SHOWN = 3
"""Prompts of a file that a preview shows."""
_MOST_SHOWN = 300
"""Characters of a text in a preview."""


@dataclass(frozen=True, kw_only=True)
class ShownPrompt:
    """A prompt of a file, with its texts cut short.

    Attributes:
        answers: Model and text, each.
        votes: What each vote says, in a sentence.
    """

    prompt: str
    n_before: int
    answers: tuple[tuple[str, str], ...]
    votes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FilePreview:
    """What a file would bring.

    Attributes:
        shapes: What it was read as, the most frequent first.
        n_votes: Votes, of which ``n_ties`` are ties and ``n_both_bad`` call both answers bad.
        unused: Columns that nothing is read from.
        columns: What can be mapped by hand.
        known_elsewhere: Prompts that other sources in the store have, by source.
        shown: The first prompts.
    """

    shapes: tuple[str, ...]
    n_rows: int
    n_prompts: int
    n_votes: int
    n_ties: int
    n_both_bad: int
    unused: tuple[str, ...]
    columns: tuple[str, ...]
    left_out: tuple[LeftOutRows, ...]
    faults: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    source: str
    known_elsewhere: Mapping[str, int]
    shown: tuple[ShownPrompt, ...]


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import brought.

    Attributes:
        n_prompts: Prompts that are new.
        n_candidates: Their candidates, and new ones of prompts that were there.
        n_comparisons: Their comparisons, labelled and queued.
        n_queued: Of those, the ones that people will be asked.
        n_preferences: Labels that are new and stand, of people and judges.
        n_replaced: Labels that no longer stand: the same annotator judged the pair again, later.
        n_rows: Rows of the file.
        left_out: Rows and votes of the file that were not taken, by reason.
        faults: Place and reason of the first malformed rows that were skipped.
        shapes: Rows by the name of the shape that they were read as.
        notes: What else is to know of the file, in sentences.
        n_already_there: Prompts that were in the store already, with all that the file has of them.
        n_merged: Prompts that were in the store already and got answers or votes from the file.
        n_known: Votes of the file that were in the store already.
        n_differing: Prompts whose id in the store has another question, and were left so.
        differing: Names of the first of those, ``source: id``.
    """

    n_prompts: int
    n_candidates: int
    n_comparisons: int
    n_queued: int
    n_preferences: int
    n_replaced: int
    n_rows: int
    left_out: tuple[LeftOutRows, ...]
    faults: tuple[tuple[str, str], ...]
    shapes: dict[str, int]
    notes: tuple[str, ...]
    n_already_there: int
    n_merged: int
    n_known: int
    n_differing: int
    differing: tuple[str, ...]


def tell_what_was_not_taken(report: ImportReport) -> tuple[str, ...]:
    """Sentences about rows and votes that are not in the store as the file has them; empty where all are."""
    told = tell_left_out(report.left_out, report.faults)
    told += report.notes
    if report.n_known:
        told.append(tr("{votes} in the store already.", votes=_votes(report.n_known)))
    if report.n_merged:
        prompts = trn("{n:,} prompt that was", "{n:,} prompts that were", report.n_merged)
        told.append(tr("{prompts} in the store got new answers or votes.", prompts=prompts))
    if report.n_replaced:
        told.append(
            tr(
                "{votes} replaced by a later one of the same person on the same pair.",
                votes=_votes(report.n_replaced),
            )
        )
    if report.n_differing:
        more = ", ..." if report.n_differing > len(report.differing) else ""
        told.append(
            tr(
                "{n_differing:,} ids are in the store with another question, which was left as it "
                "is: {differing}{more}. Give a changed prompt a new id to import it.",
                n_differing=report.n_differing,
                differing=", ".join(report.differing),
                more=more,
            )
        )
    return tuple(told)


def tell_left_out(left_out: Sequence[LeftOutRows], faults: Sequence[tuple[str, str]]) -> list[str]:
    """Sentences about rows that are left out, and the faults of malformed ones."""
    told = [tr("Left out {left_out}.", left_out=say_left_out(one)) for one in left_out]
    return told + [f"{place}: {reason}." for place, reason in faults]


def say_preview(preview: FilePreview) -> str:
    """Such as "read as arena 55k: 57,477 votes, 31 % ties, 4 columns unused"."""
    shapes = tr(" and ").join(preview.shapes) or tr("nothing")
    parts = [trn("{n:,} vote", "{n:,} votes", preview.n_votes)]
    for n, word in ((preview.n_ties, tr("ties")), (preview.n_both_bad, tr("both bad"))):
        if n:
            parts.append(f"{max(round(100 * n / preview.n_votes), 1)} % {word}")
    parts.append(trn("{n:,} prompt", "{n:,} prompts", preview.n_prompts))
    n_left = sum(one.n for one in preview.left_out)
    if n_left:
        parts.append(tr("{n_left:,} left out", n_left=n_left))
    if preview.unused:
        parts.append(trn("{n} column unused", "{n} columns unused", len(preview.unused)))
    return tr("read as {shapes}: {parts}", shapes=shapes, parts=", ".join(parts))


def tell_preview(preview: FilePreview) -> tuple[str, ...]:
    """Sentences below a preview's first line."""
    told = tell_left_out(preview.left_out, preview.faults)
    if preview.unused:
        told.append(tr("Unused columns: {unused}.", unused=", ".join(preview.unused)))
    told += preview.notes
    for source, n in preview.known_elsewhere.items():
        told.append(
            tr(
                "{n:,} of its prompts are in the store from the source {source!r}. Name that "
                "source to merge with them; as {own!r} they become prompts of their own.",
                n=n,
                source=source,
                own=preview.source,
            )
        )
    return tuple(told)


def preview_of(
    tally: Tally, shown: Sequence[PromptRecord], *, source: str, known: Mapping[str, int]
) -> FilePreview:
    """A preview, from what was counted and the first records."""
    return FilePreview(
        shapes=tuple(name for name, _ in tally.shapes.most_common()),
        n_rows=tally.n_rows,
        n_prompts=tally.n_prompts,
        n_votes=tally.n_votes,
        n_ties=tally.votes["tie"],
        n_both_bad=tally.votes["both_bad"],
        unused=tally.unused_columns,
        columns=tally.paths if OWN.name not in tally.shapes else (),
        left_out=tally.left_out(),
        faults=tuple(tally.faults),
        notes=tuple(tally.notes),
        source=source,
        known_elsewhere=known,
        shown=tuple(map(_show, shown)),
    )


def preview_archive(path: Path) -> FilePreview:
    """A preview of an archive, from its manifest."""
    with open_archive(path) as archive:
        n_rows = {table.name: table.n_rows for table in archive.manifest.tables}
    return FilePreview(
        shapes=("an archive of a whole store",),
        n_rows=sum(n_rows.values()),
        n_prompts=n_rows.get("prompt", 0),
        n_votes=n_rows.get("preference", 0),
        n_ties=0,
        n_both_bad=0,
        unused=(),
        columns=(),
        left_out=(),
        faults=(),
        notes=("It goes into an empty store.",),
        source="",
        known_elsewhere={},
        shown=(),
    )


def _show(record: PromptRecord) -> ShownPrompt:
    names = [candidate.model for candidate in record.candidates]
    votes = []
    for label in record.labels[:N_SHOWN]:
        a, b = f"{names[label.a]} ({label.a + 1})", f"{names[label.b]} ({label.b + 1})"
        said = {
            "a": tr("{a} over {b}", a=a, b=b),
            "b": tr("{b} over {a}", b=b, a=a),
            "tie": tr("{a} and {b} tie", a=a, b=b),
        }
        votes.append(said.get(label.winner, f"{a} and {b} are both bad"))
    return ShownPrompt(
        prompt=_cut(record.prompt or record.input),
        n_before=len(record.history),
        answers=tuple((one.model, _cut(one.text)) for one in record.candidates[: N_SHOWN + 1]),
        votes=tuple(votes),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _votes(n: int) -> str:
    return trn("{n:,} vote was", "{n:,} votes were", n)

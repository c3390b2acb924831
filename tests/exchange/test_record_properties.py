"""Any records: what is written is read back, from a file, through a store, and through an archive."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from blender_ui.exchange import CandidateRecord, LabelRecord, PromptRecord, read_records, write_records
from blender_ui.exchange.records import Winner
from blender_ui.services.archive.archiving import export_archive, import_archive
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from db.models import utc_now
from tests.builders.stores import make_store
from tests.properties import n_examples

HASTE = settings(
    max_examples=n_examples(40),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
WINNERS: tuple[Winner, ...] = ("a", "b", "tie", "both_bad")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


@st.composite
def records(draw: st.DrawFn) -> list[PromptRecord]:
    """Up to four prompts with answers that differ, each with votes of different people."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        answers = draw(st.lists(texts, min_size=2, max_size=4, unique_by=str.strip))
        models = draw(st.lists(names, min_size=len(answers), max_size=len(answers), unique_by=str.lower))
        labels = []
        for person in range(draw(st.integers(0, 3))):
            a, b = draw(st.permutations(range(len(answers))))[:2]
            winner = draw(st.sampled_from(WINNERS))
            reason = draw(st.none() | texts.filter(str.strip))
            labels.append(
                LabelRecord(annotator=f"p{person}", a=a, b=b, winner=winner, kind="human", reason=reason)
            )
        candidates = tuple(map(lambda m, t: CandidateRecord(model=f"m-{m}", text=t), models, answers))
        prompt = draw(texts.filter(str.strip))
        made.append(
            PromptRecord(
                id=f"{number}",
                source="set",
                prompt=f"{number} {prompt}",
                candidates=candidates,
                labels=tuple(labels),
            )
        )
    return made


def votes_of(made: list[PromptRecord]) -> list[tuple[str, ...]]:
    """Each vote by its prompt and texts, whichever side an answer was shown on."""
    found: list[tuple[str, ...]] = []
    for record in made:
        for label in record.labels:
            first, second = (record.candidates[one].text for one in (label.a, label.b))
            winner = {"a": first, "b": second}.get(label.winner, label.winner)
            found.append((record.prompt, *sorted((first, second)), f"{label.winner in 'ab'} {winner}"))
    return sorted(found)


def export(engine: Engine, folder: Path) -> list[PromptRecord]:
    Exporting(engine).export(folder / "out.jsonl", format="jsonl")
    return list(read_records(folder / "out.jsonl"))


@HASTE
@given(records())
def test_what_is_written_is_read_back_as_equal(made: list[PromptRecord]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.jsonl"
        write_records(path, made)
        assert list(read_records(path)) == made


@HASTE
@given(records())
def test_an_import_an_export_and_an_archive_keep_every_vote_and_turn_none_round(
    made: list[PromptRecord],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, second = Path(name), Path(name) / "second"
        path = folder / "x.jsonl"
        write_records(path, made)
        engine = make_store(folder)
        importing = Importing(engine, clock=utc_now, seed=1, overlap=1)
        report = importing.import_file(path)
        assert report.n_preferences == len(votes_of(made))
        assert importing.import_file(path).n_preferences == 0
        assert votes_of(export(engine, folder)) == votes_of(made)
        export_archive(engine, folder / "all.zip", now=utc_now())
        second.mkdir()
        other = make_store(second)
        import_archive(other, folder / "all.zip")
        assert export(other, second) == export(engine, folder)
        engine.dispose()
        other.dispose()

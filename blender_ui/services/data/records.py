"""What a row is called in a record, so that exports and imports of it agree."""

from __future__ import annotations

import hashlib

from blender_ui.exchange.records import Kind, Winner
from db.models import AnnotatorKind, Outcome

OWN_SOURCE = "blender-ui"
"""The source of prompts that were asked here."""

OUTCOME_BY_WINNER: dict[Winner, Outcome] = {
    "a": Outcome.LEFT,
    "b": Outcome.RIGHT,
    "tie": Outcome.TIE,
    "both_bad": Outcome.BOTH_BAD,
}
WINNER_BY_OUTCOME: dict[Outcome, Winner] = {outcome: winner for winner, outcome in OUTCOME_BY_WINNER.items()}
KIND_BY_WORD: dict[Kind, AnnotatorKind] = {"human": AnnotatorKind.HUMAN, "judge": AnnotatorKind.JUDGE}
WORD_BY_KIND: dict[AnnotatorKind, Kind] = {kind: word for word, kind in KIND_BY_WORD.items()}

_IMPORTED = "import:"


def own_id(prompt_id: int, fingerprint: str) -> str:
    """The id under which a prompt that was asked here leaves; its text makes it recognisable."""
    return f"prompt-{prompt_id}-{fingerprint[:12]}"


def imported_key(source: str, annotator: str, kind: Kind) -> str:
    """The stored key of an annotator of a source, of any length."""
    return _IMPORTED + hashlib.sha256("\x1f".join((source, kind, annotator)).encode()).hexdigest()


def annotator_label(key: str, name: str) -> str:
    """What an annotator is called in a record: as imported, or a pseudonym for a person of this app.

    The pseudonym is the same in every export. Names and keys of people stay in the store.
    """
    return name if key.startswith(_IMPORTED) else f"person-{hashlib.sha256(key.encode()).hexdigest()[:12]}"

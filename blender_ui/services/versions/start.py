"""The start ranker as a version of a store: there from the first day, and never taken away.

Invariant: a store has at most one row for one start ranker, and a version that a person's votes made is never
replaced by it. Non-goal: making one; ``ranking.start`` says how.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

import blender_ui
from blender_ui.engine.folders import write_folder
from blender_ui.ranking.start import START_PATH, StartCard, read_card
from blender_ui.services.versions import model_versions
from db.columns import row_id
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion
from db.queries import versions

START_FOLDER = "start-"
"""How the folder's name begins."""
REASON = "Promoted: the start ranker, which strangers' votes taught, ranks until a version of your own does."


def keep_start_version(engine: Engine, *, rankers_path: Path, reader: str, is_ready: bool = True) -> None:
    """See to it that the package's start ranker is a version, and the active one where nothing better is.

    It replaces an older start ranker, never a version that learnt from the store. With another reader
    nothing is done: the start ranker could not be asked.

    Args:
        engine: The store.
        rankers_path: Folder of the checkpoints; the start ranker's files are copied there.
        reader: Name of the frozen reader that the settings chose.
        is_ready: Whether that reader is on this machine. Until it is, the version is there, because recorded
            rankings name it, and is not active.
    """
    card = read_card()
    if reader != card.reader:
        return
    folder = rankers_path / f"{START_FOLDER}{card.fingerprint[:12]}"
    with transaction(engine) as session:
        is_known = versions.find_by_path(session, role=ModelRole.RANKER, path=folder.name) is not None
        is_ranked = model_versions.find_active_version(session) is not None
    if not folder.is_dir():
        write_folder(folder, lambda part: shutil.copytree(START_PATH, part, dirs_exist_ok=True))
    if is_known and (is_ranked or not is_ready):
        return
    with transaction(engine, immediate=True) as session:
        known_id = versions.find_by_path(session, role=ModelRole.RANKER, path=folder.name)
        version_id = _insert(session, card, folder.name) if known_id is None else known_id
        active = model_versions.find_active_version(session)
        # A start ranker that is known already was replaced by whatever is active now.
        if is_ready and (active is None or (active.is_start and known_id is None)):
            model_versions.activate_version(session, version_id=version_id, reason=REASON, decided_by_id=None)


def _insert(session: Session, card: StartCard, path: str) -> int:
    row = ModelVersion(
        role=ModelRole.RANKER,
        kind=ModelKind.FAST,
        base_model=card.reader,
        base_fingerprint=card.reader_fingerprint,
        fingerprint=card.fingerprint,
        path=path,
        cut_off_preference_id=0,
        n_train=card.n_preferences,
        n_held_out=0,
        hyper_parameters={"origin": model_versions.START_ORIGIN, "sources": list(card.sources)},
        metrics={"left_out": card.figures},
        code_version=blender_ui.__version__,
    )
    session.add(row)
    session.flush()
    return row_id(row)

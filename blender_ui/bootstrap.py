"""The one place where implementations are chosen and tied together.

Invariant: everything a page, a command or the worker uses is made here, from settings alone, and is
closed by ``Services.close``. Non-goal: what any of it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from blender_ui.engine.process import JOINT, READER, EngineProcess
from blender_ui.errors import SettingsError, WeightsUnavailable
from blender_ui.faults import describe_os_error
from blender_ui.fusion.desk import FUSER, load_desk
from blender_ui.loaders import (
    BERTSCORE,
    SeqToSeqTools,
    joint_tools,
    load_joint,
    load_joint_explainer,
    load_reader,
    load_reading_explainer,
    load_scorer,
)
from blender_ui.members.configuration import load_members
from blender_ui.members.registry import Members
from blender_ui.services import store
from blender_ui.services.asking.generating import Generating, GenerationRun
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.evaluating.evaluation import EnsembleEvaluation
from blender_ui.services.evaluating.run import Scorer
from blender_ui.services.fusing.fused_answers import Fusing
from blender_ui.services.fusing.fusers import choose_fuser
from blender_ui.services.fusing.mixture import MixtureFuser
from blender_ui.services.inspecting.attributing import JOINT as EXPLAINED_JOINT
from blender_ui.services.inspecting.attributing import READING, Attributing
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.services.inspecting.member_ratings import MemberRatings
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.versions import VersionInspection
from blender_ui.services.inspecting.what_if import WhatIf
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.invitations import Invitations
from blender_ui.services.people.project_prompts import ProjectPrompts
from blender_ui.services.people.projects import Projects
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.checks import Checks
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.texts import Evaluating
from blender_ui.services.training.fuser import FuserRun
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.versions.fuser_versions import FuserVersions
from blender_ui.settings import Settings
from blender_ui.weights.resolver import find_reader, find_weights, seq2seq_path
from db.models import utc_now

DEFAULT_ENCODER = "all-minilm-l6-v2"
"""Where a joint or pointwise training starts when it names no encoder."""

DEFAULT_FUSER_BASE = "title-t5-small"
"""Where the training of a fuser starts when it names no checkpoint."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Every use case, sharing one store; made once for a process."""

    settings: Settings
    engine: Engine
    members: Members
    process: EngineProcess
    live_head: LiveHead
    access: Access
    accounts: Accounts
    invitations: Invitations
    projects: Projects
    project_prompts: ProjectPrompts
    generating: Generating
    checks: Checks
    auditing: Auditing
    labeling: Labeling
    relabeling: Relabeling
    blending: Blending
    ranking: RankingService
    fusing: Fusing
    training: Training
    fuser_versions: FuserVersions
    importing: Importing
    exporting: Exporting
    evaluating: Evaluating
    ensemble_evaluation: EnsembleEvaluation
    inspection: Inspection
    quality: Quality
    member_ratings: MemberRatings
    version_inspection: VersionInspection
    what_if: WhatIf
    attributing: Attributing
    preference_table: PreferenceTable

    def start(self) -> None:
        """Start in the background what the first visitor would otherwise wait for."""
        self.members.start()
        self.ranking.warm_up()
        self.quality.warm_up()
        self.ranking.learn_soon()
        self.member_ratings.warm_up()

    def close(self) -> None:
        """End the children and let go of the store."""
        # These first: a thread that waits for one of them would be waited for below.
        self.process.close()
        self.attributing.close()
        self.live_head.close()
        self.version_inspection.close()
        self.members.close()
        self.engine.dispose()


def open_store(settings: Settings) -> Engine:
    """Open the database and bring its schema up to date.

    Raises:
        SettingsError: If the home folder cannot be made, or the database's address is none.
        BlenderError: As ``services.store.open_store``.
    """
    make_home(settings)
    return store.open_store(settings.store_url, name=settings.store_name)


def make_home(settings: Settings) -> None:
    """Make the home folder where it is not there yet.

    Raises:
        SettingsError: If it cannot be made.
    """
    try:
        settings.home_path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the home folder cannot be made: {describe_os_error(error, settings.home_path)}. "
            "BLENDER_UI_HOME names another"
        ) from error


def build_services(settings: Settings, *, clock: Clock = utc_now) -> Services:
    """Make every service. Nothing heavy is started: members and models start when first needed."""
    engine = open_store(settings)
    members = _build_members(settings)
    reader_path = find_reader(settings.reader, cache_path=settings.weights_path)
    process = EngineProcess(
        {
            READER: partial(load_reader, reader_path),
            JOINT: load_joint,
            FUSER: load_desk,
            BERTSCORE: load_scorer,
        }
    )
    access = Access(engine, mode=Mode(settings.access), clock=clock)
    accounts = Accounts(engine, clock=clock)
    labeling = Labeling(
        engine,
        access=access,
        clock=clock,
        seed=settings.seed,
        lease_seconds=settings.lease_seconds,
        overlap=settings.overlap,
    )
    blending = Blending(engine, members=members, clock=clock)
    table = PreferenceTable(engine, cache_path=settings.home_path / "inspector")
    live_head = LiveHead(
        engine, process=process, rankers_path=settings.rankers_path, prioritise=labeling.prioritise
    )
    ranking = RankingService(engine, process=process, live_head=live_head, rankers_path=settings.rankers_path)
    fuser_versions = FuserVersions(engine, fusers_path=settings.fusers_path)
    fuser = choose_fuser(
        settings.fuser,
        members=members,
        process=process,
        find_trained=fuser_versions.find_active_checkpoint,
    )
    fusing = Fusing(
        engine,
        fuser=fuser,
        mixture=MixtureFuser(fuser, members),
        blending=blending,
        judge=ranking,
        labeling=labeling,
        top_k=settings.top_k,
        clock=clock,
    )
    evaluating = Evaluating(engine, process=process, rankers_path=settings.rankers_path)
    return Services(
        settings=settings,
        engine=engine,
        members=members,
        process=process,
        live_head=live_head,
        access=access,
        accounts=accounts,
        invitations=Invitations(engine, accounts=accounts, clock=clock),
        projects=Projects(engine, clock=clock),
        project_prompts=ProjectPrompts(engine, clock=clock),
        generating=Generating(
            engine, member_names=tuple(config.name for config in members.configs), clock=clock
        ),
        checks=Checks(engine, clock=clock),
        auditing=Auditing(engine),
        labeling=labeling,
        relabeling=Relabeling(engine, clock=clock),
        blending=blending,
        ranking=ranking,
        fusing=fusing,
        training=Training(engine, train_every=settings.train_every, clock=clock),
        fuser_versions=fuser_versions,
        importing=Importing(engine, clock=clock, seed=settings.seed, overlap=settings.overlap),
        exporting=Exporting(engine, clock=clock),
        evaluating=evaluating,
        ensemble_evaluation=EnsembleEvaluation(
            members=members,
            evaluating=evaluating,
            fusing=fusing,
            bertscore=_find_scorer(settings, process),
            top_k=settings.top_k,
            seed=settings.seed,
        ),
        inspection=Inspection(engine),
        quality=Quality(engine, clock=clock),
        member_ratings=MemberRatings(engine, table=table),
        version_inspection=VersionInspection(
            engine, table=table, process=process, rankers_path=settings.rankers_path
        ),
        what_if=WhatIf(process=process, rankers_path=settings.rankers_path),
        attributing=Attributing(
            process=EngineProcess(
                {
                    READING: partial(load_reading_explainer, reader_path),
                    EXPLAINED_JOINT: load_joint_explainer,
                }
            ),
            rankers_path=settings.rankers_path,
        ),
        preference_table=table,
    )


def build_training_run(settings: Settings, *, clock: Clock = utc_now) -> TrainingRun:
    """Make what the worker carries out jobs with."""
    engine = open_store(settings)
    return TrainingRun(
        engine,
        rankers_path=settings.rankers_path,
        reader_name=settings.reader,
        open_reader=partial(load_reader, find_reader(settings.reader, cache_path=settings.weights_path)),
        joint=joint_tools(find_base=partial(_find_encoder, settings), default_base=DEFAULT_ENCODER),
        fusers=FuserRun(
            engine=engine,
            fusers_path=settings.fusers_path,
            tools=SeqToSeqTools(
                base_finder=partial(_find_fuser_base, settings), default_base=DEFAULT_FUSER_BASE
            ),
        ),
        clock=clock,
    )


def build_generation_run(settings: Settings, *, clock: Clock = utc_now) -> tuple[Members, GenerationRun]:
    """Make what the worker has projects' prompts answered with; a member starts when first asked."""
    engine = open_store(settings)
    members = _build_members(settings)
    return members, GenerationRun(
        engine,
        blending=Blending(engine, members=members, clock=clock),
        labeling=Labeling(
            engine,
            clock=clock,
            seed=settings.seed,
            lease_seconds=settings.lease_seconds,
            overlap=settings.overlap,
        ),
        member_names=tuple(config.name for config in members.configs),
        clock=clock,
    )


def _build_members(settings: Settings) -> Members:
    return Members(
        load_members(settings.members_path),
        find_weights=partial(find_weights, cache_path=settings.weights_path),
        environ=os.environ,
    )


def _find_encoder(settings: Settings, name: str) -> Path:
    own = Path(name).expanduser()
    return own if (own / "config.json").is_file() else find_weights(name, cache_path=settings.weights_path)


def _find_scorer(settings: Settings, process: EngineProcess) -> Scorer | None:
    """BERTScore by the default encoder in the engine process; None where the encoder is not here."""
    try:
        folder = _find_encoder(settings, DEFAULT_ENCODER)
    except WeightsUnavailable:
        return None

    def score(answers: Sequence[str], references: Sequence[str]) -> list[float]:
        found: list[float] = process.call(BERTSCORE, "score", list(answers), list(references), key=(folder,))
        return found

    return score


def _find_fuser_base(settings: Settings, name: str) -> Path:
    """Folder of a sequence-to-sequence checkpoint: one's own, or one prepared from the catalogue.

    Raises:
        WeightsUnavailable: If it is neither here nor can be prepared from what is.
        MissingPackage: If what is needed to prepare it is not installed.
    """
    own = Path(name).expanduser()
    if (own / "config.json").is_file():
        return own
    folder = seq2seq_path(name, cache_path=settings.weights_path)
    if folder.is_dir():
        return folder
    source = find_weights(name, cache_path=settings.weights_path)
    from blender_ui.weights.seq2seq import prepare_seq2seq  # needs torch; only the worker comes here

    return prepare_seq2seq(source, folder)

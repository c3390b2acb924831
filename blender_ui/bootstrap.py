"""The one place where implementations are chosen and tied together.

Invariant: everything a page, a command or the worker uses is made here, from settings alone, and is
closed by ``Services.close``. Non-goal: what any of it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from blender_ui import store
from blender_ui.engine.process import JOINT, READER, EngineProcess
from blender_ui.errors import SettingsError, WeightsUnavailable
from blender_ui.evaluation.run import Scorer
from blender_ui.faults import describe_os_error
from blender_ui.fusion.remote import FUSER, load_fuser_server
from blender_ui.installation import read_secret
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
from blender_ui.read_ahead import read_in_turn
from blender_ui.services.after_vote import AfterVote, Background
from blender_ui.services.asking.generating import Generating, GenerationRun
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.evaluating.evaluation import EnsembleEvaluation
from blender_ui.services.fusing.fused_answers import Fusing
from blender_ui.services.fusing.fusers import choose_fuser
from blender_ui.services.fusing.mixture import MixtureFuser
from blender_ui.services.inspecting.attributing import Attributing
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
from blender_ui.services.people.visitors import Limits, Visitors
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.checks import Checks
from blender_ui.services.quality.vote_log import VoteLog
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.services.ranking.opening import EXPLAIN_JOINT, EXPLAIN_READING
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.texts import Evaluating
from blender_ui.services.training.fast import FastTrainer
from blender_ui.services.training.fuser import FuserTrainer
from blender_ui.services.training.joint import JointTrainer
from blender_ui.services.training.rankers import RankerTools
from blender_ui.services.training.requests import Training
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.training.trainer import Trainer
from blender_ui.services.versions.model_versions import Versions
from blender_ui.settings import Settings
from blender_ui.weights.resolver import find_reader, find_weights, seq2seq_path
from db.models import JobKind, ModelRole, utc_now

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
    training_soon: Background
    after_vote: AfterVote
    versions: Versions
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
        """Start in the background what the first visitor would otherwise wait for.

        From here on the live head follows the votes. A command that ends in a moment never starts: its
        votes reach the head of the process that serves the pages.
        """
        self.members.start()
        self.ranking.warm_up()
        self.after_vote.follow(self.live_head.refit_soon)
        self.live_head.refit_soon()
        read_in_turn(self.member_ratings.read_ahead, self.quality.read_ahead)

    def close(self) -> None:
        """End the children and let go of the store."""
        self.training_soon.close()
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
        BlenderError: As ``store.open_store``.
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
            FUSER: load_fuser_server,
            BERTSCORE: load_scorer,
        }
    )
    visitors = Visitors(engine, limits=visitor_limits(settings), clock=clock)
    access = Access(engine, mode=Mode(settings.access), clock=clock, visitors=visitors)
    after_vote = AfterVote()
    accounts = Accounts(engine, clock=clock)
    secret = read_secret(settings.home_path)
    labeling = Labeling(
        engine,
        access=access,
        clock=clock,
        seed=secret,
        lease_seconds=settings.lease_seconds,
        overlap=settings.overlap,
        after_vote=after_vote,
    )
    blending = Blending(engine, members=members, clock=clock)
    log = VoteLog(engine)
    table = PreferenceTable(engine, log=log, cache_path=settings.home_path / "inspector")
    live_head = LiveHead(
        engine, process=process, rankers_path=settings.rankers_path, prioritise=labeling.prioritise
    )
    ranking = RankingService(engine, process=process, live_head=live_head, rankers_path=settings.rankers_path)
    versions = Versions(
        engine, folders={ModelRole.RANKER: settings.rankers_path, ModelRole.FUSER: settings.fusers_path}
    )
    fuser = choose_fuser(
        settings.fuser,
        members=members,
        process=process,
        find_trained=partial(versions.find_active_checkpoint, ModelRole.FUSER),
    )
    fusing = Fusing(
        engine,
        fuser=fuser,
        mixture=MixtureFuser(fuser, members),
        judge=ranking,
        labeling=labeling,
        top_k=settings.top_k,
        clock=clock,
    )
    training = Training(engine, train_every=settings.train_every, clock=clock)
    training_soon = Background(training.request_if_due, name="training-due")
    after_vote.follow(training_soon)
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
        checks=Checks(engine, clock=clock, after_vote=after_vote),
        auditing=Auditing(engine),
        labeling=labeling,
        relabeling=Relabeling(engine, clock=clock, after_vote=after_vote),
        blending=blending,
        ranking=ranking,
        fusing=fusing,
        training=training,
        training_soon=training_soon,
        after_vote=after_vote,
        versions=versions,
        importing=Importing(
            engine, clock=clock, seed=secret, overlap=settings.overlap, after_vote=after_vote
        ),
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
        quality=Quality(engine, clock=clock, log=log, after_vote=after_vote),
        member_ratings=MemberRatings(engine, table=table),
        version_inspection=VersionInspection(
            engine, table=table, process=process, rankers_path=settings.rankers_path
        ),
        what_if=WhatIf(process=process, rankers_path=settings.rankers_path),
        attributing=Attributing(
            process=EngineProcess(
                {
                    EXPLAIN_READING: partial(load_reading_explainer, reader_path),
                    EXPLAIN_JOINT: load_joint_explainer,
                }
            ),
            rankers_path=settings.rankers_path,
        ),
        preference_table=table,
    )


def visitor_limits(settings: Settings) -> Limits:
    """How much people without accounts may take of a demo."""
    return Limits(**{field.name: getattr(settings, field.name) for field in fields(Limits)})


def build_training_run(settings: Settings, *, clock: Clock = utc_now) -> TrainingRun:
    """Make what the worker carries out jobs with."""
    engine = open_store(settings)
    rankers = RankerTools(
        engine=engine,
        rankers_path=settings.rankers_path,
        open_reader=partial(load_reader, find_reader(settings.reader, cache_path=settings.weights_path)),
        open_ranker=load_joint,
    )
    joint = joint_tools(find_base=partial(_find_encoder, settings), default_base=DEFAULT_ENCODER)
    fuser = FuserTrainer(
        engine=engine,
        fusers_path=settings.fusers_path,
        tools=SeqToSeqTools(base_finder=partial(_find_fuser_base, settings), default_base=DEFAULT_FUSER_BASE),
    )
    trainers: dict[JobKind, Trainer] = {
        JobKind.FAST: FastTrainer(rankers, reader_name=settings.reader),
        JobKind.JOINT: JointTrainer(rankers, form="joint", joint=joint),
        JobKind.POINTWISE: JointTrainer(rankers, form="pointwise", joint=joint),
        JobKind.FUSER: fuser,
    }
    return TrainingRun(engine, trainers, clock=clock)


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
            seed=read_secret(settings.home_path),
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

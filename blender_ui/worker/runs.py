"""What the worker carries out jobs with, made from the services: trainings, and members' answers.

Invariant: nothing is loaded before a job needs it. Non-goal: how jobs are taken and resumed.
"""

from __future__ import annotations

from functools import partial

from blender_ui.bootstrap import Services, make_store_kinds
from blender_ui.choosing.distilling import prepare_encoder
from blender_ui.loaders import DEFAULT_ENCODER, SeqToSeqTools, joint_tools, load_joint, load_reader
from blender_ui.services.asking.generating import GenerationRun
from blender_ui.services.training.chooser import ChooserTrainer
from blender_ui.services.training.fast import FastTrainer
from blender_ui.services.training.fuser import FuserTrainer
from blender_ui.services.training.joint import JointTrainer
from blender_ui.services.training.rankers import RankerTools
from blender_ui.services.training.run import TrainingRun
from blender_ui.services.training.trainer import Trainer
from blender_ui.settings import Settings
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.weights.resolver import find_encoder, find_reader, find_seq2seq
from db.enums import JobKind

DEFAULT_FUSER_BASE = "title-t5-small"
"""Where the training of a fuser starts when it names no checkpoint."""


def build_training_run(services: Services) -> TrainingRun:
    """Make what the worker carries out training jobs with."""
    settings, cache_path = services.settings, services.settings.weights_path
    rankers = RankerTools(
        engine=services.engine,
        rankers_path=settings.rankers_path,
        open_reader=partial(load_reader, find_reader(settings.reader, cache_path=cache_path)),
        open_ranker=load_joint,
    )
    joint = joint_tools(find_base=partial(find_encoder, cache_path=cache_path), default_base=DEFAULT_ENCODER)
    fuser = FuserTrainer(
        engine=services.engine,
        fusers_path=settings.fusers_path,
        tools=SeqToSeqTools(
            base_finder=partial(find_seq2seq, cache_path=cache_path), default_base=DEFAULT_FUSER_BASE
        ),
    )
    open_encoder = partial(_open_prompt_encoder, settings)
    kinds = make_store_kinds(services, open_encoder)
    trainers: dict[JobKind, Trainer] = {
        JobKind.FAST: FastTrainer(rankers, reader_name=settings.reader, find_kinds=kinds.current),
        JobKind.JOINT: JointTrainer(rankers, form="joint", joint=joint),
        JobKind.POINTWISE: JointTrainer(rankers, form="pointwise", joint=joint),
        JobKind.FUSER: fuser,
        JobKind.CHOOSER: ChooserTrainer(
            engine=services.engine,
            choosers_path=settings.choosers_path,
            open_encoder=open_encoder,
            encoder_name=DEFAULT_ENCODER,
            find_kinds=kinds.current,
        ),
    }
    return TrainingRun(services.engine, trainers)


def _open_prompt_encoder(settings: Settings) -> StaticEncoder:
    source = find_encoder(DEFAULT_ENCODER, cache_path=settings.weights_path)
    return prepare_encoder(source, settings.prompt_encoder_path)


def build_generation_run(services: Services) -> GenerationRun:
    """Make what the worker has projects' prompts answered with; a member starts when first asked."""
    return GenerationRun(
        services.engine,
        blending=services.blending,
        labeling=services.labeling,
        members=services.members,
        clock=services.clock,
        follow_members=services.member_list.follow_file,
    )

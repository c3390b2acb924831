"""The app's services over a real store, with members, a fuser and a ranker that tests script."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from sqlalchemy import Engine

from blender_ui.engine.process import Readings
from blender_ui.errors import MemberError, NoRanker
from blender_ui.fusion.protocol import FusedPiece
from blender_ui.members.protocol import Chunk, Message, Usage
from blender_ui.ranking.attribution import PairAttribution, Token
from blender_ui.services.asking.generating import Generating
from blender_ui.services.asking.rounds import Blending, PromptView
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.fusing.fused_answers import Fusing
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
from blender_ui.services.ranking.rows import (
    Entrants,
    RankingView,
    entrants_of,
    load_entrants,
    save_ranking,
    view_ranking,
)
from blender_ui.services.training.requests import Training
from blender_ui.services.versions.model_versions import Versions
from blender_ui.settings import Settings
from blender_ui.values import RankingPrompt
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion, utc_now
from tests.builders.scripted_members import Script, ScriptedEnsemble, ScriptedMember
from tests.builders.stores import make_store
from tests.ranking.scripted_reader import ScriptedReader


def typing(text: str, *, word_seconds: float = 0.02, wait_seconds: float = 0.0) -> Script:
    """Writes a text word by word, as slowly as told; stops when it is told to."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        began, said = time.monotonic(), ""
        stop = stop or threading.Event()
        words = text.split(" ")
        for count, word in enumerate(words, start=1):
            if stop.wait(wait_seconds if count == 1 else word_seconds):
                raise MemberError("the member was stopped", kind="stopped", partial_text=said)
            said += word if count == 1 else f" {word}"
            yield Chunk(word if count == 1 else f" {word}", count)
        yield Chunk("", len(words), Usage(9, len(words), "stop", wait_seconds, time.monotonic() - began))

    return script


class ScriptedFuser:
    """Fuses by putting the first sentence of every candidate in a row."""

    name = "Fuser"
    options: dict[str, object] = {}  # noqa: RUF012 - read only, as the protocol has it

    def stream(
        self, prompt: RankingPrompt, candidates: Sequence[str], *, stop: threading.Event | None = None
    ) -> Generator[FusedPiece]:
        text = " ".join(candidate.split(". ")[0].rstrip(".") + "." for candidate in candidates)
        for end in range(8, len(text), 8):
            yield FusedPiece(text[:end], end)
        yield FusedPiece(text, len(text), "stop")


class ScriptedRanking:
    """Prefers longer answers, once it has been told that a version exists."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._version_id: int | None = None
        self.n_learnt = 0
        self.n_ranked = 0

    def train(self) -> None:
        with transaction(self._engine, immediate=True) as session:
            version = ModelVersion(
                role=ModelRole.RANKER,
                kind=ModelKind.FAST,
                base_model="scripted",
                base_fingerprint="scripted",
                fingerprint="scripted",
                path="1",
                cut_off_preference_id=0,
                n_train=420,
                n_held_out=60,
                code_version="test",
                is_active=True,
            )
            session.add(version)
            session.flush()
            self._version_id = version.id

    def rank(
        self,
        *,
        prompt_id: int,
        candidate_ids: Sequence[int] | None = None,
        version_id: int | None = None,
    ) -> RankingView:
        with transaction(self._engine) as session:
            entrants = load_entrants(session, prompt_id=prompt_id, candidate_ids=candidate_ids)
        return self._rank(entrants)

    def rank_answers(self, answers: PromptView) -> RankingView:
        return self._rank(entrants_of(answers))

    def _rank(self, entrants: Entrants) -> RankingView:
        if self._version_id is None:
            raise NoRanker("No ranker has been trained yet. 50 votes are needed, 12 are there.")
        self.n_ranked += 1
        with transaction(self._engine, immediate=True) as session:
            lengths = np.array([len(text) for text in entrants.texts], dtype=float)
            logits = np.clip((lengths[:, None] - lengths[None, :]) / 100, -3, 3)
            ranking_id = save_ranking(
                session,
                entrants,
                version_id=self._version_id,
                logits=logits,
                uncertainty=np.full_like(logits, 0.4),
                policy="max_logits",
                refitted_preference_id=7,
            )
            return view_ranking(session, ranking_id)

    def learn_soon(self) -> None:
        self.n_learnt += 1


class ScriptedProcess:
    """Reads as ``ScriptedReader`` does, without a process; explains by giving every word its length."""

    def __init__(self) -> None:
        self._reader = ScriptedReader()

    def read(self, prompt: RankingPrompt, answers: Sequence[str]) -> Readings:
        return Readings(self._reader.fingerprint, self._reader.read(prompt, answers))

    def call(self, name: str, attribute: str, *args: Any, **options: Any) -> PairAttribution:
        first, second = (
            tuple(Token(f"{word} ", float(len(word))) for word in text.split()) for text in args[-1]
        )
        total = sum(token.value for token in (*first, *second))
        return PairAttribution(
            method="lengths of words", first=first, second=second, prompt=(), logit=total, baseline=0.0,
            n_steps=1,
        )  # fmt: skip


def build_scripted_services(
    folder: Path, *members: ScriptedMember, access_mode: str = "open", limits: Limits | None = None
) -> Any:
    """Services as ``bootstrap`` builds them, with what is heavy replaced by scripts."""
    engine = make_store(folder)
    ensemble = ScriptedEnsemble(*members)
    visitors = Visitors(engine, limits=limits or Limits(), clock=utc_now)
    access = Access(engine, mode=Mode(access_mode), clock=utc_now, visitors=visitors)
    accounts = Accounts(engine, clock=utc_now, hasher=PasswordHasher(time_cost=1, memory_cost=64))
    labeling = Labeling(engine, clock=utc_now, seed=7, lease_seconds=600, overlap=1, access=access)
    blending = Blending(engine, members=ensemble, clock=utc_now)
    ranking = ScriptedRanking(engine)
    process = ScriptedProcess()
    log = VoteLog(engine)
    table = PreferenceTable(engine, log=log)
    rankers_path = folder / "rankers"
    return SimpleNamespace(
        settings=Settings(home_path=folder, port=0, access=access_mode),
        engine=engine,
        members=ensemble,
        access=access,
        accounts=accounts,
        invitations=Invitations(engine, accounts=accounts, clock=utc_now),
        projects=Projects(engine, clock=utc_now),
        project_prompts=ProjectPrompts(engine, clock=utc_now),
        generating=Generating(
            engine, member_names=tuple(config.name for config in ensemble.configs), clock=utc_now
        ),
        checks=Checks(engine, clock=utc_now),
        auditing=Auditing(engine),
        labeling=labeling,
        relabeling=Relabeling(engine, clock=utc_now),
        blending=blending,
        ranking=ranking,
        training=Training(engine, train_every=50, clock=utc_now),
        versions=Versions(engine, folders={role: folder / f"{role}s" for role in ModelRole}),
        importing=Importing(engine, clock=utc_now, seed=7, overlap=1),
        exporting=Exporting(engine),
        inspection=Inspection(engine),
        quality=Quality(engine, clock=utc_now, log=log),
        preference_table=table,
        member_ratings=MemberRatings(engine, table=table),
        version_inspection=VersionInspection(engine, table=table, process=process, rankers_path=rankers_path),
        what_if=WhatIf(process=process, rankers_path=rankers_path),
        attributing=Attributing(process=process, rankers_path=rankers_path),
        fusing=Fusing(
            engine,
            fuser=ScriptedFuser(),
            judge=ranking,
            labeling=labeling,
            top_k=3,
            clock=utc_now,
        ),
    )

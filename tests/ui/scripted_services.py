"""The app's services over a real store, with members, a fuser and a ranker that tests script."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from sqlalchemy import Engine

from blender_ui.bootstrap import build_services
from blender_ui.engine.process import Readings
from blender_ui.errors import MemberError, NoRanker
from blender_ui.fusion.protocol import FusedPiece
from blender_ui.members.protocol import Chunk, Message, Usage
from blender_ui.ranking.attribution import PairAttribution, Token
from blender_ui.services.asking.answering import CandidateUpdate
from blender_ui.services.asking.rounds import PromptView
from blender_ui.services.people.visitors import Limits
from blender_ui.services.ranking.rows import (
    Entrants,
    RankingView,
    entrants_of,
    load_entrants,
    save_ranking,
    view_ranking,
)
from blender_ui.services.versions.model_versions import VersionView, get_version
from blender_ui.settings import Settings
from blender_ui.ui.quick_gradio import working_out_once
from blender_ui.ui.serving.guard import GuardedBlocks
from blender_ui.values import FloatArray, RankingPrompt
from db.engine import transaction
from db.models import ModelKind, ModelRole, ModelVersion
from tests.builders.scripted_members import Script, ScriptedEnsemble, ScriptedMember
from tests.builders.stores import make_store
from tests.ranking.scripted_reader import ScriptedReader

_drawing = working_out_once()
_drawing.__enter__()  # for as long as this process lives: it draws an app for every other test


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

    def read_soon(self, member_name: str, update: CandidateUpdate) -> None:
        pass

    def read_ranked_soon(self, candidate_ids: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass

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

    def compare_texts(
        self, prompt: RankingPrompt, texts: Sequence[str], *, members: Sequence[str]
    ) -> FloatArray:
        lengths = np.array([len(text) for text in texts], dtype=float)
        return np.clip((lengths[:, None] - lengths[None, :]) / 100, -3, 3)

    def _rank(self, entrants: Entrants) -> RankingView:
        version = self.get_active()
        self.n_ranked += 1
        with transaction(self._engine, immediate=True) as session:
            lengths = np.array([len(text) for text in entrants.texts], dtype=float)
            logits = np.clip((lengths[:, None] - lengths[None, :]) / 100, -3, 3)
            ranking_id = save_ranking(
                session,
                entrants,
                version_id=version.id,
                logits=logits,
                uncertainty=np.full_like(logits, 0.4),
                policy="max_logits",
                refitted_preference_id=7,
            )
            return view_ranking(session, ranking_id)

    def get_active(self) -> VersionView:
        with transaction(self._engine) as session:
            version = None if self._version_id is None else get_version(session, self._version_id)
        if version is None:
            raise NoRanker("No ranker has been trained yet. 50 votes are needed, 12 are there.")
        return version

    def learn_soon(self) -> None:
        self.n_learnt += 1


class ScriptedProcess:
    """Reads as ``ScriptedReader`` does, without a process; explains by giving every word its length."""

    def __init__(self) -> None:
        self._reader = ScriptedReader()

    def read(
        self, prompt: RankingPrompt, answers: Sequence[str], *, fingerprint: str | None = None
    ) -> Readings:
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


def build_page(services: Any, build: Callable[[Any, Any], None]) -> GuardedBlocks:
    """An app of one page, by its builder in ``ui``; the ten of them take seconds to draw."""
    with GuardedBlocks(services.access) as app:
        build(services, app)
    return app


def build_scripted_services(
    folder: Path,
    *members: ScriptedMember,
    samples: int = 1,
    access_mode: str = "open",
    limits: Limits | None = None,
) -> Any:
    """The app's services, with what is heavy replaced by scripts; they write nothing outside the folder."""
    settings = Settings(
        home_path=folder,
        weights_path=folder / "weights",
        port=0,
        access=access_mode,
        **asdict(limits or Limits()),
    )
    engine = make_store(folder)
    process: Any = ScriptedProcess()
    substitutes: Any = {
        "engine": engine,
        "secret": 7,
        "members": ScriptedEnsemble(*members, samples=samples),
        "process": process,
        "explainers": process,
        "hasher": PasswordHasher(time_cost=1, memory_cost=64),
        "fuser": ScriptedFuser(),
        "ranking": ScriptedRanking(engine),
    }
    return build_services(settings, **substitutes)

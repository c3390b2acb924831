"""The inspector for notebooks: the same figures as the pages', as pandas frames and values.

    from blender_ui import inspection

    with inspection.open_home("var") as store:
        store.ratings()

Invariant: nothing is written but rankings that were asked for and the cache of predictions; every frame
has its interval columns and its rows' ids. Non-goal: figures; ``blender_ui.ui.report_plots`` draws these
values with Plotly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from blender_ui.bootstrap import Services, build_services
from blender_ui.conversations import read_prompt
from blender_ui.errors import MalformedInput, NotFound
from blender_ui.ranking.attribution import PairAttribution
from blender_ui.services.inspecting.member_ratings import RatingWish
from blender_ui.services.inspecting.what_if import Opinion, Pair, SentenceEffect
from blender_ui.services.ranking.rows import RankingView
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.settings import Settings
from blender_ui.votes.ratings import RankerRating, RatingPoint
from blender_ui.votes.reports import Contrast, Mistake, ShareRow, VersionReport

Group = Literal["pair", "kind", "length", "agreement"]


def open_home(home: Path | str = "var", *, database_url: str = "") -> Inspector:
    """Open the store of an app's home folder; close it, or use it as a context manager.

    Args:
        home: The folder that ``BLENDER_UI_HOME`` names.
        database_url: Of a store elsewhere, as ``BLENDER_UI_DATABASE_URL``; empty for the home's own.

    Raises:
        SchemaMismatch: If the store was written by newer code.
    """
    return Inspector(build_services(Settings(home_path=Path(home), database_url=database_url)))


class Inspector:
    """One store, open for reading.

    Args:
        services: From ``blender_ui.bootstrap.build_services``.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End child processes and let go of the store."""
        self._services.close()

    def preferences(self) -> pd.DataFrame:
        """Every standing preference, one a row: ids, members, target for left, who said it.

        ``ballot_id`` is 0 where the pair itself was answered.

        Where a researcher has ruled, the target is the ruling's.
        """
        told = self._services.preference_table.current()
        names = np.array([*told.members, ""], dtype=object)
        return pd.DataFrame(
            {
                "preference_id": told.preference_id,
                "comparison_id": told.comparison_id,
                "prompt_id": told.prompt_id,
                "left_id": told.left_id,
                "right_id": told.right_id,
                "left": names[told.left],
                "right": names[told.right],
                "target": told.target,
                "is_decided": told.is_decided,
                "annotator_id": told.annotator_id,
                "ballot_id": told.ballot_id,
                "is_human": told.is_human,
            }
        )

    def ratings(
        self,
        *,
        kind: str = "",
        holds_style: bool = False,
        adds_best_ranked: bool = False,
        criterion: str = "",
        weighs_strength: bool = False,
    ) -> pd.DataFrame:
        """Members' Bradley-Terry ratings by people, best first; see ``RatingWish``.

        Raises:
            NotFound: If no prompt is of the wished kind, or no project asks the criterion.
        """
        wish = RatingWish(
            kind=kind,
            holds_style=holds_style,
            adds_best_ranked=adds_best_ranked,
            criterion=criterion,
            weighs_strength=weighs_strength,
        )
        return pd.DataFrame([asdict(one) for one in self._services.member_ratings.rate(wish).members])

    def wins(self, *, kind: str = "") -> pd.DataFrame:
        """How often the row was preferred to the column, a tie half."""
        view = self._services.member_ratings.rate(RatingWish(kind=kind))
        names = [one.member for one in view.members]
        return pd.DataFrame(view.wins, index=names, columns=names)

    def ratings_over_time(self, *, kind: str = "") -> pd.DataFrame:
        """Ratings by ever more preferences; ``at`` is the last one's id."""
        return _frame(self._services.member_ratings.over_time(RatingWish(kind=kind)), RatingPoint)

    def ratings_by_kind(self) -> pd.DataFrame:
        """Ratings in each kind of task, which ``at`` names."""
        return _frame(self._services.member_ratings.by_kind(), RatingPoint)

    def versions(self) -> pd.DataFrame:
        """Every ranker version, newest first."""
        rows = [asdict(one) for one in self._services.version_inspection.list_versions()]
        return pd.DataFrame(rows).set_index("id") if rows else pd.DataFrame()

    def report(self, version_id: int) -> VersionReport:
        """A version beside the people of held-out prompts.

        Raises:
            NotFound: If there is no such version.
            RankerError: If its checkpoint cannot be used.
        """
        return self._services.version_inspection.report(version_id)

    def accuracy(self, version_id: int, *, by: Group = "kind") -> pd.DataFrame:
        """A version's accuracy by group, with 95 % intervals; errors as ``report``."""
        return _frame(getattr(self.report(version_id), f"by_{by}"), ShareRow)

    def mistakes(self, version_id: int) -> pd.DataFrame:
        """The hundred most confident mistakes of a version; errors as ``report``."""
        return _frame(self.report(version_id).mistakes, Mistake)

    def contrast(self, first_id: int, second_id: int) -> Contrast:
        """Two versions on the same held-out votes, with McNemar's test; errors as ``report``."""
        return self._services.version_inspection.contrast(first_id, second_id)

    def ranker_ratings(self, version_id: int) -> pd.DataFrame:
        """Members as people and as a version rate them; errors as ``report``."""
        return _frame(self._services.version_inspection.rate_members(version_id), RankerRating)

    def rank(self, prompt_id: int, *, version_id: int | None = None) -> RankingView:
        """A version's decision about a prompt's answers; it is kept, as the page keeps it.

        Raises:
            NoRanker: If no version was named and none is active.
            NotFound: If there is no such prompt or version.
            RankerError: If a model or checkpoint failed.
        """
        return self._services.ranking.rank(prompt_id=prompt_id, version_id=version_id)

    def logits(self, prompt_id: int, *, version_id: int | None = None) -> pd.DataFrame:
        """Pairwise logits of a decision: row shown first against column; errors as ``rank``."""
        view = self.rank(prompt_id, version_id=version_id)
        ids = [one.candidate_id for one in view.entries]
        return pd.DataFrame(view.logits, index=ids, columns=ids)

    def votes(self, prompt_id: int) -> pd.DataFrame:
        """What people and judges said of a prompt's answers.

        Raises:
            NotFound: If there is no such prompt.
        """
        return pd.DataFrame([asdict(one) for one in self._services.inspection.get_prompt(prompt_id).votes])

    def pair(self, first_id: int, second_id: int) -> Pair:
        """Two answers of one prompt, to be asked about or edited.

        Raises:
            NotFound: If there is no such answer.
            MalformedInput: If they answer different prompts.
        """
        prompt = self._services.inspection.get_prompt_of(first_id)
        answers = {one.candidate_id: one for one in prompt.candidates}
        if second_id not in answers:
            raise MalformedInput(
                f"expected answers to one prompt; {second_id} does not answer prompt {prompt.prompt_id}"
            )
        first, second = answers[first_id], answers[second_id]
        return Pair(
            prompt=read_prompt(prompt),
            answers=(first.text, second.text),
            members=(first.member, second.member),
        )

    def what_if(self, version_id: int, pair: Pair) -> Opinion:
        """What a version says of any two texts; errors as ``WhatIf.compare``."""
        return self._services.what_if.compare(self._get_version(version_id), pair)

    def sentences(self, version_id: int, pair: Pair, *, side: int = 0) -> pd.DataFrame:
        """What each sentence of one answer carries; errors as ``WhatIf.drop_sentences``."""
        effects = self._services.what_if.drop_sentences(self._get_version(version_id), pair, side=side)
        return pd.DataFrame([asdict(one) for one in effects], columns=list(SentenceEffect.__annotations__))

    def explain(self, version_id: int, pair: Pair) -> PairAttribution:
        """What each token carries, by integrated gradients; errors as ``Attributing.explain``."""
        return self._services.attributing.explain(self._get_version(version_id), pair)

    def _get_version(self, version_id: int) -> VersionView:
        for one in self._services.version_inspection.list_versions():
            if one.id == version_id:
                return one
        raise NotFound(f"there is no ranker version {version_id}; versions() lists those there are")


def _frame(rows: Iterable[Any], kind: Any) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(kind._fields))

"""How a version in shadow does beside the one that ranks, on the votes that came since.

Invariant: both are judged on the same decided votes of people, on questions that nobody had voted on when
the later of the two was trained, by their text: so neither has learnt from them. Nothing is written.
Non-goal: laying the bets (``ranking.shadows``), and what is done about them (``versions.taking_back``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine

from blender_ui.language import ENGLISH, speaking
from blender_ui.ranking.shadow import Look, look
from blender_ui.ranking.standing import score_sides
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.ranking.shadows import Pair, find_pairs
from blender_ui.services.versions.taking_back import Return, describe_look
from blender_ui.services.versions.views import VersionView
from blender_ui.statistics.bootstrap import Estimate
from blender_ui.statistics.paired import measure_difference
from blender_ui.votes.arrays import Predictions
from db.engine import transaction
from db.queries import shadow_bets

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class ShadowStanding:
    """A version in shadow beside the active one.

    Attributes:
        active, shadow: The two.
        n: Decided votes on which both have bet.
        n_prompts: Questions that they are about.
        active_right, shadow_right: Share of them that each had right; NaN of none.
        lead: Of the shadow's share over the active one's, with the ``LEVEL`` interval.
        look: What is acted by: the same on questions that doubled; None before the first look.
        may_return: Whether the figures gave the active one the place of the one in shadow.
    """

    active: VersionView
    shadow: VersionView
    n: int
    n_prompts: int
    active_right: float
    shadow_right: float
    lead: Estimate
    look: Look | None
    may_return: bool

    @property
    def is_better(self) -> bool:
        """Whether the latest look says that the version in shadow is right more often."""
        return self.look is not None and self.look.lead.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether it says that it is right less often."""
        return self.look is not None and self.look.lead.high < 0


class ShadowStandings:
    """Looks at the bets.

    Args:
        engine: The store.
        table: Its preferences.
    """

    def __init__(self, engine: Engine, *, table: PreferenceTable) -> None:
        self._engine = engine
        self._table = table

    def find(self) -> tuple[ShadowStanding, ...]:
        """The standings of now, of each version in shadow; none where only one version is there."""
        with transaction(self._engine) as session:
            pairs = find_pairs(session)
            ids = {one.id for pair in pairs for one in (pair.active, pair.shadow)}
            bets = shadow_bets.read(session, version_ids=sorted(ids)) if pairs else {}
        by_version = {
            one: Predictions(found.comparison_id, found.logit, found.logit) for one, found in bets.items()
        }
        return tuple(
            self._judge(pair, by_version[pair.active.id], by_version[pair.shadow.id]) for pair in pairs
        )

    def find_return(self) -> Return | None:
        """The version that the figures put aside and new votes call better than the one in its place."""
        for one in self.find():
            if one.may_return and one.is_better and one.look is not None:
                return Return(one.shadow.id, one.active.id, one.look)
        return None

    def say_worse(self, version_id: int) -> str:
        """What new votes say against a version in shadow, in English; empty where they say nothing."""
        for one in self.find():
            if one.shadow.id == version_id and one.is_worse and one.look is not None:
                with speaking(ENGLISH):  # it is stored with the decision
                    said = describe_look(one.look, shadow=one.shadow.id, active=one.active.id)
                return f"(this overrides the bets in shadow: {said})"
        return ""

    def _judge(self, pair: Pair, active: Predictions, shadow: Predictions) -> ShadowStanding:
        told, prompts = self._table.current(), self._table.prompts()
        cluster = prompts.cluster[told.prompt_id]
        is_old = told.preference_id <= pair.cut_off_preference_id
        is_new = ~is_old & told.is_human & told.is_decided & ~np.isin(cluster, cluster[is_old])
        both = np.intersect1d(active.comparison_id, shadow.comparison_id)
        keep = is_new & np.isin(told.comparison_id, both)
        judged, clusters = told.select(keep), cluster[keep]
        scores = [
            score_sides(one.mean[one.find(judged.comparison_id)[1]], judged.target)
            for one in (active, shadow)
        ]
        n = len(judged)
        return ShadowStanding(
            active=pair.active,
            shadow=pair.shadow,
            n=n,
            n_prompts=len(np.unique(clusters)),
            active_right=float(scores[0].mean()) if n else float("nan"),
            shadow_right=float(scores[1].mean()) if n else float("nan"),
            lead=measure_difference(scores[1], scores[0], clusters, level=LEVEL),
            look=look(scores[1], scores[0], clusters),
            may_return=pair.may_return,
        )

"""The one place where implementations are chosen and tied together.

Invariant: everything a page, a command or the worker uses is made here, from settings and the
substitutes that a test brings, and is closed by ``Services.close``. Non-goal: what any of it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Unpack

from blender_ui.evaluation.sandbox import find_obstacle, run_program
from blender_ui.evidence.answers import let_code_run
from blender_ui.foundation import Clock, Foundation, Substitutes
from blender_ui.fusion.fusers import choose_fuser
from blender_ui.fusion.mixture import MixtureFuser
from blender_ui.loaders import (
    find_scorer,
)
from blender_ui.ranking.start import read_card
from blender_ui.read_ahead import read_in_turn
from blender_ui.services.after_vote import AfterVote, Background
from blender_ui.services.asking.generating import Generating
from blender_ui.services.asking.member_list import MemberList
from blender_ui.services.asking.past import PastRounds
from blender_ui.services.asking.rounds import Blending
from blender_ui.services.choosing.kept import KeptChoices
from blender_ui.services.choosing.proposals import Proposals
from blender_ui.services.choosing.reports import ChooserReports
from blender_ui.services.data.exporting import Exporting
from blender_ui.services.data.importing import Importing
from blender_ui.services.data.publishing import Publishing
from blender_ui.services.evaluating.evaluation import EnsembleEvaluation
from blender_ui.services.fusing.fused_answers import Fusing
from blender_ui.services.inspecting.decisions import Inspection
from blender_ui.services.inspecting.leaderboard import Leaderboard
from blender_ui.services.inspecting.member_ratings import MemberRatings
from blender_ui.services.inspecting.preference_arrays import PreferenceTable
from blender_ui.services.inspecting.reasons import Explaining
from blender_ui.services.inspecting.reveals import Reveals
from blender_ui.services.inspecting.versions import VersionInspection
from blender_ui.services.inspecting.what_if import Attributing, WhatIf
from blender_ui.services.jobs.views import Jobs
from blender_ui.services.labeling.loop import Labeling
from blender_ui.services.labeling.own_ballots import OwnBallots
from blender_ui.services.labeling.relabeling import Relabeling
from blender_ui.services.monitoring.dashboard import Dashboards
from blender_ui.services.monitoring.drift import Drifts
from blender_ui.services.monitoring.operation import Operation
from blender_ui.services.monitoring.shadow_standing import ShadowStandings
from blender_ui.services.notifying.delivering import Delivering
from blender_ui.services.notifying.posting import Poster
from blender_ui.services.notifying.webhooks import Webhooks
from blender_ui.services.people.access import Access, Mode
from blender_ui.services.people.accounts import Accounts
from blender_ui.services.people.auditing import Auditing
from blender_ui.services.people.invitations import Invitations
from blender_ui.services.people.keys import ApiKeys
from blender_ui.services.people.resets import PasswordResets
from blender_ui.services.people.visitors import Limits, Visitors
from blender_ui.services.projects.projects import Projects
from blender_ui.services.projects.prompts import ProjectPrompts
from blender_ui.services.projects.workspaces import Workspaces
from blender_ui.services.quality.agreement import Quality
from blender_ui.services.quality.checks import Checks
from blender_ui.services.quality.vote_log import VoteLog
from blender_ui.services.ranking.bets import Bets
from blender_ui.services.ranking.live_head import LiveHead
from blender_ui.services.ranking.ranks import RankingService
from blender_ui.services.ranking.scoring import Scoring
from blender_ui.services.ranking.shadows import Shadows
from blender_ui.services.ranking.texts import Evaluating
from blender_ui.services.recorded.keeping import RecordedRounds
from blender_ui.services.serving.blends import Serving
from blender_ui.services.serving.listing import Listing
from blender_ui.services.serving.serve import Rooms
from blender_ui.services.serving.served_votes import ServedVotes
from blender_ui.services.tasks.store_kinds import StoreKinds
from blender_ui.services.training.requests import Training
from blender_ui.services.versions.model_versions import Versions
from blender_ui.services.versions.sharing import Sharing
from blender_ui.services.versions.start import keep_start_version
from blender_ui.services.versions.taking_back import TakingBack
from blender_ui.settings import Settings
from blender_ui.tasks.encoder import StaticEncoder
from blender_ui.weights.resolver import is_reader_prepared
from db.models import ModelRole, utc_now

VISITORS_A_PAIR = 20
"""Of a demo are asked each pair of the recorded answers, so that these are not labelled up in a day."""


class Services(Foundation):
    """Every use case, sharing one store; ``build_services`` makes it once for a process.

    Each method below makes the services of the rooms it names; a later one uses those of an earlier one.
    """

    def __init__(self, settings: Settings, clock: Clock, substitutes: Substitutes) -> None:
        super().__init__(settings, clock, substitutes)
        may_run = settings.may_run_code and not find_obstacle()
        let_code_run(run_program if may_run else None)
        self._follow_votes()
        self._add_people(substitutes)
        self._add_labeling()
        self._add_asking()
        self._add_ranking(substitutes)
        self._add_fusing(substitutes)
        self._add_serving()
        self._add_notifying()
        self._add_inspecting()
        self._add_evaluating()
        self._add_data()

    def _follow_votes(self) -> None:
        self.training = Training(self.engine, train_every=self.settings.train_every, clock=self.clock)
        self.training_soon = Background(self.training.request_if_due, name="training-due")
        self.after_vote = AfterVote()
        self.after_vote.follow(self.training_soon)

    def _add_people(self, substitutes: Substitutes) -> None:
        settings, engine, clock = self.settings, self.engine, self.clock
        limits = Limits(**{field.name: getattr(settings, field.name) for field in fields(Limits)})
        visitors = Visitors(engine, limits=limits, clock=clock)
        self.access = Access(engine, mode=Mode(settings.access), clock=clock, visitors=visitors)
        self.accounts = Accounts(engine, clock=clock, hasher=substitutes.get("hasher"))
        self.invitations = Invitations(engine, accounts=self.accounts, clock=clock)
        self.projects = Projects(engine, clock=clock)
        self.workspaces = Workspaces(engine, projects=self.projects, clock=clock)
        self.project_prompts = ProjectPrompts(engine, clock=clock)
        self.resets = PasswordResets(engine, accounts=self.accounts, secret=self._secret, clock=clock)
        self.auditing = Auditing(engine)
        self.keys = ApiKeys(engine, clock=clock)

    def _add_labeling(self) -> None:
        """Also what the Quality page shows: it reads the same votes."""
        settings, engine, clock, after_vote = self.settings, self.engine, self.clock, self.after_vote
        self.labeling = Labeling(
            engine,
            access=self.access,
            clock=clock,
            seed=self._secret,
            lease_seconds=settings.lease_seconds,
            overlap=settings.overlap,
            after_vote=after_vote,
        )
        self.relabeling = Relabeling(engine, clock=clock, after_vote=after_vote)
        self.past_rounds = PastRounds(engine, secret=self._secret, clock=clock)
        self.own_ballots = OwnBallots(engine, labeling=self.labeling, clock=clock, after_vote=after_vote)
        self.served_votes = ServedVotes(engine, pairs=self.labeling, clock=clock, after_vote=after_vote)
        self.checks = Checks(engine, clock=clock, after_vote=after_vote)
        self._vote_log = VoteLog(engine)
        self.quality = Quality(engine, clock=clock, log=self._vote_log, after_vote=after_vote)

    def _add_asking(self) -> None:
        self.blending = Blending(self.engine, members=self.members, clock=self.clock)
        self.generating = Generating(self.engine, members=self.members, clock=self.clock)
        self.proposals = Proposals(
            self.engine,
            choosers_path=self.settings.choosers_path,
            encoder_path=self.settings.prompt_encoder_path,
            members=self.members,
        )
        self.choices = KeptChoices(self.engine)
        self.member_list = MemberList(
            self.engine,
            file=self.members_file,
            members=self.members,
            clock=self.clock,
        )

    def _add_ranking(self, substitutes: Substitutes) -> None:
        settings, engine, process = self.settings, self.engine, self.process
        rankers_path = settings.rankers_path
        self._version_folders = {
            ModelRole.RANKER: rankers_path,
            ModelRole.FUSER: settings.fusers_path,
            ModelRole.CHOOSER: settings.choosers_path,
        }
        self.versions = Versions(
            engine,
            folders=self._version_folders,
            clock=self.clock,
            say_worse=lambda version_id: self.shadow_standings.say_worse(version_id),
        )
        self.chooser_reports = ChooserReports(
            engine, choosers_path=settings.choosers_path, versions=self.versions, members=self.members
        )
        self.live_head = LiveHead(
            engine, process=process, rankers_path=rankers_path, prioritise=self.labeling.prioritise
        )
        self.ranking = substitutes.get("ranking") or RankingService(
            engine, process=process, live_head=self.live_head, rankers_path=rankers_path
        )
        self.bets = Bets(engine, clock=self.clock)
        self.shadows = Shadows(
            engine,
            process=process,
            rankers_path=rankers_path,
            clock=self.clock,
            after_laying=lambda: self.taking_back.look(),
        )
        self.blending.follow(self.ranking.read_soon)

        self.scoring = Scoring(engine, process=process, live_head=self.live_head, rankers_path=rankers_path)

    def _add_fusing(self, substitutes: Substitutes) -> None:
        fuser = substitutes.get("fuser") or choose_fuser(
            self.settings.fuser,
            members=self.members,
            process=self.process,
            find_trained=partial(self.versions.find_active_checkpoint, ModelRole.FUSER),
        )
        self.fusing = Fusing(
            self.engine,
            fuser=fuser,
            mixture=MixtureFuser(fuser, self.members),
            judge=self.ranking,
            labeling=self.labeling,
            top_k=self.settings.top_k,
            clock=self.clock,
        )

        self.recorded = RecordedRounds(
            self.engine,
            queue=self.labeling,
            clock=self.clock,
            overlap=VISITORS_A_PAIR if self.access.mode is Mode.DEMO else 1,
        )

    def _add_serving(self) -> None:
        self.serving = Serving(
            Rooms(
                self.engine,
                members=self.members,
                blending=self.blending,
                proposals=self.proposals,
                ranking=self.ranking,
                fusing=self.fusing,
                labeling=self.labeling,
            )
        )

    def _add_notifying(self) -> None:
        poster = Poster(self.settings.list_webhook_hosts())
        self.webhooks = Webhooks(self.engine, poster=poster, secret=self._secret, clock=self.clock)
        self.drifts = Drifts(self.engine)
        self.delivering = Delivering(
            self.engine,
            webhooks=self.webhooks,
            poster=poster,
            members=self.members,
            find_drifts=self.drifts.find,
            clock=self.clock,
        )

    def _add_inspecting(self) -> None:
        engine, rankers_path = self.engine, self.settings.rankers_path
        kinds = make_store_kinds(self, partial(StaticEncoder, self.settings.prompt_encoder_path))
        table = PreferenceTable(
            engine,
            log=self._vote_log,
            cache_path=self.settings.home_path / "inspector",
            find_kinds=kinds.current,
        )
        self.preference_table = table
        self.inspection = Inspection(engine)
        self.dashboards = Dashboards(
            engine,
            log=self._vote_log,
            projects=self.projects,
            quality=self.quality,
            members=self.members,
            clock=self.clock,
        )
        self.listing = Listing(engine, secret=self._secret)
        self.jobs = Jobs(engine, clock=self.clock)
        self.member_ratings = MemberRatings(engine, table=table)
        self.leaderboard = Leaderboard(engine, table=table)
        self.shadow_standings = ShadowStandings(engine, table=table)
        self.taking_back = TakingBack(
            engine, find=self.shadow_standings.find_return, is_automatic=self.settings.train_every > 0
        )
        self.reveals = Reveals(engine, ratings=self.member_ratings)
        self.version_inspection = VersionInspection(
            engine, table=table, process=self.process, rankers_path=rankers_path
        )
        self.explaining = Explaining(
            engine,
            live_head=self.live_head,
            rankers_path=rankers_path,
            read_soon=self.ranking.read_ranked_soon,
        )
        self.what_if = WhatIf(process=self.process, rankers_path=rankers_path)
        self.operation = Operation(engine, members=self.members, drifts=self.drifts, clock=self.clock)
        self.attributing = Attributing(process=self._explainers, rankers_path=rankers_path)

    def _add_evaluating(self) -> None:
        settings = self.settings
        self.evaluating = Evaluating(self.engine, process=self.process, rankers_path=settings.rankers_path)
        self.ensemble_evaluation = EnsembleEvaluation(
            members=self.members,
            evaluating=self.evaluating,
            fusing=self.fusing,
            bertscore=find_scorer(self.process, cache_path=settings.weights_path),
            top_k=settings.top_k,
            seed=settings.seed,
        )

    def _add_data(self) -> None:
        self.importing = Importing(
            self.engine,
            clock=self.clock,
            seed=self._secret,
            overlap=self.settings.overlap,
            after_vote=self.after_vote,
        )
        self.exporting = Exporting(
            self.engine,
            clock=self.clock,
            secret=self._secret,
            rank=lambda prompt_id: self.ranking.rank(prompt_id=prompt_id),
        )
        self.publishing = Publishing(self.exporting)
        self.sharing = Sharing(self.engine, folders=self._version_folders)

    def keep_examples(self) -> int:
        """Bring the recorded rounds into a demo's store, or into a new one of one's own; says how many came.

        Not where people sign in: what a team labels there is its own.
        """
        settings, is_demo = self.settings, self.access.mode is Mode.DEMO
        is_wanted = settings.examples == "yes" and self.access.mode is not Mode.ACCOUNTS
        if not is_wanted or settings.reader != read_card().reader:
            return 0
        self.keep_start_ranker()
        return self.recorded.keep(only_in_new_store=not is_demo)

    def keep_start_ranker(self) -> None:
        """Have the start ranker among the versions; it ranks from when its reader is on this machine."""
        settings = self.settings
        keep_start_version(
            self.engine,
            rankers_path=settings.rankers_path,
            reader=settings.reader,
            is_ready=is_reader_prepared(settings.reader, cache_path=settings.weights_path),
        )

    def start(self) -> None:
        """Start in the background what the first visitor would otherwise wait for.

        From here on the live head follows the votes. A command that ends in a moment never starts: its
        votes reach the head of the process that serves the pages.
        """
        self.members.start()
        self.ranking.warm_up()
        self.after_vote.follow(self.live_head.refit_soon)
        self.live_head.refit_soon()
        self.after_vote.follow(self.shadows.bet_soon)
        self.delivering.start()
        read_in_turn(self.member_ratings.read_ahead, self.leaderboard.board, self.quality.read_ahead)

    def close(self) -> None:
        """End the children and let go of the store."""
        self.training_soon.close()
        self.keys.close()
        self.delivering.close()
        # These first: a thread that waits for one of them would be waited for below.
        self.process.close()
        self.ranking.close()
        self.attributing.close()
        self.live_head.close()
        self.shadows.close()
        self.version_inspection.close()
        self.members.close()
        self.engine.dispose()


def build_services(
    settings: Settings, *, clock: Clock = utc_now, **substitutes: Unpack[Substitutes]
) -> Services:
    """Make every service. Nothing heavy is started: members and models start when first needed.

    Args:
        settings: Where things lie, and what is chosen.
        clock: Gives the present time, with its zone.
        substitutes: By name, what is used in place of what the settings would choose.
    """
    return Services(settings, clock, substitutes)


def make_store_kinds(services: Services, open_encoder: Callable[[], StaticEncoder]) -> StoreKinds:
    """The store's kinds of task; the page's process opens an encoder that the worker has made."""
    return StoreKinds(
        services.engine, folder=services.settings.home_path / "kinds", open_encoder=open_encoder
    )

"""The words that columns hold. Pages import these, and no table.

Invariant: each word is in its column's CHECK. Non-goal: what a word looks like on a page.
"""

from __future__ import annotations

import enum

DEFAULT_PROJECT_ID = 1
RECORDED_SOURCE = "recorded rounds"
"""``Prompt.source`` of the rounds that come with the package."""


class Role(enum.StrEnum):
    """What a person may do; each may do what the ones before may."""

    ANNOTATOR = "annotator"
    RESEARCHER = "researcher"
    ADMIN = "admin"


class AnnotatorKind(enum.StrEnum):
    HUMAN = "human"
    JUDGE = "judge"


class Audience(enum.StrEnum):
    """Who may label a project."""

    EVERYBODY = "everybody"
    MEMBERS = "members"


class Ask(enum.StrEnum):
    """What people who label a project are asked of a prompt's answers."""

    PAIR = "pair"
    """Which of two is better."""
    ORDER = "order"
    """The order of n, ties allowed."""
    BEST_WORST = "best_worst"
    """The best and the worst of n."""
    BEST = "best"
    """The best of n."""


class Reveal(enum.StrEnum):
    """When people who label a project are told which members wrote what they judged."""

    VOTE = "vote"
    """After each vote."""
    END = "end"
    """When nothing of the project is left for the person."""
    NEVER = "never"


class FailureKind(enum.StrEnum):
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    BAD_RESPONSE = "bad_response"
    EMPTY = "empty"
    STOPPED = "stopped"


class Outcome(enum.StrEnum):
    """What an annotator said of a comparison; a skip is not an outcome but a lease's end."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"

    @property
    def turned(self) -> Outcome:
        """What it is with the sides exchanged."""
        return {Outcome.LEFT: Outcome.RIGHT, Outcome.RIGHT: Outcome.LEFT}.get(self, self)


class Origin(enum.StrEnum):
    """Where a comparison came from."""

    BLEND = "blend"
    QUEUE = "queue"
    IMPORT = "import"


class Purpose(enum.StrEnum):
    """Why people are asked a comparison."""

    LABEL = "label"
    """To learn which answer is better."""
    GOLD = "gold"
    """A researcher knows the answer: tells how far an annotator agrees."""
    ATTENTION = "attention"
    """Everybody who reads gets it right: shows whether an annotator reads."""


class LeaseStatus(enum.StrEnum):
    ACTIVE = "active"
    ANSWERED = "answered"
    SKIPPED = "skipped"
    EXPIRED = "expired"


class JobStatus(enum.StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"

    def is_finished(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in (JobStatus.COMPLETE, JobStatus.FAILED, JobStatus.CANCELLED)


class ModelRole(enum.StrEnum):
    """What a trained model is for; at most one version of each role serves at a time."""

    RANKER = "ranker"
    FUSER = "fuser"
    CHOOSER = "chooser"


class ModelKind(enum.StrEnum):
    """How a trained model is made."""

    FAST = "fast"
    """A Bayesian head over a frozen language model's readings."""
    JOINT = "joint"
    """The paper's cross-encoder, both candidates in one input."""
    POINTWISE = "pointwise"
    """An encoder that scores one candidate at a time, fine-tuned whole."""
    FUSER = "fuser"
    """A sequence-to-sequence model that writes one answer from several."""
    CHOOSER = "chooser"
    """A Bayesian model that expects every member's quality on a prompt, and chooses whom to ask."""

    @property
    def role(self) -> ModelRole:
        """What a model of this kind is for."""
        match self:
            case ModelKind.FUSER:
                return ModelRole.FUSER
            case ModelKind.CHOOSER:
                return ModelRole.CHOOSER
            case _:
                return ModelRole.RANKER


class JobKind(enum.StrEnum):
    """What a job does: it trains one kind of model, or has members answer a project's prompts."""

    FAST = "fast"
    JOINT = "joint"
    POINTWISE = "pointwise"
    FUSER = "fuser"
    CHOOSER = "chooser"
    GENERATION = "generation"

    @property
    def model(self) -> ModelKind:
        """The kind of model that a training makes a version of; a ValueError of a generation."""
        return ModelKind(self.value)


class WebhookEvent(enum.StrEnum):
    """What a webhook is told of."""

    VERSION_PROMOTED = "version.promoted"
    """A version began to serve in its role."""
    QUEUE_EMPTY = "queue.empty"
    """A project has no pair left that people are to be asked."""
    MEMBER_FAILING = "member.failing"
    """A member's last answers were all failures."""
    DRIFT_FOUND = "drift.found"
    """A member, people's agreement or the ranker is otherwise than before, beyond chance."""
    TEST = "test"
    """Somebody wanted to see a message arrive."""


TRAININGS = tuple(kind for kind in JobKind if kind is not JobKind.GENERATION)
"""Kinds of job that end in a version. They wait for each other; generations do not wait for them."""

RANKER_TRAININGS = tuple(kind for kind in TRAININGS if kind.model.role is ModelRole.RANKER)

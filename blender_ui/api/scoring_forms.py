"""The forms of reranking, scoring and rewards: Cohere's and Jina's, vLLM's, and ours for trainers.

Non-goal: comparing.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from blender_ui.services.ranking.scoring import Scorer
from blender_ui.services.versions.standing import describe_standing

MODEL: Final = "blender/ranker"
"""The active ranker."""
MOST_TEXTS = 100
"""Answers to one prompt: every two of them are compared."""
MOST_ROWS = 1000
"""Answers of one request."""
LONGEST_TEXT = 200_000

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Messages = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1000)]
Rankers = Literal["blender/ranker"]


class Ranker(BaseModel):
    """The version that gave the scores."""

    version: int
    kind: str
    learnt_up_to: int | None = Field(
        description="last vote it had learnt from; null for the version as trained"
    )
    standing: str = Field(description="where it stands beside the longer answer and the higher-rated member")


class Document(BaseModel):
    """A text to rank."""

    model_config = ConfigDict(extra="ignore")

    text: Text


class RerankRequest(BaseModel):
    """Answers to put in order, the best first."""

    model_config = ConfigDict(extra="ignore")

    model: Rankers = MODEL
    query: Text = Field(description="what the documents answer")
    documents: Annotated[list[Text | Document], Field(min_length=1, max_length=MOST_TEXTS)]
    top_n: Annotated[int, Field(ge=1)] | None = Field(default=None, description="how many to give back")
    return_documents: bool = False


class RerankResult(BaseModel):
    """One of the best."""

    index: int = Field(description="place in documents, from 0")
    relevance_score: float = Field(description="probability of beating another of the documents")
    document: Document | None = None


class RerankResponse(BaseModel):
    """The best documents first."""

    id: str
    model: str
    results: list[RerankResult]
    blender: Ranker


class ScoreRequest(BaseModel):
    """Answers to score: text_1 is asked, text_2 answers it."""

    model_config = ConfigDict(extra="ignore")

    model: Rankers = MODEL
    text_1: Text | Annotated[list[Text], Field(min_length=1, max_length=MOST_ROWS)]
    text_2: Text | Annotated[list[Text], Field(min_length=1, max_length=MOST_ROWS)]
    baseline: Text | None = Field(
        default=None,
        description="an answer to compare each text_2 with, in place of the others to its text_1",
    )


class ScoreResult(BaseModel):
    """The score of one pair of texts."""

    index: int
    object: Literal["score"] = "score"
    score: float = Field(description="probability of beating another answer to the same text_1")


class ScoreResponse(BaseModel):
    """Scores in the order of the request."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ScoreResult]
    blender: Ranker


class RewardRequest(BaseModel):
    """Completions to reward, a prompt for each."""

    model_config = ConfigDict(extra="forbid")

    model: Rankers = MODEL
    prompts: Annotated[list[Text | Messages], Field(min_length=1, max_length=MOST_ROWS)]
    completions: Annotated[list[Text | Messages], Field(min_length=1, max_length=MOST_ROWS)]
    baseline: Text | None = Field(
        default=None,
        description="an answer to compare each completion with, in place of the others to its prompt",
    )


class RewardResponse(BaseModel):
    """Rewards in the order of the request."""

    rewards: list[float] = Field(
        description="mean log-odds of beating the other completions of the prompt, or the baseline"
    )
    probabilities: list[float] = Field(description="the same as a probability")
    ranker: Ranker


def describe(scorer: Scorer) -> Ranker:
    """The version that gives scores."""
    version = scorer.version
    return Ranker(
        version=version.id,
        kind=version.kind.value,
        learnt_up_to=scorer.refitted_preference_id,
        standing=describe_standing(version).badge,
    )

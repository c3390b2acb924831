"""Makers of the models that need torch, each importing it only when it is called.

Invariant: every maker is a module-level function, so it can be pickled and run in another process.
Non-goal: where the weights lie; paths come in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blender_ui.engine.process import EngineProcess
from blender_ui.errors import MalformedInput, WeightsUnavailable
from blender_ui.evaluation.run import Scorer
from blender_ui.fusion.examples import FusionExample
from blender_ui.ranking.protocol import Ranker
from blender_ui.services.training.joint import JointTools
from blender_ui.services.training.readings import AnswerReader
from blender_ui.values import PreferenceDataset
from blender_ui.weights.resolver import find_encoder

BERTSCORE = "bertscore"
"""Name of the scorer among an engine process' loaders."""
DEFAULT_ENCODER = "all-minilm-l6-v2"
"""Where a joint or pointwise training starts when it names no encoder."""


def load_scorer(folder: Path) -> Any:
    """BERTScore with the encoder in a Hugging Face folder."""
    from blender_ui.evaluation.bertscore import BertScorer

    return BertScorer(folder)


def find_scorer(process: EngineProcess, *, cache_path: Path) -> Scorer | None:
    """BERTScore by the default encoder in the engine process; None where the encoder is not here."""
    try:
        folder = find_encoder(DEFAULT_ENCODER, cache_path=cache_path)
    except WeightsUnavailable:
        return None

    def score(answers: Sequence[str], references: Sequence[str]) -> list[float]:
        found: list[float] = process.call(BERTSCORE, "score", list(answers), list(references), key=(folder,))
        return found

    return score


def load_reader(folder: Path, *, with_likelihoods: bool = False) -> AnswerReader:
    """The frozen reader in a Hugging Face folder, on a GPU where there is one."""
    from blender_ui.ranking.reading import Reader

    return Reader(folder, with_likelihoods=with_likelihoods)


def load_joint(folder: Path) -> Ranker:
    """The joint or pointwise ranker in a checkpoint's folder."""
    from blender_ui.ranking.joint import load_ranker

    return load_ranker(folder)


def load_reading_explainer(folder: Path) -> object:
    """What explains a fast ranker's logit, from the reader's folder."""
    from blender_ui.ranking.reading_attribution import ReadingExplainer

    return ReadingExplainer(folder)


def load_joint_explainer(folder: Path) -> object:
    """What explains a joint or pointwise ranker's logit, from its checkpoint's folder."""
    from blender_ui.ranking.joint.attribution import JointExplainer

    return JointExplainer(folder)


def fine_tune(
    dataset: PreferenceDataset,
    *,
    base: Path,
    output: Path,
    options: Mapping[str, Any],
    on_progress: Callable[[int, int, float, float], None],
) -> object:
    """``ranking.joint.training.train`` with options as a job keeps them.

    Raises:
        MalformedInput: If an option is unknown.
    """
    from blender_ui.ranking.joint.training import JointOptions, train

    try:
        chosen = JointOptions(**options)
    except TypeError as error:
        raise MalformedInput(
            f"expected the options of JointOptions, came {dict(options)}: {error}"
        ) from error
    return train(dataset, base=base, output=output, options=chosen, on_progress=on_progress)


def joint_tools(*, find_base: Callable[[str], Path], default_base: str) -> JointTools:
    """What ``JointTrainer`` needs.

    Args:
        find_base: Gives the folder of an encoder by its name or path.
        default_base: The encoder where a job names none.
    """
    return JointTools(fine_tune=fine_tune, find_base=find_base, default_base=default_base)


@dataclass(frozen=True, kw_only=True)
class SeqToSeqTools:
    """``fusion.training`` with options as a job keeps them; see ``FuserTools``.

    Attributes:
        base_finder: Gives the folder of a sequence-to-sequence checkpoint by its name or path.
        default_base: The checkpoint where a job names none.
    """

    base_finder: Callable[[str], Path]
    default_base: str

    def find_base(self, name: str) -> Path:
        """See ``FuserTools``."""
        return self.base_finder(name)

    def digest(self, folder: Path) -> str:
        """See ``FuserTools``."""
        from blender_ui.fusion.tuning import digest_weights

        return digest_weights(folder)

    def train(
        self,
        examples: Sequence[FusionExample],
        *,
        held_out: Sequence[FusionExample],
        base: Path,
        output: Path,
        options: Mapping[str, Any],
        on_progress: Callable[[int, int, Any, Any], None],
    ) -> str:
        """See ``FuserTools``."""
        from blender_ui.fusion.training import train

        return train(
            examples,
            held_out=held_out,
            base=base,
            output=output,
            options=_fuser_options(options),
            on_progress=on_progress,
        )

    def write(
        self, folder: Path, examples: Sequence[FusionExample], *, options: Mapping[str, Any]
    ) -> list[str]:
        """See ``FuserTools``."""
        from blender_ui.fusion.training import write_all

        return write_all(folder, examples, options=_fuser_options(options))


def _fuser_options(options: Mapping[str, Any]) -> Any:
    from blender_ui.fusion.tuning import FuserOptions

    try:
        return FuserOptions(**options)
    except TypeError as error:
        raise MalformedInput(
            f"expected the options of FuserOptions, came {dict(options)}: {error}"
        ) from error

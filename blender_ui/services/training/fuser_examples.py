"""The store's prompts as examples for a fuser.

Invariant: votes and answers from after the cut-offs are not in the examples. Rulings, retractions and each
prompt's last ranking are taken as they stand, so the same cut-offs give the same examples only until one of
these changes. Non-goal: what makes an example; ``fusion.examples`` knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from blender_ui.conversations import read_prompt
from blender_ui.fusion.examples import AnsweredPrompt, FusionExample, Target, build_example
from blender_ui.services.candidates import FUSION_BACKEND, key_of
from blender_ui.services.ranking.datasets import load_dataset
from blender_ui.services.versions.readiness import HELD_OUT_SHARE
from blender_ui.values import is_held_out
from db.engine import transaction
from db.queries import candidates, prompts, rankings

REFERENCE_MEMBER = "reference"
"""An imported answer of a member of this name is what its prompt's answer should have been."""
N_EXAMPLES_NEEDED = 20
"""Examples, held-out ones included, before a first training makes sense."""
N_HELD_OUT_NEEDED = 3


class Examples(NamedTuple):
    """What is learnt from, and what is judged on: prompts of their own."""

    learnt: tuple[FusionExample, ...]
    held_out: tuple[FusionExample, ...]

    def find_missing(self) -> str:
        """A sentence that says what a training lacks; empty where it lacks nothing."""
        n = len(self.learnt) + len(self.held_out)
        if n >= N_EXAMPLES_NEEDED and len(self.held_out) >= N_HELD_OUT_NEEDED:
            return ""
        return (
            f"A fuser learns from {N_EXAMPLES_NEEDED} prompts with answers, {N_HELD_OUT_NEEDED} of them held "
            f"out; there are {n}, {len(self.held_out)} of them held out. A prompt counts when it has a "
            "reference (an imported answer of a member called 'reference'), an answer that people preferred, "
            "or three different answers. Ask more questions, or import some."
        )


def load_examples(
    engine: Engine,
    *,
    cut_off_preference_id: int,
    cut_off_candidate_id: int,
    targets: Sequence[Target] = tuple(Target),
    top_k: int = 3,
    project_id: int | None = None,
) -> Examples:
    """Build the examples of every prompt, split as rankers split them.

    Args:
        engine: The store.
        cut_off_preference_id: The last preference that counts.
        cut_off_candidate_id: The last answer that counts.
        targets: The kinds of target that may be used.
        top_k: Most candidates of an example.
        project_id: Only its prompts; None for all projects.
    """
    votes = _net_votes(engine, cut_off_preference_id, project_id)
    with transaction(engine) as session:
        asked = prompts.list_all(session, project_id=project_id)
        answers, references = _answers(session, cut_off_candidate_id)
        scores = rankings.list_last_scores(session, up_to_candidate_id=cut_off_candidate_id)
    learnt: list[FusionExample] = []
    held_out: list[FusionExample] = []
    for prompt in asked:
        prompt_id, asking = key_of(prompt.id), read_prompt(prompt)
        texts = answers.get(prompt_id, {})
        example = build_example(
            AnsweredPrompt(
                prompt=asking,
                answers=texts,
                reference=references.get(prompt_id),
                votes={key: votes[key] for key in texts if key in votes},
                scores=scores.get(prompt_id, {}),
            ),
            targets=targets,
            top_k=top_k,
        )
        if example is not None:
            is_out = is_held_out(asking.first_turn_fingerprint, share=HELD_OUT_SHARE)
            (held_out if is_out else learnt).append(example)
    return Examples(tuple(learnt), tuple(held_out))


def _net_votes(engine: Engine, cut_off: int, project_id: int | None) -> dict[int, float]:
    """Wins less losses by candidate, of people alone; a tie gives neither."""
    stored = load_dataset(engine, cut_off_preference_id=cut_off, project_id=project_id)
    dataset, net = stored.dataset, defaultdict[int, float](float)
    for left, right, target in zip(dataset.left, dataset.right, dataset.target, strict=True):
        net[int(stored.candidate_ids[left])] += 2 * float(target) - 1
        net[int(stored.candidate_ids[right])] -= 2 * float(target) - 1
    return dict(net)


def _answers(session: Session, cut_off: int) -> tuple[dict[int, dict[int, str]], dict[int, str]]:
    """Texts by prompt and candidate, and references by prompt; fused answers are neither."""
    rows = candidates.list_texts(session, up_to_id=cut_off, without_backend=FUSION_BACKEND)
    answers: dict[int, dict[int, str]] = defaultdict(dict)
    references: dict[int, str] = {}
    for prompt_id, candidate_id, text, member in rows:
        if member.casefold() == REFERENCE_MEMBER:
            references.setdefault(prompt_id, text)
        else:
            answers[prompt_id][candidate_id] = text
    return answers, references

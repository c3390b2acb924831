"""What the what-if tab does when asked, without Gradio.

Invariant: what a person typed is asked about and never stored. Non-goal: stored decisions.
"""

from __future__ import annotations

from dataclasses import dataclass

from blender_ui.errors import BlenderError, MalformedInput
from blender_ui.outside import read_id
from blender_ui.ranking.attribution import PairAttribution
from blender_ui.services.inspecting.decisions import Inspection, PromptInspection
from blender_ui.services.inspecting.versions import VersionInspection
from blender_ui.services.inspecting.what_if import Attributing, Opinion, Pair, SentenceEffect, WhatIf
from blender_ui.services.people.access import Access
from blender_ui.services.versions.model_versions import VersionView
from blender_ui.ui.csv_text import write_csv
from blender_ui.ui.identity import find_reader
from blender_ui.values import Message, RankingPrompt


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What the tab's components hold, as it came."""

    version: object
    instruction: object
    input: object
    first: object
    second: object
    first_member: str = ""
    second_member: str = ""
    history: tuple[Message, ...] = ()
    """Of the stored prompt whose number stands in the tab."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What came of asking: one of its parts, or the reason why there is none."""

    notice: str = ""
    opinion: Opinion | None = None
    first: tuple[SentenceEffect, ...] = ()
    second: tuple[SentenceEffect, ...] = ()
    attribution: PairAttribution | None = None


class WhatIfHandlers:
    """The tab's requests.

    Args:
        inspection: Knows prompts and answers.
        versions: Knows versions.
        what_if: Compares texts.
        attributing: Explains them.
        access: Knows whose prompts may be read.
    """

    def __init__(
        self,
        inspection: Inspection,
        versions: VersionInspection,
        *,
        what_if: WhatIf,
        attributing: Attributing,
        access: Access,
    ) -> None:
        self._access = access
        self._inspection = inspection
        self._versions = versions
        self._what_if = what_if
        self._attributing = attributing

    def list_versions(self) -> tuple[VersionView, ...]:
        """All versions, newest first."""
        return self._versions.list_versions()

    def get_prompt(self, prompt_id: object) -> PromptInspection:
        """A prompt with its answers; with nothing, the newest that has two.

        Raises:
            NotFound: If there is none.
            MalformedInput: If what came is no number.
        """
        reader = find_reader(self._access)
        text = str(prompt_id or "").strip().removeprefix("#")
        if text:
            return self._inspection.get_prompt(read_id(text), by=reader)
        for entry in self._inspection.find_prompts(by=reader):
            prompt = self._inspection.get_prompt(entry.prompt_id, by=reader)
            if len(prompt.candidates) > 1:
                return prompt
        raise MalformedInput("no prompt has two answers yet; type two texts below, or ask a question first")

    def compare(self, typed: Typed) -> Said:
        """What the version says of the texts as they are typed."""
        try:
            version, pair = self._read(typed)
            return Said(opinion=self._what_if.compare(version, pair))
        except BlenderError as error:
            return Said(notice=str(error))

    def drop_sentences(self, typed: Typed) -> Said:
        """What each sentence of both answers carries."""
        try:
            version, pair = self._read(typed)
            first, second = (self._what_if.drop_sentences(version, pair, side=side) for side in (0, 1))
            return Said(first=first, second=second)
        except BlenderError as error:
            return Said(notice=str(error))

    def explain(self, typed: Typed) -> Said:
        """What each token carries."""
        try:
            version, pair = self._read(typed)
            return Said(attribution=self._attributing.explain(version, pair))
        except BlenderError as error:
            return Said(notice=str(error))

    def _read(self, typed: Typed) -> tuple[VersionView, Pair]:
        chosen = [one for one in self.list_versions() if one.id == typed.version]
        if not chosen:
            raise MalformedInput("expected a version that was trained; choose one, or train one first")
        prompt = RankingPrompt(
            instruction=str(typed.instruction or ""), input=str(typed.input or ""), history=typed.history
        )
        if not (prompt.instruction + prompt.input).strip():
            raise MalformedInput("expected a prompt that is not blank; type what the answers answer")
        return chosen[0], Pair(
            prompt=prompt,
            answers=(str(typed.first or ""), str(typed.second or "")),
            members=(typed.first_member, typed.second_member),
        )


def groups_csv(opinion: Opinion) -> str:
    """What each feature group adds, as CSV."""
    return write_csv(("group", "logit"), opinion.by_group)


def sentences_csv(said: Said) -> str:
    """What each sentence adds for its own answer, as CSV."""
    rows = [("first", one.text, one.effect) for one in said.first]
    rows += [("second", one.text, one.effect) for one in said.second]
    return write_csv(("answer", "sentence", "effect"), rows)


def tokens_csv(found: PairAttribution) -> str:
    """What each token adds for the first answer, as CSV."""
    parts = (("prompt", found.prompt), ("first", found.first), ("second", found.second))
    return write_csv(
        ("text", "token", "value"), ((name, one.text, one.value) for name, tokens in parts for one in tokens)
    )

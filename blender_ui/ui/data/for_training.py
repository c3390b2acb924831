"""How a person wants a file for trainers to be made, as the components give it.

Invariant: what a page sent is checked here. Non-goal: the rows, which ``exchange.lessons`` makes.
"""

from __future__ import annotations

from dataclasses import dataclass

from blender_ui.errors import MalformedInput
from blender_ui.exchange.lessons.files import SYNTAXES
from blender_ui.exchange.lessons.forms import Terms
from blender_ui.language import tr
from blender_ui.services.data.exporting import ForTraining


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a page's components say.

    Attributes:
        syntax: Of the file, one of ``SYNTAXES``.
        threshold: In percent.
        margin: In log-odds.
        ranks_first: Whether prompts are ranked that were not yet.
    """

    syntax: object = "jsonl"
    threshold: object = 50
    margin: object = 0
    ranks_first: object = False

    def read(self) -> ForTraining:
        """The wish as an export takes it.

        Raises:
            MalformedInput: If the syntax is unknown, or a number is none.
        """
        syntax = next((one for one in SYNTAXES if one == self.syntax), None)
        if syntax is None:
            raise MalformedInput(
                tr(
                    "expected a file of {syntaxes}; came {syntax!r:.40}",
                    syntaxes=", ".join(SYNTAXES),
                    syntax=self.syntax,
                )
            )
        return ForTraining(
            syntax=syntax,
            terms=Terms(threshold=_number(self.threshold) / 100, margin=_number(self.margin)),
            ranks_first=self.ranks_first is True,
        )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedInput(tr("expected a number, came {value!r:.40}", value=value))
    return float(value)

"""Put the preferences into a data set of a hub, with a data card.

Invariant: what is put is the JSON-lines export, so that an import of the data set into an empty store exports
as the same bytes; people and members whose names are not told have pseudonyms. Non-goal: choosing the hub.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from blender_ui.errors import Refused
from blender_ui.hub.cards import write_dataset_head
from blender_ui.hub.repository import Repository
from blender_ui.services.data.exporting import Exporting, ExportReport

FILE, CARD = "preferences.jsonl", "README.md"


class Published(NamedTuple):
    """What was put: the commit's id, and the file that is there now."""

    commit: str
    report: ExportReport


class Publishing:
    """Puts the preferences of one store.

    Args:
        exporting: Of the store.
    """

    def __init__(self, exporting: Exporting) -> None:
        self._exporting = exporting

    def push(self, repository: Repository, *, project_id: int | None, private: bool) -> Published:
        """Put the preferences into a data set, which is made where there is none.

        Args:
            repository: The data set; its other files stay.
            project_id: Only this project's prompts; None for all.
            private: Whether a new one is.

        Raises:
            Refused: If there is nothing to put.
            HubError: If the hub cannot be reached or refuses.
            BlenderError: As ``Exporting.export``.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / FILE
            report = self._exporting.export(path, format="jsonl", project_id=project_id)
            if report.n_lines == 0:
                raise Refused("there is no prompt to put on a hub; import some, or ask some first")
            head = write_dataset_head(file=FILE, n_rows=report.n_lines)
            repository.ensure(private=private)
            commit = repository.put(
                {FILE: path, CARD: (head + report.card).encode()},
                message=f"{report.n_lines} prompts with their preferences",
            )
        return Published(commit, report)

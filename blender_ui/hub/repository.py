"""One repository of a hub: list, take and put files, each put as one commit.

Invariant: a commit is there whole or not at all, and what the hub refuses is a sentence. Non-goal: what is
in the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blender_ui.errors import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TIMEOUT_SECONDS = 10.0
"""For the hub's first word about a file."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository, by its name.

    Attributes:
        name: ``owner/name``.
        kind: Of the hub's kinds.
        endpoint: The hub's address; None for what ``HF_ENDPOINT`` says, or the public one.
    """

    name: str
    kind: Literal["model", "dataset"]
    endpoint: str | None = None

    def ensure(self, *, private: bool) -> None:
        """Make it where it is not there yet.

        Raises:
            HubError: If the hub cannot be reached or refuses.
        """
        with _translating(f"{self.name} could not be made on the hub"):
            self._api().create_repo(self.name, repo_type=self.kind, private=private, exist_ok=True)

    def list_files(self) -> tuple[str, ...]:
        """Names of its files, sorted.

        Raises:
            HubError: As ``ensure``; also if there is no such repository.
        """
        with _translating(f"{self.name} could not be read from the hub"):
            return tuple(sorted(self._api().list_repo_files(self.name, repo_type=self.kind)))

    def take(self, file: str, folder: Path) -> Path:
        """Download one file into a folder and give its path there.

        Raises:
            HubError: As ``list_files``.
        """
        with _translating(f"{file} of {self.name} could not be read from the hub"):
            return Path(
                self._api().hf_hub_download(
                    self.name, file, repo_type=self.kind, local_dir=folder, etag_timeout=TIMEOUT_SECONDS
                )
            )

    def put(self, files: Mapping[str, Path | bytes], *, message: str, without: Sequence[str] = ()) -> str:
        """Write files, and delete others, in one commit.

        Args:
            files: By their names in the repository.
            message: Of the commit.
            without: Names of files that are deleted.

        Returns:
            The commit's id.

        Raises:
            HubError: As ``list_files``.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        added = [CommitOperationAdd(name, content) for name, content in files.items()]
        deleted = [CommitOperationDelete(name) for name in without]
        with _translating(f"nothing was written to {self.name} on the hub"):
            commit = self._api().create_commit(
                self.name, [*added, *deleted], commit_message=message, repo_type=self.kind
            )
            return commit.oid

    def _api(self) -> HfApi:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint)


@contextmanager
def _translating(what: str) -> Iterator[None]:
    try:
        yield
    except client_errors() as error:
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        raise HubError(f"{what}: {first_line(cause)}. {REMEDY}") from error


REMEDY = "Check the name, what HF_TOKEN may do there, and that the hub can be reached"


def client_errors() -> tuple[type[Exception], ...]:
    """What the hub's client raises where the hub is away, refuses, or has nothing of that name."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    return (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        httpx2.HTTPError,
        OSError,
        RuntimeError,  # around what broke one upload
        ValueError,  # of an answer that it does not understand
    )


def first_line(error: BaseException) -> str:
    """What an error says, without what follows; its class where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(error).__name__

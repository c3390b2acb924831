"""A scripted hub that the hub's own client talks to, signed in."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.scripted_hub import TOKEN, ScriptedHub, running_hub


@contextmanager
def signed_in_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHub]:
    """The hub while it runs; large files go to it by LFS, whose protocol it speaks."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with running_hub() as hub:
        # As HF_ENDPOINT sets them, which is read when the client is imported.
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub

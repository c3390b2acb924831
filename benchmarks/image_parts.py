"""What an engine does with a Dockerfile, done by the kernel; for ``benchmarks.image``, on Linux as root."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

FROM_HERE = re.compile(r"(PIP|NPM|NODE|SSL|HTTPS?)_\w+|https?_proxy")
"""Variables that say how packages are fetched here; a build in an engine has its own."""
ENTER = """
set -e
mount -t overlay overlay -o lowerdir="$BASE",upperdir="$LAYER/changes",workdir="$LAYER/work" "$LAYER/root"
cd "$LAYER/root"
mount --rbind /dev dev
mount -t proc proc proc
for folder in $BINDS; do mkdir -p ".$folder"; mount --bind "$folder" ".$folder"; done
if [ -n "$VOLUME" ]; then mount --bind "$MOUNTED" ".$VOLUME"; ip link set lo up
else cp /etc/resolv.conf etc/; fi
exec chroot --userspec="$AS:$AS" "$LAYER/root" env -i "$@"
"""
"""Mounts are of this process alone and go with it. A running container has a volume and no network."""


class Instruction(NamedTuple):
    """One of a Dockerfile, its lines joined."""

    name: str
    value: str


def read_dockerfile(text: str) -> list[Instruction]:
    """The instructions, without comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(None, 1)) for line in joined.splitlines()]


@dataclass(kw_only=True)
class Image:
    """A file system that the instructions change, and what they say of its containers.

    Attributes:
        base: Holds the files of the base image; it is never changed.
        layer: Takes the changes.
        context: Where COPY copies from.
        given: Values of ARG that a build names.
        binds: Folders of this machine that a build and its containers also see.
    """

    base: Path
    layer: Path
    context: Path
    given: Mapping[str, str]
    binds: Sequence[str] = ()
    environ: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    arguments: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    workdir: str = "/"
    told: dict[str, str] = field(default_factory=dict)
    """Value of VOLUME, EXPOSE, HEALTHCHECK and CMD."""

    def __post_init__(self) -> None:
        for name in ("changes", "work", "root"):
            (self.layer / name).mkdir()

    def carry_out(self, instruction: Instruction) -> None:
        """Do what one instruction says.

        Raises:
            subprocess.CalledProcessError: If a command of it failed.
        """
        name, value = instruction
        if name == "ARG":
            argument, _, default = value.partition("=")
            self.arguments[argument] = self.given.get(argument, "".join(shlex.split(default)))
        elif name == "ENV":
            for word in shlex.split(value):
                variable, _, text = word.partition("=")
                self.environ[variable] = re.sub(r"\$(\w+)", lambda one: self.environ.get(one[1], ""), text)
        elif name == "USER":
            self.user = value
        elif name == "WORKDIR":
            self.workdir = value
            self.run(["mkdir", "-p", value], user="root", workdir="/")  # root's, whoever USER is
        elif name == "COPY":
            self._copy(shlex.split(value))
        elif name == "RUN":
            here = {one: text for one, text in os.environ.items() if FROM_HERE.fullmatch(one)}
            self.run(["/bin/sh", "-c", value], more=here | self.arguments)
        elif name in ("VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"):
            self.told[name] = value
        elif name != "FROM":
            raise SystemExit(f"expected an instruction that this knows, came {name}; teach it {__name__}")

    def run(self, command: Sequence[str], *, more: Mapping[str, str] | None = None, **changes: str) -> None:
        """Run a command to its end, with the network."""
        subprocess.run(**self._enter(command, more=more or {}, **changes), check=True)

    def _copy(self, words: list[str]) -> None:
        options = [word for word in words if word.startswith("--")]
        *sources, target = [word for word in words if not word.startswith("--")]
        owner = next((one.split("=")[1] for one in options if one.startswith("--chown=")), "root")
        staged = self.layer / "changes" / "copied"
        for name in sources:
            source, there = self.context / name, staged / name
            there.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                # A folder's contents are copied, and .dockerignore leaves compiled modules out.
                shutil.copytree(
                    source, staged, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
                )
            else:
                shutil.copy(source, there)
        place = os.path.join(self.workdir, target)
        move = 'chown -R "$0:$0" /copied && mkdir -p "$1" && cp -a /copied/. "$1" && rm -r /copied'
        self.run(["/bin/sh", "-c", move, owner, place], user="root", workdir="/")

    def _enter(
        self,
        command: Sequence[str],
        *,
        more: Mapping[str, str],
        user: str = "",
        workdir: str = "",
        mounted: str = "",
    ) -> dict[str, object]:
        user, workdir = user or self.user, workdir or self.workdir
        home = "/root" if user == "root" else f"/home/{user}"
        environ = {"HOME": home} | self.environ | more
        inside = [f"{name}={value}" for name, value in environ.items()]
        inside += ["/bin/sh", "-c", 'cd "$0" && exec "$@"', workdir, *command]
        spaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        return {
            "args": [
                "unshare",
                *spaces,
                *(["--net"] if mounted else []),
                "sh",
                "-c",
                ENTER,
                "enter",
                *inside,
            ],
            "env": {
                "PATH": os.environ["PATH"],
                "BASE": str(self.base),
                "LAYER": str(self.layer),
                "BINDS": " ".join(self.binds),
                "VOLUME": self.told.get("VOLUME", "") if mounted else "",
                "MOUNTED": mounted,
                "AS": user,
            },
        }

    @contextmanager
    def container(
        self, command: Sequence[str], *, user: str, mounted: Path, log: Path
    ) -> Iterator[Container]:
        """A running container, until the block ends."""
        with log.open("wb") as output:
            entered = self._enter(command, more={}, user=user, mounted=str(mounted))
            process = subprocess.Popen(**entered, stdout=output, stderr=output)
        container = Container(process=process, image=self, user=user, log=log)
        try:
            yield container
        finally:
            process.kill()
            process.wait(timeout=60)


@dataclass(kw_only=True)
class Container:
    """One that runs; it has the process number 1 in a space of its own, as with an engine."""

    process: subprocess.Popen[bytes]
    image: Image
    user: str
    log: Path

    def execute(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in it beside what runs there, as ``docker exec``."""
        first = self._first()
        if first is None:
            return subprocess.CompletedProcess(command, 1, "", "it does not run")
        enter = ["nsenter", "--target", str(first), "--mount", "--net", "--pid", "--root"]
        inside = [f"{name}={value}" for name, value in self.image.environ.items()]
        here = ["chroot", f"--userspec={self.user}:{self.user}", "/", "env", "-i", *inside]
        return subprocess.run([*enter, *here, *command], capture_output=True, text=True)

    def stop(self, *, patience: float) -> tuple[float, int | None]:
        """Stop as an engine does, by SIGTERM.

        Returns:
            The seconds that it took, and the exit status; None when it has to be killed.
        """
        began, first = time.perf_counter(), self._first()
        if first is not None:
            os.kill(first, signal.SIGTERM)
        try:
            status: int | None = self.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            status = None
        return round(time.perf_counter() - began, 1), status

    def _first(self) -> int | None:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = path.read_text().split() if path.exists() else []
        return int(children[0]) if children else None

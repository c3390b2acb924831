"""The image's own commands without an engine: each line of the Dockerfile, as an engine would run it.

    sudo python -m benchmarks.image [--build-arg NAME=VALUE ...] [--base FOLDER] [--bind FOLDER ...]

For Linux and root, with ``debootstrap``, which makes the base: Debian's smallest system of the release that
FROM names, and in ``/usr/local`` the Python that runs this, which must be FROM's. RUN, COPY, ENV and USER
then change a layer over it, by the user and at the paths that they name. The container's command runs
without a network, as process 1: as the image's user on a new volume, again on the same one, and as root;
seconds until the health check passes, pages that came, seconds from SIGTERM to the end. On a volume that the
user may not write it must end with a sentence. ``--base`` keeps the base there; ``--bind`` shows a folder of
this machine inside, such as one with wheels that pip is told of. Last line: one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.image_parts import Image, Instruction, read_dockerfile

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "ca-certificates", "netbase", "tzdata", "libssl3", "libsqlite3-0", "libffi8", "libbz2-1.0", "liblzma5",
    "libreadline8", "libncursesw6", "libuuid1", "libexpat1", "zlib1g",
)  # fmt: skip
"""What a Python needs besides itself; the official image has them."""
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
CHECK_SECONDS, START_SECONDS, STOP_SECONDS = 1.0, 300, 10
"""Between two checks, until the first passes, and from SIGTERM to SIGKILL, as Docker waits."""
PAGES = """
import httpx, sys
for path in ("", "label", "inspect", "readyz"):
    httpx.get(f"http://127.0.0.1:{sys.argv[1]}/{path}", timeout=60).raise_for_status()
"""


def main(arguments: list[str] | None = None) -> None:
    """Build, run, and print one JSON object in the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build-arg", nargs="+", default=[], metavar="NAME=VALUE")
    parser.add_argument("--base", type=Path, help="a folder that keeps the base for the next run")
    parser.add_argument("--bind", nargs="+", default=[], metavar="FOLDER")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise SystemExit("this needs root, for mounts, and debootstrap: apt-get install debootstrap")
    instructions = read_dockerfile((ROOT / "Dockerfile").read_text())
    with tempfile.TemporaryDirectory() as name:
        layer = Path(name) / "layer"
        layer.mkdir()
        image = Image(
            base=make_base(instructions[0], options.base or Path(name) / "base"),
            layer=layer,
            context=ROOT,
            given=dict(one.split("=", 1) for one in options.build_arg),
            binds=options.bind,
        )
        result: dict[str, Any] = {"benchmark": "image", "layers": build(image, instructions)}
        result |= run_all(image, Path(name))
    print(json.dumps(result))


def make_base(begins: Instruction, folder: Path) -> Path:
    """The base's files, where they are not there yet."""
    found = re.fullmatch(r"python:(\S+)-slim-(\w+)", begins.value)
    here = ".".join(map(str, sys.version_info[:2]))
    if found is None or found[1] != here:
        raise SystemExit(
            f"expected FROM python:{here}-slim-SUITE, of the Python that runs this, came {begins}"
        )
    if not folder.exists():
        names = ",".join(LIBRARIES)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={names}", found[2], folder],
            check=True,
            stdout=sys.stderr,
        )
        shutil.copy(Path("/") / CERTIFICATES, folder / CERTIFICATES)
        given = Path(sys.base_prefix)
        left_out = shutil.ignore_patterns("__pycache__", "test", "site-packages", "share")
        shutil.copytree(given, folder / "usr/local", symlinks=True, ignore=left_out, dirs_exist_ok=True)
        subprocess.run(["chroot", folder, "ldconfig"], check=True)
    return folder


def build(image: Image, instructions: list[Instruction]) -> list[dict[str, Any]]:
    """Carry all out; seconds and megabytes of each that changes files."""
    layers, before = [], 0
    for instruction in instructions:
        began = time.perf_counter()
        image.carry_out(instruction)
        seconds = round(time.perf_counter() - began, 1)
        if instruction.name in ("RUN", "COPY"):
            told = subprocess.run(
                ["du", "-sm", image.layer / "changes"], capture_output=True, text=True, check=True
            )
            after = int(told.stdout.split()[0])
            layers.append(
                {"does": f"{instruction.name} {instruction.value}"[:60], "s": seconds, "mb": after - before}
            )
            print(json.dumps(layers[-1]), flush=True)
            before = after
    return layers


def run_all(image: Image, folder: Path) -> dict[str, Any]:
    """The container's command as it may be run."""
    volumes = {name: copy_volume(image, folder / name) for name in ("first", "of_root", "not_ours")}
    os.chown(volumes["not_ours"], 0, 0)
    runs = {
        "user": run_once(image, image.user, volumes["first"]),
        "user_again": run_once(image, image.user, volumes["first"]),
        "root": run_once(image, "root", volumes["of_root"]),
        "not_writable": run_once(image, image.user, volumes["not_ours"]),
    }
    return {"user": image.user, "runs": runs}


def copy_volume(image: Image, folder: Path) -> Path:
    """A new named volume begins as the folder of the image, its owner included."""
    inside = image.layer / "changes" / image.told["VOLUME"].lstrip("/")
    subprocess.run(["cp", "-a", inside, folder], check=True)
    return folder


def run_once(image: Image, user: str, volume: Path) -> dict[str, Any]:
    """Start, wait for the health check, open pages, stop."""
    check = json.loads(image.told["HEALTHCHECK"].partition(" CMD ")[2])
    began, log = time.perf_counter(), volume.with_suffix(".log")
    with image.container(json.loads(image.told["CMD"]), user=user, mounted=volume, log=log) as container:
        while time.perf_counter() - began < START_SECONDS and container.process.poll() is None:
            if container.execute(check).returncode == 0:
                break
            time.sleep(CHECK_SECONDS)
        else:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            return {"healthy_s": None, "status": container.process.poll(), "last_line": "".join(last)}
        told: dict[str, Any] = {"healthy_s": round(time.perf_counter() - began, 1)}
        pages = container.execute(["python", "-c", PAGES, image.told["EXPOSE"]])
        doctor = container.execute(["blender-ui", "doctor"])
        stop_s, status = container.stop(patience=STOP_SECONDS)
        wrong = [line for line in doctor.stdout.splitlines() if not line.startswith("ok")]
        told |= {"pages": pages.returncode == 0, "doctor": wrong, "stop_s": stop_s, "status": status}
        print(json.dumps({user: told}), flush=True)
        return told


if __name__ == "__main__":
    main()

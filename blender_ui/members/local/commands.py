"""The commands that start the servers of members that run on this machine.

Invariant: what is missing is said with the command that fetches it. Non-goal: running them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from blender_ui.errors import MissingPackage, WeightsUnavailable
from blender_ui.members.configuration import MemberConfig


def llama_command(config: MemberConfig, find_weights: Callable[[str], Path]) -> list[str]:
    _need_package("xllamacpp")
    if config.model.endswith(".gguf"):
        path = Path(config.model).expanduser()
        if not path.is_file():
            raise WeightsUnavailable(f"there is no file {path}; correct the member's model in members.toml")
    else:
        path = find_weights(config.model)
    limits = config.limits
    sizes = ["--n-context", str(limits.n_context), "--n-parallel", str(config.n_at_once)]
    return ["-m", "blender_ui.members.local.llama_server", str(path), *sizes]


def transformers_command(config: MemberConfig) -> list[str]:
    for package in ("torch", "transformers"):
        _need_package(package)
    model = str(Path(config.model).expanduser()) if config.model.startswith("~") else config.model
    size = ["--n-context", str(config.limits.n_context)]
    return ["-m", "blender_ui.members.local.transformers_server", model, *size]


def _need_package(package: str) -> None:
    if find_spec(package) is None:
        raise MissingPackage(f"the package {package} is not installed; run: pip install {package}")

"""members.toml: which LLMs are asked, where they are, and with which options.

Invariant: a ``MemberConfig`` that exists can be tried; every mistake in the file is a
``SettingsError`` with the line and the fix. Secrets never enter: a key is named by its
environment variable. Non-goal: whether the member answers.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from blender_ui.errors import SettingsError
from blender_ui.members.protocol import Sampling

_Check = Callable[[Any], Any]
"""Gives the value in its final type, or raises a ValueError that says what was expected."""


class Backend(StrEnum):
    """Who generates."""

    LLAMA_CPP = "llama_cpp"
    """A GGUF file on this machine's CPU, one child process."""
    TRANSFORMERS = "transformers"
    """A Hugging Face checkpoint on this machine's GPU or CPU, one child process."""
    OPENAI = "openai"
    """Any OpenAI-compatible endpoint."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an answer may take."""

    timeout_seconds: float = 180.0
    """From asking to the last token."""
    first_token_seconds: float = 60.0
    """From asking to the first token; a member that must be started first has this long for it."""
    n_context: int = 4096
    """Tokens of prompt and answer together; for members that run here."""
    n_parallel: int = 2
    """Answers that a member who runs here may write at the same time."""


@dataclass(frozen=True, kw_only=True)
class MemberConfig:
    """One table of members.toml."""

    name: str
    backend: Backend
    model: str
    """llama_cpp: a name of the weights' catalogue or a path to a .gguf file. transformers: a
    checkpoint's folder or a hub's repository. openai: the endpoint's name of the model."""
    base_url: str = ""
    """openai only, up to and with ``/v1``."""
    key_env: str = ""
    """Environment variable that holds the endpoint's key; empty for an endpoint without one."""
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    enabled: bool = True
    can_fuse: bool = True
    """Whether it may be asked to fuse the others' answers."""
    fuses_first: bool = False
    """Whether it fuses where no fuser is named, before others that may; one member at most."""

    @property
    def options(self) -> dict[str, Any]:
        """What shapes the answers besides the model, JSON-ready: goes with each stored answer."""
        options = asdict(self.sampling) | {"stop": list(self.sampling.stop)}
        if self.backend is Backend.OPENAI:
            return options | {"base_url": self.base_url}
        return options | {"n_context": self.limits.n_context}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over backend, model and options: equal for members that answer alike."""
        identity = {"backend": self.backend, "model": self.model, "options": self.options}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def load_members(path: Path) -> tuple[MemberConfig, ...]:
    """Read members.toml.

    Returns:
        Every member in the file's order, the disabled ones included.

    Raises:
        SettingsError: If the file cannot be read or a line of it cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}; expected a members.toml in UTF-8") from error
    return parse_members(text, source=str(path))


def parse_members(text: str, *, source: str = "members.toml") -> tuple[MemberConfig, ...]:
    """As ``load_members``, from the file's text; ``source`` names it in errors."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: not valid TOML: {error}") from error
    for key in document.keys() - {"member"}:
        raise SettingsError(f"{source}: unknown table or key {key!r}; each member is one [[member]] table")
    tables = document.get("member", [])
    if not isinstance(tables, list) or not tables:
        raise SettingsError(f"{source}: expected at least one [[member]] table, found none")
    members: list[MemberConfig] = []
    for index, table in enumerate(tables):
        reader = _TableReader(table, source=source, text=text, index=index)
        config = reader.read()
        if any(config.name == other.name for other in members):
            raise reader.error("name", f"{config.name!r} is used twice; give each member its own name")
        if config.fuses_first and (other := next((one for one in members if one.fuses_first), None)):
            raise reader.error("fuses_first", f"{other.name!r} fuses first already; only one member can")
        members.append(config)
    return tuple(members)


class _TableReader:
    """Reads one [[member]] table and knows where it stands in the file."""

    def __init__(self, table: dict[str, Any], *, source: str, text: str, index: int) -> None:
        self._table, self._source, self._text, self._index = table, source, text, index

    def error(self, key: str, reason: str) -> SettingsError:
        line = _line_of(self._text, index=self._index, key=key.rpartition(".")[2])
        return SettingsError(f"{self._source}, line {line}, member {self._index + 1}: {key}: {reason}")

    def read(self) -> MemberConfig:
        fields = self._fields(self._table, _MEMBER_FIELDS)
        for key in ("name", "backend", "model"):
            if not fields.get(key):
                raise self.error(key, "is missing; each member needs name, backend and model")
        fields["backend"] = self._backend(fields["backend"])
        fields["sampling"] = Sampling(
            **self._fields(fields.get("sampling", {}), _SAMPLING_FIELDS, "sampling.")
        )
        fields["limits"] = Limits(**self._fields(fields.get("limits", {}), _LIMITS_FIELDS, "limits."))
        config = MemberConfig(**fields)
        self._check_endpoint(config)
        if config.fuses_first and not config.can_fuse:
            raise self.error("fuses_first", "this member has can_fuse = false; take one of the two out")
        return config

    def _backend(self, value: str) -> Backend:
        if value not in set(Backend):
            raise self.error("backend", f"{value!r} is not one of {', '.join(Backend)}")
        return Backend(value)

    def _check_endpoint(self, config: MemberConfig) -> None:
        if config.backend is not Backend.OPENAI:
            for key in ("base_url", "key_env"):
                if getattr(config, key):
                    raise self.error(key, f"only the backend openai has one, not {config.backend}")
            return
        try:
            parts = urlsplit(config.base_url)
        except ValueError:
            # Not quoted, nor chained: what cannot be parsed may hold a secret.
            raise self.error("base_url", "expected http(s)://host:port/v1, found no valid address") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self.error("base_url", f"expected http(s)://host:port/v1, found {config.base_url!r}")
        if parts.password or parts.username:
            raise self.error(
                "base_url", "holds a secret; put it into an environment variable and name it key_env"
            )

    def _fields(self, table: Any, checks: dict[str, _Check], prefix: str = "") -> dict[str, Any]:
        if not isinstance(table, dict):
            raise self.error(prefix.rstrip("."), f"expected a table, found {table!r}")
        for key in table.keys() - checks.keys():
            raise self.error(prefix + key, f"is not known; known are {', '.join(checks)}")
        return {key: self._checked(prefix + key, value, checks[key]) for key, value in table.items()}

    def _checked(self, key: str, value: Any, check: _Check) -> Any:
        try:
            return check(value)
        except ValueError as error:
            found = "something else" if key == "key_env" else repr(value)
            raise self.error(key, f"expected {error}, found {found}") from None


def _line_of(text: str, *, index: int, key: str) -> int:
    """Line, from 1, of a key in the index-th [[member]] table, or of the table's head."""
    head, n_heads = 1, -1
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"\s*\[\[\s*member\s*\]\]", line):
            n_heads += 1
            if n_heads == index:
                head = number
            elif n_heads > index:
                break
        elif n_heads == index and re.match(rf"\s*(\[member\.)?{re.escape(key)}\s*[=\]]", line):
            return number
    return head


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of texts that are not empty")
    return tuple(value)


def _number(low: float, high: float) -> _Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def _count(low: int, high: int) -> _Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def _variable(value: Any) -> str:
    # A key pasted in the place of its variable's name must not reach a log or an error message.
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        raise ValueError("the name of an environment variable in capitals, such as OPENAI_API_KEY")
    return value


_MEMBER_FIELDS: dict[str, _Check] = {
    "name": _text,
    "backend": _text,
    "model": _text,
    "base_url": _text,
    "key_env": _variable,
    "enabled": _flag,
    "can_fuse": _flag,
    "fuses_first": _flag,
    "sampling": lambda table: table,
    "limits": lambda table: table,
}
_SAMPLING_FIELDS: dict[str, _Check] = {
    "temperature": _number(0, 2),
    "top_p": _number(0.01, 1),
    "max_tokens": _count(1, 1_000_000),
    "seed": _count(0, 2**31 - 1),
    "stop": _texts,
}
_LIMITS_FIELDS: dict[str, _Check] = {
    "timeout_seconds": _number(1, 86_400),
    "first_token_seconds": _number(1, 86_400),
    "n_context": _count(64, 10_000_000),
    "n_parallel": _count(1, 64),
}

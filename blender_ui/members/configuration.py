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
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from blender_ui.errors import SettingsError
from blender_ui.members import value_checks as checks
from blender_ui.members.address import address_fault
from blender_ui.members.openai_request import Extra
from blender_ui.members.protocol import Sampling
from blender_ui.members.value_checks import Check


class Backend(StrEnum):
    """Who generates."""

    LLAMA_CPP = "llama_cpp"
    """A GGUF file on this machine's CPU, one child process."""
    TRANSFORMERS = "transformers"
    """A Hugging Face checkpoint on this machine's GPU or CPU, one child process."""
    OPENAI = "openai"
    """Any OpenAI-compatible endpoint."""


N_AT_ONCE = {Backend.LLAMA_CPP: 2, Backend.TRANSFORMERS: 1, Backend.OPENAI: 16}
"""Questions at the same time where members.toml has no ``n_parallel``."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an answer may take."""

    timeout_seconds: float = 180.0
    """From asking to the last token."""
    first_token_seconds: float = 60.0
    """From asking to the first token; a member that must be started first has this long for it."""
    n_context: int = 4096
    """Tokens of prompt and answer together; for members that run here."""
    n_parallel: int | None = None
    """Questions that the member is asked at the same time; None for the backend's own number."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a member's tokens cost, in any one currency for the whole file."""

    input: float = 0.0
    """A million tokens of what it reads."""
    output: float = 0.0
    """A million tokens of what it writes, thinking included."""

    def of(self, n_prompt_tokens: int, n_tokens: int) -> float:
        """The cost of so many tokens."""
        return (n_prompt_tokens * self.input + n_tokens * self.output) / 1e6


@dataclass(frozen=True, kw_only=True)
class MemberConfig:
    """One table of members.toml."""

    name: str
    backend: Backend
    model: str
    """llama_cpp: a name of the weights' catalogue or a path to a .gguf file. transformers: a
    checkpoint's folder or a hub's repository. openai: the endpoint's name of the model."""
    base_url: str = ""
    """openai only; as written, see ``address.roots`` for what is asked."""
    key_env: str = ""
    """Environment variable that holds the endpoint's key; empty for an endpoint without one."""
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    extra: Extra = field(default_factory=Extra)
    """openai only: what its requests have besides the usual; a header's value may be ``$VARIABLE``."""
    system: str = ""
    """What the member is told before each question; empty for nothing."""
    samples: int = 1
    """Answers that a generation asks it for, prompt by prompt."""
    price: Price | None = None
    """None where it costs nothing that is counted."""
    enabled: bool = True
    can_fuse: bool = True
    """Whether it may be asked to fuse the others' answers."""
    fuses_first: bool = False
    """Whether it fuses where no fuser is named, before others that may; one member at most."""

    @property
    def options(self) -> dict[str, Any]:
        """What shapes the answers besides the model, JSON-ready: goes with each stored answer."""
        options = asdict(self.sampling) | {"stop": list(self.sampling.stop)}
        if self.system:
            options |= {"system": self.system}
        if self.backend is Backend.OPENAI:
            changed = {"parameters": dict(self.extra.parameters), "remove": list(self.extra.remove)}
            extra = {"extra": changed} if any(changed.values()) else {}
            return options | {"base_url": self.base_url} | extra
        return options | {"n_context": self.limits.n_context}

    @property
    def n_at_once(self) -> int:
        """Questions that it is asked at the same time."""
        return N_AT_ONCE[self.backend] if self.limits.n_parallel is None else self.limits.n_parallel

    @property
    def header_variables(self) -> dict[str, str]:
        """The environment variable of each extra header whose value is in one."""
        return {name: value[1:] for name, value in self.extra.headers.items() if value.startswith("$")}

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
        if "price" in fields:
            fields["price"] = Price(**self._fields(fields["price"], _PRICE_FIELDS, "price."))
        fields["extra"] = Extra(**self._fields(fields.get("extra", {}), _EXTRA_FIELDS, "extra."))
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
            for key in ("base_url", "key_env", "extra"):
                if getattr(config, key) not in ("", Extra()):
                    raise self.error(key, f"only the backend openai has one, not {config.backend}")
        elif fault := address_fault(config.base_url):
            raise self.error("base_url", fault)

    def _fields(self, table: Any, known: dict[str, Check], prefix: str = "") -> dict[str, Any]:
        if not isinstance(table, dict):
            raise self.error(prefix.rstrip("."), f"expected a table, found {table!r}")
        for key in table.keys() - known.keys():
            raise self.error(prefix + key, f"is not known; known are {', '.join(known)}")
        return {key: self._checked(prefix + key, value, known[key]) for key, value in table.items()}

    def _checked(self, key: str, value: Any, check: Check) -> Any:
        try:
            return check(value)
        except ValueError as error:
            found = (
                "something else" if key in ("key_env", "extra.headers", "extra.parameters") else repr(value)
            )
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


_MEMBER_FIELDS: dict[str, Check] = {
    "name": checks.text,
    "backend": checks.text,
    "model": checks.text,
    "base_url": checks.address,
    "key_env": checks.variable,
    "system": checks.text,
    "samples": checks.count(1, 16),
    "price": lambda table: table,
    "enabled": checks.flag,
    "can_fuse": checks.flag,
    "fuses_first": checks.flag,
    "sampling": lambda table: table,
    "limits": lambda table: table,
    "extra": lambda table: table,
}
_SAMPLING_FIELDS: dict[str, Check] = {
    "temperature": checks.number(0, 2),
    "top_p": checks.number(0.01, 1),
    "max_tokens": checks.count(1, 1_000_000),
    "seed": checks.count(0, 2**31 - 1),
    "stop": checks.texts,
}
_LIMITS_FIELDS: dict[str, Check] = {
    "timeout_seconds": checks.number(1, 86_400),
    "first_token_seconds": checks.number(1, 86_400),
    "n_context": checks.count(64, 10_000_000),
    "n_parallel": checks.count(1, 256),
}
_PRICE_FIELDS: dict[str, Check] = {
    "input": checks.number(0, 1e6),
    "output": checks.number(0, 1e6),
}
_EXTRA_FIELDS: dict[str, Check] = {
    "parameters": checks.parameters,
    "remove": checks.texts,
    "headers": checks.headers,
    "remove_headers": checks.texts,
}

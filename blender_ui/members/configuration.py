"""members.toml: which LLMs are asked, where they are, and with which options.

Invariant: a ``MemberConfig`` that exists can be tried; every mistake in the file is a
``SettingsError`` with the line and the fix. Secrets never enter: a key is named by its
environment variable. Non-goal: whether the member answers.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import tomllib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from blender_ui.errors import SettingsError
from blender_ui.members.address import address_fault
from blender_ui.members.openai.request import Extra
from blender_ui.members.protocol import Sampling
from blender_ui.members.seats import Seat
from blender_ui.members.value_types import Address, Count, Flag, Number, Text, Variable, describe


class Backend(StrEnum):
    """Who generates."""

    LLAMA_CPP = "llama_cpp"
    """A GGUF file on this machine's CPU, one child process."""
    TRANSFORMERS = "transformers"
    """A Hugging Face checkpoint on this machine's GPU or CPU, one child process."""
    OPENAI = "openai"
    """Any OpenAI-compatible endpoint."""


MOST_SAMPLES = 16
N_AT_ONCE = {Backend.LLAMA_CPP: 2, Backend.TRANSFORMERS: 1, Backend.OPENAI: 16}
"""Questions at the same time where members.toml has no ``n_parallel``."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an answer may take."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    timeout_seconds: Annotated[Number, Field(ge=1, le=86_400)] = 180.0
    """From asking to the last token."""
    first_token_seconds: Annotated[Number, Field(ge=1, le=86_400)] = 60.0
    """From asking to the first token; a member that must be started first has this long for it."""
    n_context: Annotated[Count, Field(ge=64, le=10_000_000)] = 4096
    """Tokens of prompt and answer together; for members that run here."""
    n_parallel: Annotated[Count, Field(ge=1, le=256)] | None = None
    """Questions that the member is asked at the same time; None for the backend's own number."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a member's tokens cost, in any one currency for the whole file."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    input: Annotated[Number, Field(ge=0, le=1e6)] = 0.0
    """A million tokens of what it reads."""
    output: Annotated[Number, Field(ge=0, le=1e6)] = 0.0
    """A million tokens of what it writes, thinking included."""

    def of(self, n_prompt_tokens: int, n_tokens: int) -> float:
        """The cost of so many tokens."""
        return (n_prompt_tokens * self.input + n_tokens * self.output) / 1e6


@dataclass(frozen=True, kw_only=True)
class MemberConfig:
    """One table of members.toml."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Text
    backend: Backend
    model: Text
    """llama_cpp: a name of the weights' catalogue or a path to a .gguf file. transformers: a
    checkpoint's folder or a hub's repository. openai: the endpoint's name of the model."""
    base_url: Address = ""
    """openai only; as written, see ``address.roots`` for what is asked."""
    key_env: Variable = ""
    """Environment variable that holds the endpoint's key; empty for an endpoint without one."""
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    extra: Extra = field(default_factory=Extra)
    """openai only: what its requests have besides the usual; a header's value may be ``$VARIABLE``."""
    system: Text = ""
    """What the member is told before each question; empty for nothing."""
    samples: Annotated[Count, Field(ge=1, le=MOST_SAMPLES)] = 1
    """Answers that it is asked for, prompt by prompt."""
    price: Price | None = None
    """None where it costs nothing that is counted."""
    enabled: Flag = True
    can_fuse: Flag = True
    """Whether it may be asked to fuse the others' answers."""
    fuses_first: Flag = False
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
    def seats(self) -> tuple[Seat, ...]:
        """Its answers to one prompt."""
        return tuple(Seat(self.name, number) for number in range(1, self.samples + 1))

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
        try:
            config = _parse_member(table)
            _check_member(config, members)
        except _Mistake as mistake:
            key, reason = mistake.args
            line = _line_of(text, index=index, key=key.rpartition(".")[2])
            raise SettingsError(f"{source}, line {line}, member {index + 1}: {key}: {reason}") from None
        members.append(config)
    return tuple(members)


class _Mistake(Exception):
    """A key of a table and what is wrong with it."""


def _parse_member(table: Any) -> MemberConfig:
    try:
        return _table().validate_python(table)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
    # A misspelt key first: the key that it should be may be missing for it.
    error = next((one for one in errors if one["type"] == "unexpected_keyword_argument"), errors[0])
    where = [str(part) for part in error["loc"][:2]] or ["member"]
    key, known = ".".join(where), _known(where[:-1])
    match error["type"]:
        case "unexpected_keyword_argument":
            raise _Mistake(key, f"is not known; known are {', '.join(known)}")
        case "missing":
            raise _Mistake(key, "is missing; each member needs name, backend and model")
        case "enum":
            raise _Mistake(key, f"{error['input']!r} is not one of {', '.join(Backend)}")
        case "value_error":
            expected = str(error["ctx"]["error"])
        case _:
            expected = describe(known.get(where[-1], {}))
    may_be_secret = key in ("key_env", "extra.headers", "extra.parameters")
    found = "something else" if may_be_secret else repr(error["input"])
    raise _Mistake(key, f"expected {expected}, found {found}")


@functools.cache
def _table() -> TypeAdapter[MemberConfig]:
    return TypeAdapter(MemberConfig)


def _known(where: list[str]) -> dict[str, Any]:
    """The JSON schema of each key of a member's table, or of the table inside it."""
    schema = _table().json_schema()
    found: dict[str, Any] = schema["properties"]
    for key in where:
        of_key = found[key].get("anyOf", [found[key]])[0]
        found = schema["$defs"][of_key["$ref"].rpartition("/")[2]]["properties"]
    return found


def _check_member(config: MemberConfig, others: list[MemberConfig]) -> None:
    """What one value cannot say by itself.

    Raises:
        _Mistake: If the table contradicts itself, or a table before it.
    """
    if config.backend is not Backend.OPENAI:
        for key in ("base_url", "key_env", "extra"):
            if getattr(config, key) not in ("", Extra()):
                raise _Mistake(key, f"only the backend openai has one, not {config.backend}")
    elif fault := address_fault(config.base_url):
        raise _Mistake("base_url", fault)
    if config.fuses_first and not config.can_fuse:
        raise _Mistake("fuses_first", "this member has can_fuse = false; take one of the two out")
    if any(config.name == other.name for other in others):
        raise _Mistake("name", f"{config.name!r} is used twice; give each member its own name")
    labels = {seat.label for seat in config.seats}
    if alike := labels.intersection(seat.label for other in others for seat in other.seats):
        raise _Mistake(
            "name",
            f"{min(alike)!r} would be two members' answers; rename one of them, or take its samples out",
        )
    if config.fuses_first and (first := next((one for one in others if one.fuses_first), None)):
        raise _Mistake("fuses_first", f"{first.name!r} fuses first already; only one member can")


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

"""The ensemble: every enabled member of members.toml, ready to be asked.

Invariant: a member that cannot be asked is listed with the reason and the remedy, and never blocks
another one. Importing this imports no torch. Non-goal: fetching weights.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, assert_never

from blender_ui.errors import BlenderError, MemberError, NotFound
from blender_ui.members.configuration import Backend, MemberConfig
from blender_ui.members.gate import Breaker, Gate
from blender_ui.members.local.commands import llama_command, transformers_command
from blender_ui.members.local.servers import LocalServer
from blender_ui.members.openai.client import check_endpoint, stream_answer
from blender_ui.members.openai.endpoint import Endpoint, Habits, is_sendable
from blender_ui.members.protocol import Chunk, Member, MemberHealth, MemberStatus, Message, Sampling

CRASH_GRACE_SECONDS = 1.0


class Load(NamedTuple):
    """What a member is doing now."""

    n_asking: int
    """Questions under way."""
    n_waiting: int
    """Questions in line."""
    pause_seconds: float
    """How long it is left alone, because it is down or asked for it."""


class Members:
    """The enabled members, by name. Safe to use from any thread.

    Args:
        configs: As ``load_members`` gives them; the disabled ones are left out.
        find_weights: Gives the local file of a name of the weights' catalogue, or raises
            ``WeightsUnavailable`` with the command that fetches it.
        environ: Where the keys are, usually ``os.environ``.
    """

    def __init__(
        self,
        configs: Sequence[MemberConfig],
        *,
        find_weights: Callable[[str], Path],
        environ: Mapping[str, str],
    ) -> None:
        self._find_weights, self._environ = find_weights, environ
        self._reloading = threading.Lock()
        self.configs: tuple[MemberConfig, ...] = ()
        self._members: dict[str, RemoteMember | LocalMember] = {}
        self.reload(configs)

    def reload(self, configs: Sequence[MemberConfig]) -> None:
        """Follow a changed members.toml; who is unchanged in it goes on as it is.

        An answer of a member that is gone is written to its end, unless its server ran here.
        """
        enabled = tuple(config for config in configs if config.enabled)
        with self._reloading:
            before = {config.name: config for config in self.configs}
            kept = {one.name: self._members[one.name] for one in enabled if before.get(one.name) == one}
            made = {
                one.name: _member(one, self._find_weights, self._environ)
                for one in enabled
                if one.name not in kept
            }
            gone = [member for name, member in self._members.items() if name not in kept]
            self._members = {one.name: (kept | made)[one.name] for one in enabled}
            self.configs = enabled
        for member in gone:
            member.close()

    def load(self, name: str) -> Load:
        """What a member is doing; raises ``NotFound``."""
        member = self._find(name)
        return Load(member.gate.n_asking, member.gate.n_waiting, member.pause_seconds)

    def forgive(self, name: str) -> None:
        """Let a member be asked at once, although it counts as down; raises ``NotFound``."""
        self._find(name).gate.breaker.note_life()

    def find_address(self, name: str) -> str:
        """Where a remote member has answered; empty where it has not, or runs here; raises ``NotFound``."""
        return self._find(name).address

    @property
    def names(self) -> tuple[str, ...]:
        """The enabled members' names, in the order of members.toml."""
        return tuple(self._members)

    def get(self, name: str) -> Member:
        """The member of this name.

        Raises:
            NotFound: If no enabled member has it.
        """
        return self._find(name)

    def _find(self, name: str) -> RemoteMember | LocalMember:
        try:
            return self._members[name]
        except KeyError:
            raise NotFound(f"no member is called {name!r}; there are {', '.join(self.names)}") from None

    def health(self) -> tuple[MemberHealth, ...]:
        """Every member's state, in order, looked at all at once; a few seconds at most."""
        if not self._members:
            return ()
        with ThreadPoolExecutor(len(self._members)) as pool:
            return tuple(pool.map(lambda member: member.health(), self._members.values()))

    def start(self) -> None:
        """Start the members that run here, without waiting; what goes wrong is in their health."""
        for member in self._members.values():
            member.start()

    def close(self) -> None:
        """End the members that run here."""
        for member in self._members.values():
            member.close()


class RemoteMember:
    """A member behind an endpoint that somebody else runs."""

    def __init__(self, config: MemberConfig, *, environ: Mapping[str, str]) -> None:
        self.name = config.name
        self._config, self._environ = config, environ
        self._habits = Habits()
        self.gate = Gate(config.name, n_at_once=config.n_at_once, breaker=Breaker(config.name))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        options: Sampling | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[Chunk]:
        """See ``Member``."""
        if reason := self._key_fault():
            raise MemberError(f"{self.name}: {reason}", kind="refused")
        sampling = options or self._config.sampling
        asked = _with_system(messages, self._config.system)
        yield from self.gate.ask(
            lambda: stream_answer(self._endpoint(), asked, sampling=sampling, stop=stop), stop=stop
        )

    @property
    def pause_seconds(self) -> float:
        """See ``Member``."""
        return max(self.gate.breaker.pause_seconds, self._habits.quiet_seconds)

    @property
    def address(self) -> str:
        """Where it has answered; empty where it has not."""
        return self._habits.root.address if self._habits.root else ""

    def health(self) -> MemberHealth:
        """See ``Member``."""
        if reason := self._key_fault():
            return MemberHealth(self.name, MemberStatus.UNAVAILABLE, reason)
        return check_endpoint(self._endpoint())

    def start(self) -> None:
        """See ``Member``."""

    def close(self) -> None:
        """See ``Member``."""

    def _key_fault(self) -> str:
        for variable in (self._config.key_env, *self._config.header_variables.values()):
            key = self._secret(variable)
            if variable and not key:
                return f"the environment variable {variable} is not set; set it to the endpoint's key"
            if key and not is_sendable(key):
                return (
                    f"the environment variable {variable} holds no key; expected printable ASCII, no spaces"
                )
        return ""

    def _secret(self, variable: str) -> str:
        # A key read from a file, as secrets are mounted, often ends with a newline.
        return self._environ.get(variable, "").strip() if variable else ""

    def _endpoint(self) -> Endpoint:
        config, extra = self._config, self._config.extra
        secrets = {name: self._secret(variable) for name, variable in config.header_variables.items()}
        endpoint = _endpoint(config, base_url=config.base_url, key=self._secret(config.key_env))
        extra = replace(extra, headers={**extra.headers, **secrets})
        return replace(endpoint, extra=extra, habits=self._habits)


class LocalMember:
    """A member that runs on this machine, in a child process of its own."""

    address = ""

    def __init__(self, config: MemberConfig, *, command: Callable[[], Sequence[str]]) -> None:
        self.name = config.name
        self._config = config
        self.server = LocalServer(config.name, command)
        self.gate = Gate(config.name, n_at_once=config.n_at_once, breaker=Breaker(config.name))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        options: Sampling | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[Chunk]:
        """See ``Member``."""
        asked = _with_system(messages, self._config.system)
        yield from self.gate.ask(lambda: self._stream(asked, options, stop), stop=stop)

    @property
    def pause_seconds(self) -> float:
        """See ``Member``."""
        return self.gate.breaker.pause_seconds

    def _stream(
        self, messages: Sequence[Message], options: Sampling | None, stop: threading.Event | None
    ) -> Generator[Chunk]:
        began_at = time.monotonic()
        limit = self._config.limits.first_token_seconds
        try:
            address = self.server.address(timeout_seconds=limit, stop=stop)
        except MemberError:
            raise
        except BlenderError as error:
            raise MemberError(f"{self.name}: {error}", kind="unreachable") from error
        endpoint = _endpoint(self._config, base_url=address.base_url, key=address.key)
        sampling = options or self._config.sampling
        try:
            yield from stream_answer(endpoint, messages, sampling=sampling, stop=stop, began_at=began_at)
        except MemberError as error:
            raise self._explained(error) from error
        self.server.note_success()

    def health(self) -> MemberHealth:
        """See ``Member``. A server that is ready is asked whether it answers."""
        health = self.server.health()
        address = self.server.find_address()
        if health.status is not MemberStatus.READY or address is None:
            return health
        endpoint = _endpoint(self._config, base_url=address.base_url, key=address.key)
        return check_endpoint(endpoint, serves_one=True)

    def start(self) -> None:
        """See ``Member``."""
        with suppress(BlenderError):  # Kept by the server and told by health().
            self.server.start()

    def close(self) -> None:
        """See ``Member``."""
        self.server.close()

    def _explained(self, error: MemberError) -> MemberError:
        """A broken connection means a crash where the child has ended; its last words say why."""
        if error.kind not in ("crashed", "unreachable"):
            return error
        deadline = time.monotonic() + CRASH_GRACE_SECONDS
        while (reason := self.server.crash_reason()) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if reason is None:
            return error
        message = f"{self.name}: its server ended in the middle of the answer: {reason}"
        return MemberError(message, kind="crashed", partial_text=error.partial_text)


def _with_system(messages: Sequence[Message], system: str) -> Sequence[Message]:
    """The conversation behind a member's own words; who asks with words of their own means those."""
    has_own = any(message.role == "system" for message in messages)
    return messages if has_own or not system else (Message("system", system), *messages)


def _endpoint(config: MemberConfig, *, base_url: str, key: str) -> Endpoint:
    return Endpoint(
        name=config.name,
        base_url=base_url,
        model=config.model,
        key=key,
        first_token_seconds=config.limits.first_token_seconds,
        timeout_seconds=config.limits.timeout_seconds,
    )


def _member(
    config: MemberConfig, find_weights: Callable[[str], Path], environ: Mapping[str, str]
) -> RemoteMember | LocalMember:
    match config.backend:
        case Backend.OPENAI:
            return RemoteMember(config, environ=environ)
        case Backend.LLAMA_CPP:
            return LocalMember(config, command=lambda: llama_command(config, find_weights))
        case Backend.TRANSFORMERS:
            return LocalMember(config, command=lambda: transformers_command(config))
    assert_never(config.backend)

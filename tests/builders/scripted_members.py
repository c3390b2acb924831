"""Members that say what the test wrote for them, by the same protocol as the real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence

from blender_ui.errors import MemberError, NotFound
from blender_ui.members.configuration import Backend, Limits, MemberConfig
from blender_ui.members.protocol import Chunk, MemberHealth, MemberStatus, Message, Sampling, Usage

Script = Callable[[Sequence[Message], threading.Event | None], Generator[Chunk]]


def saying(*pieces: str) -> Script:
    """Answers with these pieces, then the usage."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        for count, piece in enumerate(pieces, start=1):
            if stop is not None and stop.is_set():
                raise MemberError("stopped", kind="stopped", partial_text="".join(pieces[: count - 1]))
            yield Chunk(piece, count)
        yield Chunk("", len(pieces), Usage(7, len(pieces), "stop", 0.25, 0.5))

    return script


def ending(text: str, *, reason: str) -> Script:
    """Answers with this text, ends for this reason, and counts no tokens."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield Chunk(text, 1)
        yield Chunk("", 1, Usage(None, None, reason, 0.25, 0.5))

    return script


def thinking_aloud(thought: str, text: str) -> Script:
    """Gives its thinking as if it were the answer, and takes it back."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        yield Chunk(thought, 1)
        yield Chunk(text, 2, restarts=True, thinking=thought)
        yield Chunk("", 2, Usage(7, 2, "stop", 0.25, 0.5))

    return script


def thinking_first(*thoughts: str, answer: str) -> Script:
    """Thinks in these pieces and then answers in one; without an answer it fails as the client does."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        for count, thought in enumerate(thoughts, start=1):
            yield Chunk("", count, thinking=thought)
        if not answer:
            raise MemberError("it thought and gave no answer; raise max_tokens", kind="empty")
        n_tokens = len(thoughts) + 1
        yield Chunk(answer, n_tokens)
        yield Chunk("", n_tokens, Usage(7, n_tokens, "stop", 0.25, 0.5))

    return script


def failing(kind: str, message: str, *pieces: str) -> Script:
    """Says these pieces, then fails."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        for count, piece in enumerate(pieces, start=1):
            yield Chunk(piece, count)
        raise MemberError(message, kind=kind, partial_text="".join(pieces))

    return script


def hanging(*pieces: str) -> Script:
    """Says these pieces, then nothing until it is stopped."""

    def script(messages: Sequence[Message], stop: threading.Event | None) -> Generator[Chunk]:
        for count, piece in enumerate(pieces, start=1):
            yield Chunk(piece, count)
        assert stop is not None
        assert stop.wait(timeout=20), "nobody stopped the member"
        raise MemberError("stopped", kind="stopped", partial_text="".join(pieces))

    return script


class ScriptedMember:
    """A member whose next answers are a list of scripts, the last of them repeated."""

    def __init__(self, name: str, *scripts: Script) -> None:
        self.name = name
        self.scripts = list(scripts)
        self.asked: list[tuple[Message, ...]] = []
        self.options: list[Sampling | None] = []
        self.n_closed = 0
        self.pauses: list[float] = []
        """What it says of how long it is to be left alone, one after the other."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        options: Sampling | None = None,
        stop: threading.Event | None = None,
    ) -> Generator[Chunk]:
        self.asked.append(tuple(messages))
        self.options.append(options)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            yield from script(messages, stop)
        except GeneratorExit:
            self.n_closed += 1
            raise

    @property
    def pause_seconds(self) -> float:
        return self.pauses.pop(0) if self.pauses else 0.0

    def health(self) -> MemberHealth:
        return MemberHealth(self.name, MemberStatus.READY)

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass


class ScriptedEnsemble:
    """A registry of scripted members."""

    def __init__(self, *members: ScriptedMember, n_parallel: int | None = None, samples: int = 1) -> None:
        self.by_name = {member.name: member for member in members}
        self.configs = tuple(
            MemberConfig(
                name=member.name,
                backend=Backend.OPENAI,
                model=f"model of {member.name}",
                limits=Limits(n_parallel=n_parallel),
                samples=samples,
            )
            for member in members
        )

    def get(self, name: str) -> ScriptedMember:
        if name not in self.by_name:
            raise NotFound(f"there is no member {name!r}")
        return self.by_name[name]

    def health(self) -> tuple[MemberHealth, ...]:
        return tuple(member.health() for member in self.by_name.values())

"""A child process that holds the heavy models, so that this process never imports torch.

Invariant: at most one child per ``EngineProcess``; it ends when this process ends, however that
happens, and a child that dies costs one ``RankerError``, after which the next call starts another.
Non-goal: what the models do; they are named objects whose methods are called by name.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blender_ui.errors import RankerError
from blender_ui.values import FloatArray, RankingPrompt

READER = "reader"
READER_WITH_LIKELIHOODS = "reader with likelihoods"
"""What versions from before were trained with."""
JOINT = "joint"
CALL_TIMEOUT_SECONDS = 600.0
"""The longest call: a reader that is loaded for the first time and reads a page of answers."""
_KEPT_BYTES = 256 * 2**20


class Readings(NamedTuple):
    """Vectors and the fingerprint of the reader that read them.

    Attributes:
        fingerprint: ``Reader.fingerprint``; vectors of different fingerprints must not be mixed.
        vectors: Shape (n_answers, width), float32.
    """

    fingerprint: str
    vectors: FloatArray


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call in the child: make or reuse ``loaders[name](*key)``, then use an attribute of it."""

    name: str
    key: tuple[Any, ...]
    attribute: str
    args: tuple[Any, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a call gave: a value, or the sentence that says why there is none."""

    value: Any = None
    error: str | None = None


class EngineProcess:
    """Starts the child on the first call, gives it calls one at a time, and replaces it when it dies.

    Args:
        loaders: Makers of the objects by name, module-level functions or partials of them, because
            they are pickled. They run in the child, each when its object is first asked for.
        n_threads: Threads of the child's numeric libraries.
    """

    def __init__(self, loaders: Mapping[str, Callable[..., Any]], *, n_threads: int = 1) -> None:
        self._loaders = dict(loaders)
        self._n_threads = n_threads
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._is_closed = False

    @property
    def process_id(self) -> int | None:
        """Id of the running child, None where there is none."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def read(
        self, prompt: RankingPrompt, answers: Sequence[str], *, fingerprint: str | None = None
    ) -> Readings:
        """Read answers with the frozen reader; ``vectors`` has one row an answer.

        Args:
            prompt: What is answered.
            answers: The texts.
            fingerprint: Of the reader that is wanted, where it matters; another one may come where there
                is none with it.

        Raises:
            RankerError: If the child died, could not load the reader, or the reader raised.
        """
        name = READER
        if fingerprint is not None and READER_WITH_LIKELIHOODS in self._loaders:
            name = READER if self.call(READER, "fingerprint") == fingerprint else READER_WITH_LIKELIHOODS
        vectors = self.call(name, "read", prompt, tuple(answers))
        return Readings(self.call(name, "fingerprint"), np.asarray(vectors, dtype=np.float32))

    def pairwise_logits(self, folder: Path, prompt: RankingPrompt, candidates: Sequence[str]) -> FloatArray:
        """Compare candidates with the joint ranker in a checkpoint's folder.

        Returns:
            Shape (n, n), as ``Ranker.pairwise_logits`` has it.

        Raises:
            RankerError: As ``read``.
        """
        logits = self.call(JOINT, "pairwise_logits", prompt, tuple(candidates), key=(folder,))
        return np.asarray(logits, dtype=np.float64)

    def read_pairs(
        self,
        folder: Path,
        prompt: RankingPrompt,
        candidates: Sequence[str],
        pairs: Sequence[tuple[int, int]],
    ) -> FloatArray:
        """Compare chosen ordered pairs with the joint ranker in a checkpoint's folder.

        Args:
            folder: The checkpoint.
            prompt: What the candidates answer.
            candidates: n texts.
            pairs: m pairs (first, second) of indices into ``candidates``.

        Returns:
            Shape (m,), logits as in ``pairwise_logits``.

        Raises:
            RankerError: As ``read``.
        """
        logits = self.call(JOINT, "read_pairs", prompt, tuple(candidates), tuple(pairs), key=(folder,))
        return np.asarray(logits, dtype=np.float64)

    def call(
        self,
        name: str,
        attribute: str,
        *args: Any,
        key: tuple[Any, ...] = (),
        timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        **options: Any,
    ) -> Any:
        """Use an attribute of the object ``name``: call it if it is a method, else give its value.

        Args:
            name: A key of ``loaders``.
            attribute: The method or property.
            args: Positional arguments, pickled.
            key: Arguments of the loader. Another key than last time replaces the object.
            timeout_seconds: After which the child counts as hung and is ended.
            options: Keyword arguments, pickled.

        Raises:
            RankerError: If the loader or the method raised, or the child died or hung.
        """
        request = Request(name=name, key=key, attribute=attribute, args=args, options=options)
        with self._lock:
            reply = self._exchange(request, timeout_seconds)
        if reply.error is not None:
            raise RankerError(reply.error)
        return reply.value

    def warm_up(self, name: str = READER) -> None:
        """Load an object in the background; a failure is left for the first real call to report."""
        threading.Thread(target=self._load_quietly, args=(name,), name="engine-warm-up", daemon=True).start()

    def close(self) -> None:
        """End the child; a call after this raises ``RankerError``."""
        self._is_closed = True
        child = self._child
        if child is not None:
            child.kill()  # a call in flight sees the pipe close, and gives the lock back
        with self._lock:
            self._end_child()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, so that whoever works in the background has nothing left to do."""
        return self._is_closed

    def _load_quietly(self, name: str) -> None:
        try:
            self.call(name, "fingerprint")
        except RankerError:
            return

    def _exchange(self, request: Request, timeout_seconds: float) -> Reply:
        try:
            pipe = self._ready_pipe()
            pipe.send(request)
            if pipe.poll(timeout_seconds):
                reply: Reply = pipe.recv()
                return reply
            reason = f"gave no answer within {timeout_seconds:g} s and was ended"
        except (OSError, EOFError):
            reason = f"died ({_describe_end(self._wait())})"
        self._end_child()
        return Reply(
            error=f"the engine process {reason} during {request.name}.{request.attribute}; "
            "try again, a new one is started by itself"
        )

    def _ready_pipe(self) -> Connection:
        self._check_open()
        if self._pipe is not None and self.process_id is not None:
            return self._pipe
        self._end_child()
        ours, theirs = socket.socketpair()
        threads = str(self._n_threads)
        variables = {
            "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # transformers heeds it too, and draws one a model
            # glibc gives large arrays back to the system after every layer and faults them in again,
            # an eighth of a reading's time. Another C library ignores these.
            "MALLOC_TOP_PAD_": str(_KEPT_BYTES),
            "MALLOC_MMAP_THRESHOLD_": str(_KEPT_BYTES),
            "MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES),
        }
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "blender_ui.engine.process_child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the parent; the child goes when the pipe closes
                env={**os.environ, **variables},
            )
        self._pipe = Connection(ours.detach())
        self._check_open()  # closed in between, it would be waited for until the call's end
        self._pipe.send(self._loaders)
        return self._pipe

    def _check_open(self) -> None:
        if self._is_closed:
            raise RankerError("the engine process was closed with the app; start the app again")

    def _wait(self) -> int | None:
        if self._child is None:
            return None
        try:
            return self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return None

    def _end_child(self) -> None:
        pipe, child = self._pipe, self._child
        self._pipe = self._child = None
        if child is not None and child.poll() is None:
            child.kill()
            child.wait()
        if pipe is not None:
            pipe.close()


def _describe_end(code: int | None) -> str:
    match code:
        case None:
            return "its end of the pipe was closed"
        case -9:
            return "killed by signal 9, as the system does when memory runs out"
        case negative if negative < 0:
            return f"killed by signal {-negative}"
        case _:
            return f"exit code {code}"

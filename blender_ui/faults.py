"""The outermost edge: whatever was raised becomes a sentence, and what nobody foresaw goes to the log.

Invariant: no traceback and no text of another program's, such as SQL, reaches a page or a terminal;
nothing is lost by that, because the log has it under the id that the sentence names. Non-goal: errors of
the database, which ``blender_ui.store`` translates.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path

from blender_ui.errors import BlenderError, SettingsError, StorageError, UnexpectedError
from blender_ui.settings import Settings, load_settings

LOG_NAME = "faults.log"
"""In the home folder."""
BROKEN_PIPE = 141
"""Exit status of a command whose reader went away, as shells have it."""

SYSTEM = os.name
"""Of this machine, as Python calls it."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered, which its errors and log lines name; empty outside of one."""

_log = logging.getLogger(__name__)

_FULL = "make room there, then try again"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "its size is limited there; raise the limit or choose another place, then try again",
    errno.EROFS: "choose a place that can be written",
    errno.EACCES: "give this user the right, or choose another place",
    errno.EPERM: "give this user the right, or choose another place",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file; check the path",
    errno.EISDIR: "it is a folder; name a file",
    errno.EEXIST: "something else has that name; choose another",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EINVAL: "check the path",
    errno.EIO: "the disk may be broken; see the system's log",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) and start again",
    errno.ENFILE: "too many files are open on this machine; close other programs",
    errno.ETXTBSY: "a program is running from it; end that first",
    errno.EBUSY: "something else uses it; try again when it is done",
    errno.ENOMEM: "memory ran out; close other programs",
    errno.ESTALE: "the disk's server has forgotten the file; mount it again",
    errno.ENODEV: "the disk is gone; mount it again",
}


_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""In a RuntimeError with which a host's allocator or a library on a device reports a lack of memory."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, by Python's, the host's or a device's word for it; torch need not be there."""
    # torch's own type, by name, because the processes of pages and jobs do not import torch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_MEMORY)


def tell(error: Exception) -> BlenderError:
    """The error as a person may hear it; one that nobody foresaw is logged under an id."""
    if isinstance(error, BlenderError):
        return error
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        return StorageError(describe_os_error(error))
    fault = request_id.get() or secrets.token_hex(4)
    _log.error("fault %s", fault, exc_info=error)
    return UnexpectedError(
        f"something failed that nobody foresaw ({type(error).__name__}); "
        f"{LOG_NAME} in the home folder has the details under {fault}"
    )


def describe_os_error(error: OSError, path: Path | None = None) -> str:
    """What the system refused, and what to do.

    Args:
        error: From the system.
        path: What to call the place; None for the last part of the path that the error has, because
            strangers need not know where things lie.
    """
    named = path if path is not None else error.filename and Path(os.fsdecode(error.filename)).name
    what = f"{named}: " if named else ""
    remedy = _REMEDIES.get(error.errno or 0, "see the system's log")
    # The system's own words: a library's may be of several lines.
    why = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
    return f"{what}{why}; {remedy}"


def run_command(
    name: str, act: Callable[[Settings], int], *, environ: Mapping[str, str] | None = None
) -> int:
    """Run a command from the environment's settings; a failure is one sentence and exit status 1.

    Args:
        name: What to call it in the sentence.
        act: Gives the exit status.
        environ: None for this process' own.
    """
    try:
        _check_system()
        settings = load_settings(os.environ if environ is None else environ)
        keep_log(settings.home_path / LOG_NAME)
        return act(settings)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is buffered has nowhere to go, and Python would say so once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the process' edge: every failure becomes a sentence
        print(f"{name}: {tell(error)}", file=sys.stderr, flush=True)
        return 1


def _check_system() -> None:
    """Files are locked and children are handed sockets as POSIX has it."""
    if SYSTEM != "posix":
        raise SettingsError("this needs Linux or macOS; on Windows run it in WSL or take the Docker image")


def keep_log(path: Path) -> None:
    """Write the details of faults to a file, made when it is needed, instead of the terminal."""
    for handler in list(_log.handlers):
        _log.removeHandler(handler)
        handler.close()
    handler = _FaultLog(path, delay=True, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    _log.addHandler(handler)
    _log.propagate = False


class _FaultLog(logging.FileHandler):
    """Says in a line what it could not write to its file."""

    def emit(self, record: logging.LogRecord) -> None:
        try:  # logging opens the file outside of what it guards, and a home may not be there yet
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = record.exc_info[1] if record.exc_info else None
        print(f"{record.getMessage()}: {error!r}; {self.baseFilename} cannot be written", file=sys.stderr)

"""Every error that Blender UI raises on purpose, drawn as one tree.

    BlenderError
    ├── SettingsError            a setting, members.toml or command option is wrong
    ├── MissingPackage           an optional package is not installed
    ├── WeightsUnavailable       no source of a model gave the bytes its hash asks for
    ├── NotFound                 a row was asked for that does not exist
    ├── Refused                  the request is understood and not allowed now
    │   ├── LeaseLost            the comparison is no longer this annotator's to answer
    │   ├── QuotaUsedUp          a visitor or a key has done as much as one may for now
    │   └── NotPermitted         this role may not do it
    │       └── NotSignedIn      nobody is signed in, and somebody must be
    ├── MalformedInput           text from outside does not have the form it must have
    │   └── UnknownShape         a file's columns are those of no known tool
    ├── SchemaMismatch           the database is of another version than the code
    ├── StorageError             a disk or the database does not do its part, whatever is asked of it
    ├── UnexpectedError          a fault of the program; the details are in the log
    ├── MemberError              a member did not answer; kept as a CandidateFailure
    ├── NoRanker                 nothing has been trained yet
    ├── RankerError              a checkpoint or its inputs cannot be used
    └── FusionError              the fuser did not give an answer

A message says what was expected, what came, and what to do next. Foreign errors are translated
where they enter, with ``raise ... from``; nothing here knows HTTP, SQL or Gradio.
"""


class BlenderError(Exception):
    """Base of every error that Blender UI raises on purpose; safe to show to a person."""


class SettingsError(BlenderError):
    """A setting, a line of members.toml or a command's option cannot be used."""


class MissingPackage(BlenderError):
    """An optional package is not installed; the message names the command that installs it."""


class WeightsUnavailable(BlenderError):
    """No source of a model could give the bytes that its hash asks for."""


class NotFound(BlenderError):
    """A row was asked for by its key and does not exist."""


class Refused(BlenderError):
    """The request is understood and not allowed in the present state."""


class LeaseLost(Refused):
    """The comparison is no longer this annotator's to answer: expired, answered or released."""


class QuotaUsedUp(Refused):
    """A visitor, an address or a key has done as much as one may for now; the message says when to come back.

    Attributes:
        wait_seconds: Until then; None where it is not known.
    """

    def __init__(self, message: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class NotPermitted(Refused):
    """This annotator's role may not do what was asked."""


class NotSignedIn(NotPermitted):
    """Nobody is signed in in this browser, and what was asked needs somebody."""


class MalformedInput(BlenderError):
    """Text from outside does not have the form it must have.

    Attributes:
        faults: One ``(line, reason)`` per malformed line, lines counted from 1; empty when the
            fault is of the whole input.
        columns: Names of a table's columns, which a person can map; empty where there is no table.
    """

    def __init__(
        self, message: str, *, faults: tuple[tuple[int, str], ...] = (), columns: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.faults = faults
        self.columns = columns


class UnknownShape(MalformedInput):
    """The columns of a file are those of no known tool."""


class SchemaMismatch(BlenderError):
    """The database's schema is not the one that this code was written for."""


class StorageError(BlenderError):
    """A disk or the database cannot be read or written, whatever was asked; the same may succeed later."""


class HubError(BlenderError):
    """A hub cannot be reached, or refuses; nothing was changed there."""


class UnexpectedError(BlenderError):
    """A fault of the program; the message has the id under which the log tells the details."""


class MemberError(BlenderError):
    """A member did not answer.

    Attributes:
        kind: One of the values of ``db.models.FailureKind``.
        partial_text: What had been streamed before the failure.
    """

    def __init__(self, message: str, *, kind: str, partial_text: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.partial_text = partial_text


class NoRanker(BlenderError):
    """No ranker has been trained yet; the message says what is needed."""


class RankerError(BlenderError):
    """A ranker's checkpoint, or what it was given to rank, cannot be used."""


class ChooserError(BlenderError):
    """A chooser of members, or what it was given to learn from, cannot be used."""


class FusionError(BlenderError):
    """The fuser did not give an answer that can be shown."""

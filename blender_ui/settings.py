"""Where things lie and how the app behaves, read once from the environment at the start.

Nothing here opens a file or a connection. Every variable begins with ``BLENDER_UI_``; an unknown
one is an error, because a misspelt setting that does nothing costs an afternoon.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from blender_ui.errors import SettingsError

PREFIX = "BLENDER_UI_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_MEMBERS_PATH = Path("members.toml")
SPACE_FRAMES = "https://huggingface.co,https://*.huggingface.co,https://*.hf.space"
FROM_GRADIO = {"host": "GRADIO_SERVER_NAME", "port": "GRADIO_SERVER_PORT"}
"""Gradio's own variables, which count where ours are not set; ``GRADIO_ROOT_PATH`` it reads itself."""

Folder = Annotated[Path, AfterValidator(Path.expanduser)]
Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]


def _check_frames(text: str) -> str:
    """Addresses as a browser's policy takes them; anything else could end the policy and begin another."""
    for address in filter(None, map(str.strip, text.split(","))):
        if not re.fullmatch(r"https?://(\*\.)?[\w-]+(\.[\w-]+)*(:\d+)?", address, re.ASCII):
            raise PydanticCustomError(
                "frames", "addresses such as https://wiki.example, with commas between them"
            )
    return text


Frames = Annotated[str, AfterValidator(_check_frames)]


def _variable(name: str) -> str:
    return PREFIX + name.removesuffix("_path").upper()


def _aliases(name: str) -> AliasChoices:
    return AliasChoices(_variable(name), *filter(None, [FROM_GRADIO.get(name)]))


@dataclass(
    frozen=True,
    kw_only=True,
    config=ConfigDict(
        alias_generator=AliasGenerator(validation_alias=_aliases),
        validate_by_name=True,
        validate_default=True,
        extra="forbid",
    ),
)
class Settings:
    """All settings, with their defaults.

    Attributes:
        home_path: Folder of this installation's data: database, job queue, rankers.
        weights_path: Cache of model weights, shared between installations.
        members_path: The members' configuration, see ``members.file.find_members_file``.
        database_url: SQLAlchemy URL; empty for a SQLite file in ``home_path``.
        wait_for_disk: Whether a vote on SQLite is acknowledged only when the disk has it, so that it outlives
            a power cut; "yes" or "no".
        host: Address the page is served on; without it ``GRADIO_SERVER_NAME``, as Spaces set it.
        port: Port the page is served on, 0 for a free one; without it ``GRADIO_SERVER_PORT``.
        hosts: Names that people reach the app by, with commas between them, beside this machine's own:
            a proxy's, a server's in the house. Once there are some, no other name is answered to.
        frames: Addresses of pages elsewhere that may show the app in a frame, such as ``https://wiki.example``,
            with commas between them; on a Hugging Face Space, the hub's unless it is set.
        reader: Name in the weights' catalogue of the frozen reader under the fast ranker.
        fuser: Name of the member that fuses, or the folder of a seq2seq checkpoint; empty for the
            trained version that is active or, without one, the member that ``fuses_first``.
        top_k: How many candidates, best first, the fuser is given.
        train_every: New preferences after which a training is asked for by itself; 0 for never.
        lease_seconds: How long a pair stays an annotator's without a sign of life.
        overlap: How many people are asked each pair of the queue.
        seed: Seed of the samples, folds and attacks of an evaluation. Not of what keeps a vote blind,
            which comes from the installation's secret.
        hub: Whether model hubs may be asked for weights; "yes" or "no".
        access: "open" where everybody is the admin; "accounts" where people sign in;
            "demo" where a visitor without an account is an anonymous annotator.
        snapshots: A data set of a hub, ``owner/name``, that keeps this installation where the disk is
            emptied at each start, as a Space's is; empty for none. It is made private, and restored into
            an empty home.
        snapshot_seconds: The longest that a change waits before it is in a snapshot.
        run_code: "yes" to run code of prompts and answers in the sandbox before answers are ranked; never in
            a demo, and on x86-64 Linux alone.
        examples: "yes" to bring the package's recorded rounds, in a project of their own, into a demo and
            into a new store where nobody signs in; "no" to leave them out.
        visitor_asks: In a demo, questions that a visitor without an account may ask within an hour.
        address_asks: And all visitors of one address (of IPv6, one /64 network).
        visitor_characters: Of one question of a visitor, the text below it included.
        visitor_questions: Of visitors that are kept; beyond, the oldest that nobody voted on are deleted.
        address_visitors: New visitors who may be lent a pair within an hour, from one address.
        visitor_rows: Rows of visitors who have not voted, skipped or asked; they are used again.
        visitor_leases: Pairs that visitors hold at once, in all.
        address_leases: And those of one address.
        visitor_lease_seconds: How long a pair stays a visitor's without a sign of life.
        visitor_asks_at_once: Visitors' questions that the members answer at once.
        visitor_asks_waiting: And that wait for their turn; of one address, half of them.
        visitor_requests: Of the pages, a second, that one visitor of a demo may send; faster ones wait.
        address_requests: And all of one address that nobody knows by an account.
        trusted_proxies: How many proxies in front of the app add an address to X-Forwarded-For; 0
            where the header is anybody's word. On a Hugging Face Space, 1 unless it is set.
        log_level: From which on lines are logged, as JSON, to the standard error stream.
        webhook_hosts: Names and addresses in the house that webhooks may go to, also by http, with commas
            between them; every other must be on the public internet.
        worker: "spawn" to start the background worker with the app, "none" where it runs apart.
    """

    home_path: Folder = Path("var")
    weights_path: Folder = Path("~/.cache/blender-ui/weights")
    members_path: Folder = DEFAULT_MEMBERS_PATH
    database_url: str = ""
    wait_for_disk: Literal["yes", "no"] = "yes"
    host: str = "127.0.0.1"
    port: Natural = 7860
    hosts: str = ""
    frames: Frames = ""
    reader: str = "smollm2-135m"
    fuser: str = ""
    top_k: Positive = 3
    train_every: Natural = 50
    lease_seconds: Positive = 600
    overlap: Positive = 1
    seed: int = 20231
    hub: Literal["yes", "no"] = "no"
    access: Literal["open", "accounts", "demo"] = "open"
    snapshots: str = ""
    run_code: Literal["yes", "no"] = "no"
    snapshot_seconds: Positive = 45
    examples: Literal["yes", "no"] = "yes"
    visitor_asks: Positive = 20
    address_asks: Positive = 60
    visitor_characters: Positive = 4000
    visitor_questions: Positive = 2000
    address_visitors: Positive = 40
    visitor_rows: Positive = 500
    visitor_leases: Positive = 200
    address_leases: Positive = 40
    visitor_lease_seconds: Positive = 120
    visitor_asks_at_once: Positive = 2
    visitor_asks_waiting: Natural = 8
    visitor_requests: Positive = 8
    address_requests: Positive = 20
    trusted_proxies: Natural = 0
    webhook_hosts: str = ""
    worker: Literal["spawn", "none"] = "spawn"
    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    @property
    def may_run_code(self) -> bool:
        """Whether code that members wrote may run here; in a demo anybody could have them write it."""
        return self.run_code == "yes" and self.access != "demo"

    @property
    def is_on_loopback(self) -> bool:
        """Whether only programs of this machine can reach the app."""
        return self.host.strip("[]") in LOOPBACK

    def list_webhook_hosts(self) -> frozenset[str]:
        """The hosts in the house that webhooks may go to."""
        return frozenset(filter(None, (one.strip().lower() for one in self.webhook_hosts.split(","))))

    @property
    def store_url(self) -> str:
        """URL of the database of rows."""
        return self.database_url or f"sqlite:///{self.home_path / 'blender.sqlite'}"

    @property
    def store_name(self) -> str:
        """The same URL for people and logs: without its password."""
        return _hide_password(self.store_url)

    @property
    def jobs_url(self) -> str:
        """URL of the job queue's own database: beside the rows on SQLite, the same server else."""
        return self.database_url or f"sqlite:///{self.home_path / 'jobs.sqlite'}"

    @property
    def rankers_path(self) -> Path:
        """Folder of the trained rankers' checkpoints."""
        return self.home_path / "rankers"

    @property
    def choosers_path(self) -> Path:
        """Folder of the trained choosers of members."""
        return self.home_path / "choosers"

    @property
    def prompt_encoder_path(self) -> Path:
        """Folder of the choosers' encoder of prompts, made from another model's weights once."""
        return self.weights_path / "readers" / "prompt-encoder"

    @property
    def fusers_path(self) -> Path:
        """Folder of the trained fusers' checkpoints."""
        return self.home_path / "fusers"


def list_set(environ: Mapping[str, str]) -> list[str]:
    """Names of the variables of ours that are set, sorted."""
    return sorted(name for name in environ if name.startswith(PREFIX))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Args:
        environ: ``os.environ``, or any mapping of the same form.

    Raises:
        SettingsError: If a variable with the prefix is unknown or its value has the wrong form.
    """
    asked = {variable: text for variable, text in environ.items() if variable.startswith(PREFIX)}
    for name, variable in FROM_GRADIO.items():
        if environ.get(variable) and _variable(name) not in asked:
            asked[variable] = environ[variable]
    if environ.get("SPACE_ID"):
        asked.setdefault(_variable("trusted_proxies"), "1")
        asked.setdefault(_variable("frames"), SPACE_FRAMES)
        asked.setdefault(_variable("access"), "demo")  # a Space is open to the world
    try:
        return _adapter().validate_python(asked)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
    where, found, limits = error["loc"][0], error["input"], error.get("ctx", {})
    match error["type"]:
        case "unexpected_keyword_argument":
            known = ", ".join(sorted(_variable(field.name) for field in fields(Settings)))
            raise SettingsError(f"{where} is not a setting; the settings are {known}")
        case "greater_than_equal":
            raise SettingsError(f"{where} must be at least {limits['ge']}, not {found}")
        case "literal_error":
            expected = limits["expected"].replace("'", "")
            raise SettingsError(f"{where} must be {expected}, not {found!r}")
        case "frames":
            raise SettingsError(f"{where} must be {error['msg']}, not {found!r}")
        case _:
            raise SettingsError(f"{where} must be a whole number, not {found!r}")


@functools.cache
def _adapter() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)


def _hide_password(url: str) -> str:
    """By its looks, because what is no address at all may hold a password as well."""
    start = r".*?//[^:/@]*" if "//" in url else r"[^:/@]*"
    url = re.sub(rf"^({start}):.*@", r"\1:***@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", url)

"""Where things lie and how the app behaves, read once from the environment at the start.

Nothing here opens a file or a connection. Every variable begins with ``BLENDER_UI_``; an unknown
one is an error, because a misspelt setting that does nothing costs an afternoon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from blender_ui.errors import SettingsError

PREFIX = "BLENDER_UI_"
FROM_GRADIO = {"GRADIO_SERVER_NAME": "host", "GRADIO_SERVER_PORT": "port"}
"""What Gradio's own variables set where ours do not; ``GRADIO_ROOT_PATH`` it reads itself."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings, with their defaults.

    Attributes:
        home_path: Folder of this installation's data: database, job queue, rankers.
        weights_path: Cache of model weights, shared between installations.
        members_path: The members' configuration, see ``members.toml``.
        database_url: SQLAlchemy URL; empty for a SQLite file in ``home_path``.
        host: Address the page is served on; without it ``GRADIO_SERVER_NAME``, as Spaces set it.
        port: Port the page is served on, 0 for a free one; without it ``GRADIO_SERVER_PORT``.
        hosts: Names that people reach the app by, with commas between them, beside this machine's own:
            a proxy's, a server's in the house. Once there are some, no other name is answered to.
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
        visitor_asks: In a demo, questions that a visitor without an account may ask within an hour.
        address_asks: And all visitors of one address (of IPv6, one /64 network).
        address_visitors: New visitors who may be lent a pair within an hour, from one address.
        visitor_rows: Rows of visitors who have not voted, skipped or asked; they are used again.
        visitor_leases: Pairs that visitors hold at once, in all.
        address_leases: And those of one address.
        visitor_lease_seconds: How long a pair stays a visitor's without a sign of life.
        visitor_asks_at_once: Visitors' questions that the members answer at once.
        visitor_asks_waiting: And that wait for their turn; of one address, half of them.
        trusted_proxies: How many proxies in front of the app add an address to X-Forwarded-For; 0
            where the header is anybody's word. On a Hugging Face Space, 1 unless it is set.
        worker: "spawn" to start the background worker with the app, "none" where it runs apart.
    """

    home_path: Path = Path("var")
    weights_path: Path = Path("~/.cache/blender-ui/weights")
    members_path: Path = Path("members.toml")
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 7860
    hosts: str = ""
    reader: str = "smollm2-135m"
    fuser: str = ""
    top_k: int = 3
    train_every: int = 50
    lease_seconds: int = 600
    overlap: int = 1
    seed: int = 20231
    hub: str = "no"
    access: str = "open"
    visitor_asks: int = 20
    address_asks: int = 60
    address_visitors: int = 40
    visitor_rows: int = 500
    visitor_leases: int = 200
    address_leases: int = 40
    visitor_lease_seconds: int = 120
    visitor_asks_at_once: int = 2
    visitor_asks_waiting: int = 8
    trusted_proxies: int = 0
    worker: str = "spawn"

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
    def fusers_path(self) -> Path:
        """Folder of the trained fusers' checkpoints."""
        return self.home_path / "fusers"


LEAST = {
    "top_k": 1,
    "overlap": 1,
    "lease_seconds": 1,
    "train_every": 0,
    "port": 0,
    "visitor_asks": 1,
    "address_asks": 1,
    "address_visitors": 1,
    "visitor_rows": 1,
    "visitor_leases": 1,
    "address_leases": 1,
    "visitor_lease_seconds": 1,
    "visitor_asks_at_once": 1,
    "visitor_asks_waiting": 0,
    "trusted_proxies": 0,
}
"""What a number must at least be."""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment.

    Args:
        environ: ``os.environ``, or any mapping of the same form.

    Raises:
        SettingsError: If a variable with the prefix is unknown or its value has the wrong form.
    """
    by_name = {field.name: field for field in fields(Settings)}
    values: dict[str, object] = {
        name: _parse(variable, environ[variable], by_name[name].default)
        for variable, name in FROM_GRADIO.items()
        if environ.get(variable)
    }
    if environ.get("SPACE_ID"):
        values["trusted_proxies"] = 1
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = _field_name(variable, by_name)
        if name is None:
            known = ", ".join(sorted(_variable(known_name) for known_name in by_name))
            raise SettingsError(f"{variable} is not a setting; the settings are {known}")
        values[name] = _parse(variable, text, by_name[name].default)
    settings = Settings(**values)  # type: ignore[arg-type]
    return _checked(replace(settings, weights_path=settings.weights_path.expanduser()))


def _variable(name: str) -> str:
    return PREFIX + name.removesuffix("_path").upper()


def _field_name(variable: str, names: Mapping[str, object]) -> str | None:
    return next((name for name in names if _variable(name) == variable), None)


def _parse(variable: str, text: str, default: object) -> object:
    if isinstance(default, Path):
        return Path(text).expanduser()
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError as error:
            raise SettingsError(f"{variable} must be a whole number, not {text!r}") from error
    return text


def _checked(settings: Settings) -> Settings:
    if settings.hub not in ("yes", "no"):
        raise SettingsError(f"{PREFIX}HUB must be yes or no, not {settings.hub!r}")
    if settings.access not in ("open", "accounts", "demo"):
        raise SettingsError(f"{PREFIX}ACCESS must be open, accounts or demo, not {settings.access!r}")
    if settings.worker not in ("spawn", "none"):
        raise SettingsError(f"{PREFIX}WORKER must be spawn or none, not {settings.worker!r}")
    for name, least in LEAST.items():
        if getattr(settings, name) < least:
            raise SettingsError(
                f"{PREFIX}{name.upper()} must be at least {least}, not {getattr(settings, name)}"
            )
    return settings


def _hide_password(url: str) -> str:
    """By its looks, because what is no address at all may hold a password as well."""
    start = r".*?//[^:/@]*" if "//" in url else r"[^:/@]*"
    url = re.sub(rf"^({start}):.*@", r"\1:***@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", url)

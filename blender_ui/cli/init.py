"""``blender-ui init``: find model servers, ask each model a question, and write members.toml.

Three questions to the person: which models answer, whether the package's own do, and which one fuses. Options
answer them in advance. Non-goal: members after that, which the Members page and members.toml itself change.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from blender_ui.errors import Refused, SettingsError
from blender_ui.faults import describe_os_error
from blender_ui.members.address import address_fault, tidied
from blender_ui.members.file import place_of_members
from blender_ui.members.finding import USUAL_SERVERS, Server, find_servers, look_at, try_model
from blender_ui.members.openai.endpoint import Endpoint
from blender_ui.members.starting_file import Tried, name_member, write_starting_file
from blender_ui.settings import Settings
from blender_ui.shipped import find_shipped

N_TAKEN = 4
"""Models that are taken where nobody says which: more would take long to load, and to read."""
_YES_OR_NO = {"y": True, "yes": True, "n": False, "no": False}
Ask = Callable[[str], str]


class Offer(NamedTuple):
    """A model that can be taken."""

    server: Server
    model: str
    key_env: str = ""


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Write members.toml and say what is in it."""
    path = place_of_members(settings)
    shipped = find_shipped("members.toml").read_text(encoding="utf-8")
    _check_free(path, shipped, replaces=options.replace)
    ask = _defaults if options.yes else _ask_at_terminal
    tried = _try_all(_choose_models(_look_around(options), ask, options))
    answering = [one.name for one in tried if not one.trial.fault]
    keeps_embedded = _choose_embedded(len(answering), ask, options)
    fuser = _choose_fuser(answering, ask, options)
    text = write_starting_file(shipped, tried, keeps_embedded=keeps_embedded, fuser=fuser)
    _write(path, text)
    print(f"{path}: {len(answering)} of your models{', and the three of the package' * keeps_embedded}.")
    print("Next: blender-ui serve")
    return 0


def _check_free(path: Path, shipped: str, *, replaces: bool) -> None:
    if path.is_file() and not replaces and path.read_text(encoding="utf-8", errors="replace") != shipped:
        raise Refused(
            f"{path} is there already; --replace writes a new one and keeps this one as {_kept(path).name}"
        )


def _look_around(options: argparse.Namespace) -> list[Offer]:
    """What can be taken: of the endpoint that was named, else of every server found here."""
    if options.endpoint:
        return _offers_of(options.endpoint, options.key_env or "", options.model)
    print("Looking for model servers on this machine.")
    found = find_servers()
    for server in USUAL_SERVERS:
        here = next((one for one in found if one.server == server), None)
        told = "nothing" if here is None else ", ".join(here.models) or here.fault
        print(f"  {server.title}, {server.base_url}: {told}")
    return [Offer(one.server, model) for one in found for model in one.models]


def _offers_of(address: str, key_env: str, models: Sequence[str] = ()) -> list[Offer]:
    """The models of an endpoint that a person named.

    Raises:
        SettingsError: If the address has a mistake, its key is not set, or it lists none and none is named.
    """
    if fault := address_fault(address):
        raise SettingsError(f"--endpoint: {fault}")
    if key_env and not os.environ.get(key_env):
        raise SettingsError(f"the environment variable {key_env} is not set; set it to the endpoint's key")
    server = Server(urlsplit(address).netloc, tidied(address))
    if models:
        return [Offer(server, model, key_env) for model in models]
    found = look_at(server, os.environ.get(key_env, "") if key_env else "")
    if not found.models:
        hint = (
            "; name the variable that holds it with --key-env" if found.wants_key else "; --model names one"
        )
        raise SettingsError(found.fault + hint)
    return [Offer(server, model, key_env) for model in found.models]


def _choose_models(offers: list[Offer], ask: Ask, options: argparse.Namespace) -> list[Offer]:
    if options.model:
        wanted = [offer for offer in offers if offer.model in options.model]
        if len(wanted) < len(set(options.model)):
            raise SettingsError(f"no server here has {set(options.model) - {one.model for one in wanted}}")
        return wanted
    while True:
        for number, offer in enumerate(offers, start=1):
            print(f"  {number:2}  {offer.model}  ({offer.server.title})")
        usual = " ".join(str(number) for number in range(1, min(len(offers), N_TAKEN) + 1)) or "none"
        said = ask(
            "1/3 Which models shall answer? Numbers, all, none, or the address of another endpoint and the "
            f"variable of its key [{usual}] "
        )
        try:
            chosen = _read_choice(said or usual, offers)
        except (SettingsError, ValueError) as error:
            print(f"  {error}")
            continue
        if chosen is not None:
            return chosen


def _read_choice(said: str, offers: list[Offer]) -> list[Offer] | None:
    """The chosen ones; None where an address was given, whose models are then among the offers."""
    words = said.replace(",", " ").split()
    if words in (["none"], ["all"]):
        return list(offers) if words == ["all"] else []
    if words and "://" in words[0]:
        offers += _offers_of(words[0], words[1] if len(words) > 1 else "", words[2:])
        return None
    numbers = [int(word) if re.fullmatch(r"\d{1,4}", word) else 0 for word in words]
    if not numbers or not all(1 <= number <= len(offers) for number in numbers):
        raise ValueError(f"expected numbers from 1 to {len(offers)}, all, none or an address; came {said!r}")
    return [offers[number - 1] for number in dict.fromkeys(numbers)]


def _try_all(chosen: Sequence[Offer]) -> list[Tried]:
    """Ask each a question, one after the other: a server may have to load each model."""
    tried: list[Tried] = []
    for offer in chosen:
        name = name_member(offer.model, offer.server, taken=[one.name for one in tried])
        key = os.environ.get(offer.key_env, "") if offer.key_env else ""
        print(f"  asking {name} ...", end=" ", flush=True)
        trial = try_model(Endpoint(name=name, base_url=offer.server.base_url, model=offer.model, key=key))
        print(trial.fault or f"{trial.answer[:60]!r} after {trial.seconds:.1f} s")
        tried.append(Tried(name, offer.server, offer.model, offer.key_env, trial))
    return tried


def _choose_embedded(n_answering: int, ask: Ask, options: argparse.Namespace) -> bool:
    usual = "yes" if n_answering < 2 else "no"
    if n_answering == 0 and options.embedded == "no":
        raise SettingsError(
            "no model answered, and --embedded no leaves the package's out: nobody would answer"
        )
    if n_answering == 0:
        print("2/3 None of your own answers yet, so the three small models of the package do.")
        return True
    question = (
        "2/3 Shall the three small models of the package answer too? They run on this machine's CPU and need "
        f"0.9 GB [{usual}] "
    )
    while True:
        said = (options.embedded or ask(question) or usual).lower()
        if said in _YES_OR_NO:
            return _YES_OR_NO[said]
        print(f"  expected yes or no; came {said!r}")


def _choose_fuser(answering: Sequence[str], ask: Ask, options: argparse.Namespace) -> str:
    """The name of the member that fuses; empty for the package's."""
    if not answering:
        return ""
    by_number = {str(number): name for number, name in enumerate(answering, start=1)}
    listed = ", ".join(f"{number} {name}" for number, name in by_number.items())
    while True:
        said = options.fuser or ask(f"3/3 Which one joins the best answers into one? {listed} [1] ") or "1"
        fuser = by_number.get(said, said)
        if fuser in answering:
            return fuser
        fault = f"expected one of {', '.join(answering)}, or its number; came {said!r}"
        if options.fuser:
            raise SettingsError(fault)
        print(f"  {fault}")


def _write(path: Path, text: str) -> None:
    """Give the file its name only when it is whole, and keep the one that was there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copy2(path, _kept(path))
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".members-", delete=False
        ) as draft:
            draft.write(text)
        os.chmod(draft.name, 0o644)
        os.replace(draft.name, path)
    except OSError as error:
        raise SettingsError(f"members.toml cannot be written: {describe_os_error(error, path)}") from error


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.before")


def _defaults(question: str) -> str:
    return ""


def _ask_at_terminal(question: str) -> str:
    if not sys.stdin.isatty():
        raise Refused("init asks three questions, and nobody is at a terminal; --yes takes the defaults")
    try:
        return input(question).strip()
    except EOFError:
        raise Refused("the questions were not answered, so nothing was written") from None

"""The ``blender-ui`` command: by command what the pages do.

This module only reads the command line and chooses; each command lives in a module of its own,
imported when it is asked for, so that ``blender-ui --help`` costs no model and no page.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from blender_ui import __version__
from blender_ui.cli.file_options import add_export, add_files
from blender_ui.faults import run_command
from blender_ui.outside import check_values
from blender_ui.settings import Settings

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0 done, 1 refused with a reason, 2 misused."""
    options = _parser().parse_args(arguments)

    def run(settings: Settings) -> int:
        check_values(vars(options))
        return _command(options.command)(settings, options)

    return run_command(f"blender-ui {options.command}", run)


def _command(name: str) -> Command:
    command: Command = importlib.import_module(f"blender_ui.cli.{_MODULES[name]}").run
    return command


_MODULES = {
    "serve": "serve",
    "worker": "worker",
    "train": "train",
    "ask": "ask",
    "rank": "rank",
    "fuse": "fuse",
    "generate": "generate",
    "record": "record",
    "import": "importing",
    "export": "exporting",
    "evaluate": "evaluate",
    "versions": "versions",
    "account": "account",
    "key": "key",
    "webhook": "webhook",
    "backup": "backup",
    "restore": "backup",
    "push": "sharing",
    "pull": "sharing",
    "init": "init",
    "doctor": "doctor",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="blender-ui", description="Compare, label, rank and fuse LLM answers."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("serve", help="open the app, with its members and its worker")
    commands.add_parser("worker", help="run the background worker by itself")
    _add_train(
        commands.add_parser("train", help="train a ranker, a fuser or a chooser on what there is so far")
    )
    _add_ask(commands.add_parser("ask", help="ask the members that are best for a prompt"))
    for name, verb in (("rank", "rank candidates"), ("fuse", "fuse candidates, best first, into one answer")):
        parser_of = commands.add_parser(name, help=f"{verb} for an instruction")
        _add_candidates(parser_of)
        if name == "fuse":
            parser_of.add_argument(
                "--rounds", type=int, choices=[1, 2], default=1, help="2: the members rewrite first"
            )
    _add_generate(commands.add_parser("generate", help="have members answer a project's prompts"))
    record = commands.add_parser(
        "record", help="record rounds for people to try the app on, as it ships them"
    )
    record.add_argument(
        "file", type=Path, metavar="FILE", help="where to write; its questions and answers are kept"
    )
    add_files(commands.add_parser("import", help="import prompts, candidates and preferences"))
    add_export(commands.add_parser("export", help="export the preferences"))
    _add_evaluate(
        commands.add_parser("evaluate", help="compare a ranker with people, or the ensemble with references")
    )
    versions = commands.add_parser("versions", help="list the rankers and where they stand")
    versions.add_argument("--json", action="store_true", help="print one JSON array")
    _add_account(commands.add_parser("account", help="make accounts, change passwords and roles"))
    _add_key(commands.add_parser("key", help="make, list and revoke keys of programs"))
    _add_webhook(
        commands.add_parser("webhook", help="make, list, try and remove webhooks, and read their log")
    )
    backup = commands.add_parser("backup", help="write everything into one file, also while people vote")
    backup.add_argument("--check", action="store_true", help="read a backup through instead")
    restore = commands.add_parser("restore", help="bring a backup into an empty home, on either database")
    for parser_of in (backup, restore):
        parser_of.add_argument("file", type=Path, metavar="FILE")
    push = commands.add_parser("push", help="put a trained version, or the preferences, on a model hub")
    pull = commands.add_parser("pull", help="take a trained version out of a repository of a model hub")
    for parser_of in (push, pull):
        parser_of.add_argument("name", metavar="OWNER/NAME", help="the repository")
    pushed = push.add_mutually_exclusive_group(required=True)
    pushed.add_argument("--version", type=int, metavar="N", help="its number on the Train page")
    pushed.add_argument("--preferences", action="store_true", help="into a data set, with a data card")
    push.add_argument("--project", type=int, metavar="N", help="of preferences: only this project's")
    push.add_argument("--public", action="store_true", help="make a new repository public; default: private")
    _add_init(commands.add_parser("init", help="find model servers, try them, and write members.toml"))
    doctor = commands.add_parser("doctor", help="say what is missing and how to get it")
    doctor.add_argument("--mend", action="store_true", help="get and repair what can be, then look again")
    return parser


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--yes", action="store_true", help="ask nothing: take the first models that are found"
    )
    parser.add_argument("--endpoint", metavar="ADDRESS", help="ask here instead of the usual local ports")
    parser.add_argument("--key-env", metavar="NAME", help="the environment variable that holds its key")
    parser.add_argument("--model", nargs="+", default=[], metavar="MODEL", help="take these models")
    parser.add_argument("--embedded", choices=["yes", "no"], help="whether the package's models answer too")
    parser.add_argument("--fuser", metavar="NAME", help="the member that fuses, by its name or number")
    parser.add_argument(
        "--replace", action="store_true", help="write a new members.toml where there is one; the old is kept"
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kind",
        choices=["fast", "joint", "pointwise", "fuser", "chooser"],
        default="fast",
        help="kind of ranker, a fuser, or a chooser of members; default: fast",
    )
    parser.add_argument(
        "--targets",
        nargs="+",
        choices=["reference", "preferred", "leave_one_out"],
        help="of a fuser: what it learns to write; default: each prompt's first of these that there is",
    )
    parser.add_argument("--base", help="of a fuser: a checkpoint's folder, or a name in the catalogue")
    parser.add_argument("--epochs", type=int, help="of a fuser: passes over the examples")
    parser.add_argument("--json", action="store_true", help="print the finished job as one JSON object")


def _add_ask(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instruction", required=True, help="what to ask")
    parser.add_argument("--input", default="", help="the text that the instruction is about")
    parser.add_argument("--k", type=int, default=3, help="members to ask, at most; default: 3")
    parser.add_argument("--budget", type=float, help="what they may cost together, in the prices' currency")
    parser.add_argument("--seconds", type=float, help="how long the slowest may take, by its answers so far")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_candidates(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--instruction", help="what was asked")
    asked.add_argument(
        "--messages",
        metavar="JSON",
        help="what was asked, as a conversation: a list of objects with role and content, the user's last; "
        "or @FILE to read one",
    )
    parser.add_argument("--input", default="", help="the text that the instruction is about")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("candidates", nargs="+", metavar="CANDIDATE", help="an answer, or @FILE to read one")


def _add_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", choices=["add", "password", "role", "list"])
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="that the person signs in with")
    parser.add_argument("--role", choices=["annotator", "researcher", "admin"], help="default: annotator")


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", choices=["make", "revoke", "list"])
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="what to call it; of revoke: its number"
    )
    parser.add_argument(
        "--role",
        choices=["annotator", "researcher", "admin"],
        default="annotator",
        help="default: annotator, which asks, ranks and votes, and is told no member's name",
    )
    parser.add_argument("--project", metavar="NUMBER", help="the one it works in; default: every one")
    parser.add_argument(
        "--requests", type=int, default=60, metavar="N", help="that it may send a minute; default: 60"
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=1_000_000,
        metavar="N",
        help="that members may read and write for it a day; default: 1000000",
    )


def _add_webhook(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("act", choices=["make", "list", "test", "log", "remove"])
    parser.add_argument(
        "of", nargs="?", default="", metavar="URL|NUMBER", help="of make: where messages go; else its number"
    )
    parser.add_argument(
        "--events",
        nargs="+",
        default=["version.promoted", "queue.empty", "member.failing", "drift.found"],
        metavar="EVENT",
        help="what it is told of; default: version.promoted queue.empty member.failing drift.found",
    )


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", default="1", help="its name or number; default: the first project")
    parser.add_argument("--source", metavar="NAME", help="only the prompts of this data set")
    parser.add_argument(
        "--members", nargs="+", metavar="MEMBER", help="only these; default: every enabled one"
    )
    parser.add_argument("--json", action="store_true", help="print the finished job as one JSON object")


def _ranker(text: str) -> int | Literal["start"]:
    if text == "start":
        return "start"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a version's number or the word start, came {text!r}"
        ) from None


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--preferences", type=Path, metavar="FILE", help="of a ranker: .jsonl or .jsonl.gz")
    what.add_argument(
        "--task",
        choices=["summarization", "qa", "code"],
        help="of the ensemble: members, best-ranked and fused answers beside references",
    )
    parser.add_argument(
        "--ranker",
        type=_ranker,
        metavar="VERSION",
        help="a ranker version's number, or start for the one that strangers' votes taught; "
        "default: the active one",
    )
    parser.add_argument("--file", type=Path, help="of a task: items of your own, JSON lines")
    parser.add_argument("--limit", type=int, metavar="N", help="of a task: at most N items")
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help="of a task: keep answers here, so that they are asked for once",
    )
    parser.add_argument(
        "--learn-from-references",
        action="store_true",
        help="of a task: rank by rankers that learnt from the references of the other items, in five folds",
    )
    parser.add_argument(
        "--attack",
        choices=["typos", "paraphrase", "distraction", "injection", "orders", "poison", "all"],
        help="of a task: once more with the input attacked",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="of a task: write the figures as HTML")
    parser.add_argument("--json", action="store_true", help="print one JSON value")

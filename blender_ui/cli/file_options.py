"""What the commands that read and write files are told. No command is imported here, and nothing is read."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_files(parser: argparse.ArgumentParser) -> None:
    """Of ``blender-ui import``."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a file, a data set's folder, its name on a hub, or an archive; see docs/exchange.md",
    )
    parser.add_argument(
        "--source", metavar="NAME", help="source of rows that name none; default: the file's name"
    )
    parser.add_argument(
        "--ask-labelled", action="store_true", help="ask people also about pairs that have labels"
    )
    parser.add_argument(
        "--skip-faulty",
        action="store_true",
        help="skip malformed rows, and name them, instead of refusing the file",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="which column holds what, such as prompt=Frage",
    )
    parser.add_argument(
        "--word",
        action="append",
        default=[],
        metavar="WORD=MEANING",
        help="what the winner's words mean, such as 0=a",
    )
    parser.add_argument(
        "--left-rows", type=Path, metavar="FILE", help="where to write the rows that are left out"
    )
    parser.add_argument(
        "--preview", action="store_true", help="say what a file would bring, and import nothing"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a file")


def add_export(parser: argparse.ArgumentParser) -> None:
    """Of ``blender-ui export``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="where to write")
    parser.add_argument(
        "--format",
        choices=[
            "jsonl",
            "csv",
            "parquet",
            "sft",
            "kto",
            "dpo",
            "best_of_n",
            "rejection_sampled",
            "archive",
        ],
        default="jsonl",
        help="rows of the store, a form for trainers, or an archive; default: jsonl",
    )
    parser.add_argument(
        "--file-type",
        choices=["jsonl", "csv", "parquet"],
        help="of a form for trainers; default: by the file's ending, else jsonl",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        metavar="P",
        help="of best_of_n and rejection_sampled: least probability of beating another answer; default: 0.5",
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=0.0,
        metavar="L",
        help="of the same: least log-odds by which an answer is ahead of the next; default: 0",
    )
    parser.add_argument(
        "--rank", action="store_true", help="of the same: rank prompts first that were not ranked yet"
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=0.0,
        metavar="A",
        help="only votes on pairs on which this share of the votes says the same, from 0 to 1",
    )
    parser.add_argument(
        "--project", type=int, metavar="N", help="only this project's prompts; not for an archive"
    )

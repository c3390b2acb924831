"""File formats of prompts, candidates and preferences. Knows files, not rows."""

from blender_ui.exchange.intake import read_file
from blender_ui.exchange.jsonl import read_records, write_records
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord, to_dataset
from blender_ui.exchange.tables import write_csv, write_parquet
from blender_ui.exchange.tally import LeftOutRows, Tally, say_left_out

__all__ = [
    "CandidateRecord",
    "LabelRecord",
    "LeftOutRows",
    "PromptRecord",
    "Tally",
    "read_file",
    "read_records",
    "say_left_out",
    "to_dataset",
    "write_csv",
    "write_parquet",
    "write_records",
]

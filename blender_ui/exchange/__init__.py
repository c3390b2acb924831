"""File formats in which prompts, candidates and preferences come and go. Knows files, not rows."""

from blender_ui.exchange.jsonl import read_records, write_records
from blender_ui.exchange.records import CandidateRecord, LabelRecord, PromptRecord, to_dataset
from blender_ui.exchange.shapes import read_file
from blender_ui.exchange.tables import write_csv, write_dpo, write_parquet

__all__ = [
    "CandidateRecord",
    "LabelRecord",
    "PromptRecord",
    "read_file",
    "read_records",
    "to_dataset",
    "write_csv",
    "write_dpo",
    "write_parquet",
    "write_records",
]

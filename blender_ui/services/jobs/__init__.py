"""Background work: its states, its progress while it runs, and its end.

Touches: rows of jobs and their curves.
Not for: what the work is (`training`, `asking`).
"""

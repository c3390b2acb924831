"""Work that a worker carries out: what it says of itself while it runs, and how it ends.

Touches: rows of jobs and their curves.
Not for: what the work is (`training`, `asking`).
"""

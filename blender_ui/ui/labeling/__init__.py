"""The label page: one blind pair at a time."""

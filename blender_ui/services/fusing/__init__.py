"""A prompt's fused answer, judged against its sources.

Touches: fusers, rows of fusions, and the round they belong to.
Not for: training a fuser (`training`).
"""

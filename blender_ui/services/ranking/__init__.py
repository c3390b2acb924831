"""A prompt's ranks by the active version, kept up to date with every vote.

Touches: readings, rankings, the live head, and the engine process.
Not for: training a version, and explaining one (`inspecting`).
"""

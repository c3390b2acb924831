"""A round: one prompt is asked of some members, each answer streams, stops and is kept by itself.

Touches: members, rows of prompts, candidates and failures, and jobs for whole projects.
Not for: judging or fusing answers.
"""

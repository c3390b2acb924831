"""PairRanker as a cross-encoder: one model reads the prompt and both candidates at once.

Importing this package imports torch and transformers; nothing else in ``blender_ui.ranking`` does
so by itself. Non-goal: the fast head over frozen readings, which lives beside it.
"""

from blender_ui.ranking.joint.ranker import JointRanker, ReadOptions, load_ranker

__all__ = ["JointRanker", "ReadOptions", "load_ranker"]
